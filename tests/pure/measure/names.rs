//! More names than places: the named ones are always measured, and memory is bounded.
//!
//! Over 300 lines: the lane, and what holds of its names.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use proptest::prelude::*;
use ripcord::measure::{Input, Lane, Output, SamplePart};
use ripcord::model::*;
use ripcord::sums::Frame;

use super::text::{lane_id, s, source};

const HOUR: i64 = 3600;

fn limited(models: usize, versions: usize, features: usize) -> Source {
    Source { limits: NameLimits { models, versions, features }, ..source(1) }
}

fn named(models: &[(&str, &[&str])]) -> Arc<NamedModels> {
    let version = |text: &&str| VersionId::new(text).unwrap();
    let versions = |of: &[&str]| of.iter().map(version).collect::<BTreeSet<_>>();
    let models = models.iter().map(|(model, of)| (ModelId::new(model).unwrap(), versions(of)));
    Arc::new(models.collect())
}

/// A lane, and what it said.
struct Told {
    lane: Lane,
    position: i64,
    now: i64,
    out: Vec<Output>,
}

impl Told {
    fn new(source: &Source, named: &Arc<NamedModels>) -> Self {
        Self::of(Lane::new(source, lane_id(), 1), named)
    }

    fn of(mut lane: Lane, named: &Arc<NamedModels>) -> Self {
        let mut out = Vec::new();
        lane.step(Input::Named(named), &mut out);
        Self { lane, position: 0, now: 0, out }
    }

    fn sample(&mut self, sample: Sample<'_>) {
        let (topic, position, appended, following) = (0, self.position, None, None);
        self.position += 1;
        let part = SamplePart::WHOLE;
        let read = Ok(sample);
        let input = Input::Record { topic, position, appended, following, part, read };
        self.lane.step(input, &mut self.out);
    }

    /// A duration: nothing of it waits.
    fn latency(&mut self, at: i64, model: &str, version: &str) {
        self.sample(Sample::Latency(LatencySample {
            ts: s(at),
            model: model.into(),
            version: version.into(),
            latency_us: Some(1000),
            id: None,
            lost: LostFields::default(),
        }));
    }

    fn flush(&mut self) {
        self.now += 5000;
        self.lane.step(Input::Flush { now: LogTime::from_ms(self.now) }, &mut self.out);
    }

    fn end(&mut self) {
        self.lane.step(Input::End, &mut self.out);
        self.flush();
    }

    fn frames(&self) -> impl Iterator<Item = &Frame> {
        self.out.iter().filter_map(|out| match out {
            Output::Frame(frame) => Some(&**frame),
            _ => None,
        })
    }

    /// Durations measured of each model and version, in the last word on each cell.
    fn measured(&self) -> BTreeMap<(String, String), u64> {
        let mut cells = BTreeMap::new();
        for cell in self.frames().flat_map(|frame| &frame.versions) {
            let n = cell.sums.latency.as_ref().map_or(0, |latency| latency.n());
            cells.insert((cell.pane, cell.model.to_string(), cell.version.to_string()), n);
        }
        let mut sums = BTreeMap::new();
        for ((_, model, version), n) in cells {
            *sums.entry((model, version)).or_default() += n;
        }
        sums
    }

    fn rejected(&self, code: Reject) -> u64 {
        let last = self.frames().last().unwrap();
        last.counters.rejected.get(&code).copied().unwrap_or(0)
    }

    fn told(&self) -> Vec<(NameKind, String)> {
        let told = self.out.iter().filter_map(|out| match out {
            Output::NamesFull { kind, name } => Some((*kind, name.clone())),
            _ => None,
        });
        told.collect()
    }
}

fn count(measured: &BTreeMap<(String, String), u64>, model: &str, version: &str) -> u64 {
    measured.get(&(model.to_owned(), version.to_owned())).copied().unwrap_or(0)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]

    /// In any order, whatever others come: every record of a named model and version is measured,
    /// no more names than places are remembered, and no record vanishes.
    #[test]
    fn named_models_are_always_measured(
        records in prop::collection::vec((0..40_u8, 0..9_u8, 0..900_i64), 1..400),
        models in 1..6_usize,
        versions in 1..4_usize,
    ) {
        let named = named(&[("m0", &["v0", "v1"]), ("m1", &["v0"])]);
        let mut told = Told::new(&limited(models, versions, 5), &named);
        let mut wanted = BTreeMap::new();
        let (mut at, mut plain) = (0, 0);
        for (model, version, pause) in records {
            at += pause;
            let (model, version) = (format!("m{model}"), format!("v{version}"));
            let of = named.get(model.as_str());
            let is_named = of.is_some_and(|versions| versions.contains(version.as_str()));
            if is_named {
                *wanted.entry((model.clone(), version.clone())).or_default() += 1;
            } else {
                plain += 1;
            }
            told.latency(at, &model, &version);
            told.flush();
        }
        told.end();
        let measured = told.measured();
        for (name, n) in &wanted {
            prop_assert_eq!(measured.get(name), Some(n), "{:?}", name);
        }
        let (held_models, held_versions, _) = told.lane.name_numbers();
        prop_assert!(held_models <= models + 2, "{held_models} models");
        prop_assert!(held_versions <= (models + 2) * (versions + 2), "{held_versions} versions");
        let counters = &told.frames().last().unwrap().counters;
        prop_assert_eq!(counters.read, counters.accounted());
        let refused = told.rejected(Reject::TooManyModels) + told.rejected(Reject::TooManyVersions);
        let others: u64 =
            measured.iter().filter(|(name, _)| !wanted.contains_key(*name)).map(|(_, n)| n).sum();
        prop_assert_eq!(refused + others, plain);
    }

    /// A place that was silent for an hour is taken by the next name, and not before.
    #[test]
    fn a_place_is_free_after_an_hour(silent in 0..8000_i64) {
        let mut told = Told::new(&limited(1, 1, 1), &named(&[]));
        told.latency(0, "first", "v");
        told.latency(1, "first", "v");
        told.flush();
        // Event time goes on with records that find no place.
        for at in 0..silent / 20 {
            told.latency(1 + at * 20, "first-refused", "v");
            told.flush();
        }
        let before = told.measured();
        told.latency(1 + silent, "second", "v");
        told.latency(1 + silent, "second", "v");
        told.end();
        prop_assert_eq!(count(&before, "first", "v"), 2);
        let refused = told.measured();
        let others = count(&refused, "second", "v") + count(&refused, "first-refused", "v");
        prop_assert_eq!(others > 0, silent + 1 >= HOUR, "after {} s", silent);
    }
}

#[test]
fn a_million_names_take_the_memory_of_a_hundred() {
    let mut told = Told::new(&limited(100, 10, 5), &named(&[("good", &["v"])]));
    for nth in 0..1_000_000_i64 {
        // Ten hours in all: places are given up and taken again and again.
        let at = nth * 36 / 1000;
        told.latency(at, &format!("m{nth}"), "v");
        if nth % 1000 == 0 {
            told.latency(at, "good", "v");
            told.latency(at, "m-other", &format!("v{nth}"));
            told.flush();
            told.out.retain(|out| !matches!(out, Output::Rejected { .. }));
        }
    }
    told.end();
    let (models, versions, _) = told.lane.name_numbers();
    assert!(models <= 101, "{models} models");
    assert!(versions <= 101 * 10, "{versions} versions");
    let measured = told.measured();
    assert_eq!(count(&measured, "good", "v"), 1000);
    let held: BTreeSet<_> = measured.keys().map(|(model, _)| model).collect();
    assert!(held.len() > 800, "{} models had a place in ten hours", held.len());
    let kinds: BTreeSet<_> = told.told().into_iter().map(|(kind, _)| kind).collect();
    assert!(kinds.contains(&NameKind::Model));
    assert_eq!(told.told().iter().filter(|(kind, _)| *kind == NameKind::Model).count(), 1);
    let refused: BTreeMap<_, _> = told.lane.take_refused().collect();
    assert_eq!(refused[&NameKind::Model], told.rejected(Reject::TooManyModels));
}

#[test]
fn a_version_without_a_place_is_lost_to_its_model() {
    let mut told = Told::new(&limited(10, 2, 5), &named(&[("m", &["v3"])]));
    for (at, version) in ["v1", "v1", "v2", "x1", "x2", "v3", "v1"].iter().enumerate() {
        told.latency(at as i64, "m", version);
    }
    told.end();
    let measured = told.measured();
    assert_eq!([1, 2, 3].map(|v| count(&measured, "m", &format!("v{v}"))), [3, 1, 1]);
    assert_eq!(told.rejected(Reject::TooManyVersions), 2);
    let unknown: Vec<_> = told.frames().flat_map(|frame| &frame.unknown).collect();
    let lost = unknown.last().unwrap();
    assert_eq!((lost.model.as_ref().unwrap().as_str(), lost.lost.latencies), ("m", 2));
    assert_eq!(told.told(), [(NameKind::Version, "m x1".to_owned())]);
}

#[test]
fn a_model_without_a_place_is_nobodys_loss() {
    let mut told = Told::new(&limited(1, 2, 5), &named(&[]));
    for model in ["m", "x", "m", "x"] {
        told.latency(1, model, "v");
    }
    told.end();
    assert_eq!(count(&told.measured(), "m", "v"), 2);
    assert_eq!(told.rejected(Reject::TooManyModels), 2);
    assert!(told.frames().all(|frame| frame.unknown.is_empty()));
    assert_eq!(told.told(), [(NameKind::Model, "x".to_owned())]);
}

fn prediction<'a>(at: i64, id: &'a str, features: &[&'a str]) -> Sample<'a> {
    Sample::Prediction(Prediction {
        ts: s(at),
        id: id.into(),
        model: "m".into(),
        version: "v".into(),
        role: SampleRole::Live,
        status: PredictionStatus::Ok,
        prediction: Some(Value::Number(1.0)),
        score: None,
        latency_us: None,
        actual: None,
        request: None,
        features: features.iter().map(|name| ((*name).into(), Feature::Number(1.0))).collect(),
        lost: LostFields::default(),
    })
}

#[test]
fn a_feature_without_a_place_is_not_measured_and_its_record_is() {
    let mut told = Told::new(&limited(1, 1, 2), &named(&[]));
    for (nth, id) in ["a", "b", "c"].iter().enumerate() {
        told.sample(prediction(nth as i64, id, &["age", "income", "x1", "x2"]));
    }
    told.flush();
    // The two that had a place are silent for an hour and more: others take theirs.
    for (nth, id) in ["d", "e"].iter().enumerate() {
        told.sample(prediction(3 * HOUR + nth as i64 * 100, id, &["y1", "y2"]));
        told.flush();
    }
    told.sample(prediction(3 * HOUR + 400, "f", &["y1", "y2"]));
    told.end();
    let mut grids = BTreeMap::new();
    for cell in told.frames().flat_map(|frame| &frame.features) {
        for (name, grid) in &cell.features {
            *grids.entry(name.as_str()).or_insert(0) += grid.n();
        }
    }
    let answers: u64 =
        told.frames().flat_map(|frame| &frame.versions).map(|cell| cell.sums.answers.n).sum();
    assert!(answers >= 6, "{answers}");
    assert_eq!((grids.get("age"), grids.get("income")), (Some(&3), Some(&3)));
    assert!(!grids.contains_key("x1") && !grids.contains_key("x2"), "{grids:?}");
    assert!(grids.get("y1") >= Some(&1) && grids.get("y2") >= Some(&1), "{grids:?}");
    let counters = &told.frames().last().unwrap().counters;
    assert!(counters.lost[&LostField::Features] >= 3, "{counters:?}");
    assert_eq!(told.told()[0], (NameKind::Feature, "m v x1".to_owned()));
    let (_, _, features) = told.lane.name_numbers();
    assert!(features <= 2, "{features}");
}

#[test]
fn a_model_of_which_predictions_wait_keeps_its_place() {
    let mut source = limited(1, 1, 2);
    source.label_horizon = Span::from_s(3 * HOUR);
    let mut told = Told::new(&source, &named(&[]));
    told.sample(prediction(0, "a", &[]));
    for at in 1..(3 * HOUR) / 20 {
        told.latency(at * 20, "x", "v");
        told.flush();
    }
    assert_eq!(count(&told.measured(), "x", "v"), 0, "a label may still come");
    let late = 3 * HOUR - 10;
    let outcome = Outcome {
        ts: s(late),
        model: "m".into(),
        request: "a".into(),
        actual: Some(Value::Number(1.0)),
        version: None,
        prediction: None,
        lost: LostFields::default(),
    };
    told.sample(Sample::Outcome(outcome));
    told.flush();
    for at in 0..2 * HOUR / 20 {
        told.latency(3 * HOUR + at * 20, "x", "v");
        told.flush();
    }
    told.end();
    let labels: u64 = told
        .frames()
        .flat_map(|frame| &frame.versions)
        .map(|cell| cell.sums.labels.n)
        .max()
        .unwrap();
    assert_eq!(labels, 1);
    assert!(count(&told.measured(), "x", "v") > 0, "afterwards its place is free");
}

#[test]
fn a_restart_gives_the_places_to_the_same_names() {
    let source = limited(3, 2, 2);
    let named = named(&[("good", &["v"])]);
    let records: Vec<(i64, String)> = (0..2000)
        .map(|nth| (nth * 7, format!("m{}", (nth / 600) * 3 + nth % 5)))
        .chain((0..200).map(|nth| (14_000 + nth, "good".to_owned())))
        .collect();
    let mut whole = Told::new(&source, &named);
    let mut first = Told::new(&source, &named);
    for (nth, (at, model)) in records.iter().enumerate() {
        whole.latency(*at, model, "v");
        whole.flush();
        if nth < 1500 {
            first.latency(*at, model, "v");
            first.flush();
        }
    }
    let point = first.lane.resume_point();
    let mut second = Told::of(Lane::resume(&source, lane_id(), 2, &point), &named);
    let from = point.topics[0].commit.unwrap();
    second.position = from;
    for (at, model) in records.iter().skip(usize::try_from(from).unwrap()) {
        second.latency(*at, model, "v");
        second.flush();
    }
    whole.end();
    second.end();
    let after = |told: &Told| {
        let cells = told.frames().flat_map(|frame| &frame.versions);
        let late = cells.filter(|cell| cell.pane >= s(14_000) && cell.model.as_str() == "good");
        late.filter_map(|cell| Some(cell.sums.latency.as_ref()?.n())).sum::<u64>()
    };
    assert!(after(&whole) >= 200);
    assert_eq!(after(&whole), after(&second));
    assert!(second.lane.name_numbers().0 <= 4);
}
