//! The two proofs that a rollback worked. Neither relies on a worker's answer.
//!
//! L3, live traffic: enough live answers of the restored version and none of the withdrawn one, in
//! panes that start after the switch. A pane with a live answer of the withdrawn version restarts
//! the count. An answer is live if telemetry says so. For a model whose telemetry has never stated
//! a role, the answers of the version that observed facts put in production are live, and the
//! record says `by_registry`. If the answers are right but few, the time for this proof is
//! extended, up to `verify_within`: a quiet night is no fault.
//!
//! L4, the statistic: buckets that start after L3, summed from zero, by the trigger that fired. At
//! the first close with enough samples and event time, that trigger must tolerate the estimate; if
//! it does not, later closes may still do so until `verify_within`. While samples keep arriving but
//! are too few, that time is extended, `verify_prolong_times` times: little traffic does not mean
//! that a rollback failed. A rollback that a person requested has no trigger: the first trigger on
//! accuracy or errors (unpaired, with a limit) that assesses the restored version serves instead;
//! if there is none, the rollback ends unverified.

use super::case::Case;
use super::context::ModelContext;
use super::explanation::Explanation;
use super::proof::ProofProgress;
use super::state::ProductionSource;
use crate::model::{
    EventTime, IncidentEvent, IncidentState, Limit, Proof, Signal, Span, VersionId,
};
use crate::phrases::{Unit, log_moment};
use crate::sums::{Assessment, LiveTraffic};

impl ModelContext<'_> {
    /// What a closed pane says of rollbacks whose steps are done.
    pub(super) fn live_proof(&mut self, pane: &LiveTraffic) {
        for at in 0..self.model.cases.len() {
            let Some(case) = self.model.cases.get(at) else { continue };
            let incident = &case.incident;
            let waits = case.under_way() || incident.state == IncidentState::Stuck;
            let (Some(to), Some(switched)) = (incident.to.clone(), incident.switched_at) else {
                continue;
            };
            if !waits || pane.pane < switched {
                continue;
            }
            let withdrawn = self.live(pane, &incident.version.clone());
            let live = self.live(pane, &to);
            let enough = self.rules.policy.live_samples;
            let Some(case) = self.model.cases.get_mut(at) else { continue };
            case.watch.seen = case.watch.seen.saturating_add(live);
            if withdrawn > 0 {
                case.watch.live = 0;
                case.watch.withdrawn_until = Some(pane.end);
            } else {
                case.watch.live = case.watch.live.saturating_add(live);
            }
            if case.watch.live > 0 && case.watch.live >= enough {
                self.mitigated(at, &to);
            }
        }
    }

    /// Answers that users saw of `version` in `pane`.
    fn live(&self, pane: &LiveTraffic, version: &VersionId) -> u64 {
        let of = pane.versions.iter().filter(|(name, ..)| name == version);
        if self.model.traffic.states_roles {
            return of.map(|(_, live, _)| live).sum();
        }
        if self.model.by_fact(self.rules) != Some(version) {
            return 0;
        }
        of.map(|(_, _, unstated)| unstated).sum()
    }

    fn mitigated(&mut self, at: usize, to: &VersionId) {
        let now = self.now;
        let by_registry = !self.model.traffic.states_roles;
        let policy = &self.rules.policy;
        let Some(case) = self.model.cases.get_mut(at) else { return };
        let (live, from) = (case.watch.live, case.incident.version.clone());
        let word = if by_registry { " (live according to the registry)" } else { "" };
        case.watch = ProofProgress::default();
        case.amend(|incident| {
            incident.mitigated_at = Some(now.event);
            incident.proof = incident.proof.max(Some(Proof::L3));
            incident.by_registry = by_registry;
        });
        if let Some(signal) = case.incident.signal {
            self.model.cooldowns.insert(signal, now.log + policy.cooldown);
        }
        if self.model.production.as_ref().is_some_and(|p| p.source == ProductionSource::Promoted) {
            self.model.promoted = Some(to.clone());
        }
        let because = format!("{live} live answers of {to}{word} and none of {from}.");
        self.advance(at, IncidentEvent::Mitigate, Explanation::new("live_proof", because));
        if let Some(case) = self.case(at) {
            case.deadline = Some(now.log + policy.verify_within);
        }
        self.settle();
    }

    /// What closed buckets of the restored version say of rollbacks that traffic proved.
    pub(super) fn statistical_proof(&mut self, a: &Assessment) {
        let now = self.now;
        for at in 0..self.model.cases.len() {
            let policy = &self.rules.policy;
            let Some(case) = self.model.cases.get_mut(at) else { continue };
            let Some(since) = case.incident.mitigated_at else { continue };
            let its = case.incident.state == IncidentState::Mitigated
                && case.incident.to.as_ref() == Some(&a.version);
            if !its || !speaks(case, a) || !add(case, a, since) {
                continue;
            }
            let rule = self.rules.triggers.iter().find(|rule| rule.id == a.trigger);
            let hour = Span::from_s(3600);
            let span = match rule.map(|rule| rule.bucket < hour) {
                Some(true) => policy.verify_after_minutes,
                Some(false) | None => policy.verify_after_hours,
            };
            let watch = &case.watch;
            let long = watch.until.is_some_and(|until| until - since >= span);
            let Some((estimate, null)) = watch.last else { continue };
            if !long || watch.n < policy.verify_samples || estimate > null {
                continue;
            }
            let unit = Unit::of(a.signal, a.evidence.limit);
            let [estimate, null] = [estimate, null].map(|value| unit.value(value));
            let because = format!(
                "{} is at {estimate} on {} over {} samples, within the limit of {null}.",
                a.version, a.trigger, watch.n
            );
            case.amend(|incident| {
                incident.verified_at = Some(now.event);
                incident.proof = Some(Proof::L4);
            });
            self.advance(at, IncidentEvent::Verify, Explanation::new("verified", because));
            self.resolve_later(at);
        }
    }

    /// Extends the time for the statistic if samples arrived but are too few.
    pub(super) fn prolong(&mut self, at: usize) -> bool {
        let now = self.now;
        let policy = &self.rules.policy;
        let Some(case) = self.model.cases.get_mut(at) else { return false };
        let (incident, watch) = (&case.incident, &mut case.watch);
        let Some(trigger) = incident.trigger.as_ref().or(watch.trigger.as_ref()).cloned() else {
            return false;
        };
        let came = watch.n > 0 && watch.until > watch.looked;
        let few = watch.n < policy.verify_samples;
        if !(came && few) || watch.prolonged >= policy.verify_prolong_times {
            return false;
        }
        watch.prolonged += 1;
        watch.looked = watch.until;
        let until = now.log + policy.verify_within;
        let to = incident.to.as_ref().map_or("it", |to| to.as_str());
        let because = format!(
            "Only {} of {} samples of {to} by {trigger} so far, too few to tell: the deadline is \
             extended to {} (extension {} of {}).",
            watch.n,
            policy.verify_samples,
            log_moment(until),
            watch.prolonged,
            policy.verify_prolong_times
        );
        case.deadline = Some(until);
        case.amend(|incident| incident.because = because);
        true
    }
}

/// Whether an assessment is of the trigger that proves this rollback.
fn speaks(case: &mut Case, a: &Assessment) -> bool {
    if let Some(trigger) = &case.incident.trigger {
        return *trigger == a.trigger && case.incident.feature == a.feature;
    }
    if let Some(trigger) = &case.watch.trigger {
        return *trigger == a.trigger;
    }
    let of_rates = match a.signal {
        Signal::Accuracy | Signal::ErrorRate => true,
        Signal::Latency | Signal::FeatureDrift => false,
    };
    let speaks = of_rates && !matches!(a.evidence.limit, Limit::Paired(_)) && null(a).is_some();
    if speaks {
        case.watch.trigger = Some(a.trigger.clone());
    }
    speaks
}

fn null(a: &Assessment) -> Option<f64> {
    match a.evidence.limit {
        Limit::Paired(tolerance) => Some(tolerance),
        Limit::Baseline(_) | Limit::Rate(_) | Limit::MeanMs { .. } | Limit::Psi { .. } => {
            a.evidence.null
        }
    }
}

/// Adds the closed buckets that count; whether there was one.
fn add(case: &mut Case, a: &Assessment, since: EventTime) -> bool {
    let withdrawn = case.incident.version.clone();
    let watch = &mut case.watch;
    let from = watch.until.map_or(since, |until| until.max(since));
    let mut any = false;
    for bucket in a.closed.iter().filter(|bucket| bucket.start >= from) {
        any |= watch.take(bucket, &withdrawn);
    }
    if watch.n > 0 {
        let estimate = watch.sum / watch.n as f64;
        watch.last = null(a).map(|null| (estimate, null));
    }
    any
}
