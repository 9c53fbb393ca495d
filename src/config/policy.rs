//! Raw policy into policy.

use super::check::{Checker, DAY, HOUR, MINUTE, SECOND, checked};
use super::problem::Path;
use super::raw;
use crate::model::Policy;

/// The policy that stands at `at`.
pub(super) fn policy(check: &mut Checker<'_>, at: &Path, raw: &raw::Policy) -> Policy {
    let policy = Policy {
        proving_period: checked!(check.span, at, raw.proving_hours, HOUR, 0..=8760),
        trust_assumed: raw.trust_assumed,
        cooldown: checked!(check.span, at, raw.cooldown_minutes, MINUTE, 0..=43_200),
        max_rollbacks: checked!(check.small, at, raw.max_rollbacks, 1..=1000),
        rollbacks_period: checked!(check.span, at, raw.rollbacks_period_hours, HOUR, 1..=8760),
        quarantine: checked!(check.span, at, raw.quarantine_days, DAY, 1..=3650),
        answer_within: checked!(check.span, at, raw.answer_within_seconds, SECOND, 1..=3600),
        command_expires: checked!(check.span, at, raw.command_expires_minutes, MINUTE, 1..=1440),
        mitigate_within: checked!(check.span, at, raw.mitigate_within_minutes, MINUTE, 1..=10_080),
        verify_within: checked!(check.span, at, raw.verify_within_days, DAY, 1..=365),
        verify_prolong_times: checked!(check.small, at, raw.verify_prolong_times, 0..=100),
        live_samples: checked!(check.count, at, raw.live_samples, 1..=100_000),
        verify_samples: checked!(check.count, at, raw.verify_samples, 1..=10_000_000),
        verify_after_minutes: checked!(
            check.span,
            at,
            raw.verify_after_minutes,
            MINUTE,
            1..=10_080
        ),
        verify_after_hours: checked!(check.span, at, raw.verify_after_hours, HOUR, 1..=720),
        resolve_after: checked!(check.span, at, raw.resolve_after_hours, HOUR, 0..=8760),
        stall_after: checked!(check.span, at, raw.stall_after_seconds, SECOND, 1..=3600),
        hand_over: checked!(check.span, at, raw.hand_over_seconds, SECOND, 0..=3600),
        baseline_samples: checked!(check.count, at, raw.baseline_samples, 100..=10_000_000),
    };
    if policy.answer_within >= policy.command_expires {
        let would_do = "it is shorter than command_expires_minutes, or no command is asked twice";
        check.refuse(&at.key("answer_within_seconds"), would_do);
    }
    policy
}
