//! Which partitioner placed the keys of a topic.

use std::collections::BTreeSet;

use xxhash_rust::xxh3::xxh3_64;

use crate::topics::partitioner::Partitioner;

/// Different keys that are looked at before a topic is judged again.
pub(super) const KEYS: usize = 256;
/// The fewest that suffice: another partitioner agrees by chance on each of two in one in 2^32.
pub(super) const FEWEST: usize = 32;
/// Once a topic was judged, one key in this number is looked at.
pub(super) const LATER: u64 = 16;
/// How the keys of a topic are placed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Placed {
    /// By this one.
    By(Partitioner),
    /// By two of them, so by two producers.
    Mixed(Partitioner, Partitioner),
    /// By none of them.
    Otherwise,
}

/// How keys are placed, in words.
pub(crate) fn words(placed: Placed) -> String {
    match placed {
        Placed::By(by) => by.words().to_owned(),
        Placed::Mixed(one, other) => format!("{} and {}", one.words(), other.words()),
        Placed::Otherwise => "no known partitioner".to_owned(),
    }
}

/// The keys of a topic, and what was seen in it.
#[derive(Debug, Default)]
pub(super) struct TopicKeys {
    pub(super) seen: BTreeSet<u64>,
    /// Keys by the set of partitioners that would have placed them so.
    pub(super) agree: [usize; 8],
    pub(super) judged: Option<Placed>,
    pub(super) predictions: bool,
    pub(super) outcomes: bool,
}

impl TopicKeys {
    pub(super) fn take(&mut self, key: &[u8], partition: u32, partitions: u32) {
        let hash = xxh3_64(key);
        let wanted = self.judged.is_none() || hash.is_multiple_of(LATER);
        if !wanted || !self.seen.insert(hash) {
            return;
        }
        let agrees = |by: Partitioner| by.place(key, partitions) == partition;
        let set = Partitioner::ALL.iter().enumerate();
        let set = set.map(|(bit, by)| usize::from(agrees(*by)) << bit).sum::<usize>();
        if let Some(count) = self.agree.get_mut(set) {
            *count += 1;
        }
        if self.seen.len() >= KEYS {
            self.judged = self.judge();
            self.seen.clear();
            self.agree = [0; 8];
        }
    }

    pub(super) fn placed(&self) -> Option<Placed> {
        self.judge().or(self.judged)
    }

    /// What the keys at hand say. A few may be placed by hand.
    fn judge(&self) -> Option<Placed> {
        let all = self.seen.len();
        if all < FEWEST {
            return None;
        }
        let of = |any: usize| -> usize {
            let sets = self.agree.iter().enumerate().filter(|(set, _)| set & any != 0);
            sets.map(|(_, count)| count).sum()
        };
        let nearly = |count: usize| 50 * (all - count) <= all;
        let bits = || Partitioner::ALL.into_iter().enumerate();
        if let Some((_, by)) = bits().find(|(bit, _)| nearly(of(1 << bit))) {
            return Some(Placed::By(by));
        }
        for (bit, one) in bits() {
            for (later, other) in bits().skip(bit + 1) {
                let both = of(1 << bit | 1 << later);
                let alone = (both - of(1 << later)).min(both - of(1 << bit));
                if nearly(both) && !nearly(all - alone) {
                    return Some(Placed::Mixed(one, other));
                }
            }
        }
        Some(Placed::Otherwise)
    }
}
