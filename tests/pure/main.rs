//! The pure rooms: what goes in and what must come out, without a clock, a disk or a process.

#[path = "../common/mod.rs"]
mod common;

// Recorded answers of frozen models, and the labels at which the e-detector fires on them.
mod error_bits;
// The room `judge`: frames in lines, verdicts in lines.
mod judge;
// The e-detectors over streams so long that the promise about false alarms can be seen.
mod long;
// The room `measure`: telemetry in lines, frames in lines, and what holds of every stream.
mod measure;
// The room `shard`: an inbox gives the same outputs however often it is restarted.
mod shard;
// The room `sums`: the laws of merging.
mod sums;
// The room `undo`: scenarios in files, tables of what may follow what, and random worlds.
mod undo;
