//! The recording that the demo plays: what was asked, what each version really answered, and how
//! each flight ended. It is compiled in, so that the demo needs no file.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader};

use flate2::bufread::MultiGzDecoder;
use serde::Deserialize;
use serde_json::value::RawValue;
use serde_json::{Value as Json, json};

use crate::model::{EventTime, VersionId};

const RECORDING: &[u8] = include_bytes!("../../examples/flights/telemetry.jsonl.gz");
/// The registry that goes with it.
pub(super) const REGISTRY: &str = include_str!("../../examples/flights/registry.json");

/// The model of the recording.
pub(super) const MODEL: &str = "flight-delay";
/// The version that was in production before.
pub(super) const BEFORE: &str = "v2";
/// The version that goes bad.
pub(super) const AFTER: &str = "v3";

/// When the feature service of [`AFTER`] begins to send hours instead of minutes, which Ripcord is
/// not told.
pub(super) const FAULT: &str = "2013-06-20T06:00:00Z";

/// Why the recording cannot be played.
#[derive(Debug, thiserror::Error)]
#[error("the recording that is compiled in cannot be read; this build is damaged")]
pub struct FlightsError(#[source] Box<dyn std::error::Error + Send + Sync>);

/// One flight.
#[derive(Debug, Clone)]
pub(super) struct Flight {
    /// Its name, by which prediction and outcome are joined.
    pub(super) id: String,
    /// When the versions are asked.
    pub(super) asked_at: EventTime,
    /// What they are asked.
    pub(super) request: Json,
    /// What each really said.
    pub(super) answers: BTreeMap<VersionId, RecordedAnswer>,
    /// When it landed, and whether late; `None` if unknown.
    pub(super) landed: Option<(EventTime, i64)>,
}

/// A version's answer for a flight.
#[derive(Debug, Clone)]
pub(super) struct RecordedAnswer {
    /// Late, or not.
    pub(super) prediction: i64,
    /// The body of the answer.
    pub(super) body: String,
}

/// A record of the recording.
#[derive(Deserialize)]
struct Line {
    #[serde(rename = "type")]
    kind: String,
    request: String,
    version: Option<VersionId>,
    ts: EventTime,
    features: Option<Box<RawValue>>,
    prediction: Option<i64>,
    score: Option<f64>,
    actual: Option<i64>,
}

/// All flights, in the order in which they are asked for.
///
/// # Errors
/// The build is damaged.
pub(super) fn flights() -> Result<Vec<Flight>, FlightsError> {
    let failed = |error: Box<dyn std::error::Error + Send + Sync>| FlightsError(error);
    let (mut flights, mut place) = (Vec::new(), BTreeMap::new());
    for line in BufReader::new(MultiGzDecoder::new(RECORDING)).lines() {
        let line = line.map_err(|error| failed(error.into()))?;
        let line: Line = serde_json::from_str(&line).map_err(|error| failed(error.into()))?;
        let ts = line.ts;
        let at = *place.entry(line.request.clone()).or_insert(flights.len());
        if at == flights.len() {
            flights.push(Flight {
                id: line.request.clone(),
                asked_at: ts,
                request: Json::Null,
                answers: BTreeMap::new(),
                landed: None,
            });
        }
        let Some(flight) = flights.get_mut(at) else { continue };
        match line.kind.as_str() {
            "prediction" => flight.predicted(line),
            _ => flight.landed = line.actual.map(|actual| (ts, actual)),
        }
    }
    Ok(flights)
}

impl Flight {
    fn predicted(&mut self, line: Line) {
        let (Some(version), Some(prediction)) = (line.version, line.prediction) else { return };
        let features = line.features.as_deref().map_or("{}", RawValue::get);
        if version.as_str() == BEFORE {
            // What the caller sends; each version looks up for itself what else it needs.
            let features: Json = serde_json::from_str(features).unwrap_or_default();
            self.request = json!({ "flight": self.id, "features": features });
        }
        let score = line.score.unwrap_or_default();
        let body =
            format!(r#"{{"prediction":{prediction},"score":{score},"features":{features}}}"#);
        self.answers.insert(version, RecordedAnswer { prediction, body });
    }

    /// Whether a version was right about it; `None` if unknown.
    pub(super) fn right(&self, version: &str) -> Option<bool> {
        let (_, actual) = self.landed?;
        let answer = self.answers.iter().find(|(name, _)| name.as_str() == version)?;
        Some(answer.1.prediction == actual)
    }

    /// The record of its end, under the name that it was asked by.
    pub(super) fn outcome(&self, request: &str, at: EventTime, actual: i64) -> String {
        let record = json!({
            "type": "outcome", "id": format!("{request}/outcome"), "request": request,
            "model": MODEL, "ts": at.to_string(), "actual": actual,
        });
        record.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_flight_was_answered_twice_and_landed() {
        let flights = flights().unwrap();
        assert_eq!(flights.len(), 32_997);
        assert!(flights.is_sorted_by_key(|flight| flight.asked_at));
        for flight in &flights {
            assert_eq!(flight.answers.len(), 2, "{}", flight.id);
            assert!(flight.landed.is_some_and(|(at, _)| at > flight.asked_at), "{}", flight.id);
            assert!(flight.request["features"]["dep_delay"].is_number(), "{}", flight.id);
        }
        let share = |version| {
            let right = flights.iter().filter(|flight| flight.right(version) == Some(true));
            right.count() as f64 / flights.len() as f64
        };
        assert!(share(BEFORE) > 0.88 && share(AFTER) < 0.84);
    }
}
