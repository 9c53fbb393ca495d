//! The pipeline on a real Kafka: how soon a rollback is commanded, and what an event costs.
//!
//! `benches/kafka/run` starts a broker and this on it, and prints the tables of
//! docs/performance.md. Roles are processes of the program as it is shipped. With an argument only
//! that part runs: `latency`, `backlog`, `waiting` or `wide`.

#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::print_stdout,
    clippy::wildcard_enum_match_arm,
    unreachable_pub,
    reason = "a bench"
)]

mod backlog;
mod events;
mod latency;
mod observer;
mod topics;
mod waiting;
mod wide;

use latency::Run;

fn main() {
    if let Ok(topic) = std::env::var(backlog::BARE) {
        backlog::bare(&topic);
        return;
    }
    if std::env::var_os("RIPCORD_TEST_BROKERS").is_none() {
        println!("the bench on Kafka needs a broker: benches/kafka/run");
        return;
    }
    let wanted = std::env::args().skip(1).find(|argument| !argument.starts_with('-'));
    let wants = |part: &str| wanted.as_deref().is_none_or(|wanted| wanted == part);
    if wants("backlog") {
        backlog::run();
    }
    if wants("waiting") {
        waiting::run();
    }
    if wants("wide") {
        wide::run();
    }
    if wants("latency") {
        println!("\nCommands at 10,000 events a second in 4 lanes, 1 shard; settings as shipped\n");
        Run { settings: "", minutes: 2, needed: 105, served: 20 }.run();
        println!("\nThe same with [ingest] flush_milliseconds = 100\n");
        let settings = "[ingest]\nflush_milliseconds = 100";
        Run { settings, minutes: 1, needed: 105, served: 0 }.run();
    }
}
