//! What a source's records come to, for people who connect one: `ripcord check-source`.
//!
//! Law: it decodes as the river does and keeps a bounded memory, however long the source is.

mod joins;
mod report;

use std::collections::{BTreeMap, BTreeSet};

use self::joins::Joins;
pub use self::report::{
    Durations, Example, LabelCounts, ModelReport, PairCounts, Rejects, RoleCounts, SourceReport,
    Times,
};
use super::telemetry::{Raw, decode};
use crate::model::{
    EventTime, Outcome, Prediction, PredictionStatus, Reject, Sample, SampleKind, SampleRole,
    Source, Span, TopicRule, Value,
};

/// Models, and versions of a model, that a report tells apart; the rest is `other`.
const MAX_NAMES: usize = 100;
/// Examples of each kind.
const EXAMPLES: usize = 2;

/// Takes records one by one; [`SourceCheck::report`] says what they come to.
#[derive(Debug)]
pub struct SourceCheck<'s> {
    topic: &'s TopicRule,
    source: &'s Source,
    records: u64,
    understood: BTreeMap<SampleKind, u64>,
    examples: Vec<Example>,
    rejected: BTreeMap<Reject, Rejects>,
    models: BTreeMap<String, ModelReport>,
    labels: BTreeMap<String, LabelTypes>,
    joins: Joins,
    carried: u64,
    inline: u64,
    roles: RoleCounts,
    first: Option<EventTime>,
    last: EventTime,
    disorder: Span,
    latency: Option<Durations>,
    unanswered: u64,
    max_cpu_ratio: f64,
}

/// Which JSON types a model's answers and truths have.
#[derive(Debug, Default)]
struct LabelTypes {
    predicted: BTreeSet<&'static str>,
    actual: BTreeSet<&'static str>,
}

impl<'s> SourceCheck<'s> {
    /// A check of records of `topic`; at most `max_requests` requests are remembered at a time.
    #[must_use]
    pub fn new(topic: &'s TopicRule, source: &'s Source, max_requests: usize) -> Self {
        Self {
            topic,
            source,
            records: 0,
            understood: BTreeMap::new(),
            examples: Vec::new(),
            rejected: BTreeMap::new(),
            models: BTreeMap::new(),
            labels: BTreeMap::new(),
            joins: Joins::new(max_requests),
            carried: 0,
            inline: 0,
            roles: RoleCounts::default(),
            first: None,
            last: EventTime::MIN,
            disorder: Span::ZERO,
            latency: None,
            unanswered: 0,
            max_cpu_ratio: 0.0,
        }
    }

    /// Takes a record; `line` is its number in the file, or its position on the log.
    pub fn take(&mut self, line: u64, record: &Raw<'_>) {
        self.records += 1;
        match decode(record, self.topic, self.source) {
            Ok(sample) => self.understood(line, &sample),
            Err(why) => self.reject(line, why.code, why.detail),
        }
    }

    /// Takes a record of so many bytes that it was not even read.
    pub fn too_large(&mut self, line: u64, bytes: u64) {
        self.records += 1;
        let limit = self.source.max_record_bytes;
        let detail = format!("it has {bytes} bytes, more than {limit}");
        self.reject(line, Reject::TooLarge, detail);
    }

    fn reject(&mut self, line: u64, code: Reject, detail: String) {
        let entry = self.rejected.entry(code).or_insert_with(|| Rejects {
            count: 0,
            first_line: line,
            detail,
            mend: report::mend(code),
        });
        entry.count += 1;
    }

    fn understood(&mut self, line: u64, sample: &Sample<'_>) {
        let kind = report::kind(sample);
        let count = self.understood.entry(kind).or_default();
        *count += 1;
        if *count <= EXAMPLES as u64 {
            self.examples.push(Example { line, kind, reads: report::reads(sample) });
        }
        let ts = sample.ts();
        self.first = Some(self.first.map_or(ts, |first| first.min(ts)));
        if ts < self.last {
            self.disorder = self.disorder.max(self.last - ts);
        }
        self.last = self.last.max(ts);
        let model = kept(&self.models, sample.model());
        let known = self.models.entry(model.clone()).or_default();
        *known.records.entry(kind).or_default() += 1;
        if let Some(version) = report::version(sample) {
            let version = kept(&known.versions, version);
            *known.versions.entry(version).or_default() += 1;
        }
        match sample {
            Sample::Prediction(prediction) => self.prediction(&model, prediction),
            Sample::Outcome(outcome) => self.outcome(&model, outcome),
            Sample::Latency(latency) => self.duration(latency.latency_us),
            Sample::Health(health) => {
                self.max_cpu_ratio = self.max_cpu_ratio.max(health.cpu_ratio.unwrap_or(0.0));
            }
            Sample::Run(_) => {}
        }
    }

    fn prediction(&mut self, model: &str, prediction: &Prediction<'_>) {
        self.joins.predicted(&prediction.model, prediction.request(), &prediction.version);
        match prediction.role {
            SampleRole::Live => self.roles.live += 1,
            SampleRole::Shadow => self.roles.shadow += 1,
            SampleRole::Unstated => self.roles.unstated += 1,
        }
        if prediction.actual.is_some() {
            self.inline += 1;
            self.joins.labelled(&prediction.model, prediction.request());
        }
        if prediction.status == PredictionStatus::Ok && prediction.prediction.is_none() {
            self.unanswered += 1;
        }
        if let Some(us) = prediction.latency_us {
            self.duration(us);
        }
        let types = self.labels.entry(model.to_owned()).or_default();
        types.predicted.extend(prediction.prediction.as_ref().map(json_type));
        types.actual.extend(prediction.actual.as_ref().map(json_type));
    }

    fn outcome(&mut self, model: &str, outcome: &Outcome<'_>) {
        if outcome.version.is_some() && outcome.prediction.is_some() {
            self.carried += 1;
        } else {
            self.joins.outcome(&outcome.model, &outcome.request);
        }
        let types = self.labels.entry(model.to_owned()).or_default();
        types.predicted.extend(outcome.prediction.as_ref().map(json_type));
        types.actual.insert(json_type(&outcome.actual));
    }

    fn duration(&mut self, us: u64) {
        let ms = us as f64 / 1000.0;
        let all = self.latency.get_or_insert(Durations { count: 0, min_ms: ms, max_ms: ms });
        all.count += 1;
        all.min_ms = all.min_ms.min(ms);
        all.max_ms = all.max_ms.max(ms);
    }

    /// What the records came to.
    #[must_use]
    pub fn report(self) -> SourceReport {
        let hints = self.hints();
        SourceReport {
            records: self.records,
            labels: self.joins.labels(self.carried, self.inline),
            pairs: self.joins.pairs(),
            times: self.first.map(|first| Times {
                first,
                last: self.last,
                disorder_ms: self.disorder,
            }),
            understood: self.understood,
            models: self.models,
            examples: self.examples,
            rejected: self.rejected,
            roles: self.roles,
            latency: self.latency,
            hints,
        }
    }

    fn hints(&self) -> Vec<String> {
        let mut hints = Vec::new();
        if self.understood.is_empty() {
            hints.push("no record was understood: fix the rejected records first".to_owned());
            return hints;
        }
        let predictions = self.understood.get(&SampleKind::Prediction).copied().unwrap_or(0);
        if predictions > 0 && self.roles.unstated == predictions {
            hints.push(
                "no prediction states its role, so the registry's production version counts as \
                 live; write role live or shadow to be exact"
                    .to_owned(),
            );
        }
        if self.disorder > self.topic.allowed_disorder {
            hints.push(format!(
                "timestamps are out of order by up to {} s, and {} s are allowed: raise \
                 allowed_disorder_seconds, or older records count as late",
                self.disorder.as_s(),
                self.topic.allowed_disorder.as_s()
            ));
        }
        if self.unanswered > 0 {
            hints.push(format!(
                "{} predictions with status ok have no prediction, so they do not count for accuracy",
                self.unanswered
            ));
        }
        hints.extend(self.label_hints());
        if let Some(all) = self.latency
            && all.count >= 20
            && all.max_ms < 1.0
        {
            hints.push(format!(
                "every latency is between {} and {} ms: if these are seconds, write \
                 milliseconds",
                all.min_ms, all.max_ms
            ));
        }
        if self.max_cpu_ratio > 1.0 {
            let most = self.max_cpu_ratio;
            hints.push(format!("cpu_ratio reaches {most}: write a share from 0 to 1, not percent"));
        }
        hints
    }

    fn label_hints(&self) -> Vec<String> {
        let mut hints = Vec::new();
        for (model, types) in &self.labels {
            let (predicted, actual) = (&types.predicted, &types.actual);
            if !predicted.is_empty() && !actual.is_empty() && predicted.is_disjoint(actual) {
                let list = |types: &BTreeSet<&str>| {
                    types.iter().copied().collect::<Vec<&str>>().join(" and ")
                };
                hints.push(format!(
                    "model {model}: prediction is a {} but actual is a {}, so they are never equal; \
                     write both in one type",
                    list(predicted),
                    list(actual)
                ));
            }
        }
        let labels = self.joins.labels(self.carried, self.inline);
        if labels.outcomes > 0 && labels.matched == 0 && labels.carried == 0 {
            hints.push(
                "no outcome matched a prediction: `request` must be the same text in both, and \
                 predictions must come first"
                    .to_owned(),
            );
        }
        if labels.forgotten > 0 {
            hints.push(format!(
                "{} older requests were forgotten to limit memory: coverage and pairs leave \
                 them out",
                labels.forgotten
            ));
        }
        hints
    }
}

/// The name under which `name` is counted.
fn kept<T>(known: &BTreeMap<String, T>, name: &str) -> String {
    let room = known.len() < MAX_NAMES || known.contains_key(name);
    if room { name.to_owned() } else { "other".to_owned() }
}

fn json_type(value: &Value<'_>) -> &'static str {
    match value {
        Value::Number(_) => "number",
        Value::Text(_) => "text",
    }
}

#[cfg(test)]
mod tests;
