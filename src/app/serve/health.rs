//! `/livez`, `/readyz`, `/metrics`: for machines that watch this one.

use std::collections::BTreeMap;
use std::sync::atomic::Ordering;

use axum::Json;
use axum::extract::State;
use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse, Response};
use serde_json::json;

use super::views::{Overview, all_incidents, overview, unready};
use super::{App, Shared};
use crate::edge::diagnostics::metrics::{self, Labels, Page};
use crate::edge::http::Problem;
use crate::model::{Incident, IncidentState, Null, Span};
use crate::shard::{BUILD, ModelStatus, SignalStatus};

/// A shard that said nothing for so long is not ready.
const SILENT: Span = Span::from_s(10);

/// The process answers; no more is said.
pub(super) async fn live() -> Response {
    Json(json!({"live": true})).into_response()
}

/// Every shard has lately said how it stands.
pub(super) async fn ready(State(app): Shared) -> Result<Response, Problem> {
    let overview = app.blocking(overview).await?;
    match unready(&overview, SILENT) {
        None => Ok(Json(json!({"ready": true})).into_response()),
        Some(problem) => Err(problem),
    }
}

pub(super) async fn metrics(State(app): Shared) -> Result<Response, Problem> {
    let text = app.blocking(|app| Ok(page(app, &overview(app)?, &all_incidents(app)?))).await?;
    Ok(([(CONTENT_TYPE, metrics::CONTENT_TYPE)], text).into_response())
}

fn page(app: &App, overview: &Overview, incidents: &[Incident]) -> String {
    let mut page = Page::new(BUILD);
    river(&mut page, app, overview);
    signals(&mut page, overview);
    models(&mut page, overview);
    let mut ended: BTreeMap<&str, u64> = BTreeMap::new();
    for incident in incidents {
        if let Some(result) = result(incident) {
            *ended.entry(result).or_default() += 1;
        }
    }
    let ended = ["verified", "unverified", "frozen", "stuck"].map(|result| {
        let count = ended.get(result).copied().unwrap_or(0);
        (vec![("result", result.to_owned())], count)
    });
    page.counter(metrics::ROLLBACKS, ended);
    page.text()
}

fn river(page: &mut Page, app: &App, overview: &Overview) {
    let mut events = Vec::new();
    for (source, counters) in &overview.records {
        let fixed = [
            ("measured", counters.measured),
            ("unmatched", counters.unmatched),
            ("late", counters.late),
            ("duplicate", counters.duplicate),
        ];
        let fixed = fixed.into_iter().map(|(result, count)| (result.to_owned(), count));
        let rejected = counters.rejected.iter().map(|(code, n)| (format!("rejected_{code}"), *n));
        for (result, count) in fixed.chain(rejected) {
            events.push((vec![("source", source.to_string()), ("result", result)], count));
        }
    }
    page.counter(metrics::EVENTS, events);
    let counts = &app.counts;
    let taken = [("taken", &counts.taken), ("rejected", &counts.rejected)];
    page.counter(
        metrics::TAKEN,
        taken.map(|(result, count)| {
            (vec![("result", result.to_owned())], count.load(Ordering::Relaxed))
        }),
    );
    let shards = || overview.shards.iter();
    page.counter(metrics::AFTER_CLOSE, [(Vec::new(), shards().map(|s| s.after_close).sum())]);
    // Every shard sees every gap of a lane.
    page.counter(metrics::GAPS, [(Vec::new(), shards().map(|s| s.gaps).max().unwrap_or(0))]);
    let of = |shard: u32| vec![("role", "decide".to_owned()), ("partition", shard.to_string())];
    page.gauge(metrics::LAG, shards().filter_map(|view| Some((of(view.shard), view.lag? as f64))));
    page.gauge(
        metrics::STATUS_AGE,
        shards().filter_map(|view| {
            let age = (overview.now - view.told_at?).as_s();
            Some((vec![("shard", view.shard.to_string())], age))
        }),
    );
}

fn signals(page: &mut Page, overview: &Overview) {
    let mut drift: BTreeMap<Labels, f64> = BTreeMap::new();
    let mut verdicts: BTreeMap<Labels, f64> = BTreeMap::new();
    let (mut values, mut means, mut samples) = (Vec::new(), Vec::new(), Vec::new());
    let (mut evidence, mut thresholds) = (Vec::new(), Vec::new());
    for (model, version, signal) in each(overview) {
        let labels: Labels = vec![
            ("model", model.to_owned()),
            ("version", version.to_owned()),
            ("signal", word(signal.signal)),
            ("trigger", signal.trigger.to_string()),
        ];
        let said = vec![
            ("model", model.to_owned()),
            ("signal", word(signal.signal)),
            ("verdict", word(signal.verdict)),
        ];
        *verdicts.entry(said).or_default() += 1.0;
        match signal.limit {
            Null::Psi { .. } => {
                // One value for all inputs of a version: names of inputs are too many for labels.
                let index = drift.entry(labels).or_default();
                *index = index.max(signal.value.unwrap_or(0.0));
                continue;
            }
            Null::MeanMs { .. } => {
                means.extend(signal.value.map(|ms| (labels.clone(), ms / 1000.0)));
            }
            Null::Baseline(_) | Null::Rate(_) | Null::Paired(_) => {
                values.extend(signal.value.map(|value| (labels.clone(), value)));
            }
        }
        samples.push((labels.clone(), signal.samples as f64));
        evidence.push((labels.clone(), signal.evidence));
        thresholds.push((labels, signal.threshold));
    }
    page.gauge(metrics::VALUE, values);
    page.gauge(metrics::MEAN, means);
    page.gauge(metrics::DRIFT, drift);
    page.gauge(metrics::SAMPLES, samples);
    page.gauge(metrics::EVIDENCE, evidence);
    page.gauge(metrics::THRESHOLD, thresholds);
    page.gauge(metrics::VERDICTS, verdicts);
}

fn models(page: &mut Page, overview: &Overview) {
    let per_model = |value: &dyn Fn(&ModelStatus) -> f64| {
        let of = |(model, status)| (vec![("model", format!("{model}"))], value(status));
        overview.models.iter().map(of).collect::<Vec<_>>()
    };
    let quarantined = |status: &ModelStatus| {
        status.versions.values().filter(|version| version.quarantined).count() as f64
    };
    page.gauge(metrics::QUARANTINED, per_model(&quarantined));
    page.gauge(metrics::OPEN, per_model(&|status| status.open_incidents.len() as f64));
    page.gauge(metrics::FROZEN, per_model(&|status| f64::from(u8::from(status.frozen.is_some()))));
    let versions = overview.models.iter().flat_map(|(model, status)| {
        status.versions.iter().filter_map(move |(version, status)| {
            let labels = vec![("model", model.to_string()), ("version", version.to_string())];
            Some((labels, status.label_coverage?))
        })
    });
    page.gauge(metrics::COVERAGE, versions);
}

/// Every trigger on every version.
fn each(overview: &Overview) -> impl Iterator<Item = (&str, &str, &SignalStatus)> {
    overview.models.iter().flat_map(|(model, status)| {
        status.versions.iter().flat_map(move |(version, status)| {
            let signals = status.signals.iter();
            signals.map(move |signal| (model.as_str(), version.as_str(), signal))
        })
    })
}

/// A word of the model as JSON has it.
fn word<T: serde::Serialize>(value: T) -> String {
    let json = serde_json::to_value(value).unwrap_or_default();
    json.as_str().unwrap_or_default().replace('-', "_")
}

/// How a rollback ended; none: it has not, or none began.
fn result(incident: &Incident) -> Option<&'static str> {
    incident.generation?;
    match incident.state {
        IncidentState::Verified => Some("verified"),
        IncidentState::MitigatedUnverified => Some("unverified"),
        IncidentState::Resolved if incident.verified_at.is_some() => Some("verified"),
        IncidentState::Resolved => Some("unverified"),
        IncidentState::Frozen => Some("frozen"),
        IncidentState::Stuck => Some("stuck"),
        IncidentState::Open | IncidentState::Mitigating | IncidentState::Mitigated => None,
    }
}
