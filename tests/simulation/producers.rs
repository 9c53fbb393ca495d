//! The producers of a simulated world: what they send, when, twice or too late.

use std::collections::BTreeMap;

use ripcord::edge::log::{Outgoing, Partition};
use ripcord::model::ModelId;

use crate::common::random::Random;
use crate::fault::Fault;
use crate::process::Site;
use crate::target::{PROVEN, SERVING, SharedRegistry};

/// The topic of telemetry.
pub(crate) const TELEMETRY: &str = "telemetry";
/// The topic of outcomes, in worlds where they have their own.
pub(crate) const OUTCOMES: &str = "outcomes";

/// When a world begins: a Thursday, at midnight.
pub(crate) const START_MS: i64 = 1_767_225_600_000;

/// Milliseconds between two requests of a model.
const EVERY_MS: i64 = 1500;

/// A model, and when it goes bad.
pub(crate) struct Model {
    pub(crate) id: ModelId,
    /// `None`: never.
    pub(crate) bad_from_ms: Option<i64>,
}

pub(crate) struct Producers {
    site: Site,
    random: Random,
    start_ms: i64,
    lanes: u32,
    /// Where outcomes go.
    outcomes: &'static str,
    sent_ms: i64,
    requests: u64,
    /// Records that are sent later, by when.
    later: BTreeMap<(i64, u64), Outgoing>,
    count: u64,
}

impl Producers {
    pub(crate) fn new(site: &Site, seed: u64, (lanes, outcomes): (u32, &'static str)) -> Self {
        Self {
            site: site.clone(),
            random: Random::new(seed ^ 0x5E4D),
            start_ms: START_MS,
            lanes,
            outcomes,
            sent_ms: 0,
            requests: 0,
            later: BTreeMap::new(),
            count: 0,
        }
    }

    /// Sends what falls before `until_ms` after the start.
    pub(crate) fn send(&mut self, until_ms: i64, models: &[Model], registry: &SharedRegistry) {
        while self.sent_ms < until_ms {
            for model in models {
                let version = registry.production(&model.id);
                self.request(model, &version);
            }
            self.sent_ms += EVERY_MS;
        }
        let due = self.later.split_off(&(until_ms, 0));
        let due: Vec<_> = std::mem::replace(&mut self.later, due).into_values().collect();
        self.count += due.len() as u64;
        if !due.is_empty() {
            self.site.broker.append(due).unwrap();
        }
    }

    /// How many records were sent.
    pub(crate) fn count(&self) -> u64 {
        self.count
    }

    /// One request: its answer, and now and then its outcome a little later.
    fn request(&mut self, model: &Model, version: &str) {
        self.requests += 1;
        let (at_ms, nth, name) = (self.sent_ms, self.requests, &model.id);
        let ts = self.start_ms + at_ms;
        let bad = version == SERVING && model.bad_from_ms.is_some_and(|from| at_ms >= from);
        debug_assert!(version == SERVING || version == PROVEN);
        let status = if self.random.chance(if bad { 0.7 } else { 0.01 }) { "error" } else { "ok" };
        let answer = format!(
            r#"{{"type":"prediction","id":"{nth}","request":"{nth}","model":"{name}","ts":{ts},
                "version":"{version}","status":"{status}","prediction":1,"latency_ms":20,
                "role":"live"}}"#
        );
        self.record(TELEMETRY, nth, at_ms, answer);
        if self.random.chance(0.2) {
            let at_ms = at_ms + 1000 + (self.random.bits() % 20_000) as i64;
            let ts = self.start_ms + at_ms;
            let outcome = format!(
                r#"{{"type":"outcome","request":"{nth}","model":"{name}","ts":{ts},"actual":1}}"#
            );
            self.record(self.outcomes, nth, at_ms, outcome);
        }
    }

    /// A record on its way: perhaps held up, and perhaps sent again.
    fn record(&mut self, topic: &str, nth: u64, at_ms: i64, line: String) {
        let lane = (nth % u64::from(self.lanes)) as u32;
        let mut at_ms = at_ms;
        if self.site.faults().strikes(Fault::Reorder) {
            // Mostly within the allowed disorder.
            let most = if self.random.chance(0.9) { 4000 } else { 40_000 };
            at_ms += (self.random.bits() % most) as i64;
        }
        if self.site.faults().strikes(Fault::Duplicate) {
            let again = at_ms + (self.random.bits() % 30_000) as i64;
            self.enqueue((topic, lane), again, line.clone());
        }
        if self.site.faults().strikes(Fault::Unreadable) {
            self.enqueue((topic, lane), at_ms, line[..line.len() / 3].to_owned());
        }
        self.enqueue((topic, lane), at_ms, line);
    }

    fn enqueue(&mut self, (topic, lane): (&str, u32), at_ms: i64, line: String) {
        let to = Partition { topic: topic.to_owned(), partition: lane };
        let record = Outgoing { to, key: None, headers: Vec::new(), value: line.into_bytes() };
        let nth = self.random.bits();
        self.later.insert((at_ms, nth), record);
    }
}
