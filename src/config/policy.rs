//! The raw policy as a [`Policy`].

use super::raw;
use super::units::{DAY, HOUR, MINUTE, SECOND, span};
use crate::model::Policy;

/// The policy, unchecked: the rules are checked as a whole.
pub(super) fn policy(raw: &raw::Policy) -> Policy {
    let small = |n: u64| u32::try_from(n).unwrap_or(u32::MAX);
    Policy {
        proving_period: span(raw.proving_hours, HOUR),
        trust_assumed: raw.trust_assumed,
        cooldown: span(raw.cooldown_minutes, MINUTE),
        max_rollbacks: small(raw.max_rollbacks),
        rollbacks_period: span(raw.rollbacks_period_hours, HOUR),
        quarantine: span(raw.quarantine_days, DAY),
        answer_within: span(raw.answer_within_seconds, SECOND),
        command_expires: span(raw.command_expires_minutes, MINUTE),
        mitigate_within: span(raw.mitigate_within_minutes, MINUTE),
        verify_within: span(raw.verify_within_days, DAY),
        verify_prolong_times: small(raw.verify_prolong_times),
        live_samples: raw.live_samples,
        verify_samples: raw.verify_samples,
        verify_after_minutes: span(raw.verify_after_minutes, MINUTE),
        verify_after_hours: span(raw.verify_after_hours, HOUR),
        resolve_after: span(raw.resolve_after_hours, HOUR),
        stall_after: span(raw.stall_after_seconds, SECOND),
        hand_over: span(raw.hand_over_seconds, SECOND),
        baseline_samples: raw.baseline_samples,
        max_loss_percent: raw.max_loss_percent,
        forget_after: span(raw.forget_after_days, DAY),
    }
}
