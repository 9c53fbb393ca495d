//! A mapping guessed from the names and values of a record's members, for people to correct.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value as Json;

use super::units::unit;

/// Levels of nesting that are looked through.
const DEPTH: usize = 4;
/// Places that are listed, and values of each that are remembered.
const PLACES: usize = 30;
const VALUES: usize = 8;

/// Words in the names that fields often have, the likeliest first. A name in full comes before one
/// of its words.
const NAMES: [(&str, &[&str]); 9] = [
    (
        "id",
        &[
            "predictionid",
            "requestid",
            "inferenceid",
            "eventid",
            "transactionid",
            "txnid",
            "uid",
            "uuid",
            "id",
            "ref",
            "reference",
            "traceid",
            "key",
        ],
    ),
    ("model", &["modelname", "model", "modelid", "app", "application", "service", "endpoint"]),
    ("version", &["modelversion", "version", "release", "rel", "revision", "deployment", "build"]),
    (
        "ts",
        &[
            "ts",
            "timestamp",
            "eventtime",
            "predictionts",
            "inferencetime",
            "createdat",
            "time",
            "datetime",
            "at",
            "when",
            "date",
        ],
    ),
    (
        "prediction",
        &[
            "prediction",
            "predictedlabel",
            "predictionvalue",
            "ypred",
            "predicted",
            "pred",
            "verdict",
            "decision",
            "label",
            "answer",
            "output",
            "result",
            "class",
        ],
    ),
    (
        "score",
        &["score", "probability", "proba", "ypredproba", "confidence", "predictionscore", "prob"],
    ),
    (
        "status",
        &["statuscode", "status", "state", "httpstatus", "code", "rc", "returncode", "success"],
    ),
    (
        "latency_ms",
        &[
            "latencyms",
            "durationms",
            "executiontimems",
            "latency",
            "duration",
            "elapsed",
            "took",
            "responsetime",
            "ms",
        ],
    ),
    ("features", &["features", "inputs", "input", "instance", "x", "payload"]),
];

/// What a call that went well is said to be.
const GOOD: [&str; 10] =
    ["ok", "success", "succeeded", "successful", "completed", "done", "true", "0", "good", "fine"];

/// What was seen at a place.
struct SeenAt {
    first: Json,
    values: BTreeSet<String>,
}

/// A mapping for these records, in the table of this name. `None` if no record is an object.
pub(super) fn proposal<'r>(records: impl Iterator<Item = &'r [u8]>, table: &str) -> Option<String> {
    let mut places = BTreeMap::new();
    for record in records {
        if let Ok(record) = serde_json::from_slice::<Json>(record) {
            look(&record, &mut String::new(), DEPTH, &mut places);
        }
    }
    if places.is_empty() {
        return None;
    }
    let mut taken: Vec<&str> = Vec::new();
    let (mut lines, mut missing) = (Vec::new(), Vec::new());
    for (field, names) in NAMES {
        match best(names, &places, |place, seen| fits(field, seen) && !taken.contains(&place)) {
            Some((place, seen)) => {
                taken.push(place);
                lines.push(format!("{field} = {}", rule(field, place, seen)));
            }
            None if ["model", "version"].contains(&field) => missing.push(field),
            None if ["id", "ts", "prediction", "status"].contains(&field) => {
                lines.push(format!("# {field} = \"?\""));
            }
            None => {}
        }
    }
    let constants = missing.iter().map(|field| format!("{field} = \"{}\"", field.to_uppercase()));
    let constants = constants.collect::<Vec<_>>().join(", ");
    let constants = match constants.is_empty() {
        true => String::new(),
        false => format!("\nconstants = {{ {constants} }}"),
    };
    let listed = places.iter().filter(|(_, seen)| !seen.first.is_object()).take(PLACES);
    let listed = listed.map(|(place, seen)| format!("{place}   {}", short(&seen.first)));
    Some(format!(
        "A guess by names and values; check each line:\n\n[{table}]\ntype = \
         \"prediction\"{constants}\n[{table}.fields]\n{}\n\nThe places in these records, each with \
         its first value:\n\n{}",
        lines.join("\n"),
        listed.collect::<Vec<_>>().join("\n")
    ))
}

/// The place whose name is most like one of these.
fn best<'p>(
    names: &[&str],
    places: &'p BTreeMap<String, SeenAt>,
    fits: impl Fn(&str, &SeenAt) -> bool,
) -> Option<(&'p str, &'p SeenAt)> {
    let fitting = || places.iter().filter(|(place, seen)| fits(place, seen));
    let parent = |place: &str| {
        let (above, last) = place.rsplit_once('/').unwrap_or_default();
        [words(above), words(last)].concat().concat()
    };
    let whole = |name: &&str| {
        fitting().find(|(place, _)| words(place).concat() == **name || parent(place) == **name)
    };
    let part =
        |name: &&str| fitting().find(|(place, _)| words(place).iter().any(|word| word == *name));
    let found = names.iter().find_map(whole).or_else(|| names.iter().find_map(part));
    found.map(|(place, seen)| (place.as_str(), seen))
}

/// Collects every place in a value, and the values there.
fn look(value: &Json, at: &mut String, depth: usize, places: &mut BTreeMap<String, SeenAt>) {
    if !at.is_empty() {
        let new = || SeenAt { first: value.clone(), values: BTreeSet::new() };
        let seen = places.entry(at.clone()).or_insert_with(new);
        if seen.values.len() < VALUES {
            seen.values.insert(plain(value));
        }
    }
    let Json::Object(object) = value else { return };
    if depth == 0 {
        return;
    }
    // A name that a place cannot spell is left out.
    let spelled = |(name, _): &(&String, _)| !name.contains(['|', '"', '\\', '*', '[']);
    for (name, value) in object.iter().filter(spelled) {
        let length = at.len();
        at.push('/');
        at.push_str(&name.replace('~', "~0").replace('/', "~1"));
        look(value, at, depth - 1, places);
        at.truncate(length);
    }
}

/// The words of the last name of a place, in lower case.
fn words(place: &str) -> Vec<String> {
    let name = place.rsplit('/').next().unwrap_or_default();
    let (mut words, mut lower) = (vec![String::new()], false);
    for letter in name.chars() {
        let begins = !letter.is_ascii_alphanumeric() || (lower && letter.is_ascii_uppercase());
        if begins {
            words.push(String::new());
        }
        lower = letter.is_ascii_lowercase();
        if let Some(word) = words.last_mut().filter(|_| letter.is_ascii_alphanumeric()) {
            word.push(letter.to_ascii_lowercase());
        }
    }
    words
}

fn fits(field: &str, seen: &SeenAt) -> bool {
    let value = &seen.first;
    match field {
        "features" => value.is_object(),
        "latency_ms" | "score" => value.is_number(),
        "ts" => value.is_number() || value.is_string(),
        _ => value.is_number() || value.is_string() || value.is_boolean(),
    }
}

/// A rule that reads such values.
fn rule(field: &str, place: &str, seen: &SeenAt) -> String {
    let table = |rest: &str| format!("{{ from = \"{place}\", {rest} }}");
    let plain = || format!("\"{place}\"");
    match field {
        "status" => table(&statuses(&seen.values)),
        "ts" => unit(&seen.first).map_or_else(plain, |rest| table(&rest)),
        "latency_ms" => {
            let words = words(place);
            let is_ms = words.iter().any(|word| word.ends_with("ms"));
            let is_s = words.last().is_some_and(|word| ["s", "sec", "seconds"].contains(&&**word));
            let small = seen.first.as_f64().is_some_and(|number| number < 1.0);
            if is_s || (small && !is_ms) { table("unit = \"s\"") } else { plain() }
        }
        _ => plain(),
    }
}

/// Which of these words mean that a call went well.
fn statuses(values: &BTreeSet<String>) -> String {
    let codes = values.iter().filter_map(|value| value.parse::<u32>().ok());
    if codes.clone().any(|code| (200..600).contains(&code)) {
        let codes = "\"200-299\" = \"ok\", \"408,504\" = \"timeout\", \"*\" = \"error\"";
        return format!("values = {{ {codes} }}");
    }
    let is_good = |value: &&String| GOOD.contains(&value.to_lowercase().as_str());
    let good: Vec<_> = values.iter().filter(is_good).map(String::as_str).collect();
    let good = if good.is_empty() { "?".to_owned() } else { good.join(",") };
    format!("values = {{ \"{good}\" = \"ok\", \"*\" = \"error\" }}")
}

/// A value without quotes.
fn plain(value: &Json) -> String {
    value.as_str().map_or_else(|| short(value), str::to_owned)
}

/// At most 40 characters of a value.
fn short(value: &Json) -> String {
    let text = value.to_string();
    match text.char_indices().nth(40) {
        Some((end, _)) => format!("{}…", text.get(..end).unwrap_or_default()),
        None => text,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_shape_that_nobody_knows_gets_a_mapping_to_correct() {
        let record = br#"{"evt":"score","data":{"txn":{"ref":"T-1"},"svc":{"app":"guard",
            "rel":"2026.11"}},"at":1764230401.869,"rc":0,"elapsed_s":0.02,
            "outcome":{"verdict":"DECLINE","p":[0.2,0.8]}}"#;
        let proposal = proposal([&record[..]].into_iter(), "sources.telemetry").unwrap();
        for line in [
            "[sources.telemetry]\ntype = \"prediction\"\n[sources.telemetry.fields]",
            "id = \"/data/txn/ref\"",
            "model = \"/data/svc/app\"",
            "version = \"/data/svc/rel\"",
            "ts = { from = \"/at\", unit = \"s\" }",
            "prediction = \"/outcome/verdict\"",
            "status = { from = \"/rc\", values = { \"0\" = \"ok\", \"*\" = \"error\" } }",
            "latency_ms = { from = \"/elapsed_s\", unit = \"s\" }",
            "/outcome/p   [0.2,0.8]",
        ] {
            assert!(proposal.contains(line), "{line} is not in {proposal}");
        }
        let names = |place| words(place).join(" ");
        assert_eq!([names("/a/userID"), names("/x_y-z")], ["user id", "x y z"]);
        assert!(super::proposal([&b"[]"[..]].into_iter(), "s").is_none());
    }
}
