//! Recordings that are published, on a log: which topic, which partition, which key, how many.
#![expect(clippy::unwrap_used, reason = "helpers of tests may, as tests may")]

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

use ripcord::config::Config;
use ripcord::edge::clock::SystemClock;
use ripcord::edge::log::local::LocalLog;
use ripcord::edge::log::{Log, Partition};
use ripcord::model::Source;
use ripcord::replay::publish::{Publish, Published};
use tempfile::TempDir;

/// Settings of one source, and its topics on a log with three partitions each.
struct World {
    folder: TempDir,
    log: LocalLog,
    source: Source,
}

impl World {
    fn new(settings: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("my.toml");
        std::fs::write(&file, settings).unwrap();
        let config = Config::load(&[file], &BTreeMap::new()).unwrap();
        let source = config.settings.sources.into_iter().next().unwrap();
        let log = LocalLog::open(&folder.path().join("log"), Arc::new(SystemClock)).unwrap();
        for topic in &source.topics {
            log.create(&topic.name, 3, false).unwrap();
        }
        Self { folder, log, source }
    }

    fn file(&self, name: &str, lines: &[&str]) -> PathBuf {
        let path = self.folder.path().join(name);
        std::fs::write(&path, lines.join("\n")).unwrap();
        path
    }

    fn publish(&self, files: Vec<PathBuf>) -> Publish {
        Publish { files, source: self.source.clone(), rate: None, until: None }
    }

    fn sent(&self, publish: &Publish) -> Published {
        publish.run(&self.log, |_, _| {}).unwrap()
    }

    /// All records of a topic: `partition key value`, the partitions in order.
    fn stands(&self, topic: &str) -> Vec<String> {
        let of = |partition| {
            let at = Partition { topic: topic.to_owned(), partition };
            self.log.scan(&at, 0, 1000).unwrap().into_iter().map(move |record| {
                let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
                let key = record.key.as_deref().map_or_else(|| "-".to_owned(), text);
                format!("{partition} {key} {}", text(&record.value))
            })
        };
        (0..3).flat_map(of).collect()
    }
}

const PREDICTION: &str = concat!(
    r#"{"type":"prediction","id":"foobar","model":"m","version":"v1","ts":1371708000000,"#,
    r#""prediction":1}"#
);
const ASKED: &str = concat!(
    r#"{"type":"prediction","id":"x","request":"x1","model":"m","version":"v1","#,
    r#""ts":1371708001000,"prediction":1}"#
);
const OUTCOME: &str =
    r#"{"type":"outcome","request":"foobar","model":"m","ts":1371708002000,"actual":1}"#;
const RUN: &str =
    r#"{"type":"run","model":"m","ts":1371708003000,"kind":"training","status":"started"}"#;
const BAD: [&str; 2] = ["{\"type\":\"prediction\",", "no JSON at all"];

#[test]
fn a_request_lies_in_the_partition_that_java_would_choose() {
    let world = World::new("");
    let lines = [PREDICTION, ASKED, OUTCOME, RUN, BAD[0], BAD[1]];
    let sent = world.sent(&world.publish(vec![world.file("a", &lines)]));
    assert_eq!(sent.sent, BTreeMap::from([("telemetry".to_owned(), 6)]));
    assert_eq!((sent.keyless, sent.too_large, sent.stopped_at), (2, 0, None));
    // murmur2, its sign dropped: foobar 1357151166, x1 474523156, m 1063097864; modulo 3.
    let mut expected = vec![
        format!("0 foobar {PREDICTION}"),
        format!("1 x1 {ASKED}"),
        format!("0 foobar {OUTCOME}"),
        format!("2 m {RUN}"),
        format!("0 - {}", BAD[0]),
        format!("1 - {}", BAD[1]),
    ];
    let mut stands = world.stands("telemetry");
    expected.sort();
    stands.sort();
    assert_eq!(stands, expected);
}

#[test]
fn the_type_of_a_record_chooses_among_topics() {
    let world = World::new(
        "[sources.telemetry]\ntopics = [\"p\", \"o\"]\n\
         [sources.telemetry.topic.p]\ntype = \"prediction\"\n\
         [sources.telemetry.topic.o]\ntype = \"outcome\"\n",
    );
    let untyped = r#"{"request":"foobar","model":"m","ts":1371708002000,"actual":1}"#;
    let file = world.file("a", &[PREDICTION, OUTCOME, untyped]);
    let sent = world.sent(&world.publish(vec![file]));
    assert_eq!(sent.sent, BTreeMap::from([("p".to_owned(), 1), ("o".to_owned(), 2)]));
    assert_eq!(world.stands("p"), [format!("0 foobar {PREDICTION}")]);
    let outcomes = [format!("0 foobar {OUTCOME}"), format!("0 foobar {untyped}")];
    assert_eq!(world.stands("o"), outcomes);
}

#[test]
fn it_stops_where_it_is_told_and_reads_files_as_one() {
    let world = World::new("");
    let files = vec![world.file("late", &[ASKED, OUTCOME]), world.file("early", &[PREDICTION])];
    let until = Some("2013-06-20T06:00:02Z".parse().unwrap());
    let sent = world.sent(&Publish { until, rate: Some(1000), ..world.publish(files) });
    assert_eq!(sent.stopped_at, until);
    let expected = [format!("0 foobar {PREDICTION}"), format!("1 x1 {ASKED}")];
    assert_eq!(world.stands("telemetry"), expected);
}

#[test]
fn a_line_over_the_limit_stays_and_is_counted() {
    let world = World::new("[sources.telemetry]\nmax_record_bytes = 256\n");
    let long = "x".repeat(300);
    let sent = world.sent(&world.publish(vec![world.file("a", &[PREDICTION, &long])]));
    assert_eq!((sent.too_large, sent.sent.values().sum::<u64>()), (1, 1));
}

#[test]
fn a_topic_that_is_missing_is_named_before_anything_is_sent() {
    let world = World::new("");
    let mut publish = world.publish(vec![world.file("a", &[PREDICTION])]);
    publish.source.topics[0].name = "nowhere".to_owned();
    let error = publish.run(&world.log, |_, _| {}).unwrap_err().to_string();
    assert!(error.contains("there is no topic nowhere"), "{error}");
}
