//! The two proofs that a rollback worked. Neither listens to a worker's answer.
//!
//! L3, live traffic: enough live answers of the restored version and none of the withdrawn one,
//! in panes that start after the switch; a pane with a live answer of the withdrawn one starts the
//! count anew. Live is what telemetry states to be live. Where a model's telemetry has never
//! stated a role, the answers of the version that observed facts make production are live, and
//! the record says `by_registry`. Where all that came is right and only little, the time for it is
//! prolonged, up to `verify_within`: a quiet night is no fault.
//!
//! L4, the statistic: buckets that start after L3, summed anew, by the trigger that fired. At the
//! first close with enough samples and event time the estimate must be tolerated by that trigger;
//! if it is not, later closes may still bring it there, until `verify_within`. Where samples are
//! fewer than needed and still come, that time is given again, `verify_prolong_times` times: little
//! traffic is no sign that a rollback did not help. A rollback that a person asked for has no
//! trigger: the first one on accuracy or errors (unpaired, with a limit) that speaks of the
//! restored version serves; if none does, it ends unverified.
//!
//! Over 300 lines: two proofs, and why each is missing, are read side by side.

use serde::{Deserialize, Serialize};

use super::ModelContext;
use super::state::{Case, ProductionSource};
use crate::model::{
    EventTime, IncidentEvent, IncidentState, Limit, Proof, Signal, Span, TriggerId, VersionId,
};
use crate::sums::{Assessment, BucketSums, LiveTraffic, Tally};

/// What was seen of a rollback so far.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub(super) struct ProofProgress {
    /// Live answers of the restored version since the last of the withdrawn one.
    pub(super) live: u64,
    /// End of the last pane in which users were answered by the withdrawn version.
    withdrawn_until: Option<EventTime>,
    /// Live answers of the restored version in all.
    #[serde(default)]
    seen: u64,
    /// What the statistic reads, for a rollback that no trigger asked for.
    trigger: Option<TriggerId>,
    /// Samples of the restored version.
    n: u64,
    /// Bad ones; or the sum of differences, of milliseconds.
    sum: f64,
    /// End of the last bucket taken.
    until: Option<EventTime>,
    /// The estimate and where the tolerated ends, at the last close.
    last: Option<(f64, f64)>,
    /// How often the time for the statistic was given again.
    #[serde(default)]
    prolonged: u32,
    /// End of the last bucket taken when that was last decided.
    #[serde(default)]
    looked: Option<EventTime>,
}

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
        let word = if by_registry { " by registry" } else { "" };
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
        self.advance(at, IncidentEvent::Mitigate, because);
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
            let [estimate, null] = [estimate, null].map(|value| a.evidence.limit.shown(value));
            let because = format!(
                "{} is at {estimate} by {} over {} samples, within the tolerated {null}.",
                a.version, a.trigger, watch.n
            );
            case.amend(|incident| {
                incident.verified_at = Some(now.event);
                incident.proof = Some(Proof::L4);
            });
            self.advance(at, IncidentEvent::Verify, because);
            self.resolve_later(at);
        }
    }

    /// Why live traffic does not prove a switch that the workers report.
    pub(super) fn unproven(&self, case: &Case) -> String {
        let incident = &case.incident;
        let (Some(to), Some(since)) = (&incident.to, incident.switched_at) else {
            return "Nothing was switched.".to_owned();
        };
        let watch = &case.watch;
        let from = &incident.version;
        if !self.model.traffic.states_roles && self.model.by_fact(self.rules) != Some(to) {
            return match self.model.by_fact(self.rules) {
                Some(fact) => format!(
                    "The workers answered done and the observed facts still say that {fact} is in \
                     production; telemetry states no roles that could show otherwise; no traffic \
                     of {to} seen since {since}."
                ),
                None => format!(
                    "No traffic of {to} seen since {since} that is known to be live: telemetry \
                     states no roles, and no fact says which version serves."
                ),
            };
        }
        match watch.withdrawn_until {
            Some(until) if watch.seen > 0 && watch.live == 0 => format!(
                "The workers answered done and users were still answered by {from} up to {until}, \
                 beside {} live answers of {to}.",
                watch.seen
            ),
            Some(until) if watch.live == 0 => format!(
                "The workers answered done and users were still answered by {from} up to {until}; \
                 no traffic of {to} seen since {since}."
            ),
            Some(_) | None if watch.live > 0 => format!(
                "Only {} of {} live answers of {to} seen since {since}.",
                watch.live, self.rules.policy.live_samples
            ),
            Some(_) | None => format!("No traffic of {to} seen since {since}."),
        }
    }

    /// Gives the statistic its time once more, if samples came in it and are only too few.
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
            "Only {} of {} samples of {to} by {trigger} came so far, too few to tell: the \
             statistic has until {until} (prolonged {} of {} times).",
            watch.n, policy.verify_samples, watch.prolonged, policy.verify_prolong_times
        );
        case.deadline = Some(until);
        case.amend(|incident| incident.because = because);
        true
    }

    /// Why no statistic shows that a rollback helped.
    pub(super) fn unverified(&self, case: &Case) -> String {
        let version = case.incident.to.as_ref().map_or("it", |to| to.as_str());
        let watch = &case.watch;
        let trigger = case.incident.trigger.as_ref().or(watch.trigger.as_ref());
        let (Some(trigger), Some((estimate, null))) = (trigger, watch.last) else {
            return format!("No trigger has measured {version} since the switch.");
        };
        if estimate > null {
            let limit = self.rules.triggers.iter().find(|rule| rule.id == *trigger);
            let shown =
                |value: f64| limit.map_or(value.to_string(), |rule| rule.limit.shown(value));
            let (estimate, null) = (shown(estimate), shown(null));
            return format!(
                "{version} is at {estimate} by {trigger} over {} samples, past the tolerated \
                 {null}: it may not be the version that went bad.",
                watch.n
            );
        }
        let needed = self.rules.policy.verify_samples;
        format!(
            "{trigger} has only {} of {needed} samples of {version}, or too short a time.",
            watch.n
        )
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

impl ProofProgress {
    fn take(&mut self, bucket: &BucketSums, withdrawn: &VersionId) -> bool {
        let (n, sum) = match &bucket.tally {
            Tally::Rate { n, bad } => (*n, *bad as f64),
            // The restored version is a: more wrong answers of a are those only b had right.
            Tally::Paired { other, table } if other == withdrawn => {
                (table.n(), table.only_b as f64 - table.only_a as f64)
            }
            Tally::Paired { .. } => return false,
            Tally::Mean { n, sum_ms, .. } => (*n, *sum_ms),
            Tally::Distance { n, psi } => {
                // A distance is of its whole window, so the newest stands for all.
                self.n = *n;
                self.sum = psi * *n as f64;
                self.until = self.until.max(Some(bucket.end));
                return true;
            }
        };
        self.n = self.n.saturating_add(n);
        self.sum += sum;
        self.until = self.until.max(Some(bucket.end));
        true
    }
}
