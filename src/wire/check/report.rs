//! The report, as plain data for JSON and for tables.

use std::collections::BTreeMap;

use serde::Serialize;

use super::places::PlaceReport;
use crate::model::{EventTime, LostField, Reject, SampleKind, Span};

/// A report on the records of a source.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct SourceReport {
    /// Records taken.
    pub records: u64,
    /// Records that the mapping leaves out: they are no samples, and meant to be none.
    pub not_ours: u64,
    /// Samples understood, by kind.
    pub understood: BTreeMap<SampleKind, u64>,
    /// Each model; at most 100, the rest is `other`.
    pub models: BTreeMap<String, ModelReport>,
    /// The first records of each kind, as they were understood.
    pub examples: Vec<Example>,
    /// Records that could not be used, by code.
    pub rejected: BTreeMap<Reject, Rejects>,
    /// Values that could not be used of records that could, by field.
    pub lost: BTreeMap<LostField, LostValues>,
    /// Whether outcomes match predictions.
    pub labels: LabelCounts,
    /// Whether versions answer the same requests.
    pub pairs: PairCounts,
    /// Whether the halves of calls meet. `None` without halves.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub halves: Option<HalfCounts>,
    /// In how many samples each mapped field was found, by place.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub places: Vec<PlaceReport>,
    /// Fields that no sample has, although somebody needs or has mapped them.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub never_found: Vec<String>,
    /// A mapping that would read the records, if this one does not.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub proposal: Option<String>,
    /// The event time covered. `None` if no record was understood.
    pub times: Option<Times>,
    /// Roles stated by predictions.
    pub roles: RoleCounts,
    /// The durations. `None` if no record has one.
    pub latency: Option<Durations>,
    /// Advice in plain words.
    pub hints: Vec<String>,
}

/// The records of a model.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
pub struct ModelReport {
    /// Its records, by kind.
    pub records: BTreeMap<SampleKind, u64>,
    /// Records that name a version, by version; at most 100, the rest is `other`.
    pub versions: BTreeMap<String, u64>,
    /// The types of each version's predictions.
    pub predictions: BTreeMap<String, String>,
    /// The types of outcomes. `None` without any.
    pub outcomes: Option<String>,
}

/// A record as it was understood.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Example {
    /// Its number in the file, or its position on the log.
    pub line: u64,
    /// Its kind.
    pub kind: SampleKind,
    /// Its sample, on one line.
    pub reads: String,
}

/// Records rejected for one reason.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Rejects {
    /// How many.
    pub count: u64,
    /// The first of them.
    pub first_line: u64,
    /// What was wrong with the first of them.
    pub detail: String,
    /// How to fix records like it.
    pub mend: &'static str,
}

/// Values of one field that could not be used.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct LostValues {
    /// In how many records.
    pub count: u64,
    /// The first of them.
    pub first_line: u64,
    /// What was wrong there, and what to do.
    pub detail: String,
}

/// Whether outcomes match predictions.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct LabelCounts {
    /// Outcomes, of any kind.
    pub outcomes: u64,
    /// Outcomes that match an earlier prediction.
    pub matched: u64,
    /// Outcomes that carry version and prediction, and need no join.
    pub carried: u64,
    /// Predictions that carry the true answer.
    pub inline: u64,
    /// Share of requests with a known true answer, 0 to 1. `None` without requests.
    pub coverage: Option<f64>,
    /// Requests that were dropped to limit memory.
    pub forgotten: u64,
}

/// Whether the halves of calls meet.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
pub struct HalfCounts {
    /// Halves that asked.
    pub asked: u64,
    /// Halves that answered.
    pub answered: u64,
    /// Calls whose halves met.
    pub met: u64,
    /// Halves whose other one did not come in time.
    pub alone: u64,
    /// Halves that came too late for the other one.
    pub too_late: u64,
    /// Halves that were there twice.
    pub repeated: u64,
    /// Halves that still wait at the end.
    pub waiting: u64,
    /// Predictions that all of them make.
    pub calls: u64,
}

/// Whether versions answer the same requests.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct PairCounts {
    /// Requests answered.
    pub requests: u64,
    /// Requests answered by more than one version.
    pub several: u64,
}

/// The event time covered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Times {
    /// The oldest.
    pub first: EventTime,
    /// The newest.
    pub last: EventTime,
    /// The most that a record was behind an earlier one, in milliseconds.
    pub disorder_ms: Span,
}

/// Roles stated by predictions.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
pub struct RoleCounts {
    /// Seen by a user.
    pub live: u64,
    /// Scored for comparison only.
    pub shadow: u64,
    /// Not stated.
    pub unstated: u64,
}

/// The durations seen.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Durations {
    /// How many.
    pub count: u64,
    /// The shortest, in milliseconds.
    pub min_ms: f64,
    /// The longest, in milliseconds.
    pub max_ms: f64,
}

/// How to fix records that are rejected with a code.
pub(super) const fn mend(code: Reject) -> &'static str {
    match code {
        Reject::NotJson => "write one JSON object per record",
        Reject::Framed => "use the plain JSON serializer, or skip the first 5 bytes",
        Reject::NotUtf8 => "write UTF-8, uncompressed",
        Reject::TooLarge => "send less, or raise the source's max_record_bytes",
        Reject::WrongType => "write the type the field needs, or map another field to it",
        Reject::MissingField => {
            "write the field, map it (fields), or set it for all records (constants)"
        }
        Reject::UnknownType => "set type to one of the five, or give the source a type",
        Reject::BadTime => "write ts as RFC 3339 with a zone, or as epoch milliseconds",
        Reject::TooOld => "write milliseconds, set the clock, or lower the source's oldest",
        Reject::FromFuture => "set the producer's clock",
        Reject::DuplicateKey => "write each key once",
        Reject::UnknownModel => "add the model to the config, or set unknown_models = \"learn\"",
        Reject::TooManyModels => "add the model to the config, or raise ingest.max_models",
        Reject::TooManyVersions => "send fewer version names, or raise ingest.max_versions",
    }
}
