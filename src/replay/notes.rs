//! What a reader must know to take a replay's numbers for what they are.
//!
//! Law: every assumption that the replay made in the user's place is said here, in a sentence.

use super::{DailyAnswers, History, Point};
use crate::model::{
    Incident, IncidentState, Limit, ModelId, Reference, RuleSet, Signal, Trigger, VersionId,
};
use crate::shard::{ModelStatus, SignalStatus, Status};
use crate::show::count;
use crate::sums::Counters;

/// The notes, the general ones first.
pub(super) fn notes(
    rule_set: &RuleSet,
    status: &Status,
    records: &Counters,
    incidents: &[&Incident],
    ledger: &DailyAnswers,
    history: &History,
) -> Vec<String> {
    let mut notes: Vec<_> = mostly_lost(records).into_iter().collect();
    notes.extend(stamped(history));
    if !history.passed_over.is_empty() {
        let of = history.passed_over.iter().map(|(model, n)| format!("{} of {model}", count(*n)));
        let of: Vec<_> = of.collect();
        notes.push(format!("Passed over were the records of other models: {}.", of.join(", ")));
    }
    for (id, model) in &status.models {
        notes.extend(unknown(id, history));
        notes.extend(never_seen(id, model, ledger, history));
        notes.extend(learned(id, model, history));
        notes.extend(alone(rule_set, id, ledger));
        notes.extend(unwatched(id, model, history));
    }
    for incident in incidents {
        notes.extend(price(rule_set, incident));
        notes.extend(deadline(rule_set, status, incident));
        notes.extend(stated(incident, history));
    }
    if status.gaps > 0 {
        let gaps = if status.gaps == 1 { "gap" } else { "gaps" };
        let n = count(status.gaps);
        notes.push(format!("{n} {gaps} in positions: data was lost before it was read."));
    }
    notes
}

/// That most of a recording is in no number, if it is so.
#[must_use]
pub fn mostly_lost(records: &Counters) -> Option<String> {
    let rejected: u64 = records.rejected.values().sum();
    ((records.late + rejected) * 2 > records.read).then(|| {
        format!(
            "Most of the recording could not be used: of {} records {} were late and {} rejected. \
             What follows rests on the rest; `ripcord check-source` shows what would mend it.",
            count(records.read),
            count(records.late),
            count(rejected)
        )
    })
}

/// Roles that the replay gave; none where nobody was known to be in production.
fn stamped(history: &History) -> Option<String> {
    let (states, they) = match history.stamped {
        0 => return None,
        1 => ("prediction states", "it"),
        _ => ("predictions state", "they"),
    };
    let n = count(history.stamped);
    if history.production.is_empty() {
        return Some(format!(
            "{n} {states} no role, and nothing says which version was in production: {they} \
             counted as neither live nor shadow."
        ));
    }
    Some(format!(
        "{n} {states} no role: the version in production when {they} came was taken as live, any \
         other as shadow."
    ))
}

/// A model that the registry does not know.
fn unknown(model: &ModelId, history: &History) -> Option<String> {
    if history.registry.contains_key(model) {
        return None;
    }
    let known: Vec<_> = history.registry.keys().map(ModelId::as_str).collect();
    let why = match known.as_slice() {
        [] => format!("No registry knows {model}"),
        known => format!("The registry does not know {model} (it has {})", known.join(", ")),
    };
    Some(format!(
        "{why}: nobody could be rolled back to. Give a --registry that names it, or --production \
         and --previous."
    ))
}

/// A version that was said to be in production and never answered.
fn never_seen(
    id: &ModelId,
    model: &ModelStatus,
    ledger: &DailyAnswers,
    history: &History,
) -> Option<String> {
    let production = history.production.get(id)?;
    let seen = ledger.versions(id);
    if seen.is_empty() || seen.contains(production) {
        return None;
    }
    let seen: Vec<_> = seen.into_iter().map(VersionId::as_str).collect();
    let still = if model.production.as_ref() == Some(production) { " to the end" } else { "" };
    Some(format!(
        "{production} of {id} was in production{still} and never answered in this recording, so \
         nothing was judged as live; the recording has {}. Name one of these as production.",
        seen.join(", ")
    ))
}

/// Baselines that no registry gave.
fn learned(id: &ModelId, model: &ModelStatus, history: &History) -> Option<String> {
    let given = |version: &VersionId, signal: Signal| {
        let of = history.registry.get(id).and_then(|versions| versions.get(version));
        of.is_some_and(|baselines| baselines.contains_key(&signal))
    };
    let (mut learned, mut missing) = (Vec::new(), Vec::new());
    for (version, known) in &model.versions {
        for signal in known.signals.iter().filter(|signal| is_baseline(signal)) {
            match (given(version, signal.signal), signal.null) {
                (true, _) => {}
                (false, Some(_)) => learned.push(version.as_str()),
                (false, None) => missing.push(version.as_str()),
            }
        }
    }
    let mut text = String::new();
    if !learned.is_empty() {
        text = format!(
            "No registry gave a baseline accuracy of {}: it was learned from the first labelled \
             answers in this recording, which are taken as healthy.",
            learned.join(" and ")
        );
    }
    if !missing.is_empty() {
        let space = if text.is_empty() { "" } else { " " };
        text.push_str(&format!(
            "{space}{} of {id} {} no baseline accuracy, and the recording is too short to learn \
             one.",
            missing.join(" and "),
            if missing.len() == 1 { "has" } else { "have" }
        ));
    }
    (!text.is_empty()).then_some(text)
}

fn is_baseline(signal: &SignalStatus) -> bool {
    matches!(signal.limit, Limit::Baseline(_))
}

/// A single labelled version has nothing to be held against.
fn alone(rule_set: &RuleSet, id: &ModelId, ledger: &DailyAnswers) -> Option<String> {
    let seen = ledger.versions(id);
    let mut labelled = seen.iter().filter(|version| ledger.total(id, version).labels.n > 0);
    let only = labelled.next()?;
    if labelled.next().is_some() {
        return None;
    }
    let acts = rule_set.of(id).triggers.iter().any(|trigger| trigger.act_without_reference);
    let then = if acts {
        "act_without_reference lets a rollback go by a baseline alone"
    } else {
        "a drop in accuracy is at most recommended, never rolled back by itself"
    };
    Some(format!(
        "Only {only} of {id} answers with labels: no other version shows what would be better, \
         so {then}. Let a second version answer the same requests as a shadow."
    ))
}

/// What was past its limit in a model of which nothing says which version serves: undo opens an
/// incident for a breach of the serving version, or of one that others are compared with.
fn unwatched(id: &ModelId, model: &ModelStatus, history: &History) -> Option<String> {
    if model.production.is_some() || history.production.contains_key(id) {
        return None;
    }
    let over = history.lines().filter(|((of, _, _, feature), points)| {
        let past = |point: &Point| point.threshold > 0.0 && point.statistic >= point.threshold;
        of == id && feature.is_none() && points.iter().any(past)
    });
    let over: Vec<_> =
        over.map(|((_, version, rule, _), _)| format!("{version} by {rule}")).collect();
    (!over.is_empty()).then(|| {
        format!(
            "Past its limit was, of {id}: {}. Nothing says which version was in production, so \
             nothing could be rolled back: name it with --production or a --registry.",
            over.join(", ")
        )
    })
}

/// A recording that states who answered live cannot be switched.
fn stated(incident: &Incident, history: &History) -> Option<String> {
    let waits = matches!(
        incident.state,
        IncidentState::Stuck | IncidentState::Mitigating | IncidentState::MitigatedUnverified
    );
    (waits && incident.generation.is_some() && history.stamped == 0).then(|| {
        format!(
            "The records state who answered live, so taking back {} changed nothing in them and \
             could not be proven. Leave `role` out of them, and a replay shows what would have \
             been.",
            incident.version
        )
    })
}

/// What acting without a reference cost.
fn price(rule_set: &RuleSet, incident: &Incident) -> Option<String> {
    let id = incident.trigger.as_ref()?;
    let is_it = |trigger: &&Trigger| trigger.id == *id && trigger.act_without_reference;
    rule_set.of(&incident.model).triggers.iter().find(is_it)?;
    let blind =
        matches!(incident.reference, Reference::History | Reference::Baseline | Reference::None);
    if !blind || incident.generation.is_none() || incident.verified_at.is_some() {
        return None;
    }
    let (from, to) = (&incident.version, incident.to.as_ref()?);
    let seen = if incident.mitigated_at.is_some() {
        format!("{to} served afterwards and no statistic showed that it helped")
    } else {
        format!("no traffic of {to} was seen, so nothing shows that it helped")
    };
    Some(format!(
        "{from} was taken back without a reference (act_without_reference of {id}); {seen}. A \
         storm that hits every version looks the same: that is the price of this rule."
    ))
}

/// What the recording ended too early for.
fn deadline(rule_set: &RuleSet, status: &Status, incident: &Incident) -> Option<String> {
    let policy = &rule_set.of(&incident.model).policy;
    let to = incident.to.as_ref()?;
    incident.generation?;
    let (from, within, what) = match incident.state {
        IncidentState::Mitigating => {
            (incident.decided_at?, policy.mitigate_within, "live traffic to show it")
        }
        IncidentState::Mitigated => {
            (incident.mitigated_at?, policy.verify_within, "the statistic to show that it helped")
        }
        IncidentState::Open
        | IncidentState::Verified
        | IncidentState::MitigatedUnverified
        | IncidentState::Resolved
        | IncidentState::Frozen
        | IncidentState::Stuck => return None,
    };
    let mut until = from + within;
    // It is still open, so a time that has passed was given again: samples came and were too few.
    for _ in 0..policy.verify_prolong_times {
        if Some(until) <= status.read_to {
            until = until + within;
        }
    }
    Some(format!(
        "Still open at the recording's end: the rollback to {to} waits until {until} for {what}."
    ))
}
