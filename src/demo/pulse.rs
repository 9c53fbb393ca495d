//! Callers who ask all the while, so that there is never a moment without requests: what a switch
//! does to others is seen on them.

use std::collections::VecDeque;
use std::ops::Range;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use reqwest::RequestBuilder;
use serde::Serialize;
use tokio::runtime::Runtime;

use super::callers::insist;
use crate::edge::clock::Stopwatch;
use crate::model::Span;

/// So many ask at once.
const CALLERS: usize = 8;
/// The pause between two requests of one of them.
const PAUSE: Duration = Duration::from_millis(2);
/// Requests that are remembered one by one, at most.
const REMEMBERED: usize = 10_000;

/// What happened to requests.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Counted {
    /// How many.
    pub sent: u64,
    /// Without a good answer.
    pub failed: u64,
}

/// The callers; they stop with it.
#[derive(Default)]
pub(super) struct Pulse {
    rule_set: Arc<Mutex<PulseCounts>>,
}

#[derive(Default)]
struct PulseCounts {
    all: Counted,
    /// Tries that were repeated, since nobody answered.
    repeated: u64,
    /// From when to when, by the run's watch in microseconds, and how: the last ones.
    last: VecDeque<(Range<u64>, bool)>,
}

impl Pulse {
    /// They send this request over and over. `watch`: the run's.
    pub(super) fn start(
        runtime: &Runtime,
        request: &RequestBuilder,
        patience: Span,
        watch: Stopwatch,
    ) -> Self {
        let pulse = Self::default();
        for _ in 0..CALLERS {
            let Some(request) = request.try_clone() else { continue };
            let rule_set = Arc::downgrade(&pulse.rule_set);
            runtime.spawn(async move {
                while let Some(again) = request.try_clone() {
                    let from = watch.elapsed_us();
                    let answer = insist(again, patience).await;
                    let Some(rule_set) = rule_set.upgrade() else { return };
                    let repeated = answer.as_ref().map_or(0, |(_, repeated)| *repeated);
                    let good = answer.is_ok_and(|(answer, _)| answer.status().is_success());
                    write(&rule_set).note(from..watch.elapsed_us(), good, repeated);
                    drop(rule_set);
                    tokio::time::sleep(PAUSE).await;
                }
            });
        }
        pulse
    }

    /// All of their requests; and the tries that were repeated.
    pub(super) fn all(&self) -> (Counted, u64) {
        let rule_set = write(&self.rule_set);
        (rule_set.all, rule_set.repeated)
    }

    /// Those that were under way within a time of the run's watch. Asked soon after it.
    pub(super) fn during(&self, time: &Range<u64>) -> Counted {
        let mut counted = Counted::default();
        for (under_way, good) in &write(&self.rule_set).last {
            if under_way.start <= time.end && time.start <= under_way.end {
                counted.sent += 1;
                counted.failed += u64::from(!good);
            }
        }
        counted
    }
}

/// Nothing panics while it holds it.
fn write(rule_set: &Mutex<PulseCounts>) -> std::sync::MutexGuard<'_, PulseCounts> {
    rule_set.lock().unwrap_or_else(PoisonError::into_inner)
}

impl PulseCounts {
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
