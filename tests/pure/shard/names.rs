//! A shard that is sent more names than have a place, by an ingest that does not count.

use std::collections::BTreeMap;

use ripcord::config::Config;
use ripcord::model::*;
use ripcord::shard::{Inbox, Shard, Snapshot};
use ripcord::sums::{
    Counters, Counts, FeatureGrids, FeaturesOf, FeaturesPartial, Frame, Grid, UnknownPartial,
    VersionPartial, VersionSums,
};

use super::{Entry, fold, pieces, same_every_way};

const START: i64 = 1_767_225_600_000;
const MINUTE: i64 = 60_000;

fn model(name: &str) -> ModelId {
    ModelId::new(name).unwrap()
}

fn cell(pane: EventTime, of: &str, version: &str, n: u64) -> VersionPartial {
    let sums = VersionSums { answers: Counts { n, bad: n / 50 }, ..VersionSums::default() };
    let version = VersionId::new(version).unwrap();
    VersionPartial { pane, model: model(of), version, role: SampleRole::Live, sums }
}

/// What a lane says in a minute.
fn frame(minute: i64, cells: impl Fn(EventTime) -> Vec<VersionPartial>) -> Frame {
    let at = EventTime::from_ms(START + minute * MINUTE);
    Frame {
        lane: LaneId { source: SourceId::new("s").unwrap(), lane: 0 },
        epoch: 1,
        positions: vec![(minute, minute + 1)],
        watermark: at,
        newest: at,
        idle: false,
        warm: 1.0,
        counters: Counters::default(),
        versions: cells(at),
        pairs: Vec::new(),
        features: Vec::new(),
        unknown: Vec::new(),
        skews: Vec::new(),
        more: false,
    }
}

fn entry(minute: i64, frame: Frame) -> Entry {
    (LogTime::from_ms(START + minute * MINUTE), Inbox::Frame(frame))
}

fn shard(limits: NameLimits) -> Shard {
    let mut rules = Config::load(&[], &BTreeMap::new()).unwrap().rules;
    rules.limits = limits;
    rules.models.insert(model("configured"), rules.default.clone());
    let id = TargetId::new("registry").unwrap();
    rules.default.targets = vec![TargetRule { id, stage: Stage::Registry, authority: true }];
    let source = Inbox::Source {
        source: SourceId::new("s").unwrap(),
        topics: vec!["t".to_owned()],
        lanes: 1,
        pane: Span::from_s(60),
        known: Vec::new(),
    };
    let at = LogTime::from_ms(START);
    let mut shard = Shard::new(0, 1);
    fold(&mut shard, &[(at, Inbox::Rules(rules)), (at, source)], false);
    shard
}

/// A registry lists the model.
fn listed(minute: i64, name: &str) -> Entry {
    let version = VersionId::new("v1").unwrap();
    let fact = Fact {
        model: model(name),
        target: TargetId::new("registry").unwrap(),
        production: Some(version.clone()),
        versions: vec![VersionFact::named(version)],
        generation: 0,
        routes: BTreeMap::new(),
    };
    (LogTime::from_ms(START + minute * MINUTE), Inbox::Fact(fact))
}

fn bytes(shard: &Shard) -> usize {
    pieces(Snapshot::of(shard)).iter().map(Vec::len).sum()
}

const LIMITS: NameLimits = NameLimits { models: 20, versions: 3, features: 4 };

#[test]
fn a_shard_does_not_grow_with_the_names_in_frames() {
    let mut shard = shard(LIMITS);
    fold(&mut shard, &[listed(0, "listed")], false);
    let mut sizes = Vec::new();
    for minute in 0..400_i64 {
        let cells = |at| {
            let mut cells: Vec<_> =
                (0..200).map(|nth| cell(at, &format!("x{minute}-{nth}"), "v1", 50)).collect();
            cells.push(cell(at, "listed", "v1", 100));
            cells.push(cell(at, "configured", "v1", 100));
            cells.extend((0..50).map(|nth| cell(at, "configured", &format!("w{minute}-{nth}"), 5)));
            cells
        };
        let mut sums = frame(minute, cells);
        let lost = |nth| UnknownPartial {
            pane: EventTime::from_ms(START + minute * MINUTE),
            model: Some(model(&format!("y{minute}-{nth}"))),
            lost: Default::default(),
        };
        sums.unknown = (0..50).map(lost).collect();
        fold(&mut shard, &[entry(minute, sums)], false);
        shard.take_touched();
        if minute >= 100 && minute % 10 == 0 {
            sizes.push(bytes(&shard));
        }
    }
    assert!(shard.judged().places() <= 22, "{} places", shard.judged().places());
    assert!(shard.models().len() <= 22, "{:?}", shard.models());
    assert!(shard.status().refused_names > 50_000);
    assert!(shard.judged().refused().begun == 1);
    for name in ["listed", "configured"] {
        let status = shard.model_status(&model(name));
        assert!(status.named, "{name}");
        assert_eq!(status.heard, Some(shard.log_time()), "{name}");
        assert!(status.versions["v1"].signals.iter().any(|signal| signal.samples > 0), "{name}");
    }
    let (first, second) = sizes.split_at(sizes.len() / 2);
    let [first, second] = [first, second].map(|sizes| sizes.iter().max().unwrap());
    assert!(*second < first + first / 4, "a snapshot takes {sizes:?} bytes");
}

#[test]
fn what_a_version_without_a_place_said_is_lost_to_its_model() {
    let mut shard = shard(LIMITS);
    fold(&mut shard, &[listed(0, "m")], false);
    for minute in 0..30 {
        let cells = |at| {
            let others = (0..4).map(|nth| cell(at, "m", &format!("w{nth}"), 1000));
            others.chain([cell(at, "m", "v1", 100)]).collect()
        };
        fold(&mut shard, &[entry(minute, frame(minute, cells))], false);
    }
    let status = shard.model_status(&model("m"));
    let verdicts: Vec<_> = status.versions["v1"]
        .signals
        .iter()
        .filter(|signal| signal.signal == Signal::ErrorRate)
        .map(|signal| (signal.verdict, signal.reason))
        .collect();
    assert!(!verdicts.is_empty());
    assert!(verdicts.iter().all(|(verdict, _)| *verdict != Verdict::Healthy), "{verdicts:?}");
    assert!(!status.versions.contains_key("w3"), "{:?}", status.versions.keys());
}

#[test]
fn a_place_is_taken_by_the_next_after_an_hour_of_log_time() {
    let one = |name: &'static str| move |at| vec![cell(at, name, "v1", 50)];
    let mut shard = shard(NameLimits { models: 1, ..LIMITS });
    fold(&mut shard, &[entry(0, frame(0, one("first")))], false);
    for minute in [1, 30, 59] {
        fold(&mut shard, &[entry(minute, frame(minute, one("second")))], false);
        assert!(shard.judged().model(&model("first")).is_some(), "minute {minute}");
        assert!(shard.judged().model(&model("second")).is_none(), "minute {minute}");
    }
    fold(&mut shard, &[entry(61, frame(61, one("second")))], false);
    assert!(shard.judged().model(&model("first")).is_none());
    assert!(shard.judged().model(&model("second")).is_some());
    assert!(!shard.models().contains(&model("first")), "{:?}", shard.models());
    assert!(shard.undo_state().piece(&model("first")).is_none());
    assert!(shard.take_touched().changed.contains(&model("first")), "others must be told");
}

#[test]
fn features_beyond_the_limit_are_not_taken() {
    let mut shard = shard(LIMITS);
    let mut entries = Vec::new();
    for minute in 0..200_i64 {
        let mut sums = frame(minute, |at| vec![cell(at, "m", "v1", 50)]);
        let mut grid = Grid::default();
        (0..50).for_each(|n| grid.number(f64::from(n)));
        let names = (0..10).map(|nth| format!("f{}-{nth}", minute / 90));
        let named = names.map(|name| (FeatureName::new(&name).unwrap(), grid.clone()));
        sums.features.push(FeaturesPartial {
            pane: EventTime::from_ms(START + minute * MINUTE),
            model: model("m"),
            of: FeaturesOf::Version(VersionId::new("v1").unwrap(), SampleRole::Live),
            features: named.collect::<FeatureGrids>(),
        });
        entries.push(entry(minute, sums));
    }
    fold(&mut shard, &entries, false);
    let text = String::from_utf8(pieces(Snapshot::of(&shard)).concat()).unwrap();
    // Those of the last hour and a half have the places of those before.
    for (name, known) in [("f0-0", false), ("f1-0", true), ("f1-3", true), ("f1-4", false)] {
        assert_eq!(text.contains(&format!("\"{name}\"")), known, "{name}");
    }
}

#[test]
fn places_are_the_same_every_way() {
    let shard = shard(NameLimits { models: 3, versions: 2, features: 1 });
    let mut entries = vec![listed(0, "listed")];
    for minute in 0..90_i64 {
        let cells = move |at| {
            let mut cells: Vec<_> = (0..6)
                .map(|nth| cell(at, &format!("x{}", (minute / 70) * 6 + nth), "v1", 50))
                .collect();
            cells.push(cell(at, "listed", &format!("v{}", minute % 5), 20));
            cells
        };
        entries.push(entry(minute * 2, frame(minute * 2, cells)));
    }
    same_every_way(&shard, &entries);
}

#[test]
fn a_lane_that_reads_again_makes_accuracy_warm() {
    let mut shard = shard(LIMITS);
    let mut told = Vec::new();
    for (minute, warm) in [(0, 1.0), (1, 0.37), (2, 0.99), (3, 1.0)] {
        let mut sums = frame(minute, |at| vec![cell(at, "m", "v1", 50)]);
        sums.warm = warm;
        fold(&mut shard, &[entry(minute, sums)], false);
        told.push(shard.model_status(&model("m")).warm);
    }
    assert_eq!(told, [None, Some(0.37), Some(0.99), None]);
}
