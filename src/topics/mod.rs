//! Ripcord's own topics on a log: their names, their records, and the log itself, opened.
//!
//! Law: roles meet on these topics and nowhere else. Where a record goes and what its key is are
//! decided here; what it means, and what follows from it, never.

mod access;
mod error;
mod names;
pub(crate) mod open;
pub(crate) mod partitioner;
pub(crate) mod placement;
mod records;
pub(crate) mod replies;
mod seals;
pub(crate) mod snapshots;

pub use error::RoleError;
pub use names::Topics;
pub(crate) use names::{
    KEYS, LANE, MODEL, RULES, STATUS, TROUBLE, committer, group_name, ingest_role, lane_key,
    model_key, reply_key, undo_key, worker_role,
};
