//! Counts of a feature's values, in a grid that never depends on the data.
//!
//! The cell of a number is its sign, its power of two and the next four bits: sixteen cells per
//! octave, each 4 to 6 % wide, from 2^-32 to 2^32. Numbers beyond that are in the outermost cells.
//! Because the grid is fixed, all lanes share it and merging is addition. The judge chooses the
//! bins of a distance.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

/// The cell of a number. Cells are ordered like their numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Cell(i16);

const CELLS_AN_OCTAVE_LOG2: u32 = 4;
const OCTAVES: i64 = 32;

impl Cell {
    /// The cell of a finite number. `None` for infinities and NaN.
    #[must_use]
    pub fn of(value: f64) -> Option<Self> {
        if !value.is_finite() {
            return None;
        }
        let bits = value.abs().to_bits() >> (52 - CELLS_AN_OCTAVE_LOG2);
        // The exponent's bias is 1023: 2^-32 has the exponent 991, and 1 is the cell above it.
        let lowest = (1023 - OCTAVES) << CELLS_AN_OCTAVE_LOG2;
        let highest = (2 * OCTAVES) << CELLS_AN_OCTAVE_LOG2;
        let size = (bits as i64 - lowest + 1).clamp(0, highest) as i16;
        Some(Self(if value < 0.0 { -size } else { size }))
    }

    /// The number of the cell that is nearest to zero; charts plot the cell there.
    #[must_use]
    pub fn edge(self) -> f64 {
        if self.0 == 0 {
            return 0.0;
        }
        let lowest = (1023 - OCTAVES) << CELLS_AN_OCTAVE_LOG2;
        let bits = (i64::from(self.0.unsigned_abs()) - 1 + lowest) as u64;
        let size = f64::from_bits(bits << (52 - CELLS_AN_OCTAVE_LOG2));
        if self.0 < 0 { -size } else { size }
    }
}

/// Counts of one feature's values.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Grid {
    /// Numbers, by cell.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub numbers: BTreeMap<Cell, u64>,
    /// Categories, by name.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub categories: BTreeMap<Arc<str>, u64>,
    /// Categories beyond the cap.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub other: u64,
    /// Nulls. Requests without the feature are not counted, so that lanes add up.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub missing: u64,
    /// Infinities and NaN.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub non_finite: u64,
    /// Arrays, objects, and what is no value.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub unusable: u64,
}

fn is_zero(count: &u64) -> bool {
    *count == 0
}

impl Grid {
    /// Counts a number.
    pub fn number(&mut self, value: f64) {
        match Cell::of(value) {
            Some(cell) => *self.numbers.entry(cell).or_default() += 1,
            None => self.non_finite += 1,
        }
    }

    /// Counts a category. A new one beyond `cap` counts as `other`.
    pub fn category(&mut self, name: &str, cap: usize) {
        if let Some(count) = self.categories.get_mut(name) {
            *count += 1;
        } else if self.categories.len() < cap {
            self.categories.insert(Arc::from(name), 1);
        } else {
            self.other += 1;
        }
    }

    /// Adds another grid.
    pub fn merge(&mut self, other: &Self) {
        for (cell, count) in &other.numbers {
            *self.numbers.entry(*cell).or_default() += count;
        }
        for (name, count) in &other.categories {
            *self.categories.entry(Arc::clone(name)).or_default() += count;
        }
        self.other += other.other;
        self.missing += other.missing;
        self.non_finite += other.non_finite;
        self.unusable += other.unusable;
    }

    /// Number of values.
    #[must_use]
    pub fn n(&self) -> u64 {
        let numbers: u64 = self.numbers.values().sum();
        let categories: u64 = self.categories.values().sum();
        numbers + categories + self.other + self.missing + self.non_finite + self.unusable
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn cells_order_as_numbers_do(a in any::<f64>(), b in any::<f64>()) {
            if let (Some(x), Some(y)) = (Cell::of(a), Cell::of(b)) {
                prop_assert!(a > b || x <= y, "{a} in {x:?}, {b} in {y:?}");
            }
        }

        #[test]
        fn a_cell_is_narrow(a in 1e-8f64..1e8) {
            let low = Cell::of(a).unwrap().edge();
            prop_assert!(low <= a && a < low * 1.0626, "{low} {a}");
        }
    }

    #[test]
    fn the_odd_ones_have_a_place() {
        assert_eq!(Cell::of(0.0), Cell::of(-0.0));
        assert_eq!(Cell::of(1e300), Cell::of(1e299));
        assert_eq!(Cell::of(f64::NAN), None);
        assert!(Cell::of(-2.0) < Cell::of(-1.0));
    }
}
