//! Raw policy into policy.

use super::check::{Check, DAY, HOUR, MINUTE, SECOND};
use super::problem::Path;
use super::raw;
use crate::model::Policy;

/// The policy that stands at `at`.
pub(super) fn policy(check: &mut Check<'_>, at: &Path, raw: &raw::Policy) -> Policy {
    let mut span = |key: &str, n, unit, range| check.span(&at.key(key), n, unit, range);
    let durations = Policy {
        proving_period: span("proving_hours", raw.proving_hours, HOUR, 0..=8760),
        trust_assumed: raw.trust_assumed,
        cooldown: span("cooldown_minutes", raw.cooldown_minutes, MINUTE, 0..=43_200),
        max_rollbacks: 0,
        rollbacks_period: span(
            "rollbacks_period_hours",
            raw.rollbacks_period_hours,
            HOUR,
            1..=8760,
        ),
        quarantine: span("quarantine_days", raw.quarantine_days, DAY, 1..=3650),
        answer_within: span("answer_within_seconds", raw.answer_within_seconds, SECOND, 1..=3600),
        command_expires: span(
            "command_expires_minutes",
            raw.command_expires_minutes,
            MINUTE,
            1..=1440,
        ),
        mitigate_within: span(
            "mitigate_within_minutes",
            raw.mitigate_within_minutes,
            MINUTE,
            1..=10_080,
        ),
        verify_within: span("verify_within_days", raw.verify_within_days, DAY, 1..=365),
        verify_prolong_times: 0,
        live_samples: 0,
        verify_samples: 0,
        verify_after_minutes: span(
            "verify_after_minutes",
            raw.verify_after_minutes,
            MINUTE,
            1..=10_080,
        ),
        verify_after_hours: span("verify_after_hours", raw.verify_after_hours, HOUR, 1..=720),
        resolve_after: span("resolve_after_hours", raw.resolve_after_hours, HOUR, 0..=8760),
        stall_after: span("stall_after_seconds", raw.stall_after_seconds, SECOND, 1..=3600),
        hand_over: span("hand_over_seconds", raw.hand_over_seconds, SECOND, 0..=3600),
        baseline_samples: 0,
    };
    if durations.answer_within >= durations.command_expires {
        let would_do = "it is shorter than command_expires_minutes, or no command is asked twice";
        check.refuse(&at.key("answer_within_seconds"), would_do);
    }
    let mut count = |key: &str, n, range| check.count(&at.key(key), n, range);
    Policy {
        max_rollbacks: u32::try_from(count("max_rollbacks", raw.max_rollbacks, 1..=1000))
            .unwrap_or(u32::MAX),
        verify_prolong_times: u32::try_from(count(
            "verify_prolong_times",
            raw.verify_prolong_times,
            0..=100,
        ))
        .unwrap_or(u32::MAX),
        live_samples: count("live_samples", raw.live_samples, 1..=100_000),
        verify_samples: count("verify_samples", raw.verify_samples, 1..=10_000_000),
        baseline_samples: count("baseline_samples", raw.baseline_samples, 100..=10_000_000),
        ..durations
    }
}
