//! The value at a place: steps through JSON, and into the texts that stand there.
//!
//! Law: a place that leads nowhere has no value. One that leads to several, or into a text that is
//! not what the place says, has a value that cannot be read: it is never taken for another one.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bumpalo::Bump;

use super::memo::{Known, Memo};
use super::part::part;
use super::stands::{ElementAt, Looked, Stands, Unreadable};
use super::step::{SHORT, step};
use crate::model::{FieldPlace, FieldRule, InTree, PathStep, PlaceMove, PlaceRoot, TextEncoding};
use crate::wire::telemetry::Raw;
use crate::wire::telemetry::cursor::{RawValue, Text};
use crate::wire::telemetry::fields::{Found, TWICE};
use crate::wire::telemetry::scan::whole;
use crate::wire::telemetry::value::Scalar;

/// What a record is, for the places in it.
#[derive(Clone, Copy)]
pub(super) struct RecordSeen<'a, 'r> {
    /// Its value; of an event that is opened, its data.
    pub(super) root: Option<Stands<'a>>,
    /// What one pass over it found.
    pub(super) found: &'a [Found<'a>],
    /// The envelope of the event that it is.
    pub(super) envelope: Option<&'a [u8]>,
    /// The element that becomes this sample.
    pub(super) element: Option<&'r ElementAt<'a>>,
    /// What all elements have in common.
    pub(super) memo: &'r Memo<'a>,
    /// Its key and headers.
    pub(super) record: &'r Raw<'a>,
    /// The name of its topic.
    pub(super) topic: &'r str,
    /// Where texts live that do not stand in the record as they are.
    pub(super) texts: &'a Bump,
}

impl<'a> RecordSeen<'a, '_> {
    /// The first of the places that has a value, and which one it is.
    pub(super) fn first(
        self,
        places: &[FieldPlace],
    ) -> Result<Option<(usize, Stands<'a>)>, Unreadable> {
        for (nth, place) in places.iter().enumerate() {
            if let Some(found) = self.at(place)?.filter(|found| !found.is_nothing()) {
                return Ok(Some((nth, found)));
            }
        }
        Ok(None)
    }

    /// Whether each element has a value of its own at a place.
    pub(super) fn is_of_element(&self, place: &FieldPlace) -> bool {
        let element = self.element.filter(|element| element.nth > 0);
        element.is_some_and(|element| {
            place.root == PlaceRoot::Element || stars(place) >= element.indices.len()
        })
    }

    /// Counts what is looked at for this element, if others look at the same.
    pub(super) fn spend(&self, count: usize) -> Result<(), Unreadable> {
        match self.element {
            Some(_) => self.memo.spend(count, self.record.value.len()),
            None => Ok(()),
        }
    }

    /// What one pass has found at a place, if that is all there is to do.
    fn quick(&self, place: &FieldPlace) -> Option<&'a Found<'a>> {
        let at = place.in_tree.filter(|at| at.steps == place.steps.len())?;
        let in_record = place.root == PlaceRoot::Record;
        let found = if in_record { self.found } else { self.element?.found };
        found.get(at.found).filter(|_| place.views.is_empty())
    }

    /// The value of a rule that is no more than a place which one pass has found.
    pub(super) fn plain(self, rule: &FieldRule) -> Option<Found<'a>> {
        let [place] = rule.from.as_slice() else { return None };
        let Found::Raw(value) = self.quick(place)? else { return None };
        let empty = matches!(value, RawValue::Text(Text::Plain("")));
        (!empty && rule.is_plain()).then_some(Found::Raw(*value))
    }

    /// What the record has under its own name for a field.
    pub(super) fn own(self, place: &FieldPlace) -> Found<'a> {
        let nth = place.in_tree.map_or(usize::MAX, |at| at.found);
        self.found.get(nth).cloned().unwrap_or_default()
    }

    /// What is at a place. `None`: nothing. In a list on the way to it that is outside of the
    /// element, the element of the same number is meant.
    pub(super) fn at(self, place: &FieldPlace) -> Looked<'a> {
        match self.quick(place) {
            Some(Found::Raw(value)) => return Ok(Some(Stands::Json(*value))),
            Some(Found::Nowhere) => return Ok(None),
            Some(Found::Twice | Found::Given(_)) | None => {}
        }
        let shared = self.element.filter(|_| place.root != PlaceRoot::Element);
        let Some(element) = shared else {
            let (start, from) = self.start(place)?;
            return self.follow(start, place, from, None).and_then(Known::end);
        };
        let known = match self.memo.known(place) {
            Some(known) => known?,
            None => {
                let known = self
                    .start(place)
                    .and_then(|(start, from)| self.follow(start, place, from, Some(&[])));
                self.memo.keep(place, known);
                known?
            }
        };
        match known {
            Known::End(found) => Ok(found),
            Known::List(list, next) => {
                let Some((first, rest)) = element.indices.split_first() else { return Ok(None) };
                let look = || {
                    let found = list.get(*first).copied().ok_or(SHORT)?;
                    self.follow(Some(found), place, next, Some(rest)).and_then(Known::end)
                };
                match element.indices.get(..stars(place)) {
                    Some(some) if some.len() < element.indices.len() => {
                        self.memo.shared(place, some, look)
                    }
                    Some(_) | None => look(),
                }
            }
        }
    }

    /// Follows the way to a place from one of its moves on. `indices`: which element is meant in
    /// each list; where they end, so does the way. Without them a list has only one.
    fn follow(
        self,
        start: Option<Stands<'a>>,
        place: &FieldPlace,
        from: usize,
        indices: Option<&[usize]>,
    ) -> Result<Known<'a>, Unreadable> {
        let mut found = start;
        let mut indices = indices.map(|indices| indices.iter());
        for (nth, next) in place.moves().enumerate().skip(from) {
            let Some(here) = found else { return Ok(Known::End(None)) };
            found = match (next, &mut indices) {
                (PlaceMove::View(_), _) if here.is_nothing() => None,
                (PlaceMove::View(of), _) => self.inside(here, of)?,
                (PlaceMove::Step(PathStep::Star), Some(indices)) => {
                    match (self.memo.list(here, self.texts), indices.next()) {
                        (None, _) => step(here, &PathStep::Star)?,
                        (Some(list), None) => return Ok(Known::List(list, nth + 1)),
                        (Some(list), Some(nth)) => Some(list.get(*nth).copied().ok_or(SHORT)?),
                    }
                }
                (PlaceMove::Step(next), _) => step(here, next)?,
            };
        }
        Ok(Known::End(found))
    }

    /// Where the way to a place begins, and at which of its moves.
    fn start(self, place: &FieldPlace) -> Result<(Option<Stands<'a>>, usize), Unreadable> {
        let (root, found) = match &place.root {
            PlaceRoot::Record => (self.root, self.found),
            PlaceRoot::Element => match self.element {
                Some(element) => (element.value, element.found),
                None => (None, &[][..]),
            },
            PlaceRoot::Key => return Ok((bytes(self.record.key)?, 0)),
            PlaceRoot::Header(name) => return Ok((bytes(self.record.header_bytes(name))?, 0)),
            PlaceRoot::Attribute(name) => return Ok((self.attribute(name)?, 0)),
            PlaceRoot::Topic => {
                return Ok((Some(Stands::Text(self.texts.alloc_str(self.topic))), 0));
            }
            PlaceRoot::LogTime => return Ok((self.record.log_time.map(Stands::Time), 0)),
            PlaceRoot::Nothing => return Ok((None, 0)),
        };
        let Some(InTree { found: nth, steps }) = place.in_tree.filter(|_| !found.is_empty()) else {
            return Ok((root, 0));
        };
        match found.get(nth) {
            Some(Found::Raw(value)) => Ok((Some(Stands::Json(*value)), steps)),
            Some(Found::Twice) => Err(TWICE),
            Some(Found::Nowhere | Found::Given(_)) | None => Ok((None, steps)),
        }
    }

    /// An attribute of the event, in a header or in its envelope.
    fn attribute(self, name: &str) -> Looked<'a> {
        let header = self.record.headers.iter().find(|(header, _)| {
            crate::wire::telemetry::attribute(header)
                .is_some_and(|own| own.eq_ignore_ascii_case(name))
        });
        match (header, self.envelope) {
            (Some((_, value)), _) => bytes(Some(value)),
            (None, Some(envelope)) => {
                let found =
                    crate::wire::telemetry::parse::member(envelope, name).map_err(|()| TWICE)?;
                Ok(found.map(Stands::Json))
            }
            (None, None) => Ok(None),
        }
    }

    /// What a text contains.
    fn inside(self, found: Stands<'a>, of: &TextEncoding) -> Looked<'a> {
        let json = |text: &'a str| {
            const NONE: Unreadable = "a text that is no JSON";
            let value = whole(text.as_bytes()).map_err(|_| NONE)?;
            let is_word = matches!(value, RawValue::Word(_));
            match is_word && matches!(Scalar::of(value), Scalar::Unreadable(_)) {
                true => Err(NONE),
                false => Ok(Stands::Json(value)),
            }
        };
        match (of, found) {
            // Some exports write the object, others its text.
            (
                TextEncoding::Json | TextEncoding::Auto,
                Stands::Json(RawValue::Object(_) | RawValue::Array(_)),
            ) => Ok(Some(found)),
            (TextEncoding::Json, _) => json(found.text(self.texts)?).map(Some),
            (TextEncoding::Auto, _) => {
                let text = found.text(self.texts)?;
                match text.trim_start().starts_with(['{', '[']) {
                    true => json(text).map(Some),
                    false => Ok(Some(Stands::List(self.rows(text)?))),
                }
            }
            (TextEncoding::Base64, _) => self.base64(found).map(Some),
            (TextEncoding::Stated(place), _) => {
                let word = self.at(place)?.map(|word| word.text(self.texts)).transpose()?;
                match word.is_some_and(|word| word.eq_ignore_ascii_case("base64")) {
                    true => self.base64(found).map(Some),
                    false => Ok(Some(found)),
                }
            }
            (TextEncoding::Count, _) => Ok(Some(found)),
            (TextEncoding::Rows, _) => Ok(Some(Stands::List(self.rows(found.text(self.texts)?)?))),
            (TextEncoding::Csv(cell), _) => {
                let row = self.rows(found.text(self.texts)?)?.first().copied();
                Ok(match (row, cell) {
                    (Some(Stands::List(cells)), Some(cell)) => cells.get(*cell).copied(),
                    (row, None) => row,
                    (_, Some(_)) => None,
                })
            }
            (TextEncoding::Part(pieces), _) => {
                Ok(part(found.text(self.texts)?, pieces).map(Stands::Text))
            }
        }
    }

    fn base64(self, found: Stands<'a>) -> Result<Stands<'a>, Unreadable> {
        let packed = found.text(self.texts)?;
        let bytes = STANDARD.decode(packed.trim_end()).map_err(|_| "not base64")?;
        let text = std::str::from_utf8(&bytes).map_err(|_| "base64 of what is no text")?;
        Ok(Stands::Text(self.texts.alloc_str(text)))
    }

    /// The rows of a table without names, each a list of cells.
    fn rows(self, text: &str) -> Result<&'a [Stands<'a>], Unreadable> {
        let mut reader = csv::ReaderBuilder::new();
        let mut reader = reader.has_headers(false).flexible(true).from_reader(text.as_bytes());
        let mut rows = Vec::new();
        for row in reader.records() {
            let row = row.map_err(|_| "a row that is no CSV")?;
            let cells = row.iter().map(|cell| Stands::Text(self.texts.alloc_str(cell.trim())));
            let cells: Vec<_> = cells.collect();
            rows.push(Stands::List(self.texts.alloc_slice_copy(&cells)));
        }
        Ok(self.texts.alloc_slice_copy(&rows))
    }
}

fn bytes(found: Option<&[u8]>) -> Result<Option<Stands<'_>>, Unreadable> {
    let text = found.map(std::str::from_utf8).transpose();
    Ok(text.map_err(|_| "a key or header that is not UTF-8")?.map(Stands::Text))
}

/// The lists that a place goes through.
fn stars(place: &FieldPlace) -> usize {
    place.moves().filter(|one| *one == PlaceMove::Step(&PathStep::Star)).count()
}
