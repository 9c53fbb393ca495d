//! What holds of every stream.
//!
//! Over 300 lines: the properties share one generator.

use std::collections::BTreeMap;

use proptest::prelude::*;
use ripcord::measure::{Input, Lane, Output, Resume, SamplePart, UnreadRecord};
use ripcord::model::*;
use ripcord::sums::{
    Counters, FeatureGrids, FeaturesOf, Frame, Losses, PairTable, VersionSums, features,
};

use super::text::{lane_id, s, source};

/// A record of one of two topics.
#[derive(Debug, Clone)]
struct Rec {
    topic: usize,
    read: Result<Sample<'static>, UnreadRecord<'static>>,
}

impl Rec {
    fn ts(&self) -> Option<EventTime> {
        self.read.as_ref().ok().map(Sample::ts)
    }
}

/// The last that was sent of each cell, as text that compares and reads well.
#[derive(Debug, Default, PartialEq)]
struct Cells {
    versions: BTreeMap<(EventTime, ModelId, VersionId, SampleRole), VersionSums>,
    pairs: BTreeMap<(EventTime, ModelId, VersionId, VersionId), PairTable>,
    features: BTreeMap<(EventTime, ModelId, FeaturesOf), FeatureGrids>,
    unknown: BTreeMap<(EventTime, Option<ModelId>), Losses>,
}

impl Cells {
    fn take(&mut self, frame: &Frame) {
        for p in &frame.versions {
            let key = (p.pane, p.model.clone(), p.version.clone(), p.role);
            self.versions.insert(key, p.sums.clone());
        }
        for p in &frame.unknown {
            self.unknown.insert((p.pane, p.model.clone()), p.lost);
        }
        for p in &frame.pairs {
            self.pairs.insert((p.pane, p.model.clone(), p.a.clone(), p.b.clone()), p.table);
        }
        for p in &frame.features {
            self.features.insert((p.pane, p.model.clone(), p.of.clone()), p.features.clone());
        }
    }

    /// Without the records lost: a pause may end elsewhere when records are read again.
    fn kept(&self) -> Self {
        let Self { versions, pairs, features, .. } = self;
        let (versions, pairs, features) = (versions.clone(), pairs.clone(), features.clone());
        let mut kept = Self { versions, pairs, features, ..Self::default() };
        kept.versions.values_mut().for_each(|sums| sums.lost = Losses::default());
        kept.versions.retain(|_, sums| *sums != VersionSums::default());
        kept
    }

    fn merge(&mut self, other: &Self) {
        for (key, sums) in &other.versions {
            self.versions.entry(key.clone()).or_default().merge(sums);
        }
        for (key, lost) in &other.unknown {
            self.unknown.entry(key.clone()).or_default().merge(*lost);
        }
        for (key, sums) in &other.pairs {
            self.pairs.entry(key.clone()).or_default().merge(*sums);
        }
        for (key, inputs) in &other.features {
            features::merge(self.features.entry(key.clone()).or_default(), inputs);
        }
    }
}

/// A lane, what it sent, and its clock.
struct World {
    lane: Lane,
    out: Vec<Output>,
    cells: Cells,
    counters: Counters,
    marks: Vec<EventTime>,
    warm: f64,
    now: i64,
}

impl World {
    fn new(lane: Lane) -> Self {
        let (out, cells, counters) = (Vec::new(), Cells::default(), Counters::default());
        Self { lane, out, cells, counters, marks: Vec::new(), warm: 1.0, now: 0 }
    }

    fn input(&mut self, input: Input<'_>) {
        self.lane.step(input, &mut self.out);
        for output in self.out.drain(..) {
            if let Output::Frame(frame) = output {
                assert_eq!(frame.counters.read, frame.counters.accounted());
                self.cells.take(&frame);
                self.counters = frame.counters;
                self.marks.push(frame.watermark);
                self.warm = frame.warm;
            }
        }
    }

    fn record(&mut self, position: i64, rec: &Rec) {
        let read = rec.read.clone();
        let (topic, appended, following) = (rec.topic, None, None);
        self.input(Input::Record {
            topic,
            position,
            appended,
            following,
            part: SamplePart::WHOLE,
            read,
        });
    }

    fn group(&mut self, position: usize, recs: &[Rec]) {
        for (nth, rec) in recs.iter().enumerate() {
            let part = SamplePart { first: nth == 0, last: nth + 1 == recs.len() };
            let (topic, position, read) = (0, position as i64, rec.read.clone());
            let (appended, following) = (None, None);
            self.input(Input::Record { topic, position, appended, following, part, read });
        }
        self.flush();
    }

    fn flush(&mut self) {
        self.now += 300;
        self.input(Input::Flush { now: LogTime::from_ms(self.now) });
    }

    fn end(&mut self) {
        self.input(Input::End);
        self.flush();
    }
}

/// Gives every record its position in its topic.
fn placed(recs: &[Rec]) -> Vec<(i64, &Rec)> {
    let mut next = [0, 0];
    recs.iter()
        .map(|rec| {
            next[rec.topic] += 1;
            (next[rec.topic] - 1, rec)
        })
        .collect()
}

fn run(source: &Source, recs: &[Rec]) -> World {
    let mut world = World::new(Lane::new(source, lane_id(), 1));
    for (position, rec) in placed(recs) {
        world.record(position, rec);
        world.flush();
    }
    world.end();
    world
}

/// What is read again after a restart.
#[derive(Debug, Clone, Copy)]
enum Reread {
    All,
    Horizon,
    /// The second topic first.
    HorizonTurned,
}

/// Stops after the `cut`-th record's flush, and goes on in a fresh lane.
fn run_cut(source: &Source, recs: &[Rec], cuts: &[usize], how: Reread) -> World {
    let placed = placed(recs);
    let mut world = World::new(Lane::new(source, lane_id(), 1));
    for (index, (position, rec)) in placed.iter().enumerate() {
        if cuts.contains(&index) {
            let point = serde_json::to_string(&world.lane.resume_point()).unwrap();
            let point: Resume = serde_json::from_str(&point).unwrap();
            world.lane = Lane::resume(source, lane_id(), 2, &point);
            let mut again: Vec<_> = placed[..index].to_vec();
            if matches!(how, Reread::HorizonTurned) {
                again.sort_by_key(|(_, rec)| std::cmp::Reverse(rec.topic));
            }
            for (position, rec) in again {
                let start = match how {
                    Reread::All => 0,
                    Reread::Horizon | Reread::HorizonTurned => {
                        start(source, &placed, rec.topic, &point)
                    }
                };
                if position >= start {
                    world.record(position, rec);
                    world.flush();
                }
            }
            for topic in 0..2 {
                world.input(Input::Drained { topic });
            }
            assert!(world.lane.is_caught_up());
        }
        world.record(*position, rec);
        world.flush();
    }
    world.end();
    world
}

/// Each group of samples is one record of the first topic. At the cut a fresh lane reads all again.
fn run_groups(source: &Source, groups: &[&[Rec]], cut: Option<usize>) -> World {
    let mut world = World::new(Lane::new(source, lane_id(), 1));
    for index in 0..groups.len() {
        if cut == Some(index) {
            let point = world.lane.resume_point();
            world.lane = Lane::resume(source, lane_id(), 2, &point);
            (0..index).for_each(|nth| world.group(nth, groups[nth]));
            (0..2).for_each(|topic| world.input(Input::Drained { topic }));
        }
        world.group(index, groups[index]);
    }
    world.end();
    world
}

/// The first position of the topic that must be read again.
fn start(source: &Source, placed: &[(i64, &Rec)], topic: usize, point: &Resume) -> i64 {
    let commit = point.topics[topic].commit.unwrap_or(0);
    let from = point.reread_from(source);
    let needed = |(_, rec): &&(i64, &Rec)| rec.topic == topic && rec.ts() >= from;
    placed.iter().find(needed).map_or(commit, |(position, _)| commit.min(*position))
}

/// One request: when it was asked, what each version said when, and what was true when. All
/// times in tenths of a second, delays of arrival too.
#[derive(Debug, Clone)]
struct Asked {
    at: i64,
    answers: Vec<Option<(i64, u8, i64)>>,
    truth: Option<(i64, u8, i64)>,
    inline: bool,
    copies: u8,
    extra: u8,
}

fn asked(delay: i64) -> impl Strategy<Value = Asked> {
    let answer = proptest::option::weighted(0.7, (0..80i64, 0..5u8, 0..=delay));
    let truth = proptest::option::weighted(0.8, (0..700i64, 0..2u8, 0..=delay));
    (0..1500i64, prop::collection::vec(answer, 3), truth, any::<bool>(), 0..8u8, 0..40u8).prop_map(
        |(at, answers, truth, inline, copies, extra)| Asked {
            at,
            answers,
            truth: truth.map(|(after, is, late)| (after + 80, is, late)),
            inline: inline && extra.is_multiple_of(3),
            copies,
            extra,
        },
    )
}

fn ms(tenths: i64) -> EventTime {
    EventTime::from_ms(tenths * 100)
}

/// The records in the order in which they arrive; `topics`: outcomes in a topic of their own.
fn stream(asked: &[Asked], topics: usize) -> Vec<Rec> {
    let mut arrivals: Vec<(i64, Rec)> = Vec::new();
    for (index, asked) in asked.iter().enumerate() {
        let request = format!("r{index}");
        for (version, answer) in asked.answers.iter().enumerate() {
            let Some((after, says, late)) = *answer else { continue };
            let ts = asked.at + after;
            let truth = asked.truth.filter(|_| asked.inline && version == 0);
            let rec = Rec {
                topic: 0,
                read: Ok(Sample::Prediction(Prediction {
                    id: format!("{request}/{version}").into(),
                    model: "m".into(),
                    version: format!("v{version}").into(),
                    ts: ms(ts),
                    request: Some(request.clone().into()),
                    status: if says == 4 { PredictionStatus::Error } else { PredictionStatus::Ok },
                    prediction: (says != 3).then_some(Value::Number(f64::from(says % 2))),
                    score: None,
                    latency_us: (says == 2).then_some(900),
                    features: (says > 0)
                        .then(|| ("f".into(), Feature::Number(after as f64)))
                        .into_iter()
                        .collect(),
                    role: if version == 0 { SampleRole::Live } else { SampleRole::Shadow },
                    actual: truth.map(|(_, is, _)| Value::Number(f64::from(is))),
                    lost: LostFields::default(),
                })),
            };
            if usize::from(asked.copies) == version {
                arrivals.push((ts + (late + 40).min(late.max(90)), rec.clone()));
            }
            arrivals.push((ts + late, rec));
        }
        if let Some((after, is, late)) = asked.truth {
            let ts = asked.at + after;
            let rec = Rec {
                topic: topics - 1,
                read: Ok(Sample::Outcome(Outcome {
                    request: request.into(),
                    model: "m".into(),
                    ts: ms(ts),
                    actual: Some(Value::Number(f64::from(is))),
                    version: None,
                    prediction: None,
                    lost: LostFields::default(),
                })),
            };
            if asked.copies == 3 {
                arrivals.push((ts + (late + 30).min(late.max(90)), rec.clone()));
            }
            arrivals.push((ts + late, rec));
        }
        arrivals.extend(extra(asked).map(|rec| (asked.at, rec)));
        arrivals.extend(halves(index, asked, topics - 1));
    }
    arrivals.sort_by_key(|(at, _)| *at);
    arrivals.into_iter().map(|(_, rec)| rec).collect()
}

/// The halves of a call of its own, which wait five seconds for each other: both, one of them, one
/// twice, or the second too late; in either order.
fn halves(index: usize, asked: &Asked, topic: usize) -> Vec<(i64, Rec)> {
    let after = i64::from(asked.copies) * 10;
    let both = |question: i64, answer: i64| {
        vec![(question, HalfSide::Asked), (answer, HalfSide::Answered)]
    };
    let arrive = match asked.extra {
        10..=13 => both(asked.at, asked.at + after),
        14 | 15 => both(asked.at + after, asked.at),
        16 => vec![(asked.at, HalfSide::Asked)],
        17 => vec![(asked.at, HalfSide::Answered)],
        18 => [both(asked.at, asked.at + after), both(asked.at, asked.at + after)].concat(),
        _ => return Vec::new(),
    };
    let rec = |(arrival, side): (i64, HalfSide)| {
        let ts = match side {
            HalfSide::Asked => asked.at,
            HalfSide::Answered => asked.at + after,
        };
        let by = format!("h{index}");
        let call = |nth| Prediction {
            id: format!("{by}#{nth}").into(),
            model: "m".into(),
            version: if side == HalfSide::Asked && after % 4 == 2 { "" } else { "v1" }.into(),
            ts: ms(ts),
            request: None,
            status: PredictionStatus::Ok,
            prediction: (side == HalfSide::Answered).then_some(Value::Number(1.0)),
            score: None,
            latency_us: None,
            features: Vec::new(),
            role: SampleRole::Live,
            actual: None,
            lost: LostFields::default(),
        };
        let half = Half {
            by: by.clone().into(),
            side,
            ts: ms(ts),
            model: "m".into(),
            predictions: (0..1 + usize::from(asked.copies % 3)).map(call).collect(),
            timed: true,
            within: Span::from_s(5),
            missing_is_error: asked.copies.is_multiple_of(2),
        };
        let topic = if side == HalfSide::Asked { 0 } else { topic };
        (arrival, Rec { topic, read: Ok(Sample::Half(half)) })
    };
    arrive.into_iter().map(rec).collect()
}

fn extra(asked: &Asked) -> Option<Rec> {
    let (model, version) = ("m".into(), "v1".into());
    let read = match asked.extra {
        0 => Err(UnreadRecord { code: Reject::NotJson, kind: None, model: None, version: None }),
        1 => Ok(Sample::Latency(LatencySample {
            model,
            version,
            ts: ms(asked.at),
            latency_us: Some(5),
            lost: LostFields::default(),
            id: None,
        })),
        // A clock ten days ahead, and one that nobody follows.
        2 | 3 => Ok(Sample::Health(Health {
            model,
            version,
            ts: ms(asked.at) + Span::from_s(864_000 * i64::from(asked.extra - 1)),
            cpu_ratio: None,
            memory_bytes: Some(3),
            lost: LostFields::default(),
        })),
        _ => return None,
    };
    Some(Rec { topic: 0, read })
}

fn small() -> Source {
    let mut source = source(2);
    source.max_categories = 10;
    source
}

/// The same, where not every clock is believed.
fn asking() -> Source {
    Source { jump_confirmations: 3, ..small() }
}

fn streams(delay: i64) -> impl Strategy<Value = Vec<Asked>> {
    prop::collection::vec(asked(delay), 1..40)
}

/// Failures are kept as tables, not as seeds.
fn config() -> ProptestConfig {
    ProptestConfig { failure_persistence: None, ..ProptestConfig::default() }
}

proptest! {
    #![proptest_config(config())]

    /// Also with records far too late, and clocks ahead.
    #[test]
    fn each_record_ends_in_one_bucket_and_the_watermark_never_goes_back(asked in streams(300)) {
        for topics in [1, 2] {
            let recs = stream(&asked, topics);
            let world = run(&asking(), &recs);
            prop_assert_eq!(world.counters.read, recs.len() as u64);
            prop_assert_eq!(world.counters.accounted(), recs.len() as u64);
            // Only a half may wait at the end: its time is not over.
            let halves = recs.iter().filter(|rec| matches!(rec.read, Ok(Sample::Half(_))));
            prop_assert!(world.counters.waiting <= halves.count() as u64);
            prop_assert!(world.marks.is_sorted());
            let answers: u64 = world.cells.versions.values().map(|s| s.answers.n).sum();
            let most = recs.iter().map(|rec| match &rec.read {
                Ok(Sample::Half(half)) => half.predictions.len() as u64,
                Ok(_) => 1,
                Err(_) => 0,
            });
            prop_assert!(answers <= most.sum());
        }
    }

    /// Several samples of one record are as good as records of their own, in a life cut in two,
    /// too.
    #[test]
    fn samples_of_one_record_count_as_records(
        asked in streams(90),
        cut in any::<prop::sample::Index>(),
    ) {
        let recs = stream(&asked, 1);
        let (source, groups) = (small(), recs.chunks(3).collect::<Vec<_>>());
        let apart = run(&source, &recs);
        let together = run_groups(&source, &groups, None);
        prop_assert_eq!(&together.cells, &apart.cells);
        prop_assert_eq!(&together.counters, &apart.counters);
        let cut = cut.index(groups.len().max(1));
        let twice = run_groups(&source, &groups, Some(cut));
        prop_assert_eq!(twice.cells.kept(), together.cells.kept());
        prop_assert_eq!(&twice.counters, &together.counters);
    }

    /// No record comes more than the disorder of ten seconds late.
    #[test]
    fn inside_the_disorder_the_order_does_not_matter(asked in streams(90), other in streams(90)) {
        let mut turned = asked.clone();
        for (mine, theirs) in turned.iter_mut().zip(other.iter().cycle()) {
            for (a, b) in mine.answers.iter_mut().zip(&theirs.answers) {
                if let (Some(a), Some(b)) = (a, b) {
                    a.2 = b.2;
                }
            }
            if let (Some(a), Some(b)) = (&mut mine.truth, &theirs.truth) {
                a.2 = b.2;
            }
        }
        let still = |asked: &[Asked]| {
            asked.iter().cloned().map(|a| Asked { extra: 9, ..a }).collect::<Vec<_>>()
        };
        let one = run(&small(), &stream(&still(&asked), 1));
        for topics in [1, 2] {
            for asked in [&asked, &turned] {
                let world = run(&small(), &stream(&still(asked), topics));
                prop_assert_eq!(&world.cells, &one.cells);
                prop_assert_eq!(&world.counters, &one.counters);
            }
        }
    }

    #[test]
    fn a_life_cut_in_two_counts_the_same(
        asked in streams(250),
        cut in any::<prop::sample::Index>(),
        second in any::<prop::sample::Index>(),
    ) {
        for topics in [1, 2] {
            let mut recs = stream(&asked, topics);
            // The first records tell where time begins; a wrong clock among them is another story.
            let ahead = |rec: &Rec| rec.ts().is_some_and(|ts| ts > s(864_000));
            let first: Vec<_> = recs.iter().take(12).filter(|rec| ahead(rec)).cloned().collect();
            recs.retain(|rec| !first.iter().any(|early| early.ts() == rec.ts()));
            prop_assume!(!recs.is_empty());
            let whole = run(&asking(), &recs);
            let mut cuts = vec![cut.index(recs.len()), second.index(recs.len())];
            cuts.sort_unstable();
            for how in [Reread::All, Reread::Horizon] {
                let parted = run_cut(&asking(), &recs, &cuts, how);
                prop_assert_eq!(parted.cells.kept(), whole.cells.kept(), "{:?} {:?}", cuts, how);
                prop_assert_eq!(&parted.counters, &whole.counters, "{:?} {:?}", cuts, how);
                prop_assert!(parted.marks.is_sorted());
                prop_assert_eq!(parted.warm, 1.0);
            }
        }
    }

    /// Where every clock is believed, also what was lost.
    #[test]
    fn losses_are_the_same_after_a_restart(
        asked in streams(250),
        cut in any::<prop::sample::Index>(),
    ) {
        let lossy = |(n, asked): (usize, Asked)| Asked { extra: [0, 9, 9][n % 3], ..asked };
        let lossy: Vec<_> = asked.into_iter().enumerate().map(lossy).collect();
        let recs = stream(&lossy, 1);
        prop_assume!(!recs.is_empty());
        let whole = run(&small(), &recs);
        let cut = cut.index(recs.len());
        let parted = run_cut(&small(), &recs, &[cut], Reread::Horizon);
        prop_assert_eq!(&parted.cells, &whole.cells);
    }

    /// Topics are read again in another order than before.
    #[test]
    fn topics_may_be_read_again_one_after_the_other(
        asked in streams(250),
        cut in any::<prop::sample::Index>(),
    ) {
        let still: Vec<_> = asked.into_iter().map(|a| Asked { extra: 9, ..a }).collect();
        let recs = stream(&still, 2);
        prop_assume!(!recs.is_empty());
        let whole = run(&small(), &recs);
        let parted = run_cut(&small(), &recs, &[cut.index(recs.len())], Reread::HorizonTurned);
        prop_assert_eq!(parted.cells.kept(), whole.cells.kept());
        prop_assert_eq!(&parted.counters, &whole.counters);
    }

    #[test]
    fn split_lanes_add_up(asked in streams(90)) {
        let recs: Vec<_> = stream(&asked, 1)
            .into_iter()
            .filter(|r| matches!(r.read, Ok(Sample::Prediction(_) | Sample::Latency(_))))
            .map(|mut rec| {
                if let Ok(Sample::Prediction(p)) = &mut rec.read {
                    p.actual = None;
                    p.request = Some(p.id.clone());
                }
                rec
            })
            .collect();
        let whole = run(&small(), &recs);
        // Copies of one id must meet in one lane; a partitioner sees to that.
        let key = |rec: &Rec| match &rec.read {
            Ok(Sample::Prediction(p)) => p.id.len() + usize::from(p.id.as_bytes()[1]),
            _ => 0,
        };
        let (left, right): (Vec<_>, Vec<_>) = recs.into_iter().partition(|r| key(r) % 2 == 0);
        let mut sum = run(&small(), &left).cells;
        sum.merge(&run(&small(), &right).cells);
        prop_assert_eq!(sum, whole.cells);
    }

    #[test]
    fn no_time_is_too_strange(
        times in prop::collection::vec(
            prop_oneof![any::<i64>(), Just(i64::MIN), Just(i64::MAX), -5000..5000i64], 1..30),
        appended in prop::collection::vec(proptest::option::of(any::<i64>()), 30),
        now in any::<i64>(),
    ) {
        let mut source = small();
        source.label_horizon = Span::from_ms(i64::MAX);
        let mut lane = Lane::new(&source, lane_id(), 1);
        let mut out = Vec::new();
        for (index, (ts, appended)) in times.iter().zip(appended).enumerate() {
            let read = Ok(Sample::Outcome(Outcome {
                request: "r".into(),
                model: "m".into(),
                ts: EventTime::from_ms(*ts),
                actual: Some(Value::Number(1.0)),
                version: None,
                prediction: None,
                lost: LostFields::default(),
            }));
            let appended = appended.map(LogTime::from_ms);
            let position = index as i64;
            let (topic, following) = (index % 2, None);
            let part = SamplePart::WHOLE;
            lane.step(Input::Record { topic, position, appended, following, part, read }, &mut out);
            lane.step(Input::Flush { now: LogTime::from_ms(now) }, &mut out);
        }
        lane.step(Input::End, &mut out);
        lane.step(Input::Flush { now: LogTime::from_ms(now) }, &mut out);
        for output in out {
            if let Output::Frame(frame) = output {
                let text = serde_json::to_string(&frame).unwrap();
                prop_assert_eq!(serde_json::from_str::<Frame>(&text).unwrap(), *frame);
            }
        }
        prop_assert!(serde_json::to_string(&lane.resume_point()).unwrap().len() < 4096);
    }
}

#[test]
fn records_lost_between_two_lives_show_as_a_gap_and_as_unmatched() {
    let source = source(1);
    let mut world = World::new(Lane::new(&source, lane_id(), 1));
    let outcome = |request: &str, ts| Rec {
        topic: 0,
        read: Ok(Sample::Outcome(Outcome {
            request: request.to_owned().into(),
            model: "m".into(),
            ts: s(ts),
            actual: Some(Value::Number(1.0)),
            version: None,
            prediction: None,
            lost: LostFields::default(),
        })),
    };
    world.record(0, &outcome("a", 5));
    world.record(1, &outcome("b", 6));
    world.flush();
    assert_eq!(world.counters.waiting, 2);
    let point = world.lane.resume_point();
    assert_eq!((point.topics[0].commit, point.topics[0].next), (Some(0), Some(2)));
    let mut lane = Lane::resume(&source, lane_id(), 2, &point);
    let mut out = Vec::new();
    // Transactions and compaction leave holes, too: only what the log has lost is a gap.
    let read = outcome("c", 7).read;
    let (topic, position, appended, following) = (0, 40, None, None);
    let mut whole = Lane::resume(&source, lane_id(), 2, &point);
    whole.step(
        Input::Record { topic, position, appended, following, part: SamplePart::WHOLE, read },
        &mut out,
    );
    whole.step(Input::Flush { now: LogTime::from_ms(0) }, &mut out);
    let Some(Output::Frame(frame)) = out.pop() else { panic!("{out:?}") };
    assert_eq!((frame.positions.as_slice(), frame.warm), ([(2, 41)].as_slice(), 1.0));

    lane.step(Input::Gone { topic: 0, before: 40 }, &mut out);
    let read = outcome("c", 7).read;
    let (topic, position, appended, following) = (0, 40, None, None);
    lane.step(
        Input::Record { topic, position, appended, following, part: SamplePart::WHOLE, read },
        &mut out,
    );
    lane.step(Input::Flush { now: LogTime::from_ms(0) }, &mut out);
    let [Output::Frame(frame)] = out.as_slice() else { panic!("{out:?}") };
    assert_eq!((frame.positions.as_slice(), frame.epoch), ([(40, 41)].as_slice(), 2));
    assert_eq!((frame.counters.waiting, frame.counters.unmatched), (1, 2));
}

#[test]
fn a_lane_that_reads_again_says_how_far_and_sends_no_sums() {
    let source = source(1);
    let recs: Vec<Rec> = (0..100)
        .map(|i| {
            let mut rec = stream(
                &[Asked {
                    at: i * 10,
                    answers: vec![Some((0, 1, 0))],
                    truth: None,
                    inline: false,
                    copies: 9,
                    extra: 9,
                }],
                1,
            )
            .remove(0);
            if let Ok(Sample::Prediction(p)) = &mut rec.read {
                p.request = Some(format!("r{i}").into());
            }
            rec
        })
        .collect();
    let mut first = World::new(Lane::new(&source, lane_id(), 1));
    for (position, rec) in recs.iter().enumerate() {
        first.record(position as i64, rec);
    }
    first.flush();
    let point = first.lane.resume_point();
    // Watermark 89: the pane from 80 on is open; 29 - 10 is where reading again begins.
    assert_eq!(point.topics[0].commit, Some(80));
    assert_eq!(point.reread_from(&source), Some(s(19)));
    let mut second = World::new(Lane::resume(&source, lane_id(), 2, &point));
    let mut warm = Vec::new();
    for (position, rec) in recs.iter().enumerate().skip(19) {
        second.record(position as i64, rec);
        second.flush();
        warm.push(second.warm);
        assert!(position == 99 || second.cells == Cells::default());
    }
    assert!(warm.is_sorted(), "{warm:?}");
    assert_eq!((warm[0], warm[40], warm[80]), (0.0, 0.5, 1.0));
    assert_eq!(second.cells.versions.len(), 2);
    assert_eq!(second.counters, first.counters);
}

#[test]
fn an_answer_that_came_after_its_late_outcome_loses_no_label_in_any_life() {
    let source = source(1);
    let answer = |request: &str, ts| Rec {
        topic: 0,
        read: Ok(Sample::Prediction(Prediction {
            id: request.to_owned().into(),
            model: "m".into(),
            version: "v1".into(),
            ts: s(ts),
            request: None,
            status: PredictionStatus::Ok,
            prediction: Some(Value::Number(1.0)),
            score: None,
            latency_us: None,
            features: Vec::new(),
            role: SampleRole::Live,
            actual: None,
            lost: LostFields::default(),
        })),
    };
    let outcome = Rec {
        topic: 0,
        read: Ok(Sample::Outcome(Outcome {
            request: "late".into(),
            model: "m".into(),
            ts: s(75),
            actual: Some(Value::Number(1.0)),
            version: None,
            prediction: None,
            lost: LostFields::default(),
        })),
    };
    let recs = [answer("first", 70), answer("newest", 100), outcome, answer("late", 74)];
    let mut first = World::new(Lane::new(&source, lane_id(), 1));
    (0..).zip(&recs).for_each(|(position, rec)| first.record(position, rec));
    first.flush();
    let lost: u64 = first.cells.versions.values().map(|sums| sums.lost.labels).sum();
    assert_eq!((first.counters.late, lost), (2, 0), "it was lost before anybody had answered");
    let point = first.lane.resume_point();
    assert_eq!((point.topics[0].commit, point.topics[0].next), (Some(1), Some(4)));
    let mut second = World::new(Lane::resume(&source, lane_id(), 2, &point));
    (0..).zip(&recs).for_each(|(position, rec)| second.record(position, rec));
    // More follows, so that the lane says what it holds.
    second.record(4, &answer("next", 101));
    second.flush();
    let lost: u64 = second.cells.versions.values().map(|sums| sums.lost.labels).sum();
    assert_eq!((second.counters.late, lost), (2, 0));
}
