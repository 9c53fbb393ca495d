//! Live numbers, the rules in force and what undo knows, for those who ask.

use super::{Decide, Owned};
use crate::edge::log::{Outgoing, Topic};
use crate::model::Span;
use crate::shard::Status;
use crate::topics::{RoleError, Topics};
use crate::wire::json;

/// What others were told of a shard and need not be told again.
#[derive(Debug, Default)]
pub(super) struct PublishedState {
    pub(super) rules: Option<u64>,
    pub(super) undo: Vec<u8>,
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
            records.extend(owned.pending_records(&self.topics, *id)?);
        }
        self.writer.append(records)?;
        Ok(())
    }
}

impl Owned {
    /// The records that describe the shard's present state.
    pub(super) fn pending_records(
        &mut self,
        topics: &Topics,
        id: u32,
    ) -> Result<Vec<Outgoing>, RoleError> {
        let mut records = Vec::new();
        let undo = json::encode("undo state", self.shard.undo_state())?;
        if undo != self.told.undo {
            records.push(topics.plain(Topic::Status, id, "undo", undo.clone()));
            self.told.undo = undo;
        }
        let rule_set = self.shard.rule_set();
        if let Some(rule_set) =
            rule_set.filter(|rule_set| self.told.rules != Some(rule_set.revision))
        {
            records.push(topics.plain(
                Topic::Status,
                id,
                "rules",
                json::encode("rules", rule_set)?,
            ));
            self.told.rules = Some(rule_set.revision);
        }
        let log_stopped = self.folded_at - self.reached.1;
        let status = Status { log_stopped, ..self.shard.status() };
        let status = json::encode("status", &status)?;
        records.push(topics.plain(Topic::Status, id, "status", status));
        Ok(records)
    }
}
