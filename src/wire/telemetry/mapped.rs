//! Mapped records.
//!
//! A pointer points into the value as it is on the log, so into the envelope too if there is one
//! that is not opened. A constant wins over a mapped field, that over the record's own field, and
//! that over the path of the file; a mapped field that is absent is missing, not looked for
//! elsewhere.
//!
//! `open` finds the value and, in one `walk`, all that the mapping names in it. `place` finds the
//! rest (`step`), in texts within texts too (`part`), and `element` the samples of one record.
//! `rule`, `tensor` and `feature` make of it what is meant: another word, a time, a number
//! (`decimal`), the inputs of a model. `collect` puts the fields of one sample together, and `half`
//! says how two records are one call.

mod collect;
mod decimal;
mod element;
mod feature;
mod half;
mod memo;
mod moment;
mod names;
mod open;
mod part;
mod place;
mod rule;
mod stands;
mod step;
mod tensor;
mod walk;

use self::half::{side, texts_of};
use self::memo::Memo;
use self::open::OpenedRecord;
use self::place::RecordSeen;
use self::rule::Meant;
use self::stands::ElementAt;
use super::event::Own;
use super::fields::Fields;
use super::{Context, Raw, Rejected, Samples, TextArena, Told, kind};
use crate::model::{Mapping, PlaceRoot, Reject, SampleField, SampleKind};

/// The samples of a record.
pub(super) fn samples<'a>(
    record: &Raw<'a>,
    mapping: &Mapping,
    context: &Context<'_>,
    texts: &'a TextArena,
    told: Option<&mut Told>,
) -> Samples<'a> {
    match open::opened(record, mapping, context, texts) {
        Ok(opened) => Reader { record, mapping, context, texts, told }.samples(opened),
        Err(why) => Samples::One(Err(why)),
    }
}

/// Reads one record by its mapping.
struct Reader<'a, 'r> {
    record: &'r Raw<'a>,
    mapping: &'r Mapping,
    context: &'r Context<'r>,
    texts: &'a TextArena,
    told: Option<&'r mut Told>,
}

impl<'a> Reader<'a, '_> {
    fn samples(mut self, mut opened: OpenedRecord<'a>) -> Samples<'a> {
        let own = opened.own.take();
        let features = opened.features.take();
        let memo = Memo::default();
        let seen = RecordSeen {
            root: opened.root,
            found: opened.found,
            envelope: opened.envelope,
            element: None,
            memo: &memo,
            record: self.record,
            topic: self.context.topic,
            texts: self.texts,
        };
        if !self.is_ours(seen, false) {
            return Samples::NotOurs;
        }
        let kind = self.kind(seen, own.as_ref());
        let places = self.mapping.each.of(kind.as_ref().ok().copied());
        if places.is_empty() {
            let sample = self.sample(seen, kind, own, features);
            return Samples::One(sample.and_then(|sample| self.half(sample)));
        }
        let elements = element::of(places, &self.mapping.element, seen);
        let is_there = elements.as_ref().is_ok_and(Option::is_some);
        self.tell("each", kind.as_ref().ok().copied(), is_there.then_some(0));
        match elements {
            Err(why) => {
                let detail = format!("each ({}) is {why}", texts_of(places));
                let kind = kind.ok();
                Samples::One(Err(Rejected { kind, ..Rejected::new(Reject::WrongType, detail) }))
            }
            Ok(found) => self.of_elements(seen, &found.unwrap_or_default(), kind),
        }
    }

    /// The samples of a record that has several. A record without any is one that failed.
    fn of_elements(
        &mut self,
        seen: RecordSeen<'a, '_>,
        elements: &[ElementAt<'a>],
        kind: Result<SampleKind, Rejected>,
    ) -> Samples<'a> {
        let mut samples = Vec::new();
        if elements.is_empty() {
            if self.mapping.only.iter().any(|only| only.place.root == PlaceRoot::Element) {
                return Samples::NotOurs;
            }
            samples.push(self.sample(seen, kind.clone(), None, None));
        }
        for element in elements {
            let seen = RecordSeen { element: Some(element), ..seen };
            if self.is_ours(seen, true) {
                let kind = match &kind {
                    Ok(kind) => Ok(*kind),
                    Err(_) => self.kind(seen, None),
                };
                samples.push(self.sample(seen, kind, None, None));
            }
        }
        match kind.ok().filter(|kind| side(*kind).is_some()) {
            _ if samples.is_empty() => Samples::NotOurs,
            Some(_) => Samples::One(self.halves(samples)),
            None => Samples::Several(samples.into_iter().map(|read| self.half(read?)).collect()),
        }
    }

    /// Whether the record, or its element, is one of those that are meant.
    fn is_ours(&self, seen: RecordSeen<'a, '_>, of_element: bool) -> bool {
        self.mapping.only.iter().all(|only| {
            let in_element = only.place.root == PlaceRoot::Element;
            let found = || {
                let found = seen.at(&only.place)?.filter(|found| !found.is_nothing());
                Meant::of(found, seen)
            };
            // Nobody knows of one that cannot be read, so that it is not passed over.
            in_element != of_element
                || found().map_or(true, |meant| only.is.iter().any(|is| meant.fits(is)))
        })
    }

    fn kind(
        &self,
        seen: RecordSeen<'a, '_>,
        own: Option<&Own<'a>>,
    ) -> Result<SampleKind, Rejected> {
        if let Some(kind) = self.mapping.kind {
            return Ok(kind);
        }
        let mut fields = Fields::default();
        if let Some(found) = own.and_then(|own| own.fields.found(SampleField::Type)) {
            *fields.slot(SampleField::Type) = found.clone();
        }
        self.field(SampleField::Type, seen, &mut fields);
        let event = own.and_then(|own| own.kind.as_deref()).or(self.record.header("ce_type"));
        kind(&fields, None, event.filter(|_| self.mapping.own_names))
    }
}
