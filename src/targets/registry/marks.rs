//! What marks the production version: read, and moved by a switch.

use serde_json::Value as Json;

use super::document::Document;
use super::entry::{Entry, EntryAt};
use super::error::DocumentError;
use super::form::Shaped;
use super::json::LiteralJson;
use crate::config::{MarkedBy, Place, ProductionMark};
use crate::model::PathStep;

/// Whether a value in a file is the one that the config names; `None` if it is of another kind.
fn is(found: &LiteralJson, wanted: &Json) -> Option<bool> {
    match (found, wanted) {
        (LiteralJson::Null, _) => Some(false),
        (LiteralJson::Flag(found), Json::Bool(wanted)) => Some(found == wanted),
        (LiteralJson::Number(found), Json::Number(wanted)) => Some(*found == wanted.to_string()),
        (LiteralJson::Text(found), Json::String(wanted)) => {
            Some(found.text().is_some_and(|found| found.to_lowercase() == wanted.to_lowercase()))
        }
        (_, _) => None,
    }
}

fn literal(value: &Json) -> LiteralJson {
    match value {
        Json::Bool(flag) => LiteralJson::Flag(*flag),
        Json::Number(number) => LiteralJson::Number(number.to_string()),
        Json::String(text) => LiteralJson::text(text),
        Json::Null | Json::Array(_) | Json::Object(_) => LiteralJson::Null,
    }
}

impl Shaped<'_> {
    /// Whether this mark is on this entry.
    pub(super) fn marked(self, mark: &ProductionMark, at: &EntryAt) -> Result<bool, DocumentError> {
        match (&mark.by, mark.list()) {
            (MarkedBy::Value(value), Some(list)) => Ok(!self.items(&list, value, at)?.is_empty()),
            (MarkedBy::Value(value), None) => {
                let Some(address) = self.find(&mark.at, at) else { return Ok(false) };
                let found = self.root.at(&address).unwrap_or(&LiteralJson::Null);
                is(found, value).ok_or_else(|| {
                    let fix = if value.is_boolean() {
                        "write true or false, without quotes".to_owned()
                    } else {
                        format!("the shape compares it with {value}; write one of its kind")
                    };
                    self.wrong(&address, fix)
                })
            }
            (MarkedBy::Holds(place), _) => {
                let held = self.word(&mark.at, at)?;
                Ok(held.is_some() && held == self.word(place, at)?)
            }
        }
    }

    /// The items of a list that are the wanted value.
    fn items(self, list: &Place, wanted: &Json, at: &EntryAt) -> Result<Vec<usize>, DocumentError> {
        let Some(address) = self.find(list, at) else { return Ok(Vec::new()) };
        match self.root.at(&address) {
            None | Some(LiteralJson::Null) => Ok(Vec::new()),
            Some(LiteralJson::List(items)) => {
                let wanted = |(_, item): &(usize, &LiteralJson)| is(item, wanted) == Some(true);
                Ok(items.values().enumerate().filter(wanted).map(|(index, _)| index).collect())
            }
            Some(_) => Err(self.wrong(&address, "write a list")),
        }
    }

    /// Checks that what the document says is in production has an entry.
    pub(super) fn check_held(self, entries: &[Entry]) -> Result<(), DocumentError> {
        for mark in &self.form.marks {
            let MarkedBy::Holds(held) = &mark.by else { continue };
            let mut before = None;
            for entry in entries {
                // One pointer holds for all entries of a group, or of the document.
                if before.replace(&entry.at.group) == Some(&entry.at.group) {
                    continue;
                }
                let Some(address) = self.find(&mark.at, &entry.at) else {
                    // A group without one has no version in production.
                    match entry.at.group {
                        Some(_) => continue,
                        None => return Err(self.unsaid(&mark.at, &entry.at)),
                    }
                };
                let mut found = self.word(&mark.at, &entry.at)?.is_none();
                for other in entries.iter().filter(|other| other.at.group == entry.at.group) {
                    found = found || self.marked(mark, &other.at)?;
                }
                if !found {
                    let fix = format!("no entry has it at {held}; write one that does, or null");
                    return Err(self.wrong(&address, fix));
                }
            }
        }
        Ok(())
    }
}

impl Document {
    /// Moves every mark from `live`, and from the entries in `down`, to `up`.
    pub(super) fn move_marks(
        &mut self,
        up: &EntryAt,
        live: &EntryAt,
        down: &[EntryAt],
    ) -> Result<(), DocumentError> {
        for mark in self.form.marks.clone() {
            match (&mark.by, mark.list()) {
                (MarkedBy::Holds(held), _) => self.hold(&mark.at, held, up)?,
                (MarkedBy::Value(value), None) => self.move_value(&mark, value, up, live, down)?,
                (MarkedBy::Value(value), Some(list)) => {
                    self.move_item(&mark, &list, value, up, live, down)?;
                }
            }
        }
        Ok(())
    }

    /// Writes what the entry has in a place to where the document holds it, as a text if a text was
    /// there.
    fn hold(&mut self, at: &Place, held: &Place, up: &EntryAt) -> Result<(), DocumentError> {
        let shaped = self.shaped();
        let (target, word) = (shaped.find(at, up), shaped.word(held, up)?);
        let (Some(target), Some(word)) = (target, word) else { return Err(shaped.unsaid(at, up)) };
        let found = shaped.find(held, up).filter(|_| !matches!(held, Place::Key | Place::Group));
        let same = found.and_then(|found| shaped.root.at(&found)).cloned();
        let number = word.bytes().all(|byte| byte.is_ascii_digit()).then(|| word.to_owned());
        let value = match (shaped.root.at(&target), same, number) {
            (Some(LiteralJson::Text(_)), Some(same @ LiteralJson::Text(_)), _) => same,
            (Some(LiteralJson::Number(_)), _, Some(number)) => LiteralJson::Number(number),
            (_, _, _) => LiteralJson::text(word),
        };
        if let Some(place) = self.main.root.at_mut(&target) {
            *place = value;
        }
        Ok(())
    }

    fn move_value(
        &mut self,
        mark: &ProductionMark,
        value: &Json,
        up: &EntryAt,
        live: &EntryAt,
        down: &[EntryAt],
    ) -> Result<(), DocumentError> {
        let shaped = self.shaped();
        let at = |entry: &EntryAt| shaped.find(&mark.at, entry).and_then(|at| shaped.root.at(&at));
        let was_marked = shaped.marked(mark, up)?;
        let had = at(up).filter(|_| !was_marked).cloned();
        let word = at(live).cloned().unwrap_or_else(|| literal(value));
        let former = match (&mark.former, value, had) {
            (Some(former), _, _) => self.as_written(&mark.at, former),
            (None, _, Some(had)) if had != LiteralJson::Null || !value.is_boolean() => had,
            (None, Json::Bool(flag), _) => LiteralJson::Flag(!flag),
            (None, _, _) => return Err(DocumentError::Former { at: mark.at.to_string() }),
        };
        for entry in down {
            if self.shaped().marked(mark, entry)? {
                self.set_at(&mark.at, entry, former.clone());
            }
        }
        if !was_marked {
            self.set_at(&mark.at, up, word);
        }
        Ok(())
    }

    fn move_item(
        &mut self,
        mark: &ProductionMark,
        list: &Place,
        value: &Json,
        up: &EntryAt,
        live: &EntryAt,
        down: &[EntryAt],
    ) -> Result<(), DocumentError> {
        let word = {
            let shaped = self.shaped();
            let index = shaped.items(list, value, live)?.first().copied();
            let list = shaped.find(list, live).and_then(|at| shaped.root.at(&at));
            list.zip(index).and_then(|(list, index)| list.at(&[index])).cloned()
        };
        for entry in down {
            let items = self.shaped().items(list, value, entry)?;
            let Some(address) = self.shaped().find(list, entry) else { continue };
            let former = mark.former.as_ref().map(literal);
            let Some(json) = self.main.root.at_mut(&address) else { continue };
            for index in items.into_iter().rev() {
                match (&former, json.at_mut(&[index])) {
                    (Some(former), Some(item)) => *item = former.clone(),
                    (_, _) => json.remove_item(index),
                }
            }
        }
        if self.shaped().items(list, value, up)?.is_empty() {
            let word = word.unwrap_or_else(|| literal(value));
            let address = self.shaped().find(list, up);
            match address.and_then(|address| self.main.root.at_mut(&address)) {
                Some(LiteralJson::List(items)) => items.push(word),
                Some(_) | None => self.set_at(list, up, LiteralJson::list([word])),
            }
        }
        Ok(())
    }

    /// A word of the config, written as the file writes it elsewhere.
    fn as_written(&self, place: &Place, word: &Json) -> LiteralJson {
        let shaped = self.shaped();
        let mut values = self.entries.iter().filter_map(|entry| {
            let address = shaped.find(place, &entry.at)?;
            shaped.root.at(&address).filter(|found| is(found, word) == Some(true))
        });
        values.next().cloned().unwrap_or_else(|| literal(word))
    }

    /// Sets what is in a place of an entry, in a field that is added if it is missing.
    fn set_at(&mut self, place: &Place, entry: &EntryAt, value: LiteralJson) {
        let address = self.shaped().find(place, entry);
        if let Some(old) = address.and_then(|address| self.main.root.at_mut(&address)) {
            *old = value;
        } else if let Place::Entry(steps) = place
            && let Some((PathStep::Member(name), above)) = steps.split_last()
            && let Some(above) = self.shaped().find(&Place::Entry(above.to_vec()), entry)
            && let Some(object) = self.main.root.at_mut(&above)
        {
            object.set(name, value);
        }
    }
}
