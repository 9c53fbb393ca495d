//! The whole pipeline in small worlds that misbehave: a log, processes, clocks, a target and
//! producers, all of one seed and in virtual time.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests")]
#![allow(clippy::print_stdout, reason = "a test may say what it measured")]

#[path = "../common/mod.rs"]
mod common;

// Each fault by itself.
mod alone;
// The log in memory that all processes share.
mod broker;
// A snapshot whose writer is killed between each two chunks.
mod chunks;
// The suite that every log must pass.
mod conformance;
// Worlds that the oracle must refuse.
mod defects;
// The faults, and how often each strikes.
mod fault;
// Who reads which partition.
mod groups;
// What must be true of a world at rest.
mod oracle;
// A process's reader.
mod member;
// The page that describes all this.
mod page;
// A process's way to the log, on which faults strike.
mod process;
// Who sends telemetry.
mod producers;
// The same telemetry, measured without a fault.
mod reference;
// Many worlds.
mod seeds;
// Where a role runs, one process after another.
mod slot;
// The registry that workers act on.
mod target;
// All of it together.
mod world;
