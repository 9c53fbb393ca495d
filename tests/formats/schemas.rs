//! Holds the schemas, their examples and the code together.
//!
//! Over 300 lines: one list of records.
#![expect(clippy::unwrap_used, reason = "a test may fail where it is")]

use std::io::Read;
use std::path::{Path, PathBuf};

use jsonschema::Validator;
use ripcord::model::{Command, LogTime, Mode, Stage, Want};
use ripcord::wire::json;
use ripcord::wire::telemetry::Raw;
use serde_json::{Value, json};

use crate::common::decoded::decode_explained;
use crate::common::source::source;

fn schemas() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("schemas")
}

fn read(name: &str) -> String {
    let path = schemas().join(name);
    std::fs::read_to_string(&path).unwrap_or_else(|why| panic!("{}: {why}", path.display()))
}

fn validator(name: &str) -> Validator {
    let schema: Value = serde_json::from_str(&read(name)).unwrap();
    jsonschema::draft202012::meta::validate(&schema).unwrap();
    jsonschema::draft202012::new(&schema).unwrap()
}

fn validates(validator: &Validator, value: &Value) -> Result<(), String> {
    let errors: Vec<String> = validator.iter_errors(value).map(|e| e.to_string()).collect();
    if errors.is_empty() { Ok(()) } else { Err(errors.join("; ")) }
}

fn decodes(text: &str) -> Result<(), String> {
    let source = source(None);
    // The schema asks for more: a value that costs only its field does not keep it.
    let mut lost = Vec::new();
    let read = decode_explained(&Raw::line(text.as_bytes()), &source.topics[0], &source, &mut lost);
    read.map_err(|why| why.to_string())?;
    lost.first().map_or(Ok(()), |lost| Err(lost.detail.clone()))
}

#[test]
fn every_example_keeps_its_schema() {
    let mut checked = 0;
    for entry in std::fs::read_dir(schemas()).unwrap() {
        let name = entry.unwrap().file_name().into_string().unwrap();
        let Some(record) = name.strip_suffix(".v1.example.json") else { continue };
        let schema = record.split('.').next().unwrap();
        let example = read(&name);
        let value: Value = serde_json::from_str(&example).unwrap();
        validates(&validator(&format!("{schema}.v1.json")), &value)
            .unwrap_or_else(|why| panic!("{name}: {why}"));
        if schema == "telemetry" {
            decodes(&example).unwrap_or_else(|why| panic!("{name}: {why}"));
        }
        checked += 1;
    }
    assert!(checked >= 7, "only {checked} examples were found");
}

/// What neither takes in an example's place; null of a required field takes it away.
const BAD: &str = r#"
prediction type [null, 3, "guess", ""]
prediction id [null, "", 1.5, true, [], "@long", "a\nb", "\u0085"]
prediction model [null, "", {}]
prediction version [null, "", false, "\u0000"]
prediction ts [null, "yesterday", "2013-06-20T06:00:00", "2013-06-20", "1371708000000", 0, -1]
prediction ts [1371708000, 1371708000.25, 1371708000000000000, true, {}]
prediction request ["", {}, 0.5]
prediction status ["OK", 0, "failed"]
prediction prediction [[0.1], {}]
prediction score ["0.5", "NaN", true, []]
prediction latency_ms [-0.5, "12", "NaN"]
prediction features [[], "a", {"a": {}}, {"a": [1]}, {"": 1}, {"a\tb": 1}]
prediction tags [[], "eu"]
prediction role ["canary", 1, "unstated"]
prediction actual [[], {}]
outcome request [null, ""]
outcome actual [null, [], {}]
outcome version ["", []]
outcome prediction [[]]
latency version [null]
latency latency_ms [null, -1, "1"]
latency id [""]
health version [null]
health cpu_ratio [-0.1, "50%"]
health memory_bytes [-1, "1G"]
run kind [null, "evaluation"]
run status [null, "ok"]
run version [""]
"#;

/// What both take.
const GOOD: &str = r#"
prediction id [17, -3, 18446744073709551615, "@umlauts"]
prediction ts [1371708000000, 1371708000000.0, 86400000, "2013-06-20T08:00:00.5+02:00"]
prediction ts ["1996-11-03T00:00:00+10:00"]
prediction request [null]
prediction status [null, "timeout"]
prediction prediction [null, true, "late", -1e300]
prediction score [null, 3]
prediction latency_ms [null, 0]
prediction features [null, {}, {"a": "NaN"}]
prediction tags [null, {"a": [1]}]
prediction role [null, "shadow"]
prediction actual [null, false]
prediction error [{"code": 5}]
prediction kind [[]]
outcome features [[]]
outcome latency_ms [-1]
outcome actual [true, 0.5]
health cpu_ratio [null, 1.02]
health memory_bytes [null, 1500000000.0]
run unknown [{"a": {"b": []}}]
"#;

/// Kind, field and values of each line.
fn table(lines: &str) -> Vec<(String, String, Vec<Value>)> {
    let lines = lines.replace("@long", &"x".repeat(250)).replace("@umlauts", &"ü".repeat(124));
    let line = |line: &str| {
        let mut parts = line.splitn(3, ' ');
        let mut part = || parts.next().unwrap();
        (part().to_owned(), part().to_owned(), serde_json::from_str(part()).unwrap())
    };
    lines.lines().filter(|text| !text.is_empty()).map(line).collect()
}

/// An example with one field changed.
fn changed(kind: &str, field: &str, value: &Value) -> Value {
    let example = read(&format!("telemetry.{kind}.v1.example.json"));
    let mut record: Value = serde_json::from_str(&example).unwrap();
    record.as_object_mut().unwrap().insert(field.to_owned(), value.clone());
    record
}

#[test]
fn schema_and_code_refuse_the_same_telemetry() {
    let telemetry = validator("telemetry.v1.json");
    for (kind, field, values) in table(BAD) {
        for value in values {
            let record = changed(&kind, &field, &value);
            assert!(validates(&telemetry, &record).is_err(), "the schema takes {record}");
            // What nobody reads cannot cost a record.
            let unread = ["tags", "error"].contains(&field.as_str());
            assert_eq!(decodes(&record.to_string()).is_ok(), unread, "the code and {record}");
        }
    }
}

#[test]
fn schema_and_code_need_the_same_fields() {
    let telemetry = validator("telemetry.v1.json");
    for (kind, needed) in [
        ("prediction", "type id model version ts"),
        ("outcome", "type request model ts actual"),
        ("latency", "type model version ts latency_ms"),
        ("health", "type model version ts"),
        ("run", "type model ts kind status"),
    ] {
        let whole = changed(kind, "type", &json!(kind));
        for field in whole.as_object().unwrap().keys() {
            let mut record = whole.clone();
            record.as_object_mut().unwrap().remove(field);
            let needed = needed.split(' ').any(|name| name == field);
            assert_eq!(validates(&telemetry, &record).is_err(), needed, "schema: {record}");
            assert_eq!(decodes(&record.to_string()).is_err(), needed, "code: {record}");
        }
    }
}

#[test]
fn schema_and_code_take_the_same_telemetry() {
    let telemetry = validator("telemetry.v1.json");
    for (kind, field, values) in table(GOOD) {
        for value in values {
            let record = changed(&kind, &field, &value);
            validates(&telemetry, &record).unwrap_or_else(|why| panic!("{record}: {why}"));
            decodes(&record.to_string()).unwrap_or_else(|why| panic!("{record}: {why}"));
        }
    }
}

#[test]
fn the_flights_keep_the_schema() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/flights/telemetry.jsonl.gz");
    let mut text = String::new();
    let file = std::fs::File::open(path).unwrap();
    flate2::read::GzDecoder::new(file).read_to_string(&mut text).unwrap();
    let telemetry = validator("telemetry.v1.json");
    for line in text.lines().step_by(97) {
        let record = serde_json::from_str(line).unwrap();
        validates(&telemetry, &record).unwrap_or_else(|why| panic!("{line}: {why}"));
    }
}

#[test]
fn commands_keep_their_schema() {
    let schema = validator("command.v1.json");
    let example = read("command.v1.example.json");
    let command: Command = json::decode("command", example.as_bytes()).unwrap();
    let example: Value = serde_json::from_str(&example).unwrap();
    assert_eq!(serde_json::to_value(&command).unwrap(), example);
    let wants = [
        command.want.clone(),
        Want::Notice { summary: "v3 is bad".to_owned(), severity: "critical".to_owned() },
    ];
    let stages = [
        Stage::Traffic,
        Stage::Flag,
        Stage::Registry,
        Stage::Config,
        Stage::Artifact,
        Stage::Notice,
    ];
    for want in wants {
        for stage in stages {
            for mode in [Mode::Observe, Mode::Recommend, Mode::Act] {
                let issued_at = LogTime::from_ms(1_372_064_410_123);
                let command =
                    Command { want: want.clone(), stage, mode, issued_at, ..command.clone() };
                let bytes = json::encode("command", &command).unwrap();
                let value = serde_json::from_slice(&bytes).unwrap();
                validates(&schema, &value).unwrap_or_else(|why| panic!("{value}: {why}"));
                assert_eq!(json::decode::<Command>("command", &bytes).unwrap(), command);
            }
        }
    }
}

#[test]
fn schema_and_code_refuse_the_same_commands() {
    let schema = validator("command.v1.json");
    let example: Value = serde_json::from_str(&read("command.v1.example.json")).unwrap();
    let refused = |record: &Value| {
        assert!(validates(&schema, record).is_err(), "the schema takes {record}");
        let read = json::decode::<Command>("command", record.to_string().as_bytes());
        assert!(read.is_err(), "the code takes {record}");
    };
    for field in example.as_object().unwrap().keys() {
        let mut record = example.clone();
        record.as_object_mut().unwrap().remove(field);
        refused(&record);
    }
    for (field, value) in [
        ("id", json!("")),
        ("model", json!(5)),
        ("generation", json!(-1)),
        ("stage", json!("Traffic")),
        ("mode", json!("auto")),
        ("want", json!({"want": "one_back"})),
        ("want", json!({"want": "production", "version": "v2"})),
        ("issued_at", json!(1_372_064_410)),
        ("expires_at", json!("soon")),
        ("reply_to", json!(-1)),
        ("reply_to", json!(4_294_967_296_i64)),
    ] {
        let mut record = example.clone();
        record.as_object_mut().unwrap().insert(field.to_owned(), value);
        refused(&record);
    }
}

/// A record that goes in and comes out; every field it has is one that both ask for.
fn same_to_schema_and_code<T: serde::de::DeserializeOwned + serde::Serialize>(name: &'static str) {
    let schema = validator(&format!("{name}.v1.json"));
    let example: Value = serde_json::from_str(&read(&format!("{name}.v1.example.json"))).unwrap();
    let decode = |value: &Value| json::decode::<T>(name, value.to_string().as_bytes());
    let record = decode(&example).unwrap_or_else(|why| panic!("{name}: {why}"));
    assert_eq!(serde_json::to_value(&record).unwrap(), example);
    for field in example.as_object().unwrap().keys() {
        let mut without = example.clone();
        without.as_object_mut().unwrap().remove(field);
        assert!(validates(&schema, &without).is_err(), "{name} without {field}");
        // What may be null may also be left out, and is written as null again.
        let left_out = decode(&without).map(|record| serde_json::to_value(record).unwrap());
        assert!(left_out.is_err() || left_out.unwrap()[field].is_null(), "{name} without {field}");
        let mut wrong = example.clone();
        wrong[field] = json!([[[]]]);
        assert!(validates(&schema, &wrong).is_err(), "{name} with a wrong {field}");
        assert!(decode(&wrong).is_err(), "{name} with a wrong {field}");
    }
}

#[test]
fn schema_and_code_agree_on_what_http_shows() {
    same_to_schema_and_code::<ripcord::model::Incident>("incident");
    same_to_schema_and_code::<ripcord::shard::Decision>("decision");
    same_to_schema_and_code::<ripcord::wire::api::Overview>("status");
}

#[test]
fn a_replay_prints_what_its_schema_says() {
    let folder = tempfile::tempdir().unwrap();
    let recording = folder.path().join("r.jsonl");
    let line = |second: u32| {
        json!({"type": "prediction", "id": format!("p{second}"), "model": "m", "version": "v3",
            "ts": 1_371_708_000_000_i64 + i64::from(second) * 1000,
            "status": if second.is_multiple_of(2) { "error" } else { "ok" },
            "prediction": 1, "actual": 1})
        .to_string()
    };
    let lines: Vec<_> = (0..1200).map(line).collect();
    std::fs::write(&recording, lines.join("\n")).unwrap();
    let output = std::process::Command::new(env!("CARGO_BIN_EXE_ripcord"))
        .args(["replay", recording.to_str().unwrap(), "--json"])
        .args(["--production", "v3", "--previous", "v2"])
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let summary: Value = serde_json::from_slice(&output.stdout).unwrap();
    let schema = validator("replay.v1.json");
    validates(&schema, &summary).unwrap_or_else(|why| panic!("{why}: {summary:#}"));
    assert_eq!(summary["records"]["read"], 1200);
    for field in summary.as_object().unwrap().keys() {
        let mut without = summary.clone();
        without.as_object_mut().unwrap().remove(field);
        assert!(validates(&schema, &without).is_err(), "a summary without {field}");
    }
}
