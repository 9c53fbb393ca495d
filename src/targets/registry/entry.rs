//! One entry of a registry, checked.

use super::error::DocumentError;
use super::json::{Address, LiteralJson, on_line};
use crate::edge::fence::AcceptedCommands;
use crate::model::{
    Baseline, Baselines, EventTime, MAX_GENERATION, ModelId, Signal, VersionId, is_credible,
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
    pub(super) at: EntryAt,
}

/// Where an entry is.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct EntryAt {
    pub(super) entry: Address,
    /// The member in the place of the `*` of the entries' place.
    pub(super) group: Option<Address>,
}

impl Entry {
    /// Reads what Ripcord keeps about a version, from its entry or from the side text.
    pub(super) fn read_more(
        &mut self,
        json: &LiteralJson,
        (at, line): (&str, usize),
    ) -> Result<(), DocumentError> {
        let here = ObjectAt { json, at, line };
        self.archived = here.flag("archived")?;
        self.proven_good = here.flag("proven_good")?;
        self.baselines = here.baselines()?;
        Ok(())
    }
}

/// Reads which commands a target has accepted, from the fence at this place.
pub(super) fn read_fence(json: &LiteralJson, at: &str) -> Result<AcceptedCommands, DocumentError> {
    let here = ObjectAt { json, at, line: 0 };
    here.is_object("write {\"generation\": 0, \"command\": null}")?;
    let earlier = match json.get("earlier") {
        Some(LiteralJson::List(ids)) => {
            let ids = ids.values().map(|id| text_of(id, &format!("{at}.earlier")));
            ids.map(|id| id.map(str::to_owned)).collect::<Result<_, _>>()?
        }
        Some(other) => return Err(here.wrong("earlier", other, "write a list of command ids")),
        None => Vec::new(),
    };
    let generation = here.count("generation")?.unwrap_or(0);
    if !is_credible(generation, MAX_GENERATION) {
        let fix = format!("no rollback could follow it; write {MAX_GENERATION} or less");
        let (at, found) = (here.at("generation"), generation.to_string());
        return Err(DocumentError::Wrong { at, found, fix });
    }
    Ok(AcceptedCommands { generation, command: here.text("command")?.map(str::to_owned), earlier })
}

/// Reads a count; 0 if it is missing.
pub(super) fn read_count(json: &LiteralJson, at: &str, field: &str) -> Result<u64, DocumentError> {
    Ok(ObjectAt { json, at, line: 0 }.count(field)?.unwrap_or(0))
}

/// An object and its place in the document.
struct ObjectAt<'a> {
    json: &'a LiteralJson,
    at: &'a str,
    line: usize,
}

fn path(at: &str, field: &str) -> String {
    if at.is_empty() { field.to_owned() } else { format!("{at}.{field}") }
}

/// A text that is in this place.
pub(super) fn text_of<'a>(json: &'a LiteralJson, at: &str) -> Result<&'a str, DocumentError> {
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

/// A SHA-256 that is in this place; `None` if it is left open.
pub(super) fn hash_of(json: &LiteralJson, at: &str) -> Result<Option<String>, DocumentError> {
    let text = text_of(json, at)?;
    if text.is_empty() || text == "…" || text == "..." {
        return Ok(None);
    }
    if text.len() == 64 && text.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return Ok(Some(text.to_ascii_lowercase()));
    }
    let fix = "write its 64 hex digits, or leave it out".to_owned();
    Err(DocumentError::Wrong { at: at.to_owned(), found: json.to_string(), fix })
}

/// A time that is in this place: a text, or seconds or milliseconds since 1970.
pub(super) fn time_of(json: &LiteralJson, at: &str) -> Result<EventTime, DocumentError> {
    /// As seconds it would be the year 5138, as milliseconds it is 1973.
    const FIRST_MS: f64 = 1e11;
    let time = match (json, json.as_f64()) {
        (_, Some(number)) => {
            let ms = if number.abs() < FIRST_MS { number * 1000.0 } else { number };
            Some(EventTime::from_ms(ms.round() as i64))
        }
        (_, None) => {
            // Many programs write no offset. Only the order matters here, so UTC is good enough.
            let text = text_of(json, at)?;
            let forms = [text.to_owned(), format!("{text}Z"), format!("{text}T00:00:00Z")];
            forms.iter().find_map(|form| form.replacen(' ', "T", 1).parse().ok())
        }
    };
    time.ok_or_else(|| DocumentError::Wrong {
        at: at.to_owned(),
        found: json.to_string(),
        fix: "write it like \"2013-05-31T00:00:00Z\"".to_owned(),
    })
}

impl<'a> ObjectAt<'a> {
    fn is_object(&self, fix: &str) -> Result<(), DocumentError> {
        check_object(self.json, &on_line(self.at, self.line), fix)
    }

    /// A field in this object, for an error.
    fn at(&self, field: &str) -> String {
        on_line(&path(self.at, field), self.json.line_of(field).unwrap_or(self.line))
    }

    fn wrong(&self, field: &str, found: &LiteralJson, fix: &str) -> DocumentError {
        let (at, found) = (self.at(field), found.to_string());
        DocumentError::Wrong { at, found, fix: fix.to_owned() }
    }

    fn missing(&self, field: &str, fix: &str) -> DocumentError {
        DocumentError::Missing { at: self.at(field), fix: fix.to_owned() }
    }

    fn text(&self, field: &str) -> Result<Option<&'a str>, DocumentError> {
        self.json.get(field).map(|text| text_of(text, &self.at(field))).transpose()
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

    fn baselines(&self) -> Result<Baselines, DocumentError> {
        let Some(json) = self.json.get("baseline") else { return Ok(Baselines::new()) };
        let line = self.json.line_of("baseline").unwrap_or(self.line);
        let here = ObjectAt { json, at: &path(self.at, "baseline"), line };
        here.is_object("write an object with accuracy, error_rate, …")?;
        let mut baselines = Baselines::new();
        for (signal, field, value) in BASELINES {
            if let Some(one) = json.get(field) {
                let line = json.line_of(field).unwrap_or(line);
                let one = ObjectAt { json: one, at: &path(here.at, field), line };
                baselines.insert(signal, one.baseline(value)?);
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
