//! Whether the records of one request are in one partition.

use std::collections::BTreeMap;

use xxhash_rust::xxh3::xxh3_64;

/// RequestSample that are remembered. When they are more, half of them are dropped, by their hash.
pub(super) const REQUESTS: usize = 4096;
/// RequestSample of which a second record came, before they are counted again.
pub(super) const PAIRS: u32 = 512;

/// Some requests, chosen by their hash, so that all records of one are seen.
#[derive(Debug, Default)]
pub(super) struct RequestSample {
    /// The partition of each.
    pub(super) of: BTreeMap<u64, u32>,
    /// Hashes that end in fewer zero bits are not kept.
    pub(super) zeros: u32,
    pub(super) pairs: u32,
    pub(super) split: u32,
    /// Pairs and split ones, when they were counted before.
    pub(super) before: (u32, u32),
}

impl RequestSample {
    pub(super) fn take(&mut self, request: &str, partition: u32) {
        let hash = xxh3_64(request.as_bytes());
        if hash.trailing_zeros() < self.zeros {
            return;
        }
        match self.of.get(&hash) {
            Some(known) => {
                self.pairs += 1;
                self.split += u32::from(*known != partition);
                if self.pairs >= PAIRS {
                    self.before = (self.pairs, self.split);
                    (self.pairs, self.split) = (0, 0);
                }
            }
            None => _ = self.of.insert(hash, partition),
        }
        while self.of.len() > REQUESTS {
            self.zeros += 1;
            self.of.retain(|hash, _| hash.trailing_zeros() >= self.zeros);
        }
    }

    /// Pairs, and how many of them are split.
    pub(super) fn counted(&self) -> (u32, u32) {
        if self.pairs >= 20 { (self.pairs, self.split) } else { self.before }
    }

    /// A record that was sent twice, by hand, splits one now and then.
    pub(super) fn are_split(&self) -> bool {
        let (pairs, split) = self.counted();
        split >= 10 && 20 * split >= pairs
    }

    pub(super) fn together(&self) -> bool {
        self.counted().0 > 0 && !self.are_split()
    }
}
