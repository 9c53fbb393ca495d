//! Replay: a recording through the whole pipeline, in event time, as fast as it goes.
//!
//! Law: nothing outside is touched. The log is private, the target a shadow. Workers answer inline
//! and flushes go by event time, so the same recording gives the same bytes.

mod blind;
mod decided;
mod history;
mod inline;
mod ledger;
mod measured;
mod notes;
pub mod publish;
pub mod recording;
mod refusals;
mod run;
mod summarize;

pub use crate::show::data::Replayed;
pub use history::History;
pub use ledger::DailyAnswers;
pub use measured::{Measured, measure};
pub use summarize::outcome;
pub(crate) use summarize::summary;

use self::recording::{Files, FilesError, Progress};
use self::run::ReplayRun;
use crate::config::rules_hash;
use crate::model::RecordingFile;
use crate::model::{
    EventTime, Mode, ModelId, ModelRules, Namespace, RuleSet, Source, Span, Stage, TargetId,
    TargetRule, VersionId,
};
use crate::roles::ingest::pipeline::UnmeasuredRecord;
use crate::shard::{Output, Status};
use crate::targets::registry::{DocumentError, ShadowRegistry};
use crate::topics::RoleError;

/// The version in production, and the one before.
type Versions = (VersionId, Option<VersionId>);

/// What is replayed, and how.
pub struct Replay {
    /// Recordings: `.jsonl`, `.jsonl.gz`, or `-`.
    pub files: Vec<RecordingFile>,
    /// The shadow target.
    pub registry: ShadowRegistry,
    /// Without a registry: the version in production, and the one before, which is vouched for.
    /// They belong to the model that is replayed alone, else to that of the first sample.
    pub versions: Option<Versions>,
    /// The source's rules; the files stand in for its topics.
    pub source: Source,
    /// Only this model; `None` for every model.
    pub only: Option<ModelId>,
    /// Rules and limits.
    pub rules: RuleSet,
    /// The mode of every trigger, whatever the rules say.
    pub mode: Option<Mode>,
}

/// What a replay reports while it runs.
#[derive(Debug)]
pub enum News<'a> {
    /// How far it has come: bytes, event time, records.
    Progress(Progress, EventTime, u64),
    /// An output.
    Output(&'a Output),
    /// The live numbers, once an hour of event time and before anything is done about a verdict.
    Numbers(&'a Status),
    /// A record could not be used.
    Refused(&'a UnmeasuredRecord),
}

/// Why a replay ended early.
#[derive(Debug, thiserror::Error)]
pub enum ReplayError {
    /// A file.
    #[error(transparent)]
    Files(#[from] FilesError),
    /// A role.
    #[error(transparent)]
    Role(#[from] RoleError),
    /// The versions that were named do not fit together.
    #[error("the shadow registry cannot be created")]
    Versions(#[from] DocumentError),
    /// Nothing in it is a sample.
    #[error("{}", nothing(*_0, _1))]
    NothingUnderstood(u64, String),
    /// The one model that was asked for is not in it.
    #[error("no record is about {0}; the recording has {1}")]
    NoSuchModel(ModelId, String),
}

/// Why there is nothing to replay.
fn nothing(records: u64, first: &str) -> String {
    match records {
        0 => "the recording is empty; it needs one JSON object a line".to_owned(),
        n => format!(
            "none of the {n} records is a sample{first}; `ripcord check-source` shows how to fix \
             them"
        ),
    }
}

impl Replay {
    /// The rules of a replay: shadow targets, and triggers that act.
    fn rule_set(&self) -> RuleSet {
        let mut rule_set = self.rules.clone();
        if let Ok(namespace) = Namespace::new("replay") {
            rule_set.namespace = namespace;
        }
        let targets: Vec<_> = TargetId::new("registry")
            .into_iter()
            .map(|id| TargetRule { id, stage: Stage::Registry, authority: true })
            .collect();
        let shadowed = |rules: &mut ModelRules| {
            // In a recording a silent log does not mean that measuring has stalled.
            rules.policy.stall_after = Span::from_s(i64::from(u32::MAX));
            rules.targets.clone_from(&targets);
            if let Some(mode) = self.mode {
                rules.mode = mode;
                rules.triggers.iter_mut().for_each(|trigger| trigger.mode = None);
            }
        };
        shadowed(&mut rule_set.default);
        rule_set.models.values_mut().for_each(shadowed);
        rule_set.revision = 1;
        rule_set.hash = rules_hash(&rule_set);
        rule_set
    }

    /// Runs it to the end.
    ///
    /// # Errors
    /// Files that cannot be read, records none of which is a sample.
    pub fn run(self, mut news: impl FnMut(News<'_>)) -> Result<Replayed, ReplayError> {
        let rule_set = self.rule_set();
        let mut files = Files::open(&self.files, &self.source)?;
        let mut run = ReplayRun::new(&rule_set, &files, (self.registry, self.versions), self.only)?;
        while let Some(next) = files.next()? {
            run.record(&next, &mut files, &mut news)?;
        }
        run.end(&files, &mut news)?;
        run.finish(rule_set, &files)
    }
}
