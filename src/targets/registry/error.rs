//! Why a document cannot be used as a registry.

use super::json::JsonSyntaxError;
use crate::model::{ModelId, NameError, VersionId};

/// Why a document cannot be used as a registry.
#[derive(Debug, thiserror::Error)]
pub enum DocumentError {
    /// The file is not JSON.
    #[error("it is not JSON")]
    NotJson(#[source] JsonSyntaxError),
    /// The file with the fences of a plain list is not JSON.
    #[error("its fence file (the same name with .ripcord at the end) is not JSON")]
    FencesNotJson(#[source] JsonSyntaxError),
    /// JSON of another shape.
    #[error(
        "it is {found}; a registry is an object with schema \"ripcord.registry/1\" and models, \
         or a plain list of entries"
    )]
    Shape {
        /// The value that was found.
        found: String,
    },
    /// A field is of the wrong kind or out of range.
    #[error("{at} is {found}; {fix}")]
    Wrong {
        /// Entry and field.
        at: String,
        /// The value that was found.
        found: String,
        /// What to write instead.
        fix: String,
    },
    /// A required field is missing.
    #[error("{at} is missing; {fix}")]
    Missing {
        /// Entry and field.
        at: String,
        /// What to write.
        fix: String,
    },
    /// Two fields of one object have the same name.
    #[error("{at} has two fields named {name:?}; keep one")]
    Repeated {
        /// The object.
        at: String,
        /// The name.
        name: String,
    },
    /// A name that is not valid.
    #[error("{at} is not a valid name")]
    Name {
        /// Entry and field.
        at: String,
        /// Why.
        #[source]
        source: NameError,
    },
    /// Two entries of one version.
    #[error("{first} and {second} are both version {version} of {model}; remove one of them")]
    Twice {
        /// The model.
        model: ModelId,
        /// The version.
        version: VersionId,
        /// One entry.
        first: String,
        /// The other.
        second: String,
    },
    /// Two versions in production.
    #[error(
        "{model} has two versions in production, {first} and {second}; \
         set is_production of one of them to false"
    )]
    TwoInProduction {
        /// The model.
        model: ModelId,
        /// One version.
        first: VersionId,
        /// The other.
        second: VersionId,
    },
    /// No such entry.
    #[error("{0}")]
    Absent(String),
}
