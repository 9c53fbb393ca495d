//! Worlds that lie, break or repeat themselves: the real log in memory, the real roles, and
//! targets that are not what they say. One minute is one frame; v3 serves and v2 shadows it.
//!
//! Over 300 lines: the worlds share one set of lying targets.

#![expect(clippy::unwrap_used, reason = "tests")]

use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::pin::pin;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use ripcord::config::{Config, InstructionKeys};
use ripcord::edge::clock::{Clock, SimulatedClock};
use ripcord::edge::diagnostics::counters;
use ripcord::edge::diagnostics::metrics::Page;
use ripcord::edge::log::local::LocalLog;
use ripcord::edge::log::{Outgoing, Topic, Writer};
use ripcord::model::{
    Ask, Command, EventTime, Fact, Incident, IncidentState, Instruction, LaneId, LogTime, Mode,
    ModelId, Namespace, Proof, RuleSet, SampleRole, SourceId, Span, Stage, StepResult, TargetId,
    TargetRule, VersionId,
};
use ripcord::roles::decide::Decide;
use ripcord::roles::work::Work;
use ripcord::shard::{Inbox, Output};
use ripcord::sums::{Counters, Counts, Frame, VersionPartial, VersionSums};
use ripcord::targets::registry::ShadowRegistry;
use ripcord::targets::{Acted, Fence, Later, Target};
use ripcord::topics::Topics;

const START: i64 = 1_767_225_600_000;
const MINUTE: Span = Span::from_s(60);
const AT_ONCE: Duration = Duration::ZERO;

/// What a target is like.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Like {
    Honest,
    /// Answers done and does nothing.
    Liar,
    /// Its worker dies before it acts, once.
    DiesBefore,
    /// Its worker dies when it has acted and not answered, once.
    DiesAfter,
}

/// The registry that all workers of a world act on.
#[derive(Clone)]
struct Shared {
    registry: Arc<Mutex<ShadowRegistry>>,
    acts: Arc<AtomicU32>,
    like: Arc<Mutex<Like>>,
}

impl Shared {
    fn with<T>(&self, look: impl FnOnce(&mut ShadowRegistry) -> T) -> T {
        look(&mut self.registry.lock().unwrap_or_else(PoisonError::into_inner))
    }

    fn once(&self, like: Like) -> bool {
        let mut now = self.like.lock().unwrap_or_else(PoisonError::into_inner);
        let is = *now == like;
        if is {
            *now = Like::Honest;
        }
        is
    }

    fn apply(&self, command: &Command) -> Acted {
        if *self.like.lock().unwrap_or_else(PoisonError::into_inner) == Like::Liar {
            let detail = "switched".to_owned();
            return Acted { outcome: StepResult::Done, proof: Some(Proof::L1), detail };
        }
        assert!(!self.once(Like::DiesBefore), "the worker dies before it acts");
        let acted = self.with(|registry| registry.apply(command));
        self.acts.fetch_add(1, Ordering::SeqCst);
        assert!(!self.once(Like::DiesAfter), "the worker dies before it answers");
        acted
    }
}

/// The value of a promise that waits for nothing.
fn at_once<T>(later: Later<'_, T>) -> T {
    match pin!(later).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(value) => value,
        Poll::Pending => panic!("a registry in memory never waits"),
    }
}

impl Target for Shared {
    fn observe(&mut self) -> Later<'_, Result<Vec<Fact>, String>> {
        let facts = self.with(|registry| at_once(registry.observe()));
        Box::pin(std::future::ready(facts))
    }

    fn fence<'a>(&'a mut self, command: &'a Command) -> Later<'a, Result<Fence, String>> {
        let fence = self.with(|registry| at_once(registry.fence(command)));
        Box::pin(std::future::ready(fence))
    }

    fn act<'a>(&'a mut self, command: &'a Command) -> Later<'a, Acted> {
        Box::pin(std::future::ready(self.apply(command)))
    }
}

struct World {
    topics: Topics,
    clock: Arc<SimulatedClock>,
    decide: Decide,
    works: Vec<Work>,
    writer: Box<dyn Writer>,
    shared: Shared,
    now: EventTime,
    position: i64,
    states: Vec<IncidentState>,
    answers: Vec<(Command, Acted)>,
}

fn model() -> ModelId {
    ModelId::new("m").unwrap()
}

fn version(name: &str) -> VersionId {
    VersionId::new(name).unwrap()
}

fn target() -> TargetId {
    TargetId::new("registry").unwrap()
}

fn rules() -> RuleSet {
    let mut book = Config::load(&[], &BTreeMap::new()).unwrap().rules;
    book.default.mode = Mode::Act;
    book.default.targets =
        vec![TargetRule { id: target(), stage: Stage::Registry, authority: true }];
    book.namespace = Namespace::new("test").unwrap();
    book
}

fn registry(proven: bool) -> ShadowRegistry {
    let text = format!(
        r#"{{"schema":"ripcord.registry/1","revision":1,"models":[
        {{"name":"m","version":"v3","is_production":true,"archived":false,"model_path":"v3.bin"}},
        {{"name":"m","version":"v2","is_production":false,"archived":false,
          "model_path":"v2.bin","proven_good":{proven}}}]}}"#
    );
    ShadowRegistry::read(target(), &text).unwrap()
}

fn lane() -> LaneId {
    LaneId { source: SourceId::new("s").unwrap(), lane: 0 }
}

impl World {
    fn new(registry: ShadowRegistry, like: Like, workers: usize) -> Self {
        let clock = Arc::new(SimulatedClock::new(LogTime::from_ms(START)));
        let log = LocalLog::in_memory(Arc::clone(&clock) as Arc<dyn Clock>).unwrap();
        let topics = Topics {
            log: Arc::new(log),
            namespace: rules().namespace,
            shards: 1,
            keys: InstructionKeys::default(),
        };
        topics.create(&rules()).unwrap();
        let shared = Shared {
            registry: Arc::new(Mutex::new(registry)),
            acts: Arc::default(),
            like: Arc::new(Mutex::new(like)),
        };
        let mut world = Self {
            decide: Decide::new(topics.clone()).unwrap(),
            works: Vec::new(),
            writer: topics.log.writer(None).unwrap(),
            topics,
            clock,
            shared,
            now: EventTime::from_ms(START),
            position: 0,
            states: Vec::new(),
            answers: Vec::new(),
        };
        let LaneId { source, .. } = lane();
        let topics = vec!["telemetry".to_owned()];
        world.tell(&Inbox::Source { source, topics, lanes: 1, pane: MINUTE, known: Vec::new() });
        world.tell(&Inbox::Claim { lane: lane(), epoch: 1 });
        for _ in 0..workers {
            world.hire();
        }
        world.run_until_idle();
        world
    }

    fn hire(&mut self) {
        let rarely = Span::from_s(3600);
        let shared = Box::new(self.shared.clone());
        self.works.push(Work::new(self.topics.clone(), target(), shared, rarely).unwrap());
    }

    fn tell(&mut self, record: &Inbox) {
        self.topics.publish(self.writer.as_mut(), None, record).unwrap();
    }

    fn ask(&mut self, ask: Ask) {
        let id = format!("ask-{}", self.position);
        let instruction =
            Instruction { id, by: "ada".to_owned(), reason: "a test".to_owned(), ask };
        self.tell(&Inbox::Instruction(instruction));
        self.run_until_idle();
    }

    /// Turns until nobody has anything left to do. A worker that dies is replaced.
    fn run_until_idle(&mut self) {
        loop {
            let decided = self.decide.turn(AT_ONCE).unwrap();
            let mut idle = decided.idle;
            for output in decided.outputs {
                if let Output::Incident(incident) = output
                    && incident.trigger.as_ref().is_some_and(|id| id.as_str() == "error-rate")
                {
                    self.states.push(incident.state);
                }
            }
            for at in 0..self.works.len() {
                let work = &mut self.works[at];
                match catch_unwind(AssertUnwindSafe(|| work.turn(AT_ONCE).unwrap())) {
                    Ok(turn) => {
                        idle &= turn.idle;
                        self.answers.extend(turn.answered);
                    }
                    Err(_) => {
                        self.works.remove(at);
                        self.hire();
                        idle = false;
                        break;
                    }
                }
            }
            if idle {
                return;
            }
        }
    }

    /// This many minutes, in which v3 and v2 fail so often in 100; users are answered by what the
    /// registry says.
    fn minutes(&mut self, count: u32, v3: u64, v2: u64) {
        for _ in 0..count {
            let serves = self.shared.with(|registry| registry.production(&model()).cloned());
            let cell = |name: &str, bad| VersionPartial {
                pane: self.now,
                model: model(),
                version: version(name),
                role: match serves.as_ref() == Some(&version(name)) {
                    true => SampleRole::Live,
                    false => SampleRole::Shadow,
                },
                sums: VersionSums { answers: Counts { n: 100, bad }, ..VersionSums::default() },
            };
            let frame = Frame {
                lane: lane(),
                epoch: 1,
                positions: vec![(self.position, self.position + 1)],
                watermark: self.now,
                newest: self.now,
                idle: false,
                warm: 1.0,
                counters: Counters::default(),
                versions: vec![cell("v2", v2), cell("v3", v3)],
                pairs: Vec::new(),
                features: Vec::new(),
                unknown: Vec::new(),
                skews: Vec::new(),
                more: false,
            };
            self.position += 1;
            self.tell(&Inbox::Frame(frame));
            self.run_until_idle();
            self.pass(MINUTE);
        }
    }

    /// Time passes in steps in which every deadline is kept.
    fn pass(&mut self, span: Span) {
        self.now = self.now + span;
        self.clock.advance_to(LogTime::from_ms(self.now.as_ms()));
        self.run_until_idle();
    }

    fn acts(&self) -> u32 {
        self.shared.acts.load(Ordering::SeqCst)
    }

    fn production(&self) -> String {
        self.shared.with(|registry| registry.production(&model()).unwrap().to_string())
    }

    /// The incident of the failures.
    fn incident(&self) -> Incident {
        let (_, shard) = self.decide.shards().next().unwrap();
        let mut incidents = shard.undo_state().incidents();
        let of = |incident: &&Incident| {
            incident.trigger.as_ref().is_some_and(|id| id.as_str() == "error-rate")
        };
        incidents.find(of).unwrap().clone()
    }

    /// v3 goes bad.
    fn fault(&mut self) {
        self.minutes(60, 1, 1);
        self.minutes(10, 40, 1);
    }

    fn commands(&self) -> Vec<Outgoing> {
        let partition = self.topics.partition(Topic::Commands, 0);
        let records = self.topics.log.scan(&partition, 0, 1000).unwrap();
        let again = |record: ripcord::edge::log::Record| Outgoing {
            to: partition.clone(),
            key: record.key,
            headers: record.headers,
            value: record.value,
        };
        records.into_iter().map(again).collect()
    }
}

#[test]
fn an_honest_worker_switches_once_and_traffic_proves_it() {
    let mut world = World::new(registry(true), Like::Honest, 1);
    world.fault();
    assert_eq!((world.production().as_str(), world.acts()), ("v2", 1));
    world.minutes(90, 40, 1);
    assert!(world.states.contains(&IncidentState::Mitigated), "{:?}", world.states);
    assert_eq!(world.incident().state, IncidentState::Verified);
    assert_eq!(world.incident().proof, Some(Proof::L4));
    assert_eq!(world.acts(), 1);
}

#[test]
fn a_worker_that_answers_done_and_does_nothing_is_found_out() {
    let mut world = World::new(registry(true), Like::Liar, 1);
    world.fault();
    world.minutes(120, 40, 1);
    assert!(!world.states.contains(&IncidentState::Mitigated), "{:?}", world.states);
    let incident = world.incident();
    assert_eq!(incident.state, IncidentState::Stuck);
    assert_eq!((incident.mitigated_at, incident.verified_at), (None, None));
    assert!(incident.proof <= Some(Proof::L1));
    let because = &incident.because;
    assert!(because.contains("reported success") && because.contains("v3"), "{because}");
    assert_eq!(incident.next.as_deref(), Some("ripcord approve m"));
    assert!(!because.contains("ripcord"), "{because}");
}

#[track_caller]
fn frozen(mut world: World, names: &[&str]) {
    world.minutes(60, 1, 1);
    world.minutes(10, 40, 1);
    let incident = world.incident();
    assert_eq!(incident.state, IncidentState::Frozen, "{}", incident.because);
    for name in names {
        assert!(incident.because.contains(name), "{name}: {}", incident.because);
    }
    assert_eq!((world.production().as_str(), world.acts()), ("v3", 0));
    assert!(world.commands().is_empty());
}

#[test]
fn a_target_whose_files_are_missing_freezes_and_is_named() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("v3.bin"), b"weights").unwrap();
    let registry = registry(true).check_artifacts(Path::new(folder.path()).to_path_buf());
    frozen(World::new(registry, Like::Honest, 1), &["v2", "files", "missing"]);
}

#[test]
fn a_target_in_quarantine_freezes_and_is_named() {
    let mut world = World::new(registry(true), Like::Honest, 1);
    world.ask(Ask::Quarantine { model: model(), version: version("v2") });
    frozen(world, &["v2", "quarantine", "ada"]);
}

#[test]
fn a_target_that_nobody_vouches_for_freezes_and_is_named() {
    frozen(World::new(registry(false), Like::Honest, 1), &["v2 is not proven"]);
}

#[test]
fn a_worker_that_dies_between_act_and_answer_acts_once() {
    let mut world = World::new(registry(true), Like::DiesAfter, 1);
    world.fault();
    assert_eq!((world.production().as_str(), world.acts()), ("v2", 1));
    let [(_, answer)] = world.answers.as_slice() else { panic!("{:?}", world.answers) };
    assert_eq!(answer.outcome, StepResult::Done);
    world.minutes(90, 40, 1);
    assert_eq!(world.incident().state, IncidentState::Verified);
    assert_eq!(world.acts(), 1);
}

#[test]
fn a_worker_that_dies_before_it_acts_is_followed_by_one_that_does() {
    let mut world = World::new(registry(true), Like::DiesBefore, 1);
    world.fault();
    assert_eq!((world.production().as_str(), world.acts()), ("v2", 1));
    world.minutes(90, 40, 1);
    assert_eq!(world.incident().state, IncidentState::Verified);
}

#[test]
fn two_workers_of_one_target_act_once() {
    let mut world = World::new(registry(true), Like::Honest, 2);
    world.fault();
    assert_eq!((world.production().as_str(), world.acts()), ("v2", 1));
    world.minutes(90, 40, 1);
    assert_eq!(world.incident().state, IncidentState::Verified);
    assert_eq!(world.acts(), 1);
}

#[test]
fn commands_of_another_namespace_old_ones_and_expired_ones_are_refused() {
    let mut world = World::new(registry(true), Like::Honest, 1);
    world.fault();
    let now = LogTime::from_ms(world.now.as_ms());
    let (done, _) = world.answers.pop().unwrap();
    let back = |change: &dyn Fn(&mut Command)| {
        let mut command = done.clone();
        command.id = ripcord::model::CommandId::new("forged").unwrap();
        command.generation += 1;
        command.expires_at = now + MINUTE;
        command.want =
            ripcord::model::Want::Production { version: version("v3"), instead_of: version("v2") };
        change(&mut command);
        command
    };
    let cases: [(&str, Command); 4] = [
        ("wrong_namespace", back(&|c| c.namespace = Namespace::new("staging").unwrap())),
        ("stale_generation", back(&|c| c.generation = 0)),
        ("expired", back(&|c| c.expires_at = now)),
        ("not_acting", back(&|c| c.mode = Mode::Observe)),
    ];
    for (code, command) in cases {
        world.answers.clear();
        let record = world.topics.output(0, now, &Output::Command(Box::new(command))).unwrap();
        world.writer.append(vec![record]).unwrap();
        world.run_until_idle();
        let [(_, acted)] = world.answers.as_slice() else { panic!("{:?}", world.answers) };
        assert_eq!(acted.outcome, StepResult::Refused, "{code}");
        assert!(acted.detail.starts_with(code), "{}", acted.detail);
        assert_eq!((world.production().as_str(), world.acts()), ("v2", 1), "{code}");
    }
}

#[test]
fn a_command_that_cannot_be_read_is_counted_and_the_next_one_is_carried_out() {
    let unreadable = || {
        let mut page = Page::new("test");
        counters::page(&mut page);
        let text = page.text();
        let name = "ripcord_unreadable_commands_total{worker=\"registry\"} ";
        text.lines().find_map(|line| line.strip_prefix(name)?.parse().ok()).unwrap_or(0_u64)
    };
    let mut world = World::new(registry(true), Like::Honest, 1);
    let to = world.topics.partition(Topic::Commands, 0);
    let value = br#"{"id": "of a later build"}"#.to_vec();
    world.writer.append(vec![Outgoing { to, key: None, headers: Vec::new(), value }]).unwrap();
    assert_eq!(unreadable(), 0);
    world.run_until_idle();
    assert_eq!(unreadable(), 1);
    world.fault();
    assert_eq!((world.production().as_str(), world.acts()), ("v2", 1));
}

#[test]
fn replaying_the_whole_command_topic_changes_nothing() {
    let mut world = World::new(registry(true), Like::Honest, 1);
    world.fault();
    world.minutes(90, 40, 1);
    let before = (world.production(), world.acts(), world.incident());
    let facts = world.shared.with(|registry| registry.facts().unwrap());
    let commands = world.commands();
    assert!(!commands.is_empty());
    for _ in 0..3 {
        world.answers.clear();
        world.writer.append(commands.clone()).unwrap();
        world.run_until_idle();
        assert_eq!(world.answers.len(), commands.len());
        assert_eq!(before, (world.production(), world.acts(), world.incident()));
        assert_eq!(facts, world.shared.with(|registry| registry.facts().unwrap()));
        world.pass(Span::from_s(900));
    }
}
