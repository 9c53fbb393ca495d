//! Samples: facts from telemetry, borrowed from the bytes of the record.
//!
//! Over 300 lines: one list of what telemetry may say.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};

use super::{EventTime, LostFields, Span};

/// One fact from telemetry.
#[derive(Debug, Clone, PartialEq)]
pub enum Sample<'a> {
    /// A version answered a request, or failed to.
    Prediction(Prediction<'a>),
    /// The true answer to a request became known.
    Outcome(Outcome<'a>),
    /// The duration of an answer, measured elsewhere.
    Latency(LatencySample<'a>),
    /// The resources that an instance uses.
    Health(Health<'a>),
    /// A training or pipeline run started, succeeded or failed.
    Run(Run<'a>),
    /// What a version was asked, or what it answered, in records apart.
    Half(Half<'a>),
}

/// The kind of a sample.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum SampleKind {
    /// A version answered a request.
    Prediction,
    /// The true answer became known.
    Outcome,
    /// The duration of an answer.
    Latency,
    /// The resources that an instance uses.
    Health,
    /// The state of a training or pipeline run.
    Run,
    /// The first half of a call: what a version was asked.
    Asked,
    /// The second half of a call: what it answered.
    Answered,
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
            Self::Half(h) => h.ts,
        }
    }

    /// Fields that it has and that could not be used.
    #[must_use]
    pub fn lost(&self) -> LostFields {
        match self {
            Self::Prediction(p) => p.lost,
            Self::Outcome(o) => o.lost,
            Self::Latency(l) => l.lost,
            Self::Health(h) => h.lost,
            Self::Run(_) | Self::Half(_) => LostFields::default(),
        }
    }

    /// The model it is about.
    #[must_use]
    pub fn model(&self) -> &str {
        match self {
            Self::Prediction(p) => &p.model,
            Self::Outcome(o) => &o.model,
            Self::Latency(l) => &l.model,
            Self::Health(h) => &h.model,
            Self::Run(r) => &r.model,
            Self::Half(h) => &h.model,
        }
    }
}

impl Sample<'_> {
    /// Makes a sample of a batch that has one id another one: the first keeps `id`, the second is
    /// `id#1`. What is unique by itself stays.
    pub fn number(&mut self, nth: usize, id: bool, request: bool) {
        let numbered = |name: &mut Cow<'_, str>| name.to_mut().push_str(&format!("#{nth}"));
        let of = |prediction: &mut Prediction<'_>| {
            if id {
                numbered(&mut prediction.id);
            }
            prediction.request.as_mut().filter(|_| request).map(numbered);
        };
        match self {
            Self::Prediction(prediction) => of(prediction),
            Self::Half(half) => half.predictions.iter_mut().for_each(of),
            Self::Outcome(outcome) if request => numbered(&mut outcome.request),
            Self::Latency(latency) if id => drop(latency.id.as_mut().map(numbered)),
            Self::Outcome(_) | Self::Latency(_) | Self::Health(_) | Self::Run(_) => {}
        }
    }
}

/// A version answered a request, or failed to.
#[derive(Debug, Clone, PartialEq)]
pub struct Prediction<'a> {
    /// Unique among the model's predictions; a second record with this id is a duplicate.
    pub id: Cow<'a, str>,
    /// The model.
    pub model: Cow<'a, str>,
    /// The version.
    pub version: Cow<'a, str>,
    /// When the version answered or gave up.
    pub ts: EventTime,
    /// Joins answers to outcomes, and versions to each other. Defaults to the id.
    pub request: Option<Cow<'a, str>>,
    /// How it ended.
    pub status: PredictionStatus,
    /// The answer.
    pub prediction: Option<Value<'a>>,
    /// The model's own confidence.
    pub score: Option<f64>,
    /// The duration in microseconds.
    pub latency_us: Option<u64>,
    /// The inputs, by name.
    pub features: Vec<(Cow<'a, str>, Feature<'a>)>,
    /// Whether a user saw the answer.
    pub role: SampleRole,
    /// The true answer, if it came with the prediction; then no outcome is needed.
    pub actual: Option<Value<'a>>,
    /// Fields that it has and that could not be used.
    pub lost: LostFields,
}

impl Prediction<'_> {
    /// The join key.
    #[must_use]
    pub fn request(&self) -> &str {
        self.request.as_ref().unwrap_or(&self.id)
    }
}

/// The true answer to a request became known.
#[derive(Debug, Clone, PartialEq)]
pub struct Outcome<'a> {
    /// Joins it to predictions.
    pub request: Cow<'a, str>,
    /// The model.
    pub model: Cow<'a, str>,
    /// When it became known.
    pub ts: EventTime,
    /// The true answer. `None` if it could not be used.
    pub actual: Option<Value<'a>>,
    /// The version that answered, if the outcome carries it; then no join is needed.
    pub version: Option<Cow<'a, str>>,
    /// That version's answer.
    pub prediction: Option<Value<'a>>,
    /// Fields that it has and that could not be used.
    pub lost: LostFields,
}

/// An answer's duration, measured apart from the prediction.
#[derive(Debug, Clone, PartialEq)]
pub struct LatencySample<'a> {
    /// The model.
    pub model: Cow<'a, str>,
    /// The version.
    pub version: Cow<'a, str>,
    /// When the answer was given.
    pub ts: EventTime,
    /// The duration in microseconds. `None` if it could not be used.
    pub latency_us: Option<u64>,
    /// Unique, if given.
    pub id: Option<Cow<'a, str>>,
    /// Fields that it has and that could not be used.
    pub lost: LostFields,
}

/// The resources that an instance of a version uses.
#[derive(Debug, Clone, PartialEq)]
pub struct Health<'a> {
    /// The model.
    pub model: Cow<'a, str>,
    /// The version.
    pub version: Cow<'a, str>,
    /// When it was read.
    pub ts: EventTime,
    /// Share of its processors in use, 0 to 1.
    pub cpu_ratio: Option<f64>,
    /// Resident memory in bytes.
    pub memory_bytes: Option<u64>,
    /// Fields that it has and that could not be used.
    pub lost: LostFields,
}

/// A training or pipeline run reached a state.
#[derive(Debug, Clone, PartialEq)]
pub struct Run<'a> {
    /// The model.
    pub model: Cow<'a, str>,
    /// When it reached it.
    pub ts: EventTime,
    /// Training or pipeline.
    pub kind: RunKind,
    /// The state.
    pub status: RunStatus,
    /// The version it produces, if known.
    pub version: Option<Cow<'a, str>>,
}

/// One half of a call, as long as the other is not there.
#[derive(Debug, Clone, PartialEq)]
pub struct Half<'a> {
    /// What both halves have in common.
    pub by: Cow<'a, str>,
    /// Which half it is.
    pub side: HalfSide,
    /// When it was asked or answered.
    pub ts: EventTime,
    /// The model; empty: this half does not say it.
    pub model: Cow<'a, str>,
    /// What it says of each prediction. A version that is empty, it does not say.
    pub predictions: Vec<Prediction<'a>>,
    /// Whether the time between both halves is the duration of the call.
    pub timed: bool,
    /// How long it waits for the other half.
    pub within: Span,
    /// Whether a call that was not answered in time has failed.
    pub missing_is_error: bool,
}

/// Which half of a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum HalfSide {
    /// What was asked.
    Asked,
    /// What was answered.
    Answered,
}

/// The kind of a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum RunKind {
    /// Trains the model.
    Training,
    /// Prepares its data.
    Pipeline,
}

/// The state of a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum RunStatus {
    /// It started.
    Started,
    /// It succeeded.
    Succeeded,
    /// It failed.
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
    /// No user saw it: scored for comparison only.
    Shadow,
    /// Not stated.
    #[default]
    Unstated,
}

/// The role of a version at a moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    /// It answers users.
    Production,
    /// It answers a smaller share of users than production.
    Canary,
    /// It is measured but answers no users.
    Shadow,
    /// It does nothing.
    Idle,
}

/// A label: a model's answer, or the true one.
#[derive(Debug, Clone)]
pub enum Value<'a> {
    /// Any JSON number.
    Number(f64),
    /// Any JSON text.
    Text(Cow<'a, str>),
}

impl PartialEq for Value<'_> {
    /// Compares numbers by value (1 equals 1.0) and texts exactly; a number never equals a text.
    fn eq(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Number(a), Self::Number(b)) => a == b,
            (Self::Text(a), Self::Text(b)) => a == b,
            (Self::Number(_), Self::Text(_)) | (Self::Text(_), Self::Number(_)) => false,
        }
    }
}

impl Value<'_> {
    /// The same value, owned.
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
    /// It is there and cannot be used: an array, an object, or no value at all.
    Unusable,
}
