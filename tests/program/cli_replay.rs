//! Replay and the offline commands through the binary, as a new user meets them.
//!
//! Over 300 lines: one list of what a new user meets.

use std::collections::BTreeSet;
use std::io::{Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::sync::LazyLock;

use flate2::read::GzDecoder;
use serde_json::Value as Json;
use tempfile::TempDir;

use crate::common::skip::skipped;

const RECORDING: &str = "examples/flights/telemetry.jsonl.gz";
const REGISTRY: &str = "examples/flights/registry.json";

fn command(args: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_ripcord"));
    command.current_dir(env!("CARGO_MANIFEST_DIR")).args(args).env_remove("NO_COLOR");
    command
}

fn ripcord(args: &[&str]) -> Output {
    command(args).output().unwrap()
}

fn out(output: &Output) -> String {
    String::from_utf8(output.stdout.clone()).unwrap()
}

fn err(output: &Output) -> String {
    String::from_utf8(output.stderr.clone()).unwrap()
}

fn good(args: &[&str]) -> String {
    let output = ripcord(args);
    assert!(output.status.success(), "{args:?}: {}{}", out(&output), err(&output));
    assert_eq!(err(&output), "", "{args:?} says something on standard error");
    out(&output)
}

/// The text without its line breaks: facts may stand anywhere in a line.
fn flat(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

fn assert_says(text: &str, facts: &[&str]) {
    let text = flat(text);
    for fact in facts {
        assert!(text.contains(fact), "nothing says {fact:?} in:\n{text}");
    }
}

fn lines() -> &'static [String] {
    static LINES: LazyLock<Vec<String>> = LazyLock::new(|| {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(RECORDING);
        let mut text = String::new();
        GzDecoder::new(std::fs::File::open(path).unwrap()).read_to_string(&mut text).unwrap();
        text.lines().map(str::to_owned).collect()
    });
    &LINES
}

/// A file of the recording's lines.
fn file<'a>(folder: &TempDir, name: &str, lines: impl Iterator<Item = &'a str>) -> PathBuf {
    let path = folder.path().join(name);
    let mut text = String::new();
    for line in lines {
        text.push_str(line);
        text.push('\n');
    }
    std::fs::write(&path, text).unwrap();
    path
}

fn before(day: &str) -> impl Iterator<Item = &'static str> {
    let cut = format!("\"ts\":\"2013-06-{day}");
    lines().iter().take_while(move |line| !line.contains(&cut)).map(String::as_str)
}

struct Flights {
    story: String,
    page: String,
}

/// The whole recording, once, with story and page.
static FLIGHTS: LazyLock<Flights> = LazyLock::new(|| {
    let folder = tempfile::tempdir().unwrap();
    let page = folder.path().join("out.html");
    let report = page.to_str().unwrap();
    let story = good(&["replay", RECORDING, "--registry", REGISTRY, "--report", report]);
    let story = story.replace(report, "out.html");
    Flights { story, page: std::fs::read_to_string(page).unwrap() }
});

#[test]
fn the_story_says_what_when_why_and_what_it_came_to() {
    let story = &FLIGHTS.story;
    assert_says(
        story,
        &[
            "drift alert",
            "dep_delay of v3 has drifted",
            "common cause",
            "No rollback, since it would not help.",
            "DECISION Roll back v3 to v2 in flight-delay.",
            "limit",
            "needed.",
            "on the same requests v3 was wrong",
            "points more often than v2 (2,852 pairs since 2013-06-21 01:00 UTC)",
            "v2 is over the same limit",
            "dep_delay of v3 has drifted: PSI 1.50 (limit 0.25); on the same requests, only \
             v3 drifted",
            "+5.8 points",
            "registry: make v2 production instead of v3 (generation 1)",
            "MITIGATED Proof by live traffic",
            "VERIFIED Proof by the statistic that fired",
            "v3 of flight-delay was rolled back to v2 on 24 June 2013",
            "without Ripcord",
            "98,991 read = 98,991 measured + 0 waiting + 0 unmatched + 0 late + 0 duplicate + 0 \
             rejected",
            "predictions state no role",
        ],
    );
    let order = ["common cause", "DECISION", "MITIGATED", "VERIFIED", "Result"];
    let places: Vec<_> = order.iter().map(|word| story.find(word).unwrap()).collect();
    assert!(places.is_sorted(), "{order:?} stand at {places:?}");
    for line in story.lines() {
        assert!(line.chars().count() <= 80, "too wide: {line:?}");
        assert!(!line.contains('\x1b'), "colours in a pipe: {line:?}");
    }
}

/// The summary of a replay of these files.
fn summary(files: &[&Path], args: &[&str]) -> Json {
    let files = files.iter().map(|file| file.to_str().unwrap());
    let args: Vec<_> = ["replay", "--json"].into_iter().chain(files).chain(args.to_vec()).collect();
    serde_json::from_str(&good(&args)).unwrap()
}

#[test]
fn several_files_give_the_decisions_of_one() {
    let folder = tempfile::tempdir().unwrap();
    let of = |kind: &'static str| {
        lines().iter().map(String::as_str).filter(move |line| line.contains(kind))
    };
    let (first, rest) = lines().split_at(60_000);
    let part = |name: &str, lines: &[String]| file(&folder, name, lines.iter().map(String::as_str));
    let (first, rest) = (part("first.jsonl", first), part("rest.jsonl", rest));
    let predictions = file(&folder, "predictions.jsonl", of("\"type\":\"prediction\""));
    let outcomes = file(&folder, "outcomes.jsonl", of("\"type\":\"outcome\""));
    let args = ["--registry", REGISTRY];
    let whole = summary(&[Path::new(RECORDING)], &args);
    assert_eq!(whole["rollbacks"].as_array().unwrap().len(), 1);
    for files in [[&first, &rest], [&rest, &first]] {
        assert_eq!(summary(&files.map(PathBuf::as_path), &args), whole, "{files:?}");
    }
    // Records of the same instant may change places, and nothing else.
    let apart = summary(&[&predictions, &outcomes], &args);
    assert_eq!(apart["records"], whole["records"]);
    let told = |summary: &Json| {
        let rollback = &summary["rollbacks"][0];
        ["trigger", "breach_from", "decided_at", "verified_at"].map(|key| rollback[key].clone())
    };
    assert_eq!(told(&apart), told(&whole));
    assert_eq!(apart["notes"], whole["notes"]);
}

/// A prediction at a second of a day of 2024.
fn prediction(id: &str, model: &str, version: &str, second: u32) -> String {
    let ts = 1_704_067_200_000_u64 + u64::from(second) * 1000;
    format!(
        "{{\"type\":\"prediction\",\"id\":\"{id}\",\"model\":\"{model}\",\
         \"version\":\"{version}\",\"ts\":{ts},\"prediction\":1}}"
    )
}

#[test]
fn one_wrong_clock_at_the_start_spoils_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let good: Vec<_> = (0..500).map(|i| prediction(&i.to_string(), "m", "v3", i * 10)).collect();
    let wrong = prediction("w", "m", "v3", 200_000_000);
    let all = std::iter::once(wrong.as_str()).chain(good.iter().map(String::as_str));
    let all = file(&folder, "all.jsonl", all);
    let summary = summary(&[&all], &["--production", "v3"]);
    let records = &summary["records"];
    assert_eq!((&records["measured"], &records["late"]), (&500.into(), &0.into()), "{records}");
    assert_eq!(records["rejected"]["from_future"], 1, "{records}");
    let refused = &summary["refused"][0];
    assert_eq!((&refused["code"], &refused["line"]), (&"from_future".into(), &1.into()));
}

#[test]
fn one_model_of_several_is_replayed_alone() {
    let folder = tempfile::tempdir().unwrap();
    let both = (0..500).map(|i| {
        let (model, version) = if i % 2 == 0 { ("a", "v1") } else { ("b", "v3") };
        prediction(&i.to_string(), model, version, i * 10)
    });
    let both: Vec<_> = both.collect();
    let both = file(&folder, "both.jsonl", both.iter().map(String::as_str));
    let alone = summary(&[&both], &["--production", "v3", "--model", "b"]);
    assert_eq!(alone["records"]["read"], 250);
    assert_eq!(alone["models"].as_object().unwrap().keys().collect::<Vec<_>>(), ["b"]);
    assert_eq!(alone["models"]["b"]["production_at_start"], "v3");
    assert_says(&alone["notes"].to_string(), &["Records of other models were skipped: 250 of a"]);
    let output = ripcord(&["replay", both.to_str().unwrap(), "--model", "c"]);
    assert_eq!(output.status.code(), Some(2));
    assert_says(&err(&output), &["no record is about c; the recording has a, b"]);
}

#[test]
fn the_page_holds_the_facts_and_needs_nothing_from_outside() {
    let page = &FLIGHTS.page;
    for fact in [
        "v3 of flight-delay was rolled back to v2",
        "accuracy-drop",
        "dep_delay",
        "2013-06-24",
        "Evidence relative to its threshold",
        "Accuracy per day",
        "<title id=",
        "<desc id=",
        "prefers-color-scheme",
        "98,991",
    ] {
        assert!(page.contains(fact), "the page does not say {fact:?}");
    }
    for wrong in ["http://", "https://", "<script", "url(", "<link", "<img", "NaN", "{{", "{%"] {
        assert!(!page.contains(wrong), "the page contains {wrong:?}");
    }
    let ids: Vec<_> = page.split(" id=\"").skip(1).map(|rest| rest.split('"').next()).collect();
    assert_eq!(ids.iter().collect::<BTreeSet<_>>().len(), ids.len(), "an id is there twice");
}

#[test]
fn json_is_the_summary_alone_with_the_keys_of_its_schema() {
    let folder = tempfile::tempdir().unwrap();
    let start = file(&folder, "start.jsonl", before("03"));
    let text = good(&["replay", start.to_str().unwrap(), "--registry", REGISTRY, "--json"]);
    let summary: Json = serde_json::from_str(&text).unwrap();
    let keys = |value: &Json| value.as_object().unwrap().keys().cloned().collect::<BTreeSet<_>>();
    let wanted = |value: &Json, wanted: &str| {
        for key in wanted.split_whitespace() {
            assert!(keys(value).contains(key), "no {key} in {value:#}");
        }
    };
    wanted(
        &summary,
        "schema version namespace rules_hash outputs_hash mode records models rollbacks would_have \
         incidents",
    );
    assert_eq!(summary["schema"], "ripcord.replay/1");
    let records = &summary["records"];
    wanted(records, "read measured waiting unmatched late duplicate rejected");
    let model = &summary["models"]["flight-delay"];
    wanted(
        model,
        "production_at_start production_at_end accuracy_served accuracy_without versions",
    );
    wanted(&model["versions"]["v3"], "role proven quarantined");
    assert_eq!(
        (&model["production_at_start"], &model["production_at_end"]),
        (&"v3".into(), &"v3".into())
    );
    let n = |key: &str| records[key].as_u64().unwrap();
    assert_eq!(
        n("read"),
        n("measured") + n("waiting") + n("unmatched") + n("late") + n("duplicate")
    );
    assert!(n("unmatched") + n("waiting") < n("read"), "{records}");
}

#[test]
fn standard_input_and_versions_by_name_work_and_the_output_says_what_was_assumed() {
    let args = ["replay", "-", "--production", "v3", "--previous", "v2"];
    let mut child = command(&args)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut input = child.stdin.take().unwrap();
    let writer = std::thread::spawn(move || {
        before("04").for_each(|line| writeln!(input, "{line}").unwrap());
    });
    let output = child.wait_with_output().unwrap();
    writer.join().unwrap();
    assert!(output.status.success(), "{}", err(&output));
    assert_says(
        &out(&output),
        &[
            "Replay of standard input",
            "v3 in production, v2 vouched for; no registry",
            "Nothing was rolled back: v3 of flight-delay stayed in production.",
            "baseline accuracy",
        ],
    );
}

#[test]
fn what_cannot_be_replayed_is_said_with_what_to_do() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str, bytes: &[u8]| {
        let path = folder.path().join(name);
        std::fs::write(&path, bytes).unwrap();
        path.to_str().unwrap().to_owned()
    };
    let here = folder.path().to_str().unwrap().to_owned();
    let torn = path("torn.jsonl.gz", &[0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 3, 1, 2]);
    let prose = path("prose.jsonl.gz", b"this is not gzip\nand no JSON either\n");
    let empty = path("empty.jsonl", b"");
    let list = path("list.json", b"[\n{\"type\": \"prediction\"}\n]\n");
    let registry = path("registry.json", b"{\"schema\": \"other/9\"}");
    let missing = format!("{here}/missing.jsonl");
    let cases: [(&[&str], &[&str]); 14] = [
        (&["replay", &missing], &["missing.jsonl cannot be opened"]),
        (&["replay", &here], &[&here, "is a directory"]),
        (&["replay", &torn], &["torn.jsonl.gz", "gzip"]),
        (&["replay", &prose], &["none of the 2 records is a sample", "line 1", "check-source"]),
        (&["replay", &empty], &["the recording is empty"]),
        (&["replay", RECORDING, "--field", "model_name=/m"], &["model_name"]),
        (&["replay", RECORDING, "--source", "nosuch"], &["no source nosuch", "telemetry"]),
        (&["replay", RECORDING, "--registry", &registry], &["registry.json", "ripcord.registry/1"]),
        (
            &["replay", RECORDING, "--registry", &missing],
            &["cannot be read", "give --registry a registry.json"],
        ),
        (&["replay", RECORDING, "--report", &here], &["is a folder"]),
        (&["replay", &empty, "--report", &empty], &["empty.jsonl is an input of this command"]),
        (&["replay", &list], &["none of the 1 records", "line 2, element 1: model is missing"]),
        (&["replay", RECORDING, "--config", &missing], &["missing.jsonl"]),
        (&["check-config", "--config", &missing], &["missing.jsonl"]),
    ];
    for (args, facts) in cases {
        let output = ripcord(args);
        assert_eq!(output.status.code(), Some(2), "{args:?}: {}", out(&output));
        assert_says(&err(&output), facts);
        assert!(!err(&output).contains("panicked"), "{args:?}: {}", err(&output));
    }
}

#[test]
fn output_that_is_lost_is_no_success() {
    if !Path::new("/dev/full").exists() {
        return skipped("output that is lost: this machine has no /dev/full");
    }
    let calls: [&[&str]; 3] = [&["--help"], &["check-config"], &["check-config", "--json"]];
    for args in calls {
        let full = std::fs::OpenOptions::new().write(true).open("/dev/full").unwrap();
        let output = command(args).stdout(full).stderr(Stdio::piped()).spawn().unwrap();
        let output = output.wait_with_output().unwrap();
        assert_eq!(output.status.code(), Some(2), "{args:?}");
        assert_says(&err(&output), &["standard output cannot be written"]);
    }
}

#[test]
fn a_model_or_version_that_does_not_fit_the_recording_is_said() {
    let folder = tempfile::tempdir().unwrap();
    let start = file(&folder, "start.jsonl", lines().iter().take(2000).map(String::as_str));
    let start = start.to_str().unwrap();
    let registry = std::fs::read_to_string(REGISTRY).unwrap().replace("flight-delay", "other");
    let other = folder.path().join("other.json");
    std::fs::write(&other, registry).unwrap();
    let story = good(&["replay", start, "--registry", other.to_str().unwrap()]);
    assert_says(&story, &["The registry does not know flight-delay (it has other)"]);
    let story = good(&["replay", start, "--production", "v9", "--previous", "v2"]);
    assert_says(&story, &["v9 of flight-delay was in production to the end but never answered"]);
    assert_says(&story, &["The recording has v2, v3"]);
}

#[test]
fn rejected_records_are_counted_and_the_first_are_shown() {
    let folder = tempfile::tempdir().unwrap();
    let bad = (0..9).map(|_| "{\"type\":\"prediction\"}").chain(["not json"]);
    let all = bad.chain(lines().iter().take(1000).map(String::as_str));
    let mixed = file(&folder, "mixed.jsonl", all);
    let mixed = mixed.to_str().unwrap();
    let story = good(&["replay", mixed, "--registry", REGISTRY]);
    assert_says(&story, &["1,010 read", "10 rejected", "9 missing_field", "1 not_json", "line 10"]);
    let shown = story.matches("mixed.jsonl line").count();
    assert_eq!(shown, 6, "five of the nine, and the one: {story}");

    let output = ripcord(&["check-source", mixed]);
    assert_eq!(output.status.code(), Some(1));
    assert_says(
        &out(&output),
        &[
            "1,010 records, 1,000 samples understood, 10 rejected",
            "missing_field: 9",
            "first on line 1",
            "to fix it:",
            "not_json: 1",
            "first on line 10",
        ],
    );
}

#[test]
fn check_source_tells_what_a_recording_holds() {
    let text = good(&["check-source", RECORDING]);
    assert_says(
        &text,
        &[
            "98,991 records, 98,991 samples understood, 0 rejected",
            "prediction",
            "outcome",
            "flight-delay",
            "v2 (",
            "v3 (",
            "label coverage",
            "compared on the same requests",
        ],
    );
    assert!(text.lines().all(|line| line.chars().count() <= 80), "{text}");
    let report: Json = serde_json::from_str(&good(&["check-source", RECORDING, "--json"])).unwrap();
    assert_eq!(report["records"], 98_991);
    assert_eq!(report["understood"]["prediction"], 65_994);
    let output = ripcord(&["check-source", "Cargo.toml"]);
    assert_eq!(output.status.code(), Some(1));
    assert_says(&out(&output), &["no record could be read", "not_json"]);
    let output = ripcord(&["check-source", "no-such-file"]);
    assert_eq!(output.status.code(), Some(2));
}

#[test]
fn check_config_says_what_the_rules_mean_or_all_that_is_wrong() {
    let text = good(&["check-config"]);
    assert_says(&text, &["mode observe", "worse-than-reference", "accuracy-drop", "--json"]);
    let report: Json = serde_json::from_str(&good(&["check-config", "--json"])).unwrap();
    assert!(report["settings"]["rules"].is_object(), "{report}");
    let folder = tempfile::tempdir().unwrap();
    let wrong = folder.path().join("wrong.toml");
    std::fs::write(&wrong, "[rules]\nmode = \"panic\"\nnosuch = 1\n").unwrap();
    let wrong = wrong.to_str().unwrap();
    let output = ripcord(&["check-config", "--config", wrong]);
    assert_eq!(output.status.code(), Some(1));
    assert_says(&err(&output), &["nosuch", "wrong.toml"]);
    let output = ripcord(&["check-config", "--config", wrong, "--json"]);
    let refused: Json = serde_json::from_str(&out(&output)).unwrap();
    assert!(!refused["refused"].as_array().unwrap().is_empty(), "{refused}");
}

#[test]
fn baselines_of_healthy_days_go_into_a_registry_that_replay_takes() {
    let folder = tempfile::tempdir().unwrap();
    let start = file(&folder, "start.jsonl", before("13"));
    let start = start.to_str().unwrap();
    let registry = folder.path().join("registry.json");
    let mut entries: Json =
        serde_json::from_str(&std::fs::read_to_string(REGISTRY).unwrap()).unwrap();
    entries["models"][0].as_object_mut().unwrap().remove("baseline");
    entries["models"].as_array_mut().unwrap().remove(1);
    std::fs::write(&registry, serde_json::to_string_pretty(&entries).unwrap()).unwrap();
    let place = registry.to_str().unwrap();
    let text = good(&["baseline", start, "--registry", place]);
    assert_says(
        &text,
        &["accuracy", "none", "latency", "Written to", "v2 of flight-delay is not in"],
    );
    let written: Json = serde_json::from_str(&std::fs::read_to_string(&registry).unwrap()).unwrap();
    let baseline = &written["models"][0]["baseline"];
    let accuracy = baseline["accuracy"]["value"].as_f64().unwrap();
    assert!((0.89..0.93).contains(&accuracy), "{baseline}");
    assert!(baseline["accuracy"]["n"].as_u64().unwrap() > 5000, "{baseline}");
    assert!(baseline["latency_ms"]["mean"].as_f64().unwrap() > 0.0, "{baseline}");
    assert_eq!(written["revision"], 2);
    let story = good(&["replay", start, "--registry", place]);
    assert_says(&story, &["v3 of flight-delay stayed in production"]);
    assert!(!story.contains("baseline accuracy of v3"), "the registry's was not taken: {story}");
}

#[test]
fn a_freeze_is_told_once_with_its_evidence() {
    let folder = tempfile::tempdir().unwrap();
    let text = std::fs::read_to_string(REGISTRY).unwrap();
    let mut entries: Json = serde_json::from_str(&text).unwrap();
    entries["models"][1].as_object_mut().unwrap().remove("proven_good");
    let registry = folder.path().join("registry.json");
    std::fs::write(&registry, entries.to_string()).unwrap();
    let story = good(&["replay", RECORDING, "--registry", registry.to_str().unwrap()]);
    let facts =
        ["FROZEN accuracy-drop: 43.1 % wrong", "Automatic action on flight-delay is already"];
    assert_says(&story, &facts);
    assert_eq!(flat(&story).matches("There is no version to roll back to").count(), 2, "{story}");
}

#[test]
fn too_little_or_unusable_traffic_makes_no_baseline() {
    let folder = tempfile::tempdir().unwrap();
    let registry = folder.path().join("registry.json");
    // A mark at the beginning, as some editors leave it.
    let text = format!("\u{feff}{}", std::fs::read_to_string(REGISTRY).unwrap());
    std::fs::write(&registry, &text).unwrap();
    let place = registry.to_str().unwrap();
    let few = file(&folder, "few.jsonl", lines().iter().take(900).map(String::as_str));
    let bad = (0..1000).map(|_| "{}").chain(lines().iter().take(900).map(String::as_str));
    let bad = file(&folder, "bad.jsonl", bad);
    let output = ripcord(&["baseline", few.to_str().unwrap(), "--registry", place]);
    assert_eq!(output.status.code(), Some(1), "{}", err(&output));
    assert_says(&out(&output), &["Nothing was written", "5,000 samples", "baseline_samples"]);
    let output = ripcord(&["baseline", bad.to_str().unwrap(), "--registry", place]);
    assert_eq!(output.status.code(), Some(2));
    assert_says(&err(&output), &["no baseline is written", "1,000 rejected"]);
    let output = ripcord(&["baseline", place, "--registry", place]);
    assert_eq!(output.status.code(), Some(2));
    assert_says(&err(&output), &["is an input of this command"]);
    assert_eq!(std::fs::read_to_string(&registry).unwrap(), text);
    let output = ripcord(&["replay", bad.to_str().unwrap(), "--registry", place]);
    assert_eq!(output.status.code(), Some(1));
    assert_says(&out(&output), &["Result Most of the recording could not be used"]);
}

#[test]
fn a_rollback_without_a_reference_is_told_with_its_price() {
    let folder = tempfile::tempdir().unwrap();
    // v2 is silent, so that nothing shows whether it would do better in the storm of June 13.
    let alone = before("16").filter(|line| !line.contains("\"version\":\"v2\""));
    let alone = file(&folder, "alone.jsonl", alone);
    let alone = alone.to_str().unwrap();
    let story = good(&["replay", alone, "--registry", REGISTRY]);
    assert_says(&story, &["Only v3 of flight-delay has labelled answers", "unproven"]);
    let unfed = "that v3 of flight-delay answered, these triggers had no sample of it";
    assert_says(&story, &[unfed, "worse-than-reference (labelled answers of two versions"]);
    assert_says(&story, &["v3 of flight-delay was not rolled back (accuracy-drop)"]);
    assert!(!story.contains("DECISION"), "{story}");
    let settings = folder.path().join("act.toml");
    let text = "[rules.triggers.accuracy-drop]\nact_without_reference = true\n";
    std::fs::write(&settings, text).unwrap();
    let config = settings.to_str().unwrap();
    let story = good(&["replay", alone, "--registry", REGISTRY, "--config", config]);
    assert_says(
        &story,
        &[
            "DECISION",
            "v3 was rolled back without a reference",
            "no traffic of v2 was seen, so nothing shows that it helped",
            "that is the price of this rule",
        ],
    );
    assert!(!story.contains("VERIFIED"), "{story}");
}

#[test]
fn help_explains_commands_and_the_words_on_screens() {
    let text = good(&["help", "terms"]);
    assert_says(&text, &["breach", "mitigated (unverified)", "watermark", "ripcord release"]);
    assert!(text.lines().all(|line| line.chars().count() <= 80), "{text}");
    assert_says(&good(&["help", "replay"]), &["--registry", "Usage: ripcord replay"]);
    assert_says(&good(&["help"]), &["ripcord help terms", "check-source"]);
    let output = ripcord(&["help", "rolback"]);
    assert_eq!(output.status.code(), Some(2));
    assert_says(&err(&output), &["rollback"]);
}
