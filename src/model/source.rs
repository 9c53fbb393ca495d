//! Sources: where telemetry comes from, and how its records become samples.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::{Mapping, NameLimits, SourceId, Span};

/// Topics that belong together. Partition i of each of them is lane i.
#[derive(Debug, Clone, PartialEq)]
pub struct Source {
    /// The name in the config.
    pub id: SourceId,
    /// Its topics, in the order of the config.
    pub topics: Vec<TopicRule>,
    /// The interval of event time that a lane sums up together.
    pub pane: Span,
    /// How long after its prediction an outcome may arrive.
    pub label_horizon: Span,
    /// Predictions of one model that may wait for their outcome; beyond this the join stops.
    pub max_waiting: usize,
    /// How far a timestamp may lie past the newest record of its topic, if the next records show
    /// that it is ahead of them; beyond it the record is refused.
    pub max_jump: Span,
    /// The next records that show it. None: every clock is believed.
    pub jump_confirmations: u32,
    /// How far the allowed disorder may grow with the lag that versions show.
    pub max_skew: Span,
    /// Values of one categorical feature that a pane counts separately; the rest is `other`.
    pub max_categories: usize,
    /// Records before this are rejected as `too_old`.
    pub oldest: super::EventTime,
    /// The largest record in bytes.
    pub max_record_bytes: usize,
    /// What to do with models that the config does not name.
    pub unknown_models: UnknownModels,
    /// How many names its records may bring.
    pub limits: NameLimits,
}

/// One topic of a source.
#[derive(Debug, Clone, PartialEq)]
pub struct TopicRule {
    /// The name on the log, or the path of the file.
    pub name: String,
    /// How far out of order its event times may be.
    pub allowed_disorder: Span,
    /// How its records become samples. `None` if they are samples already.
    pub mapping: Option<Mapping>,
}

/// What to do with models that the config does not name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum UnknownModels {
    /// Watch them under the default rules.
    Learn,
    /// Reject their records. These are the known models.
    Reject(std::collections::BTreeSet<String>),
}

/// The place of a value in a request that the router sees.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Field {
    /// A JSON pointer (RFC 6901) into the value.
    Pointer(String),
    /// A header of the record.
    Header(String),
    /// The record's key.
    Key,
}

/// A lane, the unit of measuring: the same partition of every topic of a source.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct LaneId {
    /// The source.
    pub source: SourceId,
    /// The partition number.
    pub lane: u32,
}

impl fmt::Display for LaneId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.source, self.lane)
    }
}
