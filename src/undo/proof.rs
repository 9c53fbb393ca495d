//! How far the proofs of one rollback have come.

use serde::{Deserialize, Serialize};

use crate::model::{EventTime, TriggerId, VersionId};
use crate::sums::{BucketSums, Tally};

/// What was seen of a rollback so far.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub(super) struct ProofProgress {
    /// Live answers of the restored version since the last of the withdrawn one.
    pub(super) live: u64,
    /// End of the last pane in which users were answered by the withdrawn version.
    pub(super) withdrawn_until: Option<EventTime>,
    /// Live answers of the restored version in all.
    #[serde(default)]
    pub(super) seen: u64,
    /// What the statistic reads, for a rollback that no trigger asked for.
    pub(super) trigger: Option<TriggerId>,
    /// Samples of the restored version.
    pub(super) n: u64,
    /// Bad ones; or the sum of differences, of milliseconds.
    pub(super) sum: f64,
    /// End of the last bucket taken.
    pub(super) until: Option<EventTime>,
    /// The estimate and where the tolerated ends, at the last close.
    pub(super) last: Option<(f64, f64)>,
    /// How often the time for the statistic was given again.
    #[serde(default)]
    pub(super) prolonged: u32,
    /// End of the last bucket taken when that was last decided.
    #[serde(default)]
    pub(super) looked: Option<EventTime>,
}

impl ProofProgress {
    /// Adds a closed bucket; whether it counts.
    pub(super) fn take(&mut self, bucket: &BucketSums, withdrawn: &VersionId) -> bool {
        let (n, sum) = match &bucket.tally {
            Tally::Rate { n, bad } => (*n, *bad as f64),
            // The restored version is a: more wrong answers of a are those only b had right.
            Tally::Paired { other, table } if other == withdrawn => {
                (table.n(), table.only_b as f64 - table.only_a as f64)
            }
            Tally::Paired { .. } => return false,
            Tally::Mean { n, sum_ms, .. } => (*n, *sum_ms),
            Tally::Distance { n, psi } => {
                // A distance is of its whole window, so the newest stands for all.
                self.n = *n;
                self.sum = psi * *n as f64;
                self.until = self.until.max(Some(bucket.end));
                return true;
            }
        };
        self.n = self.n.saturating_add(n);
        self.sum += sum;
        self.until = self.until.max(Some(bucket.end));
        true
    }
}
