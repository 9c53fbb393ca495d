//! The order of the verdicts, as one function of what is known.

use crate::model::{Against, Better, Reason, Verdict};

/// Another version, and by what it was found the same.
pub type Compared = (Against, Option<Reason>);

/// What is known of a version and a trigger at a bucket's close.
#[derive(Debug, Clone, Copy)]
pub struct Known<'a> {
    /// The measuring is behind, blind or incomplete.
    pub stale: bool,
    /// There is something to hold it against.
    pub armed: bool,
    /// The version's own evidence is over its threshold.
    pub over: bool,
    /// Samples that it rests on.
    pub samples: u64,
    /// Samples that it must rest on.
    pub minimum: u64,
    /// How the others would do.
    pub against: &'a [Compared],
}

/// The verdict and its reason.
#[must_use]
pub fn verdict(known: Known<'_>) -> (Verdict, Reason) {
    let is = |wanted: Better| move |compared: &&Compared| compared.0.better == wanted;
    if known.stale {
        return (Verdict::Stale, Reason::Incomplete);
    }
    if !known.armed {
        return (Verdict::Insufficient, Reason::NoBaseline);
    }
    if !known.over {
        return if known.samples < known.minimum {
            (Verdict::Insufficient, Reason::TooFewSamples)
        } else {
            (Verdict::Healthy, Reason::UnderThreshold)
        };
    }
    if known.against.iter().any(|compared| is(Better::Better)(&compared)) {
        return (Verdict::Breach, Reason::BenefitShown);
    }
    if let Some((_, why)) = known.against.iter().find(is(Better::Same)) {
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

    fn against(better: Better) -> Compared {
        let version = VersionId::new("v2").unwrap();
        (Against { version, better, reference: Reference::Paired }, None)
    }

    #[test]
    fn the_first_that_holds_is_said() {
        let [better, same, unknown] =
            [Better::Better, Better::Same, Better::Unknown].map(|better| [against(better)]);
        let known = Known {
            stale: false,
            armed: true,
            over: true,
            samples: 100,
            minimum: 20,
            against: &better,
        };
        let cases = [
            (Known { stale: true, ..known }, Verdict::Stale),
            (Known { armed: false, ..known }, Verdict::Insufficient),
            (Known { over: false, ..known }, Verdict::Healthy),
            (Known { over: false, samples: 19, ..known }, Verdict::Insufficient),
            (known, Verdict::Breach),
            (Known { against: &same, ..known }, Verdict::Systemic),
            (Known { against: &unknown, ..known }, Verdict::Insufficient),
            (Known { against: &[], ..known }, Verdict::Insufficient),
        ];
        for (known, expected) in cases {
            assert_eq!(verdict(known).0, expected, "{known:?}");
        }
        assert_eq!(verdict(Known { against: &[], ..known }).1, Reason::NoReference);
    }
}
