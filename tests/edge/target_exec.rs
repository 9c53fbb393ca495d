//! Users' programs as a target: exits, facts, time limits, fences.
#![expect(clippy::unwrap_used, reason = "a test may panic")]

use std::fs;
use std::path::Path;
use std::time::Duration;

use ripcord::config::{KeptSecrets, Secret};
use ripcord::edge::clock::Stopwatch;
use ripcord::model::{Span, StepResult};
use ripcord::targets::Target;
use ripcord::targets::exec::{Exec, ExecOptions};

use crate::common::targets::{LONG, act, block_on, exec, production, target};

fn script(folder: &Path, name: &str, body: &str) -> Vec<String> {
    let path = folder.join(name);
    // A new file under the name: a process just forked may still hold the old one open.
    let new = folder.join(format!("{name}.new"));
    fs::write(&new, format!("#!/bin/sh\n{body}\n")).unwrap();
    fs::rename(&new, &path).unwrap();
    vec!["/bin/sh".to_owned(), path.to_str().unwrap().to_owned()]
}

fn runs(folder: &Path) -> usize {
    fs::read_to_string(folder.join("runs")).unwrap_or_default().lines().count()
}

#[test]
fn exits_in_outcomes_out() {
    for (body, outcome, said) in [
        ("echo one; echo moved it", StepResult::Done, "/bin/sh exited with code 0: moved it"),
        (
            "echo no such thing >&2; exit 1",
            StepResult::Failed,
            "/bin/sh exited with code 1: no such thing",
        ),
        ("exit 2", StepResult::Unknown, "/bin/sh exited with code 2"),
        ("kill -9 $$", StepResult::Unknown, "/bin/sh was killed by a signal"),
        ("grep -q '\"version\":\"v2\"'", StepResult::Done, "/bin/sh exited with code 0"),
    ] {
        let folder = tempfile::tempdir().unwrap();
        let program = script(folder.path(), "act", body);
        let acted =
            act(&mut exec(folder.path(), None, program, LONG), &production("c", 1, "v2", "v3"));
        assert_eq!((acted.outcome, acted.detail.as_str()), (outcome, said), "{body}");
    }
    let folder = tempfile::tempdir().unwrap();
    let none = vec!["/no/such/program".to_owned()];
    let acted = act(&mut exec(folder.path(), None, none, LONG), &production("c", 1, "v2", "v3"));
    assert_eq!(acted.outcome, StepResult::Failed);
    assert!(acted.detail.starts_with("/no/such/program cannot be started: "), "{acted:?}");
}

/// A program that keeps its version in a file, and counts its runs.
fn switch(folder: &Path) -> (Vec<String>, Vec<String>) {
    fs::write(folder.join("live"), "v3").unwrap();
    let probe = script(folder, "probe", "printf '{\"production\": \"%s\"}\\n' \"$(cat live)\"");
    let body = "echo run >> runs; sed 's/.*\"version\":\"\\([^\"]*\\)\".*/\\1/' > live";
    (probe, script(folder, "act", body))
}

#[test]
fn it_acts_once_and_refuses_the_past_also_after_a_restart() {
    let folder = tempfile::tempdir().unwrap();
    let (probe, program) = switch(folder.path());
    let new = || exec(folder.path(), Some(probe.clone()), program.clone(), LONG);
    for _ in 0..3 {
        let acted = act(&mut new(), &production("c2", 2, "v2", "v3"));
        assert_eq!(acted.outcome, StepResult::Done, "{acted:?}");
    }
    assert_eq!(runs(folder.path()), 1);
    let stale = act(&mut new(), &production("c1", 1, "v3", "v2"));
    assert_eq!(stale.outcome, StepResult::Refused);
    assert_eq!(stale.detail, "generation 1 of fd is outdated, 2 was seen; nothing was done");
    let moved = act(&mut new(), &production("c3", 3, "v1", "v9"));
    assert_eq!(moved.outcome, StepResult::Failed);
    assert!(moved.detail.contains("the probe reports v2: changed by others"), "{moved:?}");
    fs::write(folder.path().join("live"), "v3").unwrap();
    assert_eq!(act(&mut new(), &production("c2", 2, "v2", "v3")).outcome, StepResult::Refused);
    assert_eq!(runs(folder.path()), 1);
    let fence = block_on(new().fence(&production("c2", 2, "v2", "v3"))).unwrap();
    assert_eq!((fence.generation, fence.command), (3, None), "seen, and nothing done in it");
    let facts = block_on(new().observe()).unwrap();
    assert_eq!(facts[0].production.as_ref().unwrap().as_str(), "v3");
}

#[test]
fn what_it_remembers_stands_in_a_folder_of_its_own() {
    let (folder, fences) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let (probe, program) = switch(folder.path());
    let mut exec = Exec::new(ExecOptions {
        target: target("mine"),
        models: Vec::new(),
        probe: Some(probe),
        act: program,
        time_limit: LONG,
        folder: folder.path().to_owned(),
        fence_folder: fences.path().to_owned(),
        secrets: KeptSecrets::default(),
    });
    assert_eq!(act(&mut exec, &production("c", 1, "v2", "v3")).outcome, StepResult::Done);
    assert!(fences.path().join("mine.fences.json").is_file());
    let names: Vec<_> = fs::read_dir(folder.path()).unwrap().map(|e| e.unwrap().path()).collect();
    let own = |path: &Path| ["act", "probe", "live", "runs"].iter().any(|n| path.ends_with(n));
    assert!(names.iter().all(|path| own(path)), "{names:?}");
}

#[test]
fn a_command_done_and_moved_back_by_hand_is_not_done_again() {
    let folder = tempfile::tempdir().unwrap();
    let (probe, program) = switch(folder.path());
    let mut exec = exec(folder.path(), Some(probe), program, LONG);
    let command = production("c", 1, "v2", "v3");
    assert_eq!(act(&mut exec, &command).outcome, StepResult::Done);
    fs::write(folder.path().join("live"), "v3").unwrap();
    let again = act(&mut exec, &command);
    assert_eq!((again.outcome, runs(folder.path())), (StepResult::Failed, 1), "{again:?}");
}

#[test]
fn a_program_that_lies_is_not_believed() {
    let folder = tempfile::tempdir().unwrap();
    let (probe, _) = switch(folder.path());
    let liar = script(folder.path(), "liar", "echo all is well");
    let acted =
        act(&mut exec(folder.path(), Some(probe), liar, LONG), &production("c", 1, "v2", "v3"));
    assert_eq!(acted.outcome, StepResult::Unknown);
    assert!(acted.detail.ends_with("but the probe does not confirm it yet"), "{acted:?}");
}

#[test]
fn probes_without_facts_tell_by_their_exit() {
    for (body, outcome, acts) in [
        ("exit 0", StepResult::Done, 0),
        ("test -e runs", StepResult::Done, 1),
        ("echo '{\"versions\": []}'; exit 0", StepResult::Unknown, 0),
        ("echo the server is on v3", StepResult::Unknown, 0),
        ("echo '  '", StepResult::Done, 0),
        ("exit 1", StepResult::Unknown, 1),
        ("exit 7", StepResult::Unknown, 0),
    ] {
        let folder = tempfile::tempdir().unwrap();
        let (_, program) = switch(folder.path());
        let probe = script(folder.path(), "probe", body);
        let mut exec = exec(folder.path(), Some(probe), program, LONG);
        let acted = act(&mut exec, &production("c", 1, "v2", "v3"));
        assert_eq!((acted.outcome, runs(folder.path())), (outcome, acts), "{body}: {acted:?}");
    }
    let folder = tempfile::tempdir().unwrap();
    let probe = script(folder.path(), "probe", "echo hm");
    let error = block_on(exec(folder.path(), Some(probe), Vec::new(), LONG).observe()).unwrap_err();
    assert_eq!(
        error,
        "/bin/sh exited with code 0: hm; \
         the probe must print a fact such as {\"production\": \"v2\"}"
    );
}

#[test]
fn a_hanging_program_is_killed_in_time_with_its_children() {
    let folder = tempfile::tempdir().unwrap();
    let body = "sleep 1000 & echo $! > child; echo $$ > parent; echo waiting; wait";
    let program = script(folder.path(), "act", body);
    let mut exec = exec(folder.path(), None, program, Duration::from_millis(1500));
    let acted = act(&mut exec, &production("c", 1, "v2", "v3"));
    assert_eq!(acted.outcome, StepResult::Unknown);
    assert_eq!(acted.detail, "/bin/sh ran longer than 1.5 s and was killed: waiting");
    for name in ["parent", "child"] {
        let id = fs::read_to_string(folder.path().join(name)).unwrap();
        assert!(gone(id.trim()), "{name} {id} is still there");
    }
}

/// Whether a process ends; it may take a moment after the signal. A zombie has ended.
fn gone(id: &str) -> bool {
    let since = Stopwatch::start();
    while runs_on(id) && since.elapsed() < Span::from_s(30) {
        std::thread::yield_now();
    }
    !runs_on(id)
}

fn runs_on(id: &str) -> bool {
    fs::read_to_string(format!("/proc/{id}/stat"))
        .is_ok_and(|stat| !stat.rsplit(')').next().unwrap().trim_start().starts_with('Z'))
}

#[test]
fn much_output_does_no_harm_and_children_end_with_the_program() {
    let folder = tempfile::tempdir().unwrap();
    let body =
        "head -c 3000000 /dev/zero | tr '\\0' x; echo; sleep 1000 & echo $! > child; echo the end";
    let program = script(folder.path(), "act", body);
    let acted = act(&mut exec(folder.path(), None, program, LONG), &production("c", 1, "v2", "v3"));
    assert_eq!(
        (acted.outcome, acted.detail.as_str()),
        (StepResult::Done, "/bin/sh exited with code 0: the end")
    );
    let id = fs::read_to_string(folder.path().join("child")).unwrap();
    assert!(gone(id.trim()), "the child outlived the program");
}

#[test]
fn what_left_the_group_is_named_and_not_waited_for() {
    let folder = tempfile::tempdir().unwrap();
    // The child tells its number once it has left, so that the program ends after that.
    let body = "setsid sh -c 'echo $$ > child; exec sleep 1000' & \
                while ! test -s child; do :; done; echo switched";
    let program = script(folder.path(), "act", body);
    let watch = Stopwatch::start();
    let acted = act(&mut exec(folder.path(), None, program, LONG), &production("c", 1, "v2", "v3"));
    assert!(watch.elapsed() < Span::from_s(25), "it waited for what left the group");
    let id = fs::read_to_string(folder.path().join("child")).unwrap();
    let id = id.trim();
    assert!(runs_on(id), "what left the group is not ended");
    std::process::Command::new("kill").arg(id).status().unwrap();
    assert_eq!(acted.outcome, StepResult::Done, "{acted:?}");
    let begins = format!("/bin/sh exited with code 0: switched; process {id} (");
    assert!(acted.detail.starts_with(&begins), "{acted:?}");
    assert!(acted.detail.contains("left its process group, still holds"), "{acted:?}");
}

#[test]
fn no_secret_goes_into_a_program_or_comes_out_of_it() {
    let folder = tempfile::tempdir().unwrap();
    // Cargo gives both to this test.
    let body = "env > env; echo 'sent our-own-secret with password=hunter2' >&2; exit 1";
    let program = script(folder.path(), "act", body);
    let mut exec = Exec::new(ExecOptions {
        target: target("mine"),
        models: Vec::new(),
        probe: None,
        act: program,
        time_limit: LONG,
        folder: folder.path().to_owned(),
        fence_folder: folder.path().to_owned(),
        secrets: KeptSecrets {
            variables: ["CARGO_PKG_NAME".to_owned()].into(),
            values: vec![Secret::new("our-own-secret")],
        },
    });
    let acted = act(&mut exec, &production("c", 1, "v2", "v3"));
    assert_eq!(
        acted.detail,
        "/bin/sh exited with code 1: sent [redacted] with password=[redacted]"
    );
    let env = fs::read_to_string(folder.path().join("env")).unwrap();
    assert!(env.contains("CARGO_PKG_VERSION="), "the rest of the environment stays: {env}");
    assert!(!env.contains("CARGO_PKG_NAME="), "{env}");
}

#[test]
fn damaged_fences_stop_it() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("mine.fences.json"), "{").unwrap();
    let (_, program) = switch(folder.path());
    let acted = act(&mut exec(folder.path(), None, program, LONG), &production("c", 1, "v2", "v3"));
    assert_eq!((acted.outcome, runs(folder.path())), (StepResult::Failed, 0));
    assert!(acted.detail.contains("mine.fences.json is not a fence file"), "{acted:?}");
}
