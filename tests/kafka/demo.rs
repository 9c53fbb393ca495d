//! The demo on Kafka, its processes killed one after the other.

use std::fs;
use std::io::{BufRead as _, BufReader};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

use serde_json::Value as Json;

use crate::broker;

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
    /// Waits for a line with these words.
    fn until(&mut self, words: &str) {
        while !self.all.lines().any(|line| line.contains(words)) {
            let line = self.lines.recv_timeout(LONG);
            let line = line.unwrap_or_else(|_| panic!("no {words:?}: {}", self.all));
            self.all.push_str(&line);
            self.all.push('\n');
        }
    }

    /// The process of a role: a child of the demo with that command line.
    fn role(&self, words: &str) -> u32 {
        let parent = format!("PPid:\t{}", self.child.id());
        for entry in fs::read_dir("/proc").unwrap() {
            let path = entry.unwrap().path();
            let status = fs::read_to_string(path.join("status")).unwrap_or_default();
            let line = fs::read(path.join("cmdline")).unwrap_or_default();
            let line = String::from_utf8_lossy(&line).replace('\0', " ");
            if status.lines().any(|line| line == parent) && line.contains(&format!(" {words} ")) {
                return path.file_name().unwrap().to_str().unwrap().parse().unwrap();
            }
        }
        panic!("no process of {words}: {}", self.all);
    }
}

impl Drop for Demo {
    fn drop(&mut self) {
        self.child.kill().ok();
        self.child.wait().ok();
    }
}

#[test]
fn the_demo_on_kafka_ends_well_though_each_of_its_processes_is_killed() {
    let _alone = crate::world::turn();
    let folder = tempfile::tempdir().unwrap();
    let mut child = Command::new(env!("CARGO_BIN_EXE_ripcord"))
        .current_dir(folder.path())
        .args(["demo", "--brokers", &broker::brokers()])
        .stdout(Stdio::piped())
        .stderr(Stdio::inherit())
        .spawn()
        .unwrap();
    let (sender, lines) = channel();
    let output = BufReader::new(child.stdout.take().unwrap());
    std::thread::spawn(move || {
        output.lines().map_while(Result::ok).try_for_each(|l| sender.send(l))
    });
    let mut demo = Demo { child, lines, all: String::new() };
    for (words, role) in KILLS {
        demo.until(words);
        let pid = demo.role(role).to_string();
        assert!(Command::new("kill").args(["-9", &pid]).status().unwrap().success());
        demo.until(&format!("`ripcord {role}` ended"));
    }
    demo.until("The page for the review");
    let status = demo.child.wait().unwrap();
    assert!(status.success(), "{status}: {}", demo.all);
    assert!(demo.all.contains("that it helped: verified"), "{}", demo.all);
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
