//! What this process has done since it started, and how long each phase took: numbers that no
//! topic holds. They start at zero with each process, as counters may.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use super::metrics::{self, Metric, MetricLabels, Page, Spread};
use super::own_process;
use crate::edge::clock::Stopwatch;
use crate::model::{Incident, IncidentId, IncidentState, StepResult, TargetId, Want};

/// A phase whose time is measured.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum TimedPhase {
    /// A lane's frames are written to the log.
    Flush,
    /// Records of an inbox are folded.
    Fold,
    /// The outputs are written to the log.
    Commit,
    /// From the commands until live traffic shows the switch.
    Mitigate,
}

impl TimedPhase {
    const fn word(self) -> &'static str {
        match self {
            Self::Flush => "flush",
            Self::Fold => "fold",
            Self::Commit => "commit",
            Self::Mitigate => "mitigate",
        }
    }
}

/// One per process, like the subscriber of log events, so that no caller has to pass it around.
static COUNTERS: Mutex<ProcessCounters> = Mutex::new(ProcessCounters {
    took: BTreeMap::new(),
    counts: BTreeMap::new(),
    gauges: BTreeMap::new(),
    since: BTreeMap::new(),
    mitigating: BTreeMap::new(),
});

struct ProcessCounters {
    took: BTreeMap<Metric, BTreeMap<MetricLabels, Spread>>,
    counts: BTreeMap<Metric, BTreeMap<MetricLabels, u64>>,
    gauges: BTreeMap<Metric, BTreeMap<MetricLabels, f64>>,
    /// What is told as an age.
    since: BTreeMap<Metric, BTreeMap<MetricLabels, Stopwatch>>,
    mitigating: BTreeMap<IncidentId, Stopwatch>,
}

impl ProcessCounters {
    fn took(&mut self, metric: Metric, labels: MetricLabels, watch: Stopwatch) {
        let spread = self.took.entry(metric).or_default().entry(labels).or_default();
        spread.record_us(watch.elapsed_us());
    }
}

/// Nothing panics while it holds it.
fn counters() -> MutexGuard<'static, ProcessCounters> {
    COUNTERS.lock().unwrap_or_else(PoisonError::into_inner)
}

fn phase(phase: TimedPhase) -> MetricLabels {
    vec![("phase", phase.word().to_owned())]
}

/// A phase has ended that started with the watch.
pub fn took(of: TimedPhase, watch: Stopwatch) {
    counters().took(metrics::PHASE, phase(of), watch);
}

/// One more.
pub fn count(metric: Metric, labels: MetricLabels) {
    add(metric, labels, 1);
}

/// Some more.
pub fn add(metric: Metric, labels: MetricLabels, more: u64) {
    *counters().counts.entry(metric).or_default().entry(labels).or_default() += more;
}

/// The present value of something.
pub fn set(metric: Metric, labels: MetricLabels, value: f64) {
    counters().gauges.entry(metric).or_default().insert(labels, value);
}

/// There is no value any more.
pub fn unset(metric: Metric, labels: &MetricLabels) {
    if let Some(values) = counters().gauges.get_mut(&metric) {
        values.remove(labels);
    }
}

/// A role was started again after a failure.
pub fn role_restarted(role: &str) {
    count(metrics::ROLE_RESTARTS, vec![("role", role.to_owned())]);
}

/// A worker has finished a command.
pub fn step(worker: &TargetId, want: &Want, outcome: StepResult, watch: Stopwatch) {
    let result = metrics::word(outcome);
    let labels = vec![("worker", worker.to_string()), ("result", result.clone())];
    counters().took(metrics::WORKER_STEP, labels, watch);
    if matches!(want, Want::Notice { .. }) {
        let labels = vec![("channel", worker.to_string()), ("result", result)];
        count(metrics::NOTIFICATIONS, labels);
    }
}

/// A worker refused a command; `reason`: a code.
pub fn refused(worker: &TargetId, reason: &'static str) {
    let labels = vec![("worker", worker.to_string()), ("reason", reason.to_owned())];
    count(metrics::REFUSED, labels);
}

/// A shard refused an instruction or rules; `reason`: a code.
pub fn instruction_refused(reason: &'static str) {
    count(metrics::REFUSED_INSTRUCTIONS, vec![("reason", reason.to_owned())]);
}

/// A snapshot was written, or was not.
pub fn snapshot(shard: u32, result: &'static str) {
    let labels = vec![("shard", shard.to_string()), ("result", result.to_owned())];
    count(metrics::SNAPSHOTS, labels);
}

/// How large the last snapshot of a shard is; its age counts from now.
pub fn snapshot_bytes(shard: u32, bytes: u64) {
    let labels = vec![("shard", shard.to_string())];
    set(metrics::SNAPSHOT_BYTES, labels.clone(), bytes as f64);
    let mut done = counters();
    done.since.entry(metrics::SNAPSHOT_AGE).or_default().insert(labels, Stopwatch::start());
}

/// A worker could not read a command.
pub fn unreadable(worker: &TargetId) {
    count(metrics::UNREADABLE_COMMANDS, vec![("worker", worker.to_string())]);
}

/// An incident changed: the time from its commands to the live proof is a phase.
pub fn incident(changed: &Incident) {
    let mut done = counters();
    if changed.state == IncidentState::Mitigating {
        done.mitigating.entry(changed.id.clone()).or_insert_with(Stopwatch::start);
    } else if let Some(watch) = done.mitigating.remove(&changed.id)
        && changed.state == IncidentState::Mitigated
    {
        done.took(metrics::PHASE, phase(TimedPhase::Mitigate), watch);
    }
}

/// What is only counted.
const COUNTED: [Metric; 12] = [
    metrics::SUPPRESSED,
    metrics::NOTIFICATIONS,
    metrics::VERDICTS,
    metrics::REFUSED,
    metrics::REFUSED_INSTRUCTIONS,
    metrics::SNAPSHOTS,
    metrics::UNREADABLE_COMMANDS,
    metrics::ROLE_RESTARTS,
    metrics::UNPLACED,
    metrics::KAFKA_REBALANCES,
    metrics::KAFKA_DISCONNECTS,
    metrics::KAFKA_ERRORS,
];

/// Puts it on a page.
pub fn page(page: &mut Page) {
    own_process::page(page);
    let done = counters();
    for metric in [metrics::PHASE, metrics::WORKER_STEP] {
        let took = done.took.get(&metric).into_iter().flatten();
        page.histogram(metric, took.map(|(labels, spread)| (labels.clone(), spread.clone())));
    }
    for metric in COUNTED {
        let counts = done.counts.get(&metric).into_iter().flatten();
        page.counter(metric, counts.map(|(labels, count)| (labels.clone(), *count)));
    }
    for (metric, values) in &done.gauges {
        let values = values.iter().map(|(labels, value)| (labels.clone(), *value));
        page.gauge(*metric, values.collect::<Vec<_>>());
    }
    for (metric, since) in &done.since {
        let ages = since.iter().map(|(labels, watch)| (labels.clone(), watch.elapsed().as_s()));
        page.gauge(*metric, ages.collect::<Vec<_>>());
    }
}
