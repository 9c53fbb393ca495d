//! Checks that the files of a version exist and have the right hash.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::fs::{self, Metadata};
use std::io::{self, Read};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};

use super::entry::Entry;
use crate::config::{in_words, only_regular, open_regular};

/// Checks artifacts. A file is hashed again only after it has changed.
#[derive(Debug, Clone)]
pub(super) struct Artifacts {
    folder: PathBuf,
    hashes: BTreeMap<PathBuf, (Stamp, String)>,
}

/// Differs when a file was replaced or changed: its inode, length and time of last change.
pub(super) type Stamp = (u64, u64, i64, i64);

pub(super) fn stamp(metadata: &Metadata) -> Stamp {
    (metadata.ino(), metadata.len(), metadata.ctime(), metadata.ctime_nsec())
}

impl Artifacts {
    /// Checks files named relative to `folder`.
    pub(super) fn in_folder(folder: PathBuf) -> Self {
        Self { folder, hashes: BTreeMap::new() }
    }

    /// Whether the files are present; `None` if the entry names no file that is visible from here.
    pub(super) fn present(&mut self, entry: &Entry) -> Option<bool> {
        match self.check(entry) {
            Ok(seen) => seen.then_some(true),
            Err(_) => Some(false),
        }
    }

    /// Checks the files; `false` if there was nothing to check.
    ///
    /// # Errors
    /// The reason why they cannot be served.
    pub(super) fn check(&mut self, entry: &Entry) -> Result<bool, String> {
        let Some(name) = entry.path.as_deref().filter(|name| !name.contains("://")) else {
            return Ok(false);
        };
        let path = self.folder.join(name);
        let shown = path.display();
        let metadata = fs::metadata(&path).map_err(in_words);
        let metadata = metadata.map_err(|error| format!("its file {shown}: {error}"))?;
        if !metadata.is_dir() {
            only_regular(&metadata).map_err(|error| format!("its file {shown}: {error}"))?;
        }
        let Some(wanted) = entry.sha256.as_ref().filter(|_| metadata.is_file()) else {
            return Ok(true);
        };
        let found = self.hash(&path, stamp(&metadata));
        let found = found.map_err(|error| format!("its file {shown}: {error}"))?;
        if found == *wanted {
            return Ok(true);
        }
        Err(format!("its file {shown} has the SHA-256 {found}, but the registry says {wanted}"))
    }

    fn hash(&mut self, path: &Path, stamp: Stamp) -> io::Result<String> {
        match self.hashes.get(path) {
            Some((then, hash)) if *then == stamp => return Ok(hash.clone()),
            Some(_) | None => {}
        }
        let hash = hash(path)?;
        self.hashes.insert(path.to_owned(), (stamp, hash.clone()));
        Ok(hash)
    }
}

fn hash(path: &Path) -> io::Result<String> {
    let mut file = open_regular(path)?;
    let mut hasher = Sha256::new();
    let mut buffer = vec![0; 64 * 1024];
    loop {
        let n = file.read(&mut buffer)?;
        let Some(read) = buffer.get(..n).filter(|read| !read.is_empty()) else { break };
        hasher.update(read);
    }
    Ok(hasher.finalize().iter().fold(String::new(), |mut hex, byte| {
        // Writing to a string cannot fail.
        let _infallible = write!(hex, "{byte:02x}");
        hex
    }))
}
