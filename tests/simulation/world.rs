//! A simulated world: two processes of each role on one log, producers and a registry, in virtual
//! time.

use std::collections::BTreeMap;
use std::sync::{Arc, LazyLock};

use ripcord::config::{Config, IngestSettings, InstructionKeys, rules_hash};
use ripcord::edge::log::Topic;
use ripcord::model::{Incident, IncidentState, ModelId, RuleSet, Source, Span, TopicRule};
use ripcord::shard::Shard;
use ripcord::topics::Topics;

use crate::common::pipeline;
use crate::common::random::Random;
use crate::fault::{Fault, Faults, Tally};
use crate::process::{Process, Site};
use crate::producers::{Model, OUTCOMES, Producers, START_MS, TELEMETRY};
use crate::slot::{Makings, RoleKind, Slot};
use crate::target::SharedRegistry;

/// Virtual milliseconds between two rounds.
const STEP_MS: i64 = 3000;
/// When everything must have settled once the faults are over.
const SETTLED_WITHIN_MS: i64 = 45 * 60_000;

static RULES: LazyLock<(RuleSet, Source, IngestSettings)> = LazyLock::new(|| {
    let (mut rules, config): (RuleSet, Config) = pipeline::rules();
    let policy = &mut rules.default.policy;
    policy.verify_samples = 60;
    policy.verify_after_minutes = Span::from_s(120);
    policy.resolve_after = Span::from_s(60);
    rules.hash = rules_hash(&rules);
    let mut source = config.settings.sources[0].clone();
    source.label_horizon = Span::from_s(120);
    let settings = IngestSettings { known: vec![source.id.clone()], ..config.settings.ingest };
    (rules, source, settings)
});

/// What a world is made to do wrong, so that the oracle can be seen to notice.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Defect {
    None,
    /// The target carries out every command twice.
    AppliesTwice,
    /// The log loses a record that it has acknowledged.
    LosesTelemetry,
    /// The log takes back a decision of a transaction.
    LosesOutput,
}

pub(crate) struct World {
    pub(crate) site: Site,
    pub(crate) makings: Makings,
    pub(crate) models: Vec<Model>,
    pub(crate) slots: Vec<Slot>,
    producers: Producers,
    random: Random,
    defect: Defect,
    now_ms: i64,
    next_id: u64,
    clock_ahead_s: i64,
    /// Whether each record is measured alike in every life of its lane. What a lane has learned of
    /// lags starts again with each, and of two topics one or the other is read first; then a
    /// record that comes late may be late, a duplicate or in time. Where any past counts as long,
    /// labels are lost until it has been read again.
    pub(crate) exact: bool,
}

impl World {
    /// The world of a seed, with its faults.
    pub(crate) fn of(seed: u64, defect: Defect) -> Self {
        Self::with(seed, defect, Faults::of(seed))
    }

    pub(crate) fn with(seed: u64, defect: Defect, faults: Faults) -> Self {
        let mut random = Random::new(seed);
        let mut upto = |most: u64| (random.bits() % most) as u32 + 1;
        let (lanes, shards, models) = (upto(3), upto(3), upto(2));
        let site = Site::new(START_MS, faults);
        let (rules, source, settings) = &*RULES;
        let outside = Arc::new(Process::new(&Site::new(START_MS, Faults::none()), 0));
        let topics = Topics {
            log: outside,
            namespace: rules.namespace.clone(),
            shards,
            keys: InstructionKeys::default(),
        };
        let models: Vec<Model> = (0..models)
            .map(|nth| {
                let id = ModelId::new(&format!("model-{nth}-{}", seed % 7)).unwrap();
                let bad = random.chance(0.6) || defect == Defect::AppliesTwice;
                let bad_from_ms = bad.then_some(180_000 + (random.bits() % 240_000) as i64);
                Model { id, bad_from_ms }
            })
            .collect();
        let ids: Vec<_> = models.iter().map(|model| model.id.clone()).collect();
        let registry = SharedRegistry::new(&site, &ids, defect == Defect::AppliesTwice);
        let (mut source, mut settings) = (source.clone(), settings.clone());
        let (two_topics, learns) = (random.chance(0.3), random.chance(0.3));
        let outcomes = if two_topics { OUTCOMES } else { TELEMETRY };
        if two_topics {
            let rule = TopicRule { name: OUTCOMES.to_owned(), ..source.topics[0].clone() };
            source.topics.push(rule);
            site.broker.create(OUTCOMES, lanes, false);
        }
        if !learns {
            source.max_skew = Span::ZERO;
        }
        let long_past = seed % 4 == 2;
        if long_past {
            settings.reread_first = 0;
        }
        let exact = !two_topics && !learns && !long_past;
        let producers = Producers::new(&site, seed, (lanes, outcomes));
        let makings = Makings { site: site.clone(), topics, source, settings, registry };
        site.broker.create(TELEMETRY, lanes, false);
        let kinds = [RoleKind::Ingest, RoleKind::Decide, RoleKind::Work];
        let slots = kinds.into_iter().flat_map(|kind| [kind, kind]);
        let slots = slots.map(|kind| Slot::new(kind, &site)).collect();
        let (now_ms, next_id, clock_ahead_s) = (0, 0, 0);
        let world = Self {
            site,
            makings,
            models,
            slots,
            producers,
            random,
            defect,
            now_ms,
            next_id,
            clock_ahead_s,
            exact,
        };
        world.outside().create(rules).unwrap();
        world
    }

    /// The topics as somebody sees them whom no fault strikes.
    pub(crate) fn outside(&self) -> Topics {
        let calm = Process::new(&self.site.without_faults(), 0);
        Topics { log: Arc::new(calm), ..self.makings.topics.clone() }
    }

    /// Runs to the end: a storm, calm until all has settled, and what is left to read.
    pub(crate) fn run(&mut self) {
        let storm_ms = 540_000 + (self.random.bits() % 120_000) as i64;
        while self.now_ms < storm_ms {
            self.disturb();
            self.round(true);
        }
        self.calm();
        while self.now_ms < 720_000 || !self.settled() {
            let over = self.now_ms > storm_ms + SETTLED_WITHIN_MS;
            assert!(!over, "stuck after {} s: {:#?}", self.now_ms / 1000, self.incidents().last());
            self.round(true);
        }
        self.damage();
        for _ in 0..40 {
            self.round(false);
        }
        let mut idle = 0;
        for _ in 0..2000 {
            idle = if self.turns() { idle + 1 } else { 0 };
            if idle == 3 {
                return;
            }
        }
        panic!("it never comes to rest");
    }

    /// No more faults: all processes are there.
    pub(crate) fn calm(&mut self) {
        self.site.faults().cease();
        self.slots.iter_mut().for_each(Slot::return_now);
    }

    /// What strikes a world as a whole.
    fn disturb(&mut self) {
        let namespace = &self.makings.topics.namespace;
        for role in ["ingest.telemetry", "decide", "work.registry"] {
            let group = format!("ripcord.{namespace}.{role}");
            let mut faults = self.site.faults();
            let fault = faults.first(&[Fault::RebalanceInOrder, Fault::RebalanceAtOnce]);
            drop(faults);
            if let Some(fault) = fault {
                let abrupt = fault == Fault::RebalanceAtOnce;
                self.site.broker.lock().groups.shift(&group, abrupt);
            }
        }
        let step = self.site.faults().first(&[Fault::ClockForward, Fault::ClockBack]);
        if let Some(fault) = step {
            let s = self.site.faults().between(1, 90);
            let s = if fault == Fault::ClockForward { s } else { -s };
            // The deadlines of a rollback are minutes: no step may eat them up.
            if (self.clock_ahead_s + s).abs() <= 120 {
                self.clock_ahead_s += s;
                self.site.clock.step(s * 1000);
            }
        }
        if self.site.faults().strikes(Fault::KillAll) {
            self.slots.iter_mut().for_each(Slot::kill);
        }
        self.slots.iter_mut().for_each(Slot::disturb);
    }

    /// Time passes, records come, and all roles take turns in some order.
    pub(crate) fn round(&mut self, sending: bool) {
        self.site.clock.pass(STEP_MS);
        self.now_ms += STEP_MS;
        let models = if sending { &self.models[..] } else { &[] };
        self.producers.send(self.now_ms, models, &self.makings.registry);
        for _ in 0..8 {
            if self.turns() {
                break;
            }
        }
    }

    /// A turn of each role, in some order. Whether nobody had anything to do.
    fn turns(&mut self) -> bool {
        let (a, b) = (self.random.bits(), self.random.bits());
        let count = self.slots.len() as u64;
        self.slots.swap((a % count) as usize, (b % count) as usize);
        let mut idle = true;
        for slot in &mut self.slots {
            idle &= slot.turn(&self.makings, &mut self.next_id);
        }
        idle
    }

    fn damage(&mut self) {
        let lane = ripcord::edge::log::Partition { topic: TELEMETRY.to_owned(), partition: 0 };
        match self.defect {
            Defect::None | Defect::AppliesTwice => {}
            Defect::LosesTelemetry => self.site.broker.lose_last(&lane),
            Defect::LosesOutput => {
                let all = self.site.broker.all(&self.makings.topics.topic(Topic::Decisions));
                self.site.broker.lose_last(&all.first().unwrap().0);
            }
        }
    }

    /// Every rollback that was begun has ended, and every fault was rolled back.
    fn settled(&self) -> bool {
        let mut last: BTreeMap<String, Incident> = BTreeMap::new();
        for incident in self.incidents() {
            last.insert(incident.id.to_string(), incident);
        }
        let rolled = |incident: &&Incident| incident.generation.is_some();
        let ended = last.values().filter(rolled).all(|i| i.state == IncidentState::Resolved);
        let mut bad = self.models.iter().filter(|model| model.bad_from_ms.is_some());
        let all = bad.all(|m| last.values().filter(rolled).any(|i| i.model == m.id));
        ended && all
    }

    /// What was told of incidents, in the order of each shard.
    pub(crate) fn incidents(&self) -> Vec<Incident> {
        let all = self.site.broker.all(&self.makings.topics.topic(Topic::Incidents));
        all.iter().map(|(_, record)| serde_json::from_slice(&record.value).unwrap()).collect()
    }

    /// The shards as their owners have them.
    pub(crate) fn shards(&self) -> Vec<&Shard> {
        let deciding = self.slots.iter().filter_map(Slot::decide);
        deciding.flat_map(|decide| decide.shards().map(|(_, shard)| shard)).collect()
    }

    /// How many records were sent.
    pub(crate) fn sent(&self) -> u64 {
        self.producers.count()
    }

    /// How often each fault struck.
    pub(crate) fn tally(&self) -> Tally {
        self.site.faults().tally.clone()
    }
}
