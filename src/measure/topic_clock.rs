//! The time of one topic, and the records that wait until it is known whether they move it.

use super::ledger::RecordPlace;
use crate::model::{EventTime, LogTime, Sample, Span};

/// A group of this many first records may be as right as one a little larger.
const FEW: usize = 4;

/// When something happened, as far as it is known while a record is read.
#[derive(Debug, Clone, Copy)]
pub(super) struct ReadTimes<'a> {
    /// What the record says.
    pub(super) ts: EventTime,
    /// When the log took it, if the log records that.
    pub(super) appended: Option<LogTime>,
    /// What the next records of the topic say, where they are known already.
    pub(super) following: Option<&'a [EventTime]>,
}

impl ReadTimes<'_> {
    /// The record's time and then those of the next ones, if they are known.
    pub(super) fn known(&self) -> Option<Vec<EventTime>> {
        let following = self.following?.iter().copied();
        Some(std::iter::once(self.ts).chain(following).collect())
    }
}

/// A record that waits for the next ones.
#[derive(Debug)]
pub(super) struct HeldRecord {
    pub(super) at: RecordPlace,
    pub(super) sample: Sample<'static>,
}

/// A time that waits for the next records.
#[derive(Debug)]
pub(super) struct Unsure {
    pub(super) ts: EventTime,
    pub(super) votes: Votes,
    pub(super) since: Option<LogTime>,
    pub(super) held: Option<HeldRecord>,
}

/// What the records after one that jumps say about it.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Votes {
    pub(super) cast: u32,
    pub(super) behind: u32,
}

/// The time of one topic, as far as its clocks are believed.
#[derive(Debug)]
pub(super) struct TopicClock {
    pub(super) disorder: Span,
    pub(super) newest: Option<EventTime>,
    /// The newest that was ahead.
    pub(super) ahead: Option<EventTime>,
    /// The newest that a former life believed, while records are read again.
    pub(super) believed: Option<EventTime>,
    pub(super) unsure: Vec<Unsure>,
}

impl Votes {
    /// Whether a record with these votes of `asked` is ahead. `None`: that depends on the others.
    pub(super) fn decided(self, asked: u32) -> Option<bool> {
        let quarter = asked.div_ceil(4);
        match self {
            Self { behind, .. } if behind >= quarter => Some(true),
            Self { cast, behind } if cast - behind > asked - quarter => Some(false),
            Self { .. } => None,
        }
    }

    /// The same if there are no others.
    pub(super) fn ahead(self) -> bool {
        self.behind > 0 && self.behind * 4 >= self.cast
    }
}

impl TopicClock {
    /// Where time begins if the first records say `times`, in the order in which they came. `None`:
    /// there are none.
    pub(super) fn beginning(&self, mut times: Vec<EventTime>, max_jump: Span) -> Option<EventTime> {
        let first = times.first().copied()?;
        let (mut newest, mut behind) = (first, 0);
        for time in &times {
            newest = newest.max(*time);
            behind += usize::from(*time + self.disorder < newest);
        }
        // They come in order, as far as that can be asked of them: what jumps is a pause.
        if behind * 4 < times.len() {
            return Some(first);
        }
        times.sort_unstable();
        let groups: Vec<_> = times.chunk_by(|a, b| *b <= *a + max_jump).collect();
        let largest = groups.iter().map(|group| group.len()).max()?;
        // Two versions that answer every request have as many records, but for the last one.
        let large = |group: &&&[EventTime]| match largest {
            FEW.. => group.len() * 5 >= largest * 4,
            _ => group.len() == largest,
        };
        let begin = match largest {
            FEW.. => groups.iter().rfind(large),
            _ => groups.iter().find(large),
        };
        begin?.first().copied()
    }

    /// Of the first records these are known.
    pub(super) fn begin(
        &mut self,
        times: Vec<EventTime>,
        max_jump: Span,
    ) -> Vec<(HeldRecord, bool)> {
        let mut settled = Vec::new();
        self.raise(self.beginning(times, max_jump), &mut settled);
        settled
    }

    /// The times that wait for others.
    pub(super) fn unsure_times(&self) -> Vec<EventTime> {
        self.unsure.iter().map(|one| one.ts).collect()
    }

    /// What a record of time `next` says about one of time `ts` before it.
    pub(super) fn vote(&self, ts: EventTime, next: EventTime, in_time: Span, votes: &mut Votes) {
        let in_time = in_time.max(self.disorder);
        if self.newest.is_none_or(|newest| next + in_time >= newest) {
            votes.cast += 1;
            votes.behind += u32::from(next + self.disorder < ts);
        }
    }

    pub(super) fn jumps(&self, ts: EventTime) -> bool {
        self.newest.is_none_or(|newest| ts > newest + self.disorder)
    }

    /// The newest event is at least this, but while records are read again not newer than the
    /// former life believed. What of the unsure no longer jumps is believed, too.
    pub(super) fn raise(&mut self, to: Option<EventTime>, settled: &mut Vec<(HeldRecord, bool)>) {
        let to = self.believed.map_or(to, |believed| to.map(|to| to.min(believed)));
        self.newest = self.newest.max(to);
        while let Some(newest) = self.newest
            && let Some(at) = self.unsure.iter().position(|one| one.ts <= newest + self.disorder)
        {
            let one = self.unsure.remove(at);
            self.newest = Some(newest.max(self.believed.unwrap_or(one.ts).min(one.ts)));
            settled.extend(one.held.map(|held| (held, true)));
        }
    }

    /// Settles what `decide` knows: whether it is ahead.
    pub(super) fn settle(
        &mut self,
        decide: impl Fn(&Unsure) -> Option<bool>,
    ) -> Vec<(HeldRecord, bool)> {
        let mut settled = Vec::new();
        while let Some((at, ahead)) =
            self.unsure.iter().enumerate().find_map(|(at, one)| Some((at, decide(one)?)))
        {
            let one = self.unsure.remove(at);
            settled.extend(one.held.map(|held| (held, !ahead)));
            if !ahead {
                self.raise(Some(one.ts), &mut settled);
            }
        }
        settled
    }
}
