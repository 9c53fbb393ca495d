//! `/livez`, `/readyz`, `/metrics`: for machines that watch this one.
//!
//! Over 300 lines: the page of metrics is read as one.

use std::collections::BTreeMap;
use std::sync::atomic::Ordering;

use axum::Json;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::StatusCode;
use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse, Response};
use serde_json::json;

use super::incident_tally::with_incidents;
use super::overview::{overview, unready};
use super::remembered::RememberedAnswer;
use super::rollbacks::rollbacks;
use super::{App, Shared};
use crate::config::SeriesPerModel;
use crate::edge::diagnostics::counters;
use crate::edge::diagnostics::metrics::{self, MetricLabels, Page, word};
use crate::edge::http::Problem;
use crate::model::{Limit, Verdict, VersionId};
use crate::shard::{BUILD, ModelStatus, SignalStatus};
use crate::wire::api::{Overview, ShardView};

/// Why nothing is known of the shards.
const SILENT: &str = "The log has not answered for 2 s; are the brokers up?";

/// The process answers.
pub(super) async fn live() -> Response {
    Json(json!({"live": true})).into_response()
}

/// Every shard has reported lately.
pub(super) async fn ready(State(app): Shared) -> Result<Response, Problem> {
    let trouble = (app.trouble)();
    let unready = RememberedAnswer::soon(app, |app| &app.ready, |app| Ok(unready(&overview(app)?)));
    let unready = unready.await.unwrap_or_else(|| Ok(Some(SILENT.to_owned())))?;
    let reasons: Vec<_> = unready.into_iter().chain(trouble).collect();
    if reasons.is_empty() {
        return Ok(Json(json!({"ready": true})).into_response());
    }
    let (status, why) = (StatusCode::SERVICE_UNAVAILABLE, reasons.join(". "));
    Err(Problem::new(status, "not-ready", why).again_in(1))
}

pub(super) async fn metrics(State(app): Shared) -> Result<Response, Problem> {
    let text = match RememberedAnswer::soon(app, |app| &app.metrics, page).await {
        Some(Ok(text)) => text,
        // What no topic holds is known all the same.
        Some(Err(_)) | None => of_process(Page::new(BUILD), false),
    };
    Ok(([(CONTENT_TYPE, metrics::CONTENT_TYPE)], text).into_response())
}

/// Adds what this process knows of itself; `reads`: whether the log answers.
fn of_process(mut page: Page, reads: bool) -> Bytes {
    let role = vec![("role", "serve".to_owned())];
    page.gauge(metrics::ROLE_READY, [(role, f64::from(u8::from(reads)))]);
    counters::page(&mut page);
    page.text().into()
}

fn page(app: &App) -> Result<Bytes, Problem> {
    let (overview, per_model) = (overview(app)?, app.per_model);
    let mut page = Page::new(BUILD);
    topics(&mut page, app, &overview);
    if per_model != SeriesPerModel::None {
        signals(&mut page, &overview, per_model);
    }
    models(&mut page, &overview, per_model);
    with_incidents(app, |incidents| rollbacks(&mut page, incidents))?;
    Ok(of_process(page, true))
}

/// Whether a version has series of its own.
fn is_shown(per_model: SeriesPerModel, status: &ModelStatus, version: &VersionId) -> bool {
    match per_model {
        SeriesPerModel::All => true,
        SeriesPerModel::Production => status.production.as_ref() == Some(version),
        SeriesPerModel::None => false,
    }
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
    page.counter(metrics::REFUSED_CELLS, sum(|view| view.refused_names));
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

fn signals(page: &mut Page, overview: &Overview, per_model: SeriesPerModel) {
    let mut drift: BTreeMap<MetricLabels, f64> = BTreeMap::new();
    let mut verdicts: BTreeMap<MetricLabels, f64> = BTreeMap::new();
    let (mut values, mut means, mut samples) = (Vec::new(), Vec::new(), Vec::new());
    let (mut evidence, mut thresholds) = (Vec::new(), Vec::new());
    for (model, version, signal) in each(overview, per_model) {
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

fn models(page: &mut Page, overview: &Overview, shown: SeriesPerModel) {
    let per_model = |value: &dyn Fn(&ModelStatus) -> f64| {
        if shown == SeriesPerModel::None {
            // One number for all models, without their names.
            return vec![(Vec::new(), overview.models.values().map(value).sum())];
        }
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
        let shown = status.versions.iter().filter(move |(of, _)| is_shown(shown, status, of));
        shown.filter_map(move |(version, status)| {
            let labels = vec![("model", model.to_string()), ("version", version.to_string())];
            Some((labels, status.label_coverage?))
        })
    });
    page.gauge(metrics::COVERAGE, versions);
    let troubled = overview.trouble.keys().map(|target| (vec![("target", target.clone())], 1.0));
    page.gauge(metrics::TROUBLE, troubled);
}

/// Every trigger on every version that is shown.
fn each(
    overview: &Overview,
    per_model: SeriesPerModel,
) -> impl Iterator<Item = (&str, &str, &SignalStatus)> {
    overview.models.iter().flat_map(move |(model, status)| {
        let shown = status.versions.iter().filter(move |(of, _)| is_shown(per_model, status, of));
        shown.flat_map(move |(version, status)| {
            let signals = status.signals.iter();
            signals.map(move |signal| (model.as_str(), version.as_str(), signal))
        })
    })
}
