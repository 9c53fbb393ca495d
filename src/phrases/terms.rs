//! Numbers, times and words as people read them.

use crate::model::{Limit, Proof, Reason, Reference, Signal, Span, StepResult, Verdict, Want};

/// Odds: plain while short.
pub(crate) fn odds(odds: f64) -> String {
    match odds {
        odds if odds >= 99_999.5 => format!("{odds:.0e}"),
        odds if odds >= 9.95 || odds == 0.0 => format!("{odds:.0}"),
        odds => format!("{odds:.1}"),
    }
}

/// A length of time in its largest unit.
pub(crate) fn span(span: Span) -> String {
    let s = span.as_s();
    match s {
        s if s < 90.0 => format!("{s:.0} s"),
        s if s < 90.0 * 60.0 => format!("{:.0} min", s / 60.0),
        s if s < 48.0 * 3600.0 => format!("{:.0} h", s / 3600.0),
        s => format!("{:.1} d", s / 86_400.0),
    }
}

/// At most so many characters.
pub(crate) fn short(text: &str, most: usize) -> String {
    if text.chars().count() <= most {
        return text.to_owned();
    }
    let mut cut: String = text.chars().take(most.saturating_sub(1)).collect();
    cut.push('…');
    cut
}

pub(crate) const fn verdict(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Healthy => "healthy",
        Verdict::Breach => "breach",
        Verdict::Systemic => "systemic",
        Verdict::Insufficient => "insufficient",
        Verdict::Stale => "stale",
    }
}

pub(crate) const fn reason(reason: Reason) -> &'static str {
    match reason {
        Reason::UnderThreshold => "the evidence is under the threshold",
        Reason::TooFewSamples => "there are too few samples",
        Reason::NoBaseline => "there is no baseline yet",
        Reason::Incomplete => "too few lanes were heard",
        Reason::BenefitShown => "another version would serve better",
        Reason::ReferenceAlsoOver => "what it is compared with went bad at the same time",
        Reason::PairedWithinTolerance => {
            "on the same requests the difference to the other version is tolerated"
        }
        Reason::DriftShared => "the other version drifts as much",
        Reason::DriftOwn => "the distance lies on this version's side",
        Reason::BenefitUnproven => "nothing shows yet that another version would serve better",
        Reason::NoReference => "there is nothing to compare with",
    }
}

pub(crate) const fn reference(reference: Reference) -> &'static str {
    match reference {
        Reference::Paired => "another version on the same requests",
        Reference::Live => "another version live at the same time",
        Reference::History => "the target's own last days in production",
        Reference::Baseline => "the target's baseline",
        Reference::None => "nothing",
    }
}

pub(crate) const fn signal(signal: Signal) -> &'static str {
    match signal {
        Signal::Accuracy => "accuracy",
        Signal::ErrorRate => "error rate",
        Signal::Latency => "latency",
        Signal::FeatureDrift => "feature drift",
    }
}

/// What a value of this limit is.
pub(crate) const fn measure(limit: Limit) -> &'static str {
    match limit {
        Limit::Baseline(_) => "wrong answers",
        Limit::Rate(_) => "bad answers",
        Limit::Paired(_) => "more wrong answers than the other on the same requests",
        Limit::MeanMs { .. } => "mean latency",
        Limit::Psi { .. } => "distance of its inputs (PSI)",
    }
}

pub(crate) const fn proof(proof: Proof) -> &'static str {
    match proof {
        Proof::L1 => "L1: the target says so",
        Proof::L2 => "L2: a probe through the public route says so",
        Proof::L3 => "L3: live traffic shows the switch",
        Proof::L4 => "L4: its statistic is within the limit",
    }
}

pub(crate) const fn outcome(outcome: Option<StepResult>) -> &'static str {
    match outcome {
        None => "no answer yet",
        Some(StepResult::Done) => "done",
        Some(StepResult::Refused) => "refused by the worker",
        Some(StepResult::Failed) => "surely not done",
        Some(StepResult::Unknown) => "may have been done",
    }
}

pub(crate) fn want(want: &Want) -> String {
    match want {
        Want::Production { version, instead_of } => {
            format!("production is {version} instead of {instead_of}")
        }
        Want::Notice { summary, .. } => format!("people know: {summary}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_short() {
        for (value, text) in
            [(0.0, "0"), (0.31, "0.3"), (8640.0, "8640"), (99_999.0, "99999"), (1.2e7, "1e7")]
        {
            assert_eq!(odds(value), text);
        }
        for (seconds, text) in
            [(5, "5 s"), (600, "10 min"), (7200, "2 h"), (604_800, "7.0 d"), (89, "89 s")]
        {
            assert_eq!(span(Span::from_s(seconds)), text);
        }
        assert_eq!(short("abcdef", 4), "abc…");
        assert_eq!(short("über", 4), "über");
    }
}
