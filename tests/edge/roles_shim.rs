//! The roles on a log that misbehaves: whatever is taken away, given back, fenced, unknown or to
//! be tried again, what is on the log is what an undisturbed run puts there.
//!
//! Over 300 lines: one world, disturbed at every point.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test")]

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use crate::common::shim::{CommitFault, Shim};
use ripcord::config::{Config, InstructionKeys};
use ripcord::edge::clock::SimulatedClock;
use ripcord::edge::log::local::LocalLog;
use ripcord::edge::log::{Log, LogError, Outgoing, Partition, Read, Record, Topic};
use ripcord::model::{
    Command, EventTime, Incident, LogTime, RuleSet, Source, Span, TargetId, Want,
};
use ripcord::roles::decide::Decide;
use ripcord::roles::ingest::Ingest;
use ripcord::roles::retention;
use ripcord::roles::work::Work;
use ripcord::shard::{Decision, Inbox};
use ripcord::targets::registry::RegistryFile;
use ripcord::topics::{RoleError, Topics};

const START_S: i64 = 1_767_225_600;
const MINUTES: i64 = 14;
const FAULT_AT: i64 = 5;
const INGEST: &str = "ripcord.default.ingest.telemetry";
const DECIDE: &str = "ripcord.default.decide";
const COMMITTER: &str = "ripcord.default.decide.0";
const WORK: &str = "ripcord.default.work.registry";
const INBOX: &str = "ripcord.default.inbox";

const REGISTRY: &str = r#"{"schema":"ripcord.registry/1","revision":1,"models":[
  {"name":"m","version":"v2","is_production":true,"created_at":"2025-02-01T00:00:00Z"},
  {"name":"m","version":"v1","is_production":false,"proven_good":true,
   "created_at":"2025-01-01T00:00:00Z","baseline":{"error_rate":{"value":0.01,"n":50000}}}]}"#;

fn settings() -> Config {
    let environment = BTreeMap::from(
        [
            ("RIPCORD__RULES__MODE", "act"),
            // The clock jumps by minutes here, and a jump is no silence.
            ("RIPCORD__RULES__POLICY__STALL_AFTER_SECONDS", "3600"),
            ("RIPCORD__WORKERS__REGISTRY__PATH", "registry.json"),
        ]
        .map(|(key, value)| (key.to_owned(), value.to_owned())),
    );
    Config::load(&[], &environment).unwrap()
}

/// One process's worth of roles on one log, and a folder with the registry.
struct World {
    log: LocalLog,
    shim: Shim,
    clock: Arc<SimulatedClock>,
    topics: Topics,
    config: Config,
    folder: tempfile::TempDir,
    ingest: Ingest,
    decide: Decide,
    work: Work,
}

fn source(config: &Config) -> Source {
    config.settings.sources.first().unwrap().clone()
}

fn ingest(topics: &Topics, config: &Config) -> Ingest {
    Ingest::new(topics.clone(), source(config), config.settings.ingest.clone()).unwrap()
}

fn work(topics: &Topics, folder: &Path) -> Work {
    let id = TargetId::new("registry").unwrap();
    let file = RegistryFile::new(id.clone(), folder.join("registry.json"));
    Work::new(topics.clone(), id, Box::new(file), Span::from_s(1)).unwrap()
}

fn rules(config: &Config) -> RuleSet {
    let mut rules = config.rules.clone();
    // Nobody tells people here.
    let only = |id: &TargetId| id.as_str() == "registry";
    rules.default.targets.retain(|target| only(&target.id));
    rules
}

impl World {
    fn new(script: impl FnOnce(&Shim)) -> Self {
        let clock = Arc::new(SimulatedClock::new(LogTime::from_ms(START_S * 1000)));
        let log = LocalLog::in_memory(clock.clone()).unwrap();
        let shim = Shim::new(Arc::new(log.clone()));
        let config = settings();
        let namespace = config.rules.namespace.clone();
        let topics = Topics {
            log: Arc::new(shim.clone()),
            namespace,
            shards: 1,
            keys: InstructionKeys::default(),
        };
        topics.create(&rules(&config)).unwrap();
        shim.create("telemetry", 1, false).unwrap();
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("registry.json"), REGISTRY).unwrap();
        script(&shim);
        Self {
            ingest: ingest(&topics, &config),
            decide: Decide::new(topics.clone()).unwrap(),
            work: work(&topics, folder.path()),
            log,
            shim,
            clock,
            topics,
            config,
            folder,
        }
    }

    fn registry(&self) -> serde_json::Value {
        let text = std::fs::read_to_string(self.folder.path().join("registry.json")).unwrap();
        serde_json::from_str(&text).unwrap()
    }

    fn production(&self) -> String {
        let registry = self.registry();
        let models = registry["models"].as_array().unwrap();
        let one = models.iter().find(|model| model["is_production"] == true).unwrap();
        one["version"].as_str().unwrap().to_owned()
    }

    /// A minute of traffic, answered by the version in production; then all take their turns.
    fn minute(&mut self, minute: i64) {
        let version = self.production();
        let ill = version == "v2" && minute >= FAULT_AT;
        let records = (0..40).map(|i| {
            let ts = EventTime::from_ms((START_S + minute * 60 + i) * 1000);
            let status = if ill && i % 5 < 3 { "error" } else { "ok" };
            telemetry(&format!(
                r#"{{"type":"prediction","id":"{minute}-{i}","model":"m","version":"{version}",
                    "ts":"{ts}","status":"{status}","prediction":1,"role":"live"}}"#
            ))
        });
        self.shim.writer(None).unwrap().append(records.collect()).unwrap();
        self.clock.advance_to(LogTime::from_ms((START_S + minute * 60 + 60) * 1000));
        self.run_until_idle();
        // Who just flushed may flush again a little later.
        self.clock.advance_to(LogTime::from_ms((START_S + minute * 60 + 61) * 1000));
        self.run_until_idle();
    }

    /// Turns until nobody has anything left to do. A role that fails begins again.
    fn run_until_idle(&mut self) {
        let mut still = 0;
        for _ in 0..10_000 {
            let mut idle = match self.ingest.turn(Duration::ZERO) {
                Ok(turn) => turn.idle,
                Err(error) => {
                    may_fail(&error);
                    self.ingest = ingest(&self.topics, &self.config);
                    false
                }
            };
            idle &= match self.decide.turn(Duration::ZERO) {
                Ok(turn) => turn.idle,
                Err(error) => {
                    may_fail(&error);
                    self.decide = Decide::new(self.topics.clone()).unwrap();
                    false
                }
            };
            idle &= match self.work.turn(Duration::ZERO) {
                Ok(turn) => turn.idle,
                Err(error) => {
                    may_fail(&error);
                    self.work = work(&self.topics, self.folder.path());
                    false
                }
            };
            still = if idle { still + 1 } else { 0 };
            if still == 3 {
                return;
            }
        }
        panic!("it never comes to rest");
    }

    fn values<T: serde::de::DeserializeOwned>(&self, topic: Topic) -> Vec<T> {
        let records = self.shim.scan(&self.topics.partition(topic, 0), 0, 100_000).unwrap();
        records.iter().map(|record| serde_json::from_slice(&record.value).unwrap()).collect()
    }

    /// What came of it, without positions and log times.
    fn outcome(&self) -> Vec<String> {
        let mut lines = Vec::new();
        for command in self.values::<Command>(Topic::Commands) {
            let Want::Production { version, instead_of } = &command.want else { continue };
            let (id, generation) = (&command.id, command.generation);
            lines.push(format!("command {id} {generation} {instead_of} to {version}"));
        }
        for incident in self.values::<Incident>(Topic::Incidents) {
            lines.push(format!("incident {} {:?}", incident.id, incident.state));
        }
        for decision in self.values::<Decision>(Topic::Decisions) {
            let said = &decision.assessment;
            let (version, at, verdict) = (&said.version, said.at, said.verdict);
            lines.push(format!("decision {} {version} {at} {verdict:?}", said.trigger));
        }
        let counters = self.decide.status().pop().unwrap().records;
        let counters = counters.values().next().unwrap();
        assert_eq!(counters.read, counters.accounted());
        lines.push(format!("measured {} of {}", counters.measured, counters.read));
        let registry = self.registry();
        lines.push(format!("registry {} {}", registry["revision"], self.production()));
        lines
    }
}

fn telemetry(value: &str) -> Outgoing {
    let to = Partition { topic: "telemetry".to_owned(), partition: 0 };
    Outgoing { to, key: None, headers: Vec::new(), value: value.into() }
}

/// What the script makes fail, and nothing else.
fn may_fail(error: &RoleError) {
    let scripted = matches!(error, RoleError::Fenced(_) | RoleError::Log(LogError::Storage { .. }));
    assert!(scripted, "{error:?}");
}

/// A whole run; whether every fault of the script struck.
fn run(script: impl FnOnce(&Shim)) -> (Vec<String>, bool) {
    let mut world = World::new(script);
    (0..MINUTES).for_each(|minute| world.minute(minute));
    (world.outcome(), world.shim.waiting() == 0)
}

/// Runs with a fault after 0, `step`, 2 `step`, … calls, until there are no more such calls.
fn at_each_point(name: &str, step: u64, script: impl Fn(&Shim, u64)) {
    let (undisturbed, _) = run(|_| {});
    let mut points = 0;
    for after in (0..).map(|n| n * step) {
        let (outcome, struck) = run(|shim| script(shim, after));
        if !struck {
            break;
        }
        points += 1;
        assert_eq!(outcome, undisturbed, "{name} after {after}");
    }
    assert!(points > 2, "{name} struck at {points} points only");
}

#[test]
fn an_undisturbed_run_rolls_back_once() {
    let (outcome, _) = run(|_| {});
    let commands = outcome.iter().filter(|line| line.starts_with("command")).count();
    assert_eq!(commands, 1, "{outcome:#?}");
    assert_eq!(outcome.last().unwrap(), "registry 2 v1", "{outcome:#?}");
    assert!(outcome.contains(&format!("measured {0} of {0}", MINUTES * 40)), "{outcome:#?}");
    assert!(outcome.iter().any(|line| line.ends_with("Mitigated")), "{outcome:#?}");
}

#[test]
fn commits_of_the_shard_fail_and_nothing_is_lost_or_said_twice() {
    for fault in [
        CommitFault::Retry,
        CommitFault::Fenced,
        CommitFault::UnknownWritten,
        CommitFault::UnknownUnwritten,
    ] {
        at_each_point(&format!("{fault:?}"), 2, |shim, n| shim.on_commit(COMMITTER, n, fault));
    }
}

#[test]
fn commits_of_positions_fail_and_nothing_is_measured_or_done_twice() {
    for fault in [CommitFault::Retry, CommitFault::UnknownWritten, CommitFault::UnknownUnwritten] {
        at_each_point(&format!("{fault:?}"), 5, |shim, n| shim.on_commit(INGEST, n, fault));
        // One command is all it reads.
        let (undisturbed, _) = run(|_| {});
        assert_eq!(run(|shim| shim.on_commit(WORK, 0, fault)), (undisturbed, true), "{fault:?}");
    }
}

#[test]
fn no_sign_of_life_while_the_log_cannot_be_read() {
    let mut world = World::new(|_| {});
    (0..2).for_each(|minute| world.minute(minute));
    let beats = |world: &World| {
        let records = world.values::<Inbox>(Topic::Inbox);
        records.iter().filter(|record| matches!(record, Inbox::Heartbeat { .. })).count()
    };
    world.shim.on_read(INGEST, 0, Read::Blocked("a test says so".to_owned()));
    let before = beats(&world);
    assert!(before > 0);
    for second in 0..60 {
        world.clock.advance_to(LogTime::from_ms((START_S + 125 + second) * 1000));
        world.ingest.turn(Duration::ZERO).unwrap();
    }
    assert_eq!((world.shim.waiting(), beats(&world)), (0, before));
    world.minute(3);
    assert!(beats(&world) > before, "it is read again and does not say so");
}

#[test]
fn partitions_are_taken_away_and_given_back() {
    for (group, topic, step) in
        [(INGEST, "telemetry", 3), (DECIDE, INBOX, 7), (WORK, "ripcord.default.commands", 1)]
    {
        let all = || vec![Partition { topic: topic.to_owned(), partition: 0 }];
        let lost = |shim: &Shim, n| {
            shim.on_read(group, n + 1, Read::Lost(all()));
            shim.on_read(group, 0, Read::Assigned(all()));
        };
        let revoked = |shim: &Shim, n| {
            shim.on_read(group, n + 1, Read::Revoking(all()));
            shim.on_read(group, 0, Read::Assigned(all()));
        };
        if group == WORK {
            // One command is all it reads.
            let (undisturbed, _) = run(|_| {});
            assert_eq!(run(|shim| lost(shim, 0)), (undisturbed.clone(), true));
            assert_eq!(run(|shim| revoked(shim, 0)), (undisturbed, true));
        } else {
            at_each_point(&format!("{group} lost"), step, lost);
            at_each_point(&format!("{group} revoked"), step, revoked);
        }
    }
}

#[test]
fn appends_fail_whole_or_in_part() {
    for written in [0, 1] {
        at_each_point(&format!("{written} written"), 5, |shim, n| {
            shim.on_append(INBOX, n, written);
        });
    }
}

#[test]
fn who_lost_its_lane_or_shard_writes_nothing_more() {
    let mut world = World::new(|_| {});
    (0..FAULT_AT).for_each(|minute| world.minute(minute));
    let mut other = ingest(&world.topics, &world.config);
    let mut heir = Decide::new(world.topics.clone()).unwrap();
    for _ in 0..20 {
        other.turn(Duration::ZERO).unwrap();
        heir.turn(Duration::ZERO).unwrap();
    }
    let lanes: Vec<_> = other.held().map(ToString::to_string).collect();
    assert_eq!(lanes, ["telemetry/0"]);
    let written = |world: &World| -> Vec<usize> {
        // A tick says nothing, so anybody may write one.
        let is_tick = |record: &Record| record.value.starts_with(b"\"tick\"");
        let count = |topic| {
            let records = world.shim.scan(&world.topics.partition(topic, 0), 0, 100_000).unwrap();
            records.iter().filter(|record| !is_tick(record)).count()
        };
        Topic::ALL.into_iter().map(count).collect()
    };
    let before = written(&world);
    let record =
        r#"{"type":"prediction","id":"x","model":"m","version":"v2","ts":"2026-01-01T00:05:00Z"}"#;
    world.shim.writer(None).unwrap().append(vec![telemetry(record)]).unwrap();
    world.clock.advance_to(LogTime::from_ms((START_S + 600) * 1000));
    for _ in 0..20 {
        assert_eq!(world.ingest.turn(Duration::ZERO).unwrap().records, 0);
        assert!(world.decide.turn(Duration::ZERO).unwrap().outputs.is_empty());
    }
    world.ingest.stop().unwrap();
    world.decide.stop().unwrap();
    assert_eq!(world.ingest.held().count(), 0);
    assert_eq!(written(&world), before);
    // The new owner speaks under a higher epoch.
    for _ in 0..20 {
        other.turn(Duration::ZERO).unwrap();
    }
    let frames =
        world.values::<Inbox>(Topic::Inbox).into_iter().filter_map(|record| match record {
            Inbox::Frame(frame) => Some(frame.epoch),
            _ => None,
        });
    let epochs: Vec<_> = frames.collect();
    assert_eq!(epochs.last().copied(), epochs.first().map(|first| first + 1));
}

#[test]
fn topics_of_unequal_partitions_do_not_start() {
    let world = World::new(|_| {});
    world.log.create("outcomes", 3, false).unwrap();
    let mut source = source(&world.config);
    let mut second = source.topics.first().unwrap().clone();
    second.name = "outcomes".to_owned();
    source.topics.push(second);
    let settings = world.config.settings.ingest.clone();
    let error = Ingest::new(world.topics, source, settings).err().unwrap();
    let told = error.to_string();
    assert!(told.contains("telemetry has 1, outcomes has 3"), "{told}");
}

#[test]
fn retention_leaves_what_a_shard_begins_anew_from() {
    let mut world = World::new(|_| {});
    (0..3).for_each(|minute| world.minute(minute));
    let sources = [source(&world.config)];
    let retain = |world: &World| {
        retention::retain(&world.log, &world.topics, &sources, Span::from_s(24 * 3600)).unwrap();
    };
    let inbox = |world: &World| -> i64 {
        let at = world.topics.partition(Topic::Inbox, 0);
        world.log.scan(&at, 0, 1).unwrap().first().unwrap().position
    };
    world.clock.advance_to(LogTime::from_ms((START_S + 30 * 24 * 3600) * 1000));
    world.decide.stop().unwrap();
    let at = world.topics.partition(Topic::State, 0);
    let snapshots = world.log.latest(&at, "snapshot/").unwrap();
    let manifests = snapshots.iter().filter(|record| {
        let key = record.key.as_deref().unwrap();
        key == b"snapshot/a" || key == b"snapshot/b"
    });
    let put = |records: Vec<(&Record, Vec<u8>)>| {
        let record = |(record, value): (&Record, Vec<u8>)| Outgoing {
            to: at.clone(),
            key: record.key.clone(),
            headers: Vec::new(),
            value,
        };
        let records = records.into_iter().map(record).collect();
        world.log.writer(None).unwrap().append(records).unwrap();
    };
    let manifests: Vec<_> = manifests.collect();
    assert!(snapshots.len() > manifests.len() && !manifests.is_empty());
    put(manifests.iter().map(|record| (*record, Vec::new())).collect());
    retain(&world);
    assert_eq!(inbox(&world), 0, "without a manifest there is no snapshot, and all is needed");
    put(manifests.iter().map(|record| (*record, record.value.clone())).collect());
    retain(&world);
    assert!(inbox(&world) > 0);
    let rules = |record: &Inbox| matches!(record, Inbox::Rules(_));
    assert!(world.values::<Inbox>(Topic::Inbox).iter().any(rules));
    let telemetry = Partition { topic: "telemetry".to_owned(), partition: 0 };
    let left = world.log.scan(&telemetry, 0, 1000).unwrap();
    assert!(!left.is_empty() && left.len() < 120, "what feeds an open pane stays: {}", left.len());
    world.decide = Decide::new(world.topics.clone()).unwrap();
    world.run_until_idle();
    assert!(world.decide.shards().all(|(_, shard)| shard.rule_set().is_some()));
}

#[test]
fn what_cannot_be_used_is_laid_aside_with_its_reason() {
    let mut world = World::new(|_| {});
    (0..2).for_each(|minute| world.minute(minute));
    let late = concat!(
        r#"{"type":"prediction","id":"l","model":"m","version":"v2","#,
        r#""ts":"2026-01-01T00:00:01Z","prediction":1}"#
    );
    let records = vec![telemetry("not json"), telemetry(late)];
    world.shim.writer(None).unwrap().append(records).unwrap();
    world.minute(2);
    for (topic, value, reason) in
        [(Topic::Rejected, "not json", "not_json"), (Topic::Late, late, "late")]
    {
        let found = world.shim.scan(&world.topics.partition(topic, 0), 0, 10).unwrap();
        assert_eq!(found.len(), 1, "{topic:?}");
        assert_eq!(found[0].value, value.as_bytes());
        let header = |name: &str| {
            let found = found[0].headers.iter().find(|(key, _)| key == name).unwrap();
            String::from_utf8(found.1.clone()).unwrap()
        };
        assert_eq!(header("ripcord.error.code"), reason);
        assert_eq!(header("__dlq.errors.topic"), "telemetry");
        assert_eq!(header("__dlq.errors.partition"), "0");
        assert!(!header("__dlq.errors.message").is_empty());
        assert!(["80", "81"].contains(&header("__dlq.errors.offset").as_str()));
    }
}
