//! What a report says of lines that can and cannot be used.

use super::*;
use crate::model::{NameLimits, SourceId, UnknownModels};

fn topic() -> TopicRule {
    TopicRule { name: "t".to_owned(), allowed_disorder: Span::from_s(1), mapping: None }
}

fn source() -> Source {
    Source {
        id: SourceId::new("s").unwrap(),
        topics: vec![topic()],
        pane: Span::from_s(10),
        label_horizon: Span::from_s(3600),
        max_waiting: 1000,
        max_jump: Span::from_s(300),
        jump_confirmations: 20,
        max_skew: Span::from_s(120),
        max_categories: 50,
        oldest: EventTime::from_ms(86_400_000),
        max_record_bytes: 1 << 20,
        unknown_models: UnknownModels::Learn,
        limits: NameLimits::before_settings(),
    }
}

fn check(lines: &[String], max_requests: usize) -> SourceReport {
    let (topic, source) = (topic(), source());
    let mut check = SourceCheck::new(&source, max_requests);
    for (line, text) in (1..).zip(lines) {
        let from = ("f", RecordAt { line, element: None });
        check.take(from, &Raw::line(text.as_bytes()), &topic);
    }
    check.report()
}

fn prediction(request: usize, version: &str, rest: &str) -> String {
    format!(
        r#"{{"type":"prediction","id":"{request}/{version}","request":{request},"model":"m",
            "version":"{version}","ts":"2013-06-20T06:00:{:02}Z","prediction":1{rest}}}"#,
        request % 60
    )
}

fn outcome(request: usize, actual: &str) -> String {
    format!(
        r#"{{"type":"outcome","request":{request},"model":"m","ts":1371708059000,
            "actual":{actual}}}"#
    )
}

fn hinted(report: &SourceReport, what: &str) -> bool {
    report.hints.iter().any(|hint| hint.contains(what))
}

#[test]
fn a_source_is_told_as_it_is() {
    let report = check(
        &[
            prediction(1, "v2", r#","latency_ms":1.5,"features":{"a":1,"b":null}"#),
            prediction(1, "v3", r#","role":"shadow""#),
            prediction(2, "v3", r#","actual":1"#),
            prediction(3, "v3", ""),
            outcome(1, "1"),
            outcome(9, "0"),
            "{".to_owned(),
            prediction(4, "", ""),
            prediction(4, "", ""),
        ],
        100,
    );
    let json = serde_json::to_value(&report).unwrap();
    for (pointer, meant) in [
        ("/records", "9"),
        ("/understood", r#"{"outcome":2,"prediction":4}"#),
        ("/models/m/versions", r#"{"v2":1,"v3":3}"#),
        ("/rejected/not_json/count", "1"),
        ("/rejected/not_json/first_line", "7"),
        ("/rejected/wrong_type/count", "2"),
        ("/rejected/wrong_type/first_line", "8"),
        ("/labels/outcomes", "2"),
        ("/labels/matched", "1"),
        ("/labels/inline", "1"),
        ("/pairs", r#"{"requests":3,"several":1}"#),
        ("/roles", r#"{"live":0,"shadow":1,"unstated":3}"#),
        ("/times/first", r#""2013-06-20T06:00:01Z""#),
        ("/times/last", r#""2013-06-20T06:00:59Z""#),
        ("/times/disorder_ms", "0"),
        ("/latency/count", "1"),
    ] {
        assert_eq!(json.pointer(pointer).map(ToString::to_string).as_deref(), Some(meant));
    }
    let coverage = report.labels.coverage.unwrap();
    assert!((coverage - 2.0 / 3.0).abs() < 1e-12);
    let lines: Vec<u64> = report.examples.iter().map(|example| example.line).collect();
    assert_eq!(lines, [1, 2, 5, 6]);
    assert_eq!(
        report.examples.first().unwrap().reads,
        "model m, version v2, ts 2013-06-20T06:00:01Z, id 1/v2, request 1, status ok, \
         prediction 1, latency 1.5 ms, role unstated, features 2: a=1 b=missing"
    );
    assert_eq!(report.hints, [] as [String; 0]);
}

#[test]
fn hints_name_what_is_likely_wrong() {
    let late = r#"{"type":"outcome","request":1,"model":"m","ts":1371707000000,"actual":1}"#;
    let table: Vec<(Vec<String>, &str)> = vec![
        (vec!["{".to_owned()], "no record could be read"),
        (vec![prediction(1, "v3", "")], "no prediction states its role"),
        (
            vec![outcome(1, "1"), late.to_owned()],
            "out of order by up to 1059 s, but 1 s are allowed",
        ),
        (vec![outcome(1, "1")], "no outcome matches a prediction"),
        (
            vec![prediction(1, "v3", ""), outcome(1, "\"1\"")],
            "the prediction of v3 is a number, but actual is a string",
        ),
        (
            vec![
                prediction(1, "v2", ""),
                prediction(1, "v3", "").replace(r#""prediction":1"#, r#""prediction":"1""#),
                prediction(2, "v3", ""),
                outcome(1, "1"),
            ],
            "the prediction of v3 is a number or a string, but actual is a number",
        ),
        (
            (0..20).map(|i| prediction(i, "v3", r#","latency_ms":0.25"#)).collect(),
            "if these are seconds",
        ),
        (vec![prediction(1, "v3", "").replace(r#","prediction":1"#, "")], "have no prediction,"),
        (
            vec![
                r#"{"type":"health","model":"m","version":"v","ts":1371708059000,"cpu_ratio":85}"#
                    .to_owned(),
            ],
            "cpu_ratio is as high as 85",
        ),
    ];
    for (lines, what) in table {
        let report = check(&lines, 100);
        assert!(hinted(&report, what), "{what} is not in {:?}", report.hints);
    }
}

#[test]
fn memory_is_bounded_and_says_so() {
    let mut lines: Vec<String> = (0..1000).map(|i| prediction(i, "v3", "")).collect();
    lines.extend([outcome(0, "1"), outcome(999, "1")]);
    lines.extend((0..300).map(|i| prediction(i, &format!("v{i}"), "")));
    let report = check(&lines, 10);
    assert_eq!((report.labels.matched, report.labels.forgotten), (1, 1290));
    assert!(hinted(&report, "1290 older requests were dropped"), "{:?}", report.hints);
    let versions = &report.models.get("m").unwrap().versions;
    assert_eq!(versions.len(), MAX_NAMES + 1);
    assert_eq!(versions.get("other"), Some(&200));
}
