//! Moments as producers write them.

use chrono::NaiveDate;

use super::value::{Quoted, Scalar};
use crate::model::EventTime;

/// The last millisecond of the year 9999; a larger number is no milliseconds.
const LAST_MS: i64 = 253_402_300_799_999;
/// Seconds of our days.
const SECONDS: std::ops::Range<i64> = 1_000_000_000..10_000_000_000;

/// A moment from RFC 3339 or epoch milliseconds; the error says what would do.
pub(super) fn moment(found: &Scalar<'_>) -> Result<EventTime, String> {
    let ms = match found {
        Scalar::Text(text) => match rfc3339_ms(text) {
            Some(ms) => ms,
            None => return text.parse().map_err(|_| text_hint(text)),
        },
        Scalar::Whole(number) => i64::try_from(*number).unwrap_or(i64::MAX),
        Scalar::Negative(number) => *number,
        Scalar::Float(number) if number.fract() == 0.0 => *number as i64,
        Scalar::Float(number) => {
            return Err(format!(
                "{number:?} has a fraction; write whole milliseconds since 1970 (seconds × 1000)"
            ));
        }
        Scalar::Null | Scalar::Bool(_) | Scalar::Array | Scalar::Object | Scalar::Unreadable(_) => {
            return Err(format!("{found} is not a time; write RFC 3339 or epoch milliseconds"));
        }
    };
    if ms > LAST_MS {
        return Err(format!(
            "{found} milliseconds is past the year 9999; write milliseconds, \
             not micro- or nanoseconds"
        ));
    }
    Ok(EventTime::from_ms(ms))
}

/// Whether a number of milliseconds was meant as seconds: read as such it lies between 2001 and
/// 2286, as milliseconds in early 1970.
pub(super) fn looks_like_seconds(time: EventTime) -> bool {
    SECONDS.contains(&time.as_ms())
}

fn text_hint(text: &str) -> String {
    let what = if !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit()) {
        "write epoch milliseconds as a number, without quotes"
    } else if rfc3339_ms(&format!("{text}Z")).is_some() {
        "add the time zone: Z or an offset such as +02:00"
    } else {
        "write RFC 3339, such as 2013-06-20T06:00:00Z, or epoch milliseconds as a number"
    };
    format!("{} is not a time; {what}", Quoted(text))
}

/// A moment from RFC 3339 in its usual layout. `None` for any other text.
pub(super) fn usual(text: &str) -> Option<EventTime> {
    rfc3339_ms(text).filter(|ms| *ms <= LAST_MS).map(EventTime::from_ms)
}

/// RFC 3339 in its usual layout. `None` for any other text.
fn rfc3339_ms(text: &str) -> Option<i64> {
    let [y1, y2, y3, y4, b'-', m1, m2, b'-', d1, d2, b'T', rest @ ..] = text.as_bytes() else {
        return None;
    };
    let [h1, h2, b':', i1, i2, b':', s1, s2, rest @ ..] = rest else {
        return None;
    };
    let (milli, zone) = match rest {
        [b'.', rest @ ..] => fraction(rest)?,
        _ => (0, rest),
    };
    let offset_minutes = match zone {
        [b'Z'] => 0,
        [sign @ (b'+' | b'-'), h1, h2, b':', i1, i2] => {
            let (hours, minutes) = (number(&[*h1, *h2])?, number(&[*i1, *i2])?);
            if hours > 23 || minutes > 59 {
                return None;
            }
            let minutes = i64::from(hours * 60 + minutes);
            if *sign == b'-' { -minutes } else { minutes }
        }
        _ => return None,
    };
    let year = i32::try_from(number(&[*y1, *y2, *y3, *y4])?).ok()?;
    let day = NaiveDate::from_ymd_opt(year, number(&[*m1, *m2])?, number(&[*d1, *d2])?)?;
    let (hour, minute) = (number(&[*h1, *h2])?, number(&[*i1, *i2])?);
    let time = day.and_hms_milli_opt(hour, minute, number(&[*s1, *s2])?, milli)?;
    Some(time.and_utc().timestamp_millis() - offset_minutes * 60_000)
}

/// The milliseconds of a fraction of a second, and what comes after it.
fn fraction(text: &[u8]) -> Option<(u32, &[u8])> {
    let digits = text.iter().take_while(|byte| byte.is_ascii_digit()).count();
    let (digits, rest) = text.split_at_checked(digits)?;
    if digits.is_empty() {
        return None;
    }
    let padded = digits.iter().chain(b"000").take(3);
    Some((padded.fold(0, |sum, digit| sum * 10 + u32::from(digit - b'0')), rest))
}

fn number(digits: &[u8]) -> Option<u32> {
    digits.iter().try_fold(0_u32, |sum, digit| match digit {
        b'0'..=b'9' => Some(sum * 10 + u32::from(digit - b'0')),
        _ => None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn the_quick_reading_is_the_slow_one(
            ms in -62_135_596_800_000_i64..LAST_MS,
            minutes in -1439_i32..1440,
            digits in 0_usize..9,
        ) {
            use chrono::{DateTime, FixedOffset};
            let zone = FixedOffset::east_opt(minutes * 60).unwrap();
            let time = DateTime::from_timestamp_millis(ms).unwrap().with_timezone(&zone);
            let mut text = time.format("%Y-%m-%dT%H:%M:%S").to_string();
            if digits > 0 {
                let nanos = time.format("%f").to_string();
                text = format!("{text}.{}", &nanos[..digits]);
            }
            text += &time.format("%:z").to_string();
            prop_assume!(text.len() >= 25 && text.starts_with(|c: char| c.is_ascii_digit()));
            let slow: EventTime = text.parse().unwrap();
            if let Some(quick) = rfc3339_ms(&text) {
                prop_assert_eq!(EventTime::from_ms(quick), slow, "{}", text);
            } else {
                prop_assert!(text.find('-') != Some(4), "{} should be read quickly", text);
            }
        }

        #[test]
        fn no_text_is_read_quickly_and_refused_slowly(text in "[0-9T:.Z+-]{18,26}") {
            if let Some(quick) = rfc3339_ms(&text) {
                prop_assert_eq!(Ok(EventTime::from_ms(quick)), text.parse());
            }
        }
    }
}
