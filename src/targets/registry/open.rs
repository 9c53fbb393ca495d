//! Opens a registry: in the shape that the config describes, or in Ripcord's own form.

use super::document::{Document, SCHEMA, side_of};
use super::error::DocumentError;
use super::form;
use super::json::{JsonText, LiteralJson, on_line};
use super::recognize::recognize;
use crate::config::RegistryShape;
use crate::model::PathStep;

impl Document {
    /// Reads a registry, and the side text if it needs one.
    pub(super) fn parse(
        text: &str,
        side: Option<&str>,
        shape: &RegistryShape,
    ) -> Result<Self, DocumentError> {
        let main = JsonText::read(text).map_err(DocumentError::NotJson)?;
        let newest = shape.newest;
        let Some(form) = &shape.form else {
            let root = main.root.clone();
            let read = Self::own(main, side, newest);
            return read
                .map_err(|error| if is_own(&root) { error } else { recognize(&root, error) });
        };
        Self::read(main, Some(side_of(side)?), false, form.clone(), newest)
    }

    /// Reads a registry in Ripcord's own form: the object, or a plain list of its entries.
    fn own(main: JsonText, side: Option<&str>, newest: bool) -> Result<Self, DocumentError> {
        let side = match &main.root {
            LiteralJson::List(_) => Some(side_of(side)?),
            LiteralJson::Object(_) => None,
            other @ (LiteralJson::Null
            | LiteralJson::Flag(_)
            | LiteralJson::Number(_)
            | LiteralJson::Text(_)) => {
                return Err(DocumentError::Shape { found: other.to_string() });
            }
        };
        if side.is_none() {
            check_schema(&main.root)?;
            check_models(&main.root)?;
        }
        let models = [PathStep::Member("models".to_owned())];
        let entries = models.into_iter().filter(|_| side.is_none()).collect();
        let document = Self::read(main, side, true, form::own(entries), newest)?;
        if !document.entries.is_empty() && !document.any_has("is_production") {
            return Err(DocumentError::NothingInProduction);
        }
        Ok(document)
    }
}

/// Whether it can only be in Ripcord's own form, even if something in it is wrong.
fn is_own(root: &LiteralJson) -> bool {
    let LiteralJson::List(list) = root else { return check_schema(root).is_ok() };
    let mut flags = list.values().filter_map(|entry| entry.get("is_production"));
    flags.any(|flag| matches!(flag, LiteralJson::Flag(_)))
}

fn check_schema(root: &LiteralJson) -> Result<(), DocumentError> {
    let fix = format!("write \"{SCHEMA}\"");
    let at = on_line("schema", root.line_of("schema").unwrap_or(0));
    match root.get("schema") {
        Some(LiteralJson::Text(schema)) if schema.text() == Some(SCHEMA) => Ok(()),
        Some(other) => Err(DocumentError::Wrong { at, found: other.to_string(), fix }),
        None => Err(DocumentError::Missing { at, fix }),
    }
}

/// Refuses an object of entries: in Ripcord's own form the version is in the entry.
fn check_models(root: &LiteralJson) -> Result<(), DocumentError> {
    match root.get("models") {
        Some(LiteralJson::List(_)) | None => Ok(()),
        Some(other) => Err(DocumentError::Wrong {
            at: on_line("models", root.line_of("models").unwrap_or(0)),
            found: other.to_string(),
            fix: "write a list of entries".to_owned(),
        }),
    }
}
