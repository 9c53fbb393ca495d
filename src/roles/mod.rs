//! The roles: what measures, decides, acts, routes and answers.
//!
//! Law: a role is a value with a `turn`, and no role names another. `up` gives each a thread and
//! waits for records; `replay` takes turns until nothing is left to do, on a clock that it moves.
//! The code is the same.

pub mod decide;
pub mod ingest;
pub mod retention;
pub mod route;
pub mod serve;
pub mod work;
