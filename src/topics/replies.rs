//! The replies to instructions on the status topic, and which of them are old enough to delete.
//!
//! A compacted topic keeps the last record of every key, and each instruction has its own key, so
//! without this the topic would grow without bound. Only the owner of a shard deletes, in the
//! thread that also writes the replies, so a reply that was just repeated is never deleted.

use std::collections::BTreeMap;

use super::names::{REPLY, reply_key};
use super::{RoleError, Topics};
use crate::edge::log::Topic;
use crate::model::{LogTime, Span};

/// The replies of one shard by key, with the time of the latest.
#[derive(Debug, Default)]
pub(crate) struct Replies(BTreeMap<String, LogTime>);

impl Replies {
    /// Reads those on the log.
    ///
    /// # Errors
    /// Storage.
    pub(crate) fn read(topics: &Topics, shard: u32) -> Result<Self, RoleError> {
        let records = topics.kept(Topic::Status, shard, REPLY)?;
        Ok(Self(records.into_iter().map(|(key, record)| (key, record.time)).collect()))
    }

    /// Whether an instruction has had its reply.
    pub(crate) fn has(&self, instruction: &str) -> bool {
        self.0.contains_key(&reply_key(instruction))
    }

    /// Notes a reply that was just written.
    pub(crate) fn given(&mut self, instruction: &str, at: LogTime) {
        self.0.insert(reply_key(instruction), at);
    }

    /// Removes and returns the keys of those older than `keep`.
    pub(crate) fn forget(&mut self, now: LogTime, keep: Span) -> Vec<String> {
        self.0.extract_if(.., |_, given| now - *given > keep).map(|(key, _)| key).collect()
    }
}
