//! How far each version's clock lies behind or ahead of the newest event of its topic.
//!
//! A clock that is always slow, or records that always come late, must not be late for ever: the
//! allowed disorder grows to the lag that the versions of a topic really show, up to `max_skew`.
//! Every decision waits that long, so the size is told. A version that lags further than that is
//! late, and holds nobody back.

use std::collections::BTreeMap;

use super::names::VersionIx;
use crate::model::{EventTime, Source, Span};

/// Steps in which a lag or a lead up to `max_skew` is counted.
const STEPS: i64 = 24;
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
    /// By step behind the newest, from `-STEPS` (ahead of it) to `STEPS`, and beyond either.
    counts: Vec<u32>,
    n: u32,
    until: u32,
    /// The lag within which 99 of 100 of its records come. `None`: too few are known, or it is
    /// further than `max_skew`.
    lag: Option<Span>,
}

impl Lags {
    fn new() -> Self {
        Self { counts: vec![0; 2 * STEPS as usize + 3], n: 0, until: SAMPLES, lag: None }
    }

    /// The step within which this share of the samples lie.
    fn quantile(&self, share: f64) -> i64 {
        let wanted = share * f64::from(self.n);
        let mut sum = 0;
        let found = self.counts.iter().position(|count| {
            sum += count;
            f64::from(sum) >= wanted
        });
        found.map_or(STEPS + 1, |index| index as i64 - STEPS - 1)
    }
}

impl TopicSkew {
    pub(super) fn new(least: Span, source: &Source) -> Self {
        let (max, versions) = (source.max_skew, BTreeMap::new());
        Self { least, max, allowed: least, restored: (least, 0), versions }
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

    fn step(&self) -> Span {
        Span::from_ms((self.max.as_ms() / STEPS).max(1))
    }

    /// A version's record came when this was the newest event. Returns whether the allowed
    /// disorder changed.
    pub(super) fn observe(
        &mut self,
        version: Option<VersionIx>,
        ts: EventTime,
        newest: EventTime,
    ) -> bool {
        if self.max <= self.least {
            return false;
        }
        self.restored.1 = self.restored.1.saturating_sub(1);
        let step = self.step().as_ms();
        // Rounded away from the newest: a lag of 1 ms is within the first step.
        let behind = newest.as_ms().saturating_sub(ts.as_ms());
        let steps = if behind > 0 { (behind - 1) / step + 1 } else { behind / step };
        let index = (steps.clamp(-STEPS - 1, STEPS + 1) + STEPS + 1) as usize;
        let lags = self.versions.entry(version).or_insert_with(Lags::new);
        if let Some(count) = lags.counts.get_mut(index) {
            *count += 1;
        }
        lags.n += 1;
        lags.until -= 1;
        if lags.until > 0 {
            return false;
        }
        lags.until = SAMPLES;
        let lag = lags.quantile(0.99);
        lags.lag = (lag <= STEPS).then(|| Span::from_ms(lag.max(0) * step));
        if lags.n >= REMEMBERED {
            lags.counts.iter_mut().for_each(|count| *count /= 2);
            lags.n = lags.counts.iter().sum();
        }
        let shown = self.versions.values().filter_map(|lags| lags.lag).max();
        let least = if self.restored.1 > 0 { self.restored.0 } else { self.least };
        let allowed = shown.unwrap_or(least).clamp(least, self.max.max(least));
        let changed = allowed != self.allowed;
        self.allowed = allowed;
        changed
    }

    /// The versions whose clocks are off by more than the settings allow.
    pub(super) fn skewed(&self) -> impl Iterator<Item = Skewed> {
        let (step, least) = (self.step(), self.least);
        self.versions.iter().filter_map(move |(version, lags)| {
            let ahead = Span::from_ms(-lags.quantile(0.5) * step.as_ms());
            let off = lags.n >= SAMPLES && (ahead > least || ahead < Span::from_ms(-least.as_ms()));
            version.filter(|_| off).map(|version| Skewed { version, ahead })
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
        }
    }

    #[test]
    fn the_disorder_grows_to_the_lag_that_is_shown_and_forgets_it() {
        let at = EventTime::from_ms(1_000_000);
        let feed = |skew: &mut TopicSkew, behind: i64, times: u32| {
            for _ in 0..times {
                skew.observe(None, at - Span::from_s(behind), at);
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
}
