//! What a run says while it goes.

use super::journal::Phases;
use super::pulse::Counted;
use super::result::DemoResult;
use crate::model::EventTime;
use crate::replay::News;

/// What a demo tells while it runs.
#[derive(Debug)]
pub enum DemoEvent<'a> {
    /// It begins: where callers ask, and where people do.
    Begins {
        /// The router.
        router: String,
        /// The server.
        server: String,
    },
    /// What the river put out.
    News(News<'a>),
    /// What Ripcord is not told.
    Fault(EventTime),
    /// How far it has come.
    Progress {
        /// Windows behind, and in all.
        windows: (u64, u64),
        /// Event time.
        at: EventTime,
        /// What callers were served, and would have been.
        shares: Option<(f64, f64)>,
    },
    /// Something about the processes.
    Note(String),
    /// What it came to; with `serve` it goes on.
    Ended(&'a DemoResult),
    /// Every step of the rollback was answered, by event time so and so.
    Switched(EventTime, Phases, Counted),
}
