//! The laws: each takes the files and returns its offenders, with what to do.

pub(crate) mod form;
pub(crate) mod house;
pub(crate) mod places;
pub(crate) mod purity;
pub(crate) mod rooms;
pub(crate) mod words;
pub(crate) mod writers;

use crate::text::File;

/// A law, read off the text.
pub(crate) type Law = fn(&[File]) -> Vec<String>;

/// The rooms in which the same input gives the same output.
const PURE: [&str; 9] =
    ["model", "sums", "measure", "judge", "undo", "shard", "router", "phrases", "show"];

fn rust<'a>(files: &'a [File], under: &'a str) -> impl Iterator<Item = &'a File> {
    files.iter().filter(move |file| file.is_rust() && file.path.starts_with(under))
}
