//! Applies a command to a registry. Pure: a document in, a document out.

use super::document::Document;
use super::entry::{BASELINES, Entry};
use super::error::DocumentError;
use super::json::LiteralJson;
use crate::edge::chain::chain;
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
            Err(error) => return failed(format!("{place}: {}", chain(&error))),
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
            // After a crash between the two files, the marks in the second are missing.
            if self.side.is_some() && !(self.own && self.any_has("archived")) {
                self.archive(command, version, instead_of);
            }
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
        let before = self.clone();
        if let Err(error) = self.switch(command, version, instead_of) {
            *self = before;
            return failed(format!("{place}: {}; nothing was done", chain(&error)));
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
        if self.find(model, version).is_none() {
            return Err(DocumentError::Absent(self.absent(place, model, version)));
        }
        let wanted: Vec<_> = BASELINES
            .into_iter()
            .filter_map(|(signal, field, value)| Some((field, value, *baselines.get(&signal)?)))
            .collect();
        let own = self.own;
        if let Some(entry) = self.keeper(model, version, own)
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
        if let Some(LiteralJson::List(list)) = self.main.root.object_at("models") {
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
        let model = &command.model;
        let at = |version| self.find(model, version).map(|entry| entry.at.clone());
        let (Some(up), Some(live)) = (at(version), at(instead_of)) else { return Ok(()) };
        // Of several, only those that are newer than the restored version are in its way.
        let aged = self.aged().find(|(_, entry)| entry.at == up).map(|(age, _)| age);
        let down: Vec<_> = self
            .marked(model)
            .filter(|(age, _)| !self.newest || Some(*age) > aged)
            .map(|(_, entry)| entry.at.clone())
            .collect();
        self.move_marks(&up, &live, &down)?;
        self.read_entries()?;
        if self.production(model)?.is_none_or(|entry| entry.version != *version) {
            let (model, version) = (model.clone(), version.clone());
            return Err(DocumentError::NotMarkable { model, version });
        }
        self.archive(command, version, instead_of);
        self.keep_fence(command);
        self.read_entries()
    }

    /// Notes which version was withdrawn, when and why: in its entry if that has a place for it,
    /// else in the side text.
    fn archive(&mut self, command: &Command, version: &VersionId, instead_of: &VersionId) {
        let model = &command.model;
        let notes = [
            ("archived", LiteralJson::Flag(true)),
            ("archived_at", LiteralJson::text(command.issued_at)),
            ("archived_reason", LiteralJson::text(&command.reason)),
        ];
        for (field, note) in notes {
            let here = self.own && (self.side.is_none() || self.any_has(field));
            if let Some(up) = self.keeper(model, version, here) {
                if here && field == "archived" {
                    up.set(field, LiteralJson::Flag(false));
                } else {
                    up.remove(field);
                }
            }
            if self.find(model, instead_of).is_some()
                && let Some(down) = self.keeper(model, instead_of, here)
            {
                down.set(field, note);
            }
        }
        if let Some(side) = &mut self.side {
            side.root.drop_empty(&["versions", model.as_str(), version.as_str()]);
        }
    }

    /// What keeps our notes about a version: its entry (`here`), or an object in the side text.
    fn keeper(
        &mut self,
        model: &ModelId,
        version: &VersionId,
        here: bool,
    ) -> Option<&mut LiteralJson> {
        if here {
            let address = self.find(model, version)?.at.entry.clone();
            return self.main.root.at_mut(&address);
        }
        let versions = self.side.as_mut()?.root.object_at("versions")?;
        versions.object_at(model.as_str())?.object_at(version.as_str())
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

    fn meta_mut(&mut self) -> &mut LiteralJson {
        &mut self.side.as_mut().unwrap_or(&mut self.main).root
    }
}
