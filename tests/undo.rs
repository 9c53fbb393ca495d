//! The room `undo`: scenarios in lines, tables of what may follow what, and random worlds.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    unreachable_pub,
    reason = "helpers of tests fail as tests do, and are seen by the tests beside them"
)]

#[path = "undo/admit.rs"]
mod admit;
#[path = "undo/plan.rs"]
mod plan;
#[path = "undo/random.rs"]
mod random;
#[path = "undo/scenario.rs"]
mod scenario;
#[path = "undo/tables.rs"]
mod tables;
#[path = "undo/world.rs"]
mod world;
