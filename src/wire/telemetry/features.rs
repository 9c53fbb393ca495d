//! The inputs of a model, read on the first way through the record.
//!
//! Law: only features with nothing unusual about them are read so, and they are what the slow way
//! makes of them. It alone loses any, and says why.

use std::borrow::Cow;

use super::cursor::{Cursor, RawValue, Text};
use super::fields::repeated;
use super::number::short;
use super::scan::Members;
use super::value::{Scalar, not_finite};
use crate::model::Feature;

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
    for member in &mut members {
        let (Text::Plain(name), value) = member.ok()? else { return None };
        if !is_usual_name(name) {
            return None;
        }
        let name = Cow::Borrowed(name);
        match value {
            RawValue::Text(Text::Plain(text)) if not_finite(text).is_none() => {
                read.push((name, Feature::Category(Cow::Borrowed(text))));
            }
            RawValue::Word(word) if let Some((number, _)) = short(word) => {
                read.push((name, Feature::Number(number)));
            }
            other => match Scalar::of(other).into_feature() {
                Feature::Unusable => return None,
                value => read.push((name, value)),
            },
        }
    }
    if repeated(&read, |(name, _)| name).is_some() {
        return None;
    }
    *cursor = members.rest();
    Some(read)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::check_name;

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
