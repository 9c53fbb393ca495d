//! The distance of inputs from what they were: population stability index over a sliding window.
//!
//! PSI = Σ (p − q)·ln(p/q) over bins that the first samples of the older version set once and for
//! all; shares are smoothed as (c + ½)/(n + B/2), so an empty bin costs little.

use std::sync::Arc;

use libm::log;
use serde::{Deserialize, Serialize};

use crate::sums::{Cell, Grid};

/// Samples per bin, less one, on the smaller side: under it the index says nothing
/// (its mean without drift is (B − 1)(1/n + 1/m)).
const SAMPLES_A_BIN: u64 = 50;

/// The bins of one feature.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Bins {
    /// The last cell of each bin of numbers, ascending.
    ends: Vec<Cell>,
    /// The smallest cell seen while learning.
    first: Option<Cell>,
    /// Categories with a bin of their own.
    categories: Vec<Arc<str>>,
}

/// Counts by bin: numbers and categories, then what had no bin while learning: below, above,
/// missing, unseen, non-finite.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Binned {
    regular: Vec<u64>,
    special: [u64; 5],
}

impl Bins {
    /// `most` quantile bins of the numbers, and the `most` commonest categories.
    #[must_use]
    pub fn learn(grid: &Grid, most: u32) -> Self {
        let most = u64::from(most);
        let total: u64 = grid.numbers.values().sum();
        let (mut ends, mut sum, mut next) = (Vec::new(), 0, 1);
        for (cell, count) in &grid.numbers {
            sum += count;
            if sum * most >= next * total {
                ends.push(*cell);
                next = sum * most / total + 1;
            }
        }
        let mut common: Vec<_> = grid.categories.iter().collect();
        common.sort_by_key(|(name, count)| (std::cmp::Reverse(**count), Arc::clone(name)));
        let kept = usize::try_from(most).unwrap_or(usize::MAX);
        let categories = common.into_iter().take(kept).map(|(name, _)| Arc::clone(name)).collect();
        Self { ends, first: grid.numbers.keys().next().copied(), categories }
    }

    /// The counts of a grid in these bins.
    #[must_use]
    pub fn bin(&self, grid: &Grid) -> Binned {
        let mut regular = vec![0; self.ends.len() + self.categories.len()];
        let [mut below, mut above, mut unseen] = [0, 0, grid.other];
        for (cell, count) in &grid.numbers {
            let place = self.ends.partition_point(|end| end < cell);
            if self.first.is_some_and(|first| *cell < first) {
                below += count;
            } else if place == self.ends.len() {
                above += count;
            } else if let Some(bin) = regular.get_mut(place) {
                *bin += count;
            }
        }
        for (name, count) in &grid.categories {
            let place = self.categories.iter().position(|known| known == name);
            match place.and_then(|place| regular.get_mut(self.ends.len() + place)) {
                Some(bin) => *bin += count,
                None => unseen += count,
            }
        }
        let special = [below, above, grid.missing, unseen, grid.non_finite + grid.unusable];
        Binned { regular, special }
    }
}

impl Binned {
    /// How many values.
    #[must_use]
    pub fn n(&self) -> u64 {
        self.regular.iter().chain(&self.special).sum()
    }
}

/// The index of two sets of counts, and whether both hold enough to say anything.
#[must_use]
pub fn psi(a: &Binned, b: &Binned) -> (f64, bool) {
    let special = a.special.iter().zip(&b.special).filter(|(a, b)| **a + **b > 0);
    let pairs: Vec<(f64, f64)> = (a.regular.iter().zip(&b.regular).chain(special))
        .map(|(a, b)| (*a as f64, *b as f64))
        .collect();
    let bins = pairs.len() as f64;
    let (n, m) = (a.n() as f64, b.n() as f64);
    let share = |count: f64, total: f64| (count + 0.5) / (total + bins / 2.0);
    let index = pairs
        .iter()
        .map(|(a, b)| {
            let (p, q) = (share(*a, n), share(*b, m));
            (p - q) * log(p / q)
        })
        .sum();
    let needed = SAMPLES_A_BIN * (pairs.len() as u64).saturating_sub(1);
    (index, a.n().min(b.n()) >= needed.max(SAMPLES_A_BIN))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn grid(values: impl Iterator<Item = f64>) -> Grid {
        let mut grid = Grid::default();
        values.for_each(|value| grid.number(value));
        grid
    }

    #[test]
    fn quantile_bins_hold_equal_shares() {
        let learned = grid((1..=10_000).map(f64::from));
        let bins = Bins::learn(&learned, 10);
        let binned = bins.bin(&learned);
        assert_eq!(binned.regular.len(), 10);
        assert!(binned.regular.iter().all(|count| (500..1600).contains(count)), "{binned:?}");
        assert_eq!(psi(&binned, &binned), (0.0, true));
    }

    #[test]
    fn one_value_makes_one_bin_and_any_other_is_far() {
        let constant = grid(std::iter::repeat_n(7.0, 5000));
        let bins = Bins::learn(&constant, 10);
        let moved = bins.bin(&grid(std::iter::repeat_n(70.0, 5000)));
        assert_eq!(bins.bin(&constant).regular.len(), 1);
        assert!(psi(&bins.bin(&constant), &moved).0 > 4.0);
    }

    #[test]
    fn a_shift_is_seen_and_few_samples_say_nothing() {
        let bins = Bins::learn(&grid((1..=5000).map(f64::from)), 10);
        let before = bins.bin(&grid((1..=5000).map(f64::from)));
        let hours = bins.bin(&grid((1..=5000).map(|minutes| f64::from(minutes) / 60.0)));
        assert!(psi(&before, &hours).0 > 1.0);
        let few = bins.bin(&grid((1..=449).map(f64::from)));
        assert!(!psi(&before, &few).1);
    }
}
