//! The demo: a live service goes bad and is saved, in a minute or two.
//!
//! Real model servers, the built-in router, callers and every role, on a recording of real flights
//! in event time. Law: it knows of Ripcord only what any program could know, by HTTP and from the
//! topics; and it keeps the fault to itself.

mod background;
mod callers;
mod children;
mod event;
mod flights;
mod folder;
mod journal;
mod kafka;
mod local;
mod models;
mod playback;
mod result;
mod run;
mod scene;
mod settings;
mod tail;
mod telemetry_ends;

use std::path::PathBuf;

pub use event::DemoEvent;
pub use flights::FlightsError;

use self::journal::Reach;
use self::run::DemoRun;
use crate::config::ConfigError;
use crate::edge::log::LogError;
use crate::model::{EventTime, Span};
use crate::process::ProcessError;
use crate::show::data::DemoResult;
use crate::topics::{RoleError, Topics};

/// What to play, and how.
#[derive(Debug, Clone)]
pub struct Demo {
    /// Where the log, the registry and the report are kept.
    pub folder: PathBuf,
    /// Continue afterwards, with healthy traffic.
    pub serve: bool,
    /// The brokers, for roles in separate processes; `None` for one process and no server.
    pub brokers: Option<String>,
}

/// Why a demo ended early.
#[derive(Debug, thiserror::Error)]
pub enum DemoError {
    /// A file.
    #[error("{} cannot be used; choose another folder with --folder", path.display())]
    Folder {
        /// Which.
        path: PathBuf,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// A folder with other files.
    #[error("{} holds other files; choose a new folder with --folder", .0.display())]
    Strange(PathBuf),
    /// Another run uses the folder.
    #[error("another demo is running in {}; stop it, or choose another --folder", .0.display())]
    Running(PathBuf),
    /// The recording.
    #[error(transparent)]
    Flights(#[from] FlightsError),
    /// Its config, of which only the Kafka settings are the user's.
    #[error("the demo's settings are invalid; check --brokers and the variables RIPCORD__KAFKA__…")]
    Settings(#[from] ConfigError),
    /// No port, or no thread.
    #[error("this machine cannot provide a port or thread that the demo needs")]
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
    /// Outcomes are not accepted.
    #[error("outcomes cannot be sent: {0}; see ripcord.log in the demo's folder")]
    Outcomes(String),
    /// Records were lost.
    #[error(
        "only {published} of {expected} records reached the log, since the router dropped the \
             rest; see ripcord.log in the demo's folder"
    )]
    Lost {
        /// How many should be there.
        expected: u64,
        /// How many are.
        published: u64,
    },
    /// A process that keeps exiting.
    #[error("`ripcord {role}` exits at once: {last} (full log: {})", log.display())]
    Child {
        /// Which.
        role: String,
        /// The last line of its log.
        last: String,
        /// Its log.
        log: PathBuf,
    },
    /// No progress.
    #[error("no progress at {at}: {why}; see ripcord.log in the demo's folder")]
    Stuck {
        /// Event time.
        at: EventTime,
        /// What waits for what.
        why: String,
    },
    /// By a person.
    #[error("stopped before the end")]
    Stopped,
}

/// Where the roles run, and what time it is there.
trait Stage {
    /// What the roles share.
    fn topics(&self) -> &Topics;

    /// Whether all roles are at work.
    fn is_ready(&mut self) -> Result<bool, DemoError>;

    /// Looks after the roles: reports what it did, or fails if it cannot help.
    fn tend(&mut self, say: &mut dyn FnMut(String)) -> Result<(), DemoError>;

    /// How long callers retry without an answer; within one process every request is answered.
    fn patience(&self) -> Span;

    /// The time of the events before `until` has come.
    fn arrive(&mut self, until: EventTime);

    /// This much time passes without events.
    fn pass(&mut self, time: Span);

    /// Waits until the log has this many records of telemetry in all.
    fn logged(&mut self, records: u64) -> Result<(), DemoError>;

    /// One look: whether everything due before `until` is done, so that the next window may begin.
    fn rests(&mut self, reach: &Reach, until: EventTime) -> bool;

    /// Ends the roles.
    fn stop(self: Box<Self>) -> Result<(), DemoError>;
}

impl Demo {
    /// Plays it to the end. `stopped`: whether a person has stopped it.
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
