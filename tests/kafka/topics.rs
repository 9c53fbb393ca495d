//! Topics on a real Kafka: made once, compared, and a process that begins only if they fit.

use std::process::{Command, Output};

use serde_json::Value as Json;
use tempfile::TempDir;

use crate::common::broker;

/// Settings of a namespace that no other run has.
struct World {
    folder: TempDir,
    namespace: String,
}

impl World {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        Self { folder, namespace: broker::unique("topics") }
    }

    fn typed(&self, line: &str, environment: &[(&str, &str)]) -> Output {
        let topic = format!("[\"{}.telemetry\"]", self.namespace);
        Command::new(env!("CARGO_BIN_EXE_ripcord"))
            .current_dir(self.folder.path())
            .args(line.split_whitespace())
            .env("RIPCORD__LOG__KIND", "kafka")
            .env("RIPCORD__LOG__SHARDS", "2")
            .env("RIPCORD__LOG__TELEMETRY_LANES", "3")
            .env("RIPCORD__KAFKA__BROKERS", broker::brokers())
            .env("RIPCORD__NAMESPACE", &self.namespace)
            .env("RIPCORD__SOURCES__TELEMETRY__TOPICS", topic)
            .envs(environment.iter().copied())
            .output()
            .unwrap()
    }

    /// The exit code, and what was said on both outputs.
    fn said(&self, line: &str, environment: &[(&str, &str)]) -> (i32, String) {
        let output = self.typed(line, environment);
        let text = [output.stdout, output.stderr].concat();
        (output.status.code().unwrap(), String::from_utf8(text).unwrap())
    }

    fn json(&self, line: &str, environment: &[(&str, &str)]) -> (i32, Json) {
        let output = self.typed(&format!("{line} --json"), environment);
        let told = String::from_utf8_lossy(&output.stderr).into_owned();
        let json = serde_json::from_slice(&output.stdout).unwrap_or_else(|why| {
            panic!("{line}: {why}: {told}");
        });
        (output.status.code().unwrap(), json)
    }
}

fn findings(report: &Json, must: bool) -> Vec<String> {
    let topics = report["topics"].as_array().unwrap();
    let findings = topics.iter().flat_map(|topic| topic["findings"].as_array().unwrap());
    let wanted = findings.filter(|finding| finding["must"] == must);
    wanted.map(|finding| finding["setting"].as_str().unwrap().to_owned()).collect()
}

#[test]
fn what_is_made_is_as_it_must_be_and_made_once() {
    let world = World::new();
    let (code, report) = world.json("topics check", &[]);
    assert_eq!((code, findings(&report, true).len()), (1, 9), "{report}");
    let (code, said) = world.said("decide", &[]);
    assert_eq!(code, 2);
    assert!(said.contains("create Ripcord's topics with `ripcord topics create`"), "{said}");

    let (code, made) = world.json("topics create", &[]);
    assert_eq!((code, made["made"].as_array().unwrap().len()), (0, 8), "{made}");
    let (code, said) = world.said("ingest", &[]);
    assert_eq!(code, 2);
    assert!(said.contains("run `ripcord topics create --telemetry`"), "{said}");

    let (code, made) = world.json("topics create --telemetry", &[]);
    let stood = made["stood"].as_array().unwrap().len();
    assert_eq!((code, made["made"].as_array().unwrap().len(), stood), (0, 1, 8), "{made}");
    let (code, report) = world.json("topics check", &[]);
    assert_eq!((code, findings(&report, true)), (0, Vec::new()), "{report}");
    let telemetry = &report["topics"].as_array().unwrap()[8];
    assert_eq!((&telemetry["partitions"], &telemetry["copies"]), (&3.into(), &1.into()));
}

#[test]
fn another_number_of_shards_is_refused_and_only_the_inbox_is_named() {
    let world = World::new();
    assert_eq!(world.said("topics create", &[]).0, 0);
    let more = [("RIPCORD__LOG__SHARDS", "5")];
    for line in ["topics create", "decide", "ingest", "up", "serve", "work notice"] {
        let (code, said) = world.said(line, &more);
        assert_eq!(code, 2, "{said}");
        assert!(said.contains("set log.shards = 2"), "{line}: {said}");
    }
    let (code, report) = world.json("topics check", &more);
    let must = findings(&report, true);
    assert_eq!((code, must), (1, vec!["partitions".to_owned(), "topic".to_owned()]), "{report}");
    let (_, report) = world.json("topics check", &[("RIPCORD__LOG__RETENTION_DAYS", "60")]);
    assert!(findings(&report, true).contains(&"retention.ms".to_owned()), "{report}");
}

#[test]
fn what_is_published_lies_where_java_would_put_it() {
    let world = World::new();
    let lines = concat!(
        r#"{"type":"prediction","id":"x1","model":"m","version":"v1","ts":1371708000000}"#,
        "\n",
        r#"{"type":"outcome","request":"x1","model":"m","ts":1371708002000,"actual":1}"#,
        "\nno record\n",
    );
    std::fs::write(world.folder.path().join("some.jsonl"), lines).unwrap();
    let (code, said) = world.said("publish some.jsonl", &[]);
    assert_eq!(code, 2);
    assert!(said.contains("there is no topic"), "{said}");
    assert_eq!(world.said("topics create --telemetry", &[]).0, 0);
    let (code, published) = world.json("publish some.jsonl", &[]);
    let topic = format!("{}.telemetry", world.namespace);
    assert_eq!(
        (code, &published["sent"][&topic], &published["keyless"]),
        (0, &3.into(), &1.into())
    );
}
