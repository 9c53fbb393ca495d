//! Records that are not written as Ripcord would, through the binary: the same fields under other
//! names, models that nobody knows, and a target whose files are not there.

use std::path::Path;
use std::process::{Command, Output};

use serde_json::{Value as Json, json};
use tempfile::TempDir;

use crate::common::files::{in_tree, lines};
use crate::common::replay::{FLIGHTS, REGISTRY, write};

/// How a recording calls a field, and how Ripcord does.
const RENAMED: [(&str, &str); 4] =
    [("prediction_id", "id"), ("at", "ts"), ("answer", "prediction"), ("took", "latency_ms")];

fn ripcord(folder: &Path, args: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_ripcord"));
    command.current_dir(folder).args(args).output().unwrap()
}

fn good(folder: &Path, args: &[&str]) -> String {
    let output = ripcord(folder, args);
    let told = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{args:?}: {told}");
    String::from_utf8(output.stdout).unwrap()
}

fn summary(folder: &Path, args: &[&str]) -> Json {
    serde_json::from_str(&good(folder, args)).unwrap()
}

/// The beginning of the flights, as they are and with other names, and their registry.
fn flights() -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    let lines: Vec<_> = lines(&in_tree(FLIGHTS)).into_iter().take(2000).collect();
    let renamed = lines.iter().map(|line| {
        let mut record: Json = serde_json::from_str(line).unwrap();
        let fields = record.as_object_mut().unwrap();
        for (theirs, ours) in RENAMED {
            if let Some(value) = fields.remove(ours) {
                fields.insert(theirs.to_owned(), value);
            }
        }
        record.to_string()
    });
    write(folder.path(), "renamed.jsonl", &renamed.collect::<Vec<_>>());
    write(folder.path(), "plain.jsonl", &lines);
    std::fs::copy(in_tree(REGISTRY), folder.path().join("registry.json")).unwrap();
    folder
}

#[test]
fn a_mapping_by_flags_or_by_settings_reads_what_plain_names_do() {
    let folder = flights();
    let at = folder.path();
    let registry = std::fs::read(at.join("registry.json")).unwrap();
    let places = RENAMED.map(|(theirs, ours)| format!("{ours}=/{theirs}"));
    let keys = RENAMED.map(|(theirs, ours)| format!("{ours} = \"/{theirs}\""));
    let source =
        format!("[sources.mine]\ntopics = [\"mine\"]\nfields = {{ {} }}\n", keys.join(", "));
    std::fs::write(at.join("mine.toml"), source).unwrap();

    let common = ["--registry", "registry.json", "--json"];
    let plain = summary(at, &[&["replay", "plain.jsonl"], common.as_slice()].concat());
    assert_eq!(plain["records"]["measured"], 2000, "{plain:#}");
    let mut by_flags = vec!["replay", "renamed.jsonl"];
    by_flags.extend(places.iter().flat_map(|place| ["--field", place.as_str()]));
    assert_eq!(summary(at, &[&by_flags, common.as_slice()].concat()), plain);
    let by_source = ["replay", "renamed.jsonl", "--source", "mine", "--config", "mine.toml"];
    assert_eq!(summary(at, &[&by_source, common.as_slice()].concat()), plain);
    assert_eq!(std::fs::read(at.join("registry.json")).unwrap(), registry, "it was touched");
}

#[test]
fn models_that_nobody_named_are_rejected_where_the_settings_say_so() {
    let folder = flights();
    let reject = "[source_defaults]\nunknown_models = \"reject\"\n";
    for (more, rejected) in [
        ("models = [\"flight-delay\"]\n", Json::Null),
        ("[models.flight-delay]\nmode = \"act\"\n", Json::Null),
        ("models = [\"other\"]\n", json!(2000)),
    ] {
        std::fs::write(folder.path().join("strict.toml"), format!("{reject}{more}")).unwrap();
        let args = ["check-source", "plain.jsonl", "--config", "strict.toml", "--json"];
        let output = ripcord(folder.path(), &args);
        let report: Json = serde_json::from_slice(&output.stdout).unwrap();
        assert_eq!(report["records"], 2000, "{report:#}");
        assert_eq!(report["rejected"]["unknown_model"]["count"], rejected, "{report:#}");
    }
}

#[test]
fn a_target_without_its_files_freezes_and_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let registry = json!([
        {"name": "m", "version": "v3", "is_production": true, "model_path": "models/v3.bin",
         "created_at": "2024-01-03T00:00:00Z"},
        {"name": "m", "version": "v2", "is_production": false, "model_path": "models/v2.bin",
         "created_at": "2024-01-02T00:00:00Z", "proven_good": true,
         "baseline": {"error_rate": {"value": 0.02, "n": 5000}}},
    ]);
    std::fs::write(folder.path().join("registry.json"), registry.to_string()).unwrap();
    let line = |i: u32| {
        let status = if i % 5 < 3 { "error" } else { "ok" };
        let ts = format!("2024-02-01T00:{:02}:{:02}Z", i / 60, i % 60);
        json!({"type": "prediction", "id": i.to_string(), "model": "m", "version": "v3", "ts": ts,
            "status": status, "prediction": 1})
        .to_string()
    };
    write(folder.path(), "ill.jsonl", &(0..900).map(line).collect::<Vec<_>>());
    let args = ["replay", "ill.jsonl", "--registry", "registry.json"];
    let there = summary(folder.path(), &[args.as_slice(), &["--json"]].concat());
    assert_eq!(there["models"]["m"]["production_at_end"], "v2", "{there:#}");
    let checked = [args.as_slice(), &["--check-artifacts"]].concat();
    let missing = summary(folder.path(), &[checked.as_slice(), &["--json"]].concat());
    assert_eq!(missing["models"]["m"]["production_at_end"], "v3", "{missing:#}");
    assert_eq!(missing["rollbacks"], json!([]), "{missing:#}");
    let story = good(folder.path(), &checked);
    let story = story.split_whitespace().collect::<Vec<_>>().join(" ");
    for said in ["FROZEN", "the files of v2 are missing"] {
        assert!(story.contains(said), "{said} in\n{story}");
    }
}
