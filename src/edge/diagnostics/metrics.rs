//! The page of metrics in OpenMetrics text, and every name on it.
//!
//! Law: one prefix, base units, and no id as a label; what the kernel says of the process has the
//! names that all programs give it. Only this file can make a [`Metric`], so the
//! compiler keeps every name on this page.
//!
//! Over 300 lines: every metric is named in one place.

use std::fmt;
use std::sync::atomic::AtomicU64;

use hdrhistogram::Histogram;
use prometheus_client::encoding::text::encode;
use prometheus_client::encoding::{EncodeMetric, MetricEncoder, NoLabelSet};
use prometheus_client::metrics::MetricType;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::info::Info;
use prometheus_client::registry::Registry;

/// The media type of the page.
pub const CONTENT_TYPE: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// A metric's name, without the suffix that its kind adds, and its help text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Metric {
    name: &'static str,
    help: &'static str,
}

macro_rules! metrics {
    ($($constant:ident = $name:literal, $help:literal;)*) => {
        $(#[doc = $help] pub const $constant: Metric = Metric { name: $name, help: $help };)*
        /// All of them.
        pub const ALL: &[Metric] = &[$($constant),*];
    };
}

metrics! {
    BUILD = "ripcord_build", "Version of the running program";
    EVENTS = "ripcord_events", "Telemetry records by result";
    AFTER_CLOSE = "ripcord_late_cells", "Sums that arrived after their interval was closed";
    REFUSED_CELLS = "ripcord_refused_cells",
        "Sums that shards did not take, because their names have no place";
    GAPS = "ripcord_position_gaps",
        "Gaps in the positions read: records lost before Ripcord could read them";
    RECORDS_LOST = "ripcord_lost_records",
        "Records that were deleted before Ripcord could read them, at most";
    UNREADABLE = "ripcord_unreadable_records", "Records of an inbox that could not be read";
    UNREADABLE_COMMANDS = "ripcord_unreadable_commands",
        "Commands that a worker of this process could not read";
    IGNORED_ANSWERS = "ripcord_ignored_answers", "Results of workers that no step was waiting for";
    ILLEGAL_MOVES = "ripcord_illegal_moves",
        "Illegal state changes of incidents: each is a defect of Ripcord";
    REFUSED_FENCES = "ripcord_refused_fences",
        "Generations reported by targets that are too high to be true";
    VALUE = "ripcord_window_value_ratio", "Rate that a trigger sees, since the likely change point";
    MEAN = "ripcord_window_mean_seconds",
        "Mean latency that a trigger sees, since the likely change point";
    DRIFT = "ripcord_drift_index", "Largest population stability index over a version's inputs";
    SAMPLES = "ripcord_window_samples", "Samples since the likely change point";
    EVIDENCE = "ripcord_evidence",
        "Test statistic of a trigger, as odds against the null hypothesis";
    THRESHOLD = "ripcord_evidence_threshold", "Odds at which the trigger fires";
    TRIGGERS = "ripcord_triggers", "Triggers by signal and current verdict";
    SNAPSHOTS = "ripcord_snapshots", "Snapshots of shards by result, in this process";
    VERDICTS = "ripcord_verdicts", "Verdicts that changed or led to an action, in this process";
    WATERMARK = "ripcord_watermark_delay_seconds", "Log time minus the newest event time read";
    LATE = "ripcord_late_events", "Records that arrived after their pane was closed";
    DETECTION = "ripcord_detection_delay_seconds",
        "Event time from the likely start of a breach to the decision";
    COMMANDS = "ripcord_rollback_commands", "Commands to targets, including repeats";
    DURATION = "ripcord_rollback_duration_seconds",
        "Duration of a rollback's phase in event time: switch, mitigate, verify";
    SUPPRESSED = "ripcord_suppressed", "Breaches that rolled nothing back, in this process";
    NOTIFICATIONS = "ripcord_notifications", "Notices sent by this process";
    PHASE = "ripcord_phase_duration_seconds", "Duration of a phase of this process's work";
    WORKER_STEP = "ripcord_worker_step_duration_seconds",
        "Time that a worker of this process needed for a command";
    REFUSED = "ripcord_refused_commands",
        "Commands that a worker of this process refused, by reason";
    REFUSED_INSTRUCTIONS = "ripcord_instructions_refused",
        "Instructions and rules that this process refused, by what is wrong with their signature";
    ROLE_RESTARTS = "ripcord_role_restarts",
        "Times that a role of this process was started again after a failure";
    WAITING = "ripcord_waiting_requests",
        "Predictions and outcomes that wait for each other in this process, by source";
    WAITING_BYTES = "ripcord_waiting_bytes", "Memory that remembered requests take, by source";
    INPUT_BYTES = "ripcord_input_bytes", "Memory that inputs of recent requests take, by source";
    INPUTS_DROPPED = "ripcord_inputs_dropped",
        "Answers whose inputs were dropped before another version could answer, by source";
    STOPPED_JOINS = "ripcord_stopped_joins",
        "Models whose labels are not counted, because too many requests wait, by source";
    UNPLACED = "ripcord_unplaced_names",
        "Records and values that were not measured because their name has no place, by source";
    SNAPSHOT_BYTES = "ripcord_snapshot_bytes", "Size of a shard's last snapshot, packed";
    SNAPSHOT_AGE = "ripcord_snapshot_age_seconds", "Time since a shard's last snapshot";
    ROLE_LAG = "ripcord_role_lag_records",
        "Records that a role of this process has not read yet, as far as it is known";
    ROLE_BEHIND = "ripcord_role_lag_seconds",
        "Age of the last record that a role has read, while others wait behind it";
    KAFKA_REBALANCES = "ripcord_kafka_rebalances",
        "Rebalances of the groups that this process is a member of";
    KAFKA_DISCONNECTS = "ripcord_kafka_disconnects",
        "Connections to brokers that were lost, of the clients that read";
    KAFKA_ERRORS = "ripcord_kafka_errors",
        "Requests to brokers that failed or were not answered, of the clients that read";
    ROLE_READY = "ripcord_role_ready",
        "1 while a role of this process has joined its group and reads";
    STATES = "ripcord_incidents", "Incidents by current state";
    COVERAGE = "ripcord_label_coverage_ratio", "Share of answers that have received a label";
    ROLLBACKS = "ripcord_rollbacks", "Rollbacks by the last phase that they reached";
    QUARANTINED = "ripcord_quarantined_versions", "Versions that may not be promoted";
    OPEN = "ripcord_open_incidents", "Incidents that are not resolved";
    BLIND = "ripcord_blind", "1 while a model's production may hide a fault: lost or silent";
    FROZEN = "ripcord_frozen", "1 while automatic action is frozen for a model";
    TROUBLE = "ripcord_target_trouble", "1 while a target cannot be observed";
    LAG = "ripcord_consumer_lag_records",
        "Records of an inbox that its shard has not processed yet";
    STATUS_AGE = "ripcord_status_age_seconds", "Age of a shard's last status";
    LOG_AHEAD = "ripcord_log_time_ahead_seconds",
        "How far log time is ahead of the clock that stamps the records";
    ROUTED = "ripcord_router_requests", "Requests that the router sent to a version, by result";
    ROUTED_TOOK = "ripcord_router_request_duration_seconds",
        "Response time of a version, measured by the router";
    ROUTE_WEIGHT = "ripcord_router_weight_ratio",
        "Share of its model's requests that a version gets";
    BREAKER = "ripcord_router_breaker", "1 for the current state of a version's breaker";
    BACKEND_UP = "ripcord_router_backend_up", "1 while a version's health check succeeds";
    ROUTER_DROPPED = "ripcord_router_dropped",
        "Records and mirrored copies that were dropped because a queue was full";
    CONSTANT_IDS = "ripcord_router_constant_ids",
        "Predictions whose request id was that of many others, so the router gave its own";
    PROCESS_CPU = "process_cpu_seconds", "Processor time that this process has used";
    PROCESS_START = "process_start_time_seconds", "When this process started, since 1970";
    PROCESS_MEMORY = "process_resident_memory_bytes", "Memory that this process takes";
    PROCESS_FDS = "process_open_fds", "Files and connections that this process has open";
    PROCESS_MOST_FDS = "process_max_fds", "Files and connections that it may have open";
    TAKEN = "ripcord_http_telemetry_records", "Lines posted to this process, by result";
}

/// Names and values of a sample.
pub type MetricLabels = Vec<(&'static str, String)>;

/// A value of the model as a label, in the spelling of its JSON.
pub fn word<T: serde::Serialize>(value: T) -> String {
    let json = serde_json::to_value(value).unwrap_or_default();
    json.as_str().unwrap_or_default().replace('-', "_")
}

/// Upper bounds of the buckets of every histogram, in microseconds: from a fold to a label's delay.
const BOUNDS_US: [u64; 13] = {
    const S: u64 = 1_000_000;
    const HOUR: u64 = 3600 * S;
    const DAY: u64 = 24 * HOUR;
    [100, 1000, 10_000, S / 10, S, 10 * S, 60 * S, 600 * S, HOUR, 6 * HOUR, DAY, 7 * DAY, 30 * DAY]
};

/// Times, in two significant digits.
#[derive(Debug, Clone)]
pub struct Spread(Histogram<u32>);

impl Default for Spread {
    #[expect(clippy::expect_used, reason = "the bounds are constants, and a test makes one")]
    fn default() -> Self {
        const YEAR_US: u64 = 365 * 24 * 3_600_000_000;
        Self(Histogram::new_with_bounds(1, YEAR_US, 2).expect("bounds of a histogram"))
    }
}

impl Spread {
    /// From a histogram of microseconds.
    #[must_use]
    pub fn of(took_us: &Histogram<u32>) -> Self {
        Self(took_us.clone())
    }

    /// Adds a time. One that is too long counts as the longest.
    pub fn record_us(&mut self, us: u64) {
        self.0.saturating_record(us);
    }

    /// Sum, count, and how many lie in each bucket, in seconds.
    fn told(&self) -> (f64, u64, Vec<(f64, u64)>) {
        let seconds = |us: u64| us as f64 / 1e6;
        let (mut buckets, mut counted) = (Vec::new(), 0);
        for bound in BOUNDS_US {
            let upto = self.0.count_between(0, bound);
            buckets.push((seconds(bound), upto - counted));
            counted = upto;
        }
        let count = self.0.len();
        buckets.push((f64::INFINITY, count - counted));
        (self.0.mean() * count as f64 / 1e6, count, buckets)
    }
}

/// Spreads by label.
#[derive(Debug)]
struct Spreads(Vec<(MetricLabels, Spread)>);

impl EncodeMetric for Spreads {
    fn encode(&self, mut encoder: MetricEncoder<'_>) -> fmt::Result {
        for (labels, spread) in &self.0 {
            let (sum, count, buckets) = spread.told();
            let mut encoder = encoder.encode_family(labels)?;
            encoder.encode_histogram::<NoLabelSet>(sum, count, &buckets, None)?;
        }
        Ok(())
    }

    fn metric_type(&self) -> MetricType {
        MetricType::Histogram
    }
}

/// A page that is being built.
pub struct Page(Registry);

impl Page {
    /// A page with the version of this build.
    #[must_use]
    pub fn new(version: &str) -> Self {
        let mut registry = Registry::default();
        let info = Info::new(vec![("version", version.to_owned())]);
        registry.register(BUILD.name, BUILD.help, info);
        Self(registry)
    }

    /// Adds a value that goes up and down.
    pub fn gauge(
        &mut self,
        metric: Metric,
        samples: impl IntoIterator<Item = (MetricLabels, f64)>,
    ) {
        let family = Family::<MetricLabels, Gauge<f64, AtomicU64>>::default();
        for (labels, value) in samples {
            family.get_or_create(&labels).set(value);
        }
        self.0.register(metric.name, metric.help, family);
    }

    /// Adds a count that only grows.
    pub fn counter(
        &mut self,
        metric: Metric,
        samples: impl IntoIterator<Item = (MetricLabels, u64)>,
    ) {
        let family = Family::<MetricLabels, Counter>::default();
        for (labels, count) in samples {
            family.get_or_create(&labels).inc_by(count);
        }
        self.0.register(metric.name, metric.help, family);
    }

    /// Adds seconds that only grow.
    pub fn seconds(&mut self, metric: Metric, total: f64) {
        let counter = Counter::<f64, AtomicU64>::default();
        counter.inc_by(total);
        self.0.register(metric.name, metric.help, counter);
    }

    /// Adds times.
    pub fn histogram(
        &mut self,
        metric: Metric,
        of: impl IntoIterator<Item = (MetricLabels, Spread)>,
    ) {
        self.0.register(metric.name, metric.help, Spreads(of.into_iter().collect()));
    }

    /// The text.
    #[must_use]
    pub fn text(&self) -> String {
        let mut text = String::new();
        // Writing into a String cannot fail.
        encode(&mut text, &self.0).ok();
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_holds_what_was_put_on_it() {
        let mut page = Page::new("1.2.3");
        page.gauge(OPEN, [(vec![("model", "a \"b\"\n".to_owned())], 2.0)]);
        page.counter(EVENTS, [(vec![("source", "s".to_owned())], 7)]);
        let mut spread = Spread::default();
        for us in [50, 50_000, 50_000, 5_000_000, u64::MAX] {
            spread.record_us(us);
        }
        page.histogram(PHASE, [(vec![("phase", "fold".to_owned())], spread)]);
        let text = page.text();
        for line in [
            "ripcord_build_info{version=\"1.2.3\"} 1",
            "ripcord_open_incidents{model=\"a \\\"b\\\"\\n\"} 2.0",
            "ripcord_events_total{source=\"s\"} 7",
            "# TYPE ripcord_events counter",
            "# TYPE ripcord_phase_duration_seconds histogram",
            "ripcord_phase_duration_seconds_count{phase=\"fold\"} 5",
            "ripcord_phase_duration_seconds_bucket{le=\"0.0001\",phase=\"fold\"} 1",
            "ripcord_phase_duration_seconds_bucket{le=\"0.1\",phase=\"fold\"} 3",
            "ripcord_phase_duration_seconds_bucket{le=\"10.0\",phase=\"fold\"} 4",
            "ripcord_phase_duration_seconds_bucket{le=\"+Inf\",phase=\"fold\"} 5",
            "# EOF",
        ] {
            assert!(text.lines().any(|found| found == line), "{line} is not in\n{text}");
        }
    }

    #[test]
    fn the_names_that_dashboards_were_promised_are_here() {
        for name in [
            "build",
            "events",
            "watermark_delay_seconds",
            "late_events",
            "consumer_lag_records",
            "window_samples",
            "window_value_ratio",
            "verdicts",
            "detection_delay_seconds",
            "rollback_commands",
            "rollback_duration_seconds",
            "rollbacks",
            "worker_step_duration_seconds",
            "suppressed",
            "quarantined_versions",
            "notifications",
        ] {
            let of = |metric: &Metric| metric.name.strip_prefix("ripcord_") == Some(name);
            assert!(ALL.iter().any(of), "{name}");
        }
    }

    #[test]
    fn names_are_of_one_kind() {
        for metric in ALL.iter().filter(|metric| !metric.name.starts_with("process_")) {
            let word = |c: char| c.is_ascii_lowercase() || c == '_';
            assert!(metric.name.starts_with("ripcord_") && metric.name.chars().all(word));
            assert!(!metric.help.ends_with('.'), "{metric:?}");
            // Suffixes that the page adds itself, and what is no base unit.
            for end in ["_total", "_info", "_ms", "_milliseconds", "_minutes", "_percent", "_id"] {
                assert!(!metric.name.ends_with(end), "{metric:?}");
            }
        }
    }
}
