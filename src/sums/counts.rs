//! Counts: how many, and how many of them were bad.

use serde::{Deserialize, Serialize};

/// Trials, and how many of them were bad.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Counts {
    /// Trials.
    pub n: u64,
    /// How many were bad.
    pub bad: u64,
}

impl Counts {
    /// Counts one more trial.
    pub fn count(&mut self, bad: bool) {
        self.n += 1;
        self.bad += u64::from(bad);
    }

    /// Adds other sums.
    pub fn merge(&mut self, other: Self) {
        self.n += other.n;
        self.bad += other.bad;
    }

    /// Share of bad trials, 0 to 1. `None` without trials.
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

/// Resources that instances used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct HealthSums {
    /// Readings.
    pub n: u64,
    /// Sum of processor shares, in millionths.
    pub cpu_millionths: u64,
    /// Largest resident memory in bytes.
    pub memory_bytes_max: u64,
}

impl HealthSums {
    /// Adds other sums.
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

/// Training or pipeline runs, by state.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct RunSums {
    /// Started.
    pub started: u64,
    /// Succeeded.
    pub succeeded: u64,
    /// Failed.
    pub failed: u64,
}

impl RunSums {
    /// Adds other sums.
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
