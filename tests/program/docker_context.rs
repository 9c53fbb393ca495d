//! What `.dockerignore` lets through compiles, and the image says which version it is.
#![expect(clippy::unwrap_used, clippy::panic, reason = "a test may panic")]

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// The paths that `.dockerignore` lets through. Of its rules only `*` and `!path` are known here.
fn context(root: &Path) -> Vec<PathBuf> {
    let rules = fs::read_to_string(root.join(".dockerignore")).unwrap();
    let mut rules = rules.lines().filter(|line| !line.is_empty() && !line.starts_with('#'));
    assert_eq!(rules.next(), Some("*"), "it begins by leaving everything out");
    let path = |rule: &str| match rule.strip_prefix('!') {
        Some(path) if !path.contains('*') => PathBuf::from(path),
        Some(_) | None => panic!("this test does not know the rule {rule}"),
    };
    rules.map(path).collect()
}

/// The files at and below `path`, relative to `root`.
fn files(root: &Path, path: &Path, found: &mut BTreeSet<PathBuf>) {
    let at = root.join(path);
    if at.is_dir() {
        for entry in fs::read_dir(&at).unwrap() {
            files(root, &path.join(entry.unwrap().file_name()), found);
        }
    } else {
        assert!(at.exists(), "{} is let through and does not exist", path.display());
        found.insert(path.to_owned());
    }
}

/// The manifest and the lock with another version of this package. Two packages of one name and
/// version that share a target folder take each other's build script for their own.
fn as_another(path: &Path, bytes: Vec<u8>) -> Vec<u8> {
    if !["Cargo.toml", "Cargo.lock"].iter().any(|name| path == Path::new(name)) {
        return bytes;
    }
    let text = String::from_utf8(bytes).unwrap();
    let own = concat!("name = \"ripcord\"\nversion = \"", env!("CARGO_PKG_VERSION"));
    assert_eq!(text.matches(own).count(), 1, "{}", path.display());
    text.replace(own, &format!("{own}-docker")).into_bytes()
}

/// Makes `to` hold these files of `from` and no others. Equal ones stay, so that cargo need not
/// compile them again.
fn mirror(from: &Path, to: &Path, wanted: &BTreeSet<PathBuf>) {
    fs::create_dir_all(to).unwrap();
    let mut there = BTreeSet::new();
    files(to, Path::new(""), &mut there);
    for path in there.difference(wanted) {
        fs::remove_file(to.join(path)).unwrap();
    }
    for path in wanted {
        let bytes = as_another(path, fs::read(from.join(path)).unwrap());
        let place = to.join(path);
        if fs::read(&place).ok().as_ref() != Some(&bytes) {
            fs::create_dir_all(place.parent().unwrap()).unwrap();
            fs::write(&place, bytes).unwrap();
        }
    }
}

#[test]
fn what_docker_sees_compiles() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let shared = Path::new(env!("CARGO_TARGET_TMPDIR"));
    let mut wanted = BTreeSet::new();
    for path in context(root) {
        files(root, &path, &mut wanted);
    }
    let folder = shared.join("docker-context");
    mirror(root, &folder, &wanted);
    let mut cargo = Command::new(env!("CARGO"));
    cargo.args(["check", "--locked", "--offline", "--quiet"]).current_dir(&folder);
    cargo.env("CARGO_TARGET_DIR", shared.parent().unwrap());
    // What cargo sets for a test would make build scripts run again, and once more afterwards.
    let own = ["CARGO_PKG_", "CARGO_BIN_", "CARGO_MANIFEST_", "OUT_DIR", "LD_LIBRARY_PATH"];
    for (name, _) in std::env::vars() {
        if own.iter().any(|own| name.starts_with(own)) {
            cargo.env_remove(name);
        }
    }
    let ended = cargo.output().unwrap();
    assert!(ended.status.success(), "{}", String::from_utf8_lossy(&ended.stderr));
}

#[test]
fn the_dockerfile_copies_what_it_may_see_and_says_the_version() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let dockerfile = fs::read_to_string(root.join("docker/Dockerfile")).unwrap();
    let version = format!("ARG VERSION={}", env!("CARGO_PKG_VERSION"));
    assert!(dockerfile.lines().any(|line| line == version), "{version} is not in the Dockerfile");
    let seen = context(root);
    let copies = dockerfile.lines().filter_map(|line| line.strip_prefix("COPY "));
    for from in copies.filter(|copy| !copy.starts_with("--")) {
        let from = Path::new(from.split(' ').next().unwrap());
        assert!(from == Path::new(".") || seen.iter().any(|path| path == from), "{from:?}");
    }
}
