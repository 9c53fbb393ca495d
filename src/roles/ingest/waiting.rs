//! How much the lanes of a process may remember together, and who is told of it.
//!
//! A model's requests may lie in all lanes of its source, so its limit holds over all of them.
//! Bytes are limited over all sources: memory is the process's. A quarter more may be taken by
//! inputs of recent requests, in equal parts by every lane.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use super::Ingest;
use super::claimed::ClaimedLane;
use super::pipeline::LanePipeline;
use crate::edge::clock::Uptime;
use crate::edge::diagnostics::{self, counters, metrics};
use crate::measure::{Input, Lane, WaitingElsewhere};
use crate::model::{ModelId, Span};
use crate::phrases;

/// Inputs of recent requests may take this part of what waiting requests may, in addition to it.
const INPUTS: usize = 4;

/// Time between two looks at what all lanes remember.
const LOOK_EVERY: Span = Span::from_s(1);

/// The bytes that waiting requests of a process may take, shared by its sources.
#[derive(Debug, Clone)]
pub struct WaitingBytes {
    most: usize,
    used: Arc<AtomicUsize>,
}

impl WaitingBytes {
    /// Bytes for all who share it.
    #[must_use]
    pub fn new(most: usize) -> Self {
        Self { most, used: Arc::default() }
    }
}

/// What one source has told of itself.
#[derive(Debug)]
pub(super) struct WaitingShare {
    all: WaitingBytes,
    mine: usize,
    looked: Option<Uptime>,
    /// It was told that inputs are dropped early.
    told: bool,
    /// Models whose labels are not counted, as of then.
    stopped: BTreeSet<ModelId>,
}

impl WaitingShare {
    pub(super) fn new(all: WaitingBytes) -> Self {
        Self { all, mine: 0, looked: None, told: false, stopped: BTreeSet::new() }
    }

    /// What the other sources take, now that this one takes `mine`.
    fn others(&mut self, mine: usize) -> usize {
        self.all.used.fetch_add(mine, Ordering::Relaxed);
        let all = self.all.used.fetch_sub(self.mine, Ordering::Relaxed) - self.mine;
        self.mine = mine;
        all.saturating_sub(mine)
    }
}

/// A source that ends takes nothing any more.
impl Drop for WaitingShare {
    fn drop(&mut self) {
        self.all.used.fetch_sub(self.mine, Ordering::Relaxed);
    }
}

impl Ingest {
    /// Shares the memory for waiting requests with the other sources of the process.
    #[must_use]
    pub fn sharing(mut self, all: WaitingBytes) -> Self {
        self.waiting = WaitingShare::new(all);
        self
    }

    /// Models whose labels are not counted, because too many of their requests wait.
    pub fn stopped_joins(&self) -> &BTreeSet<ModelId> {
        &self.waiting.stopped
    }

    fn tell_refused(&mut self) {
        for (kind, count) in self.held.values_mut().flat_map(|lane| lane.take_refused()) {
            if count > 0 {
                let of =
                    vec![("source", self.source.id.to_string()), ("kind", kind.word().to_owned())];
                counters::add(metrics::UNPLACED, of, count);
            }
        }
    }

    fn tell_inputs(&mut self) {
        let of = || vec![("source", self.source.id.to_string())];
        let feeds = || self.held.values().flat_map(ClaimedLane::feeds);
        let bytes: usize = feeds().map(|feed| feed.lane().input_bytes()).sum();
        counters::set(metrics::INPUT_BYTES, of(), bytes as f64);
        let feeds = self.held.values_mut().flat_map(ClaimedLane::feeds_mut);
        let dropped = feeds.map(LanePipeline::take_dropped_inputs).sum();
        if dropped > 0 {
            counters::add(metrics::INPUTS_DROPPED, of(), dropped);
            if !std::mem::replace(&mut self.waiting.told, true) {
                diagnostics::inputs_dropped(&self.source.id, &phrases::bytes(bytes));
            }
        }
    }

    fn tell_metrics(&self, waiting: usize, bytes: usize) {
        let of = || vec![("source", self.source.id.to_string())];
        counters::set(metrics::WAITING, of(), waiting as f64);
        counters::set(metrics::WAITING_BYTES, of(), bytes as f64);
        counters::set(metrics::STOPPED_JOINS, of(), self.waiting.stopped.len() as f64);
    }

    /// Tells every lane what waits in the others, each second.
    pub(super) fn tell_waiting(&mut self) {
        let now = self.topics.log.uptime();
        if self.waiting.looked.is_some_and(|last| now - last < LOOK_EVERY) {
            return;
        }
        self.waiting.looked = Some(now);
        let mut models: BTreeMap<ModelId, usize> = BTreeMap::new();
        let mut bytes = 0;
        let mut stopped = BTreeSet::new();
        for held in self.held.values() {
            bytes += held.waiting_bytes();
            for (model, waiting) in held.remembering().waiting() {
                *models.entry(model.clone()).or_default() += waiting;
            }
            let lanes = held.feeds().map(LanePipeline::lane);
            stopped.extend(lanes.flat_map(Lane::stopped_joins).cloned());
        }
        self.waiting.stopped = stopped;
        self.tell_metrics(models.values().sum(), bytes);
        self.tell_inputs();
        let feeds = self.held.values().flat_map(ClaimedLane::feeds).count();
        let all = feeds * self.settings.known.len().max(1);
        let input_bytes = self.waiting.all.most / INPUTS / all.max(1);
        self.tell_refused();
        let others = self.waiting.others(bytes);
        for held in self.held.values_mut() {
            let mine = held.waiting_bytes();
            let mut elsewhere = models.clone();
            for (model, waiting) in held.remembering().waiting() {
                if let Some(all) = elsewhere.get_mut(model) {
                    *all -= waiting;
                }
            }
            held.feeds_mut().for_each(|feed| {
                feed.step(Input::Elsewhere(WaitingElsewhere {
                    models: &elsewhere,
                    bytes: others + bytes - mine,
                    most_bytes: self.waiting.all.most,
                    input_bytes,
                }))
            });
        }
    }
}
