//! A process: all roles, as `ripcord up` runs them, or some of them next to other processes.
//!
//! Each role has its own thread and its own state; roles meet on the log alone, whether they share
//! a process or not.
//!
//! Law: nothing depends on a clean stop. What is acknowledged is on the log, so a process may be
//! killed at any moment and started again; a clean stop only makes the next start faster.

mod error;
mod health;
mod listen;
mod loops;
pub mod preview;
mod progress;
mod ready;
pub mod rights;
mod role_set;
mod roles;
mod router;
mod run;
mod running;
mod stamps;
mod stop;
pub mod topics;
mod watched;
mod welcome;
mod workers;

pub use error::ProcessError;
pub use ready::NotReady;
pub(crate) use ready::fitting;
pub use role_set::{RoleSet, WorkerKind};
pub use run::run;
pub(crate) use run::runtime;
pub(crate) use running::RunningProcess;
pub(crate) use stop::asked_to_stop;
