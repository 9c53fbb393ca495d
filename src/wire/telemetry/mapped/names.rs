//! Names of values, in a list of their own.

use super::place::RecordSeen;
use super::stands::{Stands, Unreadable};
use crate::model::FieldPlace;

/// The names in the list at a place. `None`: nothing is there.
pub(super) fn names_at<'a>(
    place: &FieldPlace,
    seen: RecordSeen<'a, '_>,
) -> Result<Option<Vec<&'a str>>, Unreadable> {
    let Some(found) = seen.at(place)?.filter(|found| !found.is_nothing()) else { return Ok(None) };
    let list = seen.memo.list(found, seen.texts).ok_or("values without the list of their names")?;
    seen.spend(list.len())?;
    let name = |name: &Stands<'a>| match name.is_nothing() {
        true => Err("values with a name that is missing"),
        false => name.text(seen.texts),
    };
    list.iter().map(name).collect::<Result<_, _>>().map(Some)
}
