//! Why a record of telemetry is rejected.

use serde::{Deserialize, Serialize};

/// Why a record was rejected. The code appears in counters and in the rejected topic.
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
    /// It starts with a schema registry's frame (magic byte 0).
    #[error("framed")]
    Framed,
    /// Not UTF-8.
    #[error("not_utf8")]
    NotUtf8,
    /// Larger than the limit.
    #[error("too_large")]
    TooLarge,
    /// A field has the wrong type.
    #[error("wrong_type")]
    WrongType,
    /// A required field is missing.
    #[error("missing_field")]
    MissingField,
    /// `type` is not one of the five kinds.
    #[error("unknown_type")]
    UnknownType,
    /// `ts` is neither RFC 3339 nor epoch milliseconds.
    #[error("bad_time")]
    BadTime,
    /// Before the source's oldest time, such as a clock that was never set.
    #[error("too_old")]
    TooOld,
    /// Too far ahead of the newest record, and not confirmed by others.
    #[error("from_future")]
    FromFuture,
    /// A key appears twice in one object.
    #[error("duplicate_key")]
    DuplicateKey,
    /// The config does not name the model and rejects unknown ones.
    #[error("unknown_model")]
    UnknownModel,
    /// As many models of the source have a place as may.
    #[error("too_many_models")]
    TooManyModels,
    /// As many versions of the model have a place as may.
    #[error("too_many_versions")]
    TooManyVersions,
}
