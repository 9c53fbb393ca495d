//! The end of a replay's story: what it came to, in tables, and what to know about it.

use super::Story;
use super::lines::{Paint, table, wrap};
use crate::model::{
    EventTime, FeatureName, IncidentId, IncidentState, Mode, ModelId, Signal, Verdict, VersionId,
};
use crate::phrases::words::{self, Unit, count, moment, percent, span, spoken};
use crate::replay::{ModelSummary, Replayed, RollbackSummary, Summary, mostly_lost};

/// What a replay came to.
#[must_use]
pub fn ending(replayed: &Replayed, story: &Story, paint: Paint) -> String {
    let summary = &replayed.summary;
    let mut text = String::new();
    let mut section = |title: &str, body: &str| {
        if !body.is_empty() {
            text.push_str(&format!("\n{}\n{body}\n", paint.bold(title)));
        }
    };
    section("What it came to", &wrap(&verdict(summary), 0));
    section("Accuracy", &accuracy(summary));
    section("Errors and time to answer", &others(summary));
    for rollback in &summary.rollbacks {
        let title = format!("The rollback of {}", rollback.from);
        section(&title, &phases(rollback));
    }
    section("Alerts", &alerts(replayed, story));
    section("Records", &records(summary));
    section("To know", &notes(summary));
    text
}

/// The outcome in a sentence or two.
#[must_use]
pub(super) fn verdict(summary: &Summary) -> String {
    let mut sentences: Vec<_> = mostly_lost(&summary.records).into_iter().collect();
    sentences.extend(summary.rollbacks.iter().map(sentence));
    for would in &summary.would_have {
        let to = would.to.as_ref().map_or("another version", |to| to.as_str());
        let trigger = would.trigger.as_ref().map_or("no rule", |trigger| trigger.as_str());
        let (from, model, because) = (&would.from, &would.model, &would.because);
        sentences.push(match summary.mode {
            Mode::Act => format!("{from} of {model} was not taken back ({trigger}): {because}"),
            Mode::Observe | Mode::Recommend => format!(
                "{from} of {model} would have been rolled back to {to} ({trigger}): {because}"
            ),
        });
    }
    let of_rollback = |id: &IncidentId| summary.rollbacks.iter().any(|one| one.incident == *id);
    let frozen = summary
        .incidents
        .iter()
        .filter(|incident| incident.state == IncidentState::Frozen && !of_rollback(&incident.id));
    sentences.extend(frozen.map(|incident| {
        format!("Automatic action on {} was frozen: {}", incident.model, incident.because)
    }));
    // Several incidents may say the same of one model.
    sentences.dedup();
    if summary.rollbacks.is_empty() {
        let serving: Vec<_> = summary.models.iter().map(|(id, known)| served(id, known)).collect();
        sentences.push(format!("Nothing was rolled back: {}.", serving.join(", ")));
    }
    sentences.join(" ")
}

/// Who served a model of which nothing was rolled back.
fn served(id: &ModelId, known: &ModelSummary) -> String {
    let production = known.production_at_end.as_ref();
    let live: Vec<_> = known.answered_live.iter().map(VersionId::as_str).collect();
    match (production, live.as_slice()) {
        (Some(version), []) => format!("{version} of {id} was in production"),
        (Some(version), [only]) if *only == version.as_str() => {
            format!("{version} of {id} served throughout")
        }
        (None, []) => format!("nothing says which version of {id} served"),
        (_, live) => format!("by the records, {} of {id} answered live", live.join(" and ")),
    }
}

fn sentence(rollback: &RollbackSummary) -> String {
    let to = rollback.to.as_ref().map_or("another version", |to| to.as_str());
    let end = match (rollback.outcome, rollback.verified_at, rollback.mitigated_at) {
        (IncidentState::Verified, Some(at), _) => {
            format!("and the traffic showed by {} that it helped: verified", spoken(at))
        }
        (IncidentState::MitigatedUnverified, _, _) => {
            "and nothing showed that it helped: unverified".to_owned()
        }
        (IncidentState::Stuck, _, _) => {
            let because = words::without_order(&rollback.because);
            format!("and it is stuck, unverified: {}", because.trim_end_matches('.'))
        }
        (IncidentState::Frozen, _, _) => {
            format!("and it is frozen: {}", rollback.because.trim_end_matches('.'))
        }
        (_, _, Some(_)) => "and live traffic showed the switch; verification was not over at the \
                            recording's end"
            .to_owned(),
        (_, _, None) => "and the recording ended before live traffic showed it".to_owned(),
    };
    let when = rollback.decided_at.map_or(String::new(), |at| format!(" on {}", spoken(at)));
    format!("{} of {} was taken back to {to}{when}, {end}.", rollback.from, rollback.model)
}

fn accuracy(summary: &Summary) -> String {
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
                without.map_or(String::new(), |without| words::gained(without, served)),
                known.production_at_start.as_ref().map_or("-".to_owned(), ToString::to_string),
            ]
        })
        .collect();
    if rows.is_empty() {
        return wrap("No answer that users saw has a label: accuracy is not known.", 2);
    }
    let header = ["model", "served", "without Ripcord", "difference", "at the start"];
    table(&header, &rows, &[1, 2, 3])
}

/// The other yardsticks, where something was rolled back for one of them.
fn others(summary: &Summary) -> String {
    let rows = summary.rollbacks.iter().filter_map(|rollback| {
        let known = summary.models.get(&rollback.model)?;
        let (what, served, without) = match rollback.signal? {
            Signal::ErrorRate => ("failed", known.error_rate_served, known.error_rate_without),
            Signal::Latency => ("mean time", known.latency_ms_served, known.latency_ms_without),
            Signal::Accuracy | Signal::FeatureDrift => return None,
        };
        let shown = |x: Option<f64>| x.map_or("unknown".to_owned(), |x| unit(rollback).value(x));
        Some(vec![rollback.model.to_string(), what.to_owned(), shown(served), shown(without)])
    });
    let rows: Vec<_> = rows.collect();
    if rows.is_empty() {
        return String::new();
    }
    table(&["model", "of answers", "served", "without Ripcord"], &rows, &[2, 3])
}

/// The phases of a rollback: what, until when, after how long.
pub(super) fn steps(rollback: &RollbackSummary) -> Vec<(&'static str, EventTime, Option<String>)> {
    let all = [
        ("breach, likely start", rollback.breach_from),
        ("decided", rollback.decided_at),
        ("switched", rollback.switched_at),
        ("mitigated (live traffic)", rollback.mitigated_at),
        ("verified (statistic)", rollback.verified_at),
        ("closed", rollback.closed_at),
    ];
    let mut before: Option<EventTime> = None;
    let mut steps = Vec::new();
    for (what, at) in all {
        let Some(at) = at else { continue };
        let took = before.map(|before| format!("+ {}", span(at - before)));
        steps.push((what, at, took));
        before = Some(at);
    }
    steps
}

/// What the rule that decided a rollback measures.
pub(super) fn unit(rollback: &RollbackSummary) -> Unit {
    let paired = rollback.evidence.as_ref().is_some_and(|evidence| evidence.paired);
    Unit::new(rollback.signal.unwrap_or(Signal::Accuracy), paired)
}

/// How long after its likely start a breach was detected, in event time.
pub(super) fn detected(rollback: &RollbackSummary) -> Option<String> {
    let s = rollback.detection.event_time_s?;
    Some(span(crate::model::Span::from_ms((s * 1000.0) as i64)))
}

fn phases(rollback: &RollbackSummary) -> String {
    let rows: Vec<Vec<String>> = steps(rollback)
        .into_iter()
        .map(|(what, at, took)| vec![what.to_owned(), moment(at), took.unwrap_or_default()])
        .collect();
    let mut text = table(&["phase", "event time (UTC)", "took"], &rows, &[2]);
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
        text.push_str(&format!("\n{}", wrap(&detection, 1)));
    }
    if let Some(evidence) = &rollback.evidence {
        let value = evidence.value.map_or("unknown".to_owned(), |x| unit.value(x));
        let tolerated = evidence.tolerated.map_or("?".to_owned(), |x| unit.value(x));
        let between = evidence.interval.map_or(String::new(), |(low, high)| {
            format!(" (95 %: {} to {})", unit.value(low), unit.value(high))
        });
        let odds = words::odds(evidence.rule, evidence.statistic, evidence.threshold);
        let odds = odds.map_or(String::new(), |odds| format!("; {odds}"));
        let line = format!(
            "Evidence: {value} {}{between}, {tolerated} tolerated{odds}. Decision {}.",
            unit.what(),
            evidence.decision
        );
        text.push_str(&format!("\n{}", wrap(&line, 1)));
    }
    text
}

fn alerts(replayed: &Replayed, story: &Story) -> String {
    let rows: Vec<Vec<String>> = story
        .drifts()
        .map(|(model, version, feature, shared, times)| {
            let most = most(replayed, (model, version, feature), shared);
            let whose = if shared { "common cause" } else { "its own" };
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
    table(&["version", "drift of", "whose", "times", "largest PSI"], &rows, &[3, 4])
}

/// The largest distance that was said to be shared, or the version's own.
fn most(
    replayed: &Replayed,
    (model, version, feature): (&ModelId, &VersionId, &FeatureName),
    shared: bool,
) -> f64 {
    let verdict = if shared { Verdict::Systemic } else { Verdict::Breach };
    let lines = replayed.history.lines().filter(|((of, by, _, about), _)| {
        of == model && by == version && about.as_ref() == Some(feature)
    });
    let points = lines.flat_map(|(_, points)| points).filter(|point| point.verdict == verdict);
    points.map(|point| point.statistic).fold(0.0, f64::max)
}

fn records(summary: &Summary) -> String {
    let records = &summary.records;
    let rejected: u64 = records.rejected.values().sum();
    let parts = [
        ("measured", records.measured),
        ("waiting", records.waiting),
        ("unmatched", records.unmatched),
        ("late", records.late),
        ("duplicate", records.duplicate),
        ("rejected", rejected),
    ];
    let parts: Vec<_> = parts.iter().map(|(name, n)| format!("{} {name}", count(*n))).collect();
    let mut text = wrap(&format!("{} read = {}", count(records.read), parts.join(" + ")), 1);
    for (code, n) in &records.rejected {
        text.push_str(&format!("\n{}", wrap(&format!("{} {code}", count(*n)), 1)));
        let of_code = summary.refused.iter().filter(|refused| refused.code == Some(*code));
        for refused in of_code {
            text.push_str(&format!("\n{}", wrap(&where_it_stands(refused), 4)));
        }
    }
    let late: Vec<_> = summary.refused.iter().filter(|refused| refused.code.is_none()).collect();
    if !late.is_empty() {
        text.push_str(&format!("\n{}", wrap(&format!("{} late", count(records.late)), 1)));
    }
    for refused in late {
        text.push_str(&format!("\n{}", wrap(&where_it_stands(refused), 4)));
    }
    text
}

pub(super) fn where_it_stands(refused: &crate::replay::RefusedSummary) -> String {
    format!("{} line {}: {}", refused.file, refused.line, refused.detail)
}

fn notes(summary: &Summary) -> String {
    let notes: Vec<_> =
        summary.notes.iter().map(|note| format!(" - {}", wrap(note, 3).trim_start())).collect();
    notes.join("\n")
}
