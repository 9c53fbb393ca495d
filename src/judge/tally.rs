//! What one trigger counts in a bucket.

use super::bets;
use super::buckets::Bucket;
use super::design::Moments;
use crate::model::{EventTime, Limit, Signal, Trigger, VersionId};
use crate::sums::{BucketSums, PairTable, Tally, VersionSums};

/// What a trigger counts of one version. `None` if the bucket has nothing for it, and nothing was
/// lost.
#[must_use]
pub fn of_version(trigger: &Trigger, sums: &VersionSums, lost: u64) -> Option<Tally> {
    let rate = |counts: crate::sums::Counts| {
        (counts.n + lost > 0).then_some(Tally::Rate { n: counts.n, bad: counts.bad })
    };
    match (trigger.signal, trigger.limit) {
        (Signal::Latency, Limit::MeanMs { limit, timeout }) => {
            let (none, found) = (crate::sums::Latency::default(), sums.latency.as_deref());
            let latency = found.unwrap_or(&none);
            (latency.n() + lost > 0).then(|| mean(limit, timeout, latency))
        }
        (Signal::Accuracy, _) => rate(sums.labels),
        (Signal::ErrorRate, _) => rate(sums.answers),
        (Signal::Latency | Signal::FeatureDrift, _) => None,
    }
}

fn mean(limit: f64, timeout: f64, latency: &crate::sums::Latency) -> Tally {
    let mut sums = Moments::default();
    for (low, count) in latency.cells_ms() {
        let (value, count) = (low.min(timeout), f64::from(count));
        sums.add(Moments { n: count, sum: count * value, sum_sq: count * value * value });
    }
    let growth = bets::mean(limit, timeout, latency);
    Tally::Mean { n: latency.n(), sum_ms: sums.sum, sum_sq: sums.sum_sq, growth }
}

/// Durations that count as slow, as multiples of the limit of a mean: a mean rises with many slow
/// answers or a few very slow ones.
const SLOW: [f64; 3] = [1.0, 4.0, 12.0];

/// Growth of bets that a version is bad more often than another in the same bucket; of a mean,
/// that more of its answers are slow. None: one of them was not measured.
#[must_use]
pub fn more_often(trigger: &Trigger, a: &VersionSums, b: &VersionSums) -> Option<Vec<f64>> {
    match (trigger.signal, trigger.limit) {
        (Signal::Accuracy, _) => bets::more_often(a.labels, b.labels),
        (Signal::ErrorRate, _) => bets::more_often(a.answers, b.answers),
        (Signal::Latency, Limit::MeanMs { limit, .. }) => {
            let (a, b) = (a.latency.as_ref()?, b.latency.as_ref()?);
            let growth =
                SLOW.map(|times| bets::more_often(a.over(limit * times), b.over(limit * times)));
            growth.into_iter().collect::<Option<Vec<_>>>().map(|growth| growth.concat())
        }
        (Signal::Latency | Signal::FeatureDrift, _) => None,
    }
}

/// What the paired trigger counts of a version and another on the same requests.
#[must_use]
pub fn of_pair(
    subject: &VersionId,
    (a, b): &(VersionId, VersionId),
    table: PairTable,
) -> Option<Tally> {
    if table.n() == 0 {
        return None;
    }
    if subject == a {
        Some(Tally::Paired { other: b.clone(), table })
    } else {
        Some(Tally::Paired { other: a.clone(), table: table.swapped() })
    }
}

/// Log growth of each bet on a tally, if every lost sample was good: a breach holds only if it
/// holds even so.
#[must_use]
pub fn growth(null: f64, tally: &Tally, lost: u64) -> Vec<f64> {
    match tally {
        Tally::Rate { n, bad } => bets::rate(null, *n + lost, *bad),
        Tally::Paired { table, .. } => {
            bets::paired(null, PairTable { both: table.both + lost, ..*table })
        }
        Tally::Mean { growth, .. } => {
            let nothing = bets::mean_of_nothing(lost);
            growth.iter().zip(nothing).map(|(growth, nothing)| growth + nothing).collect()
        }
        Tally::Distance { .. } => Vec::new(),
    }
}

/// The same if every lost sample was bad, a lost duration a time-out: a version is healthy only if
/// it is so even then.
#[must_use]
pub fn worst_growth(null: f64, limit: Limit, tally: &Tally, lost: u64) -> Vec<f64> {
    match tally {
        Tally::Rate { n, bad } => bets::rate(null, *n + lost, *bad + lost),
        Tally::Paired { table, .. } => {
            bets::paired(null, PairTable { only_b: table.only_b + lost, ..*table })
        }
        Tally::Mean { growth, .. } => {
            let timeout = match limit {
                Limit::MeanMs { timeout, .. } => timeout,
                Limit::Baseline(_) | Limit::Rate(_) | Limit::Paired(_) | Limit::Psi { .. } => null,
            };
            let timeouts = bets::mean_of_timeouts(null, timeout, lost);
            growth.iter().zip(timeouts).map(|(growth, timeouts)| growth + timeouts).collect()
        }
        Tally::Distance { .. } => Vec::new(),
    }
}

/// Trials, their sum and their squares: x is 1 for a bad one, the paired difference, or ms.
#[must_use]
pub fn moments(tally: &Tally) -> Moments {
    match tally {
        Tally::Rate { n, bad } => Moments { n: *n as f64, sum: *bad as f64, sum_sq: *bad as f64 },
        Tally::Paired { table, .. } => Moments {
            n: table.n() as f64,
            sum: table.only_b as f64 - table.only_a as f64,
            sum_sq: (table.only_a + table.only_b) as f64,
        },
        Tally::Mean { n, sum_ms, sum_sq, .. } => {
            Moments { n: *n as f64, sum: *sum_ms, sum_sq: *sum_sq }
        }
        Tally::Distance { .. } => Moments::default(),
    }
}

/// A tally with its place in time, and what was lost of it.
#[must_use]
pub fn placed(
    start: EventTime,
    bucket: &Bucket,
    design_effect: f64,
    tally: Tally,
    lost: u64,
) -> BucketSums {
    BucketSums { start, end: start + bucket.length, design_effect, tally, lost }
}
