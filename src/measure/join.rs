//! The memory in which outcomes meet predictions and versions meet each other.
//!
//! What it may forget follows from event time alone: an answer, once the watermark has passed
//! the pane in which its label horizon ends, for no open pane can be labelled by it any more; an
//! outcome without a prediction, once its own pane is closed. So a re-read of the horizon after a
//! restart finds the same labels again.
//!
//! Memory is capped three times. Past `max_waiting` requests of a model that lack their answer or
//! their outcome, counted over all lanes of the process, the model's join stops, loudly; past the
//! bytes that all may take, every join that remembers something does. Of the requests that have
//! both, as many are kept; the oldest go first (then a repeated outcome is no longer told from one
//! without a prediction).
//!
//! Over 300 lines: what is counted as waiting is counted in one place.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use super::api::{WaitingElsewhere, WaitingLimit};
use super::ledger::{Disposition, ReadPhase};
use super::names::{ModelIx, RequestKey, VersionIx};
use super::panes::Panes;
use super::request::{JoinContext, Label, Remembered, Request, Scored};
use super::slots::{SlotPlace, Slots};
use crate::model::{EventTime, ModelId, Source, Span};

/// The memory of one model.
#[derive(Debug, Default)]
struct ModelJoin {
    /// Requests that are remembered.
    held: usize,
    /// Those that lack their answer or their outcome.
    waiting: usize,
    /// That many wait in other lanes.
    elsewhere: usize,
    /// Complete ones in the order in which they became so; some may be gone.
    complete: VecDeque<SlotPlace>,
    stopped: bool,
}

/// A model's join stopped or resumed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct JoinChange {
    pub(super) model: ModelIx,
    /// What was full; none: it goes on.
    pub(super) stopped: Option<WaitingLimit>,
    pub(super) waiting: usize,
}

/// The memory of all models of a lane.
#[derive(Debug)]
pub(super) struct Join {
    horizon: Span,
    pane: Span,
    cap: usize,
    slots: Slots,
    models: BTreeMap<ModelIx, ModelJoin>,
    /// All lanes together take more bytes than they may: these.
    full: Option<usize>,
    /// Outcomes re-read before any prediction, whose panes a former life had closed.
    reread: Vec<(ModelIx, RequestKey)>,
    turns: Vec<JoinChange>,
    outcomes_waiting: u64,
    /// Records are being read again, in whatever order of topics: no cap holds until all are.
    rebuilding: bool,
    /// Scratch: the request being changed.
    request: Request,
}

impl Join {
    pub(super) fn new(source: &Source) -> Self {
        Self {
            horizon: source.label_horizon,
            pane: source.pane.max(Span::from_ms(1)),
            cap: source.max_waiting,
            slots: Slots::new(),
            models: BTreeMap::new(),
            full: None,
            reread: Vec::new(),
            turns: Vec::new(),
            outcomes_waiting: 0,
            rebuilding: false,
            request: Request::default(),
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

    /// Bytes that all requests take.
    pub(super) fn bytes(&self) -> usize {
        self.slots.bytes()
    }

    /// The models of which requests wait, and how many.
    pub(super) fn waiting(&self) -> impl Iterator<Item = (ModelIx, usize)> {
        let waiting = self.models.iter().filter(|(_, memory)| memory.waiting > 0);
        waiting.map(|(model, memory)| (*model, memory.waiting))
    }

    /// The models whose join is stopped.
    pub(super) fn stopped_models(&self) -> impl Iterator<Item = ModelIx> {
        self.models.iter().filter(|(_, memory)| memory.stopped).map(|(model, _)| *model)
    }

    /// What waits in the other lanes of this process.
    pub(super) fn elsewhere(
        &mut self,
        elsewhere: &WaitingElsewhere<'_>,
        name: impl Fn(ModelIx) -> ModelId,
    ) {
        let mine = self.bytes();
        let (used, most) = (elsewhere.bytes + mine, elsewhere.most_bytes);
        let least = if self.full.is_some() { most / 2 } else { most };
        self.full = (used > least).then_some(most);
        for (model, memory) in &mut self.models {
            memory.elsewhere = elsewhere.models.get(&name(*model)).copied().unwrap_or(0);
        }
        self.turn_all();
    }

    /// These models have left, and nothing of them waits.
    pub(super) fn forget_models(&mut self, models: &BTreeSet<ModelIx>) {
        debug_assert!(models.iter().all(|ix| self.models.get(ix).is_none_or(|m| m.held == 0)));
        self.models.retain(|model, _| !models.contains(model));
    }

    /// Joins that stopped or went on since this was last asked.
    pub(super) fn turns(&mut self) -> Vec<JoinChange> {
        std::mem::take(&mut self.turns)
    }

    /// A version answered; `actual`: the truth came with it.
    pub(super) fn answer(
        &mut self,
        of: (ModelIx, RequestKey),
        answer: Scored,
        actual: Option<Label>,
        room: &mut JoinContext<'_>,
    ) -> Remembered {
        if self.stopped(of.0) || room.panes.passed(answer.ts + self.horizon) {
            return Remembered::Not;
        }
        let remembered = self.with(of, |request| request.answer(answer, actual, room));
        if let Remembered::New { met } = remembered {
            self.outcomes_waiting -= u64::from(met);
            self.trim(of.0, room.panes);
        }
        remembered
    }

    /// The truth of a request became known.
    pub(super) fn outcome(
        &mut self,
        of: (ModelIx, RequestKey),
        (ts, actual): (EventTime, Label),
        room: &mut JoinContext<'_>,
    ) -> Disposition {
        let open = room.panes.is_open(ts);
        if self.stopped(of.0) {
            return if open { Disposition::Unmatched } else { Disposition::Late };
        }
        let bucket = self.with(of, |request| request.outcome(ts, actual, room));
        if bucket == Disposition::Waiting {
            self.outcomes_waiting += 1;
            room.panes.wait(ts, room.at, of.0, of.1);
        } else if !open && room.at.phase != ReadPhase::Live && self.stray(of.1) {
            self.reread.push(of);
        }
        self.trim(of.0, room.panes);
        bucket
    }

    /// What is remembered of a request.
    fn known(&self, key: RequestKey) -> Option<Request> {
        let mut request = Request::default();
        self.slots.read(self.slots.find(key)?, &mut request);
        Some(request)
    }

    /// The versions that answered a request.
    pub(super) fn answered(&self, key: RequestKey) -> Vec<VersionIx> {
        let answers = self.known(key).map(|request| request.answers).unwrap_or_default();
        answers.iter().map(|answer| answer.version).collect()
    }

    /// Whether the request's truth labels none of its answers, nor waits to.
    fn stray(&self, key: RequestKey) -> bool {
        let Some((request, truth)) = self.known(key).and_then(|r| Some((r.answers, r.truth?)))
        else {
            return false;
        };
        let horizon = self.horizon;
        !truth.waiting && !request.iter().any(|a| truth.ts <= a.ts + horizon)
    }

    /// Everything was read again: an outcome whose pane was closed and whose prediction never
    /// came was forgotten by the former life, too.
    pub(super) fn caught_up(&mut self) {
        for of in std::mem::take(&mut self.reread) {
            if self.stray(of.1) {
                self.with(of, |request| request.truth = None);
            }
        }
        self.rebuilding = false;
        self.turn_all();
    }

    /// The panes in which these outcomes waited are closed; the models of those that met nothing.
    pub(super) fn give_up(&mut self, mut waiting: Vec<(ModelIx, RequestKey)>) -> Vec<ModelIx> {
        waiting.retain(|of| {
            self.with(*of, |request| {
                let waits = request.truth.is_some_and(|truth| truth.waiting);
                if waits {
                    request.truth = None;
                }
                waits
            })
        });
        self.outcomes_waiting -= waiting.len() as u64;
        waiting.into_iter().map(|(model, _)| model).collect()
    }

    /// Forgets what no open pane can need.
    pub(super) fn forget(&mut self, mark: EventTime) {
        while let Some(place) = self.slots.expired(mark) {
            let (horizon, pane) = (self.horizon, self.pane);
            self.with(self.slots.owner(place), |request| {
                request.answers.retain(|answer| expiry(answer, horizon, pane) > mark);
                if request.answers.is_empty() {
                    request.truth = request.truth.filter(|truth| truth.waiting);
                }
            });
        }
    }

    pub(super) fn stopped(&self, model: ModelIx) -> bool {
        self.models.get(&model).is_some_and(|memory| memory.stopped)
    }

    /// When the first answer of the request at hand may be forgotten.
    fn expires(&self) -> Option<EventTime> {
        let (horizon, pane) = (self.horizon, self.pane);
        self.request.answers.iter().map(|answer| expiry(answer, horizon, pane)).min()
    }

    /// Changes a request and keeps count: what is empty goes, what waits is counted.
    fn with<R>(
        &mut self,
        (model, key): (ModelIx, RequestKey),
        change: impl FnOnce(&mut Request) -> R,
    ) -> R {
        self.request.answers.clear();
        self.request.truth = None;
        let known = self.slots.find(key);
        if let Some(place) = known {
            self.slots.read(place, &mut self.request);
        }
        let (expired, was) = (self.expires(), self.request.complete());
        let answer = change(&mut self.request);
        let (expires, complete) = (self.expires(), self.request.complete());
        let gone = self.request.is_empty();
        if gone && known.is_none() {
            return answer;
        }
        let place = known.unwrap_or_else(|| self.slots.add((model, key), &self.request));
        if expires != expired {
            expired.into_iter().for_each(|at| self.slots.unlink(place, at));
            expires.into_iter().for_each(|at| self.slots.link(place, at));
        }
        if gone {
            self.slots.remove(place);
        } else if known.is_some() {
            self.slots.write(place, &self.request);
        }
        let memory = self.models.entry(model).or_default();
        let lacked = known.is_some() && !was;
        let lacks = !complete && !gone;
        memory.waiting = memory.waiting + usize::from(lacks) - usize::from(lacked);
        memory.held = memory.held + usize::from(!gone) - usize::from(known.is_some());
        if complete && !was {
            memory.complete.push_back(place);
        }
        self.turn(model);
        answer
    }

    fn turn_all(&mut self) {
        let models: Vec<ModelIx> = self.models.keys().copied().collect();
        models.into_iter().for_each(|model| self.turn(model));
    }

    /// Stops the model's join past a cap, and lets it go on below half of it.
    fn turn(&mut self, model: ModelIx) {
        let Some(memory) = self.models.get_mut(&model).filter(|_| !self.rebuilding) else {
            return;
        };
        let waiting = memory.waiting + memory.elsewhere;
        let turns = match memory.stopped {
            true => waiting * 2 <= self.cap && self.full.is_none(),
            false => waiting > self.cap || self.full.is_some() && memory.held > 0,
        };
        if turns {
            memory.stopped = !memory.stopped;
            let limit = self.full.map_or(WaitingLimit::Requests(self.cap), WaitingLimit::Bytes);
            let stopped = memory.stopped.then_some(limit);
            self.turns.push(JoinChange { model, stopped, waiting });
        }
    }

    /// Complete requests past the cap go, the oldest first, but for those still being counted.
    fn trim(&mut self, model: ModelIx, panes: &Panes) {
        loop {
            let Some(memory) = self.models.get_mut(&model) else { return };
            let Some(place) = memory.complete.front().filter(|_| memory.complete.len() > self.cap)
            else {
                return;
            };
            let place = *place;
            let known = self.slots.holds(place).then(|| {
                let mut request = Request::default();
                self.slots.read(place, &mut request);
                request
            });
            let known = known.filter(Request::complete);
            if known.as_ref().and_then(Request::known_at).is_some_and(|at| panes.is_open(at)) {
                return;
            }
            memory.complete.pop_front();
            if known.is_some() {
                self.with(self.slots.owner(place), |request| *request = Request::default());
            }
        }
    }
}

/// When an answer may be forgotten: the end of the pane in which its horizon ends.
fn expiry(answer: &Scored, horizon: Span, pane: Span) -> EventTime {
    (answer.ts + horizon).floor(pane) + pane
}
