//! Counts of numbers in nested cells, which follow from the set of values alone.
//!
//! A finite number other than 0 has an ordinal: its 64 bits read as an integer, for a negative one
//! the complement of the bits of its size. Ordinals are ordered like their numbers. At a shift s,
//! the cell of a number is its ordinal >> s, so each cell is a union of two finer ones. Kept is the
//! least shift, from [`FINEST`] on, at which no more than [`MOST_CELLS`] cells are filled. The
//! number of filled cells never grows with s and never falls when values are added, so the shift
//! does not depend on the order in which values or parts were added.

/// Cells that are kept apart.
pub(super) const MOST_CELLS: usize = 256;

/// The least shift: 24 bits of a number are kept, so that every f32 and every integer up to 16.7
/// million is a cell of its own as long as few different ones occur.
pub(super) const FINEST: u8 = 28;

/// The largest shift that tells anything: one cell for each sign.
pub(super) const COARSEST: u8 = 63;

/// A cell at a known shift. Cells are ordered like their numbers.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, serde::Serialize, serde::Deserialize,
)]
pub enum Cell {
    /// Of negative numbers.
    Negative(i64),
    /// Zero, of either sign.
    Zero,
    /// Of positive numbers.
    Positive(i64),
}

impl Cell {
    /// The cell that holds this one at a larger shift.
    #[must_use]
    pub fn coarsened(self, by: u8) -> Self {
        match self {
            Self::Negative(cell) => Self::Negative(cell >> by.min(COARSEST)),
            Self::Zero => Self::Zero,
            Self::Positive(cell) => Self::Positive(cell >> by.min(COARSEST)),
        }
    }

    /// The number nearest to zero in a cell of a shift.
    #[must_use]
    pub fn nearest(self, shift: u8) -> f64 {
        let least = |size: i64| f64::from_bits((size << shift.min(COARSEST)).cast_unsigned());
        match self {
            Self::Negative(cell) => -least(!cell),
            Self::Zero => 0.0,
            Self::Positive(cell) => least(cell),
        }
    }
}

/// Counts of numbers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Numbers {
    pub(super) shift: u8,
    /// Ascending; none is empty.
    pub(super) cells: Vec<(i64, u64)>,
    pub(super) zeros: u64,
}

impl Default for Numbers {
    fn default() -> Self {
        Self { shift: FINEST, cells: Vec::new(), zeros: 0 }
    }
}

impl Numbers {
    /// Counts a number. Returns whether it is finite; another one is not counted.
    pub fn count(&mut self, value: f64) -> bool {
        self.count_capped(value, MOST_CELLS)
    }

    fn count_capped(&mut self, value: f64, most: usize) -> bool {
        if !value.is_finite() {
            return false;
        }
        if value == 0.0 {
            self.zeros = self.zeros.saturating_add(1);
            return true;
        }
        let cell = ordinal(value) >> self.shift;
        match self.cells.binary_search_by_key(&cell, |(cell, _)| *cell) {
            Ok(known) => {
                if let Some((_, count)) = self.cells.get_mut(known) {
                    *count = count.saturating_add(1);
                }
            }
            Err(place) => {
                self.cells.insert(place, (cell, 1));
                self.fit(most);
            }
        }
        true
    }

    /// Adds other counts.
    pub fn merge(&mut self, other: &Self) {
        self.merge_capped(other, MOST_CELLS);
    }

    fn merge_capped(&mut self, other: &Self, most: usize) {
        self.zeros = self.zeros.saturating_add(other.zeros);
        let by = other.shift.saturating_sub(self.shift);
        self.coarsen(by);
        let by = self.shift.saturating_sub(other.shift);
        let mut mine = std::mem::take(&mut self.cells).into_iter().peekable();
        let mut theirs = other.cells.iter().map(|(cell, count)| (*cell >> by, *count)).peekable();
        let mut merged = Vec::with_capacity(mine.len().max(other.cells.len()));
        loop {
            let next = match (mine.peek(), theirs.peek()) {
                (Some(a), Some(b)) if b.0 < a.0 => theirs.next(),
                (None, _) => theirs.next(),
                (Some(_), _) => mine.next(),
            };
            let Some(next) = next else { break };
            push(&mut merged, next);
        }
        self.cells = merged;
        self.fit(most);
    }

    /// The shift of the cells.
    #[must_use]
    pub fn shift(&self) -> u8 {
        self.shift
    }

    /// The cells at a shift, or at their own if that is larger, ascending, and their counts.
    pub fn cells(&self, shift: u8) -> impl Iterator<Item = (Cell, u64)> {
        let by = shift.saturating_sub(self.shift).min(COARSEST);
        let of = move |(cell, count): &(i64, u64)| (*cell >> by, *count);
        let negative = self.cells.iter().take_while(|(cell, _)| *cell < 0).map(of);
        let positive = self.cells.iter().skip_while(|(cell, _)| *cell < 0).map(of);
        let zero = (self.zeros > 0).then_some((Cell::Zero, self.zeros));
        let negative = negative.map(|(cell, count)| (Cell::Negative(cell), count));
        negative.chain(zero).chain(positive.map(|(cell, count)| (Cell::Positive(cell), count)))
    }

    /// How many numbers.
    #[must_use]
    pub fn n(&self) -> u64 {
        self.cells.iter().fold(self.zeros, |sum, (_, count)| sum.saturating_add(*count))
    }

    /// How many cells are filled.
    #[must_use]
    pub fn filled(&self) -> usize {
        self.cells.len()
    }

    fn fit(&mut self, most: usize) {
        while self.cells.len() > most && self.shift < COARSEST {
            self.coarsen(1);
        }
    }

    fn coarsen(&mut self, by: u8) {
        if by == 0 {
            return;
        }
        self.shift = self.shift.saturating_add(by).min(COARSEST);
        let mut fewer = Vec::with_capacity(self.cells.len());
        for (cell, count) in &self.cells {
            push(&mut fewer, (*cell >> by.min(COARSEST), *count));
        }
        self.cells = fewer;
    }
}

/// Adds a count to the last cell, or a cell behind it.
fn push(cells: &mut Vec<(i64, u64)>, (cell, count): (i64, u64)) {
    match cells.last_mut() {
        Some((last, sum)) if *last == cell => *sum = sum.saturating_add(count),
        _ => cells.push((cell, count)),
    }
}

/// Orders finite numbers other than 0 as integers.
fn ordinal(value: f64) -> i64 {
    // Without its sign a finite number has 63 bits.
    let size = value.abs().to_bits().cast_signed();
    if value < 0.0 { !size } else { size }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn capped(values: &[f64], most: usize) -> Numbers {
        let mut numbers = Numbers::default();
        for value in values {
            numbers.count_capped(*value, most);
        }
        numbers
    }

    #[test]
    fn ordinals_and_cells_are_as_published() {
        for (value, at_zero, cells) in [
            (1.0, 4_607_182_418_800_017_408, [17_163_091_968, 16_368, 0]),
            (-1.0, -4_607_182_418_800_017_409, [-17_163_091_969, -16_369, -1]),
            (5e-324, 1, [0, 0, 0]),
            (335.0, 4_644_600_998_516_490_240, [17_302_487_040, 16_500, 0]),
            (f64::MAX, 9_218_868_437_227_405_311, [34_342_961_151, 32_751, 0]),
        ] {
            assert_eq!(ordinal(value), at_zero, "{value}");
            assert_eq!([28, 48, 63].map(|shift| ordinal(value) >> shift), cells, "{value}");
        }
    }

    #[test]
    fn cells_double_until_they_fit() {
        let mut two = capped(&[1.0, 1.5], 2);
        two.merge_capped(&capped(&[4.0], 2), 2);
        assert_eq!((two.shift, two.cells), (52, vec![(1023, 2), (1025, 1)]));
        let far = capped(&[1.0, -1.0, 1e300, -1e-300], 2);
        assert_eq!((far.shift, far.cells), (63, vec![(-1, 2), (0, 2)]));
    }

    #[test]
    fn few_different_values_are_kept_exactly_and_zero_is_between_the_signs() {
        let numbers = capped(&[2013.0, -0.0, -7.25, 0.0, 2013.0, 2014.0], MOST_CELLS);
        let cells: Vec<_> = numbers.cells(FINEST).collect();
        let counts: Vec<_> = cells.iter().map(|(_, count)| *count).collect();
        assert_eq!(counts, [1, 2, 2, 1]);
        assert!(cells.is_sorted_by(|a, b| a.0 < b.0), "{cells:?}");
        assert_eq!(cells.get(1).map(|cell| cell.0), Some(Cell::Zero));
    }

    fn value() -> impl Strategy<Value = f64> {
        let usual = prop_oneof![-3i32..3, Just(0), 1000i32..1010].prop_map(f64::from);
        prop_oneof![usual, any::<f64>(), -1.0f64..1.0, any::<u64>().prop_map(f64::from_bits)]
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(1_000))]

        #[test]
        fn the_whole_is_its_parts_in_any_order(
            parts in prop::collection::vec(prop::collection::vec(value(), 0..30), 1..6),
            most in prop::sample::select(vec![2, 3, 8, 16]),
            seed in any::<u64>(),
        ) {
            let whole = capped(&parts.concat(), most);
            let mut merged: Vec<_> = parts.iter().map(|part| capped(part, most)).collect();
            let mut state = seed;
            while merged.len() > 1 {
                state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
                let nth = (state >> 33) as usize % merged.len();
                let part = merged.swap_remove(nth);
                let nth = (state >> 17) as usize % merged.len();
                merged[nth].merge_capped(&part, most);
            }
            prop_assert_eq!(&merged[0], &whole);
            let mut backwards = parts.concat();
            backwards.reverse();
            prop_assert_eq!(&capped(&backwards, most), &whole);
            prop_assert!(whole.cells.len() <= most && whole.shift >= FINEST);
        }

        #[test]
        fn cells_are_ordered_as_their_numbers(a in any::<f64>(), b in any::<f64>()) {
            let usual = |value: f64| value.is_finite() && value != 0.0;
            if usual(a) && usual(b) {
                prop_assert_eq!(ordinal(a).cmp(&ordinal(b)), a.total_cmp(&b));
            }
        }
    }
}
