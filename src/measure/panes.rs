//! Fixed intervals of event time and the sums in them.
//!
//! Law: a pane is open until the watermark passes its end; only open panes are added to. A cell
//! of a closed pane is sent once more with the next frame, then forgotten.

mod send;

use std::collections::BTreeMap;

use super::ledger::{ReadPhase, RecordPlace};
use super::names::{FeatureIx, Hashes, InputsOf, KeyHash, ModelIx, RequestKey, VersionIx};
use crate::model::{EventTime, LogTime, SampleRole, Span};
use crate::sums::{Grid, Losses, PairTable, VersionSums};

/// The least time between two sendings of a cell whose bad counts did not change.
const RESEND: Span = Span::from_s(1);

/// Sums, and what was last said of them.
#[derive(Debug, Default)]
struct Cell<T> {
    sums: T,
    changed: bool,
    sent: Option<LogTime>,
    bad_sent: u64,
}

impl<T> Cell<T> {
    /// Whether it goes with this frame; if it must wait, until when.
    fn due(&mut self, now: LogTime, closed: bool, bad: u64, wait: &mut Option<LogTime>) -> bool {
        if !self.changed {
            return false;
        }
        let free = self.sent.map_or(LogTime::MIN, |sent| sent + RESEND);
        if closed || bad != self.bad_sent || now >= free {
            (self.changed, self.sent, self.bad_sent) = (false, Some(now), bad);
            return true;
        }
        *wait = Some(wait.map_or(free, |w| w.min(free)));
        false
    }
}

#[derive(Debug)]
struct Pane {
    versions: BTreeMap<(VersionIx, SampleRole), Cell<VersionSums>>,
    pairs: BTreeMap<(VersionIx, VersionIx), Cell<PairTable>>,
    /// Sent when the pane has closed.
    features: BTreeMap<InputsOf, BTreeMap<FeatureIx, Grid>>,
    /// What was lost of nobody knows which version, by model if that is known.
    unknown: BTreeMap<Option<ModelIx>, Cell<Losses>>,
    /// Ids counted here that the join does not remember.
    seen: Hashes,
    /// Requests whose outcome waits here for a prediction.
    waiting: Vec<(ModelIx, RequestKey)>,
    /// Per topic, the first position that feeds it, and the newest event before that.
    first: Vec<Option<(i64, Option<EventTime>)>>,
    changed: bool,
}

impl Pane {
    fn new(topics: usize) -> Self {
        Self {
            versions: BTreeMap::new(),
            pairs: BTreeMap::new(),
            features: BTreeMap::new(),
            unknown: BTreeMap::new(),
            seen: Hashes::default(),
            waiting: Vec::new(),
            first: vec![None; topics],
            changed: false,
        }
    }

    fn feed(&mut self, at: &RecordPlace) {
        if at.phase == ReadPhase::Rebuild {
            return;
        }
        if let Some(first) = self.first.get_mut(at.topic)
            && first.is_none_or(|(position, _)| at.position < position)
        {
            *first = Some((at.position, at.newest_before));
        }
    }
}

/// All panes of a lane that are open or not yet sent for the last time.
#[derive(Debug)]
pub(super) struct Panes {
    span: Span,
    topics: usize,
    mark: Option<EventTime>,
    open: BTreeMap<EventTime, Pane>,
    closed: BTreeMap<EventTime, Pane>,
    /// Sums in closed panes.
    unsent: usize,
}

impl Panes {
    pub(super) fn new(span: Span, topics: usize) -> Self {
        let span = span.max(Span::from_ms(1));
        let (open, closed) = Default::default();
        Self { span, topics, mark: None, open, closed, unsent: 0 }
    }

    /// The end of the pane that holds `ts`.
    pub(super) fn end_of(&self, ts: EventTime) -> EventTime {
        ts.floor(self.span) + self.span
    }

    /// The end of the last open pane. `None` if none is open.
    pub(super) fn end_of_last(&self) -> Option<EventTime> {
        self.open.last_key_value().map(|(start, _)| *start + self.span)
    }

    /// Whether the pane that holds `ts` is open.
    pub(super) fn is_open(&self, ts: EventTime) -> bool {
        self.mark.is_none_or(|mark| self.end_of(ts) > mark)
    }

    /// Whether the watermark has passed the pane that holds `ts`.
    pub(super) fn passed(&self, ts: EventTime) -> bool {
        !self.is_open(ts)
    }

    /// The pane that holds `ts`, fed by the record at `at`.
    fn fed(&mut self, ts: EventTime, at: &RecordPlace) -> &mut Pane {
        let topics = self.topics;
        let pane = self.open.entry(ts.floor(self.span)).or_insert_with(|| Pane::new(topics));
        pane.feed(at);
        pane
    }

    /// The sums of a version's cell, about to change.
    pub(super) fn version(
        &mut self,
        ts: EventTime,
        at: &RecordPlace,
        version: VersionIx,
        role: SampleRole,
    ) -> &mut VersionSums {
        let pane = self.fed(ts, at);
        pane.changed = true;
        let cell = pane.versions.entry((version, role)).or_default();
        cell.changed = true;
        &mut cell.sums
    }

    /// The sums of a pair's cell, about to change; the caller orders the two by name.
    pub(super) fn pair(
        &mut self,
        ts: EventTime,
        at: &RecordPlace,
        pair: (VersionIx, VersionIx),
    ) -> &mut PairTable {
        let pane = self.fed(ts, at);
        pane.changed = true;
        let cell = pane.pairs.entry(pair).or_default();
        cell.changed = true;
        &mut cell.sums
    }

    /// The grids of whose inputs, in an open pane that something else has fed.
    pub(super) fn features(
        &mut self,
        ts: EventTime,
        of: InputsOf,
    ) -> Option<&mut BTreeMap<FeatureIx, Grid>> {
        let pane = self.open.get_mut(&ts.floor(self.span))?;
        Some(pane.features.entry(of).or_default())
    }

    /// What was lost of nobody knows which version, about to change.
    pub(super) fn unknown(
        &mut self,
        ts: EventTime,
        at: &RecordPlace,
        model: Option<ModelIx>,
    ) -> &mut Losses {
        let pane = self.fed(ts, at);
        pane.changed = true;
        let cell = pane.unknown.entry(model).or_default();
        cell.changed = true;
        &mut cell.sums
    }

    /// Whether the open pane that holds `ts` has seen this id; now it has.
    pub(super) fn seen(&mut self, ts: EventTime, at: &RecordPlace, id: KeyHash) -> bool {
        !self.fed(ts, at).seen.insert(id)
    }

    /// An outcome waits in the open pane that holds `ts`.
    pub(super) fn wait(
        &mut self,
        ts: EventTime,
        at: &RecordPlace,
        model: ModelIx,
        request: RequestKey,
    ) {
        self.fed(ts, at).waiting.push((model, request));
    }

    /// The watermark has come to `mark`; answers the requests whose outcomes waited in the
    /// panes that closed.
    pub(super) fn close(&mut self, mark: EventTime) -> Vec<(ModelIx, RequestKey)> {
        self.mark = self.mark.max(Some(mark));
        let mut waiting = Vec::new();
        while let Some(first) = self.open.first_entry() {
            if *first.key() + self.span > mark {
                break;
            }
            let (start, mut pane) = first.remove_entry();
            waiting.append(&mut pane.waiting);
            if pane.changed || !pane.features.is_empty() {
                pane.seen = Hashes::default();
                self.unsent += pane.versions.len() + pane.pairs.len();
                self.unsent += pane.features.values().map(BTreeMap::len).sum::<usize>();
                self.closed.insert(start, pane);
            }
        }
        waiting
    }

    /// What ends by then is closed and was sent. `None`: nothing is.
    pub(super) fn settled(&self) -> Option<EventTime> {
        let unsent = self.closed.first_key_value().map(|(start, _)| *start);
        self.mark.map(|mark| unsent.map_or(mark, |start| mark.min(start)))
    }

    /// The sums of closed panes need not be sent.
    pub(super) fn forget_closed(&mut self) {
        (self.closed, self.unsent) = Default::default();
    }

    /// How many sums wait in closed panes to be sent.
    pub(super) fn unsent(&self) -> usize {
        self.unsent
    }

    /// The first position of a topic that feeds an open pane, and the newest event before it.
    pub(super) fn first_position(&self, topic: usize) -> Option<(i64, Option<EventTime>)> {
        self.open.values().filter_map(|p| p.first.get(topic).copied().flatten()).min()
    }
}
