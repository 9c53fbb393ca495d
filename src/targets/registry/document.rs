//! What stands in a registry. Pure: text in, facts and text out.
//!
//! A document is written back in the shape it had: its fields in their order, unknown ones kept.
//! A plain list gets no field that none of its entries has; its fences stand in a text beside it.

use std::collections::BTreeMap;

use serde::Serialize;
use serde_json::ser::{PrettyFormatter, Serializer};

use super::entry::{DocumentError, Entry, read_count, read_fence};
use super::json::LiteralJson;
use crate::edge::fence::AcceptedCommands;
use crate::model::{Fact, ModelId, TargetId, VersionFact, VersionId};

/// What the schema field of a registry says.
pub(super) const SCHEMA: &str = "ripcord.registry/1";
/// What it says in the text beside a plain list.
const SIDE_SCHEMA: &str = "ripcord.registry-fences/1";

/// A registry, checked.
#[derive(Debug, Clone)]
pub(super) struct Document {
    /// What was read: the object, or the plain list.
    pub(super) root: LiteralJson,
    /// Revision and fences of a plain list.
    pub(super) side: Option<LiteralJson>,
    indent: String,
    ending: &'static str,
    pub(super) entries: Vec<Entry>,
    pub(super) taken: BTreeMap<ModelId, AcceptedCommands>,
    pub(super) revision: u64,
}

/// A document as text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Rendered {
    pub(super) main: String,
    /// The text beside a plain list.
    pub(super) side: Option<String>,
}

impl Document {
    /// Reads a registry, and the text beside it where it is a plain list.
    pub(super) fn parse(text: &str, side: Option<&str>) -> Result<Self, DocumentError> {
        let root: LiteralJson = serde_json::from_str(text).map_err(DocumentError::NotJson)?;
        let side = match root {
            LiteralJson::List(_) => Some(match side {
                Some(side) => serde_json::from_str(side).map_err(DocumentError::NotJson)?,
                None => {
                    LiteralJson::Object(vec![("schema".to_owned(), LiteralJson::text(SIDE_SCHEMA))])
                }
            }),
            LiteralJson::Object(_) => None,
            LiteralJson::Null
            | LiteralJson::Flag(_)
            | LiteralJson::Number(_)
            | LiteralJson::Text(_) => {
                return Err(DocumentError::Shape { found: root.to_string() });
            }
        };
        let mut document = Self {
            indent: indent_of(text),
            ending: if text.ends_with('\n') { "\n" } else { "" },
            root,
            side,
            entries: Vec::new(),
            taken: BTreeMap::new(),
            revision: 0,
        };
        document.check_schema()?;
        document.read_entries()?;
        document.read_fences()?;
        Ok(document)
    }

    /// A registry without entries.
    pub(super) fn empty() -> Self {
        let root = LiteralJson::Object(vec![
            ("schema".to_owned(), LiteralJson::text(SCHEMA)),
            ("models".to_owned(), LiteralJson::List(Vec::new())),
        ]);
        Self {
            root,
            side: None,
            indent: "  ".to_owned(),
            ending: "\n",
            entries: Vec::new(),
            taken: BTreeMap::new(),
            revision: 0,
        }
    }

    /// The document as text.
    pub(super) fn render(&self) -> Rendered {
        let main = write(&self.root, &self.indent) + self.ending;
        Rendered { main, side: self.side.as_ref().map(|side| write(side, "  ") + "\n") }
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
        let mend = format!("write \"{SCHEMA}\"");
        let at = "schema".to_owned();
        match (&self.side, self.root.get("schema")) {
            (Some(_), _) => Ok(()),
            (None, Some(LiteralJson::Text(schema))) if schema == SCHEMA => Ok(()),
            (None, Some(other)) => Err(DocumentError::Wrong { at, found: other.to_string(), mend }),
            (None, None) => Err(DocumentError::Missing { at, mend }),
        }
    }

    pub(super) fn read_entries(&mut self) -> Result<(), DocumentError> {
        let (at, mend) = ("models".to_owned(), "write a list of entries".to_owned());
        let list = match (&self.root, self.root.get("models")) {
            (LiteralJson::List(list), _) | (_, Some(LiteralJson::List(list))) => list,
            (_, Some(other)) => {
                return Err(DocumentError::Wrong { at, found: other.to_string(), mend });
            }
            (_, None) => return Err(DocumentError::Missing { at, mend }),
        };
        let prefix = if self.side.is_some() { "" } else { "models" };
        let place = |index: usize| format!("{prefix}[{index}]");
        let mut entries: Vec<Entry> = Vec::with_capacity(list.len());
        for (index, json) in list.iter().enumerate() {
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
        let meta = self.side.as_ref().unwrap_or(&self.root);
        let revision = read_count(meta, "", "revision")?;
        let mut taken = BTreeMap::new();
        match meta.get("fences") {
            None => {}
            Some(LiteralJson::Object(fences)) => {
                for (name, fence) in fences {
                    let at = format!("fences.{name}");
                    let model = ModelId::new(name)
                        .map_err(|source| DocumentError::Name { at: at.clone(), source })?;
                    taken.insert(model, read_fence(fence, &at)?);
                }
            }
            Some(other) => {
                let mend = "write an object with one fence per model".to_owned();
                let (at, found) = ("fences".to_owned(), other.to_string());
                return Err(DocumentError::Wrong { at, found, mend });
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

    /// The entries as they stand there.
    pub(super) fn list(&self) -> &[LiteralJson] {
        match (&self.root, self.root.get("models")) {
            (LiteralJson::List(list), _) | (_, Some(LiteralJson::List(list))) => list,
            (_, _) => &[],
        }
    }
}

/// The white space before the first field; none: the text is one line.
fn indent_of(text: &str) -> String {
    let mut lines = text.trim().lines().skip(1);
    let first = lines.find(|line| line.starts_with([' ', '\t']));
    match first {
        Some(line) => line.chars().take_while(|c| matches!(c, ' ' | '\t')).collect(),
        None => String::new(),
    }
}

#[expect(clippy::expect_used, reason = "nothing in it can fail, and no half text may go out")]
fn write(json: &LiteralJson, indent: &str) -> String {
    let mut bytes = Vec::new();
    let written = if indent.is_empty() {
        json.serialize(&mut Serializer::new(&mut bytes))
    } else {
        let pretty = PrettyFormatter::with_indent(indent.as_bytes());
        json.serialize(&mut Serializer::with_formatter(&mut bytes, pretty))
    };
    written.expect("names are text and a vector takes every byte");
    String::from_utf8_lossy(&bytes).into_owned()
}
