//! How any record becomes a sample, as a config or a command line writes it.

mod place;
mod rule;

use std::collections::BTreeMap;

use serde_json::Value as Json;

pub use self::place::place;
use self::rule::rule;
use crate::model::{Field, Mapping, SampleKind};

/// Every field that a sample of any kind may have.
pub const FIELDS: [&str; 19] = [
    "type",
    "id",
    "model",
    "version",
    "ts",
    "request",
    "status",
    "error",
    "prediction",
    "score",
    "latency_ms",
    "features",
    "tags",
    "role",
    "actual",
    "instance",
    "cpu_ratio",
    "memory_bytes",
    "kind",
];

/// A field that cannot be mapped.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WrongField {
    /// The sample field.
    pub field: String,
    /// The key in its table; none: the field itself.
    pub key: Option<String>,
    /// What is wrong, and what would do.
    pub why: String,
}

/// A mapping as written in a config or on a command line. `None` if records are samples already.
///
/// # Errors
/// The sample field that cannot be mapped, the key in its table, and why.
pub fn mapping(
    kind: Option<SampleKind>,
    fields: &BTreeMap<String, Json>,
    constants: BTreeMap<String, Json>,
) -> Result<Option<Mapping>, WrongField> {
    if kind.is_none() && fields.is_empty() && constants.is_empty() {
        return Ok(None);
    }
    for key in fields.keys().chain(constants.keys()) {
        if !FIELDS.contains(&key.as_str()) {
            let why = format!("unknown sample field {key:?}; the fields are {}", FIELDS.join(", "));
            return Err(WrongField { field: key.clone(), key: None, why });
        }
    }
    if let Some(field) = fields.keys().find(|key| constants.contains_key(*key)) {
        let why = "is also set in constants; keep one of the two".to_owned();
        return Err(WrongField { field: field.clone(), key: None, why });
    }
    let mut mapped = BTreeMap::new();
    for (field, written) in fields {
        let wrong = |(key, why)| WrongField { field: field.clone(), key, why };
        let rule = rule(written).map_err(wrong)?;
        if field == "features" && !rule.is_plain() {
            let why = "the inputs of a model need one place, and nothing else".to_owned();
            return Err(wrong((None, why)));
        }
        mapped.insert(field.clone(), rule);
    }
    Ok(Some(Mapping { kind, fields: mapped, constants }))
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
        assert_eq!(mapping(None, &BTreeMap::new(), BTreeMap::new()), Ok(None));
        let kind = Some(SampleKind::Outcome);
        let only_kind = Mapping { kind, ..Mapping::default() };
        assert_eq!(mapping(kind, &BTreeMap::new(), BTreeMap::new()), Ok(Some(only_kind)));
    }
}
