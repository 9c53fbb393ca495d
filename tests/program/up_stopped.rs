//! `ripcord up` whose log can no longer be written, as on a full disk: it says who has stopped, and
//! goes on by itself when there is room again.

use std::process::{Command, Stdio};

use ripcord::edge::clock::Stopwatch;
use ripcord::model::Span;
use rustix::process::{Pid, Resource, Rlimit, prlimit};

use super::up::{Up, World};

const LONG: Span = Span::from_s(120);

/// No file may grow beyond this; none: as large as it likes.
fn room(up: &Up, bytes: Option<u64>) {
    let limit = Rlimit { current: bytes, maximum: None };
    prlimit(Some(Pid::from_child(&up.child)), Resource::Fsize, limit).unwrap();
}

/// Exit code and lines of `ripcord status`.
fn status(up: &Up) -> (i32, Vec<String>) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_ripcord"));
    command.args(["status", "--url", &format!("http://{}", up.address)]);
    let output = command.env_remove("RIPCORD_TOKEN").output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    (output.status.code().unwrap(), text.lines().map(str::to_owned).collect())
}

fn until(up: &Up, wanted: impl Fn(i32, &[String]) -> bool) -> Vec<String> {
    let watch = Stopwatch::start();
    loop {
        let (code, lines) = status(up);
        if wanted(code, &lines) {
            return lines;
        }
        assert!(watch.elapsed() < LONG, "status stays {code}: {lines:#?}");
    }
}

#[test]
fn who_has_stopped_is_named_until_there_is_room_again() {
    let mut world = World::new("observe");
    // Who writes beyond the limit is ended, unless the signal is ignored.
    let ignoring = "trap '' XFSZ; exec \"$0\" up --config up.toml";
    let mut command = Command::new("sh");
    command.current_dir(world.folder.path()).args(["-c", ignoring]);
    command.arg(env!("CARGO_BIN_EXE_ripcord")).env_remove("RIPCORD_TOKEN");
    let up = Up::start(command.stdout(Stdio::piped()).stderr(Stdio::null()));
    (0..3).for_each(|_| world.minute(&up, "v3", false));

    let lines = until(&up, |code, lines| {
        let all = lines.iter().any(|line| line.starts_with("180 records read"));
        code == 0 && all && lines.iter().any(|line| line.contains("newest"))
    });
    assert_eq!(lines[0], "namespace default · 1 model: 1 quiet", "{lines:#?}");
    assert!(lines[1].starts_with("180 records read: 180 measured"), "{lines:#?}");
    assert!(lines[2].ends_with("log time is the same"), "{lines:#?}");
    assert!(lines[3].starts_with("last heard: decide "), "{lines:#?}");
    assert!(lines[3].contains("ingest telemetry "), "{lines:#?}");

    room(&up, Some(0));
    let lines = until(&up, |code, _| code == 1);
    assert!(lines[0].starts_with("STOPPED: decide has said nothing for "), "{lines:#?}");
    assert_eq!(lines[1], "namespace default · 1 model: 1 quiet", "{lines:#?}");
    let ready = up.ask("GET", "/readyz", "");
    assert_eq!(ready.status, 503);
    assert!(ready.json()["detail"].as_str().unwrap().contains("decide has said nothing"));
    until(&up, |code, lines| code == 1 && lines[0].contains("ingest telemetry has said nothing"));
    let why = up.ask("GET", "/readyz", "").json()["detail"].as_str().unwrap().to_owned();
    assert!(why.contains("ingest telemetry waits after a failure"), "{why}");
    assert!(why.contains("check that its disk has room and works"), "{why}");

    room(&up, None);
    world.minute(&up, "v3", false);
    let lines = until(&up, |code, lines| code == 0 && lines[1].starts_with("240 records read"));
    assert!(lines[0].starts_with("namespace default"), "{lines:#?}");
    // Roles that failed more than once must read for a while first.
    up.until("/readyz", |answer| answer.status == 200);
}

/// The disk has no room from the first second on: nothing starts, and it says why.
#[test]
fn a_disk_that_is_full_from_the_start_is_named_with_what_to_do() {
    let folder = tempfile::tempdir().unwrap();
    let script = "trap '' XFSZ; ulimit -f 0; exec \"$0\" up 2>&1";
    let mut command = Command::new("sh");
    command.current_dir(folder.path()).args(["-c", script]).env_remove("RIPCORD_TOKEN");
    command.env("RIPCORD__HTTP__LISTEN", "127.0.0.1:0");
    let output = command.arg(env!("CARGO_BIN_EXE_ripcord")).output().unwrap();
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    assert_eq!(output.status.code(), Some(2), "{said}");
    assert!(said.contains("the log in ripcord-data failed"), "{said}");
    assert!(said.contains("room"), "{said}");
}
