//! A mapping before it is checked.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::{Map, Value as Json};

use crate::model::SampleKind;

/// A mapping as it is written.
#[derive(Debug, Clone, PartialEq, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct WrittenMapping {
    /// The preset to begin with.
    pub dialect: Option<String>,
    /// The kind of every record.
    #[serde(rename = "type")]
    pub kind: Option<SampleKind>,
    /// A place or a rule for each sample field.
    pub fields: BTreeMap<String, Json>,
    /// Sample fields that are the same for every record.
    pub constants: BTreeMap<String, Json>,
    /// Where the samples of one record stand.
    pub each: Option<Json>,
    /// What a record must say to be meant.
    pub only: Option<Map<String, Json>>,
    /// The envelope of every record.
    pub envelope: Option<String>,
    /// How the two halves of a call meet.
    pub pair: Option<Json>,
    /// What the path of a file says.
    pub path: Option<String>,
    /// Bytes before the value.
    pub skip_bytes: Option<u64>,
}

impl WrittenMapping {
    /// This, and what `base` says besides.
    #[must_use]
    pub fn over(self, base: Self) -> Self {
        let (mut fields, mut constants) = (base.fields, base.constants);
        // A field has one origin: the later one.
        let (typed, by_field) = (self.kind.is_some(), self.fields.contains_key("type"));
        let elsewhere =
            |name: &String| self.constants.contains_key(name) || typed && name == "type";
        fields.retain(|name, _| !elsewhere(name));
        constants.retain(|name, _| !self.fields.contains_key(name));
        fields.extend(self.fields);
        constants.extend(self.constants);
        Self {
            dialect: self.dialect.or(base.dialect),
            kind: self.kind.or(base.kind.filter(|_| !by_field)),
            fields,
            constants,
            each: self.each.or(base.each),
            only: self.only.or(base.only),
            envelope: self.envelope.or(base.envelope),
            pair: self.pair.or(base.pair),
            path: self.path.or(base.path),
            skip_bytes: self.skip_bytes.or(base.skip_bytes),
        }
    }
}
