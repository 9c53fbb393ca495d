//! Hints: what to change in a source, in plain words.

use super::SourceCheck;
use super::units::latency_in_seconds;
use crate::model::{SampleKind, Span};

/// What nobody wants to wait for with each decision.
const HOUR: Span = Span::from_s(3600);

impl SourceCheck<'_> {
    /// The table of the settings that says how a topic is read.
    pub(super) fn table(&self, topic: &str) -> String {
        let source = &self.source.id;
        match self.several_topics {
            true => format!("sources.{source}.topic.{topic:?}"),
            false => format!("sources.{source}"),
        }
    }

    pub(super) fn hints(&self) -> Vec<String> {
        let mut hints = Vec::new();
        if self.understood.is_empty() {
            hints.push(match (self.records, self.rejected.is_empty()) {
                (0, _) => "there are no records".to_owned(),
                (_, true) => "no record is one that the mapping takes: look at only".to_owned(),
                (_, false) => "no record could be read: fix the rejected ones first, or map the \
                               records"
                    .to_owned(),
            });
            hints.extend(self.units.hints(|topic| self.table(topic)));
            return hints;
        }
        hints.extend(self.units.hints(|topic| self.table(topic)));
        hints.extend(self.half_hints());
        let unjudged = [SampleKind::Health, SampleKind::Run];
        let unjudged = unjudged.map(|kind| self.understood.get(&kind).copied().unwrap_or(0));
        if let Some(records) = Some(unjudged.iter().sum::<u64>()).filter(|records| *records > 0) {
            hints.push(format!(
                "{records} health and run records are counted, but no trigger judges them"
            ));
        }
        let predictions = self.roles.live + self.roles.shadow + self.roles.unstated;
        if predictions > 0 && self.roles.unstated == predictions {
            hints.push(
                "no prediction states its role, so the version that the registry has in \
                 production counts as live; write role live or shadow to be exact"
                    .to_owned(),
            );
        }
        let allowed = self.topics.iter().map(|topic| topic.allowed_disorder).max();
        let allowed = allowed.unwrap_or(Span::ZERO);
        if self.disorder > allowed {
            hints.push(format!(
                "timestamps are out of order by up to {} s, but {} s are allowed, so those records \
                 are late; {}",
                self.disorder.as_s(),
                allowed.as_s(),
                match self.disorder > HOUR {
                    true => "sort the file by time, or split it: files are merged by time",
                    false => "raise allowed_disorder_seconds",
                }
            ));
        }
        if self.unanswered > 0 {
            hints.push(format!(
                "{} answers that are ok have no prediction, so they do not count towards accuracy",
                self.unanswered
            ));
        }
        hints.extend(self.label_hints());
        if let Some(all) = self.latency
            && all.count >= 20
            && all.max_ms < 1.0
        {
            hints.push(format!(
                "every latency is between {} and {} ms; if these are seconds, write milliseconds, \
                 or map them:\n[{}.fields]\n{}",
                all.min_ms,
                all.max_ms,
                self.table(self.topics.first().map_or("", |topic| &topic.name)),
                latency_in_seconds(self.topics.first())
            ));
        }
        if self.max_cpu_ratio > 1.0 {
            let most = self.max_cpu_ratio;
            hints.push(format!(
                "cpu_ratio is as high as {most}; write a share from 0 to 1, not percent"
            ));
        }
        hints
    }

    fn half_hints(&self) -> Vec<String> {
        let counts = self.half_counts;
        let halves = counts.asked + counts.answered;
        if halves == 0 || counts.met * 20 >= halves {
            return Vec::new();
        }
        let met = 200.0 * counts.met as f64 / halves as f64;
        vec![format!(
            "only {met:.0} % of {halves} halves meet their other one: `by` of pair must be the \
             same in both, and both must be in one partition; what is asked and not answered \
             counts as pair.missing says"
        )]
    }

    fn label_hints(&self) -> Vec<String> {
        let mut hints = Vec::new();
        hints.extend(self.labels.hints());
        hints.extend(self.labels.strangers());
        if self.joins.is_regression() {
            hints.push(
                "regression: predictions are numbers that never equal the truth, so accuracy \
                 cannot be judged; errors, latency and drift can. To judge answers, send whether \
                 each is near enough: prediction and actual as classes"
                    .to_owned(),
            );
        }
        let labels = self.joins.labels(self.carried, self.inline);
        if labels.outcomes > 0 && labels.matched == 0 && labels.carried == 0 {
            hints.push(
                "no outcome matches a prediction; `request` must be the same in both, and the \
                 prediction must come first"
                    .to_owned(),
            );
        }
        if labels.forgotten > 0 {
            hints.push(format!(
                "{} older requests were dropped to limit memory, so coverage and pairs cover only \
                 the others",
                labels.forgotten
            ));
        }
        hints
    }
}
