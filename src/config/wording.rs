//! serde's errors in plain words, with a guess at what was meant.

use super::problem::Path;
use crate::phrases::closest;

/// What to do about a key that is missing.
pub(super) const ADD: &str = "add it, as the shipped config.toml shows";

/// The name of the missing field, if the error is about one.
pub(super) fn missing(text: &str) -> Option<&str> {
    text.strip_prefix("missing field `")?.split('`').next()
}

/// The error in plain words.
pub(super) fn of(path: &Path, text: &str) -> String {
    let known: Vec<&str> = text.split('`').skip(3).step_by(2).collect();
    let written = text.split('`').nth(1).unwrap_or_default();
    let meant = closest(written, &known);
    if text.starts_with("unknown field") {
        let place = path.parent();
        let place = if place.parts().is_empty() {
            "at the top level".to_owned()
        } else {
            format!("of {place}")
        };
        return match meant {
            Some(meant) => format!("unknown key; did you mean {meant}?"),
            None => format!("unknown key; the keys {place} are {}", known.join(", ")),
        };
    }
    if text.starts_with("unknown variant") {
        return match meant {
            Some(meant) => format!(
                "unknown value; did you mean {meant:?}? Expected one of {}",
                known.join(", ")
            ),
            None => format!("unknown value; expected one of {}", known.join(", ")),
        };
    }
    let Some((_, expected)) = text.split_once("expected ") else { return text.to_owned() };
    let expected = match expected {
        "u64" | "u32" | "usize" => "a whole number, 0 or more",
        "f64" => "a number",
        "a boolean" => "true or false",
        "a string" | "string or map" => "a quoted string",
        "a sequence" => "a list in square brackets",
        other if other.starts_with("struct") || other == "a map" => "a table of keys",
        other => other,
    };
    format!("must be {expected}")
}
