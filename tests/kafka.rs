//! The river on a real Kafka, its roles as processes of their own.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::print_stdout,
    unreachable_pub,
    dead_code,
    reason = "a test"
)]

mod broker;
mod words;
#[path = "kafka/world.rs"]
mod world;

#[path = "kafka/demo.rs"]
mod demo;
#[path = "kafka/flights.rs"]
mod flights;
#[path = "kafka/kills.rs"]
mod kills;
#[path = "kafka/lanes.rs"]
mod lanes;
#[path = "kafka/producers.rs"]
mod producers;
#[path = "kafka/replayed.rs"]
mod replayed;
#[path = "kafka/restart.rs"]
mod restart;
#[path = "kafka/sums.rs"]
mod sums;
#[path = "kafka/topics.rs"]
mod topics;
