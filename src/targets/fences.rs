//! What a target remembers of its commands, so that none is done twice and no old one is done.

use std::collections::BTreeMap;
use std::fs::File;
use std::path::PathBuf;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::durable::{self, beside};
use super::{Fence, told};
use crate::model::{Command, ModelId};

/// Commands of one generation that are remembered beside the newest.
const EARLIER: usize = 50;

/// The commands that a target took for one model.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct Taken {
    /// The newest generation seen.
    pub(crate) generation: u64,
    /// The newest command of this generation that is done.
    pub(crate) command: Option<String>,
    /// The commands of it that were done before.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) earlier: Vec<String>,
}

/// What a target knows of a command.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Known {
    /// A newer generation was seen.
    Older,
    /// This very command is done.
    Done,
    /// Nothing.
    New,
}

impl Taken {
    /// What is known of `command`.
    pub(super) fn knows(&self, command: &Command) -> Known {
        let id = command.id.as_str();
        if command.generation < self.generation {
            Known::Older
        } else if self.command.as_deref() == Some(id) || self.earlier.iter().any(|e| e == id) {
            Known::Done
        } else {
            Known::New
        }
    }

    /// Notes the generation of `command`, which is not older; in a new one nothing is done yet.
    pub(super) fn raise(&mut self, command: &Command) {
        if command.generation > self.generation {
            *self = Self { generation: command.generation, ..Self::default() };
        }
    }

    /// Notes that `command` is done.
    pub(super) fn take(&mut self, command: &Command) {
        self.raise(command);
        self.done(command);
    }

    fn done(&mut self, command: &Command) {
        if let Some(last) = self.command.replace(command.id.as_str().to_owned()) {
            self.earlier.push(last);
            let surplus = self.earlier.len().saturating_sub(EARLIER);
            self.earlier.drain(..surplus);
        }
    }

    /// Whether `command` is done, of whichever generation it is: for what moves nothing.
    pub(super) fn has(&self, command: &Command) -> bool {
        let done = self.command.iter().chain(&self.earlier);
        done.into_iter().any(|id| id == command.id.as_str())
    }

    /// Notes that `command` is done, of whichever generation it is, and forgets none for it.
    pub(super) fn add(&mut self, command: &Command) {
        self.generation = self.generation.max(command.generation);
        self.done(command);
    }

    /// As the trait says it.
    pub(super) fn fence(&self) -> Fence {
        Fence { generation: self.generation, command: self.command.clone() }
    }

    /// Why a command of an older generation is refused.
    pub(super) fn too_old(&self, command: &Command) -> String {
        format!(
            "generation {} of {} is over, {} was seen; nothing was done",
            command.generation, command.model, self.generation
        )
    }
}

/// The fences of a target that can keep none itself: in a file, or for as long as it runs.
#[derive(Debug)]
pub(super) struct Fences {
    path: Option<PathBuf>,
    file: FenceFile,
}

#[derive(Debug, Default, Serialize, Deserialize)]
struct FenceFile {
    fences: BTreeMap<ModelId, Taken>,
}

/// Held while a command is worked on; in this time no other process works on one.
#[derive(Debug)]
pub(super) struct Held {
    _lock: Option<File>,
}

impl Fences {
    /// Kept at `path`, or in memory only.
    pub(super) fn new(path: Option<PathBuf>) -> Self {
        Self { path, file: FenceFile::default() }
    }

    /// Keeps other processes out, and reads what they left. Waits at most `wait` for them.
    pub(super) async fn hold(&mut self, wait: Duration) -> Result<Held, String> {
        let Some(path) = self.path.clone() else { return Ok(Held { _lock: None }) };
        let locked = tokio::task::spawn_blocking(move || {
            durable::lock(&beside(&path, ".lock"), wait).map_err(|error| told(&error))
        });
        let lock = locked.await.map_err(|error| format!("the lock was not taken: {error}"))??;
        self.read()?;
        Ok(Held { _lock: Some(lock) })
    }

    /// Reads what stands in the file.
    pub(super) fn read(&mut self) -> Result<(), String> {
        let Some(path) = &self.path else { return Ok(()) };
        self.file = match durable::read(path).map_err(|error| told(&error))? {
            None => FenceFile::default(),
            Some(text) => serde_json::from_str(&text).map_err(|error| {
                let path = path.display();
                format!("{path} holds no fences: {error}; restore it, or remove it to start anew")
            })?,
        };
        Ok(())
    }

    /// What stands in the file about a command's model, as the trait says it.
    pub(super) fn fence(&mut self, command: &Command) -> Result<Fence, String> {
        self.read()?;
        Ok(self.of(&command.model).fence())
    }

    /// What was taken for `model`.
    pub(super) fn of(&self, model: &ModelId) -> Taken {
        self.file.fences.get(model).cloned().unwrap_or_default()
    }

    /// Writes down what was taken for `model`, if that is news. Under [`Self::hold`] only.
    pub(super) fn keep(&mut self, model: &ModelId, taken: Taken) -> Result<(), String> {
        if self.of(model) == taken {
            return Ok(());
        }
        self.file.fences.insert(model.clone(), taken);
        let Some(path) = &self.path else { return Ok(()) };
        let text = serde_json::to_string(&self.file).map_err(|error| error.to_string())?;
        durable::prepare(path, &text)
            .and_then(|new| durable::put(&new, path))
            .and_then(|()| durable::sync_folder(path))
            .map_err(|error| told(&error))
    }
}
