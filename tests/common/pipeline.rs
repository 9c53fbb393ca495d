//! The roles that measure, decide and roll back, in turn on one thread, on any log.

use std::collections::BTreeMap;
use std::time::Duration;

use ripcord::config::{Config, IngestSettings, rules_hash};
use ripcord::edge::log::{Outgoing, Partition, Topic};
use ripcord::model::{
    Incident, Limit, Mode, RuleSet, Signal, Source, SourceId, Span, Stage, TargetId, TargetRule,
};
use ripcord::roles::decide::Decide;
use ripcord::roles::ingest::Ingest;
use ripcord::roles::work::Work;
use ripcord::targets::registry::ShadowRegistry;
use ripcord::topics::Topics;

/// The roles, and the sources that they read: one topic each, of one partition.
pub struct Pipeline {
    topics: Topics,
    settings: IngestSettings,
    sources: Vec<Source>,
    ingests: Vec<Option<Ingest>>,
    decide: Option<Decide>,
    work: Work,
    /// Records that were read.
    pub read: u64,
}

/// The shipped rules in mode act, with buckets that suit a stream of forty minutes.
pub fn rules() -> (RuleSet, Config) {
    let config = Config::load(&[], &BTreeMap::new()).unwrap();
    let mut rules = config.rules.clone();
    let id = TargetId::new("registry").unwrap();
    rules.default.targets = vec![TargetRule { id, stage: Stage::Registry, authority: true }];
    rules.default.mode = Mode::Act;
    for trigger in &mut rules.default.triggers {
        let short =
            trigger.signal == Signal::Accuracy && !matches!(trigger.limit, Limit::Psi { .. });
        if short {
            trigger.bucket = Span::from_s(60);
        }
    }
    rules.hash = rules_hash(&rules);
    (rules, config)
}

impl Pipeline {
    /// Creates the topics; `sources` are names, each of a topic of that name with this prefix.
    pub fn start(topics: Topics, prefix: &str, sources: &[&str], registry: &str) -> Self {
        let (rules, config) = rules();
        topics.create(&rules).unwrap();
        let ids: Vec<_> = sources.iter().map(|name| SourceId::new(name).unwrap()).collect();
        let settings = IngestSettings { known: ids.clone(), ..config.settings.ingest };
        let shipped = &config.settings.sources[0];
        let sources: Vec<_> = ids
            .into_iter()
            .map(|id| {
                let mut source = Source { id, ..shipped.clone() };
                source.topics[0].name = format!("{prefix}{}", source.id);
                topics.log.create(&source.topics[0].name, 1, false).unwrap();
                source
            })
            .collect();
        let id = TargetId::new("registry").unwrap();
        let registry = ShadowRegistry::read(id.clone(), registry).unwrap();
        let work = Work::new(topics.clone(), id, Box::new(registry), Span::from_s(1)).unwrap();
        let decide = Some(Decide::new(topics.clone()).unwrap());
        let mut begun =
            Self { topics, settings, sources, ingests: Vec::new(), decide, work, read: 0 };
        (0..begun.sources.len()).for_each(|_| begun.ingests.push(None));
        (0..begun.sources.len()).for_each(|nth| begun.begin(nth));
        begun
    }

    /// Where a source's telemetry is.
    pub fn partition(&self, source: &str) -> Partition {
        let nth = self.nth(source);
        Partition { topic: self.sources[nth].topics[0].name.clone(), partition: 0 }
    }

    /// A record for a source.
    pub fn record(&self, source: &str, line: String) -> Outgoing {
        let to = self.partition(source);
        Outgoing { to, key: None, headers: Vec::new(), value: line.into_bytes() }
    }

    fn nth(&self, source: &str) -> usize {
        self.sources.iter().position(|of| of.id.as_str() == source).unwrap()
    }

    fn begin(&mut self, nth: usize) {
        let (topics, source) = (self.topics.clone(), self.sources[nth].clone());
        self.ingests[nth] = Some(Ingest::new(topics, source, self.settings.clone()).unwrap());
    }

    /// Starts to measure a source again.
    pub fn resume(&mut self, source: &str) {
        self.begin(self.nth(source));
    }

    /// Stops measuring a source, in order.
    pub fn pause(&mut self, source: &str) {
        let nth = self.nth(source);
        self.ingests[nth].take().unwrap().stop().unwrap();
    }

    /// Whether what the log holds of a source was read to its end, so that it is known to rest.
    pub fn caught_up(&self, source: &str) -> bool {
        self.ingests[self.nth(source)].as_ref().is_some_and(Ingest::caught_up)
    }

    /// Every role takes a turn. Whether all of them had nothing to do.
    pub fn turn(&mut self) -> bool {
        let mut idle = true;
        for ingest in self.ingests.iter_mut().flatten() {
            let turn = ingest.turn(Duration::ZERO).unwrap();
            self.read += turn.records;
            idle &= turn.idle;
        }
        idle &= self.decide.as_mut().unwrap().turn(Duration::ZERO).unwrap().idle;
        idle && self.work.turn(Duration::ZERO).unwrap().idle
    }

    /// What decides.
    pub fn decide(&self) -> &Decide {
        self.decide.as_ref().unwrap()
    }

    /// Decide tells its numbers.
    pub fn tell(&mut self) {
        self.decide.as_mut().unwrap().publish_status().unwrap();
    }

    /// Another process decides from now on.
    pub fn decide_again(&mut self) {
        self.decide = None;
        self.decide = Some(Decide::new(self.topics.clone()).unwrap());
    }

    /// Records that decide has heard of.
    pub fn heard(&self) -> u64 {
        let all = self.decide().status().into_iter().flat_map(|status| status.records);
        let mut most = BTreeMap::new();
        // Each shard hears of every source, one sooner than the other.
        for (source, counters) in all {
            let read = most.entry(source).or_insert(counters.read);
            *read = counters.read.min(*read);
        }
        most.values().sum()
    }

    /// What was told of incidents, in order.
    pub fn incidents(&self) -> Vec<Incident> {
        let of = |shard| self.topics.partition(Topic::Incidents, shard);
        let all = (0..self.topics.shards).map(of);
        let records = all.flat_map(|at| self.topics.log.scan(&at, 0, usize::MAX).unwrap());
        records.map(|record| serde_json::from_slice(&record.value).unwrap()).collect()
    }
}
