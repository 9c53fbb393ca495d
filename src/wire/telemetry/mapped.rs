//! Mapped records.
//!
//! A pointer points into the value as it is on the log, so into the envelope too if there is one
//! that is not opened. A constant wins over a mapped field, that over the record's own field, and
//! that over the path of the file; a mapped field that is absent is missing, not looked for
//! elsewhere.
//!
//! `open` finds the value and, in one `walk`, all that the mapping names in it. `place` finds the
//! rest (`step`), in texts within texts too (`part`), `element` the samples of one record, and
//! `rule`, `tensor` and `feature` make of what stands there what is meant: another word, a time, a
//! number (`decimal`), the inputs of a model.

mod decimal;
mod element;
mod feature;
mod memo;
mod open;
mod part;
mod place;
mod rule;
mod step;
mod tensor;
mod walk;

use std::borrow::Cow;

pub(super) use self::feature::MappedFeatures;
use self::memo::Memo;
use self::open::Opened;
use self::place::{ElementAt, Seen, Stands};
use self::rule::Meant;
use super::event::Own;
use super::fields::{FieldSlot, Fields, Found};
use super::value::Scalar;
use super::{
    Context, FieldTold, Raw, Rejected, Samples, Texts, Told, kind, record_missing, sample,
};
use crate::model::{
    FieldRule, HalfSide, Mapping, PathPattern, PlaceRoot, Reject, Sample, SampleKind,
};

/// The samples of a record.
pub(super) fn samples<'a>(
    record: &Raw<'a>,
    mapping: &Mapping,
    context: &Context<'_>,
    texts: &'a Texts,
    told: Option<&mut Told>,
) -> Samples<'a> {
    match open::opened(record, mapping, context, texts) {
        Ok(opened) => Reader { record, mapping, context, texts, told }.samples(opened),
        Err(why) => Samples::One(Err(why)),
    }
}

struct Reader<'a, 'r> {
    record: &'r Raw<'a>,
    mapping: &'r Mapping,
    context: &'r Context<'r>,
    texts: &'a Texts,
    told: Option<&'r mut Told>,
}

impl<'a> Reader<'a, '_> {
    fn samples(mut self, mut opened: Opened<'a>) -> Samples<'a> {
        let own = opened.own.take();
        let features = opened.features.take();
        let memo = Memo::default();
        let seen = Seen {
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
        seen: Seen<'a, '_>,
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
            let seen = Seen { element: Some(element), ..seen };
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
    fn is_ours(&self, seen: Seen<'a, '_>, of_element: bool) -> bool {
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

    fn kind(&self, seen: Seen<'a, '_>, own: Option<&Own<'a>>) -> Result<SampleKind, Rejected> {
        if let Some(kind) = self.mapping.kind {
            return Ok(kind);
        }
        let mut fields = Fields::default();
        if let Some(found) = own.and_then(|own| own.fields.found(FieldSlot::Type)) {
            *fields.slot(FieldSlot::Type) = found.clone();
        }
        self.field(FieldSlot::Type, seen, &mut fields);
        let event = own.and_then(|own| own.kind.as_deref()).or(self.record.header("ce_type"));
        kind(&fields, None, event.filter(|_| self.mapping.own_names))
    }

    /// What one field is, after all that may say it.
    fn field(&self, slot: FieldSlot, seen: Seen<'a, '_>, fields: &mut Fields<'a>) -> Option<usize> {
        let name = slot.name();
        if let Some(constant) = self.mapping.constants.get(name) {
            *fields.slot(slot) = Found::Given(Scalar::of_json(constant));
        } else if let Some(rule) = self.mapping.fields.get(name) {
            let (found, place) = rule::found(slot, rule, seen);
            *fields.slot(slot) = found;
            return place;
        } else if let Some((_, place)) = self.mapping.own.iter().find(|(own, _)| own == name)
            && !fields.has(slot)
        {
            *fields.slot(slot) = seen.own(place);
        }
        None
    }

    fn sample(
        &mut self,
        seen: Seen<'a, '_>,
        kind: Result<SampleKind, Rejected>,
        own: Option<Own<'a>>,
        features: Option<super::features::Features<'a>>,
    ) -> Result<Sample<'a>, Rejected> {
        let (mut fields, record) = match own {
            Some(own) => (own.fields, own.record),
            None => (Fields::default(), Ok(())),
        };
        let (mapping, known) = (self.mapping, kind.as_ref().ok().copied());
        for (name, constant) in &mapping.constants {
            if let Some(slot) = FieldSlot::named(name) {
                *fields.slot(slot) = Found::Given(Scalar::of_json(constant));
            }
        }
        for (name, place) in &mapping.own {
            match FieldSlot::named(name) {
                Some(slot) if !fields.has(slot) => {
                    let found = seen.own(place);
                    self.tell(name, known, (found != Found::Nowhere).then_some(0));
                    *fields.slot(slot) = found;
                }
                Some(_) => {}
                None if name == "features" && !fields.has_features() => {
                    fields.replace_features(seen.own(place));
                }
                None => {}
            }
        }
        for (name, rule) in &mapping.fields {
            if let Some(slot) = FieldSlot::named(name) {
                let (found, place) = rule::found(slot, rule, seen);
                self.tell(name, known, place);
                *fields.slot(slot) = found;
            }
        }
        self.features(seen, features, known, &mut fields);
        self.path(&mut fields);
        if seen.element.is_some_and(|element| element.nth > 0) && !self.in_element("latency_ms") {
            // The duration is that of the whole call.
            *fields.slot(FieldSlot::LatencyMs) = Found::Nowhere;
        }
        let kind = kind?;
        let side = side(kind).map(|side| Ok::<_, Rejected>((side, self.by(seen)?))).transpose()?;
        let losses = self.told.as_deref_mut().map(|told| &mut told.losses);
        let built = match side {
            None => sample::build(&mut fields, kind, self.context, losses),
            Some(half) => sample::half(&mut fields, half, self.context, losses),
        };
        let mut built = built.map_err(|why| record_missing(why, record))?;
        if let Some(nth) = seen.element.map(|element| element.nth).filter(|nth| *nth > 0) {
            let [id, request] = ["id", "request"].map(|name| !self.in_element(name));
            built.number(nth, id, request);
        }
        Ok(built)
    }

    fn features(
        &mut self,
        seen: Seen<'a, '_>,
        usual: Option<super::features::Features<'a>>,
        kind: Option<SampleKind>,
        fields: &mut Fields<'a>,
    ) {
        if let Some(usual) = usual {
            fields.take_usual(usual);
            self.tell("features", kind, Some(0));
            return;
        }
        let Some(rule) = &self.mapping.features else { return };
        let mapped = feature::features(rule, seen);
        self.tell("features", kind, mapped.place);
        fields.take_mapped(mapped);
    }

    /// What the path of the file says, where nothing else does.
    fn path(&self, fields: &mut Fields<'a>) {
        let (Some(pattern), Some(path)) = (&self.mapping.path, self.record.path) else { return };
        let Some(named) = pattern.read(path) else { return };
        for (name, value) in &named {
            if let Some(slot) = FieldSlot::named(name)
                && !fields.has(slot)
            {
                let stands = Stands::Text(*value);
                *fields.slot(slot) = Found::Given(stands.scalar(slot.is_name()));
            }
        }
        if let Some(time) = PathPattern::time(&named)
            && !fields.has(FieldSlot::Ts)
        {
            *fields.slot(FieldSlot::Ts) = Found::Given(Stands::Time(time).scalar(false));
        }
    }

    /// What both halves of a call have in common.
    fn by(&self, seen: Seen<'a, '_>) -> Result<Cow<'a, str>, Rejected> {
        let Some(pair) = &self.mapping.pair else {
            let detail = "type is asked or answered; say with pair how the two halves meet";
            return Err(Rejected::new(Reject::UnknownType, detail));
        };
        let found = seen.first(&pair.by);
        let found = found.and_then(|found| match found {
            Some((_, found)) => found.text(self.texts).map(Some),
            None => Ok(None),
        });
        let by = texts_of(&pair.by);
        match found {
            Ok(Some(by)) => Ok(Cow::Borrowed(by)),
            Ok(None) => {
                let detail = format!("{by} is missing, and pair goes by it");
                Err(Rejected::new(Reject::MissingField, detail))
            }
            Err(why) => {
                let detail = format!("{by} is {why}, and pair goes by it");
                Err(Rejected::new(Reject::WrongType, detail))
            }
        }
    }

    /// A sample; of a half what the pair rule says.
    fn half(&self, mut sample: Sample<'a>) -> Result<Sample<'a>, Rejected> {
        if let Sample::Half(half) = &mut sample
            && let Some(pair) = &self.mapping.pair
        {
            half.within = pair.within;
            half.missing_is_error = pair.missing_is_error;
            half.timed = !self.mapping.fields.contains_key("latency_ms");
        }
        Ok(sample)
    }

    /// All elements of a half are one half.
    fn halves(&self, samples: Vec<Result<Sample<'a>, Rejected>>) -> Result<Sample<'a>, Rejected> {
        let mut whole: Option<crate::model::Half<'a>> = None;
        for sample in samples {
            match (sample?, &mut whole) {
                (Sample::Half(half), Some(whole)) => whole.predictions.extend(half.predictions),
                (Sample::Half(half), none) => *none = Some(half),
                (_, _) => {}
            }
        }
        match whole {
            Some(half) => self.half(Sample::Half(half)),
            None => Err(Rejected::new(Reject::MissingField, "the record has no element")),
        }
    }

    /// Whether a field stands in the element itself.
    fn in_element(&self, field: &str) -> bool {
        let rule: Option<&FieldRule> = self.mapping.fields.get(field);
        rule.is_some_and(|rule| rule.from.iter().any(|at| at.root == PlaceRoot::Element))
    }

    fn tell(&mut self, field: &str, kind: Option<SampleKind>, place: Option<usize>) {
        if let Some(told) = &mut self.told {
            told.fields.push(FieldTold { field: field.to_owned(), kind, place });
        }
    }
}

/// Which half of a call records of this kind are.
const fn side(kind: SampleKind) -> Option<HalfSide> {
    match kind {
        SampleKind::Asked => Some(HalfSide::Asked),
        SampleKind::Answered => Some(HalfSide::Answered),
        SampleKind::Prediction
        | SampleKind::Outcome
        | SampleKind::Latency
        | SampleKind::Health
        | SampleKind::Run => None,
    }
}

fn texts_of(places: &[crate::model::FieldPlace]) -> String {
    let places: Vec<_> = places.iter().map(|place| place.text.as_str()).collect();
    places.join(" or ")
}
