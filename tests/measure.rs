//! One lane: lines in, lines out, and what holds of every stream.

#![expect(clippy::unwrap_used, reason = "a test that cannot read its own lines must fail")]

#[path = "measure/properties.rs"]
mod properties;
#[path = "measure/tables.rs"]
mod tables;
#[path = "measure/text.rs"]
mod text;
