//! The order of the verdicts, as one function of what is known.

use crate::model::{Benefit, Comparison, Reason, Verdict};

/// Another version, and by what it was found the same.
pub type ComparedWith = (Comparison, Option<Reason>);

/// What is known of a version and a trigger at a bucket's close.
#[derive(Debug, Clone, Copy)]
pub struct TriggerState<'a> {
    /// The measuring is behind, blind or incomplete.
    pub stale: bool,
    /// There is something to hold it against.
    pub armed: bool,
    /// The version's own evidence is over its threshold.
    pub over: bool,
    /// What was lost of late, or no longer comes, may hide a fault: why.
    pub hidden: Option<Reason>,
    /// Samples that it rests on.
    pub samples: u64,
    /// Samples that it must rest on.
    pub minimum: u64,
    /// How the others would do.
    pub against: &'a [ComparedWith],
}

/// The verdict and its reason.
#[must_use]
pub fn verdict(known: TriggerState<'_>) -> (Verdict, Reason) {
    let is = |wanted: Benefit| move |compared: &&ComparedWith| compared.0.better == wanted;
    if known.stale {
        return (Verdict::Stale, Reason::Incomplete);
    }
    if !known.armed {
        return match known.hidden {
            Some(Reason::Lost) => (Verdict::Stale, Reason::Lost),
            Some(_) | None => (Verdict::Insufficient, Reason::NoBaseline),
        };
    }
    if let Some(reason) = known.hidden.filter(|_| !known.over) {
        return (Verdict::Stale, reason);
    }
    if !known.over {
        return if known.samples < known.minimum {
            (Verdict::Insufficient, Reason::TooFewSamples)
        } else {
            (Verdict::Healthy, Reason::UnderThreshold)
        };
    }
    if known.against.iter().any(|compared| is(Benefit::Better)(&compared)) {
        return (Verdict::Breach, Reason::BenefitShown);
    }
    if let Some((_, why)) = known.against.iter().find(is(Benefit::Same)) {
        return (Verdict::Systemic, why.unwrap_or(Reason::PairedWithinTolerance));
    }
    let reason =
        if known.against.is_empty() { Reason::NoReference } else { Reason::BenefitUnproven };
    (Verdict::Insufficient, reason)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Reference, VersionId};

    fn against(better: Benefit) -> ComparedWith {
        let version = VersionId::new("v2").unwrap();
        (Comparison { version, better, reference: Reference::Paired }, None)
    }

    #[test]
    fn the_first_that_holds_is_said() {
        let [better, same, unknown] =
            [Benefit::Better, Benefit::Same, Benefit::Unknown].map(|better| [against(better)]);
        let known = TriggerState {
            stale: false,
            armed: true,
            over: true,
            hidden: None,
            samples: 100,
            minimum: 20,
            against: &better,
        };
        let cases = [
            (TriggerState { stale: true, ..known }, Verdict::Stale),
            (TriggerState { armed: false, ..known }, Verdict::Insufficient),
            (
                TriggerState { armed: false, hidden: Some(Reason::Silent), ..known },
                Verdict::Insufficient,
            ),
            (TriggerState { armed: false, hidden: Some(Reason::Lost), ..known }, Verdict::Stale),
            (TriggerState { over: false, ..known }, Verdict::Healthy),
            (TriggerState { over: false, samples: 19, ..known }, Verdict::Insufficient),
            (TriggerState { over: false, hidden: Some(Reason::Lost), ..known }, Verdict::Stale),
            (TriggerState { hidden: Some(Reason::Lost), ..known }, Verdict::Breach),
            (known, Verdict::Breach),
            (TriggerState { against: &same, ..known }, Verdict::Systemic),
            (TriggerState { against: &unknown, ..known }, Verdict::Insufficient),
            (TriggerState { against: &[], ..known }, Verdict::Insufficient),
        ];
        for (known, expected) in cases {
            assert_eq!(verdict(known).0, expected, "{known:?}");
        }
        assert_eq!(verdict(TriggerState { against: &[], ..known }).1, Reason::NoReference);
    }
}
