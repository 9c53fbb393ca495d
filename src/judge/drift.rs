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
    /// The shift of the cells.
    shift: u8,
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
        let (shift, total) = (grid.numbers.shift(), grid.numbers.n());
        let (mut ends, mut sum, mut next) = (Vec::new(), 0, 1);
        for (cell, count) in grid.numbers.cells(shift) {
            sum += count;
            if sum * most >= next * total {
                ends.push(cell);
                next = sum * most / total + 1;
            }
        }
        let mut common: Vec<_> = grid.categories.iter().collect();
        common.sort_by_key(|(name, count)| (std::cmp::Reverse(**count), Arc::clone(name)));
        let kept = usize::try_from(most).unwrap_or(usize::MAX);
        let categories = common.into_iter().take(kept).map(|(name, _)| Arc::clone(name)).collect();
        let first = grid.numbers.cells(shift).next().map(|(cell, _)| cell);
        Self { shift, ends, first, categories }
    }

    /// The counts of two grids in these bins, coarsened until the cells of both fit in them.
    #[must_use]
    pub fn bin_both(&self, a: &Grid, b: &Grid) -> (Binned, Binned) {
        let shift = self.shift.max(a.numbers.shift()).max(b.numbers.shift());
        let by = shift - self.shift;
        let mut ends: Vec<_> = self.ends.iter().map(|end| end.coarsened(by)).collect();
        ends.dedup();
        let first = self.first.map(|first| first.coarsened(by));
        let coarse = Self { shift, ends, first, categories: self.categories.clone() };
        (coarse.bin(a), coarse.bin(b))
    }

    fn bin(&self, grid: &Grid) -> Binned {
        let mut regular = vec![0; self.ends.len() + self.categories.len()];
        let [mut below, mut above, mut unseen] = [0, 0, grid.other];
        for (cell, count) in grid.numbers.cells(self.shift) {
            let place = self.ends.partition_point(|end| *end < cell);
            if self.first.is_some_and(|first| cell < first) {
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
                Some(bin) => *bin += *count,
                None => unseen += *count,
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

    fn apart(bins: &Bins, a: &Grid, b: &Grid) -> (f64, bool) {
        let (a, b) = bins.bin_both(a, b);
        psi(&a, &b)
    }

    #[test]
    fn quantile_bins_hold_equal_shares() {
        let learned = grid((1..=10_000).map(f64::from));
        let bins = Bins::learn(&learned, 10);
        let (binned, _) = bins.bin_both(&learned, &learned);
        assert_eq!(binned.regular.len(), 10);
        assert!(binned.regular.iter().all(|count| (500..1600).contains(count)), "{binned:?}");
        assert_eq!(psi(&binned, &binned), (0.0, true));
    }

    #[test]
    fn one_value_makes_one_bin_and_any_other_is_far() {
        let constant = grid(std::iter::repeat_n(7.0, 5000));
        let bins = Bins::learn(&constant, 10);
        let moved = grid(std::iter::repeat_n(70.0, 5000));
        assert_eq!(bins.bin(&constant).regular.len(), 1);
        assert!(apart(&bins, &constant, &moved).0 > 4.0);
    }

    #[test]
    fn few_values_learned_and_many_later_are_compared_in_coarser_bins() {
        let years = || (0..5000).map(|nth| f64::from(2010 + nth % 5));
        let learned = grid(years());
        let bins = Bins::learn(&learned, 10);
        // The same values, and a thousand others between them that coarsen the cells.
        let many = grid(years().chain((0..1000).map(|nth| 2010.0 + f64::from(nth) * 0.004)));
        let (distance, enough) = apart(&bins, &learned, &many);
        assert!(enough && distance < 0.2, "{distance}");
        let later = grid(years().map(|year| year + 2.0));
        assert!(apart(&bins, &learned, &later).0 > 0.5);
    }

    #[test]
    fn a_shift_is_seen_and_few_samples_say_nothing() {
        let bins = Bins::learn(&grid((1..=5000).map(f64::from)), 10);
        let before = grid((1..=5000).map(f64::from));
        let hours = grid((1..=5000).map(|minutes| f64::from(minutes) / 60.0));
        assert!(apart(&bins, &before, &hours).0 > 1.0);
        let few = grid((1..=449).map(f64::from));
        assert!(!apart(&bins, &before, &few).1);
    }
}
