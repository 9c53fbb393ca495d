//! The inputs of a model, read on the first way through the record.
//!
//! Law: only features that can all be used are read so, and they are what the slow way makes of
//! them. It alone loses any, and says why.

use std::borrow::Cow;

use super::cursor::{Cursor, RawValue, Text};
use super::fields::repeated;
use super::scan::Members;
use super::value::{Scalar, not_finite, text};
use crate::model::{Feature, check_name};

/// Names with values.
pub(super) type Features<'a> = Vec<(Cow<'a, str>, Feature<'a>)>;

/// Features that are usual, so that their list is seldom moved.
const USUAL: usize = 10;

/// Whether a plain text is a name by its length alone.
pub(super) const fn is_usual_name(plain: &str) -> bool {
    matches!(plain.len(), 1..=100)
}

/// What the object here says, if every name and value can be used. Else the cursor stays.
pub(super) fn usual<'a>(cursor: &mut Cursor<'a>) -> Option<Features<'a>> {
    if cursor.peek() != Some(b'{') {
        return None;
    }
    let mut read = Features::with_capacity(USUAL);
    let mut members = Members::from(cursor.clone());
    while let Some(key) = members.key() {
        let (key, place) = (key.ok()?, members.place());
        place.blank();
        if let Text::Plain(name) = key
            && is_usual_name(name)
            && let Some(number) = place.short_number()
        {
            push_number(&mut read, name, number);
            continue;
        }
        // A list or an object cannot be used, and the slow way goes past it.
        if let Some(b'[' | b'{') = place.peek() {
            return None;
        }
        match (key, place.value().ok()?) {
            (Text::Plain(name), RawValue::Text(Text::Plain(text)))
                if is_usual_name(name) && not_finite(text).is_none() =>
            {
                push_category(&mut read, name, text);
            }
            (name, value) => read.push(other(name, value)?),
        }
    }
    if repeated(&read, |(name, _)| name).is_some() {
        return None;
    }
    *cursor = members.rest();
    Some(read)
}

/// A feature in any form. `None` if it cannot be used.
fn other<'a>(name: Text<'a>, value: RawValue<'a>) -> Option<(Cow<'a, str>, Feature<'a>)> {
    let name = text(name).ok().filter(|name| check_name(name).is_ok())?;
    let value = Scalar::of(value).into_feature();
    (value != Feature::Unusable).then_some((name, value))
}

// Not inlined, so that a feature is written where it stays, and not first to the stack.

#[inline(never)]
fn push_number<'a>(read: &mut Features<'a>, name: &'a str, number: f64) {
    read.push((Cow::Borrowed(name), Feature::Number(number)));
}

#[inline(never)]
fn push_category<'a>(read: &mut Features<'a>, name: &'a str, text: &'a str) {
    read.push((Cow::Borrowed(name), Feature::Category(Cow::Borrowed(text))));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_usual_name_is_one() {
        for name in ["x".to_owned(), "~ ".repeat(50)] {
            assert!(is_usual_name(&name));
            assert_eq!(check_name(&name), Ok(()));
        }
        assert!(!is_usual_name(""));
        assert!(!is_usual_name(&"x".repeat(250)));
    }
}
