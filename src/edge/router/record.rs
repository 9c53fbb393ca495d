//! What the router publishes of an answer: a prediction, as telemetry has it.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use axum::body::Bytes;
use serde_json::{Map, Value as Json, json};

use crate::config::{FeaturesAt, RoutedModel};
use crate::model::{LogTime, PredictionStatus, SampleRole, VersionId};

/// An answer of a version, live or shadow, as it was seen.
#[derive(Debug)]
pub struct Answered {
    pub(super) model: Arc<RoutedModel>,
    pub(super) version: VersionId,
    /// What joins it to its outcome and to the other versions.
    pub(super) request: String,
    pub(super) at: LogTime,
    /// When it happened, as a header of the request says.
    pub(super) ts: Option<String>,
    pub(super) status: PredictionStatus,
    pub(super) error: Option<String>,
    pub(super) took_us: u64,
    pub(super) role: SampleRole,
    /// The body of the request, and of the answer; empty: not held.
    pub(super) asked: Bytes,
    pub(super) answer: Bytes,
    pub(super) held: Option<BodyBytes>,
}

/// Bytes of bodies that a record holds, given back when it is gone.
#[derive(Debug)]
pub(super) struct BodyBytes {
    all: Arc<AtomicUsize>,
    bytes: usize,
}

impl Drop for BodyBytes {
    fn drop(&mut self) {
        self.all.fetch_sub(self.bytes, Ordering::Relaxed);
    }
}

impl Answered {
    /// Counts its bodies among `all` for as long as it lives; how many bytes they are together.
    pub(super) fn hold(&mut self, all: &Arc<AtomicUsize>) -> usize {
        let bytes = self.asked.len() + self.answer.len();
        self.held = Some(BodyBytes { all: Arc::clone(all), bytes });
        all.fetch_add(bytes, Ordering::Relaxed) + bytes
    }

    /// The key of the record.
    #[must_use]
    pub fn key(&self) -> &str {
        &self.request
    }

    /// The record.
    #[must_use]
    pub fn json(&self) -> Vec<u8> {
        let fields = &self.model.fields;
        let asked = || serde_json::from_slice::<Json>(&self.asked).ok();
        let answer = serde_json::from_slice::<Json>(&self.answer).ok();
        let told = |pointer: &str| answer.as_ref()?.pointer(pointer).cloned();
        let mut record = Map::new();
        let mut put = |name: &str, value: Json| record.insert(name.to_owned(), value);
        put("type", json!("prediction"));
        // A request is answered by a version once, live or shadow.
        put("id", json!(format!("{}/{}", self.request, self.version)));
        put("request", json!(self.request));
        put("model", json!(self.model.model));
        put("version", json!(self.version));
        put("status", json!(self.status_word()));
        if let Some(error) = &self.error {
            put("error", json!(error));
        }
        put("latency_ms", json!(self.took_us as f64 / 1000.0));
        put("role", json!(self.role));
        let wanted = matches!(fields.features, Some(FeaturesAt::Request(_)));
        let asked = if wanted || self.ts_stands_there() { asked() } else { None };
        put("ts", self.when(asked.as_ref()));
        if self.status == PredictionStatus::Ok {
            if let Some(prediction) = told(&fields.prediction).and_then(label) {
                put("prediction", prediction);
            }
            let score = fields.score.as_deref().and_then(told);
            if let Some(score) = score.filter(Json::is_number) {
                put("score", score);
            }
        }
        let found = fields.features.as_ref().and_then(|at| match at {
            FeaturesAt::Request(pointer) => Some((pointer, asked.as_ref()?.pointer(pointer)?)),
            FeaturesAt::Answer(pointer) => Some((pointer, answer.as_ref()?.pointer(pointer)?)),
        });
        if let Some((pointer, found)) = found {
            put("features", features(pointer, found));
        }
        serde_json::to_vec(&Json::Object(record)).unwrap_or_default()
    }

    fn ts_stands_there(&self) -> bool {
        matches!(self.model.fields.ts, Some(crate::model::Field::Pointer(_)))
    }

    /// When it happened, as the request says, else by the router's clock.
    fn when(&self, asked: Option<&Json>) -> Json {
        let stated = match &self.model.fields.ts {
            Some(crate::model::Field::Pointer(pointer)) => {
                asked.and_then(|asked| asked.pointer(pointer)).cloned()
            }
            Some(crate::model::Field::Header(_) | crate::model::Field::Key) | None => {
                self.ts.as_deref().map(moment)
            }
        };
        stated
            .filter(|ts| ts.is_number() || ts.is_string())
            .unwrap_or_else(|| json!(self.at.as_ms()))
    }

    fn status_word(&self) -> &'static str {
        match self.status {
            PredictionStatus::Ok => "ok",
            PredictionStatus::Error => "error",
            PredictionStatus::Timeout => "timeout",
        }
    }
}

/// Milliseconds, or RFC 3339.
fn moment(text: &str) -> Json {
    text.parse::<i64>().map_or_else(|_| json!(text), Json::from)
}

/// What can be a label: a number, a text; a truth value by its name.
fn label(value: Json) -> Option<Json> {
    match value {
        Json::Number(_) | Json::String(_) => Some(value),
        Json::Bool(yes) => Some(json!(yes.to_string())),
        Json::Null | Json::Array(_) | Json::Object(_) => None,
    }
}

/// The inputs by name, without what no feature can be.
fn features(pointer: &str, found: &Json) -> Json {
    let fits = |value: &Json| !value.is_array() && !value.is_object();
    match found {
        Json::Object(all) => {
            let all = all.iter().filter(|(_, value)| fits(value));
            Json::Object(all.map(|(name, value)| (name.clone(), value.clone())).collect())
        }
        Json::Array(_) => json!({}),
        Json::Null | Json::Bool(_) | Json::Number(_) | Json::String(_) => {
            let name = pointer.rsplit('/').next().unwrap_or_default();
            json!({ name: found })
        }
    }
}
