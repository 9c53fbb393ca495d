//! The demo on Kafka, its processes killed one after the other.

use std::collections::BTreeMap;
use std::fs;
use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

use ripcord::config::Config;
use ripcord::edge::clock::SystemClock;
use ripcord::edge::log::Log as _;
use ripcord::edge::log::kafka::KafkaLog;
use serde_json::Value as Json;

use crate::common::broker;

/// Longer than any part of the story takes.
const LONG: Duration = Duration::from_secs(180);

/// Who is killed when the story comes to these words.
const KILLS: [(&str, &str); 7] = [
    ("drift alert", "ingest"),
    ("common cause accuracy", "decide"),
    ("over", "serve"),
    ("(the fault)", "route"),
    ("hours instead", "work notice"),
    ("DECISION", "work router"),
    ("SWITCHED", "work registry"),
];

struct Demo {
    child: Child,
    lines: Receiver<String>,
    all: String,
}

impl Demo {
    fn start(folder: &Path) -> Self {
        let mut child = Command::new(env!("CARGO_BIN_EXE_ripcord"))
            .current_dir(folder)
            .args(["demo", "--brokers", &broker::brokers()])
            .stdout(Stdio::piped())
            .stderr(Stdio::inherit())
            .spawn()
            .unwrap();
        let (sender, lines) = channel();
        let output = BufReader::new(child.stdout.take().unwrap()).lines();
        let read = move || output.map_while(Result::ok).try_for_each(|line| sender.send(line));
        std::thread::spawn(read);
        Self { child, lines, all: String::new() }
    }

    /// Waits for a line with these words.
    fn until(&mut self, words: &str) {
        while !self.all.lines().any(|line| line.contains(words)) {
            let line = self.lines.recv_timeout(LONG);
            let line = line.unwrap_or_else(|_| panic!("no {words:?}: {}", self.all));
            self.all.push_str(&line);
            self.all.push('\n');
        }
    }

    /// The process of a role.
    fn role(&self, folder: &Path, words: &str) -> String {
        let all = processes(folder);
        let of_role = |(_, line): &&(String, String)| line.contains(&format!(" {words} "));
        let found = all.iter().find(of_role).map(|(pid, _)| pid.clone());
        found.unwrap_or_else(|| panic!("no process of {words}: {}", self.all))
    }
}

impl Drop for Demo {
    fn drop(&mut self) {
        self.child.kill().ok();
        self.child.wait().ok();
    }
}

/// The processes whose config lies in that folder, and their command lines.
fn processes(folder: &Path) -> Vec<(String, String)> {
    let folder = folder.display().to_string();
    let mut found = Vec::new();
    for entry in fs::read_dir("/proc").unwrap() {
        let path = entry.unwrap().path();
        let line = fs::read(path.join("cmdline")).unwrap_or_default();
        let line = String::from_utf8_lossy(&line).replace('\0', " ");
        if line.contains(&folder) {
            found.push((path.file_name().unwrap().to_string_lossy().into_owned(), line));
        }
    }
    found
}

#[test]
fn a_demo_that_is_killed_or_stopped_leaves_nothing_behind() {
    let _alone = crate::world::alone();
    let folder = tempfile::tempdir().unwrap();
    let mut demo = Demo::start(folder.path());
    demo.until("watches at");
    crate::world::until("all roles run", || (processes(folder.path()).len() == 7).then_some(()));
    let killed = telemetry(folder.path());
    drop(demo);
    crate::world::until("none is left", || processes(folder.path()).is_empty().then_some(()));
    // The next one clears away what it left; who is asked to stop leaves nothing.
    let mut demo = Demo::start(folder.path());
    demo.until("drift alert");
    let stopped = telemetry(folder.path());
    assert_ne!(killed, stopped, "each run has a namespace of its own");
    let pid = demo.child.id().to_string();
    assert!(Command::new("kill").args(["-INT", &pid]).status().unwrap().success());
    assert_eq!(demo.child.wait().unwrap().code(), Some(2));
    assert!(processes(folder.path()).is_empty());
    let log = KafkaLog::open(&broker::settings(), Arc::new(SystemClock)).unwrap();
    for topic in [killed, stopped] {
        crate::world::until(&format!("{topic} is gone"), || {
            log.partitions(&topic).unwrap().is_none().then_some(())
        });
    }
}

/// The topic of telemetry of the demo in that folder.
fn telemetry(folder: &Path) -> String {
    let settings = folder.join("ripcord-demo/demo.toml");
    let config = Config::load(&[settings], &BTreeMap::new()).unwrap();
    config.settings.sources[0].topics[0].name.clone()
}

#[test]
fn the_demo_on_kafka_ends_well_though_each_of_its_processes_is_killed() {
    let _alone = crate::world::alone();
    let folder = tempfile::tempdir().unwrap();
    let mut demo = Demo::start(folder.path());
    for (words, role) in KILLS {
        demo.until(words);
        let pid = demo.role(folder.path(), role);
        assert!(Command::new("kill").args(["-9", &pid]).status().unwrap().success());
        demo.until(&format!("`ripcord {role}` exited"));
    }
    demo.until("Page with charts");
    let status = demo.child.wait().unwrap();
    assert!(status.success(), "{status}: {}", demo.all);
    assert!(demo.all.contains("verified"), "{}", demo.all);
    let once = |words: &str| demo.all.matches(words).count() == 1;
    assert!(once("DECISION") && once("MITIGATED") && once("VERIFIED"), "{}", demo.all);
    let registry = fs::read_to_string(folder.path().join("ripcord-demo/registry.json")).unwrap();
    let registry: Json = serde_json::from_str(&registry).unwrap();
    assert_eq!(registry["revision"], 2, "the registry was switched once");
    let routes = fs::read_to_string(folder.path().join("ripcord-demo/log/routes.json")).unwrap();
    let routes: Json = serde_json::from_str(&routes).unwrap();
    let weights = routes.pointer("/routes/flight-delay/route/weights_percent");
    assert_eq!(weights.and_then(|weights| weights["v2"].as_f64()), Some(100.0), "{routes:#}");
}
