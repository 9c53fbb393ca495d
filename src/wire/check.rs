//! A report on the records of a source, for people who connect one: `ripcord check-source`.
//!
//! Law: it decodes exactly as ingest does, in bounded memory however long the source is.

mod hints;
mod joins;
mod report;

use std::collections::{BTreeMap, BTreeSet};

use self::joins::Joins;
pub use self::report::{
    Durations, Example, LabelCounts, LostValues, ModelReport, PairCounts, Rejects, RoleCounts,
    SourceReport, Times,
};
use super::telemetry::{Loss, Raw, RecordAt, Texts, Told, decode_explained};
use crate::model::{
    EventTime, LostField, Outcome, Prediction, PredictionStatus, Reject, Sample, SampleKind,
    SampleRole, Source, Span, TopicRule, Value,
};

/// Models, and versions of a model, that a report tells apart; the rest is `other`.
const MAX_NAMES: usize = 100;
/// Examples of each kind.
const EXAMPLES: usize = 2;

/// Takes records one by one and makes a [`SourceCheck::report`].
#[derive(Debug)]
pub struct SourceCheck<'s> {
    topic: &'s TopicRule,
    source: &'s Source,
    records: u64,
    understood: BTreeMap<SampleKind, u64>,
    examples: Vec<Example>,
    rejected: BTreeMap<Reject, Rejects>,
    lost: BTreeMap<LostField, LostValues>,
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
    /// By version.
    predicted: BTreeMap<String, BTreeSet<&'static str>>,
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
            lost: BTreeMap::new(),
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
        self.take_at(RecordAt { line, element: None }, record);
    }

    /// Takes a record of a file.
    pub fn take_at(&mut self, at: RecordAt, record: &Raw<'_>) {
        self.records += 1;
        let (mut told, texts) = (Told::default(), Texts::new());
        let samples = decode_explained(record, self.topic, self.source, &texts, &mut told);
        for read in samples {
            match read {
                Ok(sample) => self.understood(at, &sample),
                Err(why) => self.reject(at, why.code, why.detail),
            }
        }
        told.losses.into_iter().for_each(|loss| self.lose(at, loss));
    }

    /// Takes a record that was too large to be read.
    pub fn too_large(&mut self, at: RecordAt, bytes: u64) {
        self.records += 1;
        let limit = self.source.max_record_bytes;
        let detail = format!("the record has {bytes} bytes, the limit is {limit}");
        self.reject(at, Reject::TooLarge, detail);
    }

    fn lose(&mut self, at: RecordAt, Loss { field, detail }: Loss) {
        let (first_line, detail) = (at.line, at.within_line(detail));
        let entry = self.lost.entry(field);
        entry.or_insert_with(|| LostValues { count: 0, first_line, detail }).count += 1;
    }

    fn reject(&mut self, at: RecordAt, code: Reject, detail: String) {
        let entry = self.rejected.entry(code).or_insert_with(|| Rejects {
            count: 0,
            first_line: at.line,
            detail: at.within_line(detail),
            mend: report::mend(code),
        });
        entry.count += 1;
    }

    fn understood(&mut self, at: RecordAt, sample: &Sample<'_>) {
        let kind = report::kind(sample);
        let count = self.understood.entry(kind).or_default();
        *count += 1;
        if *count <= EXAMPLES as u64 {
            let reads = at.within_line(report::reads(sample));
            self.examples.push(Example { line: at.line, kind, reads });
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
            Sample::Latency(latency) => {
                latency.latency_us.into_iter().for_each(|us| self.duration(us))
            }
            Sample::Health(health) => {
                self.max_cpu_ratio = self.max_cpu_ratio.max(health.cpu_ratio.unwrap_or(0.0));
            }
            Sample::Run(_) | Sample::Half(_) => {}
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
        let lost = |field| prediction.lost.has(field);
        let unread = lost(LostField::Status) || lost(LostField::Prediction);
        let answered = prediction.status != PredictionStatus::Ok || prediction.prediction.is_some();
        if !answered && !unread {
            self.unanswered += 1;
        }
        if let Some(us) = prediction.latency_us {
            self.duration(us);
        }
        let labels = [prediction.prediction.as_ref(), prediction.actual.as_ref()];
        self.label_types(model, Some(&prediction.version), labels);
    }

    fn outcome(&mut self, model: &str, outcome: &Outcome<'_>) {
        if outcome.version.is_some() && outcome.prediction.is_some() {
            self.carried += 1;
        } else {
            self.joins.outcome(&outcome.model, &outcome.request);
        }
        let labels = [outcome.prediction.as_ref(), outcome.actual.as_ref()];
        self.label_types(model, outcome.version.as_deref(), labels);
    }

    fn label_types(
        &mut self,
        model: &str,
        version: Option<&str>,
        [predicted, actual]: [Option<&Value<'_>>; 2],
    ) {
        let types = self.labels.entry(model.to_owned()).or_default();
        types.actual.extend(actual.map(json_type));
        if let (Some(predicted), Some(version)) = (predicted, version) {
            let version = kept(&types.predicted, version);
            types.predicted.entry(version).or_default().insert(json_type(predicted));
        }
    }

    fn duration(&mut self, us: u64) {
        let ms = us as f64 / 1000.0;
        let all = self.latency.get_or_insert(Durations { count: 0, min_ms: ms, max_ms: ms });
        all.count += 1;
        all.min_ms = all.min_ms.min(ms);
        all.max_ms = all.max_ms.max(ms);
    }

    /// The report on all records so far.
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
            lost: self.lost,
            roles: self.roles,
            latency: self.latency,
            hints,
        }
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
        Value::Text(_) => "string",
    }
}

#[cfg(test)]
mod tests;
