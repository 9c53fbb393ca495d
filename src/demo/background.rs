//! Steady callers, so that there is never a moment without requests: they show what a switch does
//! to others.

use std::collections::VecDeque;
use std::ops::Range;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use reqwest::RequestBuilder;
use tokio::runtime::Runtime;

use super::callers::insist;
use crate::edge::clock::Stopwatch;
use crate::model::Span;
use crate::show::data::CallCounts;

/// How many ask at once.
const CALLERS: usize = 8;
/// The pause between two requests of one of them.
const PAUSE: Duration = Duration::from_millis(2);
/// How many requests are remembered one by one.
const REMEMBERED: usize = 10_000;

/// The callers; they stop with it.
#[derive(Default)]
pub(super) struct BackgroundCallers {
    counts: Arc<Mutex<BackgroundCounts>>,
}

#[derive(Default)]
struct BackgroundCounts {
    all: CallCounts,
    /// Tries that were repeated, since nobody answered.
    repeated: u64,
    /// The last requests: from when to when, by the run's watch in microseconds, and whether well.
    last: VecDeque<(Range<u64>, bool)>,
}

impl BackgroundCallers {
    /// They send this request over and over. `watch`: the run's.
    pub(super) fn start(
        runtime: &Runtime,
        request: &RequestBuilder,
        patience: Span,
        watch: Stopwatch,
    ) -> Self {
        let background = Self::default();
        for _ in 0..CALLERS {
            let Some(request) = request.try_clone() else { continue };
            let counts = Arc::downgrade(&background.counts);
            runtime.spawn(async move {
                while let Some(again) = request.try_clone() {
                    let from = watch.elapsed_us();
                    let answer = insist(again, patience).await;
                    let Some(counts) = counts.upgrade() else { return };
                    let repeated = answer.as_ref().map_or(0, |(_, repeated)| *repeated);
                    let good = answer.is_ok_and(|(answer, _)| answer.status().is_success());
                    write(&counts).note(from..watch.elapsed_us(), good, repeated);
                    drop(counts);
                    tokio::time::sleep(PAUSE).await;
                }
            });
        }
        background
    }

    /// All of their requests; and the tries that were repeated.
    pub(super) fn all(&self) -> (CallCounts, u64) {
        let counts = write(&self.counts);
        (counts.all, counts.repeated)
    }

    /// Those that were under way within a time of the run's watch; to be asked soon after it.
    pub(super) fn during(&self, time: &Range<u64>) -> CallCounts {
        let mut counted = CallCounts::default();
        for (under_way, good) in &write(&self.counts).last {
            if under_way.start <= time.end && time.start <= under_way.end {
                counted.sent += 1;
                counted.failed += u64::from(!good);
            }
        }
        counted
    }
}

/// Nothing panics while it holds it.
fn write(counts: &Mutex<BackgroundCounts>) -> std::sync::MutexGuard<'_, BackgroundCounts> {
    counts.lock().unwrap_or_else(PoisonError::into_inner)
}

impl BackgroundCounts {
    fn note(&mut self, time: Range<u64>, good: bool, repeated: u64) {
        self.all.sent += 1;
        self.all.failed += u64::from(!good);
        self.repeated += repeated;
        if self.last.len() >= REMEMBERED {
            self.last.pop_front();
        }
        self.last.push_back((time, good));
    }
}
