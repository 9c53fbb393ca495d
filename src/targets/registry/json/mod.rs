//! JSON that is written back as it was read: only what is set or removed changes.
//!
//! Every value keeps its text (`0.10`, `1e-3`, `"\u00e9"`), every field its place and the white
//! space around it. `NaN`, `Infinity` and `-Infinity`, which Python's `json.dump` writes, are kept
//! too, but reading one as a number gives `None`.

mod address;
mod read;
mod write;

use std::fmt;

pub(super) use self::address::{Address, on_line};
pub use self::read::JsonSyntaxError;

/// The text of a JSON file.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct JsonText {
    /// White space before the value, and a byte order mark.
    before: String,
    pub(super) root: LiteralJson,
    /// White space after the value.
    after: String,
    /// One step of indentation; empty if the file is one line.
    indent: String,
}

/// A JSON value as it was written.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum LiteralJson {
    Null,
    Flag(bool),
    /// A number, or `NaN`, `Infinity` or `-Infinity`.
    Number(String),
    Text(JsonString),
    List(JsonMembers),
    Object(JsonMembers),
}

/// A string, in quotes as it was written.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct JsonString {
    written: String,
    /// The decoded text; `None` if it contains half of a surrogate pair.
    text: Option<String>,
}

/// The content of a list or an object.
#[derive(Debug, Clone, PartialEq, Default)]
pub(super) struct JsonMembers {
    all: Vec<JsonMember>,
    /// White space before the closing bracket; `None` if it follows from the layout around it.
    end: Option<String>,
}

/// An item of a list, or a field of an object.
#[derive(Debug, Clone, PartialEq)]
struct JsonMember {
    /// White space before it; `None` if it follows from its siblings.
    lead: Option<String>,
    name: Option<JsonString>,
    /// The colon and the white space around it; `None` as above.
    colon: Option<String>,
    value: LiteralJson,
    /// White space between the value and the comma.
    after: String,
    /// The line that it was read from; 0 if it was not.
    line: usize,
}

impl JsonText {
    /// A text that was not read from a file: indented, with a line feed at its end.
    pub(super) fn new(root: LiteralJson) -> Self {
        let (before, after) = (String::new(), "\n".to_owned());
        Self { before, root, after, indent: "  ".to_owned() }
    }
}

impl JsonString {
    pub(super) fn text(&self) -> Option<&str> {
        self.text.as_deref()
    }
}

impl JsonMembers {
    pub(super) fn values(&self) -> impl Iterator<Item = &LiteralJson> {
        self.all.iter().map(|member| &member.value)
    }

    /// The fields: each with its name, which is `None` if it is no valid text.
    pub(super) fn fields(&self) -> impl Iterator<Item = (Option<&str>, &LiteralJson)> {
        self.all.iter().map(|member| (member.name(), &member.value))
    }

    fn field_mut(&mut self, name: &str) -> Option<&mut LiteralJson> {
        let named = |member: &&mut JsonMember| member.is(name);
        self.all.iter_mut().find(named).map(|member| &mut member.value)
    }

    /// Adds an item as the last.
    pub(super) fn push(&mut self, value: LiteralJson) {
        self.add(None, value);
    }

    fn add(&mut self, name: Option<&str>, value: LiteralJson) {
        if self.all.is_empty() {
            self.end = None;
        }
        let name = name.map(json_string);
        let after = String::new();
        self.all.push(JsonMember { lead: None, name, colon: None, value, after, line: 0 });
    }

    fn remove(&mut self, name: &str) {
        if let Some(at) = self.all.iter().position(|member| member.is(name)) {
            self.remove_at(at);
        }
    }

    /// Removes a member; what follows the first takes its place.
    pub(super) fn remove_at(&mut self, at: usize) {
        if at >= self.all.len() {
            return;
        }
        let removed = self.all.remove(at);
        if at == 0
            && let Some(first) = self.all.first_mut()
        {
            first.lead = removed.lead;
        }
    }
}

impl JsonMember {
    fn name(&self) -> Option<&str> {
        self.name.as_ref()?.text()
    }

    fn is(&self, name: &str) -> bool {
        self.name() == Some(name)
    }
}

fn json_string(text: &str) -> JsonString {
    JsonString { written: serde_json::Value::from(text).to_string(), text: Some(text.to_owned()) }
}

impl LiteralJson {
    pub(super) fn text(text: impl fmt::Display) -> Self {
        Self::Text(json_string(&text.to_string()))
    }

    pub(super) fn count(count: u64) -> Self {
        Self::Number(count.to_string())
    }

    pub(super) fn real(value: f64) -> Self {
        serde_json::Number::from_f64(value)
            .map_or(Self::Null, |real| Self::Number(real.to_string()))
    }

    pub(super) fn list(items: impl IntoIterator<Item = Self>) -> Self {
        let mut list = JsonMembers::default();
        items.into_iter().for_each(|item| list.push(item));
        Self::List(list)
    }

    pub(super) fn object(fields: impl IntoIterator<Item = (&'static str, Self)>) -> Self {
        let mut object = JsonMembers::default();
        fields.into_iter().for_each(|(name, value)| object.add(Some(name), value));
        Self::Object(object)
    }

    /// A text, or a whole number as a text: what a name can be.
    pub(super) fn word(&self) -> Option<&str> {
        match self {
            Self::Text(text) => text.text(),
            Self::Number(number) => number
                .strip_prefix('-')
                .unwrap_or(number)
                .bytes()
                .all(|byte| byte.is_ascii_digit())
                .then_some(number),
            Self::Null | Self::Flag(_) | Self::List(_) | Self::Object(_) => None,
        }
    }

    /// A number that JSON has too, as it was written.
    pub(super) fn as_number(&self) -> Option<&str> {
        let Self::Number(number) = self else { return None };
        number.ends_with(|c: char| c.is_ascii_digit()).then_some(number)
    }

    pub(super) fn as_u64(&self) -> Option<u64> {
        self.as_number()?.parse().ok()
    }

    pub(super) fn as_f64(&self) -> Option<f64> {
        self.as_number()?.parse().ok()
    }

    /// A field; null counts as absent.
    pub(super) fn get(&self, name: &str) -> Option<&Self> {
        let Self::Object(object) = self else { return None };
        let (_, value) = object.fields().find(|(field, _)| *field == Some(name))?;
        (*value != Self::Null).then_some(value)
    }

    pub(super) fn has(&self, name: &str) -> bool {
        matches!(self, Self::Object(object) if object.all.iter().any(|field| field.is(name)))
    }

    /// The first name that two fields of this object have.
    pub(super) fn repeated(&self) -> Option<&str> {
        let Self::Object(object) = self else { return None };
        let mut seen = std::collections::BTreeSet::new();
        object.fields().filter_map(|(name, _)| name).find(|name| !seen.insert(*name))
    }

    /// A field, created as an empty object if it is missing.
    pub(super) fn object_at(&mut self, name: &str) -> Option<&mut Self> {
        if self.get(name).is_none() {
            self.set(name, Self::Object(JsonMembers::default()));
        }
        let Self::Object(object) = self else { return None };
        object.field_mut(name)
    }

    /// Sets a field in its place, or as the last.
    pub(super) fn set(&mut self, name: &str, value: Self) {
        let Self::Object(object) = self else { return };
        match object.field_mut(name) {
            Some(old) => *old = value,
            None => object.add(Some(name), value),
        }
    }

    /// Removes an item of a list.
    pub(super) fn remove_item(&mut self, index: usize) {
        if let Self::List(list) = self {
            list.remove_at(index);
        }
    }

    /// Removes a field within fields, and each of those, if it is an object without content.
    pub(super) fn drop_empty(&mut self, path: &[&str]) {
        let Some((name, below)) = path.split_first() else { return };
        let Self::Object(object) = self else { return };
        let Some(field) = object.field_mut(name) else { return };
        field.drop_empty(below);
        if matches!(field, Self::Object(object) if object.all.is_empty()) {
            object.remove(name);
        }
    }

    pub(super) fn remove(&mut self, name: &str) {
        if let Self::Object(object) = self {
            object.remove(name);
        }
    }
}

/// What it is, for an error.
impl fmt::Display for LiteralJson {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Null => f.write_str("null"),
            Self::Flag(flag) => write!(f, "{flag}"),
            Self::Number(number) if self.as_number().is_none() => f.write_str(number),
            Self::Number(number) => write!(f, "the number {number}"),
            Self::Text(JsonString { text: None, written }) => write!(f, "the text {written}"),
            Self::Text(JsonString { text: Some(text), .. }) if text.chars().count() > 40 => {
                write!(f, "the text {:?}…", text.chars().take(40).collect::<String>())
            }
            Self::Text(JsonString { text: Some(text), .. }) => write!(f, "the text {text:?}"),
            Self::List(_) => f.write_str("a list"),
            Self::Object(_) => f.write_str("an object"),
        }
    }
}
