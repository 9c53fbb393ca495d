//! The fold: the same inbox gives the same outputs, bit for bit, also when the shard is written
//! down and read back after every record.

#![expect(clippy::unwrap_used, reason = "helpers of tests fail as tests do")]

mod build;
mod flights;
mod forgetting;
mod names;
mod random;
mod snapshots;

use ripcord::model::LogTime;
use ripcord::shard::{Inbox, Output, Shard, Snapshot, restore};

/// A record of an inbox and when it was appended.
pub(crate) type Entry = (LogTime, Inbox);

/// Folds records from a position on; the outputs, record by record.
pub(crate) fn fold(shard: &mut Shard, entries: &[Entry], forgetful: bool) -> Vec<Vec<Output>> {
    let mut outputs = Vec::new();
    for (at, record) in entries {
        let mut out = Vec::new();
        shard.step(shard.next(), *at, record, &mut out).unwrap();
        outputs.push(out);
        if forgetful {
            *shard = restored(&pieces(Snapshot::of(shard)));
        }
    }
    outputs
}

/// The pieces of a snapshot.
pub(crate) fn pieces(mut snapshot: Snapshot) -> Vec<Vec<u8>> {
    std::iter::from_fn(|| snapshot.next_piece().unwrap()).collect()
}

pub(crate) fn restored(pieces: &[Vec<u8>]) -> Shard {
    restore(pieces.iter().map(Vec::as_slice)).unwrap()
}

/// Folds records in batches of these sizes, in turn: their outputs in one list, as a reader that
/// takes more than one record at a time collects them.
pub(crate) fn fold_in_batches(
    shard: &mut Shard,
    entries: &[Entry],
    sizes: &[usize],
) -> Vec<Output> {
    let (mut outputs, mut rest) = (Vec::new(), entries);
    for size in sizes.iter().cycle() {
        let (batch, left) = rest.split_at((*size).clamp(1, rest.len().max(1)).min(rest.len()));
        let mut out = Vec::new();
        for (at, record) in batch {
            shard.step(shard.next(), *at, record, &mut out).unwrap();
        }
        outputs.append(&mut out);
        rest = left;
        if rest.is_empty() {
            break;
        }
    }
    outputs
}

/// Folds the same twice, once more with a restart after every record, and in batches; all is the
/// same, ids included.
#[track_caller]
pub(crate) fn same_every_way(shard: &Shard, entries: &[Entry]) -> Vec<Vec<Output>> {
    let mut folds = [shard.clone(), shard.clone(), shard.clone()];
    let [first, second, third] = &mut folds;
    let outputs = fold(first, entries, false);
    assert_eq!(fold(second, entries, false), outputs, "folded again it differs");
    let restarted = fold(third, entries, true);
    for (n, (restarted, plain)) in restarted.iter().zip(&outputs).enumerate() {
        assert_eq!(restarted, plain, "restarted it differs at record {n}: {:?}", entries[n].1);
    }
    for sizes in [[1, 2, 3], [7, 1, 30], [1000, 1, 1]] {
        let in_batches = fold_in_batches(&mut shard.clone(), entries, &sizes);
        assert_eq!(in_batches, outputs.concat(), "in batches of {sizes:?} it differs");
    }
    let [first, second, third] = folds.map(|shard| pieces(Snapshot::of(&shard)));
    assert!(first == second && first == third, "the states differ");
    outputs
}
