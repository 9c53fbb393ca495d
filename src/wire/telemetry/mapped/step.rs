//! Steps from a value to one in it.

use super::super::cursor::RawValue;
use super::super::fields::TWICE;
use super::super::parse::member;
use super::super::scan::{elements, members};
use super::super::value::text;
use super::place::{Looked, Stands, Unreadable};
use crate::model::PathStep;

/// What a list is asked that has not as many elements as another one that it goes with.
const SHORT: Unreadable = "a list that is shorter than the one of each";

/// The value at the end of some steps. `indices`: which element is meant in each list on the way.
pub(super) fn go<'a>(
    start: Option<Stands<'a>>,
    steps: &[PathStep],
    indices: &mut impl Iterator<Item = usize>,
) -> Looked<'a> {
    let Some(mut found) = start else { return Ok(None) };
    for step in steps {
        let next = match found {
            Stands::Json(value) => self::step(value, step, indices)?.map(Stands::Json),
            Stands::List(list) => of_cells(list, step, indices)?,
            Stands::Text(_) | Stands::Time(_) => None,
        };
        match next {
            Some(next) => found = next,
            None => return Ok(None),
        }
    }
    Ok(Some(found))
}

fn of_cells<'a>(
    list: &'a [Stands<'a>],
    step: &PathStep,
    indices: &mut impl Iterator<Item = usize>,
) -> Looked<'a> {
    match step {
        PathStep::Member(nth) => {
            Ok(nth.parse::<usize>().ok().and_then(|nth| list.get(nth)).copied())
        }
        PathStep::Only => chosen(list.iter().copied(), indices),
        PathStep::Where(..) => Ok(None),
    }
}

fn step<'a>(
    value: RawValue<'a>,
    step: &PathStep,
    indices: &mut impl Iterator<Item = usize>,
) -> Result<Option<RawValue<'a>>, Unreadable> {
    match (value, step) {
        (RawValue::Object(object), PathStep::Member(name)) => {
            member(object, name).map_err(|()| TWICE)
        }
        (RawValue::Array(list), PathStep::Member(name)) => {
            let nth = name.parse::<usize>().ok();
            Ok(nth.and_then(|nth| elements(list).nth(nth)?.ok()))
        }
        (RawValue::Object(object), PathStep::Only) => {
            only(members(object).map_while(Result::ok).map(|(_, value)| value))
        }
        (RawValue::Array(list), PathStep::Only) => {
            chosen(elements(list).map_while(Result::ok), indices)
        }
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

/// The element that the indices name, else the only one.
fn chosen<T>(
    mut values: impl Iterator<Item = T>,
    indices: &mut impl Iterator<Item = usize>,
) -> Result<Option<T>, Unreadable> {
    match indices.next() {
        Some(nth) => values.nth(nth).map(Some).ok_or(SHORT),
        None => only(values),
    }
}

fn only<T>(mut values: impl Iterator<Item = T>) -> Result<Option<T>, Unreadable> {
    let first = values.next();
    if values.next().is_some() {
        return Err("one of several");
    }
    Ok(first)
}
