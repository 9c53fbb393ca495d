//! A restart with many predictions waiting: new records are measured at once, and accuracy warms.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use ripcord::config::{Config, InstructionKeys};
use ripcord::edge::clock::SimulatedClock;
use ripcord::edge::log::local::LocalLog;
use ripcord::edge::log::{Outgoing, Partition, Topic};
use ripcord::model::{EventTime, LogTime, Namespace, Source, Span};
use ripcord::roles::ingest::Ingest;
use ripcord::shard::Inbox;
use ripcord::sums::{Frame, Losses};
use ripcord::topics::Topics;

/// Predictions that wait for their outcome when the process ends.
const WAITING: i64 = 100_000;
/// They came in this time.
const BEFORE_S: i64 = 3600;
/// New records in a turn: a prediction, half of which failed, and the outcome of an old one each.
const NEW: i64 = 10;
const PANE: Span = Span::from_s(10);
const START_MS: i64 = 1_772_323_200_000;

struct World {
    topics: Topics,
    clock: Arc<SimulatedClock>,
    config: Config,
    ingest: Ingest,
    /// New records sent so far.
    sent: i64,
    /// The next record of the inbox.
    next: i64,
    frames: Vec<Frame>,
    claims: usize,
}

fn ingest(topics: &Topics, config: &Config) -> Ingest {
    let source =
        Source { label_horizon: Span::from_s(BEFORE_S), ..config.settings.sources[0].clone() };
    Ingest::new(topics.clone(), source, config.settings.ingest.clone()).unwrap()
}

fn record(line: String) -> Outgoing {
    let to = Partition { topic: "telemetry".to_owned(), partition: 0 };
    Outgoing { to, key: None, headers: Vec::new(), value: line.into_bytes() }
}

fn prediction(id: &str, ms: i64, status: &str) -> Outgoing {
    record(
        format!(
            r#"{{"type":"prediction","id":"{id}","model":"m","version":"v1","ts":{},"#,
            START_MS + ms
        ) + &format!(r#""status":"{status}","prediction":1,"latency_ms":20,"role":"live"}}"#),
    )
}

fn outcome(of: &str, ms: i64) -> Outgoing {
    let ts = START_MS + ms;
    record(format!(r#"{{"type":"outcome","request":"{of}","model":"m","ts":{ts},"actual":1}}"#))
}

impl World {
    /// The predictions were read, flushed and committed; then the process is gone.
    fn new(reread_first: u64) -> Self {
        let clock = Arc::new(SimulatedClock::new(LogTime::from_ms(START_MS)));
        let log = Arc::new(LocalLog::in_memory(Arc::clone(&clock) as _).unwrap());
        let namespace = Namespace::new("n").unwrap();
        let topics = Topics { log, namespace, shards: 1, keys: InstructionKeys::default() };
        let mut config = Config::load(&[], &BTreeMap::new()).unwrap();
        topics.create(&config.rules).unwrap();
        topics.log.create("telemetry", 1, false).unwrap();
        config.settings.ingest.reread_first = reread_first;
        let ingest = ingest(&topics, &config);
        let (sent, next, frames, claims) = Default::default();
        let mut world = Self { topics, clock, config, ingest, sent, next, frames, claims };
        let mut writer = world.topics.log.writer(None).unwrap();
        for part in 0..100 {
            let of = part * WAITING / 100..(part + 1) * WAITING / 100;
            let sent =
                of.map(|n| prediction(&format!("old-{n}"), n * BEFORE_S * 1000 / WAITING, "ok"));
            let appended = LogTime::from_ms(START_MS + (part + 1) * BEFORE_S * 10);
            world.clock.advance_to(appended);
            writer.append(sent.collect()).unwrap();
            while !world.ingest.turn(Duration::ZERO).unwrap().idle {}
        }
        world.ingest.stop().unwrap();
        world.read();
        (world.frames, world.claims) = Default::default();
        world.ingest = self::ingest(&world.topics, &world.config);
        world
    }

    /// A second of new records comes, and ingest takes a turn.
    fn second(&mut self) {
        let mut records = Vec::new();
        let begin = BEFORE_S * 1000 + self.sent / NEW * 1000;
        for nth in 0..NEW {
            let (ms, status) = (begin + nth * 50, if nth % 2 == 0 { "error" } else { "ok" });
            records.push(prediction(&format!("new-{}", self.sent), ms, status));
            records
                .push(outcome(&format!("old-{}", WAITING - 1 - self.sent * 7 % (WAITING / 2)), ms));
            self.sent += 1;
        }
        self.clock.advance_to(LogTime::from_ms(START_MS + begin + 1000));
        self.topics.log.writer(None).unwrap().append(records).unwrap();
        self.ingest.turn(Duration::ZERO).unwrap();
        self.read();
    }

    /// What the shard is told.
    fn read(&mut self) {
        let inbox = self.topics.partition(Topic::Inbox, 0);
        for record in self.topics.log.scan(&inbox, self.next, 1_000_000).unwrap() {
            self.next = record.position + 1;
            match serde_json::from_slice(&record.value).unwrap() {
                Inbox::Frame(frame) => self.frames.push(frame),
                Inbox::Claim { .. } => {
                    self.claims += 1;
                    self.forget_open();
                }
                _ => {}
            }
        }
    }

    /// As the judge does when a lane is claimed: its successor says again what was open.
    fn forget_open(&mut self) {
        let Some(said) = self.frames.last().map(|frame| frame.watermark) else { return };
        for frame in &mut self.frames {
            frame.versions.retain(|cell| cell.pane + PANE <= said);
            frame.unknown.retain(|cell| cell.pane + PANE <= said);
        }
    }

    /// The last frame.
    fn last(&self) -> &Frame {
        self.frames.last().unwrap()
    }
}

/// The sums of cells that begin from a time on, as they were told last: answers, those that failed,
/// labels, and labels lost.
fn sums(frames: &[Frame], from: EventTime) -> (u64, u64, u64, u64) {
    let (mut cells, mut unknown) = (BTreeMap::new(), BTreeMap::new());
    for frame in frames {
        for cell in frame.versions.iter().filter(|cell| cell.pane >= from) {
            cells.insert((cell.pane, format!("{:?}", cell.role)), cell.sums.clone());
        }
        for cell in frame.unknown.iter().filter(|cell| cell.pane >= from) {
            unknown.insert((cell.pane, cell.model.clone()), cell.lost);
        }
    }
    let of = |count: fn(&ripcord::sums::VersionSums) -> u64| cells.values().map(count).sum();
    let lost: u64 = unknown.values().map(|lost: &Losses| lost.labels).sum();
    (of(|s| s.answers.n), of(|s| s.answers.bad), of(|s| s.labels.n), of(|s| s.lost.labels) + lost)
}

#[test]
fn errors_are_told_at_once_while_accuracy_warms() {
    let mut world = World::new(20_000);
    let new = EventTime::from_ms(START_MS + BEFORE_S * 1000);
    world.second();
    while sums(&world.frames, new).1 == 0 {
        world.second();
        assert!(world.sent < NEW * 10, "errors wait for the past");
    }
    let (mut warm, epoch) = (world.last().warm, world.last().epoch);
    assert!(warm < 0.1, "{warm}");
    // It warms, and then the lane that remembers everything speaks, in the next epoch.
    while warm < 1.0 {
        world.second();
        assert!(world.last().warm >= warm, "{} after {warm}", world.last().warm);
        assert!(world.sent < NEW * 500, "it does not warm: {warm}");
        warm = world.last().warm;
    }
    assert_eq!((world.last().epoch, world.claims), (epoch + 1, 2));
    let switched = world.sent;
    (0..60).for_each(|_| world.second());
    let settled = world.last().watermark.floor(Span::from_s(10));
    let counted = ((settled - new).as_ms() / 1000 * NEW) as u64;
    assert!(counted > switched as u64 + 400, "{counted} {switched}");
    let counters = world.last().counters.clone();
    for frame in &mut world.frames {
        frame.versions.retain(|cell| cell.pane < settled);
        frame.unknown.retain(|cell| cell.pane < settled);
    }
    // No answer is lost or counted twice. Each label is counted, or lost while the past is read
    // again; none is both.
    let (answers, bad, labels, lost) = sums(&world.frames, new);
    assert_eq!((answers, bad), (counted, counted / 2));
    assert!(labels >= counted - switched as u64, "{labels} of {counted}, {switched}");
    assert_eq!(labels + lost, counted, "{labels} counted, {lost} lost");
    assert_eq!(counters.read, counters.accounted());
    assert_eq!(counters.read, (WAITING + world.sent * 2) as u64);
}

/// Fewer old records are read again before anything new: nothing of it shows.
#[test]
fn a_short_past_is_read_before_anything_new() {
    let mut world = World::new(WAITING as u64);
    while world.frames.iter().all(|frame| frame.versions.is_empty()) {
        world.second();
    }
    assert_eq!((world.last().warm, world.claims), (1.0, 1));
    (0..60).for_each(|_| world.second());
    let new = EventTime::from_ms(START_MS + BEFORE_S * 1000);
    let (answers, _, labels, lost) = sums(&world.frames, new);
    assert_eq!((labels, lost), (answers, 0));
}
