//! Two times that must never be mixed, and the span between two moments of one of them.
//!
//! Both are milliseconds since 1970-01-01T00:00:00Z and read and write as RFC 3339; what no
//! calendar holds writes as a number of ms.

use std::fmt;
use std::ops::{Add, Sub};
use std::str::FromStr;

use chrono::{DateTime, SecondsFormat};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// A text that is no moment.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is no time; write RFC 3339, such as 2013-06-20T06:00:00Z")]
pub struct TimeError(String);

/// A length of time in milliseconds.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize,
)]
#[serde(transparent)]
pub struct Span(i64);

impl Span {
    /// No time at all.
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

macro_rules! moments {
    ($($(#[$doc:meta])* $name:ident;)*) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(i64);

        impl $name {
            /// Before everything.
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
                match DateTime::from_timestamp_millis(self.0) {
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
                if let Ok(time) = DateTime::parse_from_rfc3339(text) {
                    return Ok(Self(time.timestamp_millis()));
                }
                // What lies outside of years is written as its number, and must be read back.
                let number = text.strip_suffix(" ms").and_then(|number| number.parse().ok());
                let beyond = |ms: &i64| DateTime::from_timestamp_millis(*ms).is_none();
                match number.filter(beyond) {
                    Some(ms) => Ok(Self(ms)),
                    None => Err(TimeError(text.chars().take(40).collect())),
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
    /// When something happened in the world that is watched. Rules panes, buckets, horizons.
    EventTime;
    /// When the inbox took a record. Rules deadlines, expiry, cooldown, quarantine.
    LogTime;
}

#[cfg(test)]
mod tests {
    use super::*;

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
