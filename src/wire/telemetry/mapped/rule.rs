//! What a rule makes of the values at its places: words for words, units, and readings.
//!
//! Law: a rule gives the value that it says, or one that cannot be read. What no word of `values`
//! stands for goes on as it is, and the sample that needs it refuses it.

use std::borrow::Cow;

use super::decimal::Decimal;
use super::moment::moment;
use super::place::RecordSeen;
use super::stands::{Stands, Unreadable};
use super::tensor;
use crate::model::{FieldRule, NamesRule, Reading, SampleField, TimeUnit, ValuePattern};
use crate::wire::telemetry::cursor::RawValue;
use crate::wire::telemetry::fields::Found;
use crate::wire::telemetry::scan::elements;
use crate::wire::telemetry::time;
use crate::wire::telemetry::value::Scalar;

/// The value of a field, and at which of its places it is.
pub(super) fn found<'a>(
    slot: SampleField,
    rule: &FieldRule,
    seen: RecordSeen<'a, '_>,
) -> (Found<'a>, Option<usize>) {
    if let Some(found) = seen.plain(rule) {
        return (found, Some(0));
    }
    match value(slot, rule, seen) {
        Ok((Some(found), nth)) => (found, nth),
        Ok((None, _)) => match &rule.default {
            Some(constant) => (Found::Given(Scalar::of_json(constant)), None),
            None => (Found::Nowhere, None),
        },
        Err(why) => (Found::Given(Scalar::Unreadable(why)), Some(0)),
    }
}

type Value<'a> = (Option<Found<'a>>, Option<usize>);

fn value<'a>(
    slot: SampleField,
    rule: &FieldRule,
    seen: RecordSeen<'a, '_>,
) -> Result<Value<'a>, Unreadable> {
    let (nth, first) = seen.first(&rule.from)?.unzip();
    let at = nth.and_then(|nth| rule.from.get(nth));
    let first = match first.zip(at) {
        Some((tensor, at)) => Some(tensor::row(tensor, at, &rule.shape, seen)?),
        None => first,
    };
    if !rule.values.is_empty()
        && let Some(word) = translated(rule, first, seen)?
    {
        let word = Stands::Text(seen.texts.alloc_str(word));
        let given = match rule.reading {
            Some(reading) => read(word, reading, rule, seen)?,
            None => Scalar::Text(Cow::Borrowed(word.text(seen.texts)?)),
        };
        return Ok((Some(Found::Given(given)), nth));
    }
    let Some(stands) = first else { return Ok((None, None)) };
    let given = match (slot, rule.unit, rule.zone, rule.reading) {
        _ if rule.minus.is_some() => match between(stands, rule, seen)? {
            Some(ms) => Scalar::Float(ms),
            None => return Ok((None, None)),
        },
        (SampleField::Ts, unit, zone, _) if unit.is_some() || zone.is_some() => {
            moment(stands, unit, zone, seen)?
        }
        (_, Some(unit), ..) => {
            let number = Decimal::of(stands.text(seen.texts)?)?;
            Scalar::Float(number.milliseconds(unit))
        }
        (_, None, _, Some(reading)) => read(stands, reading, rule, seen)?,
        (_, None, _, None) => match stands {
            Stands::Json(value) => return Ok((Some(Found::Raw(value)), nth)),
            Stands::Text(_) | Stands::List(_) | Stands::Time(_) => stands.scalar(slot.is_name()),
        },
    };
    Ok((Some(Found::Given(given)), nth))
}

/// The milliseconds between two times.
fn between<'a>(
    end: Stands<'a>,
    rule: &FieldRule,
    seen: RecordSeen<'a, '_>,
) -> Result<Option<f64>, Unreadable> {
    let Some(minus) = &rule.minus else { return Ok(None) };
    let Some(start) = seen.at(minus)?.filter(|found| !found.is_nothing()) else {
        return Ok(None);
    };
    let unit = rule.unit.unwrap_or(TimeUnit::Milliseconds);
    let [first, second] = [start, end].map(|of| of.text(seen.texts).and_then(Decimal::of));
    if let (Ok(start), Ok(end)) = (first, second) {
        return Ok(Some(end.minus(start).milliseconds(unit)));
    }
    let [start, end] = [start, end].map(|of| {
        let time = moment(of, rule.unit, rule.zone, seen)?;
        time::moment(&time).map_err(|_| "neither two numbers nor two times")
    });
    Ok(Some((end? - start?).as_ms() as f64))
}

/// The word that stands for a value, or for none.
fn translated<'s, 'a>(
    rule: &'s FieldRule,
    found: Option<Stands<'a>>,
    seen: RecordSeen<'a, '_>,
) -> Result<Option<&'s str>, Unreadable> {
    let meant = Meant::of(found, seen)?;
    let known = rule.values.iter().find(|(pattern, _)| meant.fits(pattern));
    Ok(known.map(|(_, word)| word.as_str()))
}

/// A value that patterns are held against.
pub(super) struct Meant<'a> {
    is_there: bool,
    text: Option<&'a str>,
}

impl<'a> Meant<'a> {
    pub(super) fn of(
        found: Option<Stands<'a>>,
        seen: RecordSeen<'a, '_>,
    ) -> Result<Self, Unreadable> {
        let text = match found {
            // An object is a value, too, if only that matters.
            Some(Stands::Json(RawValue::Object(_) | RawValue::Array(_)) | Stands::List(_))
            | None => None,
            Some(one) => Some(one.text(seen.texts)?),
        };
        Ok(Self { is_there: found.is_some(), text })
    }

    pub(super) fn fits(&self, pattern: &ValuePattern) -> bool {
        match pattern {
            ValuePattern::Present => self.is_there,
            ValuePattern::Absent => !self.is_there,
            ValuePattern::Numbers(low, high) => {
                let number = self.text.and_then(whole_number);
                number.is_some_and(|number| (*low..=*high).contains(&number))
            }
            ValuePattern::Text(pattern) => {
                let text = self.text.is_some_and(|text| like(pattern, text));
                self.is_there && (pattern == "*" || text)
            }
        }
    }
}

/// A whole number, also as tables write it that have no other: 200.0.
fn whole_number(text: &str) -> Option<i64> {
    text.strip_suffix(".0").unwrap_or(text).parse().ok()
}

/// Whether a text is like a pattern with `*` at either end for anything.
fn like(pattern: &str, text: &str) -> bool {
    let (open_start, open_end) = (pattern.starts_with('*'), pattern.ends_with('*'));
    let core = pattern.trim_matches('*');
    match (open_start, open_end) {
        (true, true) => text.contains(core),
        (true, false) => text.ends_with(core),
        (false, true) => text.starts_with(core),
        (false, false) => text == pattern,
    }
}

/// A label as it is meant.
fn read<'a>(
    stands: Stands<'a>,
    reading: Reading,
    rule: &FieldRule,
    seen: RecordSeen<'a, '_>,
) -> Result<Scalar<'a>, Unreadable> {
    let number = |of: Scalar<'a>| {
        let truth = if let Scalar::Bool(is) = of { Some(f64::from(u8::from(is))) } else { None };
        of.number().or(truth)
    };
    match reading {
        Reading::Number => {
            let number = number(typed(stands, seen)?).ok_or("not a number")?;
            Ok(Scalar::Float(number))
        }
        Reading::Text => Ok(Scalar::Text(Cow::Borrowed(stands.text(seen.texts)?))),
        Reading::Boolean => match stands.text(seen.texts)?.to_ascii_lowercase().as_str() {
            "true" | "1" | "1.0" | "yes" => Ok(Scalar::Bool(true)),
            "false" | "0" | "0.0" | "no" => Ok(Scalar::Bool(false)),
            _ => Err("neither true nor false"),
        },
        Reading::Threshold(least) => {
            let number = number(typed(stands, seen)?).filter(|number| number.is_finite());
            Ok(Scalar::Whole(u64::from(number.ok_or("not a number")? >= least)))
        }
        Reading::Argmax => {
            let (nth, _, count) = largest(stands, seen)?;
            named((nth, count), rule.names.as_ref(), seen)
        }
        Reading::Max => Ok(Scalar::Float(largest(stands, seen)?.1)),
    }
}

/// The largest number of a list: which it is, the number, and of how many.
fn largest<'a>(
    stands: Stands<'a>,
    seen: RecordSeen<'a, '_>,
) -> Result<(usize, f64, usize), Unreadable> {
    let (mut most, mut count): (Option<(usize, f64)>, usize) = (None, 0);
    let mut take = |nth: usize, one: Stands<'a>| {
        seen.spend(1)?;
        count = nth + 1;
        let number = typed(one, seen)?.number().filter(|number| number.is_finite());
        let number = number.ok_or("a list of other things than numbers")?;
        if most.is_none_or(|(_, most)| number > most) {
            most = Some((nth, number));
        }
        Ok::<_, Unreadable>(())
    };
    match stands {
        Stands::Json(RawValue::Array(list)) => {
            let mut all = elements(list).map_while(Result::ok).enumerate();
            all.try_for_each(|(nth, one)| take(nth, Stands::Json(one)))?;
        }
        Stands::List(list) => list.iter().enumerate().try_for_each(|(nth, one)| take(nth, *one))?,
        Stands::Json(_) | Stands::Text(_) | Stands::Time(_) => return Err("no list"),
    }
    most.map(|(nth, number)| (nth, number, count)).ok_or("an empty list")
}

/// The name of the element of this number; without names, the number.
fn named<'a>(
    (nth, count): (usize, usize),
    names: Option<&NamesRule>,
    seen: RecordSeen<'a, '_>,
) -> Result<Scalar<'a>, Unreadable> {
    const UNNAMED: Unreadable = "the largest of a list that has not as many elements as names";
    let name = match names {
        None => return Ok(Scalar::Whole(nth as u64)),
        Some(NamesRule::Given(names)) => {
            let name = names.get(nth).filter(|_| names.len() == count);
            name.map(|name| &*seen.texts.alloc_str(name))
        }
        Some(NamesRule::At(place)) => {
            let names = super::names::names_at(place, seen)?.filter(|names| names.len() == count);
            names.and_then(|names| names.get(nth).copied())
        }
    };
    name.map(|name| Scalar::Text(Cow::Borrowed(name))).ok_or(UNNAMED)
}

/// A value whose text may be a number.
pub(super) fn typed<'a>(
    stands: Stands<'a>,
    seen: RecordSeen<'a, '_>,
) -> Result<Scalar<'a>, Unreadable> {
    if let Stands::Json(value) = stands {
        seen.spend(value.bytes().len() / 64)?;
    }
    if let Stands::Json(RawValue::Text(_)) = stands {
        return Ok(Stands::Text(stands.text(seen.texts)?.trim()).scalar(false));
    }
    Ok(stands.scalar(false))
}
