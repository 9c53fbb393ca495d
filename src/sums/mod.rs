//! Sums that can be merged, and the frames and assessments that carry them.
//!
//! Law: merge is associative and commutative, so that a pane, a lane and an hour may be put
//! together in any order and give the same bits. Only integers are added here.
#![deny(clippy::disallowed_types, clippy::indexing_slicing, clippy::iter_over_hash_type)]

mod assessment;
mod counts;
pub mod entries;
pub mod features;
mod frame;
mod grid;
mod latency;
mod losses;
mod pair;
mod partial;
mod shared;
mod varint;

pub use assessment::{Assessment, BucketSums, Evidence, LiveTraffic, Tally};
pub use counts::{Counts, HealthSums, RunSums};
pub use features::{FeatureGrids, FeaturesOf, FeaturesPartial};
pub use frame::{Counters, Frame, PairPartial, UnknownPartial, VersionPartial, VersionSkew};
pub use grid::{Cell, Grid, Numbers};
pub use latency::Latency;
pub use losses::Losses;
pub use pair::PairTable;
pub use partial::VersionSums;
pub use shared::SharedPart;
