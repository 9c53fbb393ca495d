//! What stops a pass over a record, in the codes of rejects and in words.

use super::Rejected;
use super::fields::{Quoted, repeated};
use crate::model::Reject;

/// What a pass over a record carries along.
pub(super) struct Pass {
    max_depth: usize,
    /// The field that is being read, for details.
    pub(super) at: &'static str,
    /// Why the pass was stopped, where serde's own errors do not say it.
    fault: Option<Rejected>,
}

impl Pass {
    pub(super) const fn new(max_depth: usize) -> Self {
        Self { max_depth, at: "the record", fault: None }
    }

    /// Goes into an array or object at `depth`; the record itself is at 1.
    pub(super) fn enter<E: serde::de::Error>(&mut self, depth: usize) -> Result<(), E> {
        if depth <= self.max_depth {
            return Ok(());
        }
        Err(self.stop(Reject::TooDeep, too_deep(self.at, self.max_depth)))
    }

    /// No key may stand twice in an object.
    pub(super) fn distinct<T, E: serde::de::Error>(
        &mut self,
        items: &[T],
        key: impl Fn(&T) -> &str,
    ) -> Result<(), E> {
        match repeated(items, key) {
            None => Ok(()),
            Some(key) => Err(self.twice(key)),
        }
    }

    pub(super) fn twice<E: serde::de::Error>(&mut self, key: &str) -> E {
        let detail = format!("{} appears twice in one object; keep one", Quoted(key));
        self.stop(Reject::DuplicateKey, detail)
    }

    fn stop<E: serde::de::Error>(&mut self, code: Reject, detail: String) -> E {
        self.fault = Some(Rejected::new(code, detail));
        E::custom("")
    }

    /// Reads all of `text` by `seed`, and says what stopped it.
    pub(super) fn read<'a, T>(
        mut self,
        text: &'a str,
        seed: impl FnOnce(&mut Self, &mut JsonReader<'a>) -> Result<T, serde_json::Error>,
    ) -> Result<T, Rejected> {
        let mut json = serde_json::Deserializer::from_str(text);
        let read = seed(&mut self, &mut json).and_then(|read| json.end().map(|()| read));
        read.map_err(|error| match self.fault {
            Some(fault) => fault,
            None => syntax(&error, text, self.at, self.max_depth),
        })
    }
}

/// What serde_json reads from.
pub(super) type JsonReader<'a> = serde_json::Deserializer<serde_json::de::StrRead<'a>>;

fn too_deep(at: &str, max_depth: usize) -> String {
    format!("{at} is nested deeper than {max_depth}; flatten it, or raise max_depth (at most 120)")
}

/// What serde_json stumbled over.
fn syntax(error: &serde_json::Error, text: &str, at: &str, max_depth: usize) -> Rejected {
    let message = error.to_string();
    if message.starts_with("number out of range") {
        let detail = format!("{at} holds a number beyond 1.8e308; write a finite one, or null");
        return Rejected::new(Reject::NotFinite, detail);
    }
    if message.starts_with("recursion limit") {
        return Rejected::new(Reject::TooDeep, too_deep(at, max_depth));
    }
    let offset = offset(text, error.line(), error.column());
    let words = ["NaN", "Infinity", "-Infinity"];
    let near = (offset.saturating_sub(2)..=offset).filter_map(|from| text.get(from..));
    if near.into_iter().any(|rest| words.iter().any(|word| rest.starts_with(word))) {
        let detail = format!("{at} is NaN or Infinity, which JSON does not have; write null");
        return Rejected::new(Reject::NotFinite, detail);
    }
    let hint = if text.starts_with('\u{feff}') {
        "the value starts with a byte order mark; leave it out"
    } else if error.is_eof() {
        "the record is cut off"
    } else if message.starts_with("trailing characters") {
        "write one JSON object per record"
    } else {
        "write a JSON object"
    };
    Rejected::new(Reject::NotJson, format!("{message}, near {at}; {hint}"))
}

/// Where in `text` a line and column, both counted from 1, are.
fn offset(text: &str, line: usize, column: usize) -> usize {
    let before: usize = text.split_inclusive('\n').take(line.saturating_sub(1)).map(str::len).sum();
    before + column
}
