//! Checks single values while the conversion goes on, and keeps what is wrong.

use std::ops::RangeInclusive;

use super::problem::{ConfigProblem, Path};
use super::tree::Tree;
use crate::model::{NameError, Span};

/// Units of time, in milliseconds.
pub(super) const SECOND: u64 = 1000;
pub(super) const MINUTE: u64 = 60 * SECOND;
pub(super) const HOUR: u64 = 60 * MINUTE;
pub(super) const DAY: u64 = 24 * HOUR;

/// Checks a setting under the name that it has in both places, the raw struct and the file:
/// `checked!(check.span, at, raw.poll_seconds, SECOND, 1..=3600)`.
macro_rules! checked {
    ($check:ident.$kind:ident, $at:expr, $raw:ident.$key:ident $(, $more:expr)*) => {
        $check.$kind(&$at.key(stringify!($key)), $raw.$key $(, $more)*)
    };
}
pub(super) use checked;

/// Keeps what is wrong. After a problem the conversion goes on with any value; none gets out.
#[derive(Debug)]
pub(super) struct Checker<'a> {
    tree: &'a Tree,
    problems: Vec<ConfigProblem>,
}

impl<'a> Checker<'a> {
    /// Goes on from the problems found so far.
    pub(super) fn new(tree: &'a Tree, problems: Vec<ConfigProblem>) -> Self {
        Self { tree, problems }
    }

    /// All that was wrong, each once, by path.
    pub(super) fn into_problems(self) -> Vec<ConfigProblem> {
        let mut problems = self.problems;
        problems.sort();
        problems.dedup();
        problems
    }

    /// The value at `path` is impossible.
    pub(super) fn refuse(&mut self, path: &Path, would_do: impl Into<String>) {
        self.problems.push(self.tree.problem(path, would_do));
    }

    /// Whether a file or a variable says it, not only the default.
    pub(super) fn said(&self, path: &Path) -> bool {
        self.tree.said_by(path).is_some()
    }

    /// A whole number.
    pub(super) fn count(&mut self, path: &Path, n: u64, range: RangeInclusive<u64>) -> u64 {
        if !range.contains(&n) {
            let (low, high) = range.into_inner();
            self.refuse(path, format!("it lies between {low} and {high}"));
        }
        n
    }

    /// A whole number that fits into 32 bits.
    pub(super) fn small(&mut self, path: &Path, n: u64, range: RangeInclusive<u64>) -> u32 {
        u32::try_from(self.count(path, n, range)).unwrap_or(u32::MAX)
    }

    /// A whole number that counts things in memory.
    pub(super) fn size(&mut self, path: &Path, n: u64, range: RangeInclusive<u64>) -> usize {
        usize::try_from(self.count(path, n, range)).unwrap_or(usize::MAX)
    }

    /// `n` units of time.
    pub(super) fn span(
        &mut self,
        path: &Path,
        n: u64,
        unit: u64,
        range: RangeInclusive<u64>,
    ) -> Span {
        let ms = self.count(path, n, range).saturating_mul(unit);
        Span::from_ms(i64::try_from(ms).unwrap_or(i64::MAX))
    }

    /// A number from `low` on, or above it if `strict`, up to `high`.
    pub(super) fn number(&mut self, path: &Path, x: f64, within: &Within) -> f64 {
        let enough = if within.above { x > within.low } else { x >= within.low };
        if !(enough && x <= within.high) {
            let Within { what, low, high, above } = within;
            let range = match above {
                true => format!("is above {low} and at most {high}"),
                false => format!("lies between {low} and {high}"),
            };
            self.refuse(path, format!("{what} {range}"));
        }
        x
    }

    /// Part of a whole, given in percent.
    pub(super) fn percent(&mut self, path: &Path, x: f64) -> f64 {
        self.number(path, x, &Within::new("a percentage", 0.0, 100.0)) / 100.0
    }

    /// A name; none: it is refused.
    pub(super) fn name<T>(
        &mut self,
        path: &Path,
        text: &str,
        new: impl Fn(&str) -> Result<T, NameError>,
    ) -> Option<T> {
        new(text).map_err(|why| self.refuse(path, why.to_string())).ok()
    }

    /// A text with something in it.
    pub(super) fn text(&mut self, path: &Path, text: &str, what: &str) -> String {
        if text.trim().is_empty() {
            self.refuse(path, format!("it is empty; give {what}"));
        }
        text.to_owned()
    }
}

/// The numbers that are possible.
#[derive(Debug, Clone, Copy)]
pub(super) struct Within {
    what: &'static str,
    low: f64,
    high: f64,
    above: bool,
}

impl Within {
    /// From `low` to `high`, both included.
    pub(super) fn new(what: &'static str, low: f64, high: f64) -> Self {
        Self { what, low, high, above: false }
    }

    /// The lower end excluded.
    pub(super) fn above(self) -> Self {
        Self { above: true, ..self }
    }
}
