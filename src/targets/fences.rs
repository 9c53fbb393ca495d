//! Remembers the commands of a target, so that none is done twice and no outdated one is done.

use std::collections::BTreeMap;
use std::fs::File;
use std::path::PathBuf;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::edge::chain::chain;
use crate::edge::fence::{AcceptedCommands, Fence};
use crate::edge::files::{self, beside};
use crate::model::{Command, ModelId};

/// The fences of a target that cannot keep them itself: in a file, or in memory.
#[derive(Debug)]
pub(super) struct Fences {
    path: Option<PathBuf>,
    file: FenceFile,
}

#[derive(Debug, Default, Serialize, Deserialize)]
struct FenceFile {
    fences: BTreeMap<ModelId, AcceptedCommands>,
}

/// Held while a command is carried out, so that no other process carries one out.
#[derive(Debug)]
pub(super) struct FenceLock {
    _lock: Option<File>,
}

impl Fences {
    /// Kept at `path`, or in memory only.
    pub(super) fn new(path: Option<PathBuf>) -> Self {
        Self { path, file: FenceFile::default() }
    }

    /// Locks out other processes, after waiting at most `wait` for them, and reads the fences.
    pub(super) async fn hold(&mut self, wait: Duration) -> Result<FenceLock, String> {
        let Some(path) = self.path.clone() else { return Ok(FenceLock { _lock: None }) };
        let locked = tokio::task::spawn_blocking(move || {
            files::lock(&beside(&path, ".lock"), wait).map_err(|error| chain(&error))
        });
        let lock =
            locked.await.map_err(|error| format!("cannot lock the fence file: {error}"))??;
        self.read()?;
        Ok(FenceLock { _lock: Some(lock) })
    }

    /// Reads the file.
    pub(super) fn read(&mut self) -> Result<(), String> {
        let Some(path) = &self.path else { return Ok(()) };
        self.file = match files::read(path).map_err(|error| chain(&error))? {
            None => FenceFile::default(),
            Some(text) => serde_json::from_str(&text).map_err(|error| {
                let path = path.display();
                format!(
                    "{path} is not a fence file: {error}; restore it, or remove it to start again"
                )
            })?,
        };
        Ok(())
    }

    /// The fence of a command's model, read from the file.
    pub(super) fn fence(&mut self, command: &Command) -> Result<Fence, String> {
        self.read()?;
        Ok(self.of(&command.model).fence())
    }

    /// The commands accepted for `model`.
    pub(super) fn of(&self, model: &ModelId) -> AcceptedCommands {
        self.file.fences.get(model).cloned().unwrap_or_default()
    }

    /// Stores the commands accepted for `model`, if they changed. Needs the lock of [`Self::hold`].
    pub(super) fn keep(&mut self, model: &ModelId, taken: AcceptedCommands) -> Result<(), String> {
        if self.of(model) == taken {
            return Ok(());
        }
        self.file.fences.insert(model.clone(), taken);
        let Some(path) = &self.path else { return Ok(()) };
        let text = serde_json::to_string(&self.file).map_err(|error| error.to_string())?;
        files::prepare(path, &text)
            .and_then(|new| files::put(&new, path))
            .and_then(|()| files::sync_folder(path))
            .map_err(|error| chain(&error))
    }
}
