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
mod tests;
