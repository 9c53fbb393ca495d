//! Records that are one half of a call.

use std::borrow::Cow;

use super::Reader;
use super::place::RecordSeen;
use crate::model::{FieldPlace, Half, HalfSide, Reject, Sample, SampleField, SampleKind};
use crate::wire::telemetry::Rejected;

impl<'a> Reader<'a, '_> {
    /// What both halves of a call have in common.
    pub(super) fn by(&self, seen: RecordSeen<'a, '_>) -> Result<Cow<'a, str>, Rejected> {
        let Some(pair) = &self.mapping.pair else {
            let detail = "type is asked or answered; say with pair how the two halves meet";
            return Err(Rejected::new(Reject::UnknownType, detail));
        };
        let found = seen.first(&pair.by);
        let found = found.and_then(|found| match found {
            Some((_, found)) => found.text(self.texts).map(Some),
            None => Ok(None),
        });
        let by = texts_of(&pair.by);
        match found {
            Ok(Some(by)) => Ok(Cow::Borrowed(by)),
            Ok(None) => {
                let detail = format!("{by} is missing, and pair goes by it");
                Err(Rejected::new(Reject::MissingField, detail))
            }
            Err(why) => {
                let detail = format!("{by} is {why}, and pair goes by it");
                Err(Rejected::new(Reject::WrongType, detail))
            }
        }
    }

    /// A sample; of a half what the pair rule says.
    pub(super) fn half(&self, mut sample: Sample<'a>) -> Result<Sample<'a>, Rejected> {
        if let Sample::Half(half) = &mut sample
            && let Some(pair) = &self.mapping.pair
        {
            half.within = pair.within;
            half.missing_is_error = pair.missing_is_error;
            half.timed = !self.mapping.fields.contains_key(&SampleField::LatencyMs);
        }
        Ok(sample)
    }

    /// All elements of a half are one half.
    pub(super) fn halves(
        &self,
        samples: Vec<Result<Sample<'a>, Rejected>>,
    ) -> Result<Sample<'a>, Rejected> {
        let mut whole: Option<Half<'a>> = None;
        for sample in samples {
            match (sample?, &mut whole) {
                (Sample::Half(half), Some(whole)) => whole.predictions.extend(half.predictions),
                (Sample::Half(half), none) => *none = Some(half),
                (_, _) => {}
            }
        }
        match whole {
            Some(half) => self.half(Sample::Half(half)),
            None => Err(Rejected::new(Reject::MissingField, "the record has no element")),
        }
    }
}

/// Which half of a call records of this kind are.
pub(super) const fn side(kind: SampleKind) -> Option<HalfSide> {
    match kind {
        SampleKind::Asked => Some(HalfSide::Asked),
        SampleKind::Answered => Some(HalfSide::Answered),
        SampleKind::Prediction
        | SampleKind::Outcome
        | SampleKind::Latency
        | SampleKind::Health
        | SampleKind::Run => None,
    }
}

pub(super) fn texts_of(places: &[FieldPlace]) -> String {
    let places: Vec<_> = places.iter().map(|place| place.text.as_str()).collect();
    places.join(" or ")
}
