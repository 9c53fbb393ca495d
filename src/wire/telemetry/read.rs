//! One field of a record at a time, read as a name, a time, a number, a label or a word.

use std::borrow::Cow;

use xxhash_rust::xxh3::xxh3_128;

use super::cursor::RawValue;
use super::features::is_usual_name;
use super::fields::{Fields, Found, TWICE};
use super::value::Scalar;
use super::{Context, Loss, Rejected, time};
use crate::model::{
    EventTime, LostField, LostFields, NameError, Reject, SampleField, SampleKind, Value, check_name,
};

/// 1970-01-02. A source that takes nothing before it has no business in early 1970, so a number
/// there is one in seconds.
const ZERO_CLOCK: EventTime = EventTime::from_ms(86_400_000);

/// Takes fields out of a record, each read as what it must be.
pub(super) struct Builder<'a, 's> {
    pub(super) fields: &'s mut Fields<'a>,
    pub(super) kind: SampleKind,
    pub(super) context: &'s Context<'s>,
    /// Fields that the record has and that cannot be used.
    pub(super) lost: LostFields,
    /// Where the reasons go, if anybody asks.
    pub(super) losses: Option<&'s mut Vec<Loss>>,
}

impl<'a> Builder<'a, '_> {
    pub(super) fn optional(&mut self, slot: SampleField) -> Option<Scalar<'a>> {
        self.fields.take(slot).filter(|found| !matches!(found, Scalar::Null))
    }

    /// A field that costs nothing but itself if it cannot be used.
    pub(super) fn or_lost<T>(
        &mut self,
        field: LostField,
        read: impl FnOnce(&mut Self) -> Result<Option<T>, Rejected>,
    ) -> Option<T> {
        read(self).unwrap_or_else(|why| {
            self.lose(field, why.detail);
            None
        })
    }

    pub(super) fn lose(&mut self, field: LostField, detail: String) {
        self.lost.add(field);
        if let Some(losses) = &mut self.losses {
            losses.push(Loss { field, detail });
        }
    }

    pub(super) fn needed<T>(
        &mut self,
        slot: SampleField,
        read: impl FnOnce(&mut Self, SampleField) -> Result<Option<T>, Rejected>,
    ) -> Result<T, Rejected> {
        let how = if self.fields.has(slot) { "null" } else { "missing" };
        match read(self, slot)? {
            Some(value) => Ok(value),
            None => Err(self.missing(slot, how)),
        }
    }

    fn missing(&self, slot: SampleField, how: &str) -> Rejected {
        let kind = match self.kind {
            SampleKind::Prediction => "prediction",
            SampleKind::Outcome => "outcome",
            SampleKind::Latency => "latency record",
            SampleKind::Health => "health record",
            SampleKind::Run => "run",
            SampleKind::Asked | SampleKind::Answered => "half of a call",
        };
        let field = self.called(slot);
        let detail = format!(
            "{field} is {how}; every {kind} needs it: write it, or map it from another field"
        );
        Rejected::new(Reject::MissingField, detail)
    }

    /// The name of the field and, if it is mapped, its place in the record.
    fn called(&self, slot: SampleField) -> String {
        let name = slot.name();
        let mapping = self.context.mapping;
        match mapping.and_then(|mapping| mapping.fields.get(&slot)) {
            None => name.to_owned(),
            Some(rule) => {
                let places: Vec<_> = rule.from.iter().map(|place| place.text.as_str()).collect();
                format!("{name} (from {})", places.join(" or "))
            }
        }
    }

    pub(super) fn wrong(&self, slot: SampleField, found: &Scalar<'_>, what: &str) -> Rejected {
        let detail = format!("{} is {found}; {what}", self.called(slot));
        let twice = matches!(found, Scalar::Unreadable(TWICE));
        let code = if twice { Reject::DuplicateKey } else { Reject::WrongType };
        Rejected::new(code, detail)
    }

    #[inline]
    pub(super) fn needed_name(&mut self, slot: SampleField) -> Result<Cow<'a, str>, Rejected> {
        match self.usual_name(slot) {
            Some(name) => Ok(Cow::Borrowed(name)),
            None => self.needed(slot, Self::unusual_name),
        }
    }

    /// A text, or a whole number as its digits: many producers count their requests.
    #[inline]
    pub(super) fn name(&mut self, slot: SampleField) -> Result<Option<Cow<'a, str>>, Rejected> {
        match self.usual_name(slot) {
            Some(name) => Ok(Some(Cow::Borrowed(name))),
            None => self.unusual_name(slot),
        }
    }

    fn usual_name(&self, slot: SampleField) -> Option<&'a str> {
        self.fields.plain(slot).filter(|text| is_usual_name(text))
    }

    fn unusual_name(&mut self, slot: SampleField) -> Result<Option<Cow<'a, str>>, Rejected> {
        if let Some(digits) = self.long_number(slot) {
            return Ok(Some(Cow::Borrowed(digits)));
        }
        let name = match self.optional(slot) {
            None => return Ok(None),
            Some(Scalar::Text(text)) => text,
            Some(Scalar::Whole(number)) => Cow::Owned(number.to_string()),
            Some(Scalar::Negative(number)) => Cow::Owned(number.to_string()),
            Some(found) => return Err(self.wrong(slot, &found, "write a string")),
        };
        match check_name(&name) {
            Ok(()) => Ok(Some(name)),
            // Of what others write, an id may be any text: its hash joins records as well.
            Err(NameError::TooLong(_))
                if self.context.mapping.is_some()
                    && matches!(slot, SampleField::Id | SampleField::Request) =>
            {
                Ok(Some(Cow::Owned(format!("{:032x}", xxh3_128(name.as_bytes())))))
            }
            Err(why) => Err(self.wrong(slot, &Scalar::Text(name), &why.to_string())),
        }
    }

    /// The digits of a whole number that is too long for one of ours.
    fn long_number(&self, slot: SampleField) -> Option<&'a str> {
        let Some(Found::Raw(RawValue::Word(word))) = self.fields.found(slot) else { return None };
        let digits = std::str::from_utf8(word).ok()?;
        let long = digits.len() >= 19 && is_usual_name(digits);
        (long && digits.bytes().all(|byte| byte.is_ascii_digit())).then_some(digits)
    }

    pub(super) fn ts(&mut self) -> Result<EventTime, Rejected> {
        let (ts, counted) = match self.fields.plain(SampleField::Ts).and_then(time::usual) {
            Some(ts) => (ts, false),
            None => self.unusual_ts()?,
        };
        let oldest = self.context.source.oldest;
        if counted && oldest >= ZERO_CLOCK && time::looks_like_seconds(ts) {
            let field = self.called(SampleField::Ts);
            let detail = format!("{field} is {ts}, which looks like seconds; write milliseconds");
            return Err(Rejected::new(Reject::TooOld, detail));
        }
        if ts >= oldest {
            return Ok(ts);
        }
        let field = self.called(SampleField::Ts);
        let detail = format!(
            "{field} is {ts}, before {oldest}; set the producer's clock, or lower the source's \
             oldest"
        );
        Err(Rejected::new(Reject::TooOld, detail))
    }

    /// A moment in any form, and whether it was given as a number.
    fn unusual_ts(&mut self) -> Result<(EventTime, bool), Rejected> {
        self.needed(SampleField::Ts, |builder, slot| match builder.optional(slot) {
            None => Ok(None),
            Some(found @ (Scalar::Bool(_) | Scalar::Array | Scalar::Object)) => {
                let what = "write RFC 3339 or epoch milliseconds";
                Err(builder.wrong(slot, &found, what))
            }
            Some(Scalar::Unreadable(why)) => {
                let detail = format!("{} is {why}; write RFC 3339", builder.called(slot));
                Err(Rejected::new(Reject::BadTime, detail))
            }
            Some(found) => match time::moment(&found) {
                Ok(ts) => Ok(Some((ts, found.number().is_some()))),
                Err(why) => {
                    let detail = format!("{}: {why}", builder.called(slot));
                    Err(Rejected::new(Reject::BadTime, detail))
                }
            },
        })
    }

    pub(super) fn number(&mut self, slot: SampleField) -> Result<Option<f64>, Rejected> {
        if let Some(number) = self.fields.short(slot) {
            return Ok(Some(number));
        }
        let Some(found) = self.optional(slot) else {
            return Ok(None);
        };
        match found.number() {
            Some(number) if number.is_finite() => Ok(Some(number)),
            Some(_) => Err(self.wrong(slot, &found, "write a finite number, or null")),
            None => Err(self.wrong(slot, &found, "write a number, without quotes")),
        }
    }

    /// A number that cannot be below zero.
    pub(super) fn amount(&mut self, slot: SampleField) -> Result<Option<f64>, Rejected> {
        match self.number(slot)? {
            Some(number) if number < 0.0 => {
                Err(self.wrong(slot, &Scalar::Float(number), "write 0 or more"))
            }
            number => Ok(number),
        }
    }

    pub(super) fn latency_us(&mut self) -> Result<Option<u64>, Rejected> {
        match self.number(SampleField::LatencyMs)? {
            Some(ms) if ms < 0.0 => Err(self.wrong(
                SampleField::LatencyMs,
                &Scalar::Float(ms),
                "write 0 or more, from a monotonic clock",
            )),
            ms => Ok(ms.map(|ms| (ms * 1000.0).round() as u64)),
        }
    }

    pub(super) fn label(&mut self, slot: SampleField) -> Result<Option<Value<'a>>, Rejected> {
        if let Some(number) = self.fields.short(slot) {
            return Ok(Some(Value::Number(number)));
        }
        match self.optional(slot) {
            None => Ok(None),
            Some(Scalar::Bool(value)) => Ok(Some(Value::Number(f64::from(u8::from(value))))),
            Some(Scalar::Text(text)) => Ok(Some(Value::Text(text))),
            Some(found) => match found.number().filter(|number| number.is_finite()) {
                Some(number) => Ok(Some(Value::Number(number))),
                None => Err(self.wrong(slot, &found, "write a number, a string, true or false")),
            },
        }
    }

    pub(super) fn word<T: Copy>(
        &mut self,
        slot: SampleField,
        words: &[(&str, T)],
    ) -> Result<Option<T>, Rejected> {
        let Some(found) = self.optional(slot) else {
            return Ok(None);
        };
        if let Scalar::Text(text) = &found
            && let Some((_, value)) = words.iter().find(|(word, _)| word == text)
        {
            return Ok(Some(*value));
        }
        let words: Vec<&str> = words.iter().map(|(word, _)| *word).collect();
        Err(self.wrong(slot, &found, &format!("write one of {}", words.join(", "))))
    }
}
