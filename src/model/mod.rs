//! The domain's terms as plain data, shared by every other room.
//!
//! Law: constructors, validation, ordering. No thresholds, no merging, no transitions, no I/O.
#![deny(clippy::disallowed_types, clippy::indexing_slicing, clippy::iter_over_hash_type)]

mod breaker;
mod command;
mod decision;
mod fact;
mod field;
mod growing;
mod hidden;
mod ids;
mod incident;
mod instruction;
mod lost;
mod mapping;
mod mode;
mod places;
mod recording;
mod reject;
mod rule_check;
mod rules;
mod sample;
mod source;
mod time;
mod trigger;

pub use breaker::{BreakerRules, BreakerState};
pub use command::{
    Command, CommandResult, MAX_GENERATION, Proof, ResultCode, Stage, Step, StepResult, Want,
    is_credible,
};
pub use decision::{Benefit, Comparison, Reason, Reference, Verdict};
pub use fact::{Baseline, Baselines, Fact, Routed, Standing, VersionFact, VersionStanding};
pub use field::SampleField;
pub use growing::GrowingTime;
pub use hidden::is_hidden;
pub use ids::{
    CommandId, FeatureName, IncidentId, ModelId, NameError, Namespace, SourceId, TargetId,
    TriggerId, VersionId, check_name,
};
pub use incident::{Incident, IncidentEvent, IncidentState};
pub use instruction::{Ask, Instruction, Scope};
pub use lost::{LostField, LostFields};
pub use mapping::{
    EachRule, FeatureSet, FeaturesRule, FieldPlace, FieldRule, InTree, Mapping, NamesRule,
    OnlyRule, PairRule, PathPattern, PathPiece, PathStep, Piece, PlaceMove, PlaceNode, PlaceRoot,
    PlaceTree, Reading, TextEncoding, TextView, TimeUnit, ValuePattern, Zone,
};
pub use mode::Mode;
pub use places::{NameKind, NameLimits, NamedModels, PLACE_KEPT};
pub use recording::RecordingFile;
pub use reject::Reject;
pub use rule_check::RuleProblem;
pub use rules::{Budget, ModelRules, Policy, RuleSet, TargetRule};
pub use sample::{
    Feature, Half, HalfSide, Health, LatencySample, Outcome, Prediction, PredictionStatus, Role,
    Run, RunKind, RunStatus, Sample, SampleKind, SampleRole, Value,
};
pub use source::{Field, LaneId, Source, TopicRule, UnknownModels};
pub use time::{EventTime, LogTime, Span, TimeError};
pub use trigger::{Action, Limit, Signal, Statistic, Tolerance, Trigger};
