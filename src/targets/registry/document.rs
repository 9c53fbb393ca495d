//! The content of a registry. Pure: text in, facts and text out.
//!
//! A document is written back as it was read, except for what a command changes. Only an object in
//! Ripcord's own form gets new fields; of all others, the fences and what else is kept about a
//! version are in a second text, the side text.

use std::collections::BTreeMap;

use super::entry::{Entry, check_object, read_count, read_fence};
use super::error::DocumentError;
use super::form::{self, Shaped};
use super::json::{JsonText, LiteralJson};
use crate::config::RegistryForm;
use crate::edge::fence::AcceptedCommands;
use crate::model::{EventTime, Fact, ModelId, PathStep, TargetId, VersionFact, VersionId};

/// The schema field of a registry.
pub(super) const SCHEMA: &str = "ripcord.registry/1";
/// The schema field of the side text.
const SIDE_SCHEMA: &str = "ripcord.registry-fences/1";
/// A registry, checked.
#[derive(Debug, Clone)]
pub(super) struct Document {
    /// What was read.
    pub(super) main: JsonText,
    /// Revision, fences and marks of a document that gets no fields of ours.
    pub(super) side: Option<JsonText>,
    /// Whether entries are in Ripcord's own form.
    pub(super) own: bool,
    pub(super) form: RegistryForm,
    /// Of several marked versions, the newest is in production.
    pub(super) newest: bool,
    pub(super) entries: Vec<Entry>,
    pub(super) taken: BTreeMap<ModelId, AcceptedCommands>,
    pub(super) revision: u64,
}

/// A document as text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Rendered {
    pub(super) main: String,
    /// The side text, if it has one.
    pub(super) side: Option<String>,
}

impl Document {
    /// Reads a document in this form.
    pub(super) fn read(
        main: JsonText,
        side: Option<JsonText>,
        own: bool,
        form: RegistryForm,
        newest: bool,
    ) -> Result<Self, DocumentError> {
        let (entries, taken, revision) = (Vec::new(), BTreeMap::new(), 0);
        let mut document = Self { main, side, own, form, newest, entries, taken, revision };
        document.read_entries()?;
        document.read_fences()?;
        Ok(document)
    }

    /// A registry without entries.
    pub(super) fn empty() -> Self {
        let root = LiteralJson::object([
            ("schema", LiteralJson::text(SCHEMA)),
            ("models", LiteralJson::list([])),
        ]);
        Self {
            main: JsonText::new(root),
            side: None,
            own: true,
            form: form::own(vec![PathStep::Member("models".to_owned())]),
            newest: false,
            entries: Vec::new(),
            taken: BTreeMap::new(),
            revision: 0,
        }
    }

    pub(super) fn shaped(&self) -> Shaped<'_> {
        Shaped { root: &self.main.root, form: &self.form }
    }

    /// The document as text.
    pub(super) fn render(&self) -> Rendered {
        Rendered { main: self.main.write(), side: self.side.as_ref().map(JsonText::write) }
    }

    pub(super) fn revision(&self) -> u64 {
        self.revision
    }

    pub(super) fn taken(&self, model: &ModelId) -> AcceptedCommands {
        self.taken.get(model).cloned().unwrap_or_default()
    }

    /// The production version of a model.
    pub(super) fn production(&self, model: &ModelId) -> Result<Option<&Entry>, DocumentError> {
        let mut live: Vec<_> = self.marked(model).collect();
        live.sort_by_key(|(age, _)| *age);
        let live = match live.as_slice() {
            [] => return Ok(None),
            [.., (_, newest)] if self.newest => newest,
            [(_, only)] => only,
            [(_, first), (_, second), ..] => {
                let model = model.clone();
                let (first, second) = (first.version.clone(), second.version.clone());
                return Err(match self.form.marks.is_empty() {
                    true => DocumentError::NoMark { model, first, second },
                    false => DocumentError::TwoInProduction { model, first, second },
                });
            }
        };
        for mark in self.form.marks.iter().skip(1) {
            if !self.shaped().marked(mark, &live.at)? {
                let (model, version) = (model.clone(), live.version.clone());
                return Err(DocumentError::Disagree { model, version, at: mark.at.to_string() });
            }
        }
        Ok(Some(live))
    }

    /// All entries, each with its age: later is newer.
    pub(super) fn aged(&self) -> impl Iterator<Item = (Age, &Entry)> {
        let entries = self.entries.iter().enumerate();
        entries.map(|(index, entry)| ((entry.created_at, index), entry))
    }

    /// The entries of a model that are marked.
    pub(super) fn marked(&self, model: &ModelId) -> impl Iterator<Item = (Age, &Entry)> {
        self.aged().filter(move |(_, entry)| entry.production && entry.model == *model)
    }

    /// The facts, ordered by model, the versions of each newest first.
    pub(super) fn facts(
        &self,
        target: &TargetId,
        present: &mut dyn FnMut(&Entry) -> Option<bool>,
    ) -> Result<Vec<Fact>, DocumentError> {
        let mut models: BTreeMap<&ModelId, Vec<&Entry>> = BTreeMap::new();
        for entry in self.entries.iter().rev() {
            models.entry(&entry.model).or_default().push(entry);
        }
        let mut facts = Vec::new();
        for (model, mut entries) in models {
            entries.sort_by_key(|entry| std::cmp::Reverse(entry.created_at));
            let version = |entry: &&Entry| VersionFact {
                version: entry.version.clone(),
                archived: entry.archived,
                proven_good: entry.proven_good,
                artifact_present: present(entry),
                created_at: entry.created_at,
                baselines: entry.baselines.clone(),
            };
            facts.push(Fact {
                routes: BTreeMap::new(),
                model: model.clone(),
                target: target.clone(),
                production: self.production(model)?.map(|entry| entry.version.clone()),
                versions: entries.iter().map(version).collect(),
                generation: self.taken(model).generation,
            });
        }
        Ok(facts)
    }

    pub(super) fn read_entries(&mut self) -> Result<(), DocumentError> {
        let mut entries = self.shaped().entries()?;
        let mut seen = BTreeMap::new();
        for entry in &entries {
            let at = self.shaped().shown(&entry.at.entry);
            if let Some(first) = seen.insert((&entry.model, &entry.version), at.clone()) {
                return Err(DocumentError::Twice {
                    model: entry.model.clone(),
                    version: entry.version.clone(),
                    first,
                    second: at,
                });
            }
        }
        for entry in &mut entries {
            self.read_kept(entry)?;
        }
        self.shaped().check_held(&entries)?;
        self.entries = entries;
        Ok(())
    }

    /// Reads what is kept about a version: in its entry if that is ours, and in the side text.
    fn read_kept(&self, entry: &mut Entry) -> Result<(), DocumentError> {
        let address = entry.at.entry.clone();
        let here = self.main.root.at(&address).filter(|_| self.own);
        if let Some(json) = here {
            let (name, line) = (self.main.root.name(&address), self.main.root.line(&address));
            entry.read_more(json, (&name, line))?;
        }
        let Some(kept) = self.kept(&entry.model, &entry.version) else { return Ok(()) };
        let at = format!("the fence file's versions.{}.{}", entry.model, entry.version);
        check_object(kept, &at, "write an object, or remove it")?;
        match here {
            None => entry.read_more(kept, (&at, 0)),
            Some(json) if json.has("archived") => Ok(()),
            Some(_) => {
                entry.archived = kept.get("archived") == Some(&LiteralJson::Flag(true));
                Ok(())
            }
        }
    }

    /// What the side text keeps about a version.
    fn kept(&self, model: &ModelId, version: &VersionId) -> Option<&LiteralJson> {
        let versions = self.side.as_ref()?.root.get("versions")?;
        versions.get(model.as_str())?.get(version.as_str())
    }

    fn read_fences(&mut self) -> Result<(), DocumentError> {
        let meta = &self.side.as_ref().unwrap_or(&self.main).root;
        let at = if self.side.is_some() { "the fence file" } else { "the registry" };
        check_object(meta, at, "restore it, or remove it to start without fences")?;
        let revision = read_count(meta, "", "revision")?;
        let mut taken = BTreeMap::new();
        if let Some(fences) = meta.get("fences") {
            check_object(fences, "fences", "write an object with one fence per model")?;
        }
        if let Some(LiteralJson::Object(fences)) = meta.get("fences") {
            for (name, fence) in fences.fields() {
                let Some(name) = name else { continue };
                let at = format!("fences.{name}");
                let model = ModelId::new(name)
                    .map_err(|source| DocumentError::Name { at: at.clone(), source })?;
                taken.insert(model, read_fence(fence, &at)?);
            }
        }
        (self.revision, self.taken) = (revision, taken);
        Ok(())
    }

    pub(super) fn position(&self, model: &ModelId, version: &VersionId) -> Option<usize> {
        self.entries.iter().position(|e| e.model == *model && e.version == *version)
    }

    pub(super) fn find(&self, model: &ModelId, version: &VersionId) -> Option<&Entry> {
        self.entries.get(self.position(model, version)?)
    }

    pub(super) fn absent(&self, place: &str, model: &ModelId, version: &VersionId) -> String {
        let of_model = self.entries.iter().filter(|entry| entry.model == *model);
        let has: Vec<_> = of_model.map(|entry| entry.version.as_str()).collect();
        if !has.is_empty() {
            return format!(
                "no version {version} of {model} in {place}; it has: {}",
                has.join(", ")
            );
        }
        let mut models: Vec<_> = self.entries.iter().map(|entry| entry.model.as_str()).collect();
        models.sort_unstable();
        models.dedup();
        let models = if models.is_empty() { "nothing".to_owned() } else { models.join(", ") };
        format!("no model {model} in {place}; it has: {models}")
    }

    /// Whether an entry has this field.
    pub(super) fn any_has(&self, field: &str) -> bool {
        let mut entries = self.entries.iter();
        entries.any(|e| self.main.root.at(&e.at.entry).is_some_and(|json| json.has(field)))
    }
}

/// When a version was made, and where it is in the file.
pub(super) type Age = (Option<EventTime>, usize);

/// The side text, or a new one.
pub(super) fn side_of(text: Option<&str>) -> Result<JsonText, DocumentError> {
    match text {
        Some(text) => JsonText::read(text).map_err(DocumentError::FencesNotJson),
        None => {
            let schema = LiteralJson::text(SIDE_SCHEMA);
            Ok(JsonText::new(LiteralJson::object([("schema", schema)])))
        }
    }
}
