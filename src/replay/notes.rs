//! What a reader must know to understand a replay's numbers.
//!
//! Law: every assumption that the replay made for the user is stated here, in a sentence.

use super::History;
use crate::model::{
    Incident, IncidentState, Limit, ModelId, Reference, RuleSet, Signal, Trigger, VersionId,
};
use crate::phrases::{clock_off, count, moment, samples};
use crate::shard::{ModelStatus, SignalStatus, Status, VersionStatus};
use crate::show::data::{Days, Point};
use crate::show::{lost_values, many_late, mostly_lost};
use crate::sums::Counters;

/// The notes, the general ones first.
pub(super) fn notes(
    rule_set: &RuleSet,
    status: &Status,
    records: &Counters,
    incidents: &[&Incident],
    days: &Days,
    history: &History,
) -> Vec<String> {
    let mut notes: Vec<_> =
        mostly_lost(records).or_else(|| many_late(records)).into_iter().collect();
    notes.extend(lost_values(records));
    notes.extend(history.notes.iter().cloned());
    notes.extend(stamped(history));
    if !history.passed_over.is_empty() {
        let of = history.passed_over.iter().map(|(model, n)| format!("{} of {model}", count(*n)));
        let of: Vec<_> = of.collect();
        notes.push(format!("Records of other models were skipped: {}.", of.join(", ")));
    }
    if history.unjudged > 0 {
        let n = count(history.unjudged);
        notes.push(format!("{n} health and run records are counted, but no trigger judges them."));
    }
    for (id, model) in &status.models {
        notes.extend(unknown(id, history));
        notes.extend(never_seen(id, model, days, history));
        notes.extend(learned(id, model, history));
        notes.extend(alone(rule_set, id, days));
        notes.extend(not_fed(rule_set, id, model));
        notes.extend(skewed(id, model));
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
        notes.push(format!("{n} {gaps} in positions: records were lost before Ripcord read them."));
    }
    notes
}

/// Roles that the replay assigned.
fn stamped(history: &History) -> Option<String> {
    let (states, they) = match history.stamped {
        0 => return None,
        1 => ("prediction states", "it"),
        _ => ("predictions state", "they"),
    };
    let n = count(history.stamped);
    if history.production.is_empty() {
        return Some(format!(
            "{n} {states} no role, and the version in production is unknown: {they} \
             counted as neither live nor shadow."
        ));
    }
    Some(format!(
        "{n} {states} no role: the version in production at that time was taken as live, any \
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
        "{why}, so there was no version to roll back to. Give a --registry that names it, or \
         --production and --previous."
    ))
}

/// A version that was named as production and never answered.
fn never_seen(id: &ModelId, model: &ModelStatus, days: &Days, history: &History) -> Option<String> {
    let production = history.production.get(id)?;
    let seen = days.versions(id);
    if seen.is_empty() || seen.contains(production) {
        return None;
    }
    let seen: Vec<_> = seen.into_iter().map(VersionId::as_str).collect();
    let still = if model.production.as_ref() == Some(production) { " to the end" } else { "" };
    Some(format!(
        "{production} of {id} was in production{still} but never answered in this recording, so \
         nothing was judged as live. The recording has {}; name one of these as production.",
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
            "No registry gave a baseline accuracy of {}, so it was learned from the first labelled \
             answers in this recording, which are assumed to be healthy.",
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

/// A single labelled version cannot be compared with another.
fn alone(rule_set: &RuleSet, id: &ModelId, days: &Days) -> Option<String> {
    let seen = days.versions(id);
    let mut labelled = seen.iter().filter(|version| days.total(id, version).labels.n > 0);
    let only = labelled.next()?;
    if labelled.next().is_some() {
        return None;
    }
    let acts = rule_set.of(id).triggers.iter().any(|trigger| trigger.act_without_reference);
    let then = if acts {
        "a rollback is based on a baseline alone (act_without_reference)"
    } else {
        "a drop in accuracy leads to a recommendation at most, never to an automatic rollback"
    };
    Some(format!(
        "Only {only} of {id} has labelled answers. No other version shows what would be better, \
         so {then}. Let a second version answer the same requests as a shadow."
    ))
}

/// Triggers that watched nothing.
fn not_fed(rule_set: &RuleSet, id: &ModelId, model: &ModelStatus) -> Option<String> {
    let rules = rule_set.of(id).triggers.iter().filter(|rule| model.not_fed.contains(&rule.id));
    let rules: Vec<_> =
        rules.map(|rule| format!("{} ({})", rule.id, samples(rule.limit))).collect();
    let production = model.production.as_ref().filter(|_| !rules.is_empty())?;
    Some(format!(
        "Not fed: on the last day that {production} of {id} answered, these triggers had no sample \
         of it, so they watched nothing: {}.",
        rules.join(", ")
    ))
}

/// Versions whose clock is off.
fn skewed(id: &ModelId, model: &ModelStatus) -> Vec<String> {
    let off = |(version, known): (&VersionId, &VersionStatus)| {
        Some(format!("{version} of {id}: {}.", clock_off(known.clock_ahead_seconds?)))
    };
    model.versions.iter().filter_map(off).collect()
}

/// Versions over their limit in a model whose production version is unknown: undo opens incidents
/// only for the serving version and those that others are compared with.
fn unwatched(id: &ModelId, model: &ModelStatus, history: &History) -> Option<String> {
    if model.production.is_some() || history.production.contains_key(id) {
        return None;
    }
    let over = history.series.lines().filter(|((of, _, _, feature), points)| {
        let past = |point: &Point| point.threshold > 0.0 && point.statistic >= point.threshold;
        of == id && feature.is_none() && points.iter().any(past)
    });
    let over: Vec<_> =
        over.map(|((_, version, rule, _), _)| format!("{version} by {rule}")).collect();
    (!over.is_empty()).then(|| {
        format!(
            "Over the limit in {id}: {}. The version in production is unknown, so nothing could be \
             rolled back: name it with --production or a --registry.",
            over.join(", ")
        )
    })
}

/// A recording that states which version answered live cannot be switched.
fn stated(incident: &Incident, history: &History) -> Option<String> {
    let waits = matches!(
        incident.state,
        IncidentState::Stuck | IncidentState::Mitigating | IncidentState::MitigatedUnverified
    );
    (waits && incident.generation.is_some() && history.stamped == 0).then(|| {
        format!(
            "The records state which version answered live, so rolling back {} changed nothing in \
             them and could not be proven. Leave `role` out of them to see what would have \
             happened.",
            incident.version
        )
    })
}

/// The price of acting without a reference.
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
        format!("{to} served afterwards, but no statistic showed that it helped")
    } else {
        format!("no traffic of {to} was seen, so nothing shows that it helped")
    };
    Some(format!(
        "{from} was rolled back without a reference (act_without_reference of {id}); {seen}. A \
         storm that hits every version looks the same: that is the price of this rule."
    ))
}

/// What the recording was too short for.
fn deadline(rule_set: &RuleSet, status: &Status, incident: &Incident) -> Option<String> {
    let policy = &rule_set.of(&incident.model).policy;
    let to = incident.to.as_ref()?;
    incident.generation?;
    let (from, within, what) = match incident.state {
        IncidentState::Mitigating => {
            (incident.decided_at?, policy.mitigate_within, "live traffic to show the switch")
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
    // It is still open, so a deadline that has passed was extended: samples came but were too few.
    for _ in 0..policy.verify_prolong_times {
        if Some(until) <= status.read_to {
            until = until + within;
        }
    }
    Some(format!(
        "Still open when the recording ended: the rollback to {to} waits until {} for {what}.",
        moment(until)
    ))
}
