//! A report on the records of a source, for people who connect one: `ripcord check-source`.
//!
//! Law: it decodes exactly as ingest does, in bounded memory however long the source is.

mod calls;
mod ending;
mod guess;
mod hints;
mod joins;
mod labels;
mod places;
mod propose;
mod reads;
mod report;
mod units;

use std::collections::BTreeMap;

use self::guess::Guess;
use self::joins::Joins;
use self::labels::Labels;
use self::places::LookedFor;
pub use self::places::PlaceReport;
pub use self::report::{
    Durations, Example, HalfCounts, LabelCounts, LostValues, ModelReport, PairCounts, Rejects,
    RoleCounts, SourceReport, Times,
};
use self::units::Units;
use super::telemetry::{Loss, Raw, RecordAt, Repeats, TextArena, Told, decode_explained};
use crate::measure::{Halves, owned};
use crate::model::{
    EventTime, LostField, Outcome, Prediction, PredictionStatus, Reject, Sample, SampleKind,
    SampleRole, Source, Span, TopicRule,
};

/// Models, and versions of a model, that a report tells apart; the rest is `other`.
const MAX_NAMES: usize = 100;
/// Examples of each kind.
const EXAMPLES: usize = 2;

/// Takes records one by one and makes a [`SourceCheck::report`].
#[derive(Debug)]
pub struct SourceCheck<'s> {
    source: &'s Source,
    /// The topics by whose rules records were read.
    topics: Vec<TopicRule>,
    /// Records come from several files, so that each is named.
    several: bool,
    /// The settings have several topics for this source.
    several_topics: bool,
    /// Records of each file: all, those that hold a sample, and those that are not ours.
    files: BTreeMap<String, [u64; 3]>,
    records: u64,
    not_ours: u64,
    understood: BTreeMap<SampleKind, u64>,
    examples: Vec<Example>,
    rejected: BTreeMap<Reject, Rejects>,
    lost: BTreeMap<LostField, LostValues>,
    models: BTreeMap<String, ModelReport>,
    labels: Labels,
    joins: Joins,
    halves: Halves<()>,
    half_counts: HalfCounts,
    repeats: Repeats,
    places: LookedFor,
    units: Units,
    guess: Guess,
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

/// Where a record is from: its file, and where in it.
pub type RecordFrom<'f> = (&'f str, RecordAt);

impl<'s> SourceCheck<'s> {
    /// A check of records of a source; at most `max_requests` requests are remembered at a time.
    #[must_use]
    pub fn new(source: &'s Source, max_requests: usize) -> Self {
        Self {
            source,
            topics: Vec::new(),
            several: false,
            several_topics: false,
            files: BTreeMap::new(),
            records: 0,
            not_ours: 0,
            understood: BTreeMap::new(),
            examples: Vec::new(),
            rejected: BTreeMap::new(),
            lost: BTreeMap::new(),
            models: BTreeMap::new(),
            labels: Labels::default(),
            joins: Joins::new(max_requests),
            halves: Halves::new(max_requests),
            half_counts: HalfCounts::default(),
            repeats: Repeats::default(),
            places: LookedFor::default(),
            units: Units::default(),
            guess: Guess::default(),
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

    /// The same, for records out of several files.
    #[must_use]
    pub fn of_several_files(self) -> Self {
        Self { several: true, ..self }
    }

    /// The same, for a source that has several topics in the settings.
    #[must_use]
    pub fn of_several_topics(self, several: bool) -> Self {
        Self { several_topics: several, ..self }
    }

    /// Takes a record, which is read by the rules of a topic.
    pub fn take(&mut self, from: RecordFrom<'_>, record: &Raw<'_>, topic: &TopicRule) {
        self.records += 1;
        if !self.topics.iter().any(|known| known.name == topic.name) {
            self.topics.push(topic.clone());
        }
        let (mut told, texts) = (Told::default(), TextArena::new());
        let mut samples = decode_explained(record, topic, self.source, &texts, &mut told);
        self.repeats.number(topic, &mut samples);
        let (none, usable) = (samples.is_empty(), samples.first().is_some());
        self.not_ours += u64::from(none);
        let of_file = self.files.entry(from.0.to_owned()).or_default();
        let [all, read, left_out] = of_file;
        (*all, *read) = (*all + 1, *read + u64::from(usable));
        *left_out += u64::from(none);
        self.guess.take(record, topic, &samples);
        self.places.take(topic, &told.fields);
        for read in samples {
            match read {
                Ok(sample) => self.understood(from, &sample),
                Err(why) => {
                    self.units.refused(record, topic, why.code);
                    self.reject(from, why.code, why.detail);
                }
            }
        }
        told.losses.into_iter().for_each(|loss| self.lose(from, loss));
    }

    /// Takes a record that was too large to be read.
    pub fn too_large(&mut self, from: RecordFrom<'_>) {
        self.records += 1;
        let limit = self.source.max_record_bytes;
        let detail = format!("the record has more than {limit} bytes, the limit");
        self.reject(from, Reject::TooLarge, detail);
    }

    fn lose(&mut self, from: RecordFrom<'_>, Loss { field, detail }: Loss) {
        let (first_line, detail) = (from.1.line, self.within(from, detail));
        let entry = self.lost.entry(field);
        entry.or_insert_with(|| LostValues { count: 0, first_line, detail }).count += 1;
    }

    fn reject(&mut self, from: RecordFrom<'_>, code: Reject, detail: String) {
        let (first_line, detail) = (from.1.line, self.within(from, detail));
        let mend = report::mend(code);
        let new = || Rejects { count: 0, first_line, detail, mend };
        self.rejected.entry(code).or_insert_with(new).count += 1;
    }

    /// What is said of a record, with its place as far as its line does not name it.
    fn within(&self, (file, at): RecordFrom<'_>, detail: String) -> String {
        let detail = at.within_line(detail);
        let name = file.rsplit(['/', '\\']).next().unwrap_or(file);
        if self.several { format!("{name}: {detail}") } else { detail }
    }

    fn understood(&mut self, from: RecordFrom<'_>, sample: &Sample<'_>) {
        let kind = reads::kind(sample);
        let count = self.understood.entry(kind).or_default();
        *count += 1;
        if *count <= EXAMPLES as u64 {
            let (line, reads) = (from.1.line, self.within(from, reads::reads(sample)));
            self.examples.push(Example { line, kind, reads });
        }
        let ts = sample.ts();
        self.first = Some(self.first.map_or(ts, |first| first.min(ts)));
        if ts < self.last {
            self.disorder = self.disorder.max(self.last - ts);
        }
        self.last = self.last.max(ts);
        self.judged(kind, sample);
        let over =
            self.last - self.source.topics.first().map_or(Span::ZERO, |t| t.allowed_disorder);
        self.give_up(over);
    }

    /// What a sample says, or what two halves say together.
    fn judged(&mut self, kind: SampleKind, sample: &Sample<'_>) {
        if let Sample::Half(half) = owned(sample.clone()) {
            return self.half(half);
        }
        let model = kept(&self.models, sample.model());
        let known = self.models.entry(model.clone()).or_default();
        *known.records.entry(kind).or_default() += 1;
        if let Some(version) = reads::version(sample) {
            let version = kept(&known.versions, version);
            *known.versions.entry(version).or_default() += 1;
        }
        match sample {
            Sample::Prediction(prediction) => self.prediction(&model, prediction),
            Sample::Outcome(outcome) => self.outcome(&model, outcome),
            Sample::Latency(one) => one.latency_us.into_iter().for_each(|us| self.duration(us)),
            Sample::Health(health) => {
                self.max_cpu_ratio = self.max_cpu_ratio.max(health.cpu_ratio.unwrap_or(0.0));
            }
            Sample::Run(_) | Sample::Half(_) => {}
        }
    }

    fn prediction(&mut self, model: &str, prediction: &Prediction<'_>) {
        let answer = prediction.prediction.as_ref();
        self.joins.predicted(&prediction.model, prediction.request(), &prediction.version, answer);
        match prediction.role {
            SampleRole::Live => self.roles.live += 1,
            SampleRole::Shadow => self.roles.shadow += 1,
            SampleRole::Unstated => self.roles.unstated += 1,
        }
        if prediction.actual.is_some() {
            self.inline += 1;
            self.joins.labelled(
                &prediction.model,
                prediction.request(),
                prediction.actual.as_ref(),
            );
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
        self.labels.take(model, Some(&prediction.version), labels);
    }

    fn outcome(&mut self, model: &str, outcome: &Outcome<'_>) {
        if outcome.version.is_some() && outcome.prediction.is_some() {
            self.carried += 1;
        } else {
            self.joins.outcome(&outcome.model, &outcome.request, outcome.actual.as_ref());
        }
        let labels = [outcome.prediction.as_ref(), outcome.actual.as_ref()];
        self.labels.take(model, outcome.version.as_deref(), labels);
    }

    fn duration(&mut self, us: u64) {
        let ms = us as f64 / 1000.0;
        let all = self.latency.get_or_insert(Durations { count: 0, min_ms: ms, max_ms: ms });
        all.count += 1;
        all.min_ms = all.min_ms.min(ms);
        all.max_ms = all.max_ms.max(ms);
    }
}

/// The name under which `name` is counted.
fn kept<T>(known: &BTreeMap<String, T>, name: &str) -> String {
    let room = known.len() < MAX_NAMES || known.contains_key(name);
    if room { name.to_owned() } else { "other".to_owned() }
}

#[cfg(test)]
mod tests;
