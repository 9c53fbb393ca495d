//! Why a document cannot be used as a registry.

use super::json::JsonSyntaxError;
use super::proposal::Proposal;
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
        "{model} has two versions in production, {first} and {second}; mark only one of them, or \
         set several_in_production = \"newest\" in [workers.registry.shape]"
    )]
    TwoInProduction {
        /// The model.
        model: ModelId,
        /// One version.
        first: VersionId,
        /// The other.
        second: VersionId,
    },
    /// Two versions of a model in a shape that does not say what marks one.
    #[error(
        "{model} has the versions {first} and {second}, and the shape does not say which is in \
         production; set production in [workers.registry.shape]"
    )]
    NoMark {
        /// The model.
        model: ModelId,
        /// One version.
        first: VersionId,
        /// The other.
        second: VersionId,
    },
    /// Entries of which none says whether it is in production.
    #[error(
        "no entry has is_production, so nothing says which version is in production; write \
         \"is_production\": true in the entry that is"
    )]
    NothingInProduction,
    /// Marks that contradict each other.
    #[error("{model} is {version}, but {at} does not say so; correct one of them")]
    Disagree {
        /// The model.
        model: ModelId,
        /// The version in production by the mark that decides.
        version: VersionId,
        /// Another mark.
        at: String,
    },
    /// The shape does not say what the former version gets.
    #[error(
        "what the former version gets at {at} is unknown; set former next to it in \
         [workers.registry.shape]"
    )]
    Former {
        /// The place of the mark.
        at: String,
    },
    /// Nothing in the file can say that this version is in production.
    #[error(
        "nothing in the file can say that {version} of {model} is in production: what marks it \
         does not tell its versions apart"
    )]
    NotMarkable {
        /// The model.
        model: ModelId,
        /// The version.
        version: VersionId,
    },
    /// A registry in another form than Ripcord's.
    #[error("{0}")]
    OtherForm(Box<Proposal>),
    /// No such entry.
    #[error("{0}")]
    Absent(String),
}
