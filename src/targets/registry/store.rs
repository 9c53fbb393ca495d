//! The files of a registry: itself, the side file of a plain list, its lock, its last copies.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::time::Duration;

use chrono::DateTime;

use super::artifact::{Stamp, stamp};
use super::document::Rendered;
use crate::config::{in_words, read_regular};
use crate::edge::clock::{Clock, SystemClock};
use crate::edge::files::{self, FileError, beside, failed};

/// How many earlier copies are kept.
const COPIES: usize = 20;
/// How long to wait for another writer.
const LOCK_WAIT: Duration = Duration::from_secs(10);

/// Where the files of a registry are.
#[derive(Debug, Clone)]
pub(super) struct Store {
    path: PathBuf,
}

/// The content of the files: the registry and the side text of a plain list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Texts {
    pub(super) main: String,
    pub(super) side: Option<String>,
}

/// The result of a write.
#[derive(Debug)]
pub(super) enum WriteResult {
    /// Written.
    Done,
    /// Not written: a program that does not take the lock wrote in between.
    Overtaken,
    /// Not written.
    Failed(FileError),
    /// The registry is replaced; whether the rest is done is unknown.
    Half(FileError),
}

impl Store {
    /// The registry at `path`; links are followed.
    pub(super) fn open(path: &Path) -> Result<Self, FileError> {
        let found = fs::canonicalize(path).map_err(in_words);
        let path = found.map_err(failed("find the registry", path))?;
        Ok(Self { path })
    }

    pub(super) fn folder(&self) -> &Path {
        files::folder(&self.path)
    }

    fn side(&self) -> PathBuf {
        beside(&self.path, ".ripcord")
    }

    /// Keeps other writers out for as long as the file lives.
    pub(super) fn lock(&self) -> Result<File, FileError> {
        files::lock(&beside(&self.path, ".lock"), LOCK_WAIT)
    }

    pub(super) fn read(&self) -> Result<Texts, FileError> {
        let main = read_regular(&self.path).map_err(failed("read", &self.path))?;
        Ok(Texts { main, side: files::read(&self.side())? })
    }

    /// Differs when the registry has changed.
    pub(super) fn stamp(&self) -> Option<Stamp> {
        fs::metadata(&self.path).ok().map(|metadata| stamp(&metadata))
    }

    /// Replaces `old` with `new`, unless `old` has changed. `revision` is that of `old`. Needs the
    /// lock.
    pub(super) fn write(&self, old: &Texts, new: &Rendered, revision: u64) -> WriteResult {
        match self.replace(old, new, revision) {
            Ok(false) => return WriteResult::Overtaken,
            Ok(true) => {}
            Err(error) => return WriteResult::Failed(error),
        }
        match self.settle(new) {
            Ok(()) => WriteResult::Done,
            Err(error) => WriteResult::Half(error),
        }
    }

    fn replace(&self, old: &Texts, new: &Rendered, revision: u64) -> Result<bool, FileError> {
        if new.main == old.main {
            return Ok(true);
        }
        let prepared = files::prepare(&self.path, &new.main)?;
        let now = self.read()?;
        if now != *old {
            fs::remove_file(&prepared).map_err(failed("remove", &prepared))?;
            return Ok(false);
        }
        self.keep_copy(revision)?;
        files::put(&prepared, &self.path)?;
        Ok(true)
    }

    /// The fences follow the registry: after a crash in between, the repeated command finds its
    /// work done.
    fn settle(&self, new: &Rendered) -> Result<(), FileError> {
        if let Some(side) = &new.side {
            let path = self.side();
            files::put(&files::prepare(&path, side)?, &path)?;
        }
        files::sync_folder(&self.path)?;
        self.drop_copies()
    }

    /// Gives the current file a second name, which it keeps when it is replaced.
    fn keep_copy(&self, revision: u64) -> Result<(), FileError> {
        let time = DateTime::from_timestamp_millis(SystemClock.now().as_ms()).unwrap_or_default();
        let name = format!(".{}.{revision}", time.format("%Y%m%dT%H%M%SZ"));
        files::keep_copy(&self.path, &beside(&self.path, &name))
    }

    fn drop_copies(&self) -> Result<(), FileError> {
        let mut copies = self.copies()?;
        copies.sort_unstable();
        copies.truncate(copies.len().saturating_sub(COPIES));
        for (_, _, copy) in copies {
            fs::remove_file(&copy).map_err(failed("remove", &copy))?;
        }
        Ok(())
    }

    /// Earlier copies: when, of which revision, where.
    fn copies(&self) -> Result<Vec<(String, u64, PathBuf)>, FileError> {
        let folder = self.folder();
        let prefix = self.path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let mut copies = Vec::new();
        for file in fs::read_dir(folder).map_err(failed("list", folder))? {
            let file = file.map_err(failed("list", folder))?;
            let name = file.file_name().to_string_lossy().into_owned();
            let suffix = name.strip_prefix(&prefix).and_then(|rest| rest.strip_prefix('.'));
            if let Some((time, revision)) = suffix.and_then(|suffix| suffix.split_once('.'))
                && is_time(time)
                && let Ok(revision) = revision.parse()
            {
                copies.push((time.to_owned(), revision, file.path()));
            }
        }
        Ok(copies)
    }
}

/// As in the names of copies: `20130624T090000Z`.
fn is_time(text: &str) -> bool {
    text.len() == 16
        && text.bytes().enumerate().all(|(at, byte)| match at {
            8 => byte == b'T',
            15 => byte == b'Z',
            _ => byte.is_ascii_digit(),
        })
}
