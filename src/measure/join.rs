//! The memory in which outcomes meet predictions and versions meet each other.
//!
//! What it may forget follows from event time alone: an answer, once the watermark has passed
//! the pane in which its label horizon ends, for no open pane can be labelled by it any more; an
//! outcome without a prediction, once its own pane is closed. So a re-read of the horizon after a
//! restart finds the same labels again.
//!
//! Memory is capped twice: past `max_waiting` requests that lack their answer or their outcome
//! the model's join stops, loudly; of those that have both as many are kept, the oldest go
//! first (then a repeated outcome is no longer told from one without a prediction).

use std::collections::hash_map::Entry;
use std::collections::{BTreeMap, VecDeque};

use super::ledger::{Disposition, ReadPhase};
use super::names::{ByHash, KeyHash, ModelIx, VersionIx};
use super::panes::Panes;
use super::request::{JoinContext, Label, Remembered, Request, Scored};
use crate::model::{EventTime, Source, Span};

/// The memory of one model.
#[derive(Debug, Default)]
struct ModelJoin {
    requests: ByHash<KeyHash, Request>,
    /// Requests that lack their answer or their outcome.
    waiting: usize,
    /// Complete ones in the order in which they became so; may name forgotten ones.
    complete: VecDeque<KeyHash>,
    stopped: bool,
}

/// A model's join stopped or resumed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct JoinChange {
    pub(super) model: ModelIx,
    pub(super) stopped: bool,
    pub(super) waiting: usize,
}

/// The memory of all models of a lane.
#[derive(Debug)]
pub(super) struct Join {
    horizon: Span,
    cap: usize,
    models: BTreeMap<ModelIx, ModelJoin>,
    /// When answers may be forgotten: the end of the pane that their horizon ends in.
    expiring: BTreeMap<EventTime, Vec<(ModelIx, KeyHash)>>,
    /// Outcomes re-read before any prediction, whose panes a former life had closed.
    reread: Vec<(ModelIx, KeyHash)>,
    turns: Vec<JoinChange>,
    outcomes_waiting: u64,
    /// Records are being read again, in whatever order of topics: no cap holds until all are.
    rebuilding: bool,
}

impl Join {
    pub(super) fn new(source: &Source) -> Self {
        Self {
            horizon: source.label_horizon,
            cap: source.max_waiting,
            models: BTreeMap::new(),
            expiring: BTreeMap::new(),
            reread: Vec::new(),
            turns: Vec::new(),
            outcomes_waiting: 0,
            rebuilding: false,
        }
    }

    /// Records are about to be read again.
    pub(super) fn rebuild(&mut self) {
        self.rebuilding = true;
    }

    /// Outcomes that wait for a prediction.
    pub(super) fn outcomes_waiting(&self) -> u64 {
        self.outcomes_waiting
    }

    /// Joins that stopped or went on since this was last asked.
    pub(super) fn turns(&mut self) -> Vec<JoinChange> {
        std::mem::take(&mut self.turns)
    }

    /// A version answered; `actual`: the truth came with it.
    pub(super) fn answer(
        &mut self,
        (model, key): (ModelIx, KeyHash),
        answer: Scored,
        actual: Option<Label>,
        room: &mut JoinContext<'_>,
    ) -> Remembered {
        let ts = answer.ts;
        if self.stopped(model) || room.panes.passed(ts + self.horizon) {
            return Remembered::Not;
        }
        let remembered = self.with(model, key, |r| r.answer(answer, actual, room));
        if let Remembered::New { met } = remembered {
            self.outcomes_waiting -= u64::from(met);
            let expires = room.panes.end_of(ts + self.horizon);
            self.expiring.entry(expires).or_default().push((model, key));
            self.trim(model, room.panes);
        }
        remembered
    }

    /// The truth of a request became known.
    pub(super) fn outcome(
        &mut self,
        (model, key): (ModelIx, KeyHash),
        (ts, actual): (EventTime, Label),
        room: &mut JoinContext<'_>,
    ) -> Disposition {
        let open = room.panes.is_open(ts);
        if self.stopped(model) {
            return if open { Disposition::Unmatched } else { Disposition::Late };
        }
        let bucket = self.with(model, key, |r| r.outcome(ts, actual, room));
        if bucket == Disposition::Waiting {
            self.outcomes_waiting += 1;
            room.panes.wait(ts, room.at, model, key);
        } else if !open && room.at.phase != ReadPhase::Live && self.stray(model, key) {
            self.reread.push((model, key));
        }
        self.trim(model, room.panes);
        bucket
    }

    /// The versions that answered a request.
    pub(super) fn answered(&self, model: ModelIx, key: KeyHash) -> Vec<VersionIx> {
        let request = self.models.get(&model).and_then(|memory| memory.requests.get(&key));
        let answers = request.map(|request| request.answers.iter().map(|answer| answer.version));
        answers.into_iter().flatten().collect()
    }

    /// Whether the request's truth labels none of its answers, nor waits to.
    fn stray(&self, model: ModelIx, key: KeyHash) -> bool {
        let request = self.models.get(&model).and_then(|memory| memory.requests.get(&key));
        let Some((request, truth)) = request.and_then(|r| Some((r, r.truth?))) else {
            return false;
        };
        let horizon = self.horizon;
        !truth.waiting && !request.answers.iter().any(|a| truth.ts <= a.ts + horizon)
    }

    /// Everything was read again: an outcome whose pane was closed and whose prediction never
    /// came was forgotten by the former life, too.
    pub(super) fn caught_up(&mut self) {
        for (model, key) in std::mem::take(&mut self.reread) {
            if self.stray(model, key) {
                self.with(model, key, |request| request.truth = None);
            }
        }
        self.rebuilding = false;
        let models: Vec<ModelIx> = self.models.keys().copied().collect();
        models.into_iter().for_each(|model| self.turn(model));
    }

    /// The panes in which these outcomes waited are closed; how many met nothing.
    pub(super) fn give_up(&mut self, waiting: Vec<(ModelIx, KeyHash)>) -> u64 {
        let mut unmatched = 0;
        for (model, key) in waiting {
            unmatched += self.with(model, key, |request| {
                let waits = request.truth.is_some_and(|truth| truth.waiting);
                if waits {
                    request.truth = None;
                }
                u64::from(waits)
            });
        }
        self.outcomes_waiting -= unmatched;
        unmatched
    }

    /// Forgets what no open pane can need.
    pub(super) fn forget(&mut self, mark: EventTime, panes: &Panes) {
        while let Some(first) = self.expiring.first_entry().filter(|first| *first.key() <= mark) {
            let horizon = self.horizon;
            for (model, key) in first.remove() {
                self.with(model, key, |request| {
                    request.answers.retain(|answer| !panes.passed(answer.ts + horizon));
                    if request.answers.is_empty() {
                        request.truth = request.truth.filter(|truth| truth.waiting);
                    }
                });
            }
        }
    }

    pub(super) fn stopped(&self, model: ModelIx) -> bool {
        self.models.get(&model).is_some_and(|memory| memory.stopped)
    }

    /// Changes a request and keeps count: what is empty goes, what waits is counted.
    fn with<R>(
        &mut self,
        model: ModelIx,
        key: KeyHash,
        change: impl FnOnce(&mut Request) -> R,
    ) -> R {
        let memory = self.models.entry(model).or_default();
        // Whether it was counted as waiting, and whether it was complete.
        let ((lacked, was), answer, request) = match memory.requests.entry(key) {
            Entry::Occupied(mut entry) => {
                let was = entry.get().complete();
                let answer = change(entry.get_mut());
                ((!was, was), answer, entry)
            }
            Entry::Vacant(entry) => {
                let mut request = Request::default();
                let answer = change(&mut request);
                if request.is_empty() {
                    return answer;
                }
                ((false, false), answer, entry.insert_entry(request))
            }
        };
        let complete = request.get().complete();
        let gone = request.get().is_empty();
        if gone {
            request.remove();
        }
        let lacks = !complete && !gone;
        memory.waiting = memory.waiting + usize::from(lacks) - usize::from(lacked);
        if complete && !was {
            memory.complete.push_back(key);
        }
        self.turn(model);
        answer
    }

    /// Stops the model's join past the cap, and lets it go on below half of it.
    fn turn(&mut self, model: ModelIx) {
        let Some(memory) = self.models.get_mut(&model).filter(|_| !self.rebuilding) else {
            return;
        };
        let waiting = memory.waiting;
        let turns = if memory.stopped { waiting * 2 <= self.cap } else { waiting > self.cap };
        if turns {
            memory.stopped = !memory.stopped;
            self.turns.push(JoinChange { model, stopped: memory.stopped, waiting });
        }
    }

    /// Complete requests past the cap go, the oldest first, but for those still being counted.
    fn trim(&mut self, model: ModelIx, panes: &Panes) {
        let Some(memory) = self.models.get_mut(&model) else { return };
        while memory.complete.len() > self.cap {
            let Some(key) = memory.complete.front() else { return };
            let request = memory.requests.get(key).filter(|request| request.complete());
            if let Some(known) = request.and_then(Request::known_at) {
                if panes.is_open(known) {
                    return;
                }
                memory.requests.remove(key);
            }
            memory.complete.pop_front();
        }
    }
}
