//! Why a record of telemetry is rejected.

use serde::{Deserialize, Serialize};

/// Why a record could not be used. The code is what counters and the rejected topic carry.
#[derive(
    Debug,
    Clone,
    Copy,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Hash,
    Serialize,
    Deserialize,
    thiserror::Error,
)]
#[serde(rename_all = "snake_case")]
pub enum Reject {
    /// Not JSON.
    #[error("not_json")]
    NotJson,
    /// A schema registry's frame (magic byte 0) stands before the value.
    #[error("framed")]
    Framed,
    /// Not UTF-8.
    #[error("not_utf8")]
    NotUtf8,
    /// Larger than the limit.
    #[error("too_large")]
    TooLarge,
    /// A field holds another type than it must.
    #[error("wrong_type")]
    WrongType,
    /// A field that must be there is not.
    #[error("missing_field")]
    MissingField,
    /// `type` is none of the five.
    #[error("unknown_type")]
    UnknownType,
    /// `ts` is neither RFC 3339 nor epoch milliseconds.
    #[error("bad_time")]
    BadTime,
    /// Before 1970-01-02: a zero clock.
    #[error("too_old")]
    TooOld,
    /// Ahead of the newest record by more than a clock may be, and nothing confirmed it.
    #[error("from_future")]
    FromFuture,
    /// A number that must be finite is not.
    #[error("not_finite")]
    NotFinite,
    /// A latency below zero.
    #[error("negative_latency")]
    NegativeLatency,
    /// Nested deeper than the limit.
    #[error("too_deep")]
    TooDeep,
    /// One key twice in an object.
    #[error("duplicate_key")]
    DuplicateKey,
    /// A model that the config does not name, where it must.
    #[error("unknown_model")]
    UnknownModel,
}
