//! The fields of one sample, after all that may say them.

use super::half::side;
use super::place::RecordSeen;
use super::stands::Stands;
use super::{Reader, feature, rule};
use crate::model::{PathPattern, Sample, SampleField, SampleKind};
use crate::wire::telemetry::cursor::RawValue;
use crate::wire::telemetry::event::Own;
use crate::wire::telemetry::features::Features;
use crate::wire::telemetry::fields::{Fields, Found};
use crate::wire::telemetry::value::Scalar;
use crate::wire::telemetry::{FieldTold, Rejected, record_missing, sample};

impl<'a> Reader<'a, '_> {
    /// What one field is, after all that may say it.
    pub(super) fn field(
        &self,
        slot: SampleField,
        seen: RecordSeen<'a, '_>,
        fields: &mut Fields<'a>,
    ) -> Option<usize> {
        if let Some(constant) = self.mapping.constants.get(&slot) {
            *fields.slot(slot) = Found::Given(Scalar::of_json(constant));
        } else if let Some(rule) = self.mapping.fields.get(&slot) {
            let (found, place) = rule::found(slot, rule, seen);
            *fields.slot(slot) = found;
            return place;
        } else if let Some((_, place)) = self.mapping.own.iter().find(|(own, _)| *own == slot)
            && !fields.has(slot)
        {
            *fields.slot(slot) = own_value(slot, seen.own(place));
        }
        None
    }

    pub(super) fn sample(
        &mut self,
        seen: RecordSeen<'a, '_>,
        kind: Result<SampleKind, Rejected>,
        own: Option<Own<'a>>,
        features: Option<Features<'a>>,
    ) -> Result<Sample<'a>, Rejected> {
        let (mut fields, record) = match own {
            Some(own) => (own.fields, own.record),
            None => (Fields::default(), Ok(())),
        };
        let (mapping, known) = (self.mapping, kind.as_ref().ok().copied());
        for (field, constant) in &mapping.constants {
            *fields.slot(*field) = Found::Given(Scalar::of_json(constant));
        }
        for (field, place) in &mapping.own {
            if !fields.has(*field) {
                let found = own_value(*field, seen.own(place));
                self.tell(field.name(), known, (found != Found::Nowhere).then_some(0));
                *fields.slot(*field) = found;
            }
        }
        if let Some(place) = mapping.own_features.as_ref().filter(|_| !fields.has_features()) {
            fields.replace_features(seen.own(place));
        }
        // What each element says by itself.
        let mut own = Vec::new();
        for (field, rule) in &mapping.fields {
            let (found, place) = rule::found(*field, rule, seen);
            self.tell(field.name(), known, place);
            *fields.slot(*field) = found;
            let place = place.and_then(|nth| rule.from.get(nth));
            own.extend(place.filter(|place| seen.is_of_element(place)).map(|_| *field));
        }
        self.features(seen, features, known, &mut fields);
        self.path(&mut fields);
        if seen.element.is_some_and(|element| element.nth > 0)
            && !own.contains(&SampleField::LatencyMs)
        {
            // The duration is that of the whole call.
            *fields.slot(SampleField::LatencyMs) = Found::Nowhere;
        }
        let kind = kind?;
        let side = side(kind).map(|side| Ok::<_, Rejected>((side, self.by(seen)?))).transpose()?;
        let losses = self.told.as_deref_mut().map(|told| &mut told.losses);
        let built = match side {
            None => sample::build(&mut fields, kind, self.context, losses),
            Some(half) => sample::half(&mut fields, half, self.context, losses),
        };
        let mut built = built.map_err(|why| record_missing(why, record))?;
        if let Some(nth) = seen.element.map(|element| element.nth).filter(|nth| *nth > 0) {
            let [id, request] =
                [SampleField::Id, SampleField::Request].map(|field| !own.contains(&field));
            built.number(nth, id, request);
        }
        Ok(built)
    }

    fn features(
        &mut self,
        seen: RecordSeen<'a, '_>,
        usual: Option<Features<'a>>,
        kind: Option<SampleKind>,
        fields: &mut Fields<'a>,
    ) {
        if let Some(usual) = usual {
            fields.take_usual(usual);
            self.tell("features", kind, Some(0));
            return;
        }
        let Some(rule) = &self.mapping.features else { return };
        let mapped = feature::features(rule, seen);
        self.tell("features", kind, mapped.place);
        fields.take_mapped(mapped.read, mapped.lost);
    }

    /// What the path of the file says, where nothing else does.
    fn path(&self, fields: &mut Fields<'a>) {
        let (Some(pattern), Some(path)) = (&self.mapping.path, self.record.path) else { return };
        let Some(named) = pattern.read(path) else { return };
        for (name, value) in &named {
            if let Some(slot) = SampleField::named(name)
                && !fields.has(slot)
            {
                let stands = Stands::Text(value);
                *fields.slot(slot) = Found::Given(stands.scalar(slot.is_name()));
            }
        }
        if let Some(time) = PathPattern::time(&named)
            && !fields.has(SampleField::Ts)
        {
            *fields.slot(SampleField::Ts) = Found::Given(Stands::Time(time).scalar(false));
        }
    }

    pub(super) fn tell(&mut self, field: &str, kind: Option<SampleKind>, place: Option<usize>) {
        if let Some(told) = &mut self.told {
            told.fields.push(FieldTold { field: field.to_owned(), kind, place });
        }
    }
}

/// What a record has under the name of a field. An object or a list is something else, but for
/// labels, which may be lists by mistake.
fn own_value(field: SampleField, found: Found<'_>) -> Found<'_> {
    let is_label = matches!(field, SampleField::Prediction | SampleField::Actual);
    let is_other = matches!(found, Found::Raw(RawValue::Object(_) | RawValue::Array(_)));
    if is_other && !is_label { Found::Nowhere } else { found }
}
