//! The demo through the binary: what it comes to, three times in a row; who may run it where; how
//! it is stopped; what can be tried while it goes on.

#![expect(clippy::unwrap_used, clippy::panic, reason = "tests")]

use std::fs;
use std::io::{BufRead as _, BufReader, Lines};
use std::path::Path;
use std::process::{Child, ChildStdout, Command, Output, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value as Json;

/// A demo that runs.
struct Demo {
    child: Child,
    lines: Lines<BufReader<ChildStdout>>,
    told: String,
}

impl Demo {
    fn start(folder: &Path, arguments: &[&str]) -> Self {
        let mut child = command(folder, &["demo"])
            .args(arguments)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap()).lines();
        Self { child, lines, told: String::new() }
    }

    /// Waits for a line with these words, and answers it.
    fn until(&mut self, words: &str) -> String {
        loop {
            let Some(line) = self.lines.next() else { panic!("no {words:?}: {}", self.told) };
            let line = line.unwrap();
            self.told.push_str(&line);
            self.told.push('\n');
            if line.contains(words) {
                return line;
            }
        }
    }

    /// Ctrl-C.
    fn interrupt(&self) {
        let pid = self.child.id().to_string();
        assert!(Command::new("kill").args(["-INT", &pid]).status().unwrap().success());
    }

    /// Its exit code, and what it complained of.
    fn end(mut self) -> (Option<i32>, String) {
        self.lines.by_ref().map_while(Result::ok).for_each(drop);
        let mut errors = String::new();
        let mut stderr = self.child.stderr.take().unwrap();
        std::io::Read::read_to_string(&mut stderr, &mut errors).unwrap();
        (self.child.wait().unwrap().code(), errors)
    }
}

impl Drop for Demo {
    fn drop(&mut self) {
        self.child.kill().ok();
        self.child.wait().ok();
    }
}

fn command(folder: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_ripcord"));
    command.current_dir(folder).args(arguments).env_remove("RIPCORD_TOKEN");
    command
}

fn run(folder: &Path, arguments: &[&str]) -> Output {
    command(folder, arguments).output().unwrap()
}

fn json(path: &Path) -> Json {
    serde_json::from_str(&fs::read_to_string(path).unwrap()).unwrap()
}

#[test]
fn a_live_service_is_saved_three_times_in_a_row() {
    let place = tempfile::tempdir().unwrap();
    for _ in 0..3 {
        let output = run(place.path(), &["demo", "--json"]);
        let errors = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{errors}");
        saved(&serde_json::from_slice(&output.stdout).unwrap());
        let folder = place.path().join("ripcord-demo");
        let registry = json(&folder.join("registry.json"));
        assert_eq!(registry["revision"], 2);
        let models = registry["models"].as_array().unwrap();
        let production = models.iter().find(|model| model["is_production"] == true).unwrap();
        assert_eq!(production["version"], "v2", "the registry really switched");
        let routes = json(&folder.join("log/routes.json"));
        let route = &routes["routes"]["flight-delay"]["route"];
        assert_eq!(route["weights_percent"], serde_json::json!({ "v2": 100.0, "v3": 0.0 }));
        let page = fs::read_to_string(folder.join("report.html")).unwrap();
        assert!(page.contains("<svg") && !page.contains("<script"), "charts, and no script");
    }
}

/// What the summary must say, each time.
fn saved(summary: &Json) {
    let list = |name: &str| summary[name].as_array().unwrap().clone();
    let rollbacks = list("rollbacks");
    assert_eq!(rollbacks.len(), 1, "{rollbacks:#?}");
    let rollback = &rollbacks[0];
    assert_eq!((&rollback["from"], &rollback["to"]), (&"v3".into(), &"v2".into()));
    assert_eq!((&rollback["outcome"], &rollback["proof"]), (&"verified".into(), &"L4".into()));
    let decided = rollback["decided_at"].as_str().unwrap();
    assert!(("2013-06-22".."2013-06-25T24").contains(&decided), "{decided}");
    assert_eq!(list("faults"), [] as [Json; 0]);

    let incidents = list("incidents");
    let of = |day: &str, trigger: &str, feature: Json| {
        let is_it = |one: &&Json| {
            let opened = one["opened_at"].as_str().unwrap();
            opened.starts_with(day) && one["trigger"] == trigger && one["feature"] == feature
        };
        incidents.iter().find(is_it).unwrap_or_else(|| panic!("{day}: {incidents:#?}"))
    };
    let storm = of("2013-06-13", "accuracy-drop", Json::Null);
    assert_eq!(storm["verdict"], "systemic", "both versions were hit");
    assert_eq!(of("2013-06-20", "feature-drift", "dep_delay".into())["verdict"], "breach");

    // Nothing was lost on the way, and what Ripcord measured is what callers counted.
    let (records, requests) = (&summary["records"], &summary["requests"]);
    assert_eq!((&records["read"], &records["measured"]), (&98_991.into(), &98_991.into()));
    let model = &summary["models"]["flight-delay"];
    assert_eq!(model["accuracy_served"], requests["accuracy_served"]);
    assert_eq!(model["accuracy_without"], requests["accuracy_without"]);
    let gained = requests["accuracy_served"].as_f64().unwrap()
        - requests["accuracy_without"].as_f64().unwrap();
    assert!(gained > 0.05, "{gained}");

    let n = |of: &Json, name: &str| of[name].as_u64().unwrap();
    assert_eq!((n(requests, "sent"), n(requests, "failed")), (32_997, 0));
    assert_eq!((n(requests, "repeated"), n(requests, "withdrawn_after_switch")), (0, 0));
    let during = &requests["during_switch"];
    assert!(n(during, "sent") > 0, "there was traffic during the switch");
    assert_eq!(n(during, "failed"), 0);
    for phase in ["decide_ms", "pickup_ms", "act_ms", "mitigate_ms"] {
        assert!(summary["phases"][phase].as_f64().unwrap() > 0.0, "{phase}: {summary:#}");
    }
}

#[test]
fn one_folder_is_one_run_and_ctrl_c_leaves_nothing_in_the_way() {
    let place = tempfile::tempdir().unwrap();
    let mut first = Demo::start(place.path(), &[]);
    first.until("drift alert");
    let second = run(place.path(), &["demo"]);
    assert_eq!(second.status.code(), Some(2));
    let errors = String::from_utf8_lossy(&second.stderr);
    assert!(
        errors.contains("another demo is running in") && errors.contains("--folder"),
        "{errors}"
    );
    first.interrupt();
    let (code, errors) = first.end();
    assert_eq!((code, errors.contains("stopped before the end")), (Some(2), true), "{errors}");
    let mut again = Demo::start(place.path(), &[]);
    again.until("drift alert");
    // Not even kill -9 leaves anything in the way.
    drop(again);
    let mut again = Demo::start(place.path(), &[]);
    again.until("drift alert");
    again.interrupt();
    assert_eq!(again.end().0, Some(2));

    fs::create_dir(place.path().join("thesis")).unwrap();
    fs::write(place.path().join("thesis/chapter-1.tex"), "").unwrap();
    let strange = run(place.path(), &["demo", "--folder", "thesis"]);
    assert_eq!(strange.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&strange.stderr).contains("holds other files"));
    let with_config = run(place.path(), &["demo", "--config", "my.toml"]);
    assert_eq!(with_config.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&with_config.stderr).contains("its own settings"));
}

#[test]
fn it_goes_on_and_a_person_can_try_the_commands() {
    let place = tempfile::tempdir().unwrap();
    let mut demo = Demo::start(place.path(), &["--serve"]);
    let mut url = String::new();
    while !url.starts_with("http://") {
        let line = demo.until("watches at");
        let next = if line.contains("http://") { line } else { demo.until("http://") };
        url = next.split_whitespace().find(|word| word.starts_with("http://")).unwrap().to_owned();
    }
    demo.until("Ctrl-C stops it");
    let ask = |arguments: &[&str]| {
        let output = run(place.path(), &[arguments, &["--url", &url]].concat());
        let told = String::from_utf8_lossy(&output.stdout).into_owned();
        let errors = String::from_utf8_lossy(&output.stderr).into_owned();
        (output.status.code(), told, errors)
    };
    // On a busy machine a role may have said nothing for a while, and status says so.
    let until = Instant::now() + Duration::from_secs(60);
    let (told, errors) = loop {
        let (code, told, errors) = ask(&["status"]);
        if code == Some(0) {
            break (told, errors);
        }
        let waits = told.contains("STOPPED") && Instant::now() < until;
        assert!(code == Some(1) && waits, "{told} {errors}");
    };
    assert!(told.contains("flight-delay") && told.contains("v2"), "{told} {errors}");
    let back = ["rollback", "flight-delay", "--to", "v3", "--reason", "let us see"];
    let (code, _, errors) = ask(&back);
    assert_eq!(code, Some(1), "v3 is in quarantine: {errors}");
    assert_eq!(ask(&["release", "flight-delay", "v3", "--reason", "fixed"]).0, Some(0));
    assert_eq!(ask(&["vouch", "flight-delay", "v3", "--reason", "fixed"]).0, Some(0));
    // What was ordered is seen by anyone who looks then.
    let (code, told, errors) = ask(&[&back[..], &["--dry-run"]].concat());
    assert_eq!((code, told.contains("v3")), (Some(0), true), "{told} {errors}");
    let (code, _, errors) = ask(&back);
    assert_eq!(code, Some(0), "{errors}");
    demo.until("ASKED");
    demo.until("MITIGATED");
    assert_eq!(ask(&["freeze", "flight-delay", "--reason", "storm"]).0, Some(0));
    let told = ask(&["status"]).1;
    assert!(told.contains("FROZEN"), "{told}");
    demo.interrupt();
    let (code, errors) = demo.end();
    assert_eq!(code, Some(0), "{errors}");
}

#[test]
fn what_it_cannot_do_without_is_named() {
    let place = tempfile::tempdir().unwrap();
    let nowhere = run(place.path(), &["demo", "--brokers", "127.0.0.1:1"]);
    assert_eq!(nowhere.status.code(), Some(2));
    let errors = String::from_utf8_lossy(&nowhere.stderr);
    assert!(errors.contains("127.0.0.1:1") && errors.contains("kafka.brokers"), "{errors}");
    // No room: for the models, for the log at its beginning, in the midst of the story. Halves of
    // a KiB that a file may have.
    for (room, named) in [(4_000, "v2.bin"), (20_000, "ripcord.log"), (30_000, "ripcord.log")] {
        let limited = format!("trap '' XFSZ; ulimit -f {room}; exec \"$0\" demo --folder small");
        let output = Command::new("sh")
            .args(["-c", &limited, env!("CARGO_BIN_EXE_ripcord")])
            .current_dir(place.path())
            .output()
            .unwrap();
        let errors = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(2), "{errors}");
        assert!(errors.contains(named), "{errors}");
        let log = fs::read_to_string(place.path().join("small/ripcord.log")).unwrap_or_default();
        assert!(room == 4_000 || log.contains("disk I/O error"), "{log}");
    }
    // With room again it is as if nothing had been.
    let mut again = Demo::start(place.path(), &["--folder", "small"]);
    again.until("drift alert");
    again.interrupt();
    assert_eq!(again.end().0, Some(2));
}
