//! How far each version's clock lies behind or ahead of the newest event of its topic.
//!
//! A clock that is always slow, or records that always come late, must not be late for ever: the
//! allowed disorder grows to the lag that the versions of a topic really show, up to `max_skew`.
//! Every decision waits that long, so the size is told. A version that lags further than that is
//! late, and holds nobody back.
//!
//! After a pause every record lies past the newest, so a version is ahead only of another one that
//! comes behind it at once, or of the time at which the log took its record.

use std::collections::{BTreeMap, BTreeSet};

use super::names::VersionIx;
use crate::model::{EventTime, Source, Span};

/// Steps in which a lag or a lead up to `max_skew` is counted, and those up to which it is told.
const STEPS: i64 = 24;
const TOLD: i64 = 60;
/// Samples of a version after which its lag is looked at, and looked at again.
const SAMPLES: u32 = 32;
/// Samples of a version after which all its counts are halved: the lag of long ago is forgotten.
const REMEMBERED: u32 = 1024;

/// Records after a restart in which even a rare version shows its lag.
const KNOWN_AFTER: u32 = 20_000;

/// What the versions of one topic show.
#[derive(Debug)]
pub(super) struct TopicSkew {
    /// What the settings allow.
    least: Span,
    max: Span,
    allowed: Span,
    /// What a former life allowed, and for how many more records: until its versions are known.
    restored: (Span, u32),
    versions: BTreeMap<Option<VersionIx>, Lags>,
    leader: Option<Leader>,
}

/// The last record that lay far past the newest.
#[derive(Debug, Clone, Copy)]
struct Leader {
    version: Option<VersionIx>,
    ts: EventTime,
    lead: Span,
}

/// A version whose clock is constantly off.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Skewed {
    pub(super) version: VersionIx,
    /// Ahead of the newest event of its topic; negative: behind it. To a step.
    pub(super) ahead: Span,
}

#[derive(Debug)]
struct Lags {
    behind: Steps,
    ahead: Steps,
    until: u32,
    /// The lag within which 99 of 100 of its records come. `None`: too few are known, or it is
    /// further than `max_skew`.
    lag: Option<Span>,
}

/// Spans in steps, from none to `TOLD`, and those beyond.
#[derive(Debug)]
struct Steps {
    counts: Vec<u32>,
    n: u32,
}

impl Steps {
    fn new() -> Self {
        Self { counts: vec![0; TOLD as usize + 2], n: 0 }
    }

    fn count(&mut self, steps: i64) {
        if let Some(count) = self.counts.get_mut(steps.clamp(0, TOLD + 1) as usize) {
            *count += 1;
            self.n += 1;
        }
    }

    fn halve(&mut self) {
        self.counts.iter_mut().for_each(|count| *count /= 2);
        self.n = self.counts.iter().sum();
    }

    /// The step within which this share of the samples lie.
    fn quantile(&self, share: f64) -> i64 {
        let wanted = share * f64::from(self.n);
        let mut sum = 0;
        let found = self.counts.iter().position(|count| {
            sum += count;
            f64::from(sum) >= wanted
        });
        found.map_or(TOLD + 1, |index| index as i64)
    }
}

impl Lags {
    fn new() -> Self {
        Self { behind: Steps::new(), ahead: Steps::new(), until: SAMPLES, lag: None }
    }
}

impl TopicSkew {
    pub(super) fn new(least: Span, source: &Source) -> Self {
        let (max, versions) = (source.max_skew, BTreeMap::new());
        Self { least, max, allowed: least, restored: (least, 0), versions, leader: None }
    }

    /// The disorder that a former life allowed.
    pub(super) fn restore(&mut self, allowed: Option<Span>) {
        self.allowed = allowed.unwrap_or(self.least).max(self.least);
        self.restored = (self.allowed, KNOWN_AFTER);
    }

    /// How far out of order the topic's records may be.
    pub(super) fn allowed(&self) -> Span {
        self.allowed
    }

    /// The same, if it is more than the settings allow.
    pub(super) fn grown(&self) -> Option<Span> {
        Some(self.allowed).filter(|allowed| *allowed > self.least)
    }

    /// These versions have left.
    pub(super) fn forget(&mut self, versions: &BTreeSet<VersionIx>) {
        let left = |version: &Option<VersionIx>| version.is_some_and(|ix| versions.contains(&ix));
        self.versions.retain(|version, _| !left(version));
        self.leader = self.leader.filter(|leader| !left(&leader.version));
    }

    fn step(&self) -> Span {
        Span::from_ms((self.max.as_ms() / STEPS).max(1))
    }

    /// A version's record of time `ts`, for which `vouched` speaks, came when this was the newest
    /// event. Returns whether the allowed disorder changed.
    pub(super) fn observe(
        &mut self,
        version: Option<VersionIx>,
        (ts, vouched): (EventTime, Option<EventTime>),
        newest: EventTime,
    ) -> bool {
        if self.max <= self.least {
            return false;
        }
        self.restored.1 = self.restored.1.saturating_sub(1);
        let known = vouched.map_or(newest, |taken| taken.max(newest));
        self.lead(Leader { version, ts, lead: ts - known }, vouched.is_some());
        let step = self.step().as_ms();
        // Rounded up: a lag of 1 ms is within the first step.
        let behind = newest.as_ms().saturating_sub(ts.as_ms());
        let lags = self.versions.entry(version).or_insert_with(Lags::new);
        lags.behind.count(if behind > 0 { (behind - 1) / step + 1 } else { 0 });
        lags.until -= 1;
        if lags.until > 0 {
            return false;
        }
        lags.until = SAMPLES;
        let lag = lags.behind.quantile(0.99);
        lags.lag = (lag <= STEPS).then(|| Span::from_ms(lag * step));
        if lags.behind.n >= REMEMBERED {
            lags.behind.halve();
            lags.ahead.halve();
        }
        let shown = self.versions.values().filter_map(|lags| lags.lag).max();
        let least = if self.restored.1 > 0 { self.restored.0 } else { self.least };
        let allowed = shown.unwrap_or(least).clamp(least, self.max.max(least));
        let changed = allowed != self.allowed;
        self.allowed = allowed;
        changed
    }

    /// A record came: it may be ahead, and the last one that may be so is or is not ahead of it.
    fn lead(&mut self, one: Leader, vouched: bool) {
        if let Some(last) = self.leader.filter(|last| last.version != one.version) {
            self.leader = None;
            self.count_lead(last.version, last.lead.min(last.ts - one.ts));
        }
        if vouched || one.lead <= self.step() {
            self.count_lead(one.version, one.lead);
        } else {
            self.leader = Some(one);
        }
    }

    fn count_lead(&mut self, version: Option<VersionIx>, lead: Span) {
        let step = self.step().as_ms();
        // To the nearest one.
        let steps = (lead.as_ms() + step / 2).div_euclid(step);
        self.versions.entry(version).or_insert_with(Lags::new).ahead.count(steps);
    }

    /// The versions whose clocks are off by more than the settings allow.
    pub(super) fn skewed(&self) -> impl Iterator<Item = Skewed> {
        let (step, least) = (self.step().as_ms(), self.least);
        let off = move |known: &Steps| {
            let by = Span::from_ms(known.quantile(0.5) * step);
            Some(by).filter(|by| known.n >= SAMPLES && *by > least)
        };
        self.versions.iter().filter_map(move |(version, lags)| {
            let behind = || off(&lags.behind).map(|by| Span::from_ms(-by.as_ms()));
            let ahead = off(&lags.ahead).or_else(behind)?;
            version.map(|version| Skewed { version, ahead })
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn skew() -> TopicSkew {
        TopicSkew {
            least: Span::from_s(5),
            max: Span::from_s(120),
            allowed: Span::from_s(5),
            restored: (Span::ZERO, 0),
            versions: BTreeMap::new(),
            leader: None,
        }
    }

    #[test]
    fn the_disorder_grows_to_the_lag_that_is_shown_and_forgets_it() {
        let at = EventTime::from_ms(1_000_000);
        let feed = |skew: &mut TopicSkew, behind: i64, times: u32| {
            for _ in 0..times {
                skew.observe(None, (at - Span::from_s(behind), None), at);
            }
            skew.allowed().as_s()
        };
        let mut skew = skew();
        assert_eq!(feed(&mut skew, 0, 31), 5.0);
        assert_eq!(feed(&mut skew, 60, 1), 60.0, "one of 32 is more than one in a hundred");
        assert_eq!(feed(&mut skew, 0, 192), 5.0);
        assert_eq!(feed(&mut skew, 4000, 64), 5.0, "it would not be in time anyway");
        assert_eq!(feed(&mut skew, 61, 40_000), 65.0);
        assert_eq!(feed(&mut skew, 2, 40_000), 5.0);
    }

    /// A request every 20 s that both versions answer; the clock of the first one is ahead.
    #[test]
    fn after_a_pause_nobody_is_ahead_of_the_others() {
        let (v2, v3) = (VersionIx(2), VersionIx(3));
        // The second goes on alone.
        for (lead, alone, meant) in [(0, 0, 0), (0, 500, 0), (60, 0, 60), (30, 500, 30)] {
            let (mut skew, mut newest) = (skew(), EventTime::from_ms(1_000_000));
            for request in 1..1000 {
                let at = EventTime::from_ms(1_000_000) + Span::from_s(request * 20);
                skew.observe(Some(v2), (at + Span::from_s(lead), None), newest);
                if lead == 0 {
                    newest = at;
                }
                if request < 1000 - alone {
                    skew.observe(Some(v3), (at, None), newest);
                }
                newest = at;
            }
            let told: Vec<_> = skew.skewed().map(|one| (one.version, one.ahead.as_s())).collect();
            let meant: Vec<_> =
                [(v2, f64::from(meant))].into_iter().filter(|one| one.1 > 0.0).collect();
            assert_eq!(told, meant, "{lead} s ahead, {alone} times alone");
        }
    }

    #[test]
    fn a_log_that_vouches_knows_alone_who_is_ahead() {
        for (lead, meant) in [(0, vec![]), (60, vec![60.0])] {
            let (mut skew, mut newest) = (skew(), EventTime::from_ms(1_000_000));
            for request in 1..100 {
                let at = EventTime::from_ms(1_000_000) + Span::from_s(request * 20);
                skew.observe(Some(VersionIx(2)), (at + Span::from_s(lead), Some(at)), newest);
                newest = at;
            }
            let told: Vec<_> = skew.skewed().map(|one| one.ahead.as_s()).collect();
            assert_eq!(told, meant);
        }
    }
}
