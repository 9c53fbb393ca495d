//! Clocks that run ahead: one of them must not close panes that others still fill.
//!
//! A record jumps if it lies further past the newest event of its topic than the allowed disorder.
//! It is *ahead* if others come back behind it: if a quarter of the next `jump_confirmations`
//! records of its topic lie further behind it than the disorder. After a gap nobody comes back, so
//! a gap is no jump. Until it is known the record is *unsure*, and the topic's time waits, live for
//! [`PATIENCE`] at most. What is ahead is measured and moves no time. What lies more than
//! `max_jump` past the newest is held until then, and refused if it is ahead.
//!
//! A record further behind the newest than `max_skew` and `max_jump` is late whatever happens, so
//! it says nothing: a clock that is slow by an hour must not make the right ones look fast.
//!
//! If the first records of a topic come in order, time begins with the first of them. If not, most
//! of them are right: time begins with the largest group of them that has no jump in it, of groups
//! about as large with the latest.
//!
//! Where the log says when it took a record, that vouches: the topic's time moves at most to it,
//! and nothing waits. It vouches for a record that it took within `max_jump`; of what is older,
//! such as a recording that is published again, it cannot say which clock is right.

use super::ledger::ReadPhase;
use super::topic_clock::{HeldRecord, ReadTimes, TopicClock, Unsure, Votes};
use crate::model::{EventTime, LogTime, Source, Span};

/// How long time waits for records that come back behind one that jumps.
const PATIENCE: Span = Span::from_s(2);

/// What is to be done with a sample.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum ClockCheck {
    /// Its time is the topic's, or lies behind it.
    Take,
    /// It is measured, and moves no time: it is ahead.
    Ahead,
    /// It is measured, and time waits for what comes next.
    Unsure,
    /// It waits itself.
    Hold,
    /// Its clock is wrong.
    Refuse,
}

/// The newest event of each topic, as far as its clocks are believed.
#[derive(Debug)]
pub(super) struct TopicClocks {
    max_jump: Span,
    max_skew: Span,
    /// Records after one that jumps that are asked about it; none: every clock is believed.
    asked: u32,
    topics: Vec<TopicClock>,
}

impl TopicClocks {
    pub(super) fn new(source: &Source) -> Self {
        let clock = |disorder| TopicClock {
            disorder,
            newest: None,
            ahead: None,
            believed: None,
            unsure: Vec::new(),
        };
        Self {
            max_jump: source.max_jump,
            max_skew: source.max_skew,
            asked: source.jump_confirmations,
            topics: source.topics.iter().map(|topic| clock(topic.allowed_disorder)).collect(),
        }
    }

    /// Where a topic stood when the oldest record was read that is read again, and where it stood
    /// at the end of the former life.
    pub(super) fn restore(
        &mut self,
        topic: usize,
        before: Option<EventTime>,
        believed: Option<EventTime>,
    ) {
        if let Some(clock) = self.topics.get_mut(topic) {
            (clock.newest, clock.believed) = (before, believed);
        }
    }

    /// How far out of order the topic's records may be from now on.
    pub(super) fn allow(&mut self, topic: usize, disorder: Span) {
        if let Some(clock) = self.topics.get_mut(topic) {
            clock.disorder = disorder;
        }
    }

    /// How far out of order the topic's records may be.
    pub(super) fn disorder(&self, topic: usize) -> Span {
        self.topics.get(topic).map_or(Span::ZERO, |clock| clock.disorder)
    }

    /// The newest event of the topic.
    pub(super) fn newest(&self, topic: usize) -> Option<EventTime> {
        self.topics.get(topic).and_then(|clock| clock.newest)
    }

    /// Records of the topic that are held.
    pub(super) fn held(&self, topic: usize) -> impl Iterator<Item = &HeldRecord> {
        let unsure = self.topics.get(topic).into_iter().flat_map(|clock| &clock.unsure);
        unsure.filter_map(|one| one.held.as_ref())
    }

    /// Records after one that jumps that are asked about it.
    pub(super) fn asked(&self) -> u32 {
        self.asked
    }

    /// Whether what follows a record of this time decides if it moves time.
    pub(super) fn jumps(&self, topic: usize, ts: EventTime) -> bool {
        self.asked > 0 && self.topics.get(topic).is_some_and(|clock| clock.jumps(ts))
    }

    /// A record of this time was read: what it settles of those before it, and whether for the
    /// better.
    pub(super) fn follow(&mut self, topic: usize, ts: EventTime) -> Vec<(HeldRecord, bool)> {
        let (asked, in_time, max_jump) = (self.asked, self.in_time(), self.max_jump);
        let Some(clock) = self.topics.get_mut(topic).filter(|clock| !clock.unsure.is_empty())
        else {
            return Vec::new();
        };
        let mut unsure = std::mem::take(&mut clock.unsure);
        unsure.iter_mut().for_each(|one| clock.vote(one.ts, ts, in_time, &mut one.votes));
        clock.unsure = unsure;
        if clock.newest.is_none() {
            if clock.unsure.len() < asked as usize {
                return Vec::new();
            }
            return clock.begin(clock.unsure_times(), max_jump);
        }
        clock.settle(|one| one.votes.decided(asked))
    }

    /// The first record of a topic was read, and the next ones are known.
    pub(super) fn begin(&mut self, topic: usize, read: ReadTimes<'_>) {
        if let Some(clock) = self.topics.get_mut(topic).filter(|clock| clock.newest.is_none())
            && let Some(times) = read.known()
        {
            clock.newest = clock.beginning(times, self.max_jump);
        }
    }

    /// How far behind the newest a record may be and still say something of others.
    fn in_time(&self) -> Span {
        self.max_skew.max(self.max_jump)
    }

    /// When the log took a record, if that says whether its clock is right.
    pub(super) fn vouched(&self, read: ReadTimes<'_>) -> Option<EventTime> {
        let appended = EventTime::from_ms(read.appended?.as_ms());
        Some(appended).filter(|appended| read.ts + self.max_jump >= *appended)
    }

    /// What to do with a record that is read now.
    pub(super) fn check(&self, topic: usize, phase: ReadPhase, read: ReadTimes<'_>) -> ClockCheck {
        let ReadTimes { ts, appended, following } = read;
        if appended.is_some_and(|at| ts > EventTime::from_ms(at.as_ms()) + self.max_jump) {
            return ClockCheck::Refuse;
        }
        if self.vouched(read).is_some() {
            return ClockCheck::Take;
        }
        let Some(clock) = self.topics.get(topic).filter(|_| self.asked > 0) else {
            return ClockCheck::Take;
        };
        let begin = || read.known().and_then(|times| clock.beginning(times, self.max_jump));
        let newest = clock.newest.or_else(begin);
        if newest.is_some_and(|newest| ts <= newest + clock.disorder) {
            return ClockCheck::Take;
        }
        let far = newest.is_some_and(|newest| ts > newest + self.max_jump);
        let again = phase != ReadPhase::Live && clock.newest.is_some();
        if again && !far && Some(ts) <= clock.believed {
            return ClockCheck::Take;
        }
        let Some(following) = following else {
            return if far { ClockCheck::Hold } else { ClockCheck::Unsure };
        };
        let mut votes = Votes::default();
        for next in following.iter().take(self.asked as usize) {
            clock.vote(ts, *next, self.in_time(), &mut votes);
        }
        // At the end of a recording too few follow: who was ahead so far still is.
        let few = following.len() < self.asked as usize;
        let like_before = || few && clock.ahead.is_some_and(|ahead| ts <= ahead + clock.disorder);
        match votes.decided(self.asked).unwrap_or_else(|| votes.ahead() || like_before()) {
            true if far => ClockCheck::Refuse,
            true => ClockCheck::Ahead,
            false => ClockCheck::Take,
        }
    }

    /// A record was taken: the topic's time is at least its own, or its append time.
    pub(super) fn took(
        &mut self,
        topic: usize,
        (ts, appended): (EventTime, Option<LogTime>),
    ) -> Vec<(HeldRecord, bool)> {
        let vouched = appended.map_or(ts, |at| EventTime::from_ms(at.as_ms()).min(ts));
        let mut settled = Vec::new();
        if let Some(clock) = self.topics.get_mut(topic) {
            clock.raise(Some(vouched), &mut settled);
        }
        settled
    }

    /// A record was taken that is ahead.
    pub(super) fn was_ahead(&mut self, topic: usize, ts: EventTime) {
        if let Some(clock) = self.topics.get_mut(topic) {
            clock.ahead = clock.ahead.max(Some(ts));
        }
    }

    /// A record was read of which the next ones must tell whether it is ahead.
    pub(super) fn wait(&mut self, topic: usize, ts: EventTime, held: Option<HeldRecord>) {
        if let Some(clock) = self.topics.get_mut(topic) {
            clock.unsure.push(Unsure { ts, votes: Votes::default(), since: None, held });
        }
    }

    /// Some log time has passed: what was waited for long enough is settled by those that came. A
    /// record that is held needs a quarter of those asked, and none behind it.
    pub(super) fn passed(&mut self, now: LogTime) -> Vec<(HeldRecord, bool)> {
        let quarter = self.asked.div_ceil(4);
        let mut settled = Vec::new();
        for clock in self.topics.iter_mut().filter(|clock| !clock.unsure.is_empty()) {
            clock.unsure.iter_mut().for_each(|one| {
                one.since.get_or_insert(now);
            });
            if clock.newest.is_none() {
                let first = clock.unsure.first().and_then(|one| one.since);
                if first.is_some_and(|since| now - since >= PATIENCE) {
                    settled.extend(clock.begin(clock.unsure_times(), self.max_jump));
                }
                continue;
            }
            settled.extend(clock.settle(|one| {
                let waited = one.since.is_some_and(|since| now - since >= PATIENCE);
                let enough = one.held.is_none() || one.votes.cast >= quarter;
                let unclear = one.held.is_some() && one.votes.behind > 0 && !one.votes.ahead();
                (waited && enough && !unclear).then(|| one.votes.ahead())
            }));
        }
        settled
    }

    /// More of the topic is there: the wait of what waits begins again.
    pub(super) fn busy(&mut self, topic: usize) {
        let waiting = self.topics.get_mut(topic).into_iter().flat_map(|clock| &mut clock.unsure);
        waiting.for_each(|one| one.since = None);
    }

    /// When `passed` settles something.
    pub(super) fn due(&self) -> Option<LogTime> {
        let quarter = self.asked.div_ceil(4);
        let unsure = self.topics.iter().flat_map(|clock| &clock.unsure);
        let waiting = unsure.filter(|one| one.held.is_none() || one.votes.cast >= quarter);
        waiting.filter_map(|one| one.since.map(|since| since + PATIENCE)).min()
    }

    /// Everything of a topic was read again: it is where the former life left it.
    pub(super) fn caught_up(&mut self, topic: usize) -> Vec<(HeldRecord, bool)> {
        let mut settled = Vec::new();
        if let Some(clock) = self.topics.get_mut(topic) {
            let believed = clock.believed.take();
            clock.raise(believed, &mut settled);
        }
        settled
    }

    /// Nothing more comes: those that came decide.
    pub(super) fn end(&mut self) -> Vec<(HeldRecord, bool)> {
        let quarter = self.asked.div_ceil(4);
        let mut settled = Vec::new();
        for clock in &mut self.topics {
            if clock.newest.is_none() {
                settled.extend(clock.begin(clock.unsure_times(), self.max_jump));
            }
            settled.extend(clock.settle(|one| {
                let few = one.held.is_some() && one.votes.cast < quarter;
                Some(few || one.votes.ahead())
            }));
        }
        settled
    }
}
