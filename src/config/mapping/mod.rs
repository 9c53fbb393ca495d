//! How any record becomes a sample, as a config or a command line writes it.
//!
//! Law: what a topic writes wins over what its source writes, and that over the
//! preset of the dialect; field by field, and else key by key.

mod dialects;
mod features;
mod place;
mod record;
mod refuse;
mod rule;
mod written;

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value as Json;

pub use self::dialects::{Dialect, dialects, toml_value};
pub use self::place::place;
pub(super) use self::place::steps;
use self::refuse::{coherent, fits, named_once, repeats};
use self::rule::{Wrong, rule};
pub use self::written::WrittenMapping;
use crate::model::{Field, FieldPlace, FieldRule, Mapping, SampleField};

/// What cannot be mapped.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WrongMapping {
    /// The keys that lead to it, from the source's table on.
    pub at: Vec<String>,
    /// What is wrong, and what would do.
    pub why: String,
}

impl WrongMapping {
    pub(super) fn under(keys: &[&str]) -> impl Fn(Wrong) -> Self {
        move |(key, why)| {
            let at = keys.iter().map(|key| (*key).to_owned()).chain(key).collect();
            Self { at, why }
        }
    }

    pub(super) fn new(keys: &[&str], why: impl Into<String>) -> Self {
        Self::under(keys)((None, why.into()))
    }
}

/// A mapping as written in a config or on a command line. `None` if records are samples already.
///
/// # Errors
/// The key that cannot be meant, and why.
pub fn mapping(written: WrittenMapping) -> Result<Option<Mapping>, WrongMapping> {
    if written == WrittenMapping::default() {
        return Ok(None);
    }
    named_once(&written)?;
    let (written, preset) = with_preset(written)?;
    let mut fields = written.fields;
    let features = fields.remove("features").map(|rule| features::features(&rule)).transpose();
    let features = features.map_err(WrongMapping::under(&["fields", "features"]))?;
    let numbers_repeats = repeats(&fields)?;
    let rules = rules(fields)?;
    if written.kind.is_some() && rules.contains_key(&SampleField::Type) {
        let why = "type is set for every record, too; keep one of the two";
        return Err(WrongMapping::new(&["fields", "type"], why));
    }
    let each = written.each.as_ref().map(record::each).transpose();
    let pair = written.pair.as_ref().map(record::pair).transpose();
    let only = written.only.as_ref().map(record::only).transpose();
    let path = written.path.as_deref().map(record::path).transpose();
    let own_names = written.dialect.is_none()
        && written.each.is_none()
        && written.pair.is_none()
        && written.envelope.is_none();
    let constants: BTreeMap<_, _> = written
        .constants
        .into_iter()
        .filter_map(|(field, value)| Some((SampleField::named(&field)?, value)))
        .collect();
    let own = SampleField::ALL
        .into_iter()
        .filter(|field| own_names && !constants.contains_key(field) && !rules.contains_key(field));
    let own = own.filter_map(|field| Some((field, named(field.name())?))).collect();
    let own_features = named("features").filter(|_| own_names && features.is_none());
    let event = named("specversion").filter(|_| own_names);
    let mapping = Mapping {
        dialect: written.dialect,
        kind: written.kind,
        fields: rules,
        features,
        constants,
        each: each.map_err(WrongMapping::under(&["each"]))?.unwrap_or_default(),
        only: only.map_err(WrongMapping::under(&["only"]))?.unwrap_or_default(),
        envelope: envelope(written.envelope.as_deref())?,
        pair: pair.map_err(WrongMapping::under(&["pair"]))?,
        path: path.map_err(|why| WrongMapping::new(&["path"], why))?,
        skip_bytes: skip_bytes(written.skip_bytes)?,
        numbers_repeats,
        own_names,
        own,
        own_features,
        event,
        preset,
        ..Mapping::default()
    };
    coherent(&mapping)?;
    Ok(Some(mapping.planned()))
}

fn rules(fields: BTreeMap<String, Json>) -> Result<BTreeMap<SampleField, FieldRule>, WrongMapping> {
    let mut rules = BTreeMap::new();
    for (field, written) in fields {
        let rule = rule(&written).and_then(|rule| fits(&field, rule));
        let rule = rule.map_err(WrongMapping::under(&["fields", &field]))?;
        // The others are not read.
        rules.extend(SampleField::named(&field).map(|field| (field, rule)));
    }
    Ok(rules)
}

/// The place of a member of the record.
fn named(name: &str) -> Option<FieldPlace> {
    place(&format!("/{name}")).ok()
}

/// What is written over the preset that it names, and the fields that only the preset has.
fn with_preset(
    written: WrittenMapping,
) -> Result<(WrittenMapping, BTreeSet<String>), WrongMapping> {
    let Some(name) = &written.dialect else { return Ok((written, BTreeSet::new())) };
    let base = dialects::preset(name).map_err(|why| WrongMapping::new(&["dialect"], why))?;
    let own = |name: &&String| {
        !written.fields.contains_key(*name) && !written.constants.contains_key(*name)
    };
    let mut preset: BTreeSet<String> = base.fields.keys().filter(own).cloned().collect();
    if written.each.is_none() {
        preset.insert("each".to_owned());
    }
    Ok((written.over(base), preset))
}

fn envelope(written: Option<&str>) -> Result<bool, WrongMapping> {
    match written {
        None | Some("none") => Ok(false),
        Some("cloudevents") => Ok(true),
        Some(other) => {
            let why = format!("{other:?} is unknown; write \"cloudevents\" or \"none\"");
            Err(WrongMapping::new(&["envelope"], why))
        }
    }
}

fn skip_bytes(written: Option<u64>) -> Result<usize, WrongMapping> {
    let bytes = written.unwrap_or(0);
    match usize::try_from(bytes).ok().filter(|bytes| *bytes <= 1_024) {
        Some(bytes) => Ok(bytes),
        None => Err(WrongMapping::new(&["skip_bytes"], "write 0 to 1024")),
    }
}

/// The place of a field of the router: a JSON pointer, `header:name` or `key`.
pub(super) fn field(text: &str) -> Result<Field, String> {
    let name = text.strip_prefix("header:");
    let escapes = text.split('~').skip(1).all(|rest| rest.starts_with(['0', '1']));
    match name {
        Some(name) if !name.is_empty() => Ok(Field::Header(name.to_owned())),
        None if text == "key" => Ok(Field::Key),
        None if text.starts_with('/') && escapes => Ok(Field::Pointer(text.to_owned())),
        Some(_) | None => Err(format!(
            "{text:?} does not name a place in a record; write a JSON pointer such as \
             \"/meta/time\" (~ as ~0, / as ~1), \"header:name\" or \"key\""
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::SampleKind;

    #[test]
    fn a_place_in_a_record() {
        for (text, want) in [
            ("/a/b", Some(Field::Pointer("/a/b".to_owned()))),
            ("/a~1b~0c", Some(Field::Pointer("/a~1b~0c".to_owned()))),
            ("header:x-id", Some(Field::Header("x-id".to_owned()))),
            ("key", Some(Field::Key)),
            ("/a~b", None),
            ("a/b", None),
            ("header:", None),
            ("", None),
        ] {
            assert_eq!(field(text).ok(), want, "{text}");
        }
    }

    #[test]
    fn nothing_said_is_no_mapping() {
        assert_eq!(mapping(WrittenMapping::default()), Ok(None));
        let kind = Some(SampleKind::Outcome);
        let written = WrittenMapping { kind, ..WrittenMapping::default() };
        let mapped = mapping(written).unwrap().unwrap();
        assert!(mapped.own_names && mapped.kind == kind, "{mapped:?}");
    }
}
