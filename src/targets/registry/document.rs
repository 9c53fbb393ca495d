//! The content of a registry. Pure: text in, facts and text out.
//!
//! A document is written back as it was read, except for what a command changes. A plain list gets
//! no field that none of its entries has; its fences are in a second text, the side text.

use std::collections::BTreeMap;

use super::entry::{Entry, check_object, read_count, read_fence};
use super::error::DocumentError;
use super::json::{JsonText, LiteralJson};
use crate::edge::fence::AcceptedCommands;
use crate::model::{Fact, ModelId, TargetId, VersionFact, VersionId};

/// The schema field of a registry.
pub(super) const SCHEMA: &str = "ripcord.registry/1";
/// The schema field of the side text of a plain list.
const SIDE_SCHEMA: &str = "ripcord.registry-fences/1";

/// A registry, checked.
#[derive(Debug, Clone)]
pub(super) struct Document {
    /// What was read: the object, or the plain list.
    pub(super) main: JsonText,
    /// Revision and fences of a plain list.
    pub(super) side: Option<JsonText>,
    pub(super) entries: Vec<Entry>,
    pub(super) taken: BTreeMap<ModelId, AcceptedCommands>,
    pub(super) revision: u64,
}

/// A document as text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Rendered {
    pub(super) main: String,
    /// The side text of a plain list.
    pub(super) side: Option<String>,
}

impl Document {
    /// Reads a registry, and the side text if it is a plain list.
    pub(super) fn parse(text: &str, side: Option<&str>) -> Result<Self, DocumentError> {
        let main = JsonText::read(text).map_err(DocumentError::NotJson)?;
        let side = match &main.root {
            LiteralJson::List(_) => Some(match side {
                Some(side) => JsonText::read(side).map_err(DocumentError::FencesNotJson)?,
                None => {
                    let schema = LiteralJson::text(SIDE_SCHEMA);
                    JsonText::new(LiteralJson::object([("schema", schema)]))
                }
            }),
            LiteralJson::Object(_) => None,
            other @ (LiteralJson::Null
            | LiteralJson::Flag(_)
            | LiteralJson::Number(_)
            | LiteralJson::Text(_)) => {
                return Err(DocumentError::Shape { found: other.to_string() });
            }
        };
        let mut document =
            Self { main, side, entries: Vec::new(), taken: BTreeMap::new(), revision: 0 };
        document.check_schema()?;
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
            entries: Vec::new(),
            taken: BTreeMap::new(),
            revision: 0,
        }
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
        let mut live =
            self.entries.iter().filter(|entry| entry.production && entry.model == *model);
        match (live.next(), live.next()) {
            (Some(first), Some(second)) => Err(DocumentError::TwoInProduction {
                model: model.clone(),
                first: first.version.clone(),
                second: second.version.clone(),
            }),
            (live, _) => Ok(live),
        }
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

    fn check_schema(&self) -> Result<(), DocumentError> {
        let fix = format!("write \"{SCHEMA}\"");
        let at = "schema".to_owned();
        match (&self.side, self.main.root.get("schema")) {
            (Some(_), _) => Ok(()),
            (None, Some(LiteralJson::Text(schema))) if schema.text() == Some(SCHEMA) => Ok(()),
            (None, Some(other)) => Err(DocumentError::Wrong { at, found: other.to_string(), fix }),
            (None, None) => Err(DocumentError::Missing { at, fix }),
        }
    }

    pub(super) fn read_entries(&mut self) -> Result<(), DocumentError> {
        let (at, fix) = ("models".to_owned(), "write a list of entries".to_owned());
        let list = match (&self.main.root, self.main.root.get("models")) {
            (LiteralJson::List(list), _) | (_, Some(LiteralJson::List(list))) => list,
            (_, Some(other)) => {
                return Err(DocumentError::Wrong { at, found: other.to_string(), fix });
            }
            (_, None) => return Err(DocumentError::Missing { at, fix }),
        };
        let prefix = if self.side.is_some() { "" } else { "models" };
        let place = |index: usize| format!("{prefix}[{index}]");
        let mut entries: Vec<Entry> = Vec::new();
        for (index, json) in list.values().enumerate() {
            let entry = Entry::read(json, &place(index))?;
            let same = |e: &Entry| e.model == entry.model && e.version == entry.version;
            if let Some(first) = entries.iter().position(same) {
                return Err(DocumentError::Twice {
                    model: entry.model,
                    version: entry.version,
                    first: place(first),
                    second: place(index),
                });
            }
            entries.push(entry);
        }
        self.entries = entries;
        Ok(())
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
        match (&self.main.root, self.main.root.get("models")) {
            (LiteralJson::List(list), _) | (_, Some(LiteralJson::List(list))) => {
                list.values().any(|entry| entry.has(field))
            }
            (_, _) => false,
        }
    }
}
