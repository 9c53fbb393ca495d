//! The registry in a file, under kills, rivals and hands.
//!
//! Over 300 lines: one way to read the files, shared by all of it.
#![expect(clippy::unwrap_used, reason = "a test may panic")]

use std::fs;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command as Process, Stdio};

use ripcord::model::{Baseline, Baselines, ModelId, Proof, Signal, StepResult, VersionId};
use ripcord::targets::Target;
use ripcord::targets::registry::RegistryFile;

use crate::common::targets::{act, block_on, production, shape, target};

const REGISTRY: &str = r#"{"schema":"ripcord.registry/1","revision":1,"models":[
 {"name":"fd","version":"v3","is_production":true,"model_path":"models/v3.bin","extra":[1]},
 {"name":"fd","version":"v2","is_production":false,"proven_good":true,
  "model_path":"models/v2.bin"}]}
"#;
const PLAIN: &str = r#"[{"name":"fd","version":"v3","is_production":true,"extra":[1]},
 {"name":"fd","version":"v2","is_production":false}]
"#;

/// In a shape of its own: the word of production, and of the version before.
const SHAPED: &str = r#"{"fd":{"versions":{"v3":{"status":"Production","extra":[1]},
 "v2":{"extra":[], "status":"Archived"}}}}
"#;

fn folder(text: &str) -> (tempfile::TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("registry.json");
    fs::write(&path, text).unwrap();
    (folder, path)
}

fn registry(path: &Path) -> RegistryFile {
    let file = RegistryFile::new(target("registry"), path.to_owned());
    let is_shaped = fs::read_to_string(path).is_ok_and(|text| text.contains("\"status\""));
    if is_shaped { file.in_shape(shape(KEYED)) } else { file }
}

/// The shape of [`SHAPED`].
const KEYED: &str = "entries = \"/*/versions\"\nname = \"*\"\nversion = \"key\"\n\
                     production = { at = \"./status\", is = \"production\" }\n";

fn json(path: &Path) -> serde_json::Value {
    serde_json::from_str(&fs::read_to_string(path).unwrap()).unwrap()
}

/// Production, revision and generation, as they stand in the files.
fn standing(path: &Path) -> (String, u64, u64) {
    let main = json(path);
    let side = PathBuf::from(format!("{}.ripcord", path.display()));
    let own = main.get("fd").is_none();
    let live: Vec<_> = if own {
        let list = main.get("models").unwrap_or(&main).as_array().unwrap();
        let live = list.iter().filter(|entry| entry["is_production"] == true);
        live.map(|entry| entry["version"].as_str().unwrap().to_owned()).collect()
    } else {
        let versions = main["fd"]["versions"].as_object().unwrap();
        let live = versions.iter().filter(|(_, entry)| entry["status"] == "Production");
        live.map(|(version, _)| version.clone()).collect()
    };
    assert_eq!(live.len(), 1, "one version is in production: {main}");
    let meta = match (main.is_array() || !own, side.exists()) {
        (true, true) => json(&side),
        (true, false) => serde_json::json!({}),
        (false, _) => main,
    };
    let generation = meta["fences"]["fd"]["generation"].as_u64().unwrap_or(0);
    (live[0].clone(), meta["revision"].as_u64().unwrap_or(0), generation)
}

fn copies(path: &Path) -> Vec<String> {
    let mut names: Vec<_> = fs::read_dir(path.parent().unwrap())
        .unwrap()
        .map(|file| file.unwrap().file_name().into_string().unwrap())
        .filter(|name| name.split('.').count() == 4 && name.contains("Z."))
        .collect();
    names.sort();
    names
}

#[test]
fn it_switches_once_and_says_so() {
    for text in [REGISTRY, PLAIN, SHAPED] {
        let (_folder, path) = folder(text);
        let mut registry = registry(&path);
        let command = production("c1", 2, "v2", "v3");
        let acted = act(&mut registry, &command);
        assert_eq!((acted.outcome, acted.proof), (StepResult::Done, Some(Proof::L1)), "{acted:?}");
        assert_eq!(standing(&path).0, "v2");
        assert_eq!(copies(&path).len(), 1);
        let after = fs::read(&path).unwrap();
        for _ in 0..3 {
            let again = act(&mut registry, &command);
            assert_eq!((again.outcome, again.proof), (StepResult::Done, Some(Proof::L1)));
        }
        assert_eq!((fs::read(&path).unwrap(), copies(&path).len()), (after.clone(), 1));
        let stale = act(&mut registry, &production("c0", 1, "v3", "v2"));
        assert_eq!(stale.outcome, StepResult::Refused, "{stale:?}");
        let lost = act(&mut registry, &production("c2", 3, "v2", "v9"));
        assert_eq!(lost.outcome, StepResult::Done, "it is v2 already: {lost:?}");
        let moved = act(&mut registry, &production("c3", 4, "v3", "v9"));
        assert_eq!(moved.outcome, StepResult::Failed, "{moved:?}");
        assert!(moved.detail.contains("has v2 in production: changed by others"), "{moved:?}");
        let fence = block_on(registry.fence(&command)).unwrap();
        assert_eq!((fence.generation, fence.command.as_deref()), (3, Some("c2")));
    }
}

#[test]
fn it_says_what_it_needs() {
    let (folder, path) = folder("[\n{\"name\":\"fd\",\"is_production\":true,\n\"version\":3.5}]");
    let mut broken = registry(&path);
    let wrong = "[0].version (line 3) is the number 3.5; write it in quotes: \"3.5\"";
    let said = format!("{}: {wrong}", path.display());
    assert_eq!(block_on(broken.observe()).unwrap_err(), said);
    let acted = act(&mut broken, &production("c1", 1, "v2", "v3"));
    assert_eq!(
        (acted.outcome, acted.detail),
        (StepResult::Failed, format!("{said}; nothing was done"))
    );
    let missing = folder.path().join("none.json");
    let error = block_on(registry(&missing).observe()).unwrap_err();
    let begins = format!("cannot find the registry {}: No such file", missing.display());
    assert!(error.starts_with(&begins), "{error}");
}

#[test]
fn it_notices_changes() {
    let (_folder, path) = folder(REGISTRY);
    let mut registry = registry(&path);
    assert!(registry.changed(), "never observed");
    block_on(registry.observe()).unwrap();
    assert!(!registry.changed());
    fs::write(&path, REGISTRY.replace("\"revision\":1", "\"revision\":9")).unwrap();
    assert!(registry.changed(), "same length, written in place");
    let facts = block_on(registry.observe()).unwrap();
    assert_eq!((facts.len(), registry.revision(), registry.changed()), (1, Some(9), false));
    fs::remove_file(&path).unwrap();
    assert!(registry.changed());
    assert!(block_on(registry.observe()).is_err());
    assert!(!registry.changed(), "it is still missing");
}

#[test]
fn artifacts_are_checked() {
    let hash = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"; // of "abc"
    let entry = |version: &str, live: bool, sha: &str| {
        let path = format!("models/{version}.bin");
        serde_json::json!({"name": "fd", "version": version, "is_production": live,
            "model_path": path, "sha256": sha})
    };
    let list = serde_json::json!([
        entry("v5", true, "…"),
        entry("v4", false, hash),
        entry("v3", false, hash),
        entry("v2", false, "…"),
        {"name": "fd", "version": "v1", "model_path": "s3://bucket/v1"},
    ]);
    let (folder, path) = folder(&list.to_string());
    let file = |name: &str| folder.path().join("models").join(name);
    fs::create_dir(folder.path().join("models")).unwrap();
    for (name, bytes) in [("v5.bin", "x"), ("v4.bin", "abc"), ("v3.bin", "abd")] {
        fs::write(file(name), bytes).unwrap();
    }
    let mut checked = registry(&path).check_artifacts();
    let present = |registry: &mut RegistryFile| {
        let facts = block_on(registry.observe()).unwrap();
        let versions = facts[0].versions.iter();
        versions.map(|v| (v.version.to_string(), v.artifact_present)).collect::<Vec<_>>()
    };
    let name = |n: u32, seen| (format!("v{n}"), seen);
    let expected = [
        name(1, None),
        name(2, Some(false)),
        name(3, Some(false)),
        name(4, Some(true)),
        name(5, Some(true)),
    ];
    assert_eq!(present(&mut checked), expected);
    assert!(present(&mut registry(&path)).iter().all(|(_, seen)| seen.is_none()), "unasked");
    for (to, said) in [("v2", "No such file"), ("v3", "the registry says ba7816")] {
        let acted = act(&mut checked, &production("c", 1, to, "v5"));
        assert_eq!(acted.outcome, StepResult::Failed);
        assert!(acted.detail.contains(said), "{acted:?}");
    }
    fs::write(file("v3.bin"), "abc").unwrap();
    assert_eq!(act(&mut checked, &production("c", 1, "v3", "v5")).outcome, StepResult::Done);
}

#[test]
fn baselines_are_written_under_the_lock() {
    for text in [REGISTRY, PLAIN, SHAPED] {
        let (_folder, path) = folder(text);
        let registry = registry(&path);
        let model = ModelId::new("fd").unwrap();
        let [v2, v3] = ["v2", "v3"].map(|version| VersionId::new(version).unwrap());
        let baselines: Baselines = [(Signal::ErrorRate, Baseline { value: 0.01, n: 500 })].into();
        let of = |version: &VersionId| (model.clone(), version.clone(), baselines.clone());
        let before = standing(&path).1;
        let revision = registry.write_baselines(&[of(&v2), of(&v3)]).unwrap();
        assert_eq!((revision, standing(&path).1), (before + 1, before + 1));
        let facts = block_on(registry.clone().observe()).unwrap();
        for version in [&v2, &v3] {
            let known = facts[0].versions.iter().find(|v| v.version == *version).unwrap();
            assert_eq!(known.baselines[&Signal::ErrorRate], baselines[&Signal::ErrorRate]);
        }
        let v9 = VersionId::new("v9").unwrap();
        let error = registry.write_baselines(&[of(&v2), of(&v9)]).unwrap_err();
        let chain = std::error::Error::source(&error).unwrap().to_string();
        assert!(chain.contains("no version v9 of fd"), "{chain}");
    }
}

/// As Python's `json.dump` writes it; the numbers are of fields that Ripcord does not read.
const FROM_PYTHON: &str = r#"[{"name":"fd","version":"v2","is_production":false,
 "run_id":123456789012345678901234567890,"metrics":{"f1":NaN,"loss":1e-3},
 "baseline":{"error_rate":{"value":0.10,"n":7,"by":-0.0},"auc":{"value":0.10}}},
 {"name":"fd","version":"v3","is_production":true,"metrics":{"f1":-Infinity,"auc":0.90}}]"#;

#[test]
fn the_users_own_values_stay_as_written() {
    let (_folder, path) = folder(FROM_PYTHON);
    let mut registry = registry(&path);
    let acted = act(&mut registry, &production("c1", 2, "v2", "v3"));
    assert_eq!(acted.outcome, StepResult::Done, "{acted:?}");
    let [up, down] = ["\"is_production\":true", "\"is_production\":false"];
    let switched = FROM_PYTHON.replace(up, "…").replace(down, up).replace('…', down);
    assert_eq!(fs::read_to_string(&path).unwrap(), switched);

    let (model, v2) = (ModelId::new("fd").unwrap(), VersionId::new("v2").unwrap());
    let known: Baselines = [(Signal::ErrorRate, Baseline { value: 0.25, n: 500 })].into();
    registry.write_baselines(&[(model, v2, known)]).unwrap();
    let set = switched.replace("\"value\":0.10,\"n\":7", "\"value\":0.25,\"n\":500");
    assert_eq!(fs::read_to_string(&path).unwrap(), set);
}

#[test]
fn the_last_twenty_copies_are_kept() {
    let (folder, path) = folder(REGISTRY);
    fs::write(folder.path().join("registry.json.mine"), "kept").unwrap();
    let mut registry = registry(&path);
    for generation in 1..=25 {
        let acted = act(&mut registry, &turn(generation));
        assert_eq!(acted.outcome, StepResult::Done, "{acted:?}");
    }
    let revisions: Vec<u64> = copies(&path)
        .iter()
        .map(|name| name.rsplit('.').next().unwrap().parse().unwrap())
        .collect();
    assert_eq!(revisions.len(), 20);
    assert!(revisions.contains(&25) && revisions.contains(&6), "{revisions:?}");
    assert!(folder.path().join("registry.json.mine").exists());
}

#[test]
fn a_link_stays_a_link() {
    let (folder, path) = folder(REGISTRY);
    let link = folder.path().join("link.json");
    std::os::unix::fs::symlink(&path, &link).unwrap();
    assert_eq!(
        act(&mut registry(&link), &production("c", 1, "v2", "v3")).outcome,
        StepResult::Done
    );
    assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
    assert_eq!(standing(&path).0, "v2");
}

/// Odd generations go to v2, even ones back to v3: each one is a switch.
fn turn(generation: u64) -> ripcord::model::Command {
    let (to, from) = if generation % 2 == 1 { ("v2", "v3") } else { ("v3", "v2") };
    production(&format!("turn-{generation}"), generation, to, from)
}

const CHILD: &str = "RIPCORD_TEST_REGISTRY";

/// Acts from the generation of the file on, for ever or up to a last one, a line for each.
#[test]
#[ignore = "started as a process of its own by other tests"]
fn child() {
    let Ok(path) = std::env::var(CHILD) else { return };
    let last = std::env::var("RIPCORD_TEST_LAST").ok().map(|last| last.parse::<u64>().unwrap());
    let path = PathBuf::from(path);
    let mut registry = registry(&path);
    let first = standing(&path).2.max(1);
    for generation in first..=last.unwrap_or(u64::MAX) {
        let acted = act(&mut registry, &turn(generation));
        println!("acted {:?} {}", acted.outcome, acted.detail);
    }
}

fn start(path: &Path, last: Option<u64>) -> Child {
    let mut process = Process::new(std::env::current_exe().unwrap());
    process
        .args(["target_registry::child", "--exact", "--ignored", "--nocapture"])
        .env(CHILD, path);
    if let Some(last) = last {
        process.env("RIPCORD_TEST_LAST", last.to_string());
    }
    process.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap()
}

#[test]
fn kills_leave_a_whole_file_and_one_switch_per_command() {
    for text in [REGISTRY, PLAIN, SHAPED] {
        let (_folder, path) = folder(text);
        let start_revision = standing(&path).1;
        for round in 0..30_u64 {
            let mut child = start(&path, None);
            let lines = BufReader::new(child.stdout.take().unwrap()).lines();
            let wanted = 1 + round % 5;
            let acted = lines.map_while(Result::ok).filter(|line| line.starts_with("acted"));
            assert_eq!(acted.take(wanted as usize).count() as u64, wanted);
            (0..round * 7919 % 300_000).for_each(|n| {
                std::hint::black_box(n);
            });
            child.kill().unwrap();
            child.wait().unwrap();

            let (version, revision, generation) = standing(&path);
            assert_eq!(revision - start_revision, generation, "one write per command");
            let by_fence = if generation % 2 == 1 { "v2" } else { "v3" };
            // In a second file the fence may be one command behind.
            let mut registry = registry(&path);
            if version != by_fence {
                assert_ne!(text, REGISTRY);
                let acted = act(&mut registry, &turn(generation + 1));
                assert_eq!(acted.outcome, StepResult::Done);
                assert!(acted.detail.contains("already"), "not switched again: {acted:?}");
            }
            let (version, _, generation) = standing(&path);
            for old in 1..generation {
                assert_eq!(act(&mut registry, &turn(old)).outcome, StepResult::Refused);
            }
            assert_eq!(act(&mut registry, &turn(generation)).outcome, StepResult::Done);
            assert_eq!(standing(&path), (version, generation + start_revision, generation));
        }
    }
}

#[test]
fn two_processes_act_at_once() {
    for text in [REGISTRY, PLAIN, SHAPED] {
        let (_folder, path) = folder(text);
        let before = standing(&path).1;
        let rivals = [start(&path, Some(60)), start(&path, Some(60))];
        for rival in rivals {
            let said = String::from_utf8(rival.wait_with_output().unwrap().stdout).unwrap();
            let acted: Vec<_> = said.lines().filter(|line| line.starts_with("acted")).collect();
            assert!(!acted.is_empty(), "{said}");
            let fine =
                |line: &&str| line.starts_with("acted Done") || line.starts_with("acted Refused");
            assert!(acted.iter().all(fine), "{said}");
        }
        assert_eq!(standing(&path), ("v3".to_owned(), before + 60, 60), "60 commands, 60 writes");
    }
}

/// The registry is replaced first. After a crash before the second file is written, the repeated
/// command finds its work done and completes the second file.
#[test]
fn a_crash_between_the_two_files_is_made_good() {
    for text in [PLAIN, SHAPED] {
        let (_folder, path) = folder(text);
        let side = PathBuf::from(format!("{}.ripcord", path.display()));
        let command = production("c1", 1, "v2", "v3");
        let acted = act(&mut registry(&path), &command);
        assert!(acted.detail.contains("was v3; revision 1"), "{acted:?}");
        let whole = json(&side);
        assert_eq!(whole["versions"]["fd"]["v3"]["archived_reason"], "accuracy fell");
        let main = fs::read(&path).unwrap();
        fs::remove_file(&side).unwrap();

        let acted = act(&mut registry(&path), &command);
        assert_eq!(acted.outcome, StepResult::Done);
        assert!(acted.detail.contains("is already v2"), "{acted:?}");
        assert_eq!((json(&side), fs::read(&path).unwrap()), (whole, main));
    }
}

#[test]
fn another_program_that_takes_no_lock_is_noticed() {
    [REGISTRY, SHAPED].into_iter().for_each(one_that_takes_no_lock);
}

/// Tells a thread to stop when it goes.
struct Stopped<'a>(&'a std::sync::atomic::AtomicBool);

impl Drop for Stopped<'_> {
    fn drop(&mut self) {
        self.0.store(true, std::sync::atomic::Ordering::SeqCst);
    }
}

fn one_that_takes_no_lock(text: &str) {
    let (_folder, path) = folder(text);
    let stop = std::sync::atomic::AtomicBool::new(false);
    let mut outcomes = std::collections::BTreeMap::<String, u32>::new();
    std::thread::scope(|scope| {
        // Also where an assertion fails: the scope waits for it.
        let _stopped = Stopped(&stop);
        // It adds a line to the file again and again, whole each time.
        scope.spawn(|| {
            let other = path.with_extension("other");
            let mut n = 0_u32;
            while !stop.load(std::sync::atomic::Ordering::SeqCst) {
                n += 1;
                let text = text.replace("[1]", &format!("[{n}]"));
                fs::write(&other, text).unwrap();
                fs::rename(&other, &path).unwrap();
            }
        });
        let mut registry = registry(&path);
        for generation in 1..=200 {
            let command = production(&format!("c{generation}"), generation, "v2", "v3");
            let acted = act(&mut registry, &command);
            let known = match acted.outcome {
                StepResult::Done => acted.detail.contains("is v2"),
                StepResult::Failed => acted.detail.contains("does not lock"),
                StepResult::Unknown => acted.detail.contains("another program writes it"),
                StepResult::Refused => false,
            };
            assert!(known, "{acted:?}");
            *outcomes.entry(format!("{:?}", acted.outcome)).or_default() += 1;
        }
    });
    assert!(outcomes.get("Failed").or(outcomes.get("Unknown")).is_some(), "{outcomes:?}");
    standing(&path);
}
