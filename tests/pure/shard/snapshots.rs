//! Snapshots: of one position, and read back as they were.

use std::collections::BTreeMap;

use ripcord::config::Config;
use ripcord::model::{
    EventTime, FeatureName, LaneId, LogTime, ModelId, SampleRole, SourceId, Span, VersionId,
};
use ripcord::shard::{Inbox, Shard, Snapshot, SnapshotError, restore};
use ripcord::sums::{
    Counters, Counts, FeatureGrids, FeaturesOf, FeaturesPartial, Frame, Grid, VersionPartial,
    VersionSums,
};

use super::{Entry, fold, pieces, restored};

const START: i64 = 1_767_225_600_000;

/// A minute of models with two features each, whose values differ from model to model.
fn wide(minute: i64, models: u32) -> Frame {
    let at = EventTime::from_ms(START + minute * 60_000);
    let (version, role) = (VersionId::new("v1").unwrap(), SampleRole::Live);
    let (mut versions, mut features) = (Vec::new(), Vec::new());
    for nth in 0..models {
        let model = ModelId::new(&format!("model-{nth:04}")).unwrap();
        let answers = Counts { n: 200, bad: 3 };
        let sums = VersionSums { answers, ..VersionSums::default() };
        let of = FeaturesOf::Version(version.clone(), role);
        let grid = |times: f64| {
            let mut grid = Grid::default();
            (0..200).for_each(|n| grid.number(f64::from(n * 7_919 % 1_009 + nth) * times));
            grid
        };
        let inputs = [("age", 1.1), ("income", 317.3)];
        let inputs = inputs.map(|(name, times)| (FeatureName::new(name).unwrap(), grid(times)));
        versions.push(VersionPartial {
            pane: at,
            model: model.clone(),
            version: version.clone(),
            role,
            sums,
        });
        features.push(FeaturesPartial {
            pane: at,
            model,
            of,
            features: FeatureGrids::from(inputs),
        });
    }
    Frame {
        lane: LaneId { source: SourceId::new("s").unwrap(), lane: 0 },
        epoch: 1,
        positions: vec![(minute, minute + 1)],
        watermark: at,
        newest: at,
        idle: false,
        warm: 1.0,
        counters: Counters::default(),
        versions,
        pairs: Vec::new(),
        features,
        unknown: Vec::new(),
        skews: Vec::new(),
        more: false,
    }
}

fn entry(minute: i64, record: Inbox) -> Entry {
    (LogTime::from_ms(START + minute * 60_000), record)
}

/// A shard that has seen a minute of twenty models.
fn shard() -> Shard {
    let rules = Config::load(&[], &BTreeMap::new()).unwrap().rules;
    let id = SourceId::new("s").unwrap();
    let source = Inbox::Source {
        source: id.clone(),
        topics: vec!["t".to_owned()],
        lanes: 1,
        pane: Span::from_s(60),
        known: vec![id],
    };
    let mut shard = Shard::new(0, 1);
    let records = [Inbox::Rules(rules), source, Inbox::Frame(wide(0, 20))];
    fold(&mut shard, &records.map(|record| entry(0, record)), false);
    shard
}

#[test]
fn pieces_that_are_missing_or_in_another_order_are_refused() {
    let pieces = pieces(Snapshot::of(&shard()));
    let [first, rest @ ..] = pieces.as_slice() else { panic!("no pieces") };
    let backwards: Vec<_> = pieces.iter().rev().collect();
    for wrong in [vec![], rest.iter().collect(), backwards, vec![first, first]] {
        let error = restore(wrong.into_iter().map(Vec::as_slice)).unwrap_err();
        assert!(matches!(error, SnapshotError::Disordered), "{error}");
    }
    let error = restore(std::iter::once(&b"{}"[..])).unwrap_err();
    assert!(matches!(error, SnapshotError::Unreadable(_)), "{error}");
}

#[test]
fn a_snapshot_is_of_the_position_at_which_it_was_begun() {
    let mut shard = shard();
    let begun = shard.clone();
    let snapshot = Snapshot::of(&shard);
    let later = [1, 2, 3].map(|minute| entry(minute, Inbox::Frame(wide(minute, 20))));
    fold(&mut shard, &later, false);
    let mut back = restored(&pieces(snapshot));
    assert!(back == begun && back != shard);
    fold(&mut back, &later, false);
    assert!(back == shard, "folded on from the snapshot it differs");
}
