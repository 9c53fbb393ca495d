//! Places as a config writes them.
//!
//! Law: a place has one spelling. It begins somewhere (`/a/b` in the record, `header:name`, `key`,
//! `log-time`, `none`), goes on by steps, and after each `|` it reads the text that it found.

use crate::model::{TextEncoding, Piece, FieldPlace, PlaceRoot, PathStep, TextView};

/// What a place may be, for those who wrote something else.
const FORMS: &str = "write a JSON pointer such as \"/meta/time\" (~ as ~0, / as ~1), \
                     \"header:name\", \"key\", \"log-time\" or \"none\"";

/// What may follow a `|`.
const ENCODINGS: &str = "after | write json:/a/b, base64, auto, csv:0, csv:*, as:/place or \
                         part:text{}";

/// The place that a text names.
///
/// # Errors
/// What would do instead.
pub fn place(text: &str) -> Result<FieldPlace, String> {
    let no_place = || format!("{text:?} does not name a place in a record; {FORMS}");
    let mut parts = text.split('|');
    let first = parts.next().unwrap_or_default();
    let (root, steps) = match first {
        "" | "/" => (PlaceRoot::Record, Vec::new()),
        "key" => (PlaceRoot::Key, Vec::new()),
        "log-time" => (PlaceRoot::LogTime, Vec::new()),
        "none" => (PlaceRoot::Nothing, Vec::new()),
        pointer if pointer.starts_with('/') => (PlaceRoot::Record, steps(pointer).ok_or_else(no_place)?),
        other => match other.strip_prefix("header:") {
            Some(name) if !name.is_empty() => (PlaceRoot::Header(name.to_owned()), Vec::new()),
            Some(_) | None => return Err(no_place()),
        },
    };
    let views: Vec<_> = parts.map(|part| view(text, part)).collect::<Result<_, _>>()?;
    if views.is_empty() || !matches!(root, PlaceRoot::LogTime | PlaceRoot::Nothing) {
        return Ok(FieldPlace { text: text.to_owned(), root, steps, views });
    }
    Err(format!("{text:?}: {first} has no text to look into; remove what follows the first |"))
}

/// What follows a `|`.
fn view(whole: &str, part: &str) -> Result<TextView, String> {
    let wrong = || format!("{whole:?}: {part:?} is no way to read a text; {ENCODINGS}");
    let (name, rest) = part.split_once(':').unwrap_or((part, ""));
    let pointer = |rest: &str| if rest.is_empty() { Some(Vec::new()) } else { steps(rest) };
    let (of, steps) = match name {
        "json" => (TextEncoding::Json, pointer(rest).ok_or_else(wrong)?),
        "auto" => (TextEncoding::Auto, pointer(rest).ok_or_else(wrong)?),
        "base64" if part == name => (TextEncoding::Base64, Vec::new()),
        "as" => (TextEncoding::Stated(Box::new(place(rest)?)), Vec::new()),
        "csv" if rest == "*" => (TextEncoding::Csv(None), Vec::new()),
        "csv" => (TextEncoding::Csv(Some(rest.parse().map_err(|_| wrong())?)), Vec::new()),
        "part" => (TextEncoding::Part(pieces(rest).ok_or_else(wrong)?), Vec::new()),
        _ => return Err(wrong()),
    };
    Ok(TextView { of, steps })
}

/// The steps of a pointer. `None`: it does not begin with `/`, or has an escape that is none.
fn steps(pointer: &str) -> Option<Vec<PathStep>> {
    pointer.strip_prefix('/')?.split('/').map(step).collect()
}

fn step(segment: &str) -> Option<PathStep> {
    let escapes = segment.split('~').skip(1).all(|rest| rest.starts_with(['0', '1']));
    if !escapes {
        return None;
    }
    let plain = |text: &str| text.replace("~1", "/").replace("~0", "~");
    if segment == "*" {
        return Some(PathStep::Only);
    }
    match segment.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')?.split_once('=')) {
        Some((member, is)) => Some(PathStep::Where(plain(member), plain(is))),
        None => Some(PathStep::Member(plain(segment))),
    }
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
