//! Applies a command to a registry. Pure: a document in, a document out.

use super::document::Document;
use super::entry::{BASELINES, Entry};
use super::error::DocumentError;
use super::json::{JsonMembers, LiteralJson};
use crate::edge::fence::CommandAge;
use crate::model::{Baselines, Command, ModelId, StepResult, VersionId, Want};

/// The result of a command.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Applied {
    pub(super) outcome: StepResult,
    pub(super) detail: String,
    /// The document changed and must be written.
    pub(super) changed: bool,
}

impl Applied {
    fn unchanged(outcome: StepResult, detail: String) -> Self {
        Self { outcome, detail, changed: false }
    }
}

impl Document {
    /// Makes the wanted state true, or finds that it already is. `place` names the document for
    /// people; `usable` says why the files of a version cannot be served.
    pub(super) fn apply(
        &mut self,
        place: &str,
        command: &Command,
        usable: &mut dyn FnMut(&Entry) -> Result<(), String>,
    ) -> Applied {
        let Want::Production { version, instead_of } = &command.want else {
            let detail =
                format!("{place} is a registry and cannot deliver notices; nothing was done");
            return Applied::unchanged(StepResult::Failed, detail);
        };
        let model = &command.model;
        let failed = |detail| Applied::unchanged(StepResult::Failed, detail);
        let live = match self.production(model) {
            Ok(live) => live.map(|entry| entry.version.clone()),
            Err(error) => return failed(format!("{place}: {error}")),
        };
        let now = live.as_ref().map_or("no version".to_owned(), ToString::to_string);
        match self.taken(model).knows(command) {
            CommandAge::Older => {
                let detail = format!("{place}: {}", self.taken(model).too_old(command));
                return Applied::unchanged(StepResult::Refused, detail);
            }
            CommandAge::Done if live.as_ref() == Some(version) => {
                let detail =
                    format!("{model} is {version} in {place}; this command was already done");
                return Applied::unchanged(StepResult::Done, detail);
            }
            CommandAge::Done => {
                return failed(format!(
                    "this command made {version} the production version of {model} in {place}, \
                     but others have since changed it to {now}; nothing was done"
                ));
            }
            CommandAge::New => {}
        }
        if live.as_ref() == Some(version) {
            self.keep_fence(command);
            let detail = format!("{model} is already {version} in {place}");
            return Applied { outcome: StepResult::Done, detail, changed: true };
        }
        if !self.entries.iter().any(|entry| entry.model == *model) {
            return failed(format!("{}; nothing was done", self.absent(place, model, version)));
        }
        if live.as_ref() != Some(instead_of) {
            return failed(format!(
                "{model} should go from {instead_of} to {version}, but {place} has {now} in \
                 production: changed by others; nothing was done"
            ));
        }
        let Some(entry) = self.find(model, version) else {
            return failed(format!("{}; nothing was done", self.absent(place, model, version)));
        };
        if let Err(why) = usable(entry) {
            return failed(format!(
                "{version} of {model} in {place} cannot be served: {why}; nothing was done"
            ));
        }
        if let Err(error) = self.switch(command, version, instead_of) {
            return failed(format!("{place}: {error}"));
        }
        let revision = self.revision;
        let detail = format!("{model} is {version} in {place}, was {now}; revision {revision}");
        Applied { outcome: StepResult::Done, detail, changed: true }
    }

    /// Sets the baselines of a version. Other fields of its baseline stay as they are.
    pub(super) fn set_baselines(
        &mut self,
        place: &str,
        model: &ModelId,
        version: &VersionId,
        baselines: &Baselines,
    ) -> Result<(), DocumentError> {
        let at = self.position(model, version);
        let absent = || DocumentError::Absent(self.absent(place, model, version));
        let at = Some(at.ok_or_else(absent)?);
        let wanted: Vec<_> = BASELINES
            .into_iter()
            .filter_map(|(signal, field, value)| Some((field, value, *baselines.get(&signal)?)))
            .collect();
        if let Some(entry) = self.entry_mut(at)
            && let Some(all) = entry.object_at("baseline")
        {
            for (field, value, baseline) in wanted {
                if let Some(one) = all.object_at(field) {
                    one.set(value, LiteralJson::real(baseline.value));
                    one.set("n", LiteralJson::count(baseline.n));
                }
            }
        }
        self.read_entries()
    }

    /// Adds a version, to a registry that was not read from a file.
    pub(super) fn add(
        &mut self,
        model: &ModelId,
        version: &VersionId,
        production: bool,
        proven_good: bool,
    ) -> Result<(), DocumentError> {
        let fields = [
            ("name", LiteralJson::text(model)),
            ("version", LiteralJson::text(version)),
            ("is_production", LiteralJson::Flag(production)),
            ("archived", LiteralJson::Flag(false)),
            ("proven_good", LiteralJson::Flag(proven_good)),
        ];
        if let Some(list) = self.list_mut() {
            list.push(LiteralJson::object(fields));
        }
        self.read_entries()
    }
}

impl Document {
    fn switch(
        &mut self,
        command: &Command,
        version: &VersionId,
        instead_of: &VersionId,
    ) -> Result<(), DocumentError> {
        let (up, down) =
            (self.position(&command.model, version), self.position(&command.model, instead_of));
        let may_add =
            |field: &str, document: &Self| document.side.is_none() || document.any_has(field);
        let archived = may_add("archived", self);
        let at = may_add("archived_at", self);
        let reason = may_add("archived_reason", self);
        let time = LiteralJson::text(command.issued_at);
        if let Some(entry) = self.entry_mut(up) {
            entry.set("is_production", LiteralJson::Flag(true));
            if archived {
                entry.set("archived", LiteralJson::Flag(false));
            }
            entry.remove("archived_at");
            entry.remove("archived_reason");
        }
        if let Some(entry) = self.entry_mut(down) {
            entry.set("is_production", LiteralJson::Flag(false));
            if archived {
                entry.set("archived", LiteralJson::Flag(true));
            }
            if at {
                entry.set("archived_at", time);
            }
            if reason {
                entry.set("archived_reason", LiteralJson::text(&command.reason));
            }
        }
        self.keep_fence(command);
        self.read_entries()
    }

    fn keep_fence(&mut self, command: &Command) {
        let mut taken = self.taken(&command.model);
        taken.take(command);
        if let Some(fences) = self.meta_mut().object_at("fences")
            && let Some(fence) = fences.object_at(command.model.as_str())
        {
            fence.set("generation", LiteralJson::count(taken.generation));
            fence.set(
                "command",
                taken.command.as_ref().map_or(LiteralJson::Null, LiteralJson::text),
            );
            if taken.earlier.is_empty() {
                fence.remove("earlier");
            } else {
                fence
                    .set("earlier", LiteralJson::list(taken.earlier.iter().map(LiteralJson::text)));
            }
        }
        self.taken.insert(command.model.clone(), taken);
        self.raise_revision();
    }

    pub(super) fn raise_revision(&mut self) {
        self.revision = self.revision.saturating_add(1);
        let revision = LiteralJson::count(self.revision);
        self.meta_mut().set("revision", revision);
    }

    fn entry_mut(&mut self, at: Option<usize>) -> Option<&mut LiteralJson> {
        self.list_mut()?.value_mut(at?)
    }

    fn meta_mut(&mut self) -> &mut LiteralJson {
        &mut self.side.as_mut().unwrap_or(&mut self.main).root
    }

    fn list_mut(&mut self) -> Option<&mut JsonMembers> {
        let root = &mut self.main.root;
        let plain = matches!(root, LiteralJson::List(_));
        let models = if plain { root } else { root.object_at("models")? };
        if let LiteralJson::List(list) = models { Some(list) } else { None }
    }
}
