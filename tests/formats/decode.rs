//! Records of telemetry: which are read, which are refused, and that no bytes do harm.
//!
//! Over 300 lines: one table of records and refusals.
#![expect(clippy::unwrap_used, reason = "a test may fail where it is")]

use std::collections::BTreeSet;
use std::io::Read;
use std::path::Path;

use ripcord::model::{
    EventTime, Feature, LostField, Mapping, Reject, Sample, Source, Span, TopicRule, UnknownModels,
};
use ripcord::wire::check::SourceCheck;
use ripcord::wire::telemetry::{self, Raw, RecordAt, Rejected, TextArena};

use crate::common::decoded::{decode, decode_explained, mapped};
use crate::common::{self, files};

pub(crate) fn topic(mapping: Option<Mapping>) -> TopicRule {
    TopicRule { name: "t".to_owned(), allowed_disorder: Span::ZERO, mapping }
}

fn source() -> Source {
    common::source::source(None)
}

fn read(value: &[u8]) -> Result<Sample<'_>, Rejected> {
    decode(&Raw::line(value), &topic(None), &source())
}

/// A prediction with one field put in or changed, in JSON.
fn prediction(field: &str, value: &str) -> String {
    let mut fields = vec![
        ("type", r#""prediction""#),
        ("id", r#""p1""#),
        ("model", r#""m""#),
        ("version", r#""v3""#),
        ("ts", r#""2013-06-20T06:00:00Z""#),
    ];
    fields.retain(|(name, _)| *name != field);
    if !value.is_empty() {
        fields.push((field, value));
    }
    let fields: Vec<String> = fields.iter().map(|(k, v)| format!("\"{k}\":{v}")).collect();
    format!("{{{}}}", fields.join(","))
}

fn with(field: &str, value: &str) -> Vec<u8> {
    prediction(field, value).into_bytes()
}

fn line(text: &str) -> Vec<u8> {
    text.as_bytes().to_vec()
}

/// Each record is refused with this code, and the detail says this.
fn refused(table: Vec<(Vec<u8>, Reject, &str)>) {
    for (value, code, detail) in table {
        let shown = String::from_utf8_lossy(&value).chars().take(90).collect::<String>();
        let Err(rejected) = read(&value) else { panic!("{shown} is read") };
        assert_eq!(rejected.code, code, "{shown}: {}", rejected.detail);
        assert!(rejected.detail.contains(detail), "{shown}: {}", rejected.detail);
        assert!(rejected.detail.len() < 300, "{shown}: {}", rejected.detail);
    }
}

#[test]
fn what_is_no_record_is_refused() {
    use Reject::{Framed, NotJson, NotUtf8, WrongType};
    #[rustfmt::skip]
    let table = vec![
        (line(""), NotJson, "empty"),
        (line("   "), NotJson, "cut off"),
        (line("id,model\n"), NotJson, "write one JSON object per record"),
        (line("{\"id\":"), NotJson, "cut off (byte 6, at its end)"),
        (line("{\"id\":7 \"model\":1}"), NotJson, "a closing bracket is missing (byte 8"),
        (line("{\"id\":[7}}"), NotJson, "brackets do not match"),
        (line("[1,2"), NotJson, "cut off"),
        (line("{} {}"), NotJson, "write one per record"),
        (line("{'id':1}"), NotJson, "a key in quotes is missing"),
        (line("\0\0\0\0\x07{}"), Framed, "skip the first 5 bytes"),
        (line("\0"), Framed, "plain JSON serializer"),
        (b"{\"id\":\"\xff\"".to_vec(), NotUtf8, "byte 7 is not UTF-8"),
        (b"\x1f\x8b\x08\x00".to_vec(), NotUtf8, "gzip"),
        (b"\xff\xfe{\0".to_vec(), NotUtf8, "UTF-16"),
        (line("[1,2]"), WrongType, "the record is an array"),
        (line("7"), WrongType, "the record is 7"),
        (line("\"hello\""), WrongType, "the record is \"hello\""),
        ("[".repeat(100_000).into_bytes(), NotJson, "cut off"),
        ("{\"a\":".repeat(100_000).into_bytes(), NotJson, "cut off"),
    ];
    refused(table);
}

#[test]
fn names_and_times_that_are_none_are_refused() {
    use Reject::{BadTime, DuplicateKey, MissingField, TooOld, UnknownType, WrongType};
    let long = format!("\"{}\"", "x".repeat(250));
    let mut not_utf8 = with("id", "\"@\"");
    let at = not_utf8.iter().position(|byte| *byte == b'@').unwrap();
    not_utf8[at] = 0xff;
    #[rustfmt::skip]
    let table = vec![
        (with("type", ""), MissingField, "type is missing; write one of prediction"),
        (with("type", "null"), MissingField, "type is missing"),
        (with("type", "3"), WrongType, "type is 3"),
        (with("type", "\"guess\""), UnknownType, "\"guess\"; write one of prediction, outcome"),
        (with("id", ""), MissingField, "id is missing; every prediction needs it"),
        (with("id", "null"), MissingField, "id is null"),
        (with("id", "\"\""), WrongType, "id is \"\"; the name is empty"),
        (with("id", "1.5"), WrongType, "id is 1.5; write a string"),
        (with("id", "true"), WrongType, "id is true"),
        (with("id", "[]"), WrongType, "id is an array"),
        (with("model", &long), WrongType, "250 bytes long"),
        (with("version", r#""v\u00003""#), WrongType, "control character"),
        (with("id", r#""\ud800""#), WrongType, "id is a text with half a surrogate pair"),
        (with("id", "\"a\nb\""), WrongType, "bare control character"),
        (not_utf8, WrongType, "id is not UTF-8"),
        (with("id", r#""a","id":"b""#), DuplicateKey, "id is there twice"),
        (with("id", r#""b","\u0069d":"a""#), DuplicateKey, "id is there twice"),
        (with("ts", ""), MissingField, "ts is missing"),
        (with("ts", "\"yesterday\""), BadTime, "RFC 3339"),
        (with("ts", "\"2013-06-20T06:00:00\""), BadTime, "add the time zone"),
        (with("ts", "\"2013-02-30T06:00:00Z\""), BadTime, "RFC 3339"),
        (with("ts", "\"1371708000000\""), BadTime, "without quotes"),
        (with("ts", "1371708000.25"), BadTime, "fraction"),
        (with("ts", "1371708000000000000"), BadTime, "not micro- or nanoseconds"),
        (with("ts", "{}"), WrongType, "ts is an object"),
        (with("ts", "1371708000"), TooOld, "seconds"),
        (with("ts", "0"), TooOld, "1970-01-01T00:00:00Z, before 1970-01-02"),
        (with("ts", "-9223372036854775808"), TooOld, "before"),
        (with("ts", "NaN"), BadTime, "fraction"),
    ];
    refused(table);
}

/// Each value costs this field, with this detail, and the record is read.
#[test]
fn a_value_that_cannot_be_used_costs_what_needs_it_and_no_more() {
    use LostField::{Actual, Features, Latency, Prediction, Role, Score, Status};
    #[rustfmt::skip]
    let table = [
        ("request", "{}", Prediction, "request is an object"),
        ("score", "1e999", Score, "score is inf; write a finite number"),
        ("score", "NaN", Score, "score is NaN"),
        ("score", "-Infinity", Score, "score is -inf"),
        ("score", "\"NaN\"", Score, "score is \"NaN\"; write a finite number"),
        ("latency_ms", "\"12\"", Latency, "without quotes"),
        ("latency_ms", "-0.5", Latency, "latency_ms is -0.5"),
        ("latency_ms", "undefined", Latency, "not a value of JSON"),
        ("prediction", "[0.1,0.9]", Prediction, "prediction is an array"),
        ("prediction", "NaN", Prediction, "prediction is NaN"),
        ("actual", "{}", Actual, "actual is an object"),
        ("status", "\"OK\"", Status, "one of ok, error, timeout"),
        ("role", "\"canary\"", Role, "one of live, shadow"),
        ("features", "[1]", Features, "features is an array"),
        ("features", r#"{"a":1,"b":{"c":2}}"#, Features, "feature \"b\" is an object"),
        ("features", r#"{"":1}"#, Features, "the name is empty"),
        ("features", r#"{"a":1,"b":2,"a":3}"#, Features, "feature \"a\" is there twice"),
        ("features", r#"{"a":"\ud83d"}"#, Features, "half a surrogate pair"),
        ("features\":{},\"features", "{}", Features, "features is there twice"),
    ];
    for (field, value, lost, detail) in table {
        let text = prediction(field, value);
        let mut losses = Vec::new();
        let raw = Raw::line(text.as_bytes());
        let read = decode_explained(&raw, &topic(None), &source(), &mut losses);
        let sample = read.unwrap_or_else(|why| panic!("{text}: {why}"));
        assert_eq!(sample.lost().iter().collect::<Vec<_>>(), [lost], "{text}");
        let [loss] = losses.as_slice() else { panic!("{text}: {losses:?}") };
        assert!(loss.field == lost && loss.detail.contains(detail), "{text}: {loss:?}");
        assert_eq!(read_again(&text), sample, "{text}");
    }
    let text = prediction("features", r#"{"a":[1],"b":2,"c":NaN}"#);
    let shown = format!("{:?}", read(text.as_bytes()).unwrap());
    assert!(
        shown.contains(r#"[("a", Unusable), ("b", Number(2.0)), ("c", Number(NaN))]"#),
        "{shown}"
    );
}

fn read_again(text: &str) -> Sample<'_> {
    read(text.as_bytes()).unwrap()
}

#[test]
fn what_nobody_reads_rejects_nothing() {
    let plain = prediction("x", "1");
    let expected = read(plain.as_bytes()).unwrap();
    let deep = format!("{}1{}", "[".repeat(100_000), "]".repeat(100_000));
    for (name, value) in [
        ("x", "\"\\ud83d\""),
        ("x", "NaN"),
        ("x", "1e400"),
        ("x", "-Infinity"),
        ("x", &format!("1{}", "0".repeat(10_000))),
        ("x", r#"{"a":1,"a":2,"b":[{"c":NaN}]}"#),
        ("x", &deep),
        ("tags", "\"eu\""),
        ("cpu_ratio", "{}"),
        ("x\":1,\"x", "2"),
        ("\\ud800", "1"),
        ("x", "undefined"),
        ("x", "\"a\nb\""),
    ] {
        let text = prediction(name, value);
        assert_eq!(
            read(text.as_bytes()).as_ref(),
            Ok(&expected),
            "{}",
            &text[..text.len().min(200)]
        );
    }
    let mut bytes = prediction("x", "\"?\"").into_bytes();
    *bytes.iter_mut().find(|byte| **byte == b'?').unwrap() = 0xf0;
    assert_eq!(read(&bytes), Ok(expected.clone()), "an emoji cut in the middle");
    assert_eq!(read(format!("\u{feff}{plain}").as_bytes()), Ok(expected), "a byte order mark");
}

#[test]
fn other_kinds_miss_what_they_need() {
    use Reject::{MissingField, WrongType};
    #[rustfmt::skip]
    let table = vec![
        (line(r#"{"type":"outcome","request":"r","model":"m","ts":1371708000000}"#),
            MissingField, "actual is missing; every outcome"),
        (line(r#"{"type":"outcome","model":"m","ts":1371708000000,"actual":1}"#),
            MissingField, "request is missing"),
        (line(r#"{"type":"latency","model":"m","version":"v","ts":1371708000000}"#),
            MissingField, "latency_ms is missing"),
        (line(r#"{"type":"run","model":"m","ts":1371708000000,"kind":"training","status":"ok"}"#),
            WrongType, "started, succeeded, failed"),
        (line(r#"{"type":"run","model":"m","ts":1371708000000,"status":"started"}"#),
            MissingField, "kind is missing"),
    ];
    refused(table);
}

#[test]
fn a_record_may_be_as_large_as_the_source_says() {
    let mut large = with("x", &format!("\"{}\"", "x".repeat(1 << 20)));
    assert_eq!(read(&large).unwrap_err().code, Reject::TooLarge);
    large.truncate(1 << 20);
    assert_eq!(read(&large).unwrap_err().code, Reject::NotJson);
}

#[test]
fn good_records_are_read_as_they_are_meant() {
    let reads = |field: &str, value: &str, meant: &str| {
        let text = prediction(field, value);
        let sample = read(text.as_bytes()).unwrap_or_else(|why| panic!("{text}: {why}"));
        let shown = format!("{sample:?}");
        assert!(shown.contains(meant), "{text} reads {shown}");
    };
    reads("id", "17", r#"id: "17""#);
    reads("version", "-3", r#"version: "-3""#);
    reads("request", "null", "request: None");
    reads("request", r#""a\u0062""#, r#"request: Some("ab")"#);
    reads("ts", "1371708000000", "ts: 2013-06-20T06:00:00Z");
    reads("ts", "1371708000000.0", "ts: 2013-06-20T06:00:00Z");
    reads("ts", "\"2013-06-20T08:00:00.1239+02:00\"", "ts: 2013-06-20T06:00:00.123Z");
    reads("prediction", "true", "prediction: Some(Number(1.0))");
    reads("prediction", "false", "prediction: Some(Number(0.0))");
    reads("prediction", "\"late\"", r#"prediction: Some(Text("late"))"#);
    reads("prediction", "null", "prediction: None");
    reads("status", "\"timeout\"", "status: Timeout");
    reads("role", "\"shadow\"", "role: Shadow");
    reads("latency_ms", "0.8868", "latency_us: Some(887)");
    reads("latency_ms", "-0.0", "latency_us: Some(0)");
    reads("actual", "1", "actual: Some(Number(1.0))");
    reads("features", "null", "features: []");
    reads("features", r#"{"a":-2,"b":"x"}"#, r#"[("a", Number(-2.0)), ("b", Category("x"))]"#);
    reads("features", r#"{"a":true,"b":null}"#, r#"[("a", Category("true")), ("b", Missing)]"#);
    reads("features", r#"{"a":"NaN","b":"-Infinity"}"#, r#"("a", Number(NaN)), ("b", Number(-inf"#);
    reads("tags", r#"{"region":"eu"}"#, "features: []");
    reads("error", r#"{"code":[1]}"#, "status: Ok");
    reads("x", "[[[[[[[1]]]]]]]", "prediction: None");
}

#[test]
fn numbers_that_look_like_seconds_are_read_only_where_the_source_takes_1970() {
    let mut source = source();
    let text = prediction("ts", "1371708000");
    source.oldest = EventTime::MIN;
    assert!(decode(&Raw::line(text.as_bytes()), &topic(None), &source).is_ok());
    let text = prediction("ts", "\"1970-01-16T21:01:48Z\"");
    assert!(read(text.as_bytes()).is_ok());
}

#[test]
fn names_and_features_are_borrowed_from_the_record() {
    let text = prediction("features", r#"{"carrier":"DL"}"#);
    let (texts, raw) = (TextArena::new(), Raw::line(text.as_bytes()));
    let read = telemetry::decode(&raw, &topic(None), &source(), &texts).one().unwrap();
    let Sample::Prediction(read) = read else { panic!("{text}") };
    assert!(matches!(read.id, std::borrow::Cow::Borrowed("p1")));
    let [(name, Feature::Category(value))] = read.features.as_slice() else { panic!("{text}") };
    assert!(matches!(name, std::borrow::Cow::Borrowed("carrier")));
    assert!(matches!(value, std::borrow::Cow::Borrowed("DL")));
}

#[test]
fn models_outside_the_config_are_refused_where_it_says_so() {
    let text = prediction("x", "1");
    let mut source = source();
    for (known, code) in [("other", Some(Reject::UnknownModel)), ("m", None)] {
        source.unknown_models = UnknownModels::Reject(BTreeSet::from([known.to_owned()]));
        let read = decode(&Raw::line(text.as_bytes()), &topic(None), &source);
        assert_eq!(read.err().map(|rejected| rejected.code), code);
    }
}

fn headers(pairs: &[(&str, &str)]) -> Vec<(String, Vec<u8>)> {
    pairs.iter().map(|(key, value)| ((*key).to_owned(), value.as_bytes().to_vec())).collect()
}

#[test]
fn events_are_read_in_both_modes() {
    let bare = r#""id":"p1","model":"m","version":"v3","ts":1371708000000"#;
    let data = format!("{{{bare}}}");
    let event = |rest: &str| {
        format!(r#"{{"specversion":"1.0","type":"io.ripcord.prediction.v1","id":"e"{rest}}}"#)
    };
    let ce = |kind: &str| headers(&[("ce_type", kind), ("content-type", "application/json")]);
    let structured = headers(&[("Content-Type", "Application/CloudEvents+json; charset=utf-8")]);
    #[rustfmt::skip]
    let table = [
        (ce("io.ripcord.prediction.v1"), data.clone(), Ok("p1")),
        (ce("io.ripcord.prediction.v2"), data.clone(), Err(Reject::UnknownType)),
        (ce("com.acme.scored"), data.clone(), Err(Reject::UnknownType)),
        (ce("com.acme.scored"), format!(r#"{{"type":"prediction",{bare}}}"#), Ok("p1")),
        (Vec::new(), data.clone(), Err(Reject::MissingField)),
        (Vec::new(), event(&format!(r#","data":{data}"#)), Ok("p1")),
        (structured.clone(), event(&format!(r#","data":{data}"#)), Ok("p1")),
        (structured.clone(), event(r#","data":[]"#), Err(Reject::WrongType)),
        (structured.clone(), event(r#","data_base64":"e30=""#), Err(Reject::MissingField)),
        (structured.clone(), event(r#","data":{"id":1,"a":1e9,"a":2}"#), Err(Reject::MissingField)),
        (structured.clone(), event(r#","data":[[[[[[[[1]]]]]]]]"#), Err(Reject::WrongType)),
        (structured.clone(), "7".to_owned(), Err(Reject::WrongType)),
        (structured, "{".to_owned(), Err(Reject::NotJson)),
        (Vec::new(), format!(r#"{{"specversion":2,"type":"prediction",{bare}}}"#), Ok("p1")),
    ];
    for (headers, value, meant) in table {
        let raw = Raw { headers: &headers, ..Raw::line(value.as_bytes()) };
        let read = decode(&raw, &topic(None), &source());
        let read = read.as_ref().map(|sample| {
            let Sample::Prediction(prediction) = sample else { panic!("{value}: {sample:?}") };
            prediction.id.as_ref()
        });
        assert_eq!(read.map_err(|rejected| rejected.code), meant, "{value}");
    }
}

#[test]
fn a_mapping_takes_fields_from_the_value_the_headers_and_the_key() {
    let mapping = mapped(serde_json::json!({
        "type": "prediction",
        "fields": {
            "id": "key",
            "ts": "/meta/time",
            "version": "header:version",
            "latency_ms": "header:took",
            "features": "/in",
            "prediction": "/out/0",
        },
        "constants": { "model": "credit-risk" },
    }));
    let headers = headers(&[("version", "007"), ("took", "1.5")]);
    let rule = topic(Some(mapping));
    let value = r#"{"model":"x","role":"live","meta":{"time":"2013-06-20T06:00:00Z"},
        "features":{"own":2},"in":{"b":1,"a":null},"out":[true]}"#;
    let raw = Raw { key: Some(b"k9"), headers: &headers, ..Raw::line(value.as_bytes()) };
    let shown = format!("{:?}", decode(&raw, &rule, &source()).unwrap());
    for meant in [
        r#"id: "k9", model: "credit-risk", version: "007", ts: 2013-06-20T06:00:00Z"#,
        "prediction: Some(Number(1.0))",
        "latency_us: Some(1500)",
        r#"features: [("b", Number(1.0)), ("a", Missing)], role: Live"#,
    ] {
        assert!(shown.contains(meant), "{shown}");
    }
    let raw = Raw { value: br#"{"ts":1371708000000}"#, ..raw };
    let rejected = decode(&raw, &rule, &source()).unwrap_err();
    assert_eq!(rejected.code, Reject::MissingField);
    assert!(rejected.detail.starts_with("ts (from /meta/time) is missing"), "{rejected}");
    let raw = Raw { key: Some(b"\xff"), value: value.as_bytes(), ..raw };
    assert_eq!(decode(&raw, &rule, &source()).unwrap_err().code, Reject::WrongType);
}

fn lines(path: &Path) -> Vec<u8> {
    let file = std::fs::File::open(path).unwrap_or_else(|why| panic!("{}: {why}", path.display()));
    let mut bytes = Vec::new();
    flate2::read::GzDecoder::new(file).read_to_end(&mut bytes).unwrap();
    bytes
}

#[test]
fn the_flights_are_read_without_a_reject() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let bytes = lines(&root.join("examples/flights/telemetry.jsonl.gz"));
    let (mut predictions, mut outcomes) = (0, 0);
    for line in bytes.split(|byte| *byte == b'\n').filter(|line| !line.is_empty()) {
        match read(line) {
            Ok(Sample::Prediction(_)) => predictions += 1,
            Ok(Sample::Outcome(_)) => outcomes += 1,
            other => panic!("{}: {other:?}", String::from_utf8_lossy(line)),
        }
    }
    assert_eq!((predictions, outcomes), (65_994, 32_997));
}

#[test]
fn the_flights_are_told_as_they_are() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let bytes = lines(&root.join("examples/flights/telemetry.jsonl.gz"));
    let (rule, source) = (topic(None), source());
    let mut check = SourceCheck::new(&source, 100_000);
    for (nth, line) in (1..).zip(bytes.split(|byte| *byte == b'\n')) {
        if !line.is_empty() {
            let from = ("f", RecordAt { line: nth, element: None });
            check.take(from, &Raw::line(line), &rule);
        }
    }
    let report = check.report();
    assert_eq!((report.records, report.rejected.len()), (98_991, 0));
    assert_eq!((report.pairs.requests, report.pairs.several), (32_997, 32_997));
    assert_eq!((report.labels.matched, report.labels.coverage), (32_997, Some(1.0)));
    assert_eq!(report.times.unwrap().disorder_ms, Span::ZERO);
    assert_eq!(report.roles.unstated, 65_994);
    let [hint] = report.hints.as_slice() else { panic!("{:?}", report.hints) };
    assert!(hint.starts_with("no prediction states its role"), "{hint}");
}

#[test]
fn elec2_is_read_by_its_mapping() {
    let Some(path) = files::shared("elec2_telemetry.jsonl.gz") else { return };
    let rule = topic(Some(mapped(serde_json::json!({
        "type": "prediction",
        "fields": { "id": "/prediction_id", "request": "/ts" },
    }))));
    let bytes = lines(&path);
    let mut count = 0;
    for line in bytes.split(|byte| *byte == b'\n').filter(|line| !line.is_empty()) {
        let sample = decode(&Raw::line(line), &rule, &source());
        let Ok(Sample::Prediction(prediction)) = sample else { panic!("{sample:?}") };
        assert!(prediction.actual.is_some() && prediction.request().ends_with("+10:00"));
        count += 1;
    }
    assert_eq!(count, 73_344);
}

/// Run by hand: `cargo test --release --test formats -- --ignored --nocapture speed`.
#[test]
#[ignore = "a measurement"]
#[expect(clippy::disallowed_methods, reason = "a measurement")]
fn speed() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let bytes = lines(&root.join("examples/flights/telemetry.jsonl.gz"));
    let lines: Vec<&[u8]> = bytes.split(|b| *b == b'\n').filter(|l| !l.is_empty()).collect();
    let (rule, source) = (topic(None), source());
    let bad: Vec<Vec<u8>> = ["\"ts\"", "\"model\"", ":"]
        .iter()
        .map(|cut| String::from_utf8_lossy(&bytes[..20_000_000]).replace(cut, "\"x\""))
        .flat_map(|text| text.lines().map(|l| l.as_bytes().to_vec()).collect::<Vec<_>>())
        .collect();
    let texts = TextArena::new();
    let is_read =
        |line: &[u8]| telemetry::decode(&Raw::line(line), &rule, &source, &texts).one().is_ok();
    let mut best = [f64::MAX; 3];
    for _ in 0..15 {
        let start = std::time::Instant::now();
        let ok = lines.iter().filter(|line| std::str::from_utf8(line).is_ok()).count();
        best[0] = best[0].min(start.elapsed().as_secs_f64() / ok as f64);
        let start = std::time::Instant::now();
        let read = lines.iter().filter(|line| is_read(line)).count();
        best[1] = best[1].min(start.elapsed().as_secs_f64() / ok as f64);
        assert_eq!(ok, read);
        let start = std::time::Instant::now();
        let bad_ones = bad.iter().filter(|line| !is_read(line));
        assert_eq!(bad_ones.count(), bad.len());
        best[2] = best[2].min(start.elapsed().as_secs_f64() / bad.len() as f64);
    }
    let [utf8, good, bad] = best.map(|seconds| seconds * 1e9);
    let mb = bytes.len() as f64 / 1e6 / (best[1] * lines.len() as f64);
    println!("ns a record: UTF-8 {utf8:.0}, decode {good:.0} ({mb:.0} MB/s), refuse {bad:.0}");
    println!("decode: {:.0} samples/s, {:.1} times the UTF-8 loop", 1e9 / good, good / utf8);
}
