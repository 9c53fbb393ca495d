//! The page of metrics in OpenMetrics text, and every name on it.
//!
//! Law: one prefix, base units, no id is ever a label. A [`Metric`] can be made here alone, so the
//! compiler keeps every name on this page.

use std::sync::atomic::AtomicU64;

use prometheus_client::encoding::text::encode;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::info::Info;
use prometheus_client::registry::Registry;

/// What the page is, for the header of the answer.
pub const CONTENT_TYPE: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// A metric's name, without the suffix that its kind adds, and what it tells.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
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
    EVENTS = "ripcord_events", "Telemetry records by what became of them";
    AFTER_CLOSE = "ripcord_late_cells", "Sums that came after their interval was closed";
    GAPS = "ripcord_position_gaps", "Gaps in the positions read: data was lost before Ripcord";
    VALUE = "ripcord_window_value_ratio", "Rate that a trigger sees, since the likely change";
    MEAN = "ripcord_window_mean_seconds", "Mean latency that a trigger sees";
    DRIFT = "ripcord_drift_index", "Largest population stability index over a version's inputs";
    SAMPLES = "ripcord_window_samples", "Samples since the likely change";
    EVIDENCE = "ripcord_evidence", "Statistic of a trigger, odds against the null";
    THRESHOLD = "ripcord_evidence_threshold", "Odds at which the trigger fires";
    VERDICTS = "ripcord_verdicts", "Triggers by signal and what they say now";
    COVERAGE = "ripcord_label_coverage_ratio", "Share of answers that labels came for";
    ROLLBACKS = "ripcord_rollbacks", "Rollbacks by how they ended";
    QUARANTINED = "ripcord_quarantined_versions", "Versions that may not be promoted";
    OPEN = "ripcord_open_incidents", "Incidents that are not over";
    FROZEN = "ripcord_frozen", "1 while automatic action is stopped for a model";
    LAG = "ripcord_consumer_lag_records", "Records of an inbox that are not folded yet";
    STATUS_AGE = "ripcord_status_age_seconds", "Age of a shard's last sign of life";
    TAKEN = "ripcord_http_telemetry_records", "Lines posted to this process, by result";
}

/// Names and values of a sample.
pub type Labels = Vec<(&'static str, String)>;

/// A page under way.
pub struct Page(Registry);

impl Page {
    /// A page that says which build writes it.
    #[must_use]
    pub fn new(version: &str) -> Self {
        let mut registry = Registry::default();
        let info = Info::new(vec![("version", version.to_owned())]);
        registry.register(BUILD.name, BUILD.help, info);
        Self(registry)
    }

    /// Adds a value that goes up and down.
    pub fn gauge(&mut self, metric: Metric, samples: impl IntoIterator<Item = (Labels, f64)>) {
        let family = Family::<Labels, Gauge<f64, AtomicU64>>::default();
        for (labels, value) in samples {
            family.get_or_create(&labels).set(value);
        }
        self.0.register(metric.name, metric.help, family);
    }

    /// Adds a count that only grows.
    pub fn counter(&mut self, metric: Metric, samples: impl IntoIterator<Item = (Labels, u64)>) {
        let family = Family::<Labels, Counter>::default();
        for (labels, count) in samples {
            family.get_or_create(&labels).inc_by(count);
        }
        self.0.register(metric.name, metric.help, family);
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
        let text = page.text();
        for line in [
            "ripcord_build_info{version=\"1.2.3\"} 1",
            "ripcord_open_incidents{model=\"a \\\"b\\\"\\n\"} 2.0",
            "ripcord_events_total{source=\"s\"} 7",
            "# TYPE ripcord_events counter",
            "# EOF",
        ] {
            assert!(text.lines().any(|found| found == line), "{line} is not in\n{text}");
        }
    }

    #[test]
    fn names_are_of_one_kind() {
        for metric in ALL {
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
