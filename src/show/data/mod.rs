//! What others give to be shown, as plain data: `replay`, `demo` and `process` fill it.

mod days;
mod demo;
mod series;
mod summary;
mod topics;

pub use days::{Day, Days, Sums};
pub use demo::{CallCounts, DemoResult, Phases, Requested};
pub use series::{Point, Series, SeriesKey};
pub use summary::{
    BlindSummary, Detection, IncidentSummary, ModelSummary, RefusedSummary, RollbackEvidence,
    RollbackSummary, StateChange, Summary, VersionSummary, WouldHave,
};
pub use topics::{Made, TopicComparison, TopicFinding};

use crate::model::RuleSet;
use crate::shard::{Output, Status};

/// The result of a replay or of a demo.
#[derive(Debug)]
pub struct Replayed {
    /// The summary.
    pub summary: Summary,
    /// Every output, in order.
    pub outputs: Vec<Output>,
    /// Answers by day, version and role.
    pub days: Days,
    /// The live numbers over time.
    pub series: Series,
    /// The live numbers at the end.
    pub status: Status,
    /// The rules that were in force.
    pub rules: RuleSet,
}
