//! What a mapping says of whole records: which are meant, where their samples stand, which belong
//! together, and what the path of their file says.

use serde_json::{Map, Value as Json};

use super::place::place;
use super::refuse::FIELDS;
use super::rule::{Wrong, at, known_keys, pattern, places, places_at, text};
use crate::model::{
    EachRule, FieldPlace, OnlyRule, PairRule, PathPattern, PathPiece, PathStep, Span,
};

/// The longest that a half of a call may wait: the shortest label horizon.
const LONGEST_S: u64 = 3_600;

/// `each = "/rows"`, a list of places, or `{ asked = "/instances", answered = "/predictions" }`.
pub(super) fn each(written: &Json) -> Result<EachRule, Wrong> {
    let list =
        |written: &Json| places(written)?.into_iter().map(list).collect::<Result<Vec<_>, _>>();
    let Json::Object(table) = written else {
        let others = list(written).map_err(|why| (None, why))?;
        return Ok(EachRule { asked: others.clone(), answered: others.clone(), others });
    };
    known_keys(table, &["asked", "answered"])?;
    let of = |key: &'static str| {
        let written = table.get(key);
        Ok(written.map(list).transpose().map_err(at(key))?.unwrap_or_default())
    };
    Ok(EachRule { asked: of("asked")?, answered: of("answered")?, others: Vec::new() })
}

/// The place of a list.
fn list(place: FieldPlace) -> Result<FieldPlace, String> {
    let text = &place.text;
    let within = place.views.iter().flat_map(|view| &view.steps);
    if place.steps.last() == Some(&PathStep::Star) && place.views.is_empty() {
        return Err(format!(
            "{text:?}: each goes through the list by itself; leave out the last /*"
        ));
    }
    let mut all = place.steps.iter().chain(within);
    if !place.views.is_empty() && all.any(|step| *step == PathStep::Star) {
        return Err(format!("{text:?}: a list inside a text needs a place without *"));
    }
    Ok(place)
}

/// `only = { "/kind" = "chat" }`.
pub(super) fn only(table: &Map<String, Json>) -> Result<Vec<OnlyRule>, Wrong> {
    let rules = table.iter().map(|(written, is)| {
        let wrong = |why| (Some(written.clone()), why);
        let place = place(written).map_err(wrong)?;
        let is = match is {
            Json::Array(list) => list.iter().map(|one| text(one).and_then(pattern)).collect(),
            Json::Bool(_) | Json::Number(_) => pattern(&is.to_string()).map(|is| vec![is]),
            Json::Null | Json::String(_) | Json::Object(_) => {
                text(is).and_then(pattern).map(|one| vec![one])
            }
        };
        let is: Vec<_> = is.map_err(wrong)?;
        if is.is_empty() {
            return Err(wrong("no value is allowed; name one, or write \"present\"".to_owned()));
        }
        Ok(OnlyRule { place, is })
    });
    rules.collect()
}

/// `pair = { by = "ce:id", within_seconds = 30, missing = "error" }`.
pub(super) fn pair(written: &Json) -> Result<PairRule, Wrong> {
    let Json::Object(table) = written else {
        let why = format!(
            "{written} is no table; write {{ by = \"/id\", within_seconds = 30, missing = \
             \"error\" }}"
        );
        return Err((None, why));
    };
    known_keys(table, &["by", "within_seconds", "missing"])?;
    let by = places_at(table, "by")?;
    if by.is_empty() {
        return Err((None, "needs by: the place of what both halves share".to_owned()));
    }
    let within_s = table.get("within_seconds").and_then(Json::as_u64);
    let within_s = within_s.filter(|seconds| (1..=LONGEST_S).contains(seconds));
    let within_s = within_s.ok_or_else(|| {
        at("within_seconds")(format!("write whole seconds from 1 to {LONGEST_S}"))
    })?;
    let missing_is_error = match table.get("missing").and_then(Json::as_str) {
        Some("error") => true,
        Some("ignore") => false,
        Some(_) | None => {
            let why = "write \"error\" if a call without an answer has failed, or \"ignore\" if \
                       only some calls are logged";
            return Err(at("missing")(why.to_owned()));
        }
    };
    Ok(PairRule { by, within: Span::from_s(within_s.cast_signed()), missing_is_error })
}

/// `path = "{model}/{version}/*/*.jsonl"`.
pub(super) fn path(written: &str) -> Result<PathPattern, String> {
    let segments = written.split('/').map(segment).collect::<Result<Vec<_>, _>>()?;
    let names = segments.iter().flatten().filter_map(|piece| match piece {
        PathPiece::Named(name) => Some(name.as_str()),
        PathPiece::Text(_) | PathPiece::Any => None,
    });
    let mut names: Vec<_> = names.collect();
    if names.is_empty() {
        return Err(format!("{written:?} names nothing; write {{model}} where the model is"));
    }
    names.sort_unstable();
    if let Some(twice) =
        names.windows(2).find_map(|pair| (pair.first() == pair.last()).then(|| pair.first()))
    {
        return Err(format!("{{{}}} is there twice", twice.unwrap_or(&"")));
    }
    Ok(PathPattern { text: written.to_owned(), segments })
}

fn segment(text: &str) -> Result<Vec<PathPiece>, String> {
    let (mut pieces, mut rest) = (Vec::new(), text);
    while let Some(at) = rest.find(['{', '*']) {
        let (before, after) = rest.split_at(at);
        if !before.is_empty() {
            pieces.push(PathPiece::Text(before.to_owned()));
        } else if !pieces.is_empty() {
            return Err(format!(
                "{text:?}: no text is between two values, so nobody can tell \
                                where the first ends"
            ));
        }
        if let Some(after) = after.strip_prefix('*') {
            pieces.push(PathPiece::Any);
            rest = after;
            continue;
        }
        let (name, after) = after
            .strip_prefix('{')
            .and_then(|after| after.split_once('}'))
            .ok_or_else(|| format!("{text:?}: a {{ is not closed"))?;
        if !FIELDS.contains(&name) && !PathPattern::TIMES.contains(&name) {
            return Err(format!(
                "{{{name}}} is no field of a sample; write {{model}}, {{version}} or another \
                 field, or {}",
                PathPattern::TIMES.map(|part| format!("{{{part}}}")).join(", ")
            ));
        }
        pieces.push(PathPiece::Named(name.to_owned()));
        rest = after;
    }
    if !rest.is_empty() {
        pieces.push(PathPiece::Text(rest.to_owned()));
    }
    Ok(pieces)
}
