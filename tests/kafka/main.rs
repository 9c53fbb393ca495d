//! What needs a broker: the log on a real Kafka, and the pipeline on it, with its roles as
//! processes. `tests/kafka/broker run cargo test --test kafka` starts one for them.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::print_stdout,
    unreachable_pub,
    dead_code,
    reason = "a test"
)]

#[path = "../common/mod.rs"]
mod common;
// A namespace on the broker, and the processes that serve it: what the others are told with.
mod world;
// A broker of a test's own.
mod own_broker;

// Each role while no broker answers.
mod brokers_away;
// The demo on Kafka, each of its processes killed.
mod demo;
// Four dialects, each with a fault that it shows.
mod dialects;
// The main job: the recording of the flights goes in, one rollback comes out.
mod flights;
// Faults that something hides.
mod hidden_faults;
// Instructions and rules that are forged, and those that are signed.
mod instructions;
// Keys that two producers place differently.
mod keys;
// Kills and stops of each role at its worst moment.
mod kills;
// Lanes that are added, empty or never heard of.
mod lanes;
// What every log must do, held against the one on Kafka.
mod log_conformance;
// Positions that are not on the log any more.
mod positions;
// The example producers that are shipped, in Java and Python.
mod producers;
// Commands that are sent a second time, and records that are on the wrong topic.
mod replayed;
// A broker that is stopped and started beneath running roles.
mod restart;
// Rights: each role works with those of the table, and names one that is taken away.
mod rights;
// A backlog of a million events gives the same sums, however many processes read it.
mod sums;
// Topics: made once, compared with what they must be, and no role starts before they fit.
mod topics;
