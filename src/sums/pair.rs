//! Two versions on the same requests: whatever affects both cancels out.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::Grid;
use crate::model::FeatureName;

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

/// The sums of two versions in one pane.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct PairSums {
    /// Which version was right, in the pane of the outcome.
    #[serde(default, skip_serializing_if = "is_empty")]
    pub table: PairTable,
    /// For each feature that both record: the values of the first and of the second version on
    /// the same requests, in the pane of the later prediction.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub features: BTreeMap<FeatureName, (Grid, Grid)>,
}

fn is_empty(table: &PairTable) -> bool {
    table.n() == 0
}

impl PairSums {
    /// Adds other sums.
    pub fn merge(&mut self, other: &Self) {
        self.table.merge(other.table);
        for (name, (a, b)) in &other.features {
            match self.features.get_mut(name) {
                Some(mine) => {
                    mine.0.merge(a);
                    mine.1.merge(b);
                }
                None => {
                    self.features.insert(name.clone(), (a.clone(), b.clone()));
                }
            }
        }
    }
}
