//! One shard of models: an inbox record through judge and undo.
//!
//! Law: it is a pure fold. The same inbox, the same rules and the same build give the same
//! outputs, bit for bit; crash recovery, replay and audit rest on nothing else. It never acts.
//!
//! Over 300 lines: one match over everything that an inbox may hold.
#![deny(clippy::disallowed_types, clippy::indexing_slicing, clippy::iter_over_hash_type)]

mod heard;
mod log_time;
mod record;
mod snapshot;
mod status;
mod touched;

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

pub use record::{Decision, Inbox, Output};
pub use snapshot::{SNAPSHOT_VERSION, Snapshot, SnapshotError, restore};
pub use status::{ModelStatus, SignalStatus, Status, VersionStatus};
pub use touched::Touched;

use self::heard::Heard;
use self::log_time::FoldedTime;
use crate::judge::{self, Judge};
use crate::model::{EventTime, LogTime, ModelId, RuleSet, Span};
use crate::sums::Assessment;
use crate::undo::{self, Moment, Undo};

/// The program that decides: its version and a hash of the rooms a fold runs through, such as
/// `0.1.0+3f2a9c1b7d3e`. Two programs of one build decide alike, bit for bit.
pub const BUILD: &str = env!("RIPCORD_BUILD");

/// The shard that a model belongs to: a stable hash of its name.
#[must_use]
pub fn shard_of(model: &str, shards: u32) -> u32 {
    let hash = xxhash_rust::xxh3::xxh3_64(model.as_bytes());
    u32::try_from(hash % u64::from(shards.max(1))).unwrap_or(0)
}

/// One shard.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Shard {
    id: u32,
    count: u32,
    next: i64,
    log: FoldedTime,
    rule_set: Option<RuleSet>,
    judge: Judge,
    undo: Undo,
    before_rules: u64,
    unreadable: u64,
    heard: Heard,
    latest: status::Latest,
    #[serde(skip)]
    touched: Touched,
}

/// Why a shard must stop.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ShardError {
    /// The topics were created for another number of shards.
    #[error(
        "the inbox was created for {made} shards, but this process is configured for {set}; \
         set log.shards = {made}, or create new topics in another namespace"
    )]
    Count {
        /// What the topics were made for.
        made: u32,
        /// What this process is set to.
        set: u32,
    },
}

impl Shard {
    /// A shard that has read nothing.
    #[must_use]
    pub fn new(id: u32, count: u32) -> Self {
        Self {
            id,
            count,
            next: 0,
            log: FoldedTime::default(),
            rule_set: None,
            judge: Judge::default(),
            undo: Undo::default(),
            before_rules: 0,
            unreadable: 0,
            heard: Heard::default(),
            latest: status::Latest::default(),
            touched: Touched::default(),
        }
    }

    /// Folds the record at `position`, which was appended at `appended`. Rules are not checked
    /// here: both gates do, and a replay sets a stall time that no gate would let through.
    ///
    /// # Errors
    /// The inbox is for another number of shards; nothing was changed.
    pub fn step(
        &mut self,
        position: i64,
        appended: LogTime,
        record: &Inbox,
        out: &mut Vec<Output>,
    ) -> Result<(), ShardError> {
        if let Inbox::Format { shards } = record
            && *shards != self.count
        {
            return Err(ShardError::Count { made: *shards, set: self.count });
        }
        self.next = position + 1;
        self.log.append(appended);
        self.heard.take(self.log.now(), record);
        if let Inbox::Rules(rule_set) = record {
            let known = self.rule_set.as_ref().map(|known| known.revision);
            if known.is_none_or(|known| rule_set.revision > known) {
                self.rule_set = Some(rule_set.clone());
            }
        }
        // Taken out for the step: the rules are read while judge and undo change.
        let Some(rule_set) = self.rule_set.take() else {
            self.before_rules += 1;
            return Ok(());
        };
        // Apart from what earlier records put out: a decision is numbered within its own record, so
        // that its id does not depend on where a reader cuts its batches.
        let mut own = Vec::new();
        self.react(position, &rule_set, record, &mut own);
        self.hear(record);
        out.append(&mut own);
        self.rule_set = Some(rule_set);
        Ok(())
    }

    /// Passes over a record that this shard must not react to.
    pub fn pass_over(&mut self, position: i64, appended: LogTime) {
        self.next = position + 1;
        self.log.append(appended);
    }

    /// Skips a record that cannot be read, and counts it.
    pub fn skip(&mut self, position: i64, appended: LogTime) {
        self.pass_over(position, appended);
        self.unreadable += 1;
    }

    fn react(&mut self, position: i64, rule_set: &RuleSet, record: &Inbox, out: &mut Vec<Output>) {
        match record {
            Inbox::Format { .. } => {}
            Inbox::Rules(_) => {
                self.undo(rule_set, undo::Input::Rules, out);
                self.stand_all(rule_set);
            }
            Inbox::Source { source: id, lanes, pane, known, .. } => {
                let source = judge::Input::Source { id, lanes: *lanes, pane: *pane, known };
                self.judge(position, rule_set, source, out);
            }
            Inbox::Claim { lane, epoch } => {
                self.judge(position, rule_set, judge::Input::Claim(lane, *epoch), out);
            }
            Inbox::Frame(frame) => {
                self.judge(position, rule_set, judge::Input::Frame(frame), out);
            }
            Inbox::Heartbeat { lanes, .. } => {
                self.judge(position, rule_set, judge::Input::Heartbeat(lanes), out);
            }
            Inbox::Tick => {
                self.judge(position, rule_set, judge::Input::Tick, out);
                self.undo(rule_set, undo::Input::Tick, out);
                self.stand_all(rule_set);
            }
            Inbox::Fact(fact) => {
                self.undo(rule_set, undo::Input::Fact(fact), out);
                self.set_standing(rule_set, &fact.model);
            }
            Inbox::Answer(answer) => {
                self.undo(rule_set, undo::Input::Answer(answer), out);
                self.set_standing(rule_set, &answer.model);
            }
            Inbox::Instruction(instruction) => {
                self.undo(rule_set, undo::Input::Instruction(instruction), out);
                match instruction.ask.model() {
                    Some(model) => self.set_standing(rule_set, model),
                    None => self.stand_all(rule_set),
                }
            }
        }
    }

    fn judge(
        &mut self,
        position: i64,
        rule_set: &RuleSet,
        input: judge::Input<'_>,
        out: &mut Vec<Output>,
    ) {
        let mut said = Vec::new();
        self.judge.step(self.log.now(), rule_set, input, &mut said);
        // Judge reads standings at its next step, so each model's is passed on once.
        let mut models = BTreeSet::new();
        for output in said {
            match output {
                judge::Output::Assessed(assessment) => {
                    models.insert(assessment.model.clone());
                    self.assessed(position, rule_set, *assessment, out);
                }
                judge::Output::Traffic(traffic) => {
                    self.undo(rule_set, undo::Input::Traffic(&traffic), out);
                    models.insert(traffic.model);
                }
                judge::Output::ModelLeft(model) => {
                    self.undo.forget_model(&model);
                    self.latest.forget(&model);
                    self.heard.models.remove(&model);
                    self.touched.change(&model);
                }
                judge::Output::VersionLeft(model, version) => {
                    self.undo.forget_version(&model, &version);
                    self.latest.forget_part(&model, &version, None);
                    models.insert(model);
                }
                judge::Output::FeatureLeft(model, version, feature) => {
                    self.latest.forget_part(&model, &version, Some(&feature));
                }
            }
        }
        models.iter().for_each(|model| self.set_standing(rule_set, model));
    }

    fn assessed(
        &mut self,
        position: i64,
        rule_set: &RuleSet,
        assessment: Assessment,
        out: &mut Vec<Output>,
    ) {
        self.latest.take(&assessment);
        self.touched.change(&assessment.model);
        let ruling = self.undo(rule_set, undo::Input::Assessed(&assessment), out);
        if assessment.changed || ruling.is_some() {
            let decision = Decision {
                id: format!("{}-{position}-{}", self.id, out.len()),
                read_to: self.newest(),
                logged_at: self.log.now(),
                position,
                rules: rule_set.hash.clone(),
                build: BUILD.to_owned(),
                assessment,
                ruling,
            };
            out.push(Output::Decision(Box::new(decision)));
        }
    }

    fn undo(
        &mut self,
        rule_set: &RuleSet,
        input: undo::Input<'_>,
        out: &mut Vec<Output>,
    ) -> Option<undo::Ruling> {
        let now = Moment { log: self.log.now(), event: self.newest(), reply_to: self.id };
        let mut wanted = Vec::new();
        self.undo.step(now, rule_set, input, &mut wanted);
        let mut ruling = None;
        for output in wanted {
            match output {
                undo::Output::Command(command) => out.push(Output::Command(Box::new(command))),
                undo::Output::Incident(incident) => out.push(Output::Incident(Box::new(incident))),
                undo::Output::Reply(reply) => out.push(Output::Reply(reply)),
                undo::Output::Ruling(said) => ruling = Some(said),
            }
        }
        ruling
    }

    /// Passes what undo knows about a model on to judge, if it changed.
    fn set_standing(&mut self, rule_set: &RuleSet, model: &ModelId) {
        if !self.undo.knows(model) && self.judge.model(model).is_none() {
            return;
        }
        let standing = self.undo.standing(model);
        if self.judge.model(model).is_none_or(|judge| judge.standing != standing) {
            self.latest.keep(model, &standing);
            let input = judge::Input::Standing(model, &standing);
            let mut said = Vec::new();
            self.judge.step(self.log.now(), rule_set, input, &mut said);
            debug_assert!(said.is_empty(), "a standing makes no verdict");
        }
    }

    fn stand_all(&mut self, rule_set: &RuleSet) {
        for model in self.undo.models() {
            self.set_standing(rule_set, &model);
        }
    }

    /// Notes whose sums came, of the models that have a place.
    fn hear(&mut self, record: &Inbox) {
        let Inbox::Frame(frame) = record else { return };
        let now = self.log.now();
        let cells = frame.versions.iter().map(|cell| &cell.model);
        for model in cells.chain(frame.pairs.iter().map(|cell| &cell.model)) {
            if self.judge.model(model).is_some() {
                self.heard.note(model, now);
                self.touched.hear(model);
            }
        }
    }

    /// When a tick is needed: at a deadline of undo, or when a silent lane stalls.
    #[must_use]
    pub fn next_wakeup(&self) -> Option<LogTime> {
        let stall = self
            .rule_set
            .as_ref()
            .and_then(|rule_set| self.judge.next_wakeup(self.log.now(), rule_set));
        self.undo.next_wakeup().into_iter().chain(stall).min()
    }

    /// The log time of the last record.
    #[must_use]
    pub fn log_time(&self) -> LogTime {
        self.log.now()
    }

    /// How far log time is ahead of the clock that stamps the inbox.
    #[must_use]
    pub fn log_ahead(&self) -> Span {
        self.log.ahead()
    }

    /// The number of this shard.
    #[must_use]
    pub fn id(&self) -> u32 {
        self.id
    }

    /// The position of the next record.
    #[must_use]
    pub fn next(&self) -> i64 {
        self.next
    }

    /// The newest event time read.
    #[must_use]
    pub fn newest(&self) -> EventTime {
        self.judge.newest().unwrap_or(EventTime::MIN)
    }

    /// The rules in force.
    #[must_use]
    pub fn rule_set(&self) -> Option<&RuleSet> {
        self.rule_set.as_ref()
    }

    /// The state of undo, which is stored with every output.
    #[must_use]
    pub fn undo_state(&self) -> &Undo {
        &self.undo
    }

    /// Replaces the state of undo with the stored one, which wins over the fold. An inbox whose
    /// beginning was deleted no longer shows how far log time was ahead there; undo remembers it.
    pub fn set_undo_state(&mut self, undo: Undo) {
        if let Some(log) = undo.log_time() {
            self.log.raise(log);
        }
        self.undo = undo;
    }

    /// The models with something new to tell since this was last asked.
    pub fn take_touched(&mut self) -> Touched {
        let mut touched = std::mem::take(&mut self.touched);
        touched.changed.append(&mut self.undo.take_changed());
        touched
    }

    /// The state of judge.
    #[must_use]
    pub fn judged(&self) -> &Judge {
        &self.judge
    }
}
