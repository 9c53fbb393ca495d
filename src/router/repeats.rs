//! Ids of requests that are not of one request.
//!
//! An id joins an answer to its outcome, so each may be used once. Some clients send the same one
//! with everything; then all their predictions but the first would count as duplicates, and if the
//! id also decides who answers, one version would answer them all.
//!
//! Memory has a bound. With n counters, an id that more than one request in n + 1 has keeps its
//! counter (Misra and Gries, 1982), however many other ids there are.

use std::collections::{BTreeMap, BTreeSet};

/// Ids that are counted at once.
const COUNTED: usize = 1024;
/// So often an id comes before it says nothing: more often than anybody retries.
const CONSTANT: u32 = 20;
/// Ids that are known to say nothing.
const KNOWN: usize = 1024;

/// What an id is worth.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum IdUse {
    /// As far as is known, it is of one request.
    Single,
    /// Many requests had it before.
    Constant,
    /// The same, and it is the first such id.
    FirstConstant,
}

/// Counts ids.
#[derive(Debug, Default)]
pub struct IdRepeats {
    counts: BTreeMap<u64, u32>,
    constant: BTreeSet<u64>,
}

impl IdRepeats {
    /// A request came with an id of this hash.
    pub fn seen(&mut self, id: u64) -> IdUse {
        if self.constant.contains(&id) {
            return IdUse::Constant;
        }
        if let Some(count) = self.counts.get_mut(&id) {
            *count += 1;
            if *count < CONSTANT || self.constant.len() >= KNOWN {
                return IdUse::Single;
            }
            self.counts.remove(&id);
            self.constant.insert(id);
            return match self.constant.len() {
                1 => IdUse::FirstConstant,
                _ => IdUse::Constant,
            };
        }
        if self.counts.len() < COUNTED {
            self.counts.insert(id, 1);
        } else {
            self.counts.retain(|_, count| {
                *count -= 1;
                *count > 0
            });
        }
        IdUse::Single
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_that_comes_again_and_again_is_found_among_many_and_the_others_stay() {
        let mut repeats = IdRepeats::default();
        let mut said = Vec::new();
        for nth in 0..100_000_u64 {
            assert_eq!(repeats.seen(nth + 10), IdUse::Single);
            if nth % 100 == 0 {
                said.push(repeats.seen(7));
            }
        }
        let first = said.iter().position(|of| *of == IdUse::FirstConstant).unwrap();
        assert!(said[..first].iter().all(|of| *of == IdUse::Single));
        assert!(said[first + 1..].iter().all(|of| *of == IdUse::Constant));
        // Every thousand unique ids cost it one of its ten counts.
        assert!((19..30).contains(&first), "{first}");
        assert!(repeats.counts.len() <= COUNTED);
    }

    #[test]
    fn retries_are_no_constant_and_the_second_constant_is_not_the_first() {
        let mut repeats = IdRepeats::default();
        for _ in 1..CONSTANT {
            assert_eq!(repeats.seen(1), IdUse::Single);
            assert_eq!(repeats.seen(2), IdUse::Single);
        }
        assert_eq!(repeats.seen(1), IdUse::FirstConstant);
        assert_eq!(repeats.seen(2), IdUse::Constant);
        assert_eq!(repeats.seen(3), IdUse::Single);
    }
}
