//! Files that survive a kill: written as a whole or not at all, by one writer at a time. Nothing
//! else in Ripcord opens a file to write it.
//!
//! Law: what is written is a new file, or one of Ripcord's own that is not truncated, and never
//! what a link leads to. New files are for their owner alone, and so are new folders. Owner and
//! mode are changed on a file just made, by its handle.

use std::fs::{self, DirBuilder, File, OpenOptions, TryLockError};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt, PermissionsExt, fchown};
use std::path::{Path, PathBuf};
use std::time::Duration;

use rustix::fs::OFlags;
use rustix::io::Errno;

use crate::config::{only_regular, read_regular};
use crate::edge::clock::Stopwatch;

/// How often a lock that another process holds is tried again.
const LOCK_EVERY: Duration = Duration::from_millis(10);
/// The mode of a new file.
const FILE_MODE: u32 = 0o600;
/// The mode of a new folder.
const FOLDER_MODE: u32 = 0o700;
/// The bits of a mode that are taken over: no set-user-id and no set-group-id.
const MODE_BITS: u32 = 0o777;

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

/// For errors that name the path themselves.
impl From<FileError> for io::Error {
    fn from(error: FileError) -> Self {
        error.source
    }
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
    match read_regular(path) {
        Ok(text) => Ok(Some(text)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(failed("read", path)(error)),
    }
}

/// Makes a folder and those above it, unless they exist.
pub(crate) fn make_folder(path: &Path) -> Result<(), FileError> {
    let made = DirBuilder::new().recursive(true).mode(FOLDER_MODE).create(path);
    made.map_err(failed("make the folder", path))
}

/// Opens one of Ripcord's own files, or makes it. What is in it stays, and what is written goes to
/// its end.
pub(crate) fn own(path: &Path) -> Result<File, FileError> {
    open_own(path, OpenOptions::new().append(true))
}

/// The same for a file whose bytes are replaced where they are.
pub(crate) fn own_to_rewrite(path: &Path) -> Result<File, FileError> {
    open_own(path, OpenOptions::new().write(true).truncate(false))
}

fn open_own(path: &Path, how: &mut OpenOptions) -> Result<File, FileError> {
    let said = |error| failed("open", path)(no_link(error));
    let made = how
        .read(true)
        .create(true)
        .mode(FILE_MODE)
        .custom_flags(flags(OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::NOCTTY))
        .open(path);
    let file = made.map_err(said)?;
    only_regular(&file.metadata().map_err(said)?).map_err(said)?;
    Ok(file)
}

/// Writes `text` to a new file next to `path`, with the permissions of `path` and, if this process
/// may set them, its owner and group. Call it under a lock only.
pub(crate) fn prepare(path: &Path, text: &str) -> Result<PathBuf, FileError> {
    prepare_as(path, text, beside(path, ".new"))
}

/// Writes the file that a person asked for at `path`, in the place of one that is there.
pub(crate) fn write(path: &Path, text: &str) -> Result<(), FileError> {
    let new = beside(path, &format!(".{}.new", std::process::id()));
    put(&prepare_as(path, text, new)?, path)
}

fn prepare_as(path: &Path, text: &str, new: PathBuf) -> Result<PathBuf, FileError> {
    let old = match fs::symlink_metadata(path) {
        Ok(old) => {
            only_regular(&old).map_err(failed("write", path))?;
            Some(old)
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => None,
        Err(error) => return Err(failed("write", path)(error)),
    };
    let mut file = fresh(&new)?;
    if let Some(old) = old {
        let [owner, group] = [Some(old.uid()), Some(old.gid())];
        // A group that one is in may be set by everybody, an owner by root alone.
        if fchown(&file, owner, group).is_err() {
            let _kept_as_far_as_allowed = fchown(&file, None, group);
        }
        let mode = fs::Permissions::from_mode(old.mode() & MODE_BITS);
        file.set_permissions(mode).map_err(failed("set permissions of", &new))?;
    }
    file.write_all(text.as_bytes()).map_err(failed("write", &new))?;
    file.sync_all().map_err(failed("sync", &new))?;
    Ok(new)
}

/// A new file under a name that is Ripcord's own: what a crash left there, or others put there, is
/// removed, and never written to.
fn fresh(path: &Path) -> Result<File, FileError> {
    let made = create_new(path);
    let made = match made {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
            match fs::symlink_metadata(path) {
                Ok(found) if found.is_dir() => {
                    only_regular(&found).map_err(failed("create", path))?
                }
                Ok(_) => fs::remove_file(path).map_err(failed("remove", path))?,
                // It has just gone.
                Err(_) => {}
            }
            create_new(path)
        }
        made => made,
    };
    made.map_err(failed("create", path))
}

fn create_new(path: &Path) -> io::Result<File> {
    OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(FILE_MODE)
        .custom_flags(flags(OFlags::NOFOLLOW))
        .open(path)
}

/// Gives the file at `path` a second name, which it keeps when it is replaced. A name that is
/// taken stays as it is.
pub(crate) fn keep_copy(path: &Path, copy: &Path) -> Result<(), FileError> {
    match fs::hard_link(path, copy) {
        Ok(()) => return Ok(()),
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => return Ok(()),
        // Some file systems have no links.
        Err(_) => {}
    }
    let text = read_regular(path).map_err(failed("read", path))?;
    let mut file = create_new(copy).map_err(failed("create", copy))?;
    file.write_all(text.as_bytes()).map_err(failed("write", copy))
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
    let file = own(path)?;
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

fn flags(flags: OFlags) -> i32 {
    flags.bits().cast_signed()
}

/// A link in the place of a file of Ripcord's own, in words.
fn no_link(error: io::Error) -> io::Error {
    let link = error.raw_os_error() == Some(Errno::LOOP.raw_os_error());
    let words = "it is a symbolic link, and Ripcord writes through none; remove the link";
    if link { io::Error::other(words) } else { error }
}

#[cfg(test)]
mod tests;
