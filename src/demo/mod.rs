//! The demo: a live service that goes bad, and is saved, in a minute or two.
//!
//! Real model servers, the built-in router, callers and every role of the river, on a recording of
//! real flights in event time. Law: what it knows of Ripcord, any program could know: it asks by
//! HTTP and reads topics. What it is told by none of them, the fault, it keeps to itself.

mod callers;
mod children;
mod ends;
mod event;
mod flights;
mod folder;
mod journal;
mod kafka;
mod lap;
mod local;
mod models;
mod pulse;
mod result;
mod run;
mod settings;
mod tail;

use std::path::PathBuf;

pub use event::DemoEvent;
pub use flights::FlightsError;
pub use journal::Phases;
pub use pulse::Counted;
pub use result::{DemoResult, Requested};

use self::journal::Reach;
use self::run::DemoRun;
use super::process::ProcessError;
use crate::config::ConfigError;
use crate::edge::log::LogError;
use crate::model::{EventTime, Span};
use crate::topics::{RoleError, Topics};

/// What is shown, and how.
#[derive(Debug, Clone)]
pub struct Demo {
    /// Where the log, the registry and the report are kept.
    pub folder: PathBuf,
    /// It goes on afterwards, with healthy traffic.
    pub serve: bool,
    /// The brokers, where the roles shall be processes of their own; none: one process, no server.
    pub brokers: Option<String>,
}

/// Why a demo ended early.
#[derive(Debug, thiserror::Error)]
pub enum DemoError {
    /// A file.
    #[error("{} cannot be used; --folder names another place", path.display())]
    Folder {
        /// Which.
        path: PathBuf,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// A folder of somebody.
    #[error("{} holds other things; --folder names a new one", .0.display())]
    Strange(PathBuf),
    /// Another run.
    #[error("another demo runs in {}; stop it, or name another --folder", .0.display())]
    Running(PathBuf),
    /// The recording.
    #[error(transparent)]
    Flights(#[from] FlightsError),
    /// Its config, of which only the way to Kafka is not the demo's own.
    #[error(
        "the demo's settings are refused; see to --brokers and the variables RIPCORD__KAFKA__…"
    )]
    Settings(#[from] ConfigError),
    /// The machine gives no port, no thread.
    #[error("the machine gives what the demo needs not")]
    Machine(#[source] std::io::Error),
    /// The roles.
    #[error(transparent)]
    Process(#[from] ProcessError),
    /// A role.
    #[error(transparent)]
    Role(#[from] RoleError),
    /// The log.
    #[error(transparent)]
    Log(#[from] LogError),
    /// Nobody takes outcomes.
    #[error("outcomes cannot be told: {0}; ripcord.log in the demo's folder says more")]
    Outcomes(String),
    /// Records never came.
    #[error(
        "only {published} of {expected} records came to the log; the router dropped the rest; \
             ripcord.log in the demo's folder says why"
    )]
    Lost {
        /// How many should be there.
        expected: u64,
        /// How many are.
        published: u64,
    },
    /// A process that ends again and again.
    #[error("`ripcord {role}` ends at once: {last} (all of it is in {})", log.display())]
    Child {
        /// Which.
        role: String,
        /// The last thing that it said.
        last: String,
        /// Where all of it stands.
        log: PathBuf,
    },
    /// Nothing moves.
    #[error("nothing moves any more at {at}: {why}")]
    Stuck {
        /// Event time.
        at: EventTime,
        /// What waits for what.
        why: String,
    },
    /// By a person.
    #[error("stopped before its end")]
    Stopped,
}

/// Where the roles are, and what time it is there.
trait Stage {
    /// What the roles share.
    fn topics(&self) -> &Topics;

    /// Whether all roles are at work.
    fn is_ready(&mut self) -> Result<bool, DemoError>;

    /// Sees to the roles: says what it did, or what cannot be mended.
    fn tend(&mut self, say: &mut dyn FnMut(String)) -> Result<(), DemoError>;

    /// How long callers try again where nobody answers. Within one process nobody ever may not.
    fn patience(&self) -> Span;

    /// The time of the events before `until` has come.
    fn arrive(&mut self, until: EventTime);

    /// So much time passes, and nothing happens in it.
    fn pass(&mut self, time: Span);

    /// Waits until so many records of telemetry in all are on the log.
    fn logged(&mut self, records: u64) -> Result<(), DemoError>;

    /// One look: whether the next window may come, since all that is to happen before `until` has
    /// happened.
    fn rests(&mut self, reach: &Reach, until: EventTime) -> bool;

    /// Ends the roles.
    fn stop(self: Box<Self>) -> Result<(), DemoError>;
}

impl Demo {
    /// Plays it to its end. `stopped`: whether a person has enough.
    ///
    /// # Errors
    /// See [`DemoError`].
    pub fn run(
        &self,
        stopped: &dyn Fn() -> bool,
        mut tell: impl FnMut(DemoEvent<'_>),
    ) -> Result<DemoResult, DemoError> {
        let run = DemoRun::start(self, stopped, &mut tell)?;
        run.play(self.serve, &mut tell)
    }
}
