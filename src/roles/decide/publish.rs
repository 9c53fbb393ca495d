//! Live numbers, the rules in force and what undo knows, for those who ask.
//!
//! Each model has records of its own, written when it changed and a few at a time, so that what a
//! turn writes does not grow with the number of models.

use std::collections::BTreeSet;

use super::{Decide, Owned};
use crate::edge::log::{Outgoing, Topic};
use crate::model::{ModelId, Span};
use crate::shard::{Status, Touched};
use crate::topics::{RoleError, STATUS, Topics, model_key, undo_key};
use crate::wire::json;

/// Bytes about models that are written at once, but for the last record.
const AT_ONCE_BYTES: usize = 1024 * 1024;

/// A model of which only new sums came is told again after this number of turns.
const HEARD_EVERY: u8 = 5;

/// What others are still to be told of a shard.
#[derive(Debug, Default)]
pub(super) struct Untold {
    /// The revision of the rules that they were told.
    rules: Option<u64>,
    /// Models that changed, or that this process has not told of yet.
    models: BTreeSet<ModelId>,
    /// Models of which only new sums came.
    heard: BTreeSet<ModelId>,
    /// The model that was told last: the next one goes on after it.
    last: Option<ModelId>,
    turns: u8,
}

impl Untold {
    /// Nobody was told of these models.
    pub(super) fn of(models: impl IntoIterator<Item = ModelId>) -> Self {
        Self { models: models.into_iter().collect(), ..Self::default() }
    }

    pub(super) fn add(&mut self, touched: Touched) {
        self.models.extend(touched.changed);
        self.heard.extend(touched.heard);
    }

    /// The next model to tell of: in turn, so that none waits for ever.
    fn next(&mut self) -> Option<ModelId> {
        let after = self.last.take();
        let later = after.and_then(|last| self.models.range(last..).next().cloned());
        let next = later.or_else(|| self.models.first().cloned())?;
        self.models.remove(&next);
        self.heard.remove(&next);
        self.last = Some(next.clone());
        Some(next)
    }
}

impl Decide {
    /// How far log time is ahead of the clock that stamps the records.
    #[must_use]
    pub fn log_ahead(&self) -> Span {
        let shards = self.owned.values().map(|owned| owned.shard.log_ahead());
        shards.chain([self.topics.log.clock().ahead()]).max().unwrap_or_default()
    }

    /// Writes the live numbers where others read them and, if they changed, the rules
    /// in force and a copy of what undo knows, which dry runs ask; and marks old replies as gone.
    ///
    /// # Errors
    /// Storage.
    pub fn publish_status(&mut self) -> Result<(), RoleError> {
        let mut records = Vec::new();
        let now = self.topics.log.now();
        for (id, owned) in &mut self.owned {
            if let Some(keep) = self.keep_replies {
                let gone = owned.replies.forget(now, keep).into_iter();
                let mark = |key: String| self.topics.plain(Topic::Status, *id, &key, Vec::new());
                records.extend(gone.map(mark));
            }
            owned.untold.turns += 1;
            if owned.untold.turns >= HEARD_EVERY {
                owned.untold.turns = 0;
                let heard = std::mem::take(&mut owned.untold.heard);
                owned.untold.models.extend(heard);
            }
            records.extend(owned.news(&self.topics, *id, &BTreeSet::new())?);
        }
        self.writer.append(records)?;
        Ok(())
    }
}

impl Owned {
    /// The records that describe the shard's present state and some of its models, first these.
    pub(super) fn news(
        &mut self,
        topics: &Topics,
        id: u32,
        first: &BTreeSet<ModelId>,
    ) -> Result<Vec<Outgoing>, RoleError> {
        let mut records = Vec::new();
        let put = |key: &str, value| topics.plain(Topic::Status, id, key, value);
        let rules = self.shard.rule_set();
        if let Some(rules) = rules.filter(|rules| self.untold.rules != Some(rules.revision)) {
            records.push(topics.rules_copy(id, rules)?);
            self.untold.rules = Some(rules.revision);
        }
        let mut bytes = 0;
        let mut first = first.iter().cloned();
        while bytes < AT_ONCE_BYTES {
            let Some(model) = first.next().or_else(|| self.untold.next()) else { break };
            self.untold.models.remove(&model);
            if !self.shard.knows(&model) {
                // An empty value marks a model as gone.
                records.push(put(&model_key(&model), Vec::new()));
                records.push(put(&undo_key(&model), Vec::new()));
                continue;
            }
            let status = json::encode("status of a model", &self.shard.model_status(&model))?;
            let undo = json::encode("undo state", &self.shard.undo_state().only(&model))?;
            bytes += status.len() + undo.len();
            records.push(put(&model_key(&model), status));
            records.push(put(&undo_key(&model), undo));
        }
        let log_stopped = self.folded_at - self.reached.1;
        let status = Status { log_stopped, ..self.shard.status_without_models() };
        records.push(put(STATUS, json::encode("status", &status)?));
        Ok(records)
    }
}
