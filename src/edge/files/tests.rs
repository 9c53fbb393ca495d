//! Links, leftovers and modes of what is written.

use std::os::unix::fs::symlink;

use rustix::fs::{CWD, Mode, mkfifoat};

use super::*;

fn mode(path: &Path) -> u32 {
    fs::symlink_metadata(path).unwrap().mode() & 0o7777
}

fn fifo(path: &Path) {
    mkfifoat(CWD, path, Mode::RUSR | Mode::WUSR).unwrap();
}

#[test]
fn what_is_made_is_for_its_owner_alone() {
    let folder = tempfile::tempdir().unwrap();
    let inner = folder.path().join("a/b");
    make_folder(&inner).unwrap();
    make_folder(&inner).unwrap();
    assert_eq!([mode(&inner), mode(&folder.path().join("a"))], [0o700, 0o700]);
    drop(lock(&inner.join("lock"), Duration::ZERO).unwrap());
    write(&inner.join("page.html"), "page").unwrap();
    let new = prepare(&inner.join("state.json"), "{}").unwrap();
    assert_eq!([mode(&inner.join("lock")), mode(&inner.join("page.html"))], [0o600, 0o600]);
    assert_eq!(mode(&new), 0o600);
}

#[test]
fn a_replaced_file_keeps_its_mode_without_set_user_id() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("registry.json");
    fs::write(&path, "old").unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o4664)).unwrap();
    put(&prepare(&path, "new").unwrap(), &path).unwrap();
    assert_eq!((fs::read_to_string(&path).unwrap().as_str(), mode(&path)), ("new", 0o664));
}

#[test]
fn nothing_is_written_through_a_link() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    fs::write(at("victim"), "precious").unwrap();
    fs::set_permissions(at("victim"), fs::Permissions::from_mode(0o640)).unwrap();
    fs::write(at("registry.json"), "old").unwrap();
    symlink(at("victim"), at("lock")).unwrap();
    symlink(at("victim"), at("page.html")).unwrap();
    symlink(at("victim"), at("registry.json.new")).unwrap();
    for why in [
        lock(&at("lock"), Duration::ZERO).map(drop).unwrap_err(),
        write(&at("page.html"), "page").unwrap_err(),
    ] {
        let why = io::Error::from(why).to_string();
        assert!(why.starts_with("it is a symbolic link"), "{why}");
    }
    put(&prepare(&at("registry.json"), "new").unwrap(), &at("registry.json")).unwrap();
    assert_eq!(fs::read_to_string(at("registry.json")).unwrap(), "new");
    assert_eq!(fs::read_to_string(at("victim")).unwrap(), "precious");
    assert_eq!(mode(&at("victim")), 0o640);
}

#[test]
fn leftovers_go_and_a_folder_in_the_way_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("registry.json");
    fs::write(&path, "old").unwrap();
    let new = beside(&path, ".new");
    fifo(&new);
    assert_eq!(fs::read_to_string(prepare(&path, "new").unwrap()).unwrap(), "new");
    assert_eq!(fs::read_to_string(prepare(&path, "newer").unwrap()).unwrap(), "newer");
    fs::remove_file(&new).unwrap();
    fs::create_dir(&new).unwrap();
    let why = io::Error::from(prepare(&path, "new").unwrap_err()).to_string();
    assert_eq!(why, "it is a directory; put a regular file in its place");
}

#[test]
fn a_lock_keeps_what_is_in_its_file_and_is_no_fifo() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    fs::write(at("lock"), "kept").unwrap();
    let held = lock(&at("lock"), Duration::ZERO).unwrap();
    assert!(lock(&at("lock"), Duration::ZERO).is_err(), "locked twice");
    drop(held);
    assert_eq!(fs::read_to_string(at("lock")).unwrap(), "kept");
    fifo(&at("fifo"));
    let why = io::Error::from(lock(&at("fifo"), Duration::ZERO).unwrap_err()).to_string();
    assert!(why.starts_with("it is a FIFO"), "{why}");
}

#[test]
fn a_copy_goes_to_no_name_that_is_taken() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    fs::write(at("registry.json"), "now").unwrap();
    keep_copy(&at("registry.json"), &at("copy")).unwrap();
    assert_eq!(fs::read_to_string(at("copy")).unwrap(), "now");
    fs::write(at("victim"), "precious").unwrap();
    symlink(at("victim"), at("taken")).unwrap();
    keep_copy(&at("registry.json"), &at("taken")).unwrap();
    assert_eq!(fs::read_to_string(at("victim")).unwrap(), "precious");
}
