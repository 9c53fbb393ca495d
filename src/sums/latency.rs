//! Durations of answers: an exact sum and a histogram.
//!
//! The histogram keeps two significant digits from 1 µs to 60 s; longer durations count as 60 s.
//! While few of its cells are filled it is a list of them: a version that answers once in a pane
//! takes bytes, not the ten kilobytes of all cells. In JSON it is a text, base64 of varints: for a
//! cell its count, doubled; for empty cells between two their number, doubled, plus 1.

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD_NO_PAD;
use hdrhistogram::Histogram;
use serde::de::{Error, Unexpected, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::Counts;
use super::varint;

/// The longest duration that is distinguished, in microseconds.
const MAX_US: u64 = 60_000_000;

/// Cells up to which a list of them is smaller than a histogram.
const FEW: usize = 512;

/// Durations up to which each microsecond has a cell; above, each octave has half as many.
const EXACT_US: u32 = 256;

/// Durations of answers.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Latency {
    sum_us: u64,
    cells: Cells,
}

/// A list as long as no more than [`FEW`] cells are filled, whatever the order of durations.
#[derive(Debug, Clone, PartialEq)]
enum Cells {
    /// The least duration of each cell in microseconds, ascending, and its count.
    Few(Vec<(u32, u32)>),
    Many(Box<Histogram<u32>>),
}

impl Latency {
    /// Counts a duration.
    pub fn record(&mut self, us: u64) {
        self.sum_us = self.sum_us.saturating_add(us);
        self.cells.add(least(us), 1);
    }

    /// Adds other durations.
    pub fn merge(&mut self, other: &Self) {
        self.sum_us = self.sum_us.saturating_add(other.sum_us);
        for (us, count) in other.cells.filled() {
            self.cells.add(us, count);
        }
    }

    /// Number of durations.
    #[must_use]
    pub fn n(&self) -> u64 {
        self.cells.filled().map(|(_, count)| u64::from(count)).sum()
    }

    /// Number of cells that are filled.
    #[must_use]
    pub fn filled(&self) -> usize {
        match &self.cells {
            Cells::Few(cells) => cells.len(),
            Cells::Many(_) => self.cells.filled().count(),
        }
    }

    /// Their exact sum in milliseconds, not clipped.
    #[must_use]
    pub fn sum_ms(&self) -> f64 {
        self.sum_us as f64 / 1000.0
    }

    /// Number of durations, and as bad ones those in cells above `ms`.
    #[must_use]
    pub fn over(&self, ms: f64) -> Counts {
        let over = self.cells_ms().filter(|(low, _)| *low > ms);
        Counts { n: self.n(), bad: over.map(|(_, count)| u64::from(count)).sum() }
    }

    /// Lower bound of each cell in milliseconds and its count, ascending.
    pub fn cells_ms(&self) -> impl Iterator<Item = (f64, u32)> + '_ {
        self.cells.filled().map(|(us, count)| (f64::from(us) / 1000.0, count))
    }
}

/// The least duration in the cell of another, in microseconds.
fn least(us: u64) -> u32 {
    let us = us.min(MAX_US) as u32;
    let shift = octave(us);
    us >> shift << shift
}

/// By how many bits durations of this size are shortened.
fn octave(us: u32) -> u32 {
    (us / EXACT_US).checked_ilog2().map_or(0, |octave| octave + 1)
}

/// The place of a cell among all, by its least duration.
fn place(us: u32) -> u32 {
    let shift = octave(us);
    shift * (EXACT_US / 2) + (us >> shift)
}

/// The least duration of the cell at a place.
fn at_place(place: u32) -> Option<u32> {
    let half = EXACT_US / 2;
    let shift = (place / half).saturating_sub(1);
    let us = place.checked_sub(shift * half)?.checked_shl(shift)?;
    (u64::from(us) <= MAX_US && self::place(us) == place).then_some(us)
}

impl Default for Cells {
    fn default() -> Self {
        Self::Few(Vec::new())
    }
}

impl Cells {
    fn add(&mut self, us: u32, count: u32) {
        match self {
            Self::Few(cells) => match cells.binary_search_by_key(&us, |(us, _)| *us) {
                Ok(known) => {
                    if let Some((_, sum)) = cells.get_mut(known) {
                        *sum = sum.saturating_add(count);
                    }
                }
                Err(_) if cells.len() == FEW => {
                    let mut all = empty();
                    for (us, count) in cells {
                        all.saturating_record_n(u64::from(*us), *count);
                    }
                    all.saturating_record_n(u64::from(us), count);
                    *self = Self::Many(Box::new(all));
                }
                Err(place) => cells.insert(place, (us, count)),
            },
            Self::Many(all) => all.saturating_record_n(u64::from(us), count),
        }
    }

    /// The cells that hold something, ascending.
    fn filled(&self) -> impl Iterator<Item = (u32, u32)> + '_ {
        let (few, many) = match self {
            Self::Few(cells) => (cells.as_slice(), None),
            Self::Many(all) => (Default::default(), Some(all.iter_recorded())),
        };
        let many = many.into_iter().flatten();
        let many = many.map(|cell| (least(cell.value_iterated_to()), cell.count_at_value()));
        few.iter().copied().chain(many)
    }
}

#[expect(clippy::expect_used, reason = "constant bounds: 1 <= low, 2·low <= high, digits <= 5")]
fn empty() -> Histogram<u32> {
    Histogram::new_with_bounds(1, MAX_US, 2).expect("the bounds are constants and legal")
}

impl Serialize for Cells {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let (mut bytes, mut next) = (Vec::new(), 0);
        for (us, count) in self.filled() {
            let place = place(us);
            if place > next {
                varint::write(&mut bytes, u64::from(place - next) << 1 | 1);
            }
            varint::write(&mut bytes, u64::from(count) << 1);
            next = place + 1;
        }
        serializer.serialize_str(&STANDARD_NO_PAD.encode(bytes))
    }
}

impl<'de> Deserialize<'de> for Cells {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_str(InBase64)
    }
}

struct InBase64;

impl Visitor<'_> for InBase64 {
    type Value = Cells;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a histogram of durations in base64")
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Cells, E> {
        let cells = STANDARD_NO_PAD.decode(text).ok().and_then(|bytes| decode(&bytes));
        cells.ok_or_else(|| E::invalid_value(Unexpected::Str(text), &self))
    }
}

fn decode(mut bytes: &[u8]) -> Option<Cells> {
    let (mut cells, mut next): (_, u32) = (Cells::default(), 0);
    while !bytes.is_empty() {
        let word = varint::read(&mut bytes)?;
        let number = u32::try_from(word >> 1).ok().filter(|number| *number > 0)?;
        if word & 1 == 1 {
            next = next.checked_add(number)?;
        } else {
            cells.add(at_place(next)?, number);
            next += 1;
        }
    }
    Some(cells)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn latency(durations: impl IntoIterator<Item = u64>) -> Latency {
        let mut latency = Latency::default();
        durations.into_iter().for_each(|us| latency.record(us));
        latency
    }

    fn json(latency: &Latency) -> String {
        serde_json::to_string(&latency.cells).unwrap()
    }

    #[test]
    fn cells_are_those_of_the_histogram() {
        let all = empty();
        for us in (0..5_000).chain((5_000..MAX_US).step_by(997)).chain([MAX_US]) {
            assert_eq!(u64::from(least(us)), all.lowest_equivalent(us), "{us}");
            assert_eq!(at_place(place(least(us))), Some(least(us)), "{us}");
        }
    }

    #[test]
    fn few_answers_take_few_bytes() {
        assert_eq!(json(&latency([1234])), "\"tQgC\"");
        // Log-normal about 40 ms, as answers are: the spread of one ln unit is a heavy tail.
        let mut bits = 7_u64;
        let mut share = || {
            bits ^= bits << 13;
            bits ^= bits >> 7;
            bits ^= bits << 17;
            (bits >> 11) as f64 / (1_u64 << 53) as f64
        };
        let mut normal = || (0..12).map(|_| share()).sum::<f64>() - 6.0;
        let many = latency((0..20_000).map(|_| (libm::exp(normal()) * 40_000.0) as u64));
        assert!(matches!(many.cells, Cells::Many(_)));
        assert!((600..=1600).contains(&json(&many).len()), "{} bytes", json(&many).len());
    }

    #[test]
    fn what_is_longer_counts_as_the_longest() {
        let latency = latency([u64::MAX]);
        assert_eq!(latency.n(), 1);
        assert!(latency.cells_ms().all(|(ms, _)| ms <= 60_000.0 && ms > 59_000.0));
    }

    #[test]
    fn what_is_no_histogram_is_refused() {
        for text in ["!", "gA", "////////", "AA", "/////w8C"] {
            assert!(serde_json::from_value::<Cells>(text.into()).is_err(), "{text}");
        }
    }

    proptest! {
        #[test]
        fn it_reads_as_it_was_written_in_any_order(
            durations in prop::collection::vec((0..27_u32, any::<u64>()), 0..1_500),
            cut in any::<prop::sample::Index>(),
        ) {
            let durations: Vec<u64> =
                durations.into_iter().map(|(bits, us)| us & ((1 << bits) - 1)).collect();
            let whole = latency(durations.iter().copied());
            let text = serde_json::to_string(&whole).unwrap();
            prop_assert_eq!(&serde_json::from_str::<Latency>(&text).unwrap(), &whole);
            let (first, second) = durations.split_at(cut.index(durations.len() + 1));
            let mut merged = latency(second.iter().copied());
            merged.merge(&latency(first.iter().copied()));
            prop_assert_eq!(merged, whole);
        }
    }
}
