//! Checks single values during the conversion and collects the problems.

use std::ops::RangeInclusive;

use super::file::{ExposedFile, read_secret};
use super::problem::{ConfigProblem, Path};
use super::secret::{NO_PATH, is_usual_path};
use super::tree::Tree;
use super::units;
use crate::model::{NameError, Span};

/// Checks a setting whose key has the same name in the raw struct and in the file:
/// `checked!(check.span, at, raw.poll_seconds, SECOND, 1..=3600)`.
macro_rules! checked {
    ($check:ident.$kind:ident, $at:expr, $raw:ident.$key:ident $(, $more:expr)*) => {
        $check.$kind(&$at.key(stringify!($key)), $raw.$key $(, $more)*)
    };
}
pub(super) use checked;

/// Collects problems. The conversion continues after a problem with any value, since the result
/// is then not used.
#[derive(Debug)]
pub(super) struct Checker<'a> {
    tree: &'a Tree,
    problems: Vec<ConfigProblem>,
    exposed: Vec<ExposedFile>,
}

impl<'a> Checker<'a> {
    /// Starts with the problems found so far.
    pub(super) fn new(tree: &'a Tree, problems: Vec<ConfigProblem>) -> Self {
        Self { tree, problems, exposed: Vec::new() }
    }

    /// All problems, each once, sorted by path.
    pub(super) fn into_problems(self) -> Vec<ConfigProblem> {
        let mut problems = self.problems;
        problems.sort();
        problems.dedup();
        problems
    }

    /// Adds a problem with the value at `path`.
    pub(super) fn refuse(&mut self, path: &Path, why: impl Into<String>) {
        self.problems.push(self.tree.problem(path, why));
    }

    /// The text of a file with a secret. `None` if it is refused.
    pub(super) fn secret_file(&mut self, path: &Path, file: &str) -> Option<String> {
        match read_secret(file.as_ref()) {
            Ok((text, exposed)) => {
                if exposed {
                    let setting = path.to_string();
                    self.exposed.push(ExposedFile { setting, file: file.into() });
                }
                Some(text)
            }
            Err(_) if !is_usual_path(file) => {
                self.refuse(path, NO_PATH);
                None
            }
            Err(why) => {
                self.refuse(path, format!("cannot be read: {why}"));
                None
            }
        }
    }

    /// The files with secrets that every user may read, found so far.
    pub(super) fn exposed(&mut self) -> Vec<ExposedFile> {
        std::mem::take(&mut self.exposed)
    }

    /// Whether a file or a variable sets it; a default does not count.
    pub(super) fn is_set(&self, path: &Path) -> bool {
        self.tree.set_by(path).is_some()
    }

    /// A whole number.
    pub(super) fn count(&mut self, path: &Path, n: u64, range: RangeInclusive<u64>) -> u64 {
        if !range.contains(&n) {
            let (low, high) = range.into_inner();
            self.refuse(path, format!("must be between {low} and {high}"));
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
        units::span(self.count(path, n, range), unit)
    }

    /// A percentage, as a share of 1.
    pub(super) fn percent(&mut self, path: &Path, x: f64) -> f64 {
        if !(0.0..=100.0).contains(&x) {
            self.refuse(path, "must be between 0 and 100 %");
        }
        x / 100.0
    }

    /// A name. `None` if it is refused.
    pub(super) fn name<T>(
        &mut self,
        path: &Path,
        text: &str,
        new: impl Fn(&str) -> Result<T, NameError>,
    ) -> Option<T> {
        new(text).map_err(|why| self.refuse(path, why.to_string())).ok()
    }

    /// A text that must not be empty; `what` it should be.
    pub(super) fn text(&mut self, path: &Path, text: &str, what: &str) -> String {
        if text.trim().is_empty() {
            self.refuse(path, format!("must not be empty; give {what}"));
        }
        text.to_owned()
    }
}
