//! Parts are small, complete, and go where they must.

use super::*;
use crate::model::{EventTime, FeatureName, LaneId, SampleRole, SourceId, VersionId};
use crate::shard::Inbox;
use crate::sums::{Counters, FeaturesOf, Latency, VersionSums};
use crate::wire::json;

fn frame(next: i64) -> Frame {
    Frame {
        lane: LaneId { source: SourceId::new("s").unwrap(), lane: 0 },
        epoch: 1,
        positions: vec![(next, next + 10)],
        watermark: EventTime::from_ms(next),
        newest: EventTime::from_ms(next),
        idle: false,
        warm: 1.0,
        counters: Counters::default(),
        versions: Vec::new(),
        pairs: Vec::new(),
        features: Vec::new(),
        unknown: Vec::new(),
        skews: Vec::new(),
        more: false,
    }
}

fn wide(next: i64, models: usize, features: usize, values: u32) -> Frame {
    let mut frame = frame(next);
    let (version, role) = (VersionId::new("v1").unwrap(), SampleRole::Live);
    for model in (0..models).map(|n| ModelId::new(&format!("model-{n:04}")).unwrap()) {
        let mut latency = Latency::default();
        (0..500).for_each(|n| latency.record(n * n));
        let mut grid = Grid::default();
        (0..values).for_each(|n| grid.number(f64::from(n).sqrt() + 0.1));
        let name = |n| FeatureName::new(&format!("some-feature-{n}")).unwrap();
        frame.versions.push(VersionPartial {
            pane: EventTime::from_ms(0),
            model: model.clone(),
            version: version.clone(),
            role,
            sums: VersionSums { latency: Some(Box::new(latency)), ..VersionSums::default() },
        });
        frame.features.push(FeaturesPartial {
            pane: EventTime::from_ms(0),
            model,
            of: FeaturesOf::Version(version.clone(), role),
            features: (0..features).map(|n| (name(n), grid.clone())).collect(),
        });
    }
    frame
}

fn at(ms: i64) -> Uptime {
    Uptime::new(Span::from_ms(ms))
}

#[test]
fn wide_frames_are_cut_into_small_parts_and_the_last_one_tells_how_far() {
    for (models, features, values) in [(1_000, 8, 300), (1, 500, 2_000), (1, 20_000, 20)] {
        let whole = wide(0, models, features, values);
        let mut parts = Parts::new(1).cut(whole.clone(), at(0));
        let last = parts.pop().unwrap().1;
        assert!(!last.more && parts.iter().all(|(_, part)| part.more));
        let mut sum = frame(0);
        for part in parts.into_iter().map(|(_, part)| part).chain([last]) {
            let bytes = json::encode("inbox", &Inbox::Frame(part.clone())).unwrap();
            assert!(bytes.len() <= 512 * 1024, "{} bytes of {models} models", bytes.len());
            assert_eq!(json::decode::<Inbox>("inbox", &bytes).unwrap(), Inbox::Frame(part.clone()));
            sum.versions.extend(part.versions);
            for piece in part.features {
                match sum.features.last_mut().filter(|last| last.model == piece.model) {
                    Some(last) => last.features.extend(piece.features),
                    None => sum.features.push(piece),
                }
            }
        }
        assert!(sum == whole);
    }
}

#[test]
fn a_shard_whose_models_did_not_change_learns_a_little_later_how_far_a_lane_has_come() {
    let mut parts = Parts::new(8);
    let mine = shard_of("model-0000", 8);
    let told = |records: &[(u32, Frame)]| {
        records.iter().map(|(shard, frame)| (*shard, frame.positions[0])).collect::<Vec<_>>()
    };
    assert_eq!(told(&parts.cut(wide(0, 1, 0, 0), at(0))), [(mine, (0, 10))]);
    // Nobody has told them anything yet.
    let others = || (0..8).filter(|shard| *shard != mine);
    assert_eq!(told(&parts.due(at(1))), others().map(|s| (s, (0, 10))).collect::<Vec<_>>());
    assert_eq!(parts.next_wakeup(), None);
    assert_eq!(told(&parts.cut(wide(10, 1, 0, 0), at(100))), [(mine, (10, 20))]);
    assert_eq!(told(&parts.cut(wide(20, 1, 0, 0), at(200))), [(mine, (20, 30))]);
    assert_eq!((told(&parts.due(at(250))), parts.next_wakeup()), (vec![], Some(at(251))));
    assert_eq!(told(&parts.due(at(251))), others().map(|s| (s, (10, 30))).collect::<Vec<_>>());
    parts.cut(frame(30), at(260));
    assert_eq!(parts.rest(at(260)).len(), 8);
}
