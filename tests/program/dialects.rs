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
