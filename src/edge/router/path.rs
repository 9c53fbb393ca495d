//! Paths below `/models/NAME/`: whose they are, and which of them lead elsewhere.

use std::sync::Arc;

use axum::http::Uri;

use super::Shared;
use super::served::Served;
use crate::edge::http::Problem;

/// Before every path that is passed on.
const MODELS: &str = "/models/";

/// The model that is asked, and what of it, with the query.
pub(super) fn found(shared: &Shared, uri: &Uri) -> Result<(Arc<Served>, String), Problem> {
    let path = uri.path().strip_prefix(MODELS).unwrap_or_default();
    let (model, rest) = path.split_once('/').unwrap_or((path, ""));
    let model = decoded(model);
    let served = model.as_deref().and_then(|model| shared.models.get(model));
    let Some(served) = served else {
        let known: Vec<_> = shared.models.keys().map(|model| model.as_str()).collect();
        let model = model.unwrap_or_default();
        let detail =
            format!("no model {model:?} is routed here; the models are {}", known.join(", "));
        return Err(Problem::missing(detail));
    };
    if rest.split('/').any(climbs) {
        return Err(Problem::bad("the path contains . or .., perhaps encoded; write it without"));
    }
    let path = uri.query().map_or(rest.to_owned(), |query| format!("{rest}?{query}"));
    Ok((Arc::clone(served), path))
}

/// Whether a part of a path would lead elsewhere once a backend has decoded it, or is not text.
/// Some decode twice, take a backslash for a slash, and cut off what follows a semicolon.
fn climbs(part: &str) -> bool {
    let Some(once) = decoded(part) else { return true };
    let twice = decoded(&once).unwrap_or_default();
    let leads = |text: &str| {
        let mut parts = text.split(['/', '\\']).filter_map(|part| part.split(';').next());
        parts.any(|part| matches!(part, "." | ".."))
    };
    leads(&once) || leads(&twice)
}

/// A part of a path, decoded; `None` if it is not text.
fn decoded(part: &str) -> Option<String> {
    if !part.contains('%') {
        return Some(part.to_owned());
    }
    let mut bytes = Vec::with_capacity(part.len());
    let mut rest = part.bytes();
    while let Some(byte) = rest.next() {
        if byte != b'%' {
            bytes.push(byte);
            continue;
        }
        let digit = |byte: Option<u8>| char::from(byte?).to_digit(16);
        let (high, low) = (digit(rest.next())?, digit(rest.next())?);
        bytes.push(u8::try_from(high * 16 + low).ok()?);
    }
    String::from_utf8(bytes).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_leads_elsewhere_once_it_is_decoded_is_found() {
        for (part, expected) in [
            ("..", true),
            (".", true),
            ("%2e%2E", true),
            ("..%2f", true),
            ("..%2Fadmin", true),
            ("a%2f..%2fb", true),
            ("..%5cb", true),
            ("%252e%252e", true),
            ("..%252fb", true),
            ("..;x=1", true),
            ("%ff", true),
            ("a%2fb", false),
            ("...", false),
            ("a..b", false),
            ("100%25", false),
            ("", false),
        ] {
            assert_eq!(climbs(part), expected, "{part}");
        }
    }

    #[test]
    fn a_part_of_a_path_is_read_as_it_is_meant() {
        for (part, meant) in [
            ("predict", Some("predict")),
            ("%2e%2E", Some("..")),
            ("credit%20risk", Some("credit risk")),
            ("%c3%a4", Some("ä")),
            ("%ff", None),
            ("%", None),
            ("%2", None),
            ("%zz", None),
        ] {
            assert_eq!(decoded(part).as_deref(), meant, "{part}");
        }
    }
}
