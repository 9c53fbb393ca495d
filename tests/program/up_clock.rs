//! `ripcord up` while somebody sets the host's clock, under load and over a restart: it loses
//! nothing, and finds what goes wrong right after the step.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};
use std::thread::JoinHandle;

use ripcord::model::Span;
use serde_json::json;

use super::up::{Answer, Up, World, ripcord};
use crate::common::skip::skipped;

const H: i64 = 3600;

/// A machine whose clock is set: libfaketime reads from a file how far it is off.
struct Machine {
    preload: String,
    clock: PathBuf,
    told: PathBuf,
}

impl Machine {
    /// None: this machine has no faketime.
    fn new(folder: &Path) -> Option<Self> {
        let mut faketime = Command::new("faketime");
        faketime.args(["-m", "-f", "+0", "printenv", "LD_PRELOAD"]);
        let asked = faketime.output().ok().filter(|output| output.status.success())?;
        let preload = String::from_utf8(asked.stdout).unwrap().trim().to_owned();
        Some(Self { preload, clock: folder.join("clock"), told: folder.join("told") })
    }

    /// From now on the clock is off by this many seconds.
    fn set(&self, off_s: i64) {
        let new = self.clock.with_extension("new");
        std::fs::write(&new, format!("{off_s:+}\n")).unwrap();
        std::fs::rename(new, &self.clock).unwrap();
    }

    fn up(&self, world: &World) -> Up {
        let told = File::options().append(true).create(true).open(&self.told).unwrap();
        let mut command = ripcord(world.folder.path());
        command.env("LD_PRELOAD", &self.preload).env("FAKETIME_TIMESTAMP_FILE", &self.clock);
        command.env("FAKETIME_NO_CACHE", "1").stderr(told);
        // Both its old and its new name.
        command.env("DONT_FAKE_MONOTONIC", "1").env("FAKETIME_DONT_FAKE_MONOTONIC", "1");
        Up::start(&mut command)
    }

    /// How often a line of the log says this.
    fn told(&self, what: &str) -> usize {
        std::fs::read_to_string(&self.told).unwrap().matches(what).count()
    }
}

/// Somebody who posts one record after the other, of a model that is well.
struct Load {
    stop: Arc<AtomicBool>,
    poster: JoinHandle<u64>,
}

impl Load {
    fn start(up: &Up, world: &World, minute: &Arc<AtomicI64>) -> Self {
        let stop = Arc::new(AtomicBool::new(false));
        let (stopped, minute, from) = (Arc::clone(&stop), Arc::clone(minute), world.from);
        let posts = up.posts();
        let poster = std::thread::spawn(move || {
            let mut sent = 0;
            while !stopped.load(Ordering::SeqCst) {
                let ts = from + Span::from_s(60 * minute.load(Ordering::SeqCst) - 1);
                let line = json!({"type": "prediction", "id": format!("{ts}-{sent}"),
                    "model": "other", "version": "v1", "ts": ts, "status": "ok",
                    "prediction": 1, "role": "live"});
                let answer = posts("/api/telemetry", &line.to_string());
                assert_eq!((answer.status, &answer.json()["taken"]), (200, &json!(1)));
                sent += 1;
            }
            sent
        });
        Self { stop, poster }
    }

    fn end(self) -> u64 {
        self.stop.store(true, Ordering::SeqCst);
        self.poster.join().unwrap()
    }
}

/// Everything that was sent is counted, each record once.
fn counted(up: &Up, sent: u64) {
    let all = |answer: &Answer| {
        let counts = &answer.json()["records"]["telemetry"];
        let of = |kind: &str| counts[kind].as_u64().unwrap_or(0);
        let rejected = counts["rejected"].as_object().map_or(0, |codes| codes.len());
        of("read") == sent && of("measured") + of("late") == sent && rejected == 0
    };
    up.until("/api/status", all);
}

/// A clock that is off by `before` seconds is set, and then by `after`.
fn step(before: i64, after: i64) {
    let mut world = World::new("act");
    let Some(machine) = Machine::new(world.folder.path()) else {
        return skipped("steps of the host's clock: this machine has no faketime");
    };
    machine.set(before);
    let up = machine.up(&world);
    let minute = Arc::new(AtomicI64::new(0));
    let post = |world: &mut World, up: &Up, version: &str, ill: bool| {
        world.minute(up, version, ill);
        minute.store(world.minute, Ordering::SeqCst);
    };
    (0..2).for_each(|_| post(&mut world, &up, "v3", false));
    counted(&up, world.sent);
    let load = Load::start(&up, &world, &minute);

    machine.set(after);
    let name = format!("{before:+} s, then {after:+} s");
    (0..2).for_each(|_| post(&mut world, &up, "v3", false));
    let ahead = (before - after).max(0) as f64;
    let is_ahead = |up: &Up| {
        let status = up.ask("GET", "/api/status", "").json();
        let seen = status["clock"]["log_ahead_seconds"].as_f64().unwrap();
        // It is made good at half the speed of a clock, and this takes less than two minutes.
        assert!(seen <= ahead && seen >= (ahead - 60.0).max(0.0), "{name}: {status:#}");
        assert_eq!(status["stopped"], json!([]), "{name}");
    };
    is_ahead(&up);
    // What goes wrong right after the step is found, although an hour may be missing.
    (0..6).for_each(|_| post(&mut world, &up, "v3", true));
    let switched = |all: &[serde_json::Value]| all.iter().any(|one| !one["switched_at"].is_null());
    let found = up.incidents(switched);
    assert_eq!(found[0]["trigger"], "error-rate", "{name}: {found:#?}");
    assert_eq!(world.registry(), (2, "v2".to_owned()), "{name}");
    world.sent += load.end();
    counted(&up, world.sent);
    let warned = usize::from(ahead >= 1.0);
    assert_eq!(machine.told("log time is ahead of the clock"), warned, "{name}");
    let page = up.ask("GET", "/metrics", "").body;
    let gauge = page.lines().find(|line| line.starts_with("ripcord_log_time_ahead_seconds"));
    let value: f64 = gauge.unwrap().rsplit(' ').next().unwrap().parse().unwrap();
    assert_eq!(value > 0.0, ahead > 0.0, "{name}: {gauge:?}");

    // Dropping it is kill -9.
    drop(up);
    let up = machine.up(&world);
    is_ahead(&up);
    (0..2).for_each(|_| post(&mut world, &up, "v2", false));
    counted(&up, world.sent);
    let mitigated =
        |all: &[serde_json::Value]| all.iter().all(|one| !one["mitigated_at"].is_null());
    assert_eq!(up.incidents(mitigated).len(), found.len(), "{name}");
}

#[test]
fn a_minute_forward() {
    step(0, 60);
}

#[test]
fn a_minute_back() {
    step(0, -60);
}

#[test]
fn an_hour_ahead_and_set_right() {
    step(H, 0);
}

#[test]
fn eight_hours_forward() {
    step(0, 8 * H);
}

#[test]
fn eight_hours_ahead_and_set_right() {
    step(8 * H, 0);
}
