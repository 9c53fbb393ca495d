//! One entry of a registry, checked; and how a wrong one is told.

use super::json::LiteralJson;
use crate::edge::fence::AcceptedCommands;
use crate::model::{Baseline, Baselines, EventTime, ModelId, NameError, Signal, VersionId};

/// Why a document is no registry.
#[derive(Debug, thiserror::Error)]
pub enum DocumentError {
    /// No JSON.
    #[error("it is not JSON")]
    NotJson(#[source] serde_json::Error),
    /// JSON of another shape.
    #[error(
        "it is {found}; a registry is an object with schema \"ripcord.registry/1\" and models, \
         or a plain list of entries"
    )]
    Shape {
        /// What stands there.
        found: String,
    },
    /// A field is of the wrong kind or out of range.
    #[error("{at} is {found}; {mend}")]
    Wrong {
        /// Entry and field.
        at: String,
        /// What stands there.
        found: String,
        /// What would do.
        mend: String,
    },
    /// A field must be there.
    #[error("{at} is missing; {mend}")]
    Missing {
        /// Entry and field.
        at: String,
        /// What would do.
        mend: String,
    },
    /// A name that is none.
    #[error("{at} is no name")]
    Name {
        /// Entry and field.
        at: String,
        /// Why.
        #[source]
        source: NameError,
    },
    /// Two entries of one version.
    #[error("{first} and {second} are both {version} of {model}; remove one of them")]
    Twice {
        /// The model.
        model: ModelId,
        /// The version.
        version: VersionId,
        /// One entry.
        first: String,
        /// The other.
        second: String,
    },
    /// Two versions in production.
    #[error(
        "{model} has two versions in production, {first} and {second}; \
         set is_production of one of them to false"
    )]
    TwoInProduction {
        /// The model.
        model: ModelId,
        /// One version.
        first: VersionId,
        /// The other.
        second: VersionId,
    },
    /// No such entry.
    #[error("{0}")]
    Absent(String),
}

/// One version of a model.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Entry {
    pub(super) model: ModelId,
    pub(super) version: VersionId,
    pub(super) production: bool,
    pub(super) archived: bool,
    pub(super) proven_good: bool,
    pub(super) path: Option<String>,
    pub(super) sha256: Option<String>,
    pub(super) created_at: Option<EventTime>,
    pub(super) baselines: Baselines,
}

impl Entry {
    /// Reads the entry that stands `at`.
    pub(super) fn read(json: &LiteralJson, at: &str) -> Result<Self, DocumentError> {
        let here = ObjectAt { json, at };
        here.is_object("write an object with name and version")?;
        Ok(Self {
            model: here.name("name", ModelId::new, "write which model it is")?,
            version: here.name("version", VersionId::new, "write which version it is")?,
            production: here.flag("is_production")?,
            archived: here.flag("archived")?,
            proven_good: here.flag("proven_good")?,
            path: here.text("model_path")?.map(str::to_owned),
            sha256: here.sha256()?,
            created_at: here.time("created_at")?,
            baselines: here.baselines()?,
        })
    }
}

/// Reads what a target has taken, from the fence that stands `at`.
pub(super) fn read_fence(json: &LiteralJson, at: &str) -> Result<AcceptedCommands, DocumentError> {
    let here = ObjectAt { json, at };
    here.is_object("write {\"generation\": 0, \"command\": null}")?;
    let earlier = match json.get("earlier") {
        Some(LiteralJson::List(ids)) => {
            ids.iter().map(|id| text_of(id, &format!("{at}.earlier"))).collect::<Result<_, _>>()?
        }
        Some(other) => return Err(wrong(at, "earlier", other, "write a list of command ids")),
        None => Vec::new(),
    };
    let generation = here.count("generation")?.unwrap_or(0);
    Ok(AcceptedCommands { generation, command: here.text("command")?.map(str::to_owned), earlier })
}

/// Reads a count that may be absent.
pub(super) fn read_count(json: &LiteralJson, at: &str, field: &str) -> Result<u64, DocumentError> {
    Ok(ObjectAt { json, at }.count(field)?.unwrap_or(0))
}

/// An object and where it stands.
struct ObjectAt<'a> {
    json: &'a LiteralJson,
    at: &'a str,
}

fn path(at: &str, field: &str) -> String {
    if at.is_empty() { field.to_owned() } else { format!("{at}.{field}") }
}

fn wrong(at: &str, field: &str, found: &LiteralJson, mend: &str) -> DocumentError {
    DocumentError::Wrong { at: path(at, field), found: found.to_string(), mend: mend.to_owned() }
}

fn text_of(json: &LiteralJson, at: &str) -> Result<String, DocumentError> {
    let mend = match json {
        LiteralJson::Text(text) => return Ok(text.clone()),
        LiteralJson::Number(number) => format!("write it in quotes: \"{number}\""),
        LiteralJson::Null
        | LiteralJson::Flag(_)
        | LiteralJson::List(_)
        | LiteralJson::Object(_) => "write text in quotes".to_owned(),
    };
    Err(DocumentError::Wrong { at: at.to_owned(), found: json.to_string(), mend })
}

impl<'a> ObjectAt<'a> {
    fn is_object(&self, mend: &str) -> Result<(), DocumentError> {
        if matches!(self.json, LiteralJson::Object(_)) {
            return Ok(());
        }
        let found = self.json.to_string();
        Err(DocumentError::Wrong { at: self.at.to_owned(), found, mend: mend.to_owned() })
    }

    fn wrong(&self, field: &str, found: &LiteralJson, mend: &str) -> DocumentError {
        wrong(self.at, field, found, mend)
    }

    fn missing(&self, field: &str, mend: &str) -> DocumentError {
        DocumentError::Missing { at: path(self.at, field), mend: mend.to_owned() }
    }

    fn text(&self, field: &str) -> Result<Option<&'a str>, DocumentError> {
        match self.json.get(field) {
            None => Ok(None),
            Some(LiteralJson::Text(text)) => Ok(Some(text)),
            Some(other) => text_of(other, &path(self.at, field)).map(|_| None),
        }
    }

    fn name<T>(
        &self,
        field: &str,
        new: fn(&str) -> Result<T, NameError>,
        mend: &str,
    ) -> Result<T, DocumentError> {
        let text = self.text(field)?.ok_or_else(|| self.missing(field, mend))?;
        new(text).map_err(|source| DocumentError::Name { at: path(self.at, field), source })
    }

    fn flag(&self, field: &str) -> Result<bool, DocumentError> {
        match self.json.get(field) {
            None => Ok(false),
            Some(LiteralJson::Flag(flag)) => Ok(*flag),
            Some(other) => Err(self.wrong(field, other, "write true or false, without quotes")),
        }
    }

    fn count(&self, field: &str) -> Result<Option<u64>, DocumentError> {
        let Some(json) = self.json.get(field) else { return Ok(None) };
        let count = match json {
            LiteralJson::Number(number) => number.as_u64(),
            LiteralJson::Null
            | LiteralJson::Flag(_)
            | LiteralJson::Text(_)
            | LiteralJson::List(_)
            | LiteralJson::Object(_) => None,
        };
        count.map(Some).ok_or_else(|| self.wrong(field, json, "write a whole number, 0 or more"))
    }

    fn sha256(&self) -> Result<Option<String>, DocumentError> {
        let text = self.text("sha256")?.unwrap_or("…");
        if text.is_empty() || text == "…" || text == "..." {
            return Ok(None);
        }
        if text.len() == 64 && text.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            return Ok(Some(text.to_ascii_lowercase()));
        }
        Err(self.wrong(
            "sha256",
            &LiteralJson::text(text),
            "write its 64 hex digits, or leave it out",
        ))
    }

    fn time(&self, field: &str) -> Result<Option<EventTime>, DocumentError> {
        let Some(text) = self.text(field)? else { return Ok(None) };
        // Many programs write no offset; only the order matters here, so UTC will do.
        let forms = [text.to_owned(), format!("{text}Z"), format!("{text}T00:00:00Z")];
        let time = forms.iter().find_map(|form| form.replacen(' ', "T", 1).parse().ok());
        time.map(Some).ok_or_else(|| {
            self.wrong(field, &LiteralJson::text(text), "write it like \"2013-05-31T00:00:00Z\"")
        })
    }

    fn baselines(&self) -> Result<Baselines, DocumentError> {
        let Some(json) = self.json.get("baseline") else { return Ok(Baselines::new()) };
        let at = path(self.at, "baseline");
        ObjectAt { json, at: &at }.is_object("write an object with accuracy, error_rate, …")?;
        let mut baselines = Baselines::new();
        for (signal, field, value) in BASELINES {
            if let Some(one) = json.get(field) {
                let at = path(&at, field);
                baselines.insert(signal, ObjectAt { json: one, at: &at }.baseline(value)?);
            }
        }
        Ok(baselines)
    }

    fn baseline(&self, field: &str) -> Result<Baseline, DocumentError> {
        self.is_object(&format!("write {{\"{field}\": …, \"n\": samples it was measured on}}"))?;
        let most = if field == "mean" { f64::MAX } else { 1.0 };
        let mend = if field == "mean" { "write milliseconds" } else { "write a share, 0 to 1" };
        let json = self.json.get(field).ok_or_else(|| self.missing(field, mend))?;
        let number = match json {
            LiteralJson::Number(number) => number.as_f64(),
            LiteralJson::Null
            | LiteralJson::Flag(_)
            | LiteralJson::Text(_)
            | LiteralJson::List(_)
            | LiteralJson::Object(_) => None,
        };
        let value = number
            .filter(|value| (0.0..=most).contains(value))
            .ok_or_else(|| self.wrong(field, json, mend))?;
        let n = self.count("n")?.filter(|n| *n > 0);
        let n = n.ok_or_else(|| self.missing("n", "write on how many samples it was measured"))?;
        Ok(Baseline { value, n })
    }
}

/// The baselines of an entry: the signal, its field, and the field in that which holds the value.
pub(super) const BASELINES: [(Signal, &str, &str); 3] = [
    (Signal::Accuracy, "accuracy", "value"),
    (Signal::ErrorRate, "error_rate", "value"),
    (Signal::Latency, "latency_ms", "mean"),
];
