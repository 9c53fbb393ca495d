//! What is created, appended and looked up on the topics.

use std::collections::BTreeMap;

use super::names::{RULES, UNDO};
use super::{RoleError, Topics};
use crate::edge::log::{LogError, Record, Topic, Writer};
use crate::model::{ModelId, RuleSet};
use crate::shard::Inbox;
use crate::undo::Undo;
use crate::wire::json;

/// The last record of each key.
pub(crate) type Kept = BTreeMap<String, Record>;

/// What was stored of a shard at its last commit.
pub(crate) struct StoredUndo {
    /// What undo knew.
    pub(crate) undo: Undo,
    /// The inbox position of the commit.
    pub(crate) position: i64,
    /// From where on instructions and rules of the inbox are signed, if they are.
    pub(crate) signed_from: Option<i64>,
}

impl Topics {
    /// Creates the topics that are missing, and writes the first records of each empty inbox: its
    /// format and its rules. With keys, rules are also written where no shard has taken any yet:
    /// those that lie there may not be signed, and a shard takes the same revision only once.
    ///
    /// # Errors
    /// Storage.
    pub fn create(&self, rule_set: &RuleSet) -> Result<(), RoleError> {
        for topic in Topic::ALL {
            self.log.create(&self.topic(topic), self.shards, topic.compacted())?;
        }
        let mut writer = self.log.writer(None)?;
        for shard in 0..self.shards {
            let inbox = self.partition(Topic::Inbox, shard);
            let mut rules = rule_set.clone();
            rules.revision = rules.revision.max(1);
            let mut records = Vec::new();
            if self.log.scan(&inbox, 0, 1)?.is_empty() {
                records.extend([Inbox::Format { shards: self.shards }, Inbox::Rules(rules)]);
            } else if !self.keys.is_empty() && self.latest(Topic::Status, shard, RULES)?.is_none() {
                records.push(Inbox::Rules(rules));
            }
            let records = records.iter().map(|record| self.inbox(shard, None, record));
            let records: Vec<_> = records.collect::<Result<_, _>>()?;
            if !records.is_empty() {
                writer.append(records)?;
            }
        }
        Ok(())
    }

    /// Appends to the inbox of a model's shard, or of every shard if it is about all of them.
    ///
    /// # Errors
    /// Storage.
    pub fn publish(
        &self,
        writer: &mut dyn Writer,
        model: Option<&ModelId>,
        record: &Inbox,
    ) -> Result<(), RoleError> {
        let records = match model {
            Some(model) => vec![self.inbox_of(model, record)?],
            None => (0..self.shards)
                .map(|shard| self.inbox(shard, None, record))
                .collect::<Result<_, _>>()?,
        };
        writer.append(records)?;
        Ok(())
    }

    /// The rules with the highest revision that any shard has published; `None` before the first.
    ///
    /// # Errors
    /// Storage.
    pub(crate) fn rules(&self) -> Result<Option<RuleSet>, RoleError> {
        let mut newest: Option<RuleSet> = None;
        for shard in 0..self.shards {
            if let Some(record) = self.latest(Topic::Status, shard, RULES)? {
                let rule_set: RuleSet = json::decode("rules", &record.value)?;
                if newest.as_ref().is_none_or(|newest| rule_set.revision > newest.revision) {
                    newest = Some(rule_set);
                }
            }
        }
        Ok(newest)
    }

    /// What was stored of a shard at its last commit.
    ///
    /// # Errors
    /// Storage, and a state that this build cannot read.
    pub(crate) fn stored_undo(&self, shard: u32) -> Result<Option<StoredUndo>, RoleError> {
        let mut kept = self.kept(Topic::State, shard, UNDO)?;
        let Some(head) = kept.remove(UNDO) else { return Ok(None) };
        let mut undo: Undo = json::decode("undo state", &head.value)?;
        for (_, record) in kept.range(format!("{UNDO}/")..) {
            undo.put(json::decode("undo state of a model", &record.value)?);
        }
        let position = Self::undo_position(&head).unwrap_or(0);
        Ok(Some(StoredUndo { undo, position, signed_from: Self::undo_signed_from(&head) }))
    }

    /// The last record of a key in a compacted topic.
    ///
    /// # Errors
    /// Storage.
    pub(crate) fn latest(
        &self,
        topic: Topic,
        shard: u32,
        key: &str,
    ) -> Result<Option<Record>, RoleError> {
        let records = self.log.latest(&self.partition(topic, shard), key)?;
        Ok(records.into_iter().find(|record| record.key.as_deref() == Some(key.as_bytes())))
    }

    /// The last records of all keys of a compacted topic that begin with a text.
    ///
    /// # Errors
    /// Storage.
    pub(crate) fn kept(&self, topic: Topic, shard: u32, beginning: &str) -> Result<Kept, LogError> {
        let records = self.log.latest(&self.partition(topic, shard), beginning)?;
        // Ripcord's own keys are text.
        let named = |record: Record| Some((String::from_utf8(record.key.clone()?).ok()?, record));
        Ok(records.into_iter().filter_map(named).collect())
    }
}
