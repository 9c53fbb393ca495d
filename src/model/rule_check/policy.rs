//! Which policies are possible.

use super::{DAYS, HOURS, MINUTES, RuleTable, SECONDS};
use crate::model::Policy;

pub(super) fn policy(at: &mut RuleTable<'_>, policy: &Policy) {
    for (key, span, unit, range) in [
        ("proving_period", policy.proving_period, HOURS, 0..=8760),
        ("cooldown", policy.cooldown, MINUTES, 0..=43_200),
        ("rollbacks_period", policy.rollbacks_period, HOURS, 1..=8760),
        ("quarantine", policy.quarantine, DAYS, 1..=3650),
        ("answer_within", policy.answer_within, SECONDS, 1..=3600),
        ("command_expires", policy.command_expires, MINUTES, 1..=1440),
        ("mitigate_within", policy.mitigate_within, MINUTES, 1..=10_080),
        ("verify_within", policy.verify_within, DAYS, 1..=365),
        ("verify_after_minutes", policy.verify_after_minutes, MINUTES, 1..=10_080),
        ("verify_after_hours", policy.verify_after_hours, HOURS, 1..=720),
        ("resolve_after", policy.resolve_after, HOURS, 0..=8760),
        ("stall_after", policy.stall_after, SECONDS, 1..=3600),
        ("hand_over", policy.hand_over, SECONDS, 0..=3600),
        ("forget_after", policy.forget_after, DAYS, 1..=3650),
    ] {
        at.span(key, span, unit, range);
    }
    at.count("max_rollbacks", u64::from(policy.max_rollbacks), 1..=1000);
    at.count("verify_prolong_times", u64::from(policy.verify_prolong_times), 0..=100);
    at.count("live_samples", policy.live_samples, 1..=100_000);
    at.count("verify_samples", policy.verify_samples, 1..=10_000_000);
    at.count("baseline_samples", policy.baseline_samples, 100..=10_000_000);
    at.number("max_loss_percent", policy.max_loss_percent, 0.0..=100.0);
    if policy.answer_within >= policy.command_expires {
        let why = "must be shorter than the time after which a command expires, so that it can \
                   be sent again";
        at.refuse("answer_within", why);
    }
}
