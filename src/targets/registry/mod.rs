//! A model registry: which versions there are and which one is in production.
//!
//! Law: one document logic, pure, serves the file and its shadow in memory. The file is whole at
//! every moment, is switched at most once per command, and its last copies stand beside it.

mod artifact;
mod change;
mod document;
mod entry;
mod file;
mod json;
mod shadow;
mod store;
#[cfg(test)]
mod tests;

pub use entry::DocumentError;
pub use file::{RegistryError, RegistryFile};
pub use shadow::ShadowRegistry;
