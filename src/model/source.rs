//! Where telemetry comes from and how its records map onto samples.

use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Serialize};

use super::{SourceId, Span};

/// Topics that belong together. Partition i of each of them is lane i.
#[derive(Debug, Clone, PartialEq)]
pub struct Source {
    /// What the config calls it.
    pub id: SourceId,
    /// Its topics, in the config's order.
    pub topics: Vec<TopicRule>,
    /// The fixed interval of event time in which a lane sums.
    pub pane: Span,
    /// How long an outcome may come after its prediction.
    pub label_horizon: Span,
    /// Predictions of one model that may wait for their outcome; past it the join stops.
    pub max_waiting: usize,
    /// How far past the newest record a clock may jump before others must confirm it.
    pub max_jump: Span,
    /// Records that confirm a jump.
    pub jump_confirmations: u32,
    /// Names of one categorical feature that a pane keeps apart; the rest is `other`.
    pub max_categories: usize,
    /// Records before this are refused as `too_old`.
    pub oldest: super::EventTime,
    /// The largest record, in bytes.
    pub max_record_bytes: usize,
    /// The deepest nesting of a record.
    pub max_depth: usize,
    /// What happens to models that the config does not name.
    pub unknown_models: UnknownModels,
}

/// One topic of a source.
#[derive(Debug, Clone, PartialEq)]
pub struct TopicRule {
    /// Its name on the log, or the file's path.
    pub name: String,
    /// How far out of order its event times may come.
    pub allowed_disorder: Span,
    /// How its records map onto samples; none: they are samples already.
    pub mapping: Option<Mapping>,
}

/// What happens to models that the config does not name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum UnknownModels {
    /// They are watched under the default rules.
    Learn,
    /// Their records are rejected; these are the known ones.
    Reject(std::collections::BTreeSet<String>),
}

/// Which of the five a record is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum SampleKind {
    /// A version answered.
    Prediction,
    /// The truth became known.
    Outcome,
    /// A duration.
    Latency,
    /// What an instance uses.
    Health,
    /// A training or pipeline.
    Run,
}

/// How any JSON becomes a sample.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Mapping {
    /// The kind of every record; none: the field `type` says.
    pub kind: Option<SampleKind>,
    /// Sample field → where its value stands in the record.
    pub fields: BTreeMap<String, Field>,
    /// Sample field → the value that every record has.
    pub constants: BTreeMap<String, serde_json::Value>,
}

/// Where a sample's field stands in a record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Field {
    /// A JSON pointer (RFC 6901) into the value.
    Pointer(String),
    /// A header of the record.
    Header(String),
    /// The record's key.
    Key,
}

/// The unit of measuring: partition `lane` of every topic of `source`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct LaneId {
    /// Whose lane.
    pub source: SourceId,
    /// The partition.
    pub lane: u32,
}

impl fmt::Display for LaneId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.source, self.lane)
    }
}
