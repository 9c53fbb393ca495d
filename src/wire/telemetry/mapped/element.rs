//! The elements of a record that are samples of their own.

use super::place::RecordSeen;
use super::stands::{ElementAt, Stands, Unreadable};
use super::walk::Walk;
use crate::model::{FieldPlace, PathStep, PlaceTree, TextEncoding};
use crate::wire::telemetry::cursor::{Cursor, RawValue};
use crate::wire::telemetry::fields::Found;
use crate::wire::telemetry::scan::{elements, members};
use crate::wire::telemetry::value::Scalar;

/// Elements that a record has at most.
const MOST: usize = 10_000;
const TOO_MANY: Unreadable = "a list of more elements than a record may have";

/// The elements of a record: those at the first place that has a value. `None`: there is none.
pub(super) fn of<'a>(
    places: &[FieldPlace],
    tree: &PlaceTree,
    seen: RecordSeen<'a, '_>,
) -> Result<Option<Vec<ElementAt<'a>>>, Unreadable> {
    for place in places {
        let mut found = Vec::new();
        if every(place, seen, &mut found)? {
            let all = found.into_iter().enumerate();
            return Ok(Some(all.map(|(nth, one)| element(nth, one, tree, seen)).collect()));
        }
    }
    Ok(None)
}

type At<'a> = (Vec<usize>, Option<Stands<'a>>);

fn element<'a>(
    nth: usize,
    (indices, value): At<'a>,
    tree: &PlaceTree,
    seen: RecordSeen<'a, '_>,
) -> ElementAt<'a> {
    let mut found: &'a [Found<'a>] = &[];
    if !tree.is_empty()
        && let Some(Stands::Json(RawValue::Object(object))) = value
    {
        let mut walk = Walk::new(tree, seen.texts);
        // The object was found whole.
        if walk.object(&mut Cursor::checked(object, 0)).is_ok() {
            found = walk.found;
        }
    }
    ElementAt { value, found, indices, nth }
}

/// Collects the elements at a place; whether there is anything.
fn every<'a>(
    place: &FieldPlace,
    seen: RecordSeen<'a, '_>,
    found: &mut Vec<At<'a>>,
) -> Result<bool, Unreadable> {
    // The way up to the first `*`, then all ways on from there.
    let cut = place.steps.iter().position(|step| *step == PathStep::Star);
    let Some(cut) = cut else {
        let Some(list) = seen.at(place)?.filter(|list| !list.is_nothing()) else {
            return Ok(false);
        };
        match place.views.last().is_some_and(|view| view.of == TextEncoding::Count) {
            true => counted(list, found)?,
            false => spread(list, &[], &mut Vec::new(), found)?,
        }
        return Ok(true);
    };
    let (before, after) = place.steps.split_at_checked(cut).unwrap_or((&place.steps, &[]));
    let in_tree = place.in_tree;
    let up_to = FieldPlace { steps: before.to_vec(), views: Vec::new(), in_tree, ..place.clone() };
    let Some(list) = seen.at(&up_to)?.filter(|list| !list.is_nothing()) else {
        return Ok(false);
    };
    spread(list, after, &mut Vec::new(), found)?;
    Ok(true)
}

/// As many elements as a number says.
fn counted<'a>(count: Stands<'a>, found: &mut Vec<At<'a>>) -> Result<(), Unreadable> {
    let Scalar::Whole(count) = count.scalar(false) else { return Err("no number of elements") };
    let count = usize::try_from(count).ok().filter(|count| *count <= MOST).ok_or(TOO_MANY)?;
    found.extend((0..count).map(|nth| (vec![nth], None)));
    Ok(())
}

/// Every element that the steps lead to from here, and at their end those of the list there.
fn spread<'a>(
    value: Stands<'a>,
    steps: &[PathStep],
    indices: &mut Vec<usize>,
    found: &mut Vec<At<'a>>,
) -> Result<(), Unreadable> {
    let (step, rest) = match steps.split_first() {
        Some((PathStep::Star, rest)) => (None, rest),
        Some((step, rest)) => (Some(step), rest),
        None => (None, steps),
    };
    if let Some(step) = step {
        return match super::step::step(value, step)? {
            Some(next) => spread(next, rest, indices, found),
            None => Ok(()),
        };
    }
    let last = steps.is_empty();
    let mut take = |nth: usize, one: Stands<'a>, indices: &mut Vec<usize>| {
        indices.push(nth);
        if last && found.len() >= MOST {
            return Err(TOO_MANY);
        }
        if last {
            found.push((indices.clone(), Some(one)));
        } else {
            spread(one, rest, indices, found)?;
        }
        indices.pop();
        Ok(())
    };
    match value {
        Stands::Json(RawValue::Array(list)) => {
            let mut all = elements(list).map_while(Result::ok).enumerate();
            all.try_for_each(|(nth, one)| take(nth, Stands::Json(one), indices))
        }
        Stands::List(list) => {
            list.iter().enumerate().try_for_each(|(nth, one)| take(nth, *one, indices))
        }
        Stands::Json(RawValue::Object(object)) if !last => {
            let mut all = members(object).map_while(Result::ok);
            all.try_for_each(|(_, one)| spread(Stands::Json(one), rest, indices, found))
        }
        // A single value is the only element.
        one if last => take(0, one, indices),
        Stands::Json(_) | Stands::Text(_) | Stands::Time(_) => Ok(()),
    }
}
