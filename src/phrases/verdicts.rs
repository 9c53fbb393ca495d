//! Verdicts, why they were given, and what they compare.

use super::numbers::number;
use crate::model::{
    Benefit, Limit, LostField, Reason, Reference, Role, Signal, Statistic, Verdict,
};

/// A verdict.
#[must_use]
pub const fn verdict(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Healthy => "healthy",
        Verdict::Breach => "breach",
        Verdict::Systemic => "systemic",
        Verdict::Insufficient => "insufficient",
        Verdict::Stale => "stale",
        Verdict::Blind => "blind",
    }
}

/// Why a verdict was given, to follow "because".
#[must_use]
pub const fn reason(reason: Reason) -> &'static str {
    match reason {
        Reason::UnderThreshold => "the evidence is under the threshold",
        Reason::TooFewSamples => "there are too few samples",
        Reason::NoBaseline => "there is no baseline yet",
        Reason::Incomplete => "too few lanes reported",
        Reason::Lost => "so much was lost that a fault could be hidden in it",
        Reason::LabelTypes => "predictions and outcomes are of different types",
        Reason::Silent => "it no longer answers",
        Reason::NoLabels => "labels no longer come",
        Reason::BenefitShown => "another version would serve better",
        Reason::ReferenceAlsoOver => "the version it is compared with is over the limit too",
        Reason::PairedWithinTolerance => {
            "the difference from the other version on the same requests is tolerated"
        }
        Reason::DriftShared => "the other version's inputs drifted just as much",
        Reason::DriftOwn => "only this version's inputs drifted",
        Reason::BenefitUnproven => "nothing shows yet that another version would serve better",
        Reason::NoReference => "there is nothing to compare it with",
    }
}

/// Why a trigger is blind, in a word or two.
#[must_use]
pub const fn blind(reason: Reason) -> &'static str {
    match reason {
        Reason::LabelTypes => "label types",
        Reason::Silent => "silent",
        Reason::NoLabels => "no labels",
        Reason::Lost
        | Reason::UnderThreshold
        | Reason::TooFewSamples
        | Reason::NoBaseline
        | Reason::Incomplete
        | Reason::BenefitShown
        | Reason::ReferenceAlsoOver
        | Reason::PairedWithinTolerance
        | Reason::DriftShared
        | Reason::DriftOwn
        | Reason::BenefitUnproven
        | Reason::NoReference => "losses",
    }
}

/// What a comparison is based on.
#[must_use]
pub const fn reference(reference: Reference) -> &'static str {
    match reference {
        Reference::Paired => "the same requests",
        Reference::Live => "live traffic at the same time",
        Reference::History => "the rollback target's recent days in production",
        Reference::Baseline => "the rollback target's baseline",
        Reference::None => "no reference",
    }
}

/// `, judged by the same requests`, to follow a comparison; empty without a reference.
#[must_use]
pub fn by(by: Reference) -> String {
    match by {
        Reference::Paired | Reference::Live | Reference::History | Reference::Baseline => {
            format!(", judged by {}", reference(by))
        }
        Reference::None => String::new(),
    }
}

/// How another version would do.
#[must_use]
pub const fn benefit(benefit: Benefit) -> &'static str {
    match benefit {
        Benefit::Better => "better",
        Benefit::Same => "no better",
        Benefit::Worse => "worse",
        Benefit::Unknown => "unknown",
    }
}

/// A signal.
#[must_use]
pub const fn signal(signal: Signal) -> &'static str {
    match signal {
        Signal::Accuracy => "accuracy",
        Signal::ErrorRate => "error rate",
        Signal::Latency => "latency",
        Signal::FeatureDrift => "feature drift",
    }
}

/// What a trigger with this limit needs to judge a version.
#[must_use]
pub const fn samples(limit: Limit) -> &'static str {
    match limit {
        Limit::Baseline(_) => "labelled answers",
        Limit::Rate(_) => "answers",
        Limit::Paired(_) => "labelled answers of two versions to the same requests",
        Limit::MeanMs { .. } => "latencies",
        Limit::Psi { .. } => "features",
    }
}

/// A field of a record.
#[must_use]
pub const fn lost_field(field: LostField) -> &'static str {
    match field {
        LostField::Status => "status",
        LostField::Role => "role",
        LostField::Prediction => "prediction or request",
        LostField::Score => "score",
        LostField::Latency => "latency",
        LostField::Actual => "actual",
        LostField::Features => "features",
        LostField::Cpu => "cpu_ratio",
        LostField::Memory => "memory_bytes",
    }
}

/// A role.
#[must_use]
pub const fn role(role: Role) -> &'static str {
    match role {
        Role::Production => "production",
        Role::Canary => "canary",
        Role::Shadow => "shadow",
        Role::Idle => "idle",
    }
}

/// The evidence of an e-detector; `None` for a plain rule, which has only its value.
#[must_use]
pub fn odds(rule: Statistic, statistic: f64, threshold: f64) -> Option<String> {
    let (statistic, threshold) = (number(statistic), number(threshold));
    (rule == Statistic::EDetector).then(|| format!("odds {statistic} to 1, {threshold} needed"))
}
