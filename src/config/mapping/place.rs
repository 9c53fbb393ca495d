//! Places as a config writes them.
//!
//! Law: a place has one spelling. It begins somewhere (`/a/b` in the record, `./a` in the element
//! that `each` names, `header:name`, `ce:name`, `key`, `topic`, `log-time`, `none`), goes on by
//! steps, and after each `|` it reads the text that it found.

use crate::model::{FieldPlace, PathStep, Piece, PlaceRoot, TextEncoding, TextView};

/// What a place may be, for those who wrote something else.
fn forms(written: &str) -> String {
    let is_name = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
    let name = if written.bytes().all(is_name) { written } else { "meta/time" };
    format!(
        "write a JSON pointer such as \"/{name}\" (~ as ~0, / as ~1), \"./{name}\" in an element \
         of each, or \"header:name\", \"ce:name\", \"key\", \"topic\", \"log-time\" or \"none\""
    )
}

/// What may follow a `|`.
const ENCODINGS: &str = "after | write json:/a/b, base64, auto, csv:0, csv:*, csv:*/*, as:/place, \
                         count or part:text{}";

/// The place that a text names.
///
/// # Errors
/// What would do instead.
pub fn place(text: &str) -> Result<FieldPlace, String> {
    let no_place = || format!("{text:?} does not name a place in a record; {}", forms(text));
    let mut parts = text.split('|');
    let first = parts.next().unwrap_or_default();
    let (root, steps) = match first {
        "" | "/" => (PlaceRoot::Record, Vec::new()),
        "." | "./" => (PlaceRoot::Element, Vec::new()),
        "key" => (PlaceRoot::Key, Vec::new()),
        "topic" => (PlaceRoot::Topic, Vec::new()),
        "log-time" => (PlaceRoot::LogTime, Vec::new()),
        "none" => (PlaceRoot::Nothing, Vec::new()),
        pointer if pointer.starts_with('/') => {
            (PlaceRoot::Record, steps(pointer).ok_or_else(no_place)?)
        }
        pointer if pointer.starts_with("./") => {
            let steps = pointer.get(1..).and_then(steps).ok_or_else(no_place)?;
            (PlaceRoot::Element, steps)
        }
        other => (named(other).ok_or_else(no_place)?, Vec::new()),
    };
    let views: Vec<_> = parts.map(|part| view(text, part)).collect::<Result<_, _>>()?;
    if views.is_empty() || !matches!(root, PlaceRoot::LogTime | PlaceRoot::Nothing) {
        return Ok(FieldPlace { text: text.to_owned(), root, steps, views, in_tree: None });
    }
    Err(format!("{text:?}: {first} has no text to look into; remove what follows the first |"))
}

fn named(text: &str) -> Option<PlaceRoot> {
    let (kind, name) = text.split_once(':').filter(|(_, name)| !name.is_empty())?;
    match kind {
        "header" => Some(PlaceRoot::Header(name.to_owned())),
        "ce" => Some(PlaceRoot::Attribute(name.to_owned())),
        _ => None,
    }
}

/// What follows a `|`.
fn view(whole: &str, part: &str) -> Result<TextView, String> {
    let wrong = || format!("{whole:?}: {part:?} is no way to read a text; {ENCODINGS}");
    let (name, rest) = part.split_once(':').unwrap_or((part, ""));
    let pointer = |rest: &str| if rest.is_empty() { Some(Vec::new()) } else { steps(rest) };
    let (of, steps) = match name {
        "json" => (TextEncoding::Json, pointer(rest).ok_or_else(wrong)?),
        "auto" => (TextEncoding::Auto, pointer(rest).ok_or_else(wrong)?),
        "count" if part == name => (TextEncoding::Count, Vec::new()),
        "base64" if part == name => (TextEncoding::Base64, Vec::new()),
        "as" => {
            let stated = place(rest)?;
            if !stated.views.is_empty() {
                return Err(wrong());
            }
            (TextEncoding::Stated(Box::new(stated)), Vec::new())
        }
        "csv" if rest == "*" => (TextEncoding::Csv(None), Vec::new()),
        "csv" if rest == "*/*" => (TextEncoding::Rows, Vec::new()),
        "csv" => (TextEncoding::Csv(Some(rest.parse().map_err(|_| wrong())?)), Vec::new()),
        "part" => (TextEncoding::Part(pieces(rest).ok_or_else(wrong)?), Vec::new()),
        _ => return Err(wrong()),
    };
    Ok(TextView { of, steps })
}

/// The steps of a pointer. `None`: it does not begin with `/`, or has an invalid escape.
pub(in crate::config) fn steps(pointer: &str) -> Option<Vec<PathStep>> {
    pointer.strip_prefix('/')?.split('/').map(step).collect()
}

fn step(segment: &str) -> Option<PathStep> {
    let escapes = segment.split('~').skip(1).all(|rest| rest.starts_with(['0', '1']));
    if !escapes {
        return None;
    }
    let plain = |text: &str| text.replace("~1", "/").replace("~0", "~");
    if segment == "*" {
        return Some(PathStep::Star);
    }
    let Some(condition) = segment.strip_prefix('[') else {
        return Some(PathStep::Member(plain(segment)));
    };
    let (member, is) = condition.strip_suffix(']')?.split_once('=')?;
    Some(PathStep::Where(plain(member), plain(is)))
}

/// The pieces of a pattern, of which one is `{}`. `None`: it has none, or several.
fn pieces(pattern: &str) -> Option<Vec<Piece>> {
    let (mut pieces, mut rest) = (Vec::new(), pattern);
    while let Some((before, after)) = rest.split_once('{') {
        let (name, after) = after.split_once('}')?;
        let piece = match name {
            "" => Piece::Value,
            "_" => Piece::Any,
            _ => return None,
        };
        if !before.is_empty() {
            pieces.push(Piece::Text(before.to_owned()));
        } else if matches!(pieces.last(), Some(Piece::Any | Piece::Value)) {
            return None;
        }
        pieces.push(piece);
        rest = after;
    }
    if !rest.is_empty() {
        pieces.push(Piece::Text(rest.to_owned()));
    }
    let values = pieces.iter().filter(|piece| **piece == Piece::Value).count();
    (values == 1).then_some(pieces)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_says_where_it_begins_and_how_it_goes_on() {
        for (text, root, steps, views) in [
            ("", Some(PlaceRoot::Record), 0, 0),
            ("/a/b", Some(PlaceRoot::Record), 2, 0),
            ("/a~1b~0c", Some(PlaceRoot::Record), 1, 0),
            (".", Some(PlaceRoot::Element), 0, 0),
            ("./a/[key=x]/value/*", Some(PlaceRoot::Element), 4, 0),
            ("header:x-id", Some(PlaceRoot::Header("x-id".to_owned())), 0, 0),
            ("ce:id", Some(PlaceRoot::Attribute("id".to_owned())), 0, 0),
            ("key", Some(PlaceRoot::Key), 0, 0),
            ("topic|part:model.{}", Some(PlaceRoot::Topic), 0, 1),
            ("log-time", Some(PlaceRoot::LogTime), 0, 0),
            ("/a|as:/b|json:/c/0", Some(PlaceRoot::Record), 1, 2),
            ("/a|csv:*/*", Some(PlaceRoot::Record), 1, 1),
            ("/a~b", None, 0, 0),
            ("a/b", None, 0, 0),
            (".a", None, 0, 0),
            ("header:", None, 0, 0),
            ("log-time|json", None, 0, 0),
            ("/a|xml", None, 0, 0),
            ("/a|csv:first", None, 0, 0),
            ("/a|part:no braces", None, 0, 0),
            ("/a|part:{}{}", None, 0, 0),
        ] {
            match (place(text), root) {
                (Ok(place), Some(root)) => {
                    let found = (place.root, place.steps.len(), place.views.len());
                    assert_eq!(found, (root, steps, views), "{text}");
                }
                (Err(why), None) => {
                    assert!(why.contains("write") || why.contains("remove"), "{why}")
                }
                (found, _) => panic!("{text}: {found:?}"),
            }
        }
    }
}
