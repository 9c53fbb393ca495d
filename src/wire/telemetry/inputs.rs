//! The inputs of a model out of a record, however they were found.

use std::borrow::Cow;

use super::cursor::RawValue;
use super::features::{Features, repeated};
use super::fields::{Found, TWICE};
use super::read::Builder;
use super::scan::members;
use super::value::{Quoted, Scalar, text};
use crate::model::{Feature, LostField, check_name};

impl<'a> Builder<'a, '_> {
    /// The features. One that cannot be used is there as such; what is no object has none.
    pub(super) fn features(&mut self) -> Features<'a> {
        for detail in self.fields.lost_features() {
            self.lose(LostField::Features, detail);
        }
        match self.fields.take_features() {
            (_, Some(usual)) => usual,
            (Found::Raw(RawValue::Object(object)), None) => self.unusual_features(object),
            (
                Found::Nowhere | Found::Given(Scalar::Null) | Found::Raw(RawValue::Word(b"null")),
                None,
            ) => Vec::new(),
            (Found::Raw(other), None) => self.no_features(&Scalar::of(other)),
            (Found::Given(other), None) => self.no_features(&other),
            (Found::Twice, None) => self.no_features(&Scalar::Unreadable(TWICE)),
        }
    }

    #[cold]
    fn unusual_features(&mut self, object: &'a [u8]) -> Features<'a> {
        let mut read = Features::new();
        // The object was found whole.
        for (name, value) in members(object).map_while(Result::ok) {
            let Ok(name) = text(name) else {
                self.lose(LostField::Features, "a feature's name is no text".to_owned());
                continue;
            };
            if let Err(why) = check_name(&name) {
                self.lose(LostField::Features, format!("feature {}: {why}", Quoted(&name)));
                continue;
            }
            let value = Scalar::of(value);
            if let Scalar::Array | Scalar::Object | Scalar::Unreadable(_) = value {
                let detail = format!(
                    "feature {} is {value}; write a number, a string, true, false or null",
                    Quoted(&name)
                );
                self.lose(LostField::Features, detail);
            }
            read.push((name, value.into_feature()));
        }
        while let Some(name) = repeated(&read, |(name, _)| name).map(str::to_owned) {
            self.lose(LostField::Features, format!("feature {} is there twice", Quoted(&name)));
            read.retain(|(other, _)| *other != name);
            read.push((Cow::Owned(name), Feature::Unusable));
        }
        read
    }

    fn no_features(&mut self, found: &Scalar<'_>) -> Features<'a> {
        let detail = format!("features is {found}; write an object with names and values");
        self.lose(LostField::Features, detail);
        Vec::new()
    }
}
