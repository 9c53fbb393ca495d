//! One lane: lines in, lines out, and what holds of every stream.

#![expect(clippy::unwrap_used, reason = "a test that cannot read its own lines must fail")]

mod clocks;
mod inputs;
mod names;
mod properties;
mod tables;
mod text;
