//! Registries in the shapes that people have, through the binary: proposed, then read.

use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value as Json;

use crate::common::files::in_tree;

/// Runs it; its code, and what it says.
fn said(args: &[&str]) -> (Option<i32>, String) {
    let output = Command::new(env!("CARGO_BIN_EXE_ripcord")).args(args).output().unwrap();
    let told = [output.stdout, output.stderr].concat();
    (output.status.code(), String::from_utf8(told).unwrap())
}

fn case(file: &str) -> String {
    in_tree("tests/data/cases/registry-shapes").join(file).display().to_string()
}

/// v3 goes bad; v2 answers as a shadow.
fn recording() -> String {
    in_tree("tests/data/cases/nan-hides-the-fault/bare.jsonl.gz").display().to_string()
}

#[test]
fn a_replay_rolls_back_in_a_shape_that_is_certain() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("my.toml");
    std::fs::write(&path, "[rules.policy]\ntrust_assumed = true\n").unwrap();
    let decided = |registry: &str| {
        let (recording, registry) = (recording(), case(registry));
        let config = path.to_str().unwrap();
        let args = ["replay", &recording, "--registry", &registry, "--json", "--config", config];
        let (code, said) = said(&args);
        let story: Json = serde_json::from_str(&said).unwrap_or_else(|why| panic!("{why}: {said}"));
        assert_eq!((code, story["rollbacks"].as_array().unwrap().len()), (Some(0), 1), "{story}");
        assert_eq!(story["models"]["m"]["production_at_end"], "v2", "{registry}");
        story["decisions_hash"].clone()
    };
    let own = decided("nan_metric.json");
    for shaped in ["list_champion.json", "list_status.json", "prod_int.json", "prod_text.json"] {
        assert_eq!(decided(shaped), own, "{shaped}");
    }
}

#[test]
fn a_replay_says_in_which_shape_it_reads_and_uses_no_doubtful_one() {
    let story = |file: &str, more: &[&str]| {
        said(&[&["replay", &recording(), "--registry", &case(file)], more].concat())
    };
    let read = "it is read in this shape";
    let (code, text) = story("list_status.json", &[]);
    assert!(code == Some(0) && text.contains(read), "{text}");
    assert!(
        text.contains("[workers.registry.shape]\nentries = \"\"\nname = \"./name\"\n"),
        "{text}"
    );
    // Without a name in the file or a sure sign of production, it is only proposed.
    for (file, more, why) in [
        ("tennis.json", &[][..], "Going by active_model, this is its shape."),
        ("fraud.json", &["--model", "m"], "but status (\"APPROVED\") may."),
    ] {
        let (code, text) = story(file, more);
        assert_eq!(code, Some(2), "{text}");
        assert!(text.contains(why) && !text.contains(read), "{text}");
    }
    let (code, text) = story("tennis.json", &["--model", "m"]);
    assert!(code == Some(0) && text.contains("default_name = \"m\""), "{text}");
}

/// A config with this registry, and these lines.
fn config(folder: &Path, registry: &str, lines: &str) -> PathBuf {
    let path = folder.join("my.toml");
    let registry = serde_json::to_string(&case(registry)).unwrap();
    let log = serde_json::to_string(&folder.join("log")).unwrap();
    let http = "[http]\nlisten = \"127.0.0.1:0\"\n";
    let text =
        format!("{http}[log]\nfolder = {log}\n[workers.registry]\npath = {registry}\n{lines}\n");
    std::fs::write(&path, text).unwrap();
    path
}

#[test]
fn a_shape_that_is_pasted_passes_the_check() {
    let folder = tempfile::tempdir().unwrap();
    for file in ["list_champion", "list_stage_mlflow", "keyed", "churn", "fraud", "quant"] {
        let file = format!("{file}.json");
        let path = config(folder.path(), &file, "");
        let (code, refused) = said(&["check-config", "--config", path.to_str().unwrap()]);
        assert_eq!(code, Some(1), "{refused}");
        let at = refused.find("[workers.registry.shape]").unwrap_or_else(|| panic!("{refused}"));
        let path = config(folder.path(), &file, &refused[at..]);
        let (code, text) = said(&["check-config", "--config", path.to_str().unwrap()]);
        assert_eq!(code, Some(0), "{file}: {text}");
    }
    let path = config(folder.path(), "list_status.json", "");
    let (code, text) = said(&["check-config", "--json", "--config", path.to_str().unwrap()]);
    let refused: Json = serde_json::from_str(&text).unwrap();
    let problem = &refused["refused"][0];
    assert_eq!((code, problem["path"].as_str()), (Some(1), Some("workers.registry.path")));
    assert!(problem["would_do"].as_str().unwrap().contains("entries = \"\""), "{problem}");
}

#[test]
fn a_worker_does_not_start_on_a_shape_that_nobody_described() {
    let folder = tempfile::tempdir().unwrap();
    let path = config(folder.path(), "list_champion.json", "");
    let (code, text) = said(&["up", "--config", path.to_str().unwrap()]);
    assert_eq!(code, Some(2), "{text}");
    assert!(text.contains("production = { at = \"./is_champion\", is = true }"), "{text}");
}
