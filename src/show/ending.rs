//! The end of a replay's story: the result, in tables, and what to know about it.

use super::data::{Replayed, RollbackSummary, Summary};
use super::verdict::{detected, place_of, steps, unit, verdict};
use super::{Screen, Story};
use crate::model::{FeatureName, ModelId, Signal, Verdict, VersionId};
use crate::phrases::{count, gained, moment, odds, percent};

/// The result of a replay.
#[must_use]
pub fn ending(replayed: &Replayed, story: &Story, screen: Screen) -> String {
    let summary = &replayed.summary;
    let mut text = String::new();
    let mut section = |title: &str, body: &str| {
        if !body.is_empty() {
            text.push_str(&format!("\n{}\n{body}\n", screen.bold(title)));
        }
    };
    section("Result", &screen.wrap(&verdict(summary), 0));
    section("Accuracy", &accuracy(summary, screen));
    section("Errors and latency", &others(summary, screen));
    for rollback in &summary.rollbacks {
        let title = format!("Rollback of {}", rollback.from);
        section(&title, &phases(rollback, screen));
    }
    section("Alerts", &alerts(replayed, story, screen));
    section("Records", &records(summary, screen));
    section("Please note", &notes(summary, screen));
    text
}

fn accuracy(summary: &Summary, screen: Screen) -> String {
    let rows: Vec<Vec<String>> = summary
        .models
        .iter()
        .filter_map(|(model, known)| Some((model, known, known.accuracy_served?)))
        .map(|(model, known, served)| {
            let without = known.accuracy_without;
            vec![
                model.to_string(),
                percent(served),
                without.map_or("unknown".to_owned(), percent),
                without.map_or(String::new(), |without| gained(without, served)),
                known.production_at_start.as_ref().map_or("-".to_owned(), ToString::to_string),
            ]
        })
        .collect();
    if rows.is_empty() {
        return screen.wrap("No live answer has a label, so accuracy is unknown.", 2);
    }
    let header = ["model", "served", "without Ripcord", "difference", "production at start"];
    screen.table(&header, &rows, &[1, 2, 3])
}

/// Error rates and latencies, where something was rolled back for one of them.
fn others(summary: &Summary, screen: Screen) -> String {
    let rows = summary.rollbacks.iter().filter_map(|rollback| {
        let known = summary.models.get(&rollback.model)?;
        let (what, served, without) = match rollback.signal? {
            Signal::ErrorRate => ("failed", known.error_rate_served, known.error_rate_without),
            Signal::Latency => ("mean latency", known.latency_ms_served, known.latency_ms_without),
            Signal::Accuracy | Signal::FeatureDrift => return None,
        };
        let shown = |x: Option<f64>| x.map_or("unknown".to_owned(), |x| unit(rollback).value(x));
        Some(vec![rollback.model.to_string(), what.to_owned(), shown(served), shown(without)])
    });
    let rows: Vec<_> = rows.collect();
    if rows.is_empty() {
        return String::new();
    }
    screen.table(&["model", "measure", "served", "without Ripcord"], &rows, &[2, 3])
}

fn phases(rollback: &RollbackSummary, screen: Screen) -> String {
    let rows: Vec<Vec<String>> = steps(rollback)
        .into_iter()
        .map(|(what, at, took)| vec![what.to_owned(), moment(at), took.unwrap_or_default()])
        .collect();
    let mut text = screen.table(&["phase", "event time", "took"], &rows, &[2]);
    let unit = unit(rollback);
    let samples = rollback.signal.map_or("samples", |_| unit.samples());
    let detection = detected(rollback).map(|after| {
        format!(
            "Detected {after} after the likely start, on {} {samples}, by {}.",
            count(rollback.detection.labels),
            rollback.trigger.as_ref().map_or("a person", |trigger| trigger.as_str())
        )
    });
    if let Some(detection) = detection {
        text.push_str(&format!("\n{}", screen.wrap(&detection, 1)));
    }
    if let Some(evidence) = &rollback.evidence {
        let value = evidence.value.map_or("unknown".to_owned(), |x| unit.value(x));
        let limit = evidence.tolerated.map_or("?".to_owned(), |x| unit.value(x));
        let between = evidence.interval.map_or(String::new(), |(low, high)| {
            format!(" (95 %: {} to {})", unit.value(low), unit.value(high))
        });
        let odds = odds(evidence.rule, evidence.statistic, evidence.threshold);
        let odds = odds.map_or(String::new(), |odds| format!("; {odds}"));
        let line = format!(
            "Evidence: {value} {}{between}, limit {limit}{odds}. Decision {}.",
            unit.what(),
            evidence.decision
        );
        text.push_str(&format!("\n{}", screen.wrap(&line, 1)));
    }
    text
}

fn alerts(replayed: &Replayed, story: &Story, screen: Screen) -> String {
    let rows: Vec<Vec<String>> = story
        .drifts()
        .map(|(model, version, feature, shared, times)| {
            let most = most(replayed, (model, version, feature), shared);
            let whose = if shared { "shared" } else { "its own" };
            vec![
                version.to_string(),
                feature.to_string(),
                whose.to_owned(),
                count(times),
                format!("{most:.2}"),
            ]
        })
        .collect();
    if rows.is_empty() {
        return String::new();
    }
    screen.table(&["version", "input", "drift", "alerts", "largest PSI"], &rows, &[3, 4])
}

/// The largest distance that was shared, or the version's own.
fn most(
    replayed: &Replayed,
    (model, version, feature): (&ModelId, &VersionId, &FeatureName),
    shared: bool,
) -> f64 {
    let verdict = if shared { Verdict::Systemic } else { Verdict::Breach };
    let lines = replayed.series.lines().filter(|((of, by, _, about), _)| {
        of == model && by == version && about.as_ref() == Some(feature)
    });
    let points = lines.flat_map(|(_, points)| points).filter(|point| point.verdict == verdict);
    points.map(|point| point.statistic).fold(0.0, f64::max)
}

fn records(summary: &Summary, screen: Screen) -> String {
    let records = &summary.records;
    let rejected: u64 = records.rejected.values().sum();
    let parts = [
        ("measured", records.measured),
        ("waiting", records.waiting),
        ("unmatched", records.unmatched),
        ("late", records.late),
        ("duplicate", records.duplicate),
        ("rejected", rejected),
        ("tombstones", records.tombstones),
        ("not ours", records.not_ours),
    ];
    // Few topics have any.
    let few = ["tombstones", "not ours"];
    let parts = parts.iter().filter(|(name, n)| !few.contains(name) || *n > 0);
    let parts: Vec<_> = parts.map(|(name, n)| format!("{} {name}", count(*n))).collect();
    let mut text = screen.wrap(&format!("{} read = {}", count(records.read), parts.join(" + ")), 1);
    for (code, n) in &records.rejected {
        text.push_str(&format!("\n{}", screen.wrap(&format!("{} {code}", count(*n)), 1)));
        let of_code = summary.refused.iter().filter(|refused| refused.code == Some(*code));
        for refused in of_code {
            text.push_str(&format!("\n{}", screen.wrap(&place_of(refused), 4)));
        }
    }
    let late: Vec<_> = summary.refused.iter().filter(|refused| refused.code.is_none()).collect();
    if !late.is_empty() {
        text.push_str(&format!("\n{}", screen.wrap(&format!("{} late", count(records.late)), 1)));
    }
    for refused in late {
        text.push_str(&format!("\n{}", screen.wrap(&place_of(refused), 4)));
    }
    text
}

fn notes(summary: &Summary, screen: Screen) -> String {
    let notes: Vec<_> = summary
        .notes
        .iter()
        .map(|note| format!(" - {}", screen.wrap(note, 3).trim_start()))
        .collect();
    notes.join("\n")
}
