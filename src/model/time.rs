//! Event time and log time, two types that cannot be mixed up, and spans of time.
//!
//! Both count milliseconds since 1970-01-01T00:00:00Z and are read and written as RFC 3339. Outside
//! the years 0 to 9999 they are written as `… ms`, so that every moment can be read back.

use std::fmt;
use std::ops::{Add, Sub};
use std::str::FromStr;

use chrono::{DateTime, Datelike, SecondsFormat, Utc};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// A text that is not a time.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is not a time; write RFC 3339, such as 2013-06-20T06:00:00Z")]
pub struct TimeError(String);

/// A length of time in milliseconds.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize,
)]
#[serde(transparent)]
pub struct Span(i64);

impl Span {
    /// The empty span.
    pub const ZERO: Self = Self(0);

    /// `ms` milliseconds.
    #[must_use]
    pub const fn from_ms(ms: i64) -> Self {
        Self(ms)
    }

    /// `s` seconds.
    #[must_use]
    pub const fn from_s(s: i64) -> Self {
        Self(s.saturating_mul(1000))
    }

    /// The length in milliseconds.
    #[must_use]
    pub const fn as_ms(self) -> i64 {
        self.0
    }

    /// The length in seconds.
    #[must_use]
    pub const fn as_s(self) -> f64 {
        self.0 as f64 / 1000.0
    }
}

/// The calendar time, if RFC 3339 can express its year.
fn calendar(ms: i64) -> Option<DateTime<Utc>> {
    DateTime::from_timestamp_millis(ms).filter(|time| (0..=9999).contains(&time.year()))
}

/// Reads a moment that RFC 3339 cannot express, such as `MIN`.
fn beyond_calendar(text: &str) -> Option<i64> {
    let ms = text.strip_suffix(" ms")?.parse().ok()?;
    calendar(ms).is_none().then_some(ms)
}

macro_rules! moments {
    ($($(#[$doc:meta])* $name:ident;)*) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(i64);

        impl $name {
            /// The earliest moment.
            pub const MIN: Self = Self(i64::MIN);

            /// `ms` milliseconds after 1970-01-01T00:00:00Z.
            #[must_use]
            pub const fn from_ms(ms: i64) -> Self {
                Self(ms)
            }

            /// Milliseconds since 1970-01-01T00:00:00Z.
            #[must_use]
            pub const fn as_ms(self) -> i64 {
                self.0
            }

            /// The start of the interval of length `every` that holds this moment.
            #[must_use]
            pub const fn floor(self, every: Span) -> Self {
                Self(self.0 - self.0.rem_euclid(every.0))
            }
        }

        impl Add<Span> for $name {
            type Output = Self;
            fn add(self, span: Span) -> Self {
                Self(self.0.saturating_add(span.0))
            }
        }

        impl Sub<Span> for $name {
            type Output = Self;
            fn sub(self, span: Span) -> Self {
                Self(self.0.saturating_sub(span.0))
            }
        }

        impl Sub for $name {
            type Output = Span;
            fn sub(self, earlier: Self) -> Span {
                Span(self.0.saturating_sub(earlier.0))
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                match calendar(self.0) {
                    Some(time) => f.pad(&time.to_rfc3339_opts(SecondsFormat::AutoSi, true)),
                    None => write!(f, "{} ms", self.0),
                }
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Display::fmt(self, f)
            }
        }

        impl FromStr for $name {
            type Err = TimeError;
            fn from_str(text: &str) -> Result<Self, TimeError> {
                match DateTime::parse_from_rfc3339(text) {
                    Ok(time) => Ok(Self(time.timestamp_millis())),
                    Err(_) => match beyond_calendar(text) {
                        Some(ms) => Ok(Self(ms)),
                        None => Err(TimeError(text.chars().take(40).collect())),
                    },
                }
            }
        }

        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(self)
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let text = <std::borrow::Cow<'de, str>>::deserialize(deserializer)?;
                text.parse().map_err(serde::de::Error::custom)
            }
        }
    )*};
}

moments! {
    /// When something happened, according to the record. Used for panes, buckets and horizons.
    EventTime;
    /// When the inbox received a record. Used for deadlines, expiry, cooldown and quarantine.
    LogTime;
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn every_moment_reads_as_it_writes(ms in any::<i64>(), near in -1i64 << 50..1i64 << 50) {
            for moment in [ms, near, i64::MIN, i64::MAX].map(EventTime::from_ms) {
                prop_assert_eq!(moment.to_string().parse::<EventTime>(), Ok(moment));
            }
        }
    }

    #[test]
    fn a_moment_reads_as_it_writes() {
        for text in ["2013-06-20T06:00:00Z", "1969-12-31T23:59:59.999Z"] {
            assert_eq!(text.parse::<EventTime>().unwrap().to_string(), text);
        }
        let offset: EventTime = "1996-11-03T00:00:00+10:00".parse().unwrap();
        assert_eq!(offset.to_string(), "1996-11-02T14:00:00Z");
        assert!("yesterday".parse::<EventTime>().is_err());
        assert!("5 ms".parse::<EventTime>().is_err());
        assert_eq!(EventTime::MIN.to_string().parse::<EventTime>().unwrap(), EventTime::MIN);
    }

    #[test]
    fn intervals_hold_their_start_also_before_1970() {
        let hour = Span::from_s(3600);
        assert_eq!(EventTime::from_ms(3_600_000).floor(hour), EventTime::from_ms(3_600_000));
        assert_eq!(EventTime::from_ms(-1).floor(hour), EventTime::from_ms(-3_600_000));
    }
}
