//! Why a proof is missing, in words.

use super::case::Case;
use super::context::ModelContext;
use crate::phrases::{Unit, moment, number};

impl ModelContext<'_> {
    /// Why live traffic does not prove the switch that the workers report.
    pub(super) fn unproven(&self, case: &Case) -> String {
        let incident = &case.incident;
        let (Some(to), Some(since)) = (&incident.to, incident.switched_at) else {
            return "Nothing was switched.".to_owned();
        };
        let (since, watch) = (moment(since), &case.watch);
        let from = &incident.version;
        if !self.model.traffic.states_roles && self.model.by_fact(self.rules) != Some(to) {
            return match self.model.by_fact(self.rules) {
                Some(fact) => format!(
                    "The workers reported success, but the targets still report {fact} in \
                     production, and telemetry states no roles that could show otherwise. No \
                     traffic of {to} has been seen since {since}."
                ),
                None => format!(
                    "No traffic of {to} since {since} is known to be live: telemetry states no \
                     roles, and no target reports which version is in production."
                ),
            };
        }
        match watch.withdrawn_until.map(moment) {
            Some(until) if watch.seen > 0 && watch.live == 0 => format!(
                "The workers reported success, but {from} still answered users until {until}, \
                 alongside {} live answers of {to}.",
                watch.seen
            ),
            Some(until) if watch.live == 0 => format!(
                "The workers reported success, but {from} still answered users until {until}, and \
                 no traffic of {to} has been seen since {since}."
            ),
            Some(_) | None if watch.live > 0 => format!(
                "Only {} of {} live answers of {to} were seen since {since}.",
                watch.live, self.rules.policy.live_samples
            ),
            Some(_) | None => format!("No traffic of {to} was seen since {since}."),
        }
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
                |x: f64| limit.map_or(number(x), |rule| Unit::of(rule.signal, rule.limit).value(x));
            let (estimate, null) = (shown(estimate), shown(null));
            return format!(
                "{version} is at {estimate} on {trigger} over {} samples, above the limit of \
                 {null}: perhaps the withdrawn version was not the cause.",
                watch.n
            );
        }
        let needed = self.rules.policy.verify_samples;
        format!(
            "{trigger} has {} samples of {version} ({needed} needed), or they span too short a \
             time.",
            watch.n
        )
    }
}
