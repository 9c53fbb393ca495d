//! Hints: what to change in a source, in plain words.

use std::collections::BTreeSet;

use super::SourceCheck;
use crate::model::{SampleKind, Span};

/// What nobody wants to wait for with each decision.
const HOUR: Span = Span::from_s(3600);

impl SourceCheck<'_> {
    pub(super) fn hints(&self) -> Vec<String> {
        let mut hints = Vec::new();
        if self.understood.is_empty() {
            hints.push(match self.records {
                0 => "there are no records".to_owned(),
                _ => "no record could be read: fix the rejected ones first".to_owned(),
            });
            return hints;
        }
        let predictions = self.understood.get(&SampleKind::Prediction).copied().unwrap_or(0);
        if predictions > 0 && self.roles.unstated == predictions {
            hints.push(
                "no prediction states its role, so the version that the registry has in \
                 production counts as live; write role live or shadow to be exact"
                    .to_owned(),
            );
        }
        if self.disorder > self.topic.allowed_disorder {
            hints.push(format!(
                "timestamps are out of order by up to {} s, but {} s are allowed, so those records \
                 are late; {}",
                self.disorder.as_s(),
                self.topic.allowed_disorder.as_s(),
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
                "every latency is between {} and {} ms; if these are seconds, write milliseconds",
                all.min_ms, all.max_ms
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

    fn label_hints(&self) -> Vec<String> {
        let mut hints = Vec::new();
        for (model, types) in &self.labels {
            let list = |types: &BTreeSet<&str>| {
                types.iter().copied().collect::<Vec<&str>>().join(" or a ")
            };
            let differs = |(_, predicted): &(_, &BTreeSet<&str>)| {
                !types.actual.is_empty() && !predicted.is_subset(&types.actual)
            };
            hints.extend(types.predicted.iter().filter(differs).map(|(version, predicted)| {
                format!(
                    "model {model}: the prediction of {version} is a {}, but actual is a {}; what \
                     differs in type is not compared, so write both as the same type",
                    list(predicted),
                    list(&types.actual)
                )
            }));
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
