//! Nine dialects through `check-source` and `replay`: every record is accounted for, and a fault
//! that the dialect can show is rolled back.

#![expect(clippy::unwrap_used, reason = "a test may fail where it is")]

use std::path::Path;

use serde_json::{Value as Json, json};

use crate::common::dialects::{self, Dialect};
use assert_cmd::Command;

fn args(dialect: &Dialect, file: &Path) -> Vec<String> {
    let mut args = vec![file.display().to_string(), "--json".to_owned()];
    let mut push = |flag: &str, value: String| args.extend([flag.to_owned(), value]);
    push("--dialect", dialect.name.to_owned());
    for (name, rule) in dialect.fields.as_object().unwrap() {
        push("--field", format!("{name}={}", toml(rule)));
    }
    for (name, constant) in dialect.constants.as_object().unwrap() {
        push("--constant", format!("{name}={}", constant.as_str().unwrap()));
    }
    args
}

/// A rule as a config has it.
fn toml(rule: &Json) -> String {
    match rule {
        Json::Object(table) => {
            let keys: Vec<_> =
                table.iter().map(|(key, value)| format!("{key} = {value}")).collect();
            format!("{{ {} }}", keys.join(", "))
        }
        Json::String(place) => place.clone(),
        other => other.to_string(),
    }
}

fn write(dialect: &Dialect, folder: &Path) -> std::path::PathBuf {
    let file = folder.join(format!("{}.jsonl", dialect.name));
    let lines: Vec<_> = dialect.records.iter().map(|record| record.value.as_str()).collect();
    std::fs::write(&file, lines.join("\n")).unwrap();
    file
}

fn run(command: &str, args: Vec<String>) -> (Json, Option<i32>, String) {
    let mut all = vec![command.to_owned()];
    all.extend(args);
    let output = Command::cargo_bin("ripcord").unwrap().args(all).output().unwrap();
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    (serde_json::from_str(&text).unwrap_or(Json::Null), output.status.code(), text + &said)
}

#[test]
fn check_source_accounts_for_every_record() {
    let folder = tempfile::tempdir().unwrap();
    for dialect in dialects::all() {
        let file = write(&dialect, folder.path());
        let (report, _, said) = run("check-source", args(&dialect, &file));
        let name = dialect.name;
        let number = |pointer: &str| report.pointer(pointer).and_then(Json::as_u64).unwrap_or(0);
        let rejected = report["rejected"].as_object().unwrap_or_else(|| panic!("{name}: {said}"));
        let rejected: u64 = rejected.values().map(|one| one["count"].as_u64().unwrap()).sum();
        let of_halves = number("/halves/calls");
        let found = (
            number("/records"),
            number("/understood/prediction") + of_halves,
            number("/understood/outcome"),
            number("/not_ours"),
            rejected,
        );
        let expected = dialect.expected;
        assert_eq!(
            found,
            (
                dialect.records.len() as u64,
                expected.predictions,
                expected.outcomes,
                expected.not_ours,
                expected.rejected
            ),
            "{name}: {report:#}"
        );
        assert_eq!(number("/halves/waiting"), expected.waiting, "{name}");
        assert_eq!(report["never_found"], Json::Null, "{name}: {}", report["never_found"]);
    }
}

#[test]
fn check_source_recognizes_each_of_them() {
    let folder = tempfile::tempdir().unwrap();
    for dialect in dialects::all() {
        let file = write(&dialect, folder.path());
        let bare = vec![file.display().to_string(), "--json".to_owned()];
        let (report, code, said) = run("check-source", bare);
        let proposal = report["proposal"].as_str().unwrap_or_else(|| panic!("{said}"));
        assert!(proposal.contains(&format!("dialect = \"{}\"", dialect.name)), "{proposal}");
        assert_eq!(code, Some(1), "{}", dialect.name);
    }
}

#[test]
fn replay_rolls_back_what_the_dialect_can_show() {
    let folder = tempfile::tempdir().unwrap();
    for dialect in dialects::all() {
        let file = write(&dialect, folder.path());
        let mut args = args(&dialect, &file);
        let registry = folder.path().join("registry.json");
        let entries = json!([
            { "name": dialect.model, "version": dialect.version, "is_production": true },
            { "name": dialect.model, "version": "v6", "is_production": false, "proven_good": true,
              "baseline": { "error_rate": { "value": 0.02, "n": 5000 } } },
        ]);
        std::fs::write(&registry, entries.to_string()).unwrap();
        args.extend(["--registry".to_owned(), registry.display().to_string()]);
        let (summary, _, said) = run("replay", args);
        let name = dialect.name;
        let incidents = summary["incidents"].as_array().unwrap_or_else(|| panic!("{name}: {said}"));
        let acted = ["mitigating", "mitigated", "verified"];
        let rolled_back = incidents.iter().any(|incident| {
            let state = incident["state"].as_str().unwrap();
            incident["trigger"] == json!("error-rate") && acted.contains(&state)
        });
        assert_eq!(rolled_back, dialect.shows_errors, "{name}: {incidents:#?}");
        let blind = summary["blind"].to_string();
        assert_eq!(blind.contains("error"), !dialect.shows_errors, "{name}: {blind}");
    }
}

/// What `check-source` reads of a case, one example a line, and its exit code.
fn checked(files: &[&str], flags: &[&str]) -> (Json, Vec<String>, Option<i32>) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/cases");
    let files = files.iter().map(|file| folder.join(file).display().to_string());
    let flags = flags.iter().map(|flag| (*flag).to_owned());
    let args: Vec<_> = files.chain(flags).chain(["--json".to_owned()]).collect();
    let (report, code, said) = run("check-source", args);
    let examples = report["examples"].as_array().unwrap_or_else(|| panic!("{said}"));
    let reads = examples.iter().map(|one| one["reads"].as_str().unwrap().to_owned());
    (report.clone(), reads.collect(), code)
}

/// Each example of a case says this.
fn says(files: &[&str], flags: &[&str], expected: &[&[&str]]) {
    let (report, reads, code) = checked(files, flags);
    assert_eq!((reads.len(), code), (expected.len(), Some(0)), "{report:#}");
    for (read, parts) in reads.iter().zip(expected) {
        parts.iter().for_each(|part| assert!(read.contains(part), "{part} in {read}"));
    }
}

#[test]
fn captures_of_sagemaker_are_read_through_their_texts() {
    says(
        &["sagemaker-capture/capture.jsonl", "sagemaker-capture/truth.jsonl"],
        &[
            "--dialect",
            "sagemaker-capture",
            "--constant",
            "model=churn",
            "--constant",
            "version=v1",
        ],
        &[
            &["id aa-1", "prediction 1, score 0.91", "f0=0.41 f1=7 f2=\"blue\""],
            &["id req-2", "prediction 0", "f0=0.12"],
            &["request aa-1, actual 1", "ts 2026-03-01T12:00:03Z"],
            &["request aa-2, actual 0"],
        ],
    );
}

#[test]
fn a_row_of_an_inference_table_is_a_sample_for_each_of_its_instances() {
    let (_, reads, code) =
        checked(&["databricks-inference-table/dbx.jsonl"], &["--dialect", "databricks"]);
    assert_eq!((reads.len(), code), (2, Some(0)));
    assert!(reads[0].contains("id r-1, request r-1, status ok, prediction 1, latency 23 ms"));
    assert!(reads[1].contains("id r-1#1, request r-1#1, status ok, prediction 0"), "{}", reads[1]);
    let (report, ..) =
        checked(&["databricks-inference-table/dbx.jsonl"], &["--dialect", "databricks"]);
    assert_eq!(report["understood"]["prediction"], 3, "{report:#}");
}

#[test]
fn inputs_next_to_the_other_fields_and_times_without_a_zone() {
    let flags = [
        "--type",
        "prediction",
        "--field",
        "id=/request_id",
        "--field",
        "prediction=/pred",
        "--field",
        "ts={ from = \"/timestamp\", zone = \"Europe/Berlin\" }",
        "--field",
        "features={ from = \"\", without = [\"trace_id\"] }",
        "--constant",
        "model=iris",
        "--constant",
        "version=v1",
        "--constant",
        "status=ok",
    ];
    let expected = ["ts 2026-03-01T11:00:00.123Z", "features 2: sepal_len=5.1 sepal_width=3.5"];
    says(&["flat-record-features/bento.jsonl"], &flags, &[&expected, &["sepal_len=4.9"]]);
}

#[test]
fn times_in_the_units_that_people_have() {
    let spans = ["ts 2026-03-01T12:00:01.500Z", "status error", "latency 1500 ms"];
    says(&["time-dialects/genai.jsonl"], &["--dialect", "otlp-genai"], &[&spans]);
    let flags = [
        "--type",
        "prediction",
        "--field",
        "id=/prediction_id",
        "--field",
        "ts={ from = \"/prediction_ts\", unit = \"s\" }",
        "--field",
        "prediction=/prediction_label",
        "--field",
        "score=/prediction_score",
        "--field",
        "features={ from = \"\", prefix = \"feature_\" }",
        "--constant",
        "model=m",
        "--constant",
        "version=v1",
        "--constant",
        "status=ok",
    ];
    let arize = ["ts 2026-03-01T12:00:00Z", "prediction \"fraud\", score 0.9", "feature_age=41"];
    says(&["time-dialects/arize.jsonl"], &flags, &[&arize]);
    let answers = ["id x-1, request x-1, status ok, prediction 1"];
    let second = ["id x-1#1, request x-1#1, status ok, prediction 0"];
    says(&["time-dialects/v2.jsonl"], &["--dialect", "open-inference"], &[&answers, &second]);
    let (report, ..) = checked(&["time-dialects/times.jsonl"], &[]);
    let hints = report["hints"].to_string();
    assert!(hints.contains("ts = { from = \\\"/ts\\\", zone = \\\"UTC\\\" }"), "{hints}");
}

#[test]
fn places_that_no_record_has_are_an_error() {
    let places = [
        "prediction=/out/label",
        "status=/out/state",
        "latency_ms=/tok",
        "features=/xx",
        "score=/out/prob",
        "role=/rol",
    ];
    let flags: Vec<_> = places.iter().flat_map(|place| ["--field", place]).collect();
    let flags = [&["--type", "prediction"][..], &flags].concat();
    let (report, _, code) = checked(&["pointer-never-found/typo.jsonl"], &flags);
    assert_eq!(code, Some(1));
    let never: Vec<_> = report["never_found"].as_array().unwrap().iter().collect();
    let said = |field: &str, place: &str| {
        let sentence = format!("{field} (from {place}) was found in 0 of 2 samples");
        never.iter().any(|line| line.as_str().unwrap().starts_with(&sentence))
    };
    for place in &places[1..] {
        let (field, place) = place.split_once('=').unwrap();
        assert!(said(field, place), "{field}: {never:#?}");
    }
    assert_eq!(never.len(), 5, "{never:#?}");
}
