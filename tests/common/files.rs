//! Recordings: in the tree, or next to it where they may not be shipped.

use std::io::Read as _;
use std::path::{Path, PathBuf};

use flate2::read::GzDecoder;

use super::skip::{absent, skipped};

/// A file of the tree.
pub fn in_tree(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
}

/// A file next to the tree, in `$RIPCORD_SHARED_DATA` or `../shared/data`; where it is
/// not, this says so and the test is to end. Nothing installs these recordings, so a clone without
/// the folder lacks none of what it could have.
pub fn shared(name: &str) -> Option<PathBuf> {
    let folder = std::env::var_os("RIPCORD_SHARED_DATA").map(PathBuf::from);
    let path = folder.unwrap_or_else(|| in_tree("../shared/data")).join(name);
    if path.exists() {
        return Some(path);
    }
    let what = format!(
        "{} is not there; set RIPCORD_SHARED_DATA to the folder that holds {name}",
        path.display()
    );
    if path.parent().is_some_and(Path::exists) {
        skipped(&what)
    } else {
        absent(&what)
    }
    None
}

/// The lines of a gzipped file.
pub fn lines(path: &Path) -> Vec<String> {
    let mut text = String::new();
    let file = std::fs::File::open(path).unwrap();
    GzDecoder::new(file).read_to_string(&mut text).unwrap();
    text.lines().map(str::to_owned).collect()
}
