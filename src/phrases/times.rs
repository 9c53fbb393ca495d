//! Moments and lengths of time. Screens show moments in UTC and say so; JSON keeps RFC 3339.

use chrono::DateTime;

use crate::model::{EventTime, LogTime, Span};

/// `2013-06-24 04:01 UTC`.
#[must_use]
pub fn moment(at: EventTime) -> String {
    format!("{} UTC", minute(at))
}

/// The same of log time.
#[must_use]
pub fn log_moment(at: LogTime) -> String {
    moment(EventTime::from_ms(at.as_ms()))
}

/// `2013-06-24 04:01`, in UTC: for a column whose head says so.
#[must_use]
pub fn minute(at: EventTime) -> String {
    let text = at.to_string();
    match text.get(..16) {
        Some(minute) if text.ends_with('Z') => minute.replacen('T', " ", 1),
        Some(_) | None => text,
    }
}

/// `24 June 2013 at 04:01 UTC`, for sentences: it breaks between words only.
#[must_use]
pub fn spoken(at: EventTime) -> String {
    match DateTime::from_timestamp_millis(at.as_ms()) {
        Some(time) => time.format("%-d %B %Y at %H:%M UTC").to_string(),
        None => at.to_string(),
    }
}

/// `2013-06-24`, in UTC.
#[must_use]
pub fn day(at: EventTime) -> String {
    let text = at.to_string();
    text.get(..10).map_or(text.clone(), str::to_owned)
}

/// `5 h 1 min`: the two largest units that are not zero.
#[must_use]
pub fn span(span: Span) -> String {
    let mut left = span.as_ms().max(0) / 1000;
    if left == 0 {
        return "0 s".to_owned();
    }
    let mut parts = Vec::new();
    for (unit, seconds) in [("d", 86_400), ("h", 3600), ("min", 60), ("s", 1)] {
        let n = left / seconds;
        left %= seconds;
        if n > 0 && parts.len() < 2 {
            parts.push(format!("{n} {unit}"));
        } else if !parts.is_empty() {
            break;
        }
    }
    parts.join(" ")
}

/// A version whose clock is this many seconds off: who waits for whom.
#[must_use]
pub fn clock_off(ahead_s: f64) -> String {
    let by = span(Span::from_ms((ahead_s.abs() * 1000.0) as i64));
    match ahead_s > 0.0 {
        true => format!("its clock is {by} ahead: verdicts on it wait that long"),
        false => format!("its records come {by} late"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_short_and_name_their_zone() {
        for (s, expected) in [
            (0, "0 s"),
            (59, "59 s"),
            (18_060, "5 h 1 min"),
            (86_400, "1 d"),
            (86_460, "1 d"),
            (108_180, "1 d 6 h"),
            (604_800, "7 d"),
        ] {
            assert_eq!(span(Span::from_s(s)), expected);
        }
        let at: EventTime = "2013-06-24T04:01:30Z".parse().unwrap();
        assert_eq!((moment(at), day(at)), ("2013-06-24 04:01 UTC".into(), "2013-06-24".into()));
        assert_eq!(spoken(at), "24 June 2013 at 04:01 UTC");
    }
}
