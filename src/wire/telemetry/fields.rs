//! The known fields of a record, found but not yet read.

use super::cursor::{Broken, Cursor, RawValue, Text};
use super::features::{self, Features};
use super::number::Short;
use super::value::Scalar;
use crate::model::SampleField;

/// What a field is whose key the record has twice.
pub(super) const TWICE: &str = "there twice";

/// Where a field's value comes from.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) enum Found<'a> {
    #[default]
    Nowhere,
    /// In the record.
    Raw(RawValue<'a>),
    /// In the record's key or headers, or a constant of the mapping.
    Given(Scalar<'a>),
    /// Under one key twice: nobody knows which is meant.
    Twice,
}

impl<'a> Found<'a> {
    pub(super) fn scalar(self) -> Option<Scalar<'a>> {
        match self {
            Self::Nowhere => None,
            Self::Raw(raw) => Some(Scalar::of(raw)),
            Self::Given(value) => Some(value),
            Self::Twice => Some(Scalar::Unreadable(TWICE)),
        }
    }

    /// Takes another value for the same field.
    #[inline(always)]
    pub(super) fn and(&mut self, value: RawValue<'a>) {
        *self = if matches!(self, Self::Nowhere) { Self::Raw(value) } else { Self::Twice };
    }
}

/// What a record says, by known field.
#[derive(Debug, Default)]
pub(super) struct Fields<'a> {
    slots: [Found<'a>; SampleField::ALL.len()],
    /// The object of the features.
    features: Found<'a>,
    /// What the features are, if all can be used and were read on the way.
    usual: Option<Features<'a>>,
    /// Why some are lost.
    lost: Vec<String>,
    /// It may be a CloudEvent with its envelope: it has a `specversion`.
    pub(super) cloud_event: bool,
}

impl<'a> Fields<'a> {
    /// The place of a field.
    pub(super) fn slot(&mut self, slot: SampleField) -> &mut Found<'a> {
        // The array has a place for every field, as a test holds.
        match self.slots.get_mut(slot as usize) {
            Some(found) => found,
            None => &mut self.features,
        }
    }

    /// Whether the record has the field.
    pub(super) fn has(&self, slot: SampleField) -> bool {
        self.slots.get(slot as usize).is_some_and(|found| !matches!(found, Found::Nowhere))
    }

    /// Takes the features, whose value is here. It is read on the way past it if it can be.
    pub(super) fn features_at(&mut self, place: &mut Cursor<'a>) -> Result<(), Broken> {
        place.blank();
        let from = place.at;
        self.usual = match self.features {
            Found::Nowhere => features::usual(place),
            Found::Raw(_) | Found::Given(_) | Found::Twice => None,
        };
        let value = match self.usual {
            Some(_) => RawValue::Object(place.since(from)),
            None => place.value()?,
        };
        self.features.and(value);
        Ok(())
    }

    /// What was found of a field.
    pub(super) fn found(&self, slot: SampleField) -> Option<&Found<'a>> {
        self.slots.get(slot as usize)
    }

    /// Whether the record has features.
    pub(super) fn has_features(&self) -> bool {
        !matches!(self.features, Found::Nowhere) || self.usual.is_some()
    }

    /// Takes features that can all be used.
    pub(super) fn take_usual(&mut self, features: Features<'a>) {
        (self.features, self.usual) = (Found::Nowhere, Some(features));
    }

    /// Takes what a mapping says of the features.
    pub(super) fn take_mapped(&mut self, features: Features<'a>, lost: Vec<String>) {
        self.take_usual(features);
        self.lost = lost;
    }

    /// Why features are lost that a mapping names.
    pub(super) fn lost_features(&mut self) -> Vec<String> {
        std::mem::take(&mut self.lost)
    }

    /// Takes other features in place of those that it has.
    pub(super) fn replace_features(&mut self, features: Found<'a>) {
        (self.features, self.usual) = (features, None);
    }

    /// The features, once, and what they are if they were read on the way.
    pub(super) fn take_features(&mut self) -> (Found<'a>, Option<Features<'a>>) {
        (std::mem::take(&mut self.features), self.usual.take())
    }

    /// The text of a field, if it is plain.
    #[inline]
    pub(super) fn plain(&self, slot: SampleField) -> Option<&'a str> {
        match self.slots.get(slot as usize) {
            Some(Found::Raw(RawValue::Text(Text::Plain(text)))) => Some(text),
            _ => None,
        }
    }

    /// The number of a field, if it is a short one.
    #[inline]
    pub(super) fn short(&self, slot: SampleField) -> Option<f64> {
        match self.slots.get(slot as usize) {
            Some(Found::Raw(RawValue::Word(word))) => Short::of(word).map(|short| short.number),
            _ => None,
        }
    }

    /// The value of a field, which stays.
    pub(super) fn get(&self, slot: SampleField) -> Option<Scalar<'a>> {
        self.slots.get(slot as usize)?.clone().scalar()
    }

    /// The value of a field, once.
    pub(super) fn take(&mut self, slot: SampleField) -> Option<Scalar<'a>> {
        std::mem::take(self.slot(slot)).scalar()
    }
}
