//! Files that survive a kill: written as a whole or not at all, by one writer at a time.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, Write};
use std::os::unix::fs::{MetadataExt, fchown};
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::edge::clock::Stopwatch;

/// How often a lock that another process holds is tried again.
const LOCK_EVERY: Duration = Duration::from_millis(10);

/// What a file operation tried, and why that failed.
#[derive(Debug, thiserror::Error)]
#[error("cannot {doing} {}", path.display())]
pub struct FileError {
    /// What was tried: `write`.
    doing: &'static str,
    /// On which path.
    path: PathBuf,
    /// Why that failed.
    #[source]
    source: io::Error,
}

/// Adds what was tried to an I/O error.
pub(crate) fn failed(doing: &'static str, path: &Path) -> impl FnOnce(io::Error) -> FileError {
    let path = path.to_owned();
    move |source| FileError { doing, path, source }
}

/// `path` with `suffix` after its whole name.
pub(crate) fn beside(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    PathBuf::from(name)
}

/// The text of a file; `None` if it does not exist.
pub(crate) fn read(path: &Path) -> Result<Option<String>, FileError> {
    match fs::read_to_string(path) {
        Ok(text) => Ok(Some(text)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(failed("read", path)(error)),
    }
}

/// Writes `text` to a new file next to `path`, with the permissions of `path` and, if this process
/// may set them, its owner and group. Call it under a lock only.
pub(crate) fn prepare(path: &Path, text: &str) -> Result<PathBuf, FileError> {
    let new = beside(path, ".new");
    let mut file = File::create(&new).map_err(failed("create", &new))?;
    if let Ok(old) = fs::metadata(path) {
        let [owner, group] = [Some(old.uid()), Some(old.gid())];
        // A group that one is in may be set by everybody, an owner by root alone.
        if fchown(&file, owner, group).is_err() {
            let _kept_as_far_as_allowed = fchown(&file, None, group);
        }
        file.set_permissions(old.permissions()).map_err(failed("set permissions of", &new))?;
    }
    file.write_all(text.as_bytes()).map_err(failed("write", &new))?;
    file.sync_all().map_err(failed("sync", &new))?;
    Ok(new)
}

/// Puts a prepared file in the place of `path`.
pub(crate) fn put(new: &Path, path: &Path) -> Result<(), FileError> {
    fs::rename(new, path).map_err(failed("replace", path))
}

/// Makes renames in the folder of `path` last.
pub(crate) fn sync_folder(path: &Path) -> Result<(), FileError> {
    let folder = folder(path);
    File::open(folder).and_then(|open| open.sync_all()).map_err(failed("sync", folder))
}

/// The folder that holds `path`.
pub(crate) fn folder(path: &Path) -> &Path {
    match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        Some(_) | None => Path::new("."),
    }
}

/// Locks `path`, which is made and stays; the lock goes with the file. Waits at most `wait`.
pub(crate) fn lock(path: &Path, wait: Duration) -> Result<File, FileError> {
    let file = OpenOptions::new()
        .create(true)
        .truncate(false)
        .write(true)
        .open(path)
        .map_err(failed("open the lock", path))?;
    let since = Stopwatch::start();
    loop {
        match file.try_lock() {
            Ok(()) => return Ok(file),
            Err(TryLockError::Error(error)) => return Err(failed("lock", path)(error)),
            Err(TryLockError::WouldBlock) => {}
        }
        if u128::try_from(since.elapsed().as_ms()).unwrap_or(0) >= wait.as_millis() {
            let held =
                format!("another process has held it for {} s; stop that process", wait.as_secs());
            return Err(failed("lock", path)(io::Error::new(io::ErrorKind::TimedOut, held)));
        }
        std::thread::sleep(LOCK_EVERY);
    }
}
