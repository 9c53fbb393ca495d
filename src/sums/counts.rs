//! How many, and how many of them bad.

use serde::{Deserialize, Serialize};

/// Trials and the bad ones among them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Counts {
    /// Trials.
    pub n: u64,
    /// The bad ones.
    pub bad: u64,
}

impl Counts {
    /// One more trial.
    pub fn count(&mut self, bad: bool) {
        self.n += 1;
        self.bad += u64::from(bad);
    }

    /// Adds another's.
    pub fn merge(&mut self, other: Self) {
        self.n += other.n;
        self.bad += other.bad;
    }

    /// The share of bad ones, 0 to 1; none without trials.
    #[must_use]
    pub fn rate(self) -> Option<f64> {
        (self.n > 0).then(|| self.bad as f64 / self.n as f64)
    }

    /// Whether nothing was counted.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.n == 0
    }
}

/// What instances used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct HealthSums {
    /// Readings.
    pub n: u64,
    /// Sum of the shares of processor, in millionths.
    pub cpu_millionths: u64,
    /// The largest resident memory.
    pub memory_bytes_max: u64,
}

impl HealthSums {
    /// Adds another's.
    pub fn merge(&mut self, other: Self) {
        self.n += other.n;
        self.cpu_millionths += other.cpu_millionths;
        self.memory_bytes_max = self.memory_bytes_max.max(other.memory_bytes_max);
    }

    /// Whether nothing was counted.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.n == 0
    }
}

/// Trainings or pipelines by how they ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct RunSums {
    /// Begun.
    pub started: u64,
    /// Ended well.
    pub succeeded: u64,
    /// Ended badly.
    pub failed: u64,
}

impl RunSums {
    /// Adds another's.
    pub fn merge(&mut self, other: Self) {
        self.started += other.started;
        self.succeeded += other.succeeded;
        self.failed += other.failed;
    }

    /// Whether nothing was counted.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}
