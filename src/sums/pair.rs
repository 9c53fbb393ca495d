//! Two versions on the same requests: whatever affects both cancels out.

use serde::{Deserialize, Serialize};

/// Labelled requests that both versions answered, by which of them was right.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct PairTable {
    /// Both were right.
    pub both: u64,
    /// Only the first was right.
    pub only_a: u64,
    /// Only the second was right.
    pub only_b: u64,
    /// Neither was right.
    pub neither: u64,
}

impl PairTable {
    /// Counts a request.
    pub fn count(&mut self, a_right: bool, b_right: bool) {
        let place = match (a_right, b_right) {
            (true, true) => &mut self.both,
            (true, false) => &mut self.only_a,
            (false, true) => &mut self.only_b,
            (false, false) => &mut self.neither,
        };
        *place += 1;
    }

    /// Adds other sums.
    pub fn merge(&mut self, other: Self) {
        self.both += other.both;
        self.only_a += other.only_a;
        self.only_b += other.only_b;
        self.neither += other.neither;
    }

    /// Number of requests.
    #[must_use]
    pub fn n(&self) -> u64 {
        self.both + self.only_a + self.only_b + self.neither
    }

    /// The same requests, with the versions swapped.
    #[must_use]
    pub fn swapped(self) -> Self {
        Self { only_a: self.only_b, only_b: self.only_a, ..self }
    }
}
