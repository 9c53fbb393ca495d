//! What an assessment says, in words.

use crate::model::{Benefit, Reference, VersionId};
use crate::phrases::{Unit, by, count};
use crate::sums::Assessment;

/// What the comparison rests on: that of the version shown to be better, else the evidence's.
pub(super) fn compared(a: &Assessment) -> Reference {
    let better = a.against.iter().find(|other| other.better == Benefit::Better);
    better.map_or(a.evidence.reference, |other| other.reference)
}

/// Why a rollback begins.
pub(super) fn acting(a: &Assessment, to: &VersionId) -> String {
    let (samples, unit) = (count(a.evidence.samples), Unit::of(a.signal, a.evidence.limit));
    let measured = match (a.evidence.estimate, a.evidence.null) {
        (Some(estimate), Some(null)) => {
            let [estimate, null] = [estimate, null].map(|value| unit.value(value));
            format!("{estimate} over {samples} samples, limit {null}")
        }
        (Some(_), None) | (None, _) => format!("{samples} samples"),
    };
    format!(
        "{} breached {} ({measured}), and {to} would serve better{}.",
        a.version,
        a.trigger,
        by(compared(a))
    )
}

/// That the limit of a trigger is passed.
pub(super) fn outside(a: &Assessment) -> String {
    format!("{} is over the limit of {}", a.version, a.trigger)
}
