//! A position that is wanted, and that the log no longer has.

/// Why it is not there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Missing {
    /// It lies before the first record: what was there is deleted.
    Deleted,
    /// It lies behind the end: the partition was created again, or lost its last records.
    BehindEnd,
}

/// A position outside of a partition, and where the partition begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Gap {
    /// The position that was wanted next.
    pub from: i64,
    /// The first position that is there: reading goes on here.
    pub to: i64,
    /// Why.
    pub missing: Missing,
}

impl Gap {
    /// The gap that a reader at `wanted` is in; `None` if it is inside of the bounds.
    #[must_use]
    pub fn at(wanted: i64, (first, end): (i64, i64)) -> Option<Self> {
        let missing = match wanted {
            _ if wanted < first => Missing::Deleted,
            _ if wanted > end => Missing::BehindEnd,
            _ => return None,
        };
        Some(Self { from: wanted, to: first, missing })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_lies_outside_is_gone() {
        use Missing::{BehindEnd, Deleted};
        for (wanted, bounds, expected) in [
            (0, (0, 0), None),
            (5, (5, 9), None),
            (9, (5, 9), None),
            (4, (5, 9), Some((5, Deleted))),
            (0, (9, 9), Some((9, Deleted))),
            (10, (5, 9), Some((5, BehindEnd))),
            (1, (0, 0), Some((0, BehindEnd))),
        ] {
            let found = Gap::at(wanted, bounds).map(|gap| (gap.to, gap.missing));
            assert_eq!(found, expected, "{wanted} in {bounds:?}");
        }
    }
}
