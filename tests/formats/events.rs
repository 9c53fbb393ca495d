//! CloudEvents as producers send them: the envelope in the headers or in the value, the data as an
//! object or packed.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use ripcord::model::{Reject, Sample, Value};
use ripcord::wire::telemetry::{Raw, Rejected};
use serde_json::{Value as Json, json};

use crate::common::decoded::{decode, mapped};
use crate::common::source::source;

fn data() -> Json {
    json!({"id": "p1", "model": "m", "version": "v3", "ts": 1_371_708_000_000_u64})
}

/// A structured event with this data.
fn event(name: &str, data: &Json) -> String {
    let mut event = json!({"specversion": "1.0", "type": "io.ripcord.prediction.v1", "id": "e"});
    event[name] = data.clone();
    event.to_string()
}

/// The id of the prediction, or why there is none.
fn id(raw: &Raw<'_>) -> Result<String, Rejected> {
    let source = source(None);
    match decode(raw, &source.topics[0], &source)? {
        Sample::Prediction(prediction) => Ok(prediction.id.into_owned()),
        other => panic!("{other:?}"),
    }
}

#[test]
fn the_type_is_read_from_headers_in_any_case_and_with_either_sign() {
    for name in ["ce_type", "ce-type", "Ce-Type", "CE_TYPE"] {
        let kind = b"io.ripcord.prediction.v1".to_vec();
        let (headers, value) = ([(name.to_owned(), kind)], data().to_string());
        let raw = Raw { headers: &headers, ..Raw::line(value.as_bytes()) };
        assert_eq!(id(&raw), Ok("p1".to_owned()), "{name}");
    }
}

#[test]
fn data_may_be_an_object_or_one_that_is_packed() {
    let packed = json!(data().to_string());
    let list = json!([data()]);
    for (name, data, expected) in [
        ("data", data(), Ok("p1")),
        ("data", list.clone(), Ok("p1")),
        ("data", packed, Ok("p1")),
        ("data", json!(list.to_string()), Ok("p1")),
        ("data_base64", json!(STANDARD.encode(data().to_string())), Ok("p1")),
        ("data_base64", json!(STANDARD.encode(list.to_string())), Ok("p1")),
        ("data", json!([data(), data()]), Err("the event's data is a list of 2")),
        ("data", json!([]), Err("the event's data is a list of 0")),
        ("data", json!([7]), Err("the event's data is a list of 1")),
        ("data", json!("hello"), Err("the event's data is a text that is no JSON object")),
        ("data", json!(7), Err("the event's data is 7")),
        ("data_base64", json!("?"), Err("the event's data is not base64 of a JSON object")),
    ] {
        let value = event(name, &data);
        match (id(&Raw::line(value.as_bytes())), expected) {
            (Ok(id), Ok(expected)) => assert_eq!(id, expected, "{value}"),
            (Err(why), Err(expected)) => {
                assert_eq!(why.code, Reject::WrongType, "{value}");
                assert!(why.detail.starts_with(expected), "{value}: {why}");
                assert!(why.detail.ends_with("map every field to its place in the event"));
            }
            (found, expected) => panic!("{value}: {found:?} is not {expected:?}"),
        }
    }
}

#[test]
fn a_mapping_into_the_envelope_does_not_need_the_data_to_be_an_object() {
    let mapping = mapped(json!({
        "type": "prediction",
        "fields": {
            "id": "/id",
            "ts": "/time",
            "version": "/modelversion",
            "prediction": "/data/0/label",
            "request": "/correlationid",
        },
        "constants": { "model": "churn" },
    }));
    let source = source(Some(mapping));
    for data in [json!([{"label": 1}, {"label": 0}]), json!([{"label": 1}])] {
        let value = json!({"specversion": "1.0", "id": "7c-1", "type": "azureml.outputs",
            "time": "2026-03-01T12:00:00Z", "data": data, "modelversion": "default",
            "correlationid": "c-1"});
        let value = value.to_string();
        let sample = decode(&Raw::line(value.as_bytes()), &source.topics[0], &source).unwrap();
        let Sample::Prediction(prediction) = sample else { panic!("{sample:?}") };
        assert_eq!(prediction.prediction, Some(Value::Number(1.0)));
        assert_eq!(prediction.request.as_deref(), Some("c-1"));
    }
}
