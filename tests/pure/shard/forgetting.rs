//! Versions that are over are forgotten, so that a fold of years has the state of weeks.

use std::collections::BTreeMap;

use ripcord::config::Config;
use ripcord::model::{EventTime, LaneId, LogTime, ModelId, SampleRole, SourceId, Span, VersionId};
use ripcord::shard::{Inbox, Shard, Snapshot};
use ripcord::sums::{Counters, Counts, Frame, VersionPartial, VersionSums};

use super::{Entry, fold, pieces};

const DAY: i64 = 24 * 3_600_000;
const START: i64 = 1_767_225_600_000;

/// A day of one version: ten minutes of it are enough.
fn day(day: i64) -> Vec<Entry> {
    (0..10).map(|minute| frame(day, minute)).collect()
}

fn frame(day: i64, minute: i64) -> Entry {
    let ms = START + day * DAY + minute * 60_000;
    let at = EventTime::from_ms(ms);
    let sums = VersionSums { answers: Counts { n: 200, bad: 3 }, ..VersionSums::default() };
    let version = VersionPartial {
        pane: at,
        model: ModelId::new("m").unwrap(),
        version: VersionId::new(&format!("v{day}")).unwrap(),
        role: SampleRole::Live,
        sums,
    };
    let frame = Frame {
        lane: LaneId { source: SourceId::new("s").unwrap(), lane: 0 },
        epoch: 1,
        positions: vec![(day * 10 + minute, day * 10 + minute + 1)],
        watermark: at,
        newest: at,
        idle: false,
        warm: 1.0,
        counters: Counters::default(),
        versions: vec![version],
        pairs: Vec::new(),
        features: Vec::new(),
        unknown: Vec::new(),
        skews: Vec::new(),
        more: false,
    };
    (LogTime::from_ms(ms), Inbox::Frame(frame))
}

fn shard() -> Shard {
    let rules = Config::load(&[], &BTreeMap::new()).unwrap().rules;
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

fn bytes(shard: &Shard) -> usize {
    pieces(Snapshot::of(shard)).iter().map(Vec::len).sum()
}

#[test]
fn hundreds_of_versions_leave_no_more_than_the_last_month_of_them() {
    let mut shard = shard();
    let mut after = Vec::new();
    for n in 0..300 {
        fold(&mut shard, &day(n), false);
        if n == 99 || n == 299 {
            after.push(bytes(&shard));
        }
    }
    let model = ModelId::new("m").unwrap();
    let status = shard.model_status(&model);
    assert!(status.versions.len() <= 33, "{} versions are known", status.versions.len());
    assert!(status.versions.contains_key("v299"), "the last one is");
    let judged = shard.judged().model(&model).unwrap().versions();
    assert!(judged.len() <= 33, "judge knows {}", judged.len());
    assert!(after[1] < after[0] + after[0] / 5, "a snapshot takes {after:?} bytes");
}
