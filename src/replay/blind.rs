//! For how long a version in production could not be called healthy.

use std::collections::BTreeMap;

use crate::model::{Action, EventTime, ModelId, Reason, RuleSet, Span, TriggerId, VersionId};
use crate::shard::{Decision, Output};
use crate::show::data::BlindSummary;

/// What was blind at the end, or for more than half of the time from the first decision on.
pub(super) fn blind(
    rule_set: &RuleSet,
    outputs: &[Output],
    end: Option<EventTime>,
) -> Vec<BlindSummary> {
    let decisions = outputs.iter().filter_map(|output| match output {
        Output::Decision(decision) => Some(decision),
        Output::Command(_) | Output::Incident(_) | Output::Reply(_) => None,
    });
    let mut periods: BTreeMap<(ModelId, VersionId, TriggerId), Period> = BTreeMap::new();
    let (mut first, mut last) = (None, end);
    for decision in decisions.filter(|decision| !decision.assessment.provisional) {
        first = first.or(Some(decision.read_to));
        last = last.max(Some(decision.read_to));
        let a = &decision.assessment;
        let key = (a.model.clone(), a.version.clone(), a.trigger.clone());
        if rolls_back(rule_set, decision) {
            let period = periods.entry(key).or_default();
            period.step(is_blind(decision), decision.read_to);
            period.reason = Some(a.reason).filter(|reason| reason.is_blind()).or(period.reason);
        }
    }
    let (Some(first), Some(last)) = (first, last) else { return Vec::new() };
    periods
        .into_iter()
        .filter_map(|((model, version, trigger), period)| {
            let open = period.since.map_or(Span::ZERO, |since| last - since);
            let blind = period.since.is_some() || period.total_ms * 2 > (last - first).as_ms();
            let total_s = (period.total_ms + open.as_ms()) as f64 / 1000.0;
            let since = period.since;
            let reason = period.reason.filter(|_| blind)?;
            Some(BlindSummary { model, version, trigger, reason, since, total_s })
        })
        .collect()
}

#[derive(Debug, Default)]
struct Period {
    reason: Option<Reason>,
    since: Option<EventTime>,
    total_ms: i64,
}

impl Period {
    fn step(&mut self, blind: bool, at: EventTime) {
        match (self.since, blind) {
            (None, true) => self.since = Some(at),
            (Some(since), false) => {
                self.total_ms += (at - since).as_ms();
                self.since = None;
            }
            (None, false) | (Some(_), true) => {}
        }
    }
}

/// Whether undo told that the version, which answers users, may hide a fault.
fn is_blind(decision: &Decision) -> bool {
    let told = decision.ruling.as_ref().is_some_and(|ruling| ruling.incident.is_some());
    told && decision.assessment.reason.is_blind()
}

fn rolls_back(rule_set: &RuleSet, decision: &Decision) -> bool {
    let a = &decision.assessment;
    let mut triggers = rule_set.of(&a.model).triggers.iter();
    triggers.any(|trigger| trigger.id == a.trigger && trigger.action == Action::Rollback)
}
