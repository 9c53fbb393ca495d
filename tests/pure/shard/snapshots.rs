//! Snapshots: cut in chunks, of one position, and read back as they were.

use std::collections::BTreeMap;

use ripcord::config::Config;
use ripcord::model::{
    EventTime, FeatureName, LaneId, LogTime, ModelId, SampleRole, SourceId, Span, VersionId,
};
use ripcord::shard::{Inbox, Shard, SnapshotWriter, restore};
use ripcord::sums::{
    Counters, Counts, Features, FeaturesOf, FeaturesPartial, Frame, Grid, VersionPartial,
    VersionSums,
};

use super::{finished, fold, restored, snapshot};

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
            let mut state = u64::from(nth);
            for _ in 0..200 {
                state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
                grid.number((state >> 40) as f64 * times);
            }
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
        features.push(FeaturesPartial { pane: at, model, of, features: Features::from(inputs) });
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

#[test]
fn a_snapshot_that_was_changed_is_refused() {
    let (manifest, chunks) = snapshot(&Shard::new(3, 8));
    let chunks: Vec<_> = chunks.iter().map(Vec::as_slice).collect();
    assert_eq!(restore(&manifest, &chunks).unwrap(), Shard::new(3, 8));
    for wrong in [vec![], vec![&chunks[0][1..]], [&chunks[..], &[b"x"]].concat()] {
        let error = restore(&manifest, &wrong).unwrap_err();
        assert!(error.to_string().contains("does not match its manifest"), "{error}");
    }
    let text = serde_json::to_string(&manifest).unwrap();
    let other = text.replacen(r#""version":"#, r#""version":99"#, 1);
    let error = restore(&serde_json::from_str(&other).unwrap(), &chunks).unwrap_err();
    assert!(error.to_string().contains("version 99"), "{error}");
}

#[test]
fn a_large_snapshot_is_cut_and_is_of_the_position_at_which_it_was_begun() {
    let rules = Config::load(&[], &BTreeMap::new()).unwrap().rules;
    let mut shard = Shard::new(0, 1);
    let mut entries = vec![(LogTime::from_ms(START), Inbox::Rules(rules))];
    let id = SourceId::new("s").unwrap();
    let source = Inbox::Source {
        source: id.clone(),
        topics: vec!["t".to_owned()],
        lanes: 1,
        pane: Span::from_s(60),
        known: vec![id],
    };
    let entry = |minute: i64, record| (LogTime::from_ms(START + minute * 60_000), record);
    entries.extend([entry(0, source), entry(0, Inbox::Frame(wide(0, 1_500)))]);
    fold(&mut shard, &entries, false);
    let begun = shard.clone();
    let writer = SnapshotWriter::new(&shard).unwrap();
    let later = [1, 2, 3].map(|minute| entry(minute, Inbox::Frame(wide(minute, 1_500))));
    fold(&mut shard, &later, false);
    let written = finished(writer);
    assert!(written.1.len() > 1, "{:?}", written.0);
    assert!(written.1.iter().all(|chunk| chunk.len() <= 512 * 1024));
    let mut back = restored(&written);
    assert!(back == begun && back != shard);
    fold(&mut back, &later, false);
    assert!(back == shard, "folded on from the snapshot it differs");
}
