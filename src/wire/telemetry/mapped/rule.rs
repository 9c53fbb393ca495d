//! What a rule makes of the values at its places: words for words, units, and readings.
//!
//! Law: a rule gives the value that it says, or one that cannot be read. What no word of `values`
//! stands for goes on as it is, so that whoever needs it refuses it.

use std::borrow::Cow;

use chrono::{NaiveDateTime, TimeZone as _};

use super::super::cursor::RawValue;
use super::super::fields::{FieldSlot, Found};
use super::super::scan::elements;
use super::super::value::Scalar;
use super::decimal::Decimal;
use super::place::{Seen, Stands, Unreadable};
use crate::model::{FieldRule, Reading, TimeUnit, ValuePattern, Zone};

/// The value of a field.
pub(super) fn found<'a>(slot: FieldSlot, rule: &FieldRule, seen: Seen<'a, '_>) -> Found<'a> {
    match value(slot, rule, seen) {
        Ok(Some(found)) => found,
        Ok(None) => match &rule.default {
            Some(constant) => Found::Given(Scalar::of_json(constant)),
            None => Found::Nowhere,
        },
        Err(why) => Found::Given(Scalar::Unreadable(why)),
    }
}

/// The inputs of the model: an object at one place.
pub(super) fn features<'a>(rule: &FieldRule, seen: Seen<'a, '_>) -> Found<'a> {
    let found = rule.from.first().map(|place| seen.at(place));
    match found {
        None | Some(Ok(None)) => Found::Nowhere,
        Some(Ok(Some(Stands::Json(value)))) => Found::Raw(value),
        Some(Ok(Some(other))) => Found::Given(other.scalar(true)),
        Some(Err(why)) => Found::Given(Scalar::Unreadable(why)),
    }
}

fn value<'a>(
    slot: FieldSlot,
    rule: &FieldRule,
    seen: Seen<'a, '_>,
) -> Result<Option<Found<'a>>, Unreadable> {
    let mut first = None;
    for place in &rule.from {
        first = seen.at(place)?.filter(|found| !found.is_nothing());
        if first.is_some() {
            break;
        }
    }
    if !rule.values.is_empty()
        && let Some(word) = translated(rule, first, seen)?
    {
        return Ok(Some(Found::Given(Scalar::Text(Cow::Owned(word.to_owned())))));
    }
    let Some(stands) = first else { return Ok(None) };
    if let Some(minus) = &rule.minus {
        let Some(start) = seen.at(minus)?.filter(|found| !found.is_nothing()) else {
            return Ok(None);
        };
        let [end, start] = [stands, start].map(|of| of.text(seen.texts).and_then(Decimal::of));
        let unit = rule.unit.unwrap_or(TimeUnit::Milliseconds);
        return Ok(Some(Found::Given(Scalar::Float(end?.minus(start?).milliseconds(unit)))));
    }
    let given = match (slot, rule.unit, rule.zone, rule.reading) {
        (FieldSlot::Ts, unit, zone, _) if unit.is_some() || zone.is_some() => {
            moment(stands, unit, zone, seen)?
        }
        (_, Some(unit), ..) => {
            let number = Decimal::of(stands.text(seen.texts)?)?;
            Scalar::Float(number.milliseconds(unit))
        }
        (_, None, _, Some(reading)) => read(stands, reading, seen)?,
        (_, None, _, None) => match stands {
            Stands::Json(value) => return Ok(Some(Found::Raw(value))),
            other => other.scalar(slot.is_name()),
        },
    };
    Ok(Some(Found::Given(given)))
}

/// The word that stands for a value, or for none.
fn translated<'s, 'a>(
    rule: &'s FieldRule,
    found: Option<Stands<'a>>,
    seen: Seen<'a, '_>,
) -> Result<Option<&'s str>, Unreadable> {
    let is_there = found.is_some();
    let text = match found {
        // An object is a value, too, if only that matters.
        Some(Stands::Json(RawValue::Object(_) | RawValue::Array(_))) | None => None,
        Some(one) => Some(one.text(seen.texts)?),
    };
    let number = text.and_then(|text| text.parse::<i64>().ok());
    let fits = |pattern: &ValuePattern| match pattern {
        ValuePattern::Present => is_there,
        ValuePattern::Absent => !is_there,
        ValuePattern::Numbers(low, high) => number.is_some_and(|n| (*low..=*high).contains(&n)),
        ValuePattern::Text(pattern) => {
            is_there && (pattern == "*" || text.is_some_and(|text| like(pattern, text)))
        }
    };
    let known = rule.values.iter().find(|(pattern, _)| fits(pattern));
    Ok(known.map(|(_, word)| word.as_str()))
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

/// A time by its unit, or in a zone.
fn moment<'a>(
    stands: Stands<'a>,
    unit: Option<TimeUnit>,
    zone: Option<Zone>,
    seen: Seen<'a, '_>,
) -> Result<Scalar<'a>, Unreadable> {
    if let Stands::Time(_) = stands {
        return Ok(stands.scalar(false));
    }
    let text = stands.text(seen.texts)?.trim();
    if let Some(unit) = unit
        && let Ok(number) = Decimal::of(text)
    {
        return Ok(whole(number.whole_milliseconds(unit)));
    }
    let named = text.strip_suffix(" UTC").map(|rest| (rest, Zone(chrono_tz::UTC)));
    let (naive, zone) = match (named, zone) {
        (Some((rest, utc)), _) => (rest, Some(utc)),
        (None, zone) => (text, zone),
    };
    let Some((zone, local)) = zone.zip(local(naive)) else {
        return Ok(stands.scalar(false));
    };
    // Of a time that exists twice the earlier one is meant.
    let Some(time) = zone.0.from_local_datetime(&local).earliest() else {
        return Err("a time that the zone's clocks skip");
    };
    Ok(whole(i128::from(time.timestamp_millis())))
}

/// A time without a zone.
fn local(text: &str) -> Option<NaiveDateTime> {
    let text = text.replacen(',', ".", 1);
    let formats = ["%Y-%m-%dT%H:%M:%S%.f", "%Y-%m-%d %H:%M:%S%.f", "%Y-%m-%d %H:%M", "%Y-%m-%dT%H:%M"];
    formats.iter().find_map(|format| NaiveDateTime::parse_from_str(&text, format).ok())
}

fn whole(ms: i128) -> Scalar<'static> {
    match (u64::try_from(ms), i64::try_from(ms)) {
        (Ok(ms), _) => Scalar::Whole(ms),
        (Err(_), Ok(ms)) => Scalar::Negative(ms),
        (Err(_), Err(_)) => Scalar::Whole(u64::MAX),
    }
}

/// A label as it is meant.
fn read<'a>(
    stands: Stands<'a>,
    reading: Reading,
    seen: Seen<'a, '_>,
) -> Result<Scalar<'a>, Unreadable> {
    let number = |of: Scalar<'a>| of.number().or_else(|| match &of {
        Scalar::Bool(is) => Some(f64::from(u8::from(*is))),
        _ => None,
    });
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
        Reading::Argmax | Reading::Max => {
            let Stands::Json(RawValue::Array(list)) = stands else { return Err("no list") };
            let mut most: Option<(usize, f64)> = None;
            for (nth, element) in elements(list).enumerate() {
                let element = element.map_err(|_| "no list")?;
                let number = Scalar::of(element).number().filter(|number| number.is_finite());
                let number = number.ok_or("a list of other things than numbers")?;
                if most.is_none_or(|(_, most)| number > most) {
                    most = Some((nth, number));
                }
            }
            let (nth, number) = most.ok_or("an empty list")?;
            Ok(if reading == Reading::Argmax { Scalar::Whole(nth as u64) } else { Scalar::Float(number) })
        }
    }
}

/// A value whose text may be a number.
fn typed<'a>(stands: Stands<'a>, seen: Seen<'a, '_>) -> Result<Scalar<'a>, Unreadable> {
    match stands {
        Stands::Json(RawValue::Text(_)) => {
            Ok(Stands::Text(stands.text(seen.texts)?.trim()).scalar(false))
        }
        other => Ok(other.scalar(false)),
    }
}
