//! Numbers as JSON writes them.

use super::value::Scalar;

/// Digits whose number an f64 holds exactly, as it does each power of ten up to that.
const EXACT_DIGITS: usize = 15;
const POWERS: [f64; EXACT_DIGITS + 1] =
    [1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15];

/// A number with few digits and no exponent, as most are, and whether it has no fraction. `None`
/// for any other word.
#[inline]
pub(super) fn short(word: &[u8]) -> Option<(f64, bool)> {
    let (is_negative, unsigned) = match word {
        [b'-', unsigned @ ..] => (true, unsigned),
        unsigned => (false, unsigned),
    };
    if unsigned.len() > EXACT_DIGITS || matches!(unsigned, [] | [b'0', b'0'..=b'9', ..]) {
        return None;
    }
    let (mut digits, mut point) = (0_u64, None);
    for (nth, byte) in unsigned.iter().enumerate() {
        match byte {
            b'0'..=b'9' => digits = digits * 10 + u64::from(byte - b'0'),
            b'.' if nth > 0 && point.is_none() => point = Some(nth),
            _ => return None,
        }
    }
    // Both are exact, so their quotient is rounded once, as it is by the standard library.
    let number = match point {
        None => digits as f64,
        Some(point) if point + 1 == unsigned.len() => return None,
        Some(point) => digits as f64 / POWERS.get(unsigned.len() - point - 1)?,
    };
    Some((if is_negative { -number } else { number }, point.is_none()))
}

/// A word as a number. `None` if it is none.
pub(super) fn number(word: &[u8]) -> Option<Scalar<'static>> {
    Some(match short(word) {
        // -0 is a float, as it has a sign that no integer keeps.
        Some((number, true)) if number > 0.0 || word == b"0" => Scalar::Whole(number as u64),
        Some((number, true)) if number < 0.0 => Scalar::Negative(number as i64),
        Some((number, _)) => Scalar::Float(number),
        None => return long(word),
    })
}

/// A number as JSON writes it. `None` for anything else.
fn long(word: &[u8]) -> Option<Scalar<'static>> {
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
        return Some(Scalar::Whole(number));
    }
    // -0 is a float, as it has a sign that no integer keeps.
    if is_whole
        && text != "-0"
        && let Ok(number) = text.parse()
    {
        return Some(Scalar::Negative(number));
    }
    text.parse().ok().map(Scalar::Float)
}
