//! One entry of a registry, checked.

use super::error::DocumentError;
use super::json::LiteralJson;
use crate::edge::fence::AcceptedCommands;
use crate::model::{
    Baseline, Baselines, EventTime, MAX_GENERATION, ModelId, NameError, Signal, VersionId,
    is_credible,
};

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
    /// Reads the entry at this place.
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

/// Reads which commands a target has accepted, from the fence at this place.
pub(super) fn read_fence(json: &LiteralJson, at: &str) -> Result<AcceptedCommands, DocumentError> {
    let here = ObjectAt { json, at };
    here.is_object("write {\"generation\": 0, \"command\": null}")?;
    let earlier = match json.get("earlier") {
        Some(LiteralJson::List(ids)) => {
            let ids = ids.values().map(|id| text_of(id, &format!("{at}.earlier")));
            ids.map(|id| id.map(str::to_owned)).collect::<Result<_, _>>()?
        }
        Some(other) => return Err(wrong(at, "earlier", other, "write a list of command ids")),
        None => Vec::new(),
    };
    let generation = here.count("generation")?.unwrap_or(0);
    if !is_credible(generation, MAX_GENERATION) {
        let fix = format!("no rollback could follow it; write {MAX_GENERATION} or less");
        let (at, found) = (format!("{at}.generation"), generation.to_string());
        return Err(DocumentError::Wrong { at, found, fix });
    }
    Ok(AcceptedCommands { generation, command: here.text("command")?.map(str::to_owned), earlier })
}

/// Reads a count; 0 if it is missing.
pub(super) fn read_count(json: &LiteralJson, at: &str, field: &str) -> Result<u64, DocumentError> {
    Ok(ObjectAt { json, at }.count(field)?.unwrap_or(0))
}

/// An object and its place in the document.
struct ObjectAt<'a> {
    json: &'a LiteralJson,
    at: &'a str,
}

fn path(at: &str, field: &str) -> String {
    if at.is_empty() { field.to_owned() } else { format!("{at}.{field}") }
}

fn wrong(at: &str, field: &str, found: &LiteralJson, fix: &str) -> DocumentError {
    DocumentError::Wrong { at: path(at, field), found: found.to_string(), fix: fix.to_owned() }
}

fn text_of<'a>(json: &'a LiteralJson, at: &str) -> Result<&'a str, DocumentError> {
    let fix = match (json, json.as_number()) {
        (LiteralJson::Text(text), _) => match text.text() {
            Some(text) => return Ok(text),
            None => "remove the half of a surrogate pair (\\ud800 to \\udfff)".to_owned(),
        },
        (_, Some(number)) => format!("write it in quotes: \"{number}\""),
        (_, None) => "write text in quotes".to_owned(),
    };
    Err(DocumentError::Wrong { at: at.to_owned(), found: json.to_string(), fix })
}

/// Refuses what is not an object, and an object in which a name occurs twice: programs differ in
/// which of the two they take.
pub(super) fn check_object(json: &LiteralJson, at: &str, fix: &str) -> Result<(), DocumentError> {
    let at = at.to_owned();
    match (json, json.repeated()) {
        (LiteralJson::Object(_), None) => Ok(()),
        (_, Some(name)) => Err(DocumentError::Repeated { at, name: name.to_owned() }),
        (_, None) => Err(DocumentError::Wrong { at, found: json.to_string(), fix: fix.to_owned() }),
    }
}

impl<'a> ObjectAt<'a> {
    fn is_object(&self, fix: &str) -> Result<(), DocumentError> {
        check_object(self.json, self.at, fix)
    }

    fn wrong(&self, field: &str, found: &LiteralJson, fix: &str) -> DocumentError {
        wrong(self.at, field, found, fix)
    }

    fn missing(&self, field: &str, fix: &str) -> DocumentError {
        DocumentError::Missing { at: path(self.at, field), fix: fix.to_owned() }
    }

    fn text(&self, field: &str) -> Result<Option<&'a str>, DocumentError> {
        let text = self.json.get(field).map(|text| text_of(text, &path(self.at, field)));
        text.transpose()
    }

    fn name<T>(
        &self,
        field: &str,
        new: fn(&str) -> Result<T, NameError>,
        fix: &str,
    ) -> Result<T, DocumentError> {
        let text = self.text(field)?.ok_or_else(|| self.missing(field, fix))?;
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
        let count = json.as_u64();
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
        // Many programs write no offset. Only the order matters here, so UTC is good enough.
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
        let fix = if field == "mean" { "write milliseconds" } else { "write a share, 0 to 1" };
        let json = self.json.get(field).ok_or_else(|| self.missing(field, fix))?;
        let value = json
            .as_f64()
            .filter(|value| (0.0..=most).contains(value))
            .ok_or_else(|| self.wrong(field, json, fix))?;
        let n = self.count("n")?.filter(|n| *n > 0);
        let n = n.ok_or_else(|| self.missing("n", "write how many samples it was measured on"))?;
        Ok(Baseline { value, n })
    }
}

/// The baselines of an entry: the signal, its field, and the name of the value in that field.
pub(super) const BASELINES: [(Signal, &str, &str); 3] = [
    (Signal::Accuracy, "accuracy", "value"),
    (Signal::ErrorRate, "error_rate", "value"),
    (Signal::Latency, "latency_ms", "mean"),
];
