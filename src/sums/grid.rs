//! Counts of a feature's values: numbers in nested cells, categories by name, and what is neither.
//!
//! Lanes, panes and hours add up in any order to the same bits, because cells follow from the set
//! of values alone; see [`Numbers`]. In JSON a grid is one text: its bytes in base64. The judge
//! chooses the bins of a distance.

mod encoding;
mod numbers;

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD_NO_PAD;
use serde::de::{Error, Unexpected, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

pub use self::numbers::{Cell, Numbers};

/// Counts of one feature's values.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Grid {
    /// Finite numbers.
    pub numbers: Numbers,
    /// Categories, by name.
    pub categories: BTreeMap<Arc<str>, u64>,
    /// Categories beyond the cap.
    pub other: u64,
    /// Nulls. Requests without the feature are not counted, so that lanes add up.
    pub missing: u64,
    /// Infinities and NaN.
    pub non_finite: u64,
    /// Arrays, objects, and what is no value.
    pub unusable: u64,
}

impl Grid {
    /// Counts a number.
    pub fn number(&mut self, value: f64) {
        if !self.numbers.count(value) {
            self.non_finite += 1;
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
        self.numbers.merge(&other.numbers);
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
        let categories: u64 = self.categories.values().sum();
        let odd = self.other + self.missing + self.non_finite + self.unusable;
        self.numbers.n() + categories + odd
    }
}

impl Serialize for Grid {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&STANDARD_NO_PAD.encode(encoding::encode(self)))
    }
}

impl<'de> Deserialize<'de> for Grid {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_str(InBase64)
    }
}

struct InBase64;

impl Visitor<'_> for InBase64 {
    type Value = Grid;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a grid in base64")
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Grid, E> {
        let bytes = STANDARD_NO_PAD.decode(text).ok();
        let grid = bytes.and_then(|bytes| encoding::decode(&bytes));
        grid.ok_or_else(|| E::invalid_value(Unexpected::Str(text), &self))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn grid(values: &[Option<f64>]) -> Grid {
        let mut grid = Grid::default();
        for value in values {
            match value {
                Some(value) => grid.number(*value),
                None => grid.missing += 1,
            }
        }
        grid
    }

    #[test]
    fn it_is_written_as_published() {
        let (nan, inf) = (f64::NAN, f64::INFINITY);
        let odd = [0.0, -0.0, 1.0, 1.0, -2.5, nan, inf].map(Some);
        for (values, text) in [
            ([&odd[..], &[None]].concat(), "HwIBAhwWAYJAAfk/AA"),
            ([335.0, 335.0, 335.0, 1065.0, 2454.0].map(Some).to_vec(), "ARwOA/n0gAEB2BvCEg"),
            ([40.7, 40.71, 40.69].map(Some).to_vec(), "ARwAA7yUrMSAAfRR9FE"),
            (Vec::new(), "AA"),
        ] {
            let grid = grid(&values);
            assert_eq!(serde_json::to_value(&grid).unwrap(), text, "{values:?}");
            assert_eq!(serde_json::from_value::<Grid>(text.into()).unwrap(), grid);
        }
    }

    #[test]
    fn what_is_no_grid_is_refused() {
        for text in ["", "!", "AB", "AQ", "ARwA", "ARsAAQA", "AX8AAQA", "AkD//////////wA", "AAA"] {
            assert!(serde_json::from_value::<Grid>(text.into()).is_err(), "{text}");
        }
    }

    proptest! {
        #[test]
        fn it_reads_as_it_was_written(
            values in prop::collection::vec(prop::option::of(any::<f64>()), 0..400),
            names in prop::collection::vec(".{0,4}", 0..5),
            odd in any::<[u8; 2]>(),
        ) {
            let mut grid = grid(&values);
            names.iter().for_each(|name| grid.category(name, 4));
            [grid.other, grid.unusable] = odd.map(u64::from);
            let text = serde_json::to_string(&grid).unwrap();
            prop_assert_eq!(serde_json::from_str::<Grid>(&text).unwrap(), grid);
        }

        #[test]
        fn bytes_never_make_it_panic(bytes in prop::collection::vec(any::<u8>(), 0..60)) {
            if let Some(grid) = encoding::decode(&bytes) {
                prop_assert_eq!(encoding::decode(&encoding::encode(&grid)), Some(grid));
            }
        }
    }
}
