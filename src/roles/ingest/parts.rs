//! Cuts what a lane says into records for the shards: each gets the sums of its models, in parts
//! of a bounded size. The last part of a flush tells how far the lane has come; a shard of which no
//! model has changed learns that a little later, together with what comes after.

use crate::edge::clock::Uptime;
use crate::model::{ModelId, Span};
use crate::shard::shard_of;
use crate::sums::{FeaturesPartial, Frame, Grid, PairPartial, UnknownPartial, VersionPartial};

/// What a part weighs at most, in bytes of JSON: half of what a record may have, because weights
/// are estimates.
const MOST_BYTES: usize = 256 * 1024;

/// How long a shard may not know how far a lane has come.
const TELL_WITHIN: Span = Span::from_ms(250);

/// The parts of one lane's frames.
#[derive(Debug)]
pub(super) struct Parts {
    shards: Vec<Told>,
}

/// What a shard knows of the lane.
#[derive(Debug, Default)]
struct Told {
    at: Option<Uptime>,
    /// How far the lane has come since; without sums.
    since: Option<Frame>,
}

/// Something that is summed.
enum Sums {
    Version(VersionPartial),
    Pair(PairPartial),
    Unknown(UnknownPartial),
    Features(FeaturesPartial),
}

impl Parts {
    pub(super) fn new(shards: u32) -> Self {
        Self { shards: (0..shards.max(1)).map(|_| Told::default()).collect() }
    }

    /// Cuts a frame: into parts for the shards whose models changed. The others wait.
    pub(super) fn cut(&mut self, frame: Frame, now: Uptime) -> Vec<(u32, Frame)> {
        let count = self.shards.len() as u32;
        let (bare, all) = taken_apart(frame);
        let mut sums: Vec<Vec<Sums>> = self.shards.iter().map(|_| Vec::new()).collect();
        for one in all {
            let shard = one.model().map(|model| shard_of(model.as_str(), count));
            if let Some(sums) = shard.and_then(|shard| sums.get_mut(shard as usize)) {
                sums.push(one);
            } else if let Sums::Unknown(lost) = one {
                // Any model of the source may have lost it.
                sums.iter_mut().for_each(|sums| sums.push(Sums::Unknown(lost.clone())));
            }
        }
        let mut records = Vec::new();
        for ((shard, told), sums) in (0..).zip(&mut self.shards).zip(sums) {
            let mut mine = bare.clone();
            mine.skews.retain(|skew| shard_of(skew.model.as_str(), count) == shard);
            let mine = told.with(mine);
            if sums.is_empty() {
                told.since = Some(mine);
            } else {
                told.at = Some(now);
                records.extend(parts(&mine, sums).into_iter().map(|part| (shard, part)));
            }
        }
        records
    }

    /// What shards have waited for long enough.
    pub(super) fn due(&mut self, now: Uptime) -> Vec<(u32, Frame)> {
        self.tell(now, |told| told.due().is_some_and(|due| due <= now))
    }

    /// Everything that is still untold.
    pub(super) fn rest(&mut self, now: Uptime) -> Vec<(u32, Frame)> {
        self.tell(now, |_| true)
    }

    fn tell(&mut self, now: Uptime, wanted: impl Fn(&Told) -> bool) -> Vec<(u32, Frame)> {
        let mut records = Vec::new();
        for (shard, told) in (0..).zip(&mut self.shards).filter(|(_, told)| wanted(told)) {
            if let Some(frame) = told.since.take() {
                told.at = Some(now);
                records.push((shard, frame));
            }
        }
        records
    }

    /// When the next shard is to be told.
    pub(super) fn next_wakeup(&self) -> Option<Uptime> {
        self.shards.iter().filter_map(Told::due).min()
    }
}

impl Told {
    fn due(&self) -> Option<Uptime> {
        self.since.as_ref().map(|_| self.at.map_or(Uptime::MIN, |at| at + TELL_WITHIN))
    }

    /// A frame that also tells what the ones before told, which this shard has not seen.
    fn with(&mut self, mut frame: Frame) -> Frame {
        if let Some(before) = self.since.take() {
            for ((from, _), (earlier, _)) in frame.positions.iter_mut().zip(before.positions) {
                *from = earlier;
            }
        }
        frame
    }
}

impl Sums {
    fn model(&self) -> Option<&ModelId> {
        match self {
            Self::Version(of) => Some(&of.model),
            Self::Pair(of) => Some(&of.model),
            Self::Unknown(of) => of.model.as_ref(),
            Self::Features(of) => Some(&of.model),
        }
    }

    fn weight(&self) -> usize {
        match self {
            Self::Version(of) => {
                let names = of.model.as_str().len() + of.version.as_str().len();
                let predictions = of.sums.predictions.as_deref().map_or(0, weight);
                let latency = of.sums.latency.as_ref().map_or(0, |latency| latency.filled() * 4);
                500 + names + predictions + latency
            }
            Self::Pair(of) => 200 + of.model.as_str().len() + 2 * of.a.as_str().len(),
            Self::Unknown(_) => 400,
            Self::Features(of) => {
                let features = of.features.iter();
                let grids = features.map(|(name, grid)| name.as_str().len() + weight(grid));
                300 + of.model.as_str().len() + grids.sum::<usize>()
            }
        }
    }
}

fn weight(grid: &Grid) -> usize {
    let names: usize = grid.categories.keys().map(|name| name.len() + 8).sum();
    40 + (grid.numbers.filled() * 6 + names) * 4 / 3
}

/// How far a lane has come, and what it summed.
fn taken_apart(mut frame: Frame) -> (Frame, Vec<Sums>) {
    let versions = std::mem::take(&mut frame.versions).into_iter().map(Sums::Version);
    let pairs = std::mem::take(&mut frame.pairs).into_iter().map(Sums::Pair);
    let unknown = std::mem::take(&mut frame.unknown).into_iter().map(Sums::Unknown);
    let features = std::mem::take(&mut frame.features).into_iter().flat_map(pieces);
    let all = versions.chain(pairs).chain(unknown).chain(features.map(Sums::Features));
    let all = all.collect();
    (frame, all)
}

/// Inputs in pieces that fit a part each.
fn pieces(partial: FeaturesPartial) -> Vec<FeaturesPartial> {
    let mut pieces = Vec::new();
    let FeaturesPartial { pane, model, of, features } = partial;
    let empty = || FeaturesPartial {
        pane,
        model: model.clone(),
        of: of.clone(),
        features: Default::default(),
    };
    let (mut piece, mut sum) = (empty(), 0);
    for (name, grid) in features {
        let more = name.as_str().len() + weight(&grid);
        if sum + more > MOST_BYTES / 2 && sum > 0 {
            pieces.push(std::mem::replace(&mut piece, empty()));
            sum = 0;
        }
        sum += more;
        piece.features.insert(name, grid);
    }
    pieces.push(piece);
    pieces
}

/// Sums in as few parts as hold them.
fn parts(bare: &Frame, sums: Vec<Sums>) -> Vec<Frame> {
    let mut parts = Vec::new();
    let (mut part, mut sum) = (bare.clone(), 0);
    for one in sums {
        let more = one.weight();
        if sum + more > MOST_BYTES && sum > 0 {
            part.more = true;
            parts.push(std::mem::replace(&mut part, bare.clone()));
            sum = 0;
        }
        sum += more;
        match one {
            Sums::Version(of) => part.versions.push(of),
            Sums::Pair(of) => part.pairs.push(of),
            Sums::Unknown(of) => part.unknown.push(of),
            Sums::Features(of) => part.features.push(of),
        }
    }
    parts.push(part);
    parts
}

#[cfg(test)]
mod tests {
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
                assert_eq!(
                    json::decode::<Inbox>("inbox", &bytes).unwrap(),
                    Inbox::Frame(part.clone())
                );
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
}
