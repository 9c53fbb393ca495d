//! The room `judge`: frames in lines, verdicts in lines.

#![expect(
    clippy::unwrap_used,
    unreachable_pub,
    reason = "helpers of tests fail as tests do, and are seen by the tests beside them"
)]

mod words;

#[path = "judge/baselines.rs"]
mod baselines;
#[path = "judge/drift.rs"]
mod drift;
#[path = "judge/lanes.rs"]
mod lanes;
#[path = "judge/silence.rs"]
mod silence;
#[path = "judge/verdicts.rs"]
mod verdicts;
#[path = "judge/windows.rs"]
mod windows;
#[path = "judge/world.rs"]
mod world;
