//! Random mappings of random records: nothing panics, and nothing is misread in silence. A value is
//! read from its place, or counted lost.

use proptest::prelude::*;
use ripcord::model::{LostField, Sample, Value};
use ripcord::wire::telemetry::Raw;
use serde_json::{Map, Value as Json, json};

use crate::common::decoded::{decode_all, mapped, try_mapped};
use crate::common::length::whole;
use crate::common::source::source;

const NAMES: [&str; 6] = ["a", "b", "rows", "0", "x/y", "ä"];

fn cases() -> ProptestConfig {
    let cases = if whole() { 1_000_000 } else { 5_000 };
    ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(cases) }
}

fn word() -> impl Strategy<Value = Json> {
    let texts = [
        "",
        "x",
        "1",
        "007",
        "true",
        "NaN",
        "ok",
        "a,b\n1,2",
        "{\"a\":1}",
        "[1,[2]]",
        "eyJhIjoxfQ==",
        "2026-03-01T12:00:00",
        "{\"a\"",
        "/deployments/blue/x",
        "\u{0}",
        "né\"\\",
    ];
    prop_oneof![
        Just(Json::Null),
        any::<bool>().prop_map(Json::from),
        any::<i64>().prop_map(Json::from),
        (-3..3_i64).prop_map(Json::from),
        any::<f64>().prop_map(Json::from),
        prop::sample::select(texts.to_vec()).prop_map(Json::from),
    ]
}

fn tree() -> impl Strategy<Value = Json> {
    word().prop_recursive(4, 40, 5, |inner| {
        let name = prop::sample::select(NAMES.to_vec()).prop_map(str::to_owned);
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..5).prop_map(Json::from),
            prop::collection::vec((name, inner), 0..5)
                .prop_map(|members| Json::from(members.into_iter().collect::<Map<_, _>>())),
        ]
    })
}

fn pointer() -> impl Strategy<Value = String> {
    let steps = ["a", "b", "rows", "0", "1", "x~1y", "ä"];
    prop::collection::vec(prop::sample::select(steps.to_vec()), 1..4)
        .prop_map(|steps| steps.iter().map(|step| format!("/{step}")).collect())
}

/// Any place that a config may write.
fn place() -> impl Strategy<Value = String> {
    let views = [
        "",
        "",
        "",
        "|json",
        "|json:/a",
        "|auto",
        "|auto:/0/1",
        "|base64",
        "|base64|json:/a",
        "|csv:1",
        "|csv:*",
        "|csv:*/*",
        "|part:/deployments/{}",
        "|as:/a|json",
        "|part:{_},{}",
    ];
    let begin = prop_oneof![
        4 => pointer(),
        1 => pointer().prop_map(|pointer| format!(".{pointer}")),
        1 => pointer().prop_map(|pointer| format!("{pointer}/*")),
        1 => pointer().prop_map(|pointer| format!("{pointer}/[a=1]/b")),
        1 => Just(".".to_owned()),
        1 => Just("key".to_owned()),
        1 => Just("ce:id".to_owned()),
    ];
    (begin, prop::sample::select(views.to_vec())).prop_map(|(begin, view)| format!("{begin}{view}"))
}

fn rule() -> impl Strategy<Value = Json> {
    let more = prop::sample::select(vec![
        json!({}),
        json!({ "as": "number" }),
        json!({ "as": "text" }),
        json!({ "as": "boolean" }),
        json!({ "as": "argmax" }),
        json!({ "as": "max" }),
        json!({ "as": "argmax", "names": ["n", "m"] }),
        json!({ "as": "argmax", "names": "/b" }),
        json!({ "threshold": 0.5 }),
        json!({ "default": 1 }),
        json!({ "shape": "/b" }),
        json!({ "values": { "1-5": "x", "o*": "y", "absent": "z" } }),
    ]);
    (prop::collection::vec(place(), 1..3), more).prop_map(|(places, mut rule)| {
        rule["from"] = json!(places);
        rule
    })
}

fn features() -> impl Strategy<Value = Json> {
    prop_oneof![
        place().prop_map(Json::from),
        place().prop_map(|from| json!({ "from": from, "names": "/b" })),
        place().prop_map(|from| json!({ "from": from, "shape": "/a", "without": ["a"] })),
        (rule(), rule()).prop_map(|(f, g)| json!({ "f": f, "g": g })),
    ]
}

fn mapping() -> impl Strategy<Value = Json> {
    let each =
        proptest::option::weighted(0.8, prop_oneof![pointer(), Just("/rows/*/a".to_owned())]);
    let only = proptest::option::weighted(0.2, place());
    let envelope = proptest::option::weighted(0.2, Just("cloudevents"));
    let status = place().prop_map(|from| {
        json!({ "from": from, "values": { "1-5": "ok", "o*": "ok", "absent": "timeout" },
            "default": "error" })
    });
    (rule(), rule(), status, features(), each, only, envelope).prop_map(
        |(prediction, score, status, features, each, only, envelope)| {
            let mut mapping = json!({
                "type": "prediction",
                "constants": { "model": "m", "version": "v", "id": "i",
                    "ts": "2026-03-01T12:00:00Z" },
                "fields": { "prediction": prediction, "score": score, "status": status,
                    "features": features },
            });
            let more = [
                ("each", each.map(Json::from)),
                ("only", only.map(|place| json!({ place: ["present", "absent"] }))),
                ("envelope", envelope.map(Json::from)),
            ];
            for (key, value) in more {
                if let Some(value) = value {
                    mapping[key] = value;
                }
            }
            mapping
        },
    )
}

/// What a label is whose place holds this. The second: it is there, and no label.
fn label(found: Option<&Json>) -> (Option<Value<'static>>, bool) {
    match found {
        None | Some(Json::Null) => (None, false),
        Some(Json::Bool(is)) => (Some(Value::Number(f64::from(u8::from(*is)))), false),
        Some(Json::Number(number)) => (number.as_f64().map(Value::Number), false),
        Some(Json::String(text)) if text.is_empty() => (None, false),
        Some(Json::String(text)) => (Some(Value::Text(text.clone().into())), false),
        Some(Json::Array(_) | Json::Object(_)) => (None, true),
    }
}

proptest! {
    #![proptest_config(cases())]

    #[test]
    fn no_mapping_and_no_record_do_harm(mapping in mapping(), record in tree()) {
        let mapping = try_mapped(mapping);
        prop_assume!(mapping.is_some());
        let source = source(mapping);
        let record = record.to_string();
        let raw = Raw { key: Some(b"k"), ..Raw::line(record.as_bytes()) };
        for read in decode_all(&raw, &source.topics[0], &source) {
            if let Ok(Sample::Prediction(read)) = read {
                prop_assert!(read.score.is_none_or(f64::is_finite));
                // What is lost is not there as well.
                prop_assert!(!read.lost.has(LostField::Prediction) || read.prediction.is_none());
                prop_assert!(!read.lost.has(LostField::Score) || read.score.is_none());
            }
        }
    }

    #[test]
    fn a_place_is_read_as_a_pointer_says(
        places in prop::collection::vec(pointer(), 1..4),
        members in prop::collection::vec(
            (prop::sample::select(NAMES.to_vec()), tree()), 0..6,
        ),
    ) {
        let members = members.into_iter().map(|(name, value)| (name.to_owned(), value));
        let record = Json::from(members.collect::<Map<_, _>>());
        let mapping = json!({
            "type": "prediction",
            "constants": { "model": "m", "version": "v", "ts": "2026-03-01T12:00:00Z", "id": "i" },
            "fields": { "prediction": { "from": places } },
        });
        let source = source(Some(mapped(mapping)));
        let text = record.to_string();
        let read = decode_all(&Raw::line(text.as_bytes()), &source.topics[0], &source);
        let [Ok(Sample::Prediction(read))] = read.as_slice() else {
            return Err(TestCaseError::fail(format!("{read:?}")));
        };
        let there = |found: &&Json| !found.is_null() && *found != &json!("");
        let mut found = places.iter().filter_map(|place| record.pointer(place)).filter(there);
        let (expected, lost) = label(found.next());
        prop_assert_eq!(&read.prediction, &expected, "{} in {}", places.join(" or "), text);
        prop_assert_eq!(read.lost.has(LostField::Prediction), lost);
    }

    #[test]
    fn a_list_has_as_many_samples_as_elements(rows in prop::collection::vec(word(), 0..6)) {
        let mapping = json!({
            "type": "prediction",
            "each": "/rows",
            "constants": { "model": "m", "version": "v", "ts": "2026-03-01T12:00:00Z" },
            "fields": { "id": "/id", "prediction": ".", "score": "/other/*" },
        });
        let source = source(Some(mapped(mapping)));
        let text = json!({ "id": "i", "rows": rows, "other": [1, 2] }).to_string();
        let read = decode_all(&Raw::line(text.as_bytes()), &source.topics[0], &source);
        prop_assert_eq!(read.len(), rows.len().max(1));
        for (nth, (read, row)) in read.iter().zip(&rows).enumerate() {
            let Ok(Sample::Prediction(read)) = read else {
                return Err(TestCaseError::fail(format!("{read:?}")));
            };
            let id = if nth == 0 { "i".to_owned() } else { format!("i#{nth}") };
            prop_assert_eq!(&*read.id, id.as_str());
            prop_assert_eq!(&read.prediction, &label(Some(row)).0);
            prop_assert_eq!(read.score, [1.0, 2.0].get(nth).copied());
            prop_assert_eq!(read.lost.has(LostField::Score), nth > 1);
        }
    }
}
