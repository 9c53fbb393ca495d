//! A model registry: which versions exist and which one is in production.
//!
//! Law: the file and its shadow in memory share one pure document logic. The file is complete at
//! every moment, each command switches it at most once, and what a command does not change keeps
//! its bytes, in any shape. The last copies are kept next to it.

mod artifact;
mod change;
mod document;
mod entry;
mod error;
mod file;
mod form;
mod json;
mod lookalike;
mod marks;
mod open;
mod proposal;
mod recognize;
mod shadow;
mod store;
#[cfg(test)]
mod tests;

pub use error::DocumentError;
pub use file::{RegistryError, RegistryFile};
pub use json::JsonSyntaxError;
pub use proposal::Proposal;
pub use shadow::ShadowRegistry;
