//! The inputs of a model, read on the first way through the record.
//!
//! Law: only features that can all be used are read so, and they are what the slow way makes of
//! them. It alone loses any, and says why.

use std::borrow::Cow;

use super::cursor::{Cursor, RawValue, Text};
use super::scan::Members;
use super::value::{Scalar, not_finite, text};
use crate::model::{Feature, check_name};

/// Names with values.
pub(super) type Features<'a> = Vec<(Cow<'a, str>, Feature<'a>)>;

/// Features that are usual, so that their list is seldom moved.
const USUAL: usize = 10;

/// Whether a plain text is a name by its length and its first character alone: it is not blank.
pub(super) const fn is_usual_name(plain: &str) -> bool {
    matches!(plain.as_bytes(), [first, ..] if *first != b' ') && plain.len() <= 100
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

/// The first key that appears twice, in one pass if keys are few.
pub(super) fn repeated<T>(items: &[T], key: impl Fn(&T) -> &str) -> Option<&str> {
    const FEW: usize = 64;
    if items.len() > FEW {
        let mut keys: Vec<&str> = items.iter().map(key).collect();
        keys.sort_unstable();
        let mut pairs = keys.iter().zip(keys.iter().skip(1));
        return pairs.find(|(a, b)| a == b).map(|(a, _)| *a);
    }
    let mut seen = 0_u64;
    for (nth, item) in items.iter().enumerate() {
        let key_here = key(item);
        let bytes = key_here.as_bytes();
        let ends = [bytes.first(), bytes.last()];
        let mix = ends.iter().flatten().fold(bytes.len(), |mix, byte| mix * 31 + **byte as usize);
        let bit = 1_u64 << (mix % 64);
        if seen & bit != 0 && items.iter().take(nth).any(|earlier| key(earlier) == key_here) {
            return Some(key_here);
        }
        seen |= bit;
    }
    None
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
        assert!(!is_usual_name("") && !is_usual_name("  "));
        assert!(!is_usual_name(&"x".repeat(250)));
    }

    #[test]
    fn a_repeated_key_is_found_among_few_and_many() {
        for count in [2_usize, 3, 60, 64, 65, 500] {
            let mut keys: Vec<String> = (0..count).map(|i| format!("k{i}x")).collect();
            assert_eq!(repeated(&keys, String::as_str), None);
            let first = keys[0].clone();
            *keys.last_mut().unwrap() = first.clone();
            assert_eq!(repeated(&keys, String::as_str), Some(&*first));
        }
    }
}
