//! Rows of a tensor: a list, flat or nested, and its shape.

use super::place::RecordSeen;
use super::stands::{Stands, Unreadable};
use crate::model::{FieldPlace, PlaceRoot};
use crate::wire::telemetry::cursor::RawValue;
use crate::wire::telemetry::scan::elements;
use crate::wire::telemetry::value::Scalar;

/// Numbers that one record's tensor has at most.
const MOST: usize = 10_000_000;

/// The row of a tensor that belongs to the element. What is in the element itself is as it is.
pub(super) fn row<'a>(
    tensor: Stands<'a>,
    at: &FieldPlace,
    shape: &[FieldPlace],
    seen: RecordSeen<'a, '_>,
) -> Result<Stands<'a>, Unreadable> {
    if at.root == PlaceRoot::Element || shape.is_empty() {
        return Ok(tensor);
    }
    const WRONG: Unreadable = "a tensor that has not the shape that is said";
    let (rows, width) = sizes(shape, seen)?;
    let flat = seen.memo.flat(tensor, || {
        let mut flat = Vec::new();
        flatten(tensor, &mut flat)?;
        Ok(&*seen.texts.alloc_slice_copy(&flat))
    })?;
    if rows.checked_mul(width) != Some(flat.len()) {
        return Err(WRONG);
    }
    let nth = seen.element.and_then(|element| element.indices.last().copied()).unwrap_or(0);
    let row = flat.get(nth * width..(nth + 1) * width).ok_or(WRONG)?;
    match row {
        [one] => Ok(*one),
        row => Ok(Stands::List(seen.texts.alloc_slice_copy(row))),
    }
}

/// How many rows, and how many numbers each of them has.
fn sizes(shape: &[FieldPlace], seen: RecordSeen<'_, '_>) -> Result<(usize, usize), Unreadable> {
    const NONE: Unreadable = "a tensor without its shape";
    let Some((_, Stands::Json(RawValue::Array(list)))) = seen.first(shape)? else {
        return Err(NONE);
    };
    let mut sizes = elements(list).map_while(Result::ok).map(|size| {
        let Scalar::Whole(size) = Scalar::of(size) else { return Err(NONE) };
        usize::try_from(size).ok().filter(|size| *size <= MOST).ok_or(NONE)
    });
    let rows = sizes.next().ok_or(NONE)??;
    let width = sizes.try_fold(1_usize, |all, size| all.checked_mul(size?).ok_or(NONE))?;
    Ok((rows, width))
}

fn flatten<'a>(value: Stands<'a>, flat: &mut Vec<Stands<'a>>) -> Result<(), Unreadable> {
    // Levels wait in a list, so that no record of any depth costs more than its bytes.
    let mut open = vec![value];
    while let Some(next) = open.pop() {
        match next {
            Stands::Json(RawValue::Array(list)) => {
                let from = open.len();
                open.extend(elements(list).map_while(Result::ok).map(Stands::Json));
                open.get_mut(from..).into_iter().for_each(<[_]>::reverse);
            }
            Stands::List(list) => open.extend(list.iter().rev()),
            Stands::Json(_) | Stands::Text(_) | Stands::Time(_) => flat.push(next),
        }
        if flat.len() > MOST {
            return Err("a tensor of too many numbers");
        }
    }
    Ok(())
}
