//! What a run reports on its way.

use crate::model::EventTime;
use crate::replay::News;
use crate::show::data::{CallCounts, DemoResult, Phases};

/// What a demo reports while it runs.
#[derive(Debug)]
pub enum DemoEvent<'a> {
    /// It begins, at these addresses.
    Begins {
        /// The router.
        router: String,
        /// The server.
        server: String,
    },
    /// News of the pipeline.
    News(News<'a>),
    /// The fault begins, which Ripcord is not told.
    Fault(EventTime),
    /// How far it has come.
    Progress {
        /// Windows done, and in all.
        windows: (u64, u64),
        /// Event time.
        at: EventTime,
        /// The share of right answers that callers were served, and without a rollback.
        shares: Option<(f64, f64)>,
    },
    /// News of the processes.
    Note(String),
    /// The result; with `serve` the demo continues.
    Ended(&'a DemoResult),
    /// Every step of the rollback was answered, at this event time.
    Switched(EventTime, Phases, CallCounts),
}
