//! The loops, and how they are wired.
//!
//! Law: a role is a value with a `turn`. `up` gives each role a thread and waits for records;
//! `replay` takes turns until the river is quiet, on a clock that it moves. The code is the same.

mod carrier;
pub mod changes;
pub mod client;
pub mod commands;
pub mod decide;
pub mod demo;
pub mod feed;
pub mod ingest;
mod lane;
pub mod process;
pub mod publish;
pub mod replay;
mod replies;
pub mod retention;
pub mod river;
pub mod route;
pub mod serve;
pub mod show;
mod tally;
pub mod topics;
pub mod work;
