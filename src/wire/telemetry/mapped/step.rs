//! A step from a value to one in it.

use super::stands::{Looked, Stands, Unreadable};
use crate::model::PathStep;
use crate::wire::telemetry::cursor::RawValue;
use crate::wire::telemetry::fields::TWICE;
use crate::wire::telemetry::parse::member;
use crate::wire::telemetry::scan::{elements, members};
use crate::wire::telemetry::value::text;

/// What a list is asked that has not as many elements as another one that it goes with.
pub(super) const SHORT: Unreadable = "a list that is shorter than the one of each";

/// What a step leads to. `None`: nothing.
pub(super) fn step<'a>(value: Stands<'a>, step: &PathStep) -> Looked<'a> {
    match value {
        Stands::Json(value) => in_json(value, step).map(|found| found.map(Stands::Json)),
        Stands::List(list) => match step {
            PathStep::Member(nth) => {
                Ok(nth.parse::<usize>().ok().and_then(|nth| list.get(nth)).copied())
            }
            PathStep::Star => only(list.iter().copied()),
            PathStep::Where(..) => Ok(None),
        },
        Stands::Text(_) | Stands::Time(_) => Ok(None),
    }
}

fn in_json<'a>(value: RawValue<'a>, step: &PathStep) -> Result<Option<RawValue<'a>>, Unreadable> {
    match (value, step) {
        (RawValue::Object(object), PathStep::Member(name)) => {
            member(object, name).map_err(|()| TWICE)
        }
        (RawValue::Array(list), PathStep::Member(name)) => {
            let nth = name.parse::<usize>().ok();
            Ok(nth.and_then(|nth| elements(list).nth(nth)?.ok()))
        }
        (RawValue::Object(object), PathStep::Star) => {
            only(members(object).map_while(Result::ok).map(|(_, value)| value))
        }
        (RawValue::Array(list), PathStep::Star) => only(elements(list).map_while(Result::ok)),
        (RawValue::Array(list), PathStep::Where(name, is)) => {
            only(elements(list).map_while(Result::ok).filter(|element| says(element, name, is)))
        }
        (RawValue::Object(_), PathStep::Where(..)) | (RawValue::Text(_) | RawValue::Word(_), _) => {
            Ok(None)
        }
    }
}

/// Whether an element's member of this name has this text.
fn says(element: &RawValue<'_>, name: &str, is: &str) -> bool {
    let RawValue::Object(object) = element else { return false };
    match member(object, name) {
        Ok(Some(RawValue::Text(found))) => text(found).is_ok_and(|found| found == is),
        Ok(Some(RawValue::Word(word))) => word == is.as_bytes(),
        Ok(_) | Err(()) => false,
    }
}

/// The only one of some values.
pub(super) fn only<T>(mut values: impl Iterator<Item = T>) -> Result<Option<T>, Unreadable> {
    let first = values.next();
    if values.next().is_some() {
        return Err("one of several");
    }
    Ok(first)
}
