//! The room `judge`: frames in lines, verdicts in lines.

#![expect(
    clippy::unwrap_used,
    unreachable_pub,
    reason = "helpers of tests fail as tests do, and are seen by the tests next to them"
)]

mod baselines;
mod drift;
mod lanes;
mod losses;
mod missing;
mod silence;
mod verdicts;
mod windows;
mod world;
