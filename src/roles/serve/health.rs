//! `/livez`, `/readyz`, `/metrics`: for machines that watch this one.
//!
//! Over 300 lines: the page of metrics is read as one.

use std::collections::BTreeMap;
use std::sync::atomic::Ordering;

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse, Response};
use serde_json::json;

use super::overview::{overview, unready};
use super::rollbacks::rollbacks;
use super::views::all_incidents;
use super::{App, Shared};
use crate::edge::diagnostics::counters;
use crate::edge::diagnostics::metrics::{self, MetricLabels, Page, word};
use crate::edge::http::Problem;
use crate::model::{Incident, Limit, Verdict};
use crate::shard::{BUILD, ModelStatus, SignalStatus};
use crate::wire::api::{Overview, ShardView};

/// The process answers.
pub(super) async fn live() -> Response {
    Json(json!({"live": true})).into_response()
}

/// Every shard has reported lately.
pub(super) async fn ready(State(app): Shared) -> Result<Response, Problem> {
    let trouble = (app.trouble)();
    let overview = app.blocking(overview).await?;
    let reasons: Vec<_> = unready(&overview).into_iter().chain(trouble).collect();
    if reasons.is_empty() {
        return Ok(Json(json!({"ready": true})).into_response());
    }
    let (status, why) = (StatusCode::SERVICE_UNAVAILABLE, reasons.join(". "));
    Err(Problem::new(status, "not-ready", why).again_in(1))
}

pub(super) async fn metrics(State(app): Shared) -> Result<Response, Problem> {
    let text =
        app.blocking(|app| Ok(page(app, &overview(app)?, &all_incidents(app)?.incidents))).await?;
    Ok(([(CONTENT_TYPE, metrics::CONTENT_TYPE)], text).into_response())
}

fn page(app: &App, overview: &Overview, incidents: &[Incident]) -> String {
    let mut page = Page::new(BUILD);
    topics(&mut page, app, overview);
    signals(&mut page, overview);
    models(&mut page, overview);
    rollbacks(&mut page, incidents);
    counters::page(&mut page);
    page.text()
}

fn topics(page: &mut Page, app: &App, overview: &Overview) {
    let mut events = Vec::new();
    for (source, counters) in &overview.records {
        let fixed = [
            ("measured", counters.measured),
            ("unmatched", counters.unmatched),
            ("late", counters.late),
            ("duplicate", counters.duplicate),
            ("tombstone", counters.tombstones),
            ("not_ours", counters.not_ours),
        ];
        let fixed = fixed.into_iter().map(|(result, count)| (result.to_owned(), count));
        let rejected = counters.rejected.iter().map(|(code, n)| (format!("rejected_{code}"), *n));
        for (result, count) in fixed.chain(rejected) {
            events.push((vec![("source", source.to_string()), ("result", result)], count));
        }
    }
    page.counter(metrics::EVENTS, events);
    let late = overview.records.iter();
    let late = late.map(|(source, n)| (vec![("source", source.to_string())], n.late));
    page.counter(metrics::LATE, late);
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
    let sum = |of: fn(&ShardView) -> u64| [(Vec::new(), shards().map(of).sum())];
    page.counter(metrics::UNREADABLE, sum(|s| s.unreadable));
    page.counter(metrics::IGNORED_ANSWERS, sum(|s| s.ignored_answers));
    page.counter(metrics::ILLEGAL_MOVES, sum(|s| s.illegal_moves));
    page.counter(metrics::REFUSED_FENCES, sum(|s| s.refused_fences));
    let topics = || overview.lanes.iter().flat_map(|lane| &lane.topics);
    page.counter(metrics::GAPS, [(Vec::new(), topics().map(|topic| topic.gaps).sum())]);
    page.counter(metrics::RECORDS_LOST, [(Vec::new(), topics().map(|topic| topic.lost).sum())]);
    let of = |shard: u32| vec![("role", "decide".to_owned()), ("partition", shard.to_string())];
    page.gauge(metrics::LAG, shards().filter_map(|view| Some((of(view.shard), view.lag? as f64))));
    page.gauge(
        metrics::WATERMARK,
        shards().filter_map(|view| {
            let delay = overview.now.as_ms() - view.read_to?.as_ms();
            Some((vec![("shard", view.shard.to_string())], delay as f64 / 1000.0))
        }),
    );
    page.gauge(
        metrics::STATUS_AGE,
        shards()
            .filter_map(|view| Some((vec![("shard", view.shard.to_string())], view.age_seconds?))),
    );
    page.gauge(metrics::LOG_AHEAD, [(Vec::new(), overview.clock.log_ahead_seconds)]);
}

fn signals(page: &mut Page, overview: &Overview) {
    let mut drift: BTreeMap<MetricLabels, f64> = BTreeMap::new();
    let mut verdicts: BTreeMap<MetricLabels, f64> = BTreeMap::new();
    let (mut values, mut means, mut samples) = (Vec::new(), Vec::new(), Vec::new());
    let (mut evidence, mut thresholds) = (Vec::new(), Vec::new());
    for (model, version, signal) in each(overview) {
        let labels: MetricLabels = vec![
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
            Limit::Psi { .. } => {
                // One value for all inputs of a version: names of inputs are too many for labels.
                let index = drift.entry(labels).or_default();
                *index = index.max(signal.value.unwrap_or(0.0));
                continue;
            }
            Limit::MeanMs { .. } => {
                means.extend(signal.value.map(|ms| (labels.clone(), ms / 1000.0)));
            }
            Limit::Baseline(_) | Limit::Rate(_) | Limit::Paired(_) => {
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
    page.gauge(metrics::TRIGGERS, verdicts);
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
    let blind = |status: &ModelStatus| {
        let mut open = status.open_incidents.iter();
        f64::from(u8::from(open.any(|incident| incident.verdict == Verdict::Blind)))
    };
    page.gauge(metrics::BLIND, per_model(&blind));
    page.gauge(metrics::FROZEN, per_model(&|status| f64::from(u8::from(status.frozen.is_some()))));
    let versions = overview.models.iter().flat_map(|(model, status)| {
        status.versions.iter().filter_map(move |(version, status)| {
            let labels = vec![("model", model.to_string()), ("version", version.to_string())];
            Some((labels, status.label_coverage?))
        })
    });
    page.gauge(metrics::COVERAGE, versions);
    let troubled = overview.trouble.keys().map(|target| (vec![("target", target.clone())], 1.0));
    page.gauge(metrics::TROUBLE, troubled);
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
