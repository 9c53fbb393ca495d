//! serde's errors in plain words, with a guess at what was meant.

use super::problem::Path;

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

/// The known word that differs in at most a third of its letters.
fn closest<'a>(written: &str, known: &[&'a str]) -> Option<&'a str> {
    let near = known.iter().map(|word| (distance(written, word), *word)).min()?;
    (near.0 <= 1.max(near.1.len() / 3)).then_some(near.1)
}

/// Number of letters to insert, remove or replace.
fn distance(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, x) in a.chars().enumerate() {
        let mut left = i + 1;
        let mut next = vec![left];
        for ((y, above), diagonal) in b.iter().zip(row.iter().skip(1)).zip(&row) {
            left = (left + 1).min(above + 1).min(diagonal + usize::from(x != *y));
            next.push(left);
        }
        row = next;
    }
    row.last().copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_distance_counts_letters() {
        for (a, b, want) in [
            ("", "", 0),
            ("mode", "mode", 0),
            ("mod", "mode", 1),
            ("modus", "mode", 2),
            ("", "ab", 2),
        ] {
            assert_eq!(distance(a, b), want, "{a} {b}");
            assert_eq!(distance(b, a), want, "{b} {a}");
        }
    }

    #[test]
    fn a_guess_is_close_or_not_made() {
        let known = ["limit_percent", "bins", "rule"];
        assert_eq!(closest("limit_precent", &known), Some("limit_percent"));
        assert_eq!(closest("bin", &known), Some("bins"));
        assert_eq!(closest("colour", &known), None);
    }
}
