//! One request: what versions answered, and what was true.
//!
//! Law: what is counted depends on event times, not on what came first. A truth labels an answer
//! if it was known within the label horizon of it and its own pane is open. Two labelled answers
//! are a pair, in the pane of the later truth; two answers given within [`TOGETHER`] compare
//! their inputs, in the pane of the later answer. Each once.

use xxhash_rust::xxh3::xxh3_64;

use super::inputs::{InputsPlace, RecentInputs, TOGETHER};
use super::ledger::{Disposition, ReadPhase, RecordPlace};
use super::names::{InputsOf, VersionIx};
use super::panes::Panes;
use super::places::Names;
use crate::model::{EventTime, SampleRole, Span, Value};

/// Versions of a model remembered for one request; more are measured alone, without labels.
pub(super) const MAX_ANSWERS: usize = 8;

/// A label in few bytes, which are equal if the labels are: a text is its hash. It is only ever
/// compared with the truth of the same request, so 64 bits do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Label {
    pub(super) number: bool,
    pub(super) bits: u64,
}

impl Label {
    pub(super) fn of(value: &Value<'_>) -> Self {
        match value {
            // Adding 0 makes the two zeros one.
            Value::Number(number) => Self { number: true, bits: (number + 0.0).to_bits() },
            Value::Text(text) => Self { number: false, bits: xxh3_64(text.as_bytes()) },
        }
    }
}

impl Label {
    /// Whether an answer is right. `None`: one is a number and the other a text, so that nobody
    /// can say.
    pub(super) fn agrees(self, truth: Self) -> Option<bool> {
        (self.number == truth.number).then_some(self.bits == truth.bits)
    }
}

/// What a version answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Scored {
    pub(super) version: VersionIx,
    pub(super) role: SampleRole,
    pub(super) ts: EventTime,
    pub(super) value: Label,
    pub(super) inputs: InputsPlace,
    /// When the truth was known, and whether the answer was right, if that can be said.
    pub(super) label: Option<(EventTime, Option<bool>)>,
}

/// What was true.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Truth {
    pub(super) ts: EventTime,
    pub(super) actual: Label,
    /// No prediction has met it yet.
    pub(super) waiting: bool,
}

/// The result for an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Remembered {
    /// It is remembered; `met`: an outcome had waited for it.
    New { met: bool },
    /// This version has answered this request before.
    Repeat,
    /// The join is stopped, the request has all the versions it may have, or it is too old.
    Not,
}

/// The part of the lane that a request adds to, and its limits.
pub(super) struct JoinContext<'a> {
    pub(super) panes: &'a mut Panes,
    pub(super) names: &'a Names,
    pub(super) inputs: &'a RecentInputs,
    pub(super) at: &'a RecordPlace,
    pub(super) horizon: Span,
    pub(super) categories: usize,
}

impl JoinContext<'_> {
    /// Whether a truth known at `known` may label an answer given at `given`.
    fn in_time(&self, known: EventTime, given: EventTime) -> bool {
        known <= given + self.horizon
    }

    /// The two in the order of their names.
    fn ordered(&self, a: VersionIx, b: VersionIx) -> bool {
        self.names.version_name(a).1 < self.names.version_name(b).1
    }
}

/// One request of one model.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Request {
    pub(super) answers: Vec<Scored>,
    pub(super) truth: Option<Truth>,
}

impl Request {
    /// It has an answer, and none waits for the truth.
    pub(super) fn complete(&self) -> bool {
        let known = self.truth.is_some_and(|truth| !truth.waiting);
        !self.answers.is_empty() && (known || self.answers.iter().all(|a| a.label.is_some()))
    }

    /// When the last of its truths was known.
    pub(super) fn known_at(&self) -> Option<EventTime> {
        let labels = self.answers.iter().filter_map(|answer| Some(answer.label?.0));
        labels.chain(self.truth.map(|truth| truth.ts)).max()
    }

    /// Nothing is known of it.
    pub(super) fn is_empty(&self) -> bool {
        self.answers.is_empty() && self.truth.is_none()
    }

    /// A version answered; `actual`: the truth came with it, and the caller counts its label.
    pub(super) fn answer(
        &mut self,
        new: Scored,
        actual: Option<Label>,
        room: &mut JoinContext<'_>,
    ) -> Remembered {
        let twin = |a: &Scored| a.version == new.version && apart(a.ts, new.ts) <= room.horizon;
        if self.answers.iter().any(twin) {
            return Remembered::Repeat;
        }
        if self.answers.len() >= MAX_ANSWERS {
            return Remembered::Not;
        }
        for other in &self.answers {
            compare(other, &new, room);
        }
        let (ts, value) = (new.ts, new.value);
        let index = self.answers.len();
        self.answers.push(new);
        let truth = self.truth.as_mut().filter(|truth| room.in_time(truth.ts, ts));
        let met = truth.is_some_and(|truth| std::mem::take(&mut truth.waiting));
        match actual {
            None => self.label_answer(index, value, room),
            Some(actual) => self.label_inline(index, actual, room),
        }
        Remembered::New { met }
    }

    fn label_answer(&mut self, index: usize, value: Label, room: &mut JoinContext<'_>) {
        let Some(truth) = self.truth else { return };
        let given = self.answers.get(index).map(|answer| answer.ts);
        if given.is_some_and(|given| room.in_time(truth.ts, given)) && room.panes.is_open(truth.ts)
        {
            self.count_label(index, truth.ts, value.agrees(truth.actual), room);
        }
    }

    /// The truth that came with an answer is that answer's alone.
    fn label_inline(&mut self, index: usize, actual: Label, room: &mut JoinContext<'_>) {
        let own = self.answers.get(index).map(|answer| (answer.ts, answer.value.agrees(actual)));
        if let Some((ts, right)) = own {
            self.set_label(index, ts, right, room);
        }
    }

    /// The truth became known.
    pub(super) fn outcome(
        &mut self,
        ts: EventTime,
        actual: Label,
        room: &mut JoinContext<'_>,
    ) -> Disposition {
        let met = self.answers.iter().any(|a| room.in_time(ts, a.ts));
        let known = |truth: Truth| truth.waiting || apart(truth.ts, ts) <= room.horizon;
        let known = self.truth.is_some_and(known);
        if !room.panes.is_open(ts) {
            // Too late to count, but known: a second one is not the first. On a re-read the
            // prediction may stand in a topic that comes after; see `Join::caught_up`.
            if !known && (met || room.at.phase != ReadPhase::Live) {
                self.truth = Some(Truth { ts, actual, waiting: false });
            }
            return Disposition::Late;
        }
        if known {
            return Disposition::Duplicate;
        }
        self.truth = Some(Truth { ts, actual, waiting: !met });
        if !met {
            return Disposition::Waiting;
        }
        self.label_all(room);
        Disposition::Measured
    }

    /// Labels every answer that has none yet, where the truth allows.
    fn label_all(&mut self, room: &mut JoinContext<'_>) {
        for index in 0..self.answers.len() {
            let bare = self.answers.get(index).filter(|a| a.label.is_none()).map(|a| a.value);
            if let Some(value) = bare {
                self.label_answer(index, value, room);
            }
        }
    }

    fn count_label(
        &mut self,
        index: usize,
        ts: EventTime,
        right: Option<bool>,
        room: &mut JoinContext<'_>,
    ) {
        if let Some(answer) = self.answers.get(index) {
            let sums = room.panes.version(ts, room.at, answer.version, answer.role);
            sums.label(right);
            let delay = u64::try_from((ts - answer.ts).as_ms() / 1000).unwrap_or(0);
            sums.label_delay_s = sums.label_delay_s.saturating_add(delay);
        }
        self.set_label(index, ts, right, room);
    }

    /// Sets the label and counts the pairs that it completes.
    fn set_label(
        &mut self,
        index: usize,
        ts: EventTime,
        right: Option<bool>,
        room: &mut JoinContext<'_>,
    ) {
        let Some((version, given)) = self.answers.get(index).map(|a| (a.version, a.ts)) else {
            return;
        };
        for other in self.answers.iter().filter(|other| other.version != version) {
            let Some((known, Some(other_right))) = other.label else { continue };
            let Some(right) = right else { continue };
            let pane = known.max(ts);
            let in_time = room.in_time(pane, given) && room.in_time(pane, other.ts);
            if !in_time || !room.panes.is_open(pane) {
                continue;
            }
            let at = room.at;
            if room.ordered(version, other.version) {
                let pair = room.panes.pair(pane, at, (version, other.version));
                pair.count(right, other_right);
            } else {
                let pair = room.panes.pair(pane, at, (other.version, version));
                pair.count(other_right, right);
            }
        }
        if let Some(answer) = self.answers.get_mut(index) {
            answer.label = Some((ts, right));
        }
    }
}

/// Counts the inputs that both recorded.
fn compare(x: &Scored, y: &Scored, room: &mut JoinContext<'_>) {
    let pane = x.ts.max(y.ts);
    let near = x.version != y.version && apart(x.ts, y.ts) <= TOGETHER.min(room.horizon);
    if !near || !room.panes.is_open(pane) {
        return;
    }
    let (a, b) = if room.ordered(x.version, y.version) { (x, y) } else { (y, x) };
    let left = room.inputs.at(a.ts, a.inputs, room.panes);
    let mut right = room.inputs.at(b.ts, b.inputs, room.panes).peekable();
    for (feature, of_a) in left {
        while right.next_if(|(other, _)| *other < feature).is_some() {}
        let Some((_, of_b)) = right.next_if(|(other, _)| *other == feature) else { continue };
        room.panes.pair(pane, room.at, (a.version, b.version));
        for (of, with, value) in [(a, b, of_a), (b, a, of_b)] {
            let of = InputsOf::Shared(of.version, with.version);
            if let Some(grids) = room.panes.features(pane, of) {
                value.count(grids.entry(feature).or_default(), room.categories);
            }
        }
    }
}

fn apart(a: EventTime, b: EventTime) -> Span {
    if a > b { a - b } else { b - a }
}
