//! Links, FIFOs and modes of the files that are read and written.
#![expect(clippy::unwrap_used, reason = "helpers of tests may, as tests may")]

use std::error::Error;
use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};
use std::path::Path;
use std::sync::Arc;

use ripcord::edge::clock::SystemClock;
use ripcord::edge::log::local::LocalLog;
use ripcord::model::StepResult;
use ripcord::targets::Target;
use ripcord::targets::registry::RegistryFile;
use rustix::fs::{CWD, Mode, mkfifoat};

use crate::common::targets::{LONG, act, block_on, exec, production, target};

const REGISTRY: &str = r#"{"schema":"ripcord.registry/1","models":[
  {"name":"fd","version":"v2","is_production":false},
  {"name":"fd","version":"v3","is_production":true,"model_path":"fd.bin",
   "sha256":"0000000000000000000000000000000000000000000000000000000000000000"}]}"#;

fn mode(path: &Path) -> u32 {
    fs::metadata(path).unwrap().mode() & 0o777
}

fn fifo(path: &Path) {
    mkfifoat(CWD, path, Mode::RUSR | Mode::WUSR).unwrap();
}

/// An error with all its causes.
fn said(error: &dyn Error) -> String {
    let causes = error.source().map(said);
    causes.map_or(error.to_string(), |causes| format!("{error}: {causes}"))
}

fn open(folder: &Path) -> Result<(), String> {
    let opened = LocalLog::open(folder, Arc::new(SystemClock));
    opened.map(drop).map_err(|error| said(&error))
}

#[test]
fn the_log_is_for_its_owner_alone() {
    let place = tempfile::tempdir().unwrap();
    let folder = place.path().join("data");
    let log = LocalLog::open(&folder, Arc::new(SystemClock)).unwrap();
    assert_eq!(mode(&folder), 0o700);
    let files: Vec<_> = fs::read_dir(&folder).unwrap().map(|file| file.unwrap().path()).collect();
    assert!(files.len() >= 3, "{files:?}");
    for file in files {
        assert_eq!(mode(&file), 0o600, "{}", file.display());
    }
    drop(log);
    // A link to the whole folder is the user's own affair.
    symlink(&folder, place.path().join("link")).unwrap();
    open(&place.path().join("link")).unwrap();
}

#[test]
fn the_log_follows_no_link_and_empties_no_file() {
    for name in ["lock", "log.sqlite"] {
        let folder = tempfile::tempdir().unwrap();
        let victim = folder.path().join("victim");
        fs::write(&victim, "precious").unwrap();
        symlink(&victim, folder.path().join(name)).unwrap();
        let why = open(folder.path()).unwrap_err();
        assert!(why.contains("it is a symbolic link, and Ripcord writes through none"), "{why}");
        assert!(why.contains(&format!("/{name}")), "{why}");
        assert_eq!(fs::read_to_string(&victim).unwrap(), "precious");
    }
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("lock"), "kept").unwrap();
    open(folder.path()).unwrap();
    assert_eq!(fs::read_to_string(folder.path().join("lock")).unwrap(), "kept");
}

fn registry(path: &Path) -> RegistryFile {
    RegistryFile::new(target("registry"), path.to_owned())
}

#[test]
fn a_registry_that_is_no_file_is_refused_in_words() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    fifo(&at("fifo"));
    symlink(at("circle"), at("circle")).unwrap();
    symlink("/dev/zero", at("zero")).unwrap();
    for (name, why) in [
        ("fifo", "it is a FIFO (named pipe); put a regular file in its place"),
        ("circle", "its symbolic links lead in a circle; point them to a regular file"),
        ("zero", "it is a device; put a regular file in its place"),
        (".", "it is a directory; put a regular file in its place"),
    ] {
        let mut registry = registry(&at(name));
        let observed = block_on(registry.observe()).unwrap_err();
        assert!(observed.contains(why), "{name}: {observed}");
        let acted = act(&mut registry, &production("c", 1, "v2", "v3"));
        assert_eq!(acted.outcome, StepResult::Failed, "{name}");
        assert!(acted.detail.contains(why), "{name}: {acted:?}");
    }
    fs::write(at("registry.json"), REGISTRY).unwrap();
    fifo(&at("registry.json.ripcord"));
    fifo(&at("fd.bin"));
    let mut registry = registry(&at("registry.json")).check_artifacts();
    let why = block_on(registry.observe()).unwrap_err();
    assert!(why.contains("registry.json.ripcord: it is a FIFO"), "{why}");
    fs::remove_file(at("registry.json.ripcord")).unwrap();
    let facts = block_on(registry.observe()).unwrap();
    let v3 = facts[0].versions.iter().find(|known| known.version.as_str() == "v3").unwrap();
    assert_eq!(v3.artifact_present, Some(false), "a FIFO is no artifact");
}

#[test]
fn a_switch_writes_through_no_link_and_keeps_owner_and_mode() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    fs::write(at("victim"), "precious").unwrap();
    fs::set_permissions(at("victim"), fs::Permissions::from_mode(0o600)).unwrap();
    fs::write(at("registry.json"), REGISTRY).unwrap();
    fs::set_permissions(at("registry.json"), fs::Permissions::from_mode(0o664)).unwrap();
    symlink(at("victim"), at("registry.json.new")).unwrap();
    let acted = act(&mut registry(&at("registry.json")), &production("c", 1, "v2", "v3"));
    assert_eq!(acted.outcome, StepResult::Done, "{acted:?}");
    assert_eq!(
        (fs::read_to_string(at("victim")).unwrap().as_str(), 0o600),
        ("precious", mode(&at("victim")))
    );
    assert_eq!(mode(&at("registry.json")), 0o664);
    assert!(!fs::symlink_metadata(at("registry.json")).unwrap().is_symlink());
    // A link in the place of the lock stops the switch; nothing is done.
    fs::remove_file(at("registry.json.lock")).unwrap();
    symlink(at("victim"), at("registry.json.lock")).unwrap();
    let acted = act(&mut registry(&at("registry.json")), &production("d", 2, "v3", "v2"));
    assert_eq!(acted.outcome, StepResult::Failed);
    assert!(acted.detail.contains("it is a symbolic link"), "{acted:?}");
}

#[test]
fn fences_are_for_their_owner_alone_and_follow_no_link() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    fs::write(at("victim"), "precious").unwrap();
    symlink(at("victim"), at("mine.fences.json.new")).unwrap();
    let program = || vec!["true".to_owned()];
    let acted =
        act(&mut exec(folder.path(), None, program(), LONG), &production("c", 1, "v2", "v3"));
    assert_eq!(acted.outcome, StepResult::Done, "{acted:?}");
    assert_eq!(fs::read_to_string(at("victim")).unwrap(), "precious");
    assert_eq!([mode(&at("mine.fences.json")), mode(&at("mine.fences.json.lock"))], [0o600; 2]);
    fs::remove_file(at("mine.fences.json")).unwrap();
    symlink(at("victim"), at("mine.fences.json")).unwrap();
    let acted =
        act(&mut exec(folder.path(), None, program(), LONG), &production("d", 2, "v2", "v3"));
    assert_eq!(acted.outcome, StepResult::Failed, "{acted:?}");
    assert_eq!(fs::read_to_string(at("victim")).unwrap(), "precious");
}
