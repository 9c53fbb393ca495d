//! What a target remembers of its commands, so that none runs twice and no outdated one runs.

use serde::{Deserialize, Serialize};

use crate::model::Command;

/// How many commands of one generation are remembered besides the newest.
const EARLIER: usize = 50;

/// The commands that a target took for one model.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct AcceptedCommands {
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
pub(crate) enum CommandAge {
    /// A newer generation was seen.
    Older,
    /// This very command is done.
    Done,
    /// Nothing.
    New,
}

impl AcceptedCommands {
    /// What is known of `command`.
    pub(crate) fn knows(&self, command: &Command) -> CommandAge {
        let id = command.id.as_str();
        if command.generation < self.generation {
            CommandAge::Older
        } else if self.command.as_deref() == Some(id) || self.earlier.iter().any(|e| e == id) {
            CommandAge::Done
        } else {
            CommandAge::New
        }
    }

    /// Notes the generation of `command`, which is not older; in a new one nothing is done yet.
    pub(crate) fn raise(&mut self, command: &Command) {
        if command.generation > self.generation {
            *self = Self { generation: command.generation, ..Self::default() };
        }
    }

    /// Notes that `command` is done.
    pub(crate) fn take(&mut self, command: &Command) {
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
    pub(crate) fn has(&self, command: &Command) -> bool {
        let done = self.command.iter().chain(&self.earlier);
        done.into_iter().any(|id| id == command.id.as_str())
    }

    /// Notes that `command` is done, of whichever generation it is, and forgets none for it.
    pub(crate) fn add(&mut self, command: &Command) {
        self.generation = self.generation.max(command.generation);
        self.done(command);
    }

    /// As the trait says it.
    pub(crate) fn fence(&self) -> Fence {
        Fence { generation: self.generation, command: self.command.clone() }
    }

    /// Why a command of an older generation is refused.
    pub(crate) fn too_old(&self, command: &Command) -> String {
        format!(
            "generation {} of {} is outdated, {} was seen; nothing was done",
            command.generation, command.model, self.generation
        )
    }
}

/// The last command that a target took for a model.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Fence {
    /// The newest generation seen.
    pub generation: u64,
    /// The newest command done.
    pub command: Option<String>,
}
