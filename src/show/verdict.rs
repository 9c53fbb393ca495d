//! The outcome of a replay in sentences, and what is said of each rollback.

use super::data::{BlindSummary, ModelSummary, RefusedSummary, RollbackSummary, Summary};
use super::unusable::mostly_lost;
use crate::model::{
    EventTime, IncidentId, IncidentState, Mode, ModelId, Signal, Span, Verdict, VersionId,
};
use crate::phrases::{Unit, reason, span, spoken};

/// The outcome in a sentence or two.
#[must_use]
pub(super) fn verdict(summary: &Summary) -> String {
    let mut sentences: Vec<_> = mostly_lost(&summary.records).into_iter().collect();
    sentences.extend(summary.rollbacks.iter().map(sentence));
    for would in &summary.would_have {
        let to = would.to.as_ref().map_or("another version", |to| to.as_str());
        let trigger = would.trigger.as_ref().map_or("no rule", |trigger| trigger.as_str());
        let (from, model, because) = (&would.from, &would.model, &would.because);
        // Without evidence that another version is better, no mode rolls back.
        let incident = summary.incidents.iter().find(|one| one.id == would.incident);
        let proven = incident.is_none_or(|incident| incident.verdict == Verdict::Breach);
        sentences.push(match (summary.mode, proven) {
            (Mode::Act, _) => {
                format!("{from} of {model} was not rolled back ({trigger}): {because}")
            }
            (Mode::Observe | Mode::Recommend, false) => {
                format!("{from} of {model} would not have been rolled back ({trigger}): {because}")
            }
            (Mode::Observe | Mode::Recommend, true) => {
                format!("{from} of {model} would have been rolled back to {to} ({trigger}).")
            }
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
    sentences.extend(blind(&summary.blind));
    // Several incidents may say the same of one model.
    sentences.dedup();
    if summary.rollbacks.is_empty() {
        let serving: Vec<_> = summary.models.iter().map(|(id, known)| served(id, known)).collect();
        sentences.push(format!("Nothing was rolled back: {}.", serving.join(", ")));
    }
    sentences.join(" ")
}

/// What could not be called healthy; triggers that are blind for one reason share a sentence.
fn blind(all: &[BlindSummary]) -> impl Iterator<Item = String> {
    let mut groups: Vec<(&BlindSummary, Vec<&str>)> = Vec::new();
    for one in all {
        let of =
            |one: &BlindSummary| (one.model.clone(), one.version.clone(), one.reason, one.since);
        match groups.iter_mut().find(|(first, _)| of(first) == of(one)) {
            Some((_, triggers)) => triggers.push(one.trigger.as_str()),
            None => groups.push((one, vec![one.trigger.as_str()])),
        }
    }
    groups.into_iter().map(|(first, triggers)| {
        let (version, model) = (&first.version, &first.model);
        let by = triggers.join(" or ");
        let when = first.since.map_or(String::new(), |at| format!(" since {}", spoken(at)));
        let why = reason(first.reason);
        format!("{version} of {model} cannot be called healthy by {by}{when}: {why}.")
    })
}

/// Which version of a model served, if nothing was rolled back.
fn served(id: &ModelId, known: &ModelSummary) -> String {
    let production = known.production_at_end.as_ref();
    let live: Vec<_> = known.answered_live.iter().map(VersionId::as_str).collect();
    match (production, live.as_slice()) {
        (Some(version), []) => format!("{version} of {id} was in production"),
        (Some(version), [only]) if *only == version.as_str() => {
            format!("{version} of {id} stayed in production")
        }
        (None, []) => format!("it is unknown which version of {id} served"),
        (_, live) => {
            format!("according to the records, {} of {id} answered live", live.join(" and "))
        }
    }
}

fn sentence(rollback: &RollbackSummary) -> String {
    let to = rollback.to.as_ref().map_or("another version", |to| to.as_str());
    let end = match (rollback.outcome, rollback.verified_at, rollback.mitigated_at) {
        (IncidentState::Verified, Some(at), _) => {
            format!("and by {} the traffic had shown that it helped: verified", spoken(at))
        }
        (IncidentState::MitigatedUnverified, _, _) => {
            "but nothing showed that it helped: unverified".to_owned()
        }
        (IncidentState::Stuck, _, _) => {
            format!("but it is stuck: {}", rollback.because.trim_end_matches('.'))
        }
        (IncidentState::Frozen, _, _) => {
            format!("but it is frozen: {}", rollback.because.trim_end_matches('.'))
        }
        (_, _, Some(_)) => "and live traffic showed the switch; the recording ended before \
                            verification"
            .to_owned(),
        (_, _, None) => "but the recording ended before live traffic showed the switch".to_owned(),
    };
    let when = rollback.decided_at.map_or(String::new(), |at| format!(" on {}", spoken(at)));
    format!("{} of {} was rolled back to {to}{when}, {end}.", rollback.from, rollback.model)
}

/// The phases of a rollback: what, when it ended, and how long it took.
pub(super) fn steps(rollback: &RollbackSummary) -> Vec<(&'static str, EventTime, Option<String>)> {
    let all = [
        ("likely start", rollback.breach_from),
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

/// What the rule behind a rollback measures.
pub(super) fn unit(rollback: &RollbackSummary) -> Unit {
    let paired = rollback.evidence.as_ref().is_some_and(|evidence| evidence.paired);
    Unit::new(rollback.signal.unwrap_or(Signal::Accuracy), paired)
}

/// How long after its likely start a breach was detected, in event time.
pub(super) fn detected(rollback: &RollbackSummary) -> Option<String> {
    let s = rollback.detection.event_time_s?;
    Some(span(Span::from_ms((s * 1000.0) as i64)))
}

pub(super) fn place_of(refused: &RefusedSummary) -> String {
    format!("{} line {}: {}", refused.file, refused.line, refused.detail)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Reason, TriggerId, VersionId};

    #[test]
    fn triggers_that_are_blind_for_one_reason_share_a_sentence() {
        let one = |trigger: &str, reason| BlindSummary {
            model: ModelId::new("m").unwrap(),
            version: VersionId::new("v3").unwrap(),
            trigger: TriggerId::new(trigger).unwrap(),
            reason,
            since: None,
            total_s: 60.0,
        };
        let all = [
            one("accuracy-drop", Reason::NoLabels),
            one("error-rate", Reason::Silent),
            one("mean-latency", Reason::Silent),
        ];
        let said: Vec<_> = blind(&all).collect();
        assert_eq!(said.len(), 2, "{said:?}");
        assert!(said[1].starts_with("v3 of m cannot be called healthy by error-rate or mean-lat"));
    }
}
