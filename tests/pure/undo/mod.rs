//! The room `undo`: scenarios in lines, tables of what may follow what, and random worlds.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    unreachable_pub,
    reason = "helpers of tests fail as tests do, and are seen by the tests next to them"
)]

mod admit;
mod plan;
mod random;
mod scenario;
mod tables;
mod world;
