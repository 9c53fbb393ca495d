//! Numbers as JSON writes them.

/// A number, and what of it an `f64` does not tell.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Number {
    Whole(u64),
    Negative(i64),
    Float(f64),
}

/// Digits whose number an f64 holds exactly, as it does each power of ten up to that.
const EXACT_DIGITS: usize = 15;
const POWERS: [f64; EXACT_DIGITS + 1] =
    [1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15];

/// A number with few digits and no exponent, as most are.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Short {
    pub(super) number: f64,
    /// It has no fraction.
    is_whole: bool,
    /// How many bytes it takes.
    pub(super) length: usize,
}

impl Short {
    /// The number that these bytes begin with. What follows may be more of a longer one.
    #[inline]
    pub(super) fn at_start(bytes: &[u8]) -> Option<Self> {
        let sign = usize::from(bytes.first() == Some(&b'-'));
        let unsigned = bytes.get(sign..)?;
        let (mut digits, mut length, mut point) = (0_u64, 0, None);
        for byte in unsigned.iter().take(EXACT_DIGITS + 1) {
            match byte {
                b'0'..=b'9' => digits = digits * 10 + u64::from(byte - b'0'),
                b'.' if length > 0 && point.is_none() => point = Some(length),
                _ => break,
            }
            length += 1;
        }
        if matches!(unsigned, [b'0', b'0'..=b'9', ..]) || !(1..=EXACT_DIGITS).contains(&length) {
            return None;
        }
        // Both are exact, so their quotient is rounded once, as it is by the standard library.
        let number = match point {
            None => digits as f64,
            Some(point) if point + 1 == length => return None,
            Some(point) => digits as f64 / POWERS.get(length - point - 1)?,
        };
        let number = if sign > 0 { -number } else { number };
        Some(Self { number, is_whole: point.is_none(), length: sign + length })
    }

    /// The number that this word is.
    #[inline]
    pub(super) fn of(word: &[u8]) -> Option<Self> {
        Self::at_start(word).filter(|short| short.length == word.len())
    }
}

/// A word as a number. `None` for anything else.
pub(super) fn number(word: &[u8]) -> Option<Number> {
    let Some(Short { number, is_whole, .. }) = Short::of(word) else {
        return long(word);
    };
    Some(match is_whole {
        // -0 is a float, as it has a sign that no integer keeps.
        true if number > 0.0 || word == b"0" => Number::Whole(number as u64),
        true if number < 0.0 => Number::Negative(number as i64),
        true | false => Number::Float(number),
    })
}

/// A number as JSON writes it. `None` for anything else.
fn long(word: &[u8]) -> Option<Number> {
    let digits = |bytes: &[u8]| bytes.iter().take_while(|byte| byte.is_ascii_digit()).count();
    let unsigned = word.strip_prefix(b"-").unwrap_or(word);
    let whole = digits(unsigned);
    let (leading, mut rest) = unsigned.split_at_checked(whole)?;
    if leading.is_empty() || (leading.len() > 1 && leading.first() == Some(&b'0')) {
        return None;
    }
    let is_whole = rest.is_empty();
    if let Some(fraction) = rest.strip_prefix(b".") {
        let n = digits(fraction);
        rest = fraction.get(n..).filter(|_| n > 0)?;
    }
    if let Some(exponent) = rest.strip_prefix(b"e").or_else(|| rest.strip_prefix(b"E")) {
        let exponent =
            exponent.strip_prefix(b"+").or_else(|| exponent.strip_prefix(b"-")).unwrap_or(exponent);
        let n = digits(exponent);
        rest = exponent.get(n..).filter(|_| n > 0)?;
    }
    if !rest.is_empty() {
        return None;
    }
    let text = std::str::from_utf8(word).ok()?;
    if is_whole && let Ok(number) = text.parse() {
        return Some(Number::Whole(number));
    }
    // -0 is a float, as it has a sign that no integer keeps.
    if is_whole
        && text != "-0"
        && let Ok(number) = text.parse()
    {
        return Some(Number::Negative(number));
    }
    text.parse().ok().map(Number::Float)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn a_short_number_is_what_the_long_way_makes_of_it(
            word in r"-{0,2}[0-9]{0,17}\.{0,2}[0-9]{0,8}(e1)?",
        ) {
            let (read, long) = (number(word.as_bytes()), long(word.as_bytes()));
            // Debug tells -0 from 0.
            prop_assert_eq!(format!("{read:?}"), format!("{long:?}"), "{}", word);
            let long = long.map(|long| match long {
                Number::Whole(number) => number as f64,
                Number::Negative(number) => number as f64,
                Number::Float(number) => number,
            });
            if let (Some(short), Some(long)) = (Short::of(word.as_bytes()), long) {
                prop_assert_eq!(short.number, long, "{}", word);
            }
        }
    }
}
