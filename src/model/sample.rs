//! One fact from telemetry, borrowed from the bytes it came in.
//!
//! Over 300 lines: the five kinds, and what makes each of them valid.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};

use super::EventTime;

/// One fact from telemetry.
#[derive(Debug, Clone, PartialEq)]
pub enum Sample<'a> {
    /// A version answered, or failed to.
    Prediction(Prediction<'a>),
    /// The truth became known.
    Outcome(Outcome<'a>),
    /// An answer's duration, measured elsewhere.
    Latency(LatencySample<'a>),
    /// What an instance uses.
    Health(Health<'a>),
    /// A training or a pipeline started, succeeded or failed.
    Run(Run<'a>),
}

impl Sample<'_> {
    /// When it happened.
    #[must_use]
    pub fn ts(&self) -> EventTime {
        match self {
            Self::Prediction(p) => p.ts,
            Self::Outcome(o) => o.ts,
            Self::Latency(l) => l.ts,
            Self::Health(h) => h.ts,
            Self::Run(r) => r.ts,
        }
    }

    /// The model it speaks of.
    #[must_use]
    pub fn model(&self) -> &str {
        match self {
            Self::Prediction(p) => &p.model,
            Self::Outcome(o) => &o.model,
            Self::Latency(l) => &l.model,
            Self::Health(h) => &h.model,
            Self::Run(r) => &r.model,
        }
    }
}

/// A version answered a request, or failed to.
#[derive(Debug, Clone, PartialEq)]
pub struct Prediction<'a> {
    /// Unique among the model's predictions; a second one of this id is a duplicate.
    pub id: Cow<'a, str>,
    /// Which model.
    pub model: Cow<'a, str>,
    /// Which version of it.
    pub version: Cow<'a, str>,
    /// When the answer was given, or given up.
    pub ts: EventTime,
    /// What joins answers to outcomes, and versions to each other. Default: the id.
    pub request: Option<Cow<'a, str>>,
    /// How it ended.
    pub status: PredictionStatus,
    /// What was answered.
    pub prediction: Option<Value<'a>>,
    /// The model's own confidence.
    pub score: Option<f64>,
    /// How long it took, in microseconds.
    pub latency_us: Option<u64>,
    /// What it was asked, by name.
    pub features: Vec<(Cow<'a, str>, Feature<'a>)>,
    /// Whether a user saw this answer.
    pub role: SampleRole,
    /// The truth, where it came with the prediction: then it is its own outcome.
    pub actual: Option<Value<'a>>,
}

impl Prediction<'_> {
    /// The join key.
    #[must_use]
    pub fn request(&self) -> &str {
        self.request.as_ref().unwrap_or(&self.id)
    }
}

/// The truth about a request became known.
#[derive(Debug, Clone, PartialEq)]
pub struct Outcome<'a> {
    /// Joins it to predictions.
    pub request: Cow<'a, str>,
    /// Which model.
    pub model: Cow<'a, str>,
    /// When the truth was known.
    pub ts: EventTime,
    /// The truth.
    pub actual: Value<'a>,
    /// The version that answered, where the outcome carries it: then nothing is joined.
    pub version: Option<Cow<'a, str>>,
    /// What that version answered.
    pub prediction: Option<Value<'a>>,
}

/// An answer's duration, measured apart from the prediction.
#[derive(Debug, Clone, PartialEq)]
pub struct LatencySample<'a> {
    /// Which model.
    pub model: Cow<'a, str>,
    /// Which version of it.
    pub version: Cow<'a, str>,
    /// When the answer was given.
    pub ts: EventTime,
    /// How long it took, in microseconds.
    pub latency_us: u64,
    /// Unique, where given.
    pub id: Option<Cow<'a, str>>,
}

/// What an instance of a version uses.
#[derive(Debug, Clone, PartialEq)]
pub struct Health<'a> {
    /// Which model.
    pub model: Cow<'a, str>,
    /// Which version of it.
    pub version: Cow<'a, str>,
    /// When it was read.
    pub ts: EventTime,
    /// Share of its processors, 0 to 1.
    pub cpu_ratio: Option<f64>,
    /// Resident memory.
    pub memory_bytes: Option<u64>,
}

/// A training or a pipeline reached a state.
#[derive(Debug, Clone, PartialEq)]
pub struct Run<'a> {
    /// Which model.
    pub model: Cow<'a, str>,
    /// When.
    pub ts: EventTime,
    /// Training or pipeline.
    pub kind: RunKind,
    /// How far.
    pub status: RunStatus,
    /// The version it makes, where known.
    pub version: Option<Cow<'a, str>>,
}

/// What ran.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum RunKind {
    /// Of the model.
    Training,
    /// That feeds it.
    Pipeline,
}

/// How far it came.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum RunStatus {
    /// It began.
    Started,
    /// It ended well.
    Succeeded,
    /// It ended badly.
    Failed,
}

/// How a prediction ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum PredictionStatus {
    /// With an answer.
    #[default]
    Ok,
    /// With an error.
    Error,
    /// Not in time.
    Timeout,
}

/// Whether a user saw an answer.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize,
)]
#[serde(rename_all = "lowercase")]
pub enum SampleRole {
    /// A user saw it.
    Live,
    /// Scored beside the live one, thrown away.
    Shadow,
    /// The telemetry does not say.
    #[default]
    Unstated,
}

/// What a version is at a moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    /// It answers users.
    Production,
    /// It answers a share of them, below production's.
    Canary,
    /// It answers nobody and is measured.
    Shadow,
    /// It does nothing.
    Idle,
}

/// A label: what a model answers, or what was true.
#[derive(Debug, Clone)]
pub enum Value<'a> {
    /// Any JSON number.
    Number(f64),
    /// Any JSON text.
    Text(Cow<'a, str>),
}

impl PartialEq for Value<'_> {
    /// Numbers by value (1 is 1.0), texts to the letter, a number never is a text.
    fn eq(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Number(a), Self::Number(b)) => a == b,
            (Self::Text(a), Self::Text(b)) => a == b,
            (Self::Number(_), Self::Text(_)) | (Self::Text(_), Self::Number(_)) => false,
        }
    }
}

impl Value<'_> {
    /// The same value on its own feet.
    #[must_use]
    pub fn into_owned(self) -> Value<'static> {
        match self {
            Self::Number(number) => Value::Number(number),
            Self::Text(text) => Value::Text(Cow::Owned(text.into_owned())),
        }
    }
}

/// The value of one input.
#[derive(Debug, Clone, PartialEq)]
pub enum Feature<'a> {
    /// A number, finite or not.
    Number(f64),
    /// A text or a truth value.
    Category(Cow<'a, str>),
    /// JSON null.
    Missing,
}
