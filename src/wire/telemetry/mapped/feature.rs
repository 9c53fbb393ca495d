//! The inputs of the model, as a mapping says where they stand.
//!
//! Law: an input that cannot be read is there as such, and lost. Values that their names do not fit
//! are all lost: nobody knows which is which.

use std::borrow::Cow;

use super::names::names_at;
use super::place::RecordSeen;
use super::stands::{Stands, Unreadable};
use super::step::SHORT;
use super::{rule, tensor};
use crate::model::{
    Feature, FeatureSet, FeaturesRule, NamesRule, PathStep, PlaceRoot, SampleField, check_name,
};
use crate::wire::telemetry::cursor::RawValue;
use crate::wire::telemetry::features::{Features, repeated};
use crate::wire::telemetry::fields::Found;
use crate::wire::telemetry::scan::{elements, members};
use crate::wire::telemetry::value::{Quoted, Scalar, text};

/// The inputs, and why some are lost.
#[derive(Debug, Default)]
pub(super) struct MappedFeatures<'a> {
    pub(super) read: Features<'a>,
    pub(super) lost: Vec<String>,
    /// At which of the places they stand.
    pub(super) place: Option<usize>,
}

/// The inputs of a sample.
pub(super) fn features<'a>(
    features: &FeaturesRule,
    seen: RecordSeen<'a, '_>,
) -> MappedFeatures<'a> {
    let mut found = MappedFeatures::default();
    match features {
        FeaturesRule::Apart(rules) => {
            for (name, rule) in rules {
                let name: &'a str = seen.texts.alloc_str(name);
                match rule::found(SampleField::Score, rule, seen) {
                    (Found::Nowhere, _) => {}
                    (value, place) => {
                        found.place = place.or(found.place);
                        found.push(Cow::Borrowed(name), value.scalar().unwrap_or(Scalar::Null));
                    }
                }
            }
        }
        FeaturesRule::Together(set) => {
            if let Err(why) = found.together(set, seen) {
                found.read.clear();
                found.lost.push(format!("features is {why}"));
            }
        }
    }
    found.once();
    found
}

impl<'a> MappedFeatures<'a> {
    fn together(&mut self, set: &FeatureSet, seen: RecordSeen<'a, '_>) -> Result<(), Unreadable> {
        let Some((place, stands)) = seen.first(&set.from)? else { return Ok(()) };
        self.place = Some(place);
        let stands = match set.from.get(place) {
            Some(at) => tensor::row(stands, at, &set.shape, seen)?,
            None => stands,
        };
        // An object that is the same for all elements holds a list for each input.
        let shared = set.from.get(place).is_some_and(|place| {
            let mut steps = place.steps.iter().chain(place.views.iter().flat_map(|v| &v.steps));
            place.root != PlaceRoot::Element && steps.all(|step| *step != PathStep::Star)
        });
        let element = seen.element.filter(|_| shared);
        let column = element.and_then(|element| element.indices.last().copied());
        match stands {
            Stands::Json(RawValue::Object(object)) => {
                self.members(object, set, (shared, column), seen)
            }
            Stands::Json(RawValue::Array(list)) => {
                let all = elements(list).map_while(Result::ok).map(Stands::Json);
                let values: Vec<_> = all.collect();
                if shared {
                    seen.spend(list.len())?;
                }
                self.list(values, set, seen)
            }
            Stands::List(list) => self.list(list.to_vec(), set, seen),
            Stands::Json(_) | Stands::Text(_) | Stands::Time(_) => {
                self.list(vec![stands], set, seen)
            }
        }
    }

    /// The members of an object that are inputs. An object for several elements holds a
    /// list for each input, of which each element has the one of its number.
    fn members(
        &mut self,
        object: &'a [u8],
        set: &FeatureSet,
        (shared, column): (bool, Option<usize>),
        seen: RecordSeen<'a, '_>,
    ) -> Result<(), Unreadable> {
        for (name, value) in members(object).map_while(Result::ok) {
            if shared {
                seen.spend(1)?;
            }
            let Ok(name) = text(name) else {
                self.lost.push("a feature's name is no text".to_owned());
                continue;
            };
            let wanted = set.prefix.as_ref().is_none_or(|prefix| name.starts_with(prefix.as_str()));
            if !wanted || set.without.contains(name.as_ref()) {
                continue;
            }
            let value = match column {
                None => Scalar::of(value),
                Some(nth) => {
                    let column = seen.memo.list(Stands::Json(value), seen.texts);
                    let column = column.ok_or("an object without a list for each input")?;
                    column.get(nth).ok_or(SHORT)?.scalar(false)
                }
            };
            self.push(name, value);
        }
        Ok(())
    }

    /// Values in a list, by the names that stand elsewhere.
    fn list(
        &mut self,
        values: Vec<Stands<'a>>,
        set: &FeatureSet,
        seen: RecordSeen<'a, '_>,
    ) -> Result<(), Unreadable> {
        const COUNT: Unreadable = "a list of other length than the names";
        let given: Vec<&'a str>;
        let names = match &set.names {
            None => None,
            Some(NamesRule::Given(names)) => {
                given = names.iter().map(|name| &*seen.texts.alloc_str(name)).collect();
                Some(given)
            }
            Some(NamesRule::At(place)) => names_at(place, seen)?,
        };
        if names.as_ref().is_some_and(|names| names.len() != values.len()) {
            return Err(COUNT);
        }
        for (nth, value) in values.into_iter().enumerate() {
            let name = match names.as_ref().and_then(|names| names.get(nth)) {
                Some(name) => Cow::Borrowed(*name),
                None => Cow::Owned(format!("f{nth}")),
            };
            if set.without.contains(name.as_ref()) {
                continue;
            }
            self.push(name, value.scalar(false));
        }
        Ok(())
    }

    fn push(&mut self, name: Cow<'a, str>, value: Scalar<'a>) {
        if let Err(why) = check_name(&name) {
            self.lost.push(format!("feature {}: {why}", Quoted(&name)));
            return;
        }
        if let Scalar::Array | Scalar::Object | Scalar::Unreadable(_) = value {
            self.lost.push(format!(
                "feature {} is {value}; write a number, a string, true, false or null",
                Quoted(&name)
            ));
        }
        self.read.push((name, value.into_feature()));
    }

    fn once(&mut self) {
        while let Some(name) = repeated(&self.read, |(name, _)| name).map(str::to_owned) {
            self.lost.push(format!("feature {} is there twice", Quoted(&name)));
            self.read.retain(|(other, _)| *other != name);
            self.read.push((Cow::Owned(name), Feature::Unusable));
        }
    }
}
