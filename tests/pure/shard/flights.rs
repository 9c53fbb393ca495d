//! The inbox of the flights, up to the rollback.

use std::collections::BTreeMap;
use std::sync::Arc;

use ripcord::config::{Config, InstructionKeys};
use ripcord::edge::clock::SimulatedClock;
use ripcord::edge::log::local::LocalLog;
use ripcord::measure::{Input, Lane};
use ripcord::model::{
    Fact, LaneId, LogTime, Mode, ModelId, Namespace, SampleRole, Span, Stage, TargetRule, TopicRule,
};
use ripcord::roles::ingest::pipeline::{LanePipeline, RawRecord};
use ripcord::shard::{Inbox, Output, Shard};
use ripcord::targets::registry::ShadowRegistry;
use ripcord::topics::Topics;
use ripcord::wire::telemetry::Raw;

use super::{Entry, fold, same_every_way};
use crate::common::length::whole;
use crate::common::{files, replay};

/// An hour after the rollback of June 24, 04:01.
const UNTIL: &str = "2013-06-24T05:00:00Z";

/// What is in the inbox, and the shard as it was after some of it.
struct Inboxes {
    entries: Vec<Entry>,
    shard: Shard,
    registry: ShadowRegistry,
    known: Option<Fact>,
    /// Copies of the shard, by the number of records that it had read.
    kept: BTreeMap<usize, Shard>,
    commands: Vec<usize>,
}

impl Inboxes {
    /// Appends a record, and what the worker says to what came of it.
    fn append(&mut self, at: LogTime, record: Inbox) {
        if self.entries.len().is_multiple_of(500) {
            self.kept.insert(self.entries.len(), self.shard.clone());
        }
        let mut out = Vec::new();
        self.shard.step(self.shard.next(), at, &record, &mut out).unwrap();
        self.entries.push((at, record));
        for output in out {
            if let Output::Command(command) = output {
                self.commands.push(self.entries.len() - 1);
                let answer = self.registry.apply(&command).answer(&command);
                self.append(at, Inbox::Answer(answer));
                self.observe(at);
            }
        }
    }

    fn observe(&mut self, at: LogTime) {
        let fact = self.registry.facts().unwrap().pop().unwrap();
        if self.known.as_ref() != Some(&fact) {
            self.known = Some(fact.clone());
            self.append(at, Inbox::Fact(fact));
        }
    }

    fn role(&self, version: &str) -> SampleRole {
        let production = self.known.as_ref().and_then(|fact| fact.production.as_ref());
        match production {
            Some(production) if production.as_str() == version => SampleRole::Live,
            Some(_) => SampleRole::Shadow,
            None => SampleRole::Unstated,
        }
    }
}

fn inbox_of_the_flights() -> Inboxes {
    let config = Config::load(&[], &BTreeMap::new()).unwrap();
    let mut source = config.settings.sources[0].clone();
    let rule = TopicRule { name: "flights".to_owned(), ..source.topics[0].clone() };
    source.topics = vec![rule];
    let mut book = config.rules;
    book.revision = 1;
    book.default.mode = Mode::Act;
    let registry = replay::registry(&replay::flights_registry());
    let target =
        TargetRule { id: registry.target().clone(), stage: Stage::Registry, authority: true };
    book.default.targets = vec![target];
    let clock = Arc::new(SimulatedClock::new(LogTime::from_ms(0)));
    let log = Arc::new(LocalLog::in_memory(clock).unwrap());
    let topics = Topics {
        log,
        namespace: Namespace::new("replay").unwrap(),
        shards: 1,
        keys: InstructionKeys::default(),
    };
    let lane = LaneId { source: source.id.clone(), lane: 0 };
    let mut feed = LanePipeline::new(topics, source.clone(), Lane::new(&source, lane.clone(), 1));
    let mut inbox = Inboxes {
        entries: Vec::new(),
        shard: Shard::new(0, 1),
        registry,
        known: None,
        kept: BTreeMap::new(),
        commands: Vec::new(),
    };
    let lines = files::lines(&files::in_tree(replay::FLIGHTS));
    let time = |line: &str| {
        let (_, rest) = line.split_once(r#""ts":""#).unwrap();
        rest.split_once('"').unwrap().0.parse::<LogTime>().unwrap()
    };
    let start = time(&lines[0]);
    let topics = vec!["flights".to_owned()];
    inbox.append(start, Inbox::Format { shards: 1 });
    inbox.append(start, Inbox::Rules(book));
    let (pane, known) = (source.pane, Vec::new());
    inbox.append(start, Inbox::Source { source: source.id, topics, lanes: 1, pane, known });
    inbox.append(start, Inbox::Claim { lane: lane.clone(), epoch: 1 });
    inbox.observe(start);
    let until: LogTime = UNTIL.parse().unwrap();
    let mut flushed = start;
    for (position, line) in (0_i64..).zip(&lines) {
        let at = time(line).max(flushed);
        if at >= until {
            break;
        }
        while let Some(due) = inbox.shard.next_wakeup().filter(|due| *due <= at) {
            let lanes = vec![lane.clone()];
            inbox.append(due, Inbox::Heartbeat { process: "test".to_owned(), lanes });
            inbox.append(due, Inbox::Tick);
            if inbox.shard.next_wakeup() == Some(due) {
                break;
            }
        }
        let raw = Some(Raw::line(line.as_bytes()));
        let fed = RawRecord { topic: 0, position, appended: None, raw };
        feed.take(fed, |_, version| inbox.role(version));
        if at - flushed >= Span::from_s(60) {
            flushed = at;
            feed.step(Input::Flush { now: at });
            for frame in feed.pending().to_vec() {
                inbox.append(at, Inbox::Frame(frame));
            }
            feed.frames().unwrap();
        }
    }
    inbox
}

#[test]
fn the_flights_fold_the_same_every_way() {
    let inbox = inbox_of_the_flights();
    let model = ModelId::new("flight-delay").unwrap();
    assert_eq!(inbox.registry.production(&model).unwrap().as_str(), "v2");
    let [rollback] = inbox.commands[..] else { panic!("{:?}", inbox.commands) };
    // In debug fewer records: writing a whole shard down takes long there.
    let (first, around) = if whole() { (2000, 500) } else { (600, 60) };
    println!("{} records, the rollback is at {rollback}", inbox.entries.len());
    same_every_way(&Shard::new(0, 1), &inbox.entries[..first]);

    let (before, shard) = inbox.kept.range(..rollback - around).next_back().unwrap();
    let mut shard = shard.clone();
    fold(&mut shard, &inbox.entries[*before..rollback - around], false);
    let end = (rollback + around).min(inbox.entries.len());
    let outputs = same_every_way(&shard, &inbox.entries[rollback - around..end]);
    let commands = outputs.iter().flatten().filter(|out| matches!(out, Output::Command(_)));
    assert_eq!(commands.count(), 1, "the stretch holds the rollback");
}
