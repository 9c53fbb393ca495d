//! What serde says, in words for people, with a guess at what was meant.

use super::problem::Path;
use crate::phrases::closest;

/// What to do about a key that is missing.
pub(super) const ADD: &str = "add it, as the shipped config.toml shows";

/// The field that is missing, if that is what the text says.
pub(super) fn missing(text: &str) -> Option<&str> {
    text.strip_prefix("missing field `")?.split('`').next()
}

/// What would do instead.
pub(super) fn of(path: &Path, text: &str) -> String {
    let known: Vec<&str> = text.split('`').skip(3).step_by(2).collect();
    let written = text.split('`').nth(1).unwrap_or_default();
    let meant = closest(written, &known);
    if text.starts_with("unknown field") {
        let place = path.parent();
        let place = if place.parts().is_empty() { "the top".to_owned() } else { place.to_string() };
        return match meant {
            Some(meant) => format!("there is no such key; did you mean {meant}?"),
            None => format!("there is no such key; {place} has {}", known.join(", ")),
        };
    }
    if text.starts_with("unknown variant") {
        return match meant {
            Some(meant) => format!("did you mean {meant:?}? It is one of {}", known.join(", ")),
            None => format!("it is one of {}", known.join(", ")),
        };
    }
    let Some((_, expected)) = text.split_once("expected ") else { return text.to_owned() };
    let expected = match expected {
        "u64" | "u32" | "usize" => "a whole number, 0 or more",
        "f64" => "a number",
        "a boolean" => "true or false",
        "a string" | "string or map" => "a text in quotes",
        "a sequence" => "a list in square brackets",
        other if other.starts_with("struct") || other == "a map" => "a table of keys",
        other => other,
    };
    format!("it must be {expected}")
}
