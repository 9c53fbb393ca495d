//! What happened to every record, and where reading continues.
//!
//! Law: each record is booked once; `read` is the sum of the others after every step. A record
//! that a former life of the lane has booked is never booked again.
//!
//! Over 300 lines: one place where every record is booked.

use serde::{Deserialize, Serialize};

use crate::model::{EventTime, LostFields, Reject, Source, Span};
use crate::sums::Counters;

/// Where a lane continues after a restart; written together with the committed position.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Resume {
    /// Who flushed.
    pub epoch: u64,
    /// Per topic of the source, in its order.
    pub topics: Vec<TopicResume>,
    /// Panes that end at or before it were closed and sent.
    pub watermark: Option<EventTime>,
    /// What had become of every record.
    pub counters: Counters,
}

/// Where one topic continues.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct TopicResume {
    /// The position to commit: no record before it feeds a pane that is open in the lane.
    pub commit: Option<i64>,
    /// The first position that the flush had not read.
    pub next: Option<i64>,
    /// The newest event taken, as far as its clock is believed.
    pub newest: Option<EventTime>,
    /// The same when the record at `commit` was read; jumps are judged from there again.
    #[serde(default)]
    pub before: Option<EventTime>,
    /// How far out of order its records may be, if more than the settings allow.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub disorder: Option<Span>,
}

impl Resume {
    /// The event time from which on records must be read again, so that every prediction that an
    /// outcome may still meet is remembered. None: from the committed position.
    #[must_use]
    pub fn reread_from(&self, source: &Source) -> Option<EventTime> {
        self.watermark.map(|mark| mark - source.label_horizon - source.pane)
    }
}

/// What a record is read for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum ReadPhase {
    /// Again, before the committed position: only the join remembers it.
    Rebuild,
    /// Again, before the flush: summed where its pane is open, booked already.
    Again,
    /// For the first time.
    Live,
}

/// The position of a record, and the phase in which it is read.
#[derive(Debug, Clone, Copy)]
pub(super) struct RecordPlace {
    pub(super) topic: usize,
    pub(super) position: i64,
    pub(super) phase: ReadPhase,
    /// The newest event of its topic before it was read.
    pub(super) newest_before: Option<EventTime>,
}

/// The result for a record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Disposition {
    Measured,
    Waiting,
    Unmatched,
    Late,
    Duplicate,
    Tombstone,
    NotOurs,
    Rejected(Reject),
}

#[derive(Debug, Default)]
struct TopicProgress {
    next: Option<i64>,
    /// Where the next frame begins.
    from: Option<i64>,
    behind: Option<Behind>,
    forgot: Option<Forgotten>,
    /// What the last record was read for.
    phase: Option<ReadPhase>,
}

/// What was wanted of a topic is gone, so the lane's memory of it is incomplete.
#[derive(Debug)]
struct Forgotten {
    /// The first event behind the hole: from here on everything is remembered.
    since: Option<EventTime>,
}

/// A topic that is being read again.
#[derive(Debug)]
struct Behind {
    commit: i64,
    next: i64,
    touched: bool,
    newest: Option<EventTime>,
}

/// Counters and positions of a lane.
#[derive(Debug)]
pub(super) struct Ledger {
    counters: Counters,
    topics: Vec<TopicProgress>,
}

impl Ledger {
    pub(super) fn new(topics: usize) -> Self {
        let topics = (0..topics).map(|_| TopicProgress::default()).collect();
        Self { counters: Counters::default(), topics }
    }

    /// As it stood at the flush.
    pub(super) fn restore(&mut self, from: &Resume) {
        self.counters = from.counters.clone();
        for (place, was) in self.topics.iter_mut().zip(&from.topics) {
            place.next = was.next;
            place.from = was.next;
            place.behind = was.next.map(|next| Behind {
                commit: was.commit.unwrap_or(next),
                next,
                touched: false,
                newest: None,
            });
        }
    }

    /// Counts a record as read. `None` if it was read before, or the source has no such topic.
    pub(super) fn read(&mut self, topic: usize, position: i64) -> Option<ReadPhase> {
        let phase = self.phase(topic, position);
        self.topics.get_mut(topic)?.phase = phase;
        self.counters.read += u64::from(phase == Some(ReadPhase::Live));
        phase
    }

    /// Counts one more sample of the record that was read last.
    pub(super) fn read_more(&mut self, topic: usize) -> Option<ReadPhase> {
        let phase = self.topics.get(topic)?.phase;
        self.counters.read += u64::from(phase == Some(ReadPhase::Live));
        phase
    }

    fn phase(&mut self, topic: usize, position: i64) -> Option<ReadPhase> {
        let place = self.topics.get_mut(topic)?;
        if let Some(behind) = &mut place.behind {
            if position < behind.next {
                behind.touched = true;
                if position < behind.commit {
                    return Some(ReadPhase::Rebuild);
                }
                behind.newest = None;
                return Some(ReadPhase::Again);
            }
            place.behind = None;
        } else if place.next.is_some_and(|next| position < next) {
            return None;
        }
        place.from.get_or_insert(position);
        place.next = Some(position.saturating_add(1));
        Some(ReadPhase::Live)
    }

    /// A record was read again; after the last one the topic is no longer behind.
    pub(super) fn reread(&mut self, topic: usize, position: i64) {
        if let Some(place) = self.topics.get_mut(topic)
            && place.behind.as_ref().is_some_and(|b| position >= b.next.saturating_sub(1))
        {
            place.behind = None;
        }
    }

    /// What lies before a position and was wanted can no longer be read. Where that is not only
    /// what had to be read again, the positions of the next frame begin behind the hole.
    pub(super) fn gone(&mut self, topic: usize, before: i64) {
        let Some(place) = self.topics.get_mut(topic) else { return };
        place.forgot = Some(Forgotten { since: None });
        if place.next.is_some_and(|next| next < before) {
            (place.from, place.next, place.behind) = (Some(before), Some(before), None);
        }
    }

    /// An event was taken; the first one behind a hole ends what is forgotten.
    pub(super) fn remember(&mut self, topic: usize, ts: EventTime) {
        if let Some(forgot) = self.topics.get_mut(topic).and_then(|place| place.forgot.as_mut()) {
            forgot.since.get_or_insert(ts);
        }
    }

    /// The reader is at the end of the topic.
    pub(super) fn drained(&mut self, topic: usize) {
        if let Some(place) = self.topics.get_mut(topic) {
            place.behind = None;
        }
    }

    pub(super) fn drained_all(&mut self) {
        self.topics.iter_mut().for_each(|place| place.behind = None);
    }

    /// Whether everything that a former life had read was read again.
    pub(super) fn caught_up(&self) -> bool {
        self.topics.iter().all(|place| place.behind.is_none())
    }

    /// A record below the committed position was read again.
    pub(super) fn rebuilt(&mut self, topic: usize, ts: EventTime) {
        if let Some(behind) = self.topics.get_mut(topic).and_then(|p| p.behind.as_mut()) {
            behind.newest = behind.newest.max(Some(ts));
        }
    }

    /// The share of the horizon before `mark` that is remembered: the least of all topics. What is
    /// gone leaves a hole that only time mends.
    pub(super) fn warm(&self, mark: Option<EventTime>, horizon: Span) -> f64 {
        let horizon_s = horizon.as_s().max(0.001);
        let whole = self.topics.iter().filter_map(|place| place.forgot.as_ref()).map(|forgot| {
            let since = mark.zip(forgot.since);
            since.map_or(0.0, |(mark, since)| ((mark - since).as_s() / horizon_s).clamp(0.0, 1.0))
        });
        let whole = whole.fold(1.0, f64::min);
        let Some(mark) = mark else { return whole };
        let below = self.topics.iter().filter_map(|place| {
            let behind = place.behind.as_ref()?;
            let at_work = behind.newest.is_some() || !behind.touched;
            (at_work && behind.commit > 0).then_some(behind.newest)
        });
        let share = |newest: Option<EventTime>| {
            let begin = mark - horizon;
            let done = newest.map_or(0.0, |ts| (ts - begin).as_s());
            (done / horizon_s).clamp(0.0, 0.999)
        };
        below.map(share).fold(whole, f64::min)
    }

    /// A record read for the first time ends here.
    pub(super) fn count_disposition(&mut self, at: &RecordPlace, disposition: Disposition) {
        if at.phase == ReadPhase::Live {
            self.add(disposition);
        }
    }

    /// Fields of a record read for the first time could not be used.
    pub(super) fn lose_fields(&mut self, lost: LostFields) {
        for field in lost.iter() {
            *self.counters.lost.entry(field).or_default() += 1;
        }
    }

    /// A waiting record ends here. One that a former life had lost count of changes nothing.
    pub(super) fn settle(&mut self, disposition: Disposition) {
        if self.counters.waiting > 0 {
            self.counters.waiting -= 1;
            self.add(disposition);
        }
    }

    /// Everything was read again, and `waiting` records were found: what a former life counted
    /// as waiting beyond them can no longer be read, so it never meets anything.
    pub(super) fn reconcile(&mut self, waiting: u64) {
        let lost = self.counters.waiting.saturating_sub(waiting);
        self.counters.waiting -= lost;
        self.counters.unmatched += lost;
    }

    fn add(&mut self, disposition: Disposition) {
        let c = &mut self.counters;
        match disposition {
            Disposition::Measured => c.measured += 1,
            Disposition::Waiting => c.waiting += 1,
            Disposition::Unmatched => c.unmatched += 1,
            Disposition::Late => c.late += 1,
            Disposition::Duplicate => c.duplicate += 1,
            Disposition::Tombstone => c.tombstones += 1,
            Disposition::NotOurs => c.not_ours += 1,
            Disposition::Rejected(code) => *c.rejected.entry(code).or_default() += 1,
        }
    }

    pub(super) fn counters(&self) -> &Counters {
        &self.counters
    }

    pub(super) fn has_one_topic(&self) -> bool {
        self.topics.len() == 1
    }

    pub(super) fn next(&self, topic: usize) -> Option<i64> {
        self.topics.get(topic).and_then(|place| place.next)
    }

    /// Positions read since the last frame, per topic.
    pub(super) fn positions(&self) -> Vec<(i64, i64)> {
        self.topics.iter().map(|p| (p.from.unwrap_or(0), p.next.unwrap_or(0))).collect()
    }

    /// A frame was made.
    pub(super) fn framed(&mut self) {
        self.topics.iter_mut().for_each(|place| place.from = place.next);
    }
}
