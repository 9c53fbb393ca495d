//! Which replies to instructions stand on the topic of live numbers, and which are to go.
//!
//! A compacted topic keeps the last record of every key, and each instruction brings a key of its
//! own: without this the topic grows for ever. Only the owner of a shard forgets, in the thread
//! that also writes its replies, so no reply that was just given again is taken away.

use std::collections::BTreeMap;

use crate::edge::log::Topic;
use crate::model::{LogTime, Span};
use crate::topics::{RoleError, Topics};

/// How the key of every reply begins.
const PREFIX: &str = "reply/";

/// The key of an instruction's reply.
pub(crate) fn key(instruction: &str) -> String {
    format!("{PREFIX}{instruction}")
}

/// The replies of one shard, by their keys, and when each was last given.
#[derive(Debug, Default)]
pub(crate) struct Replies(BTreeMap<String, LogTime>);

impl Replies {
    /// Those that stand on the log.
    ///
    /// # Errors
    /// Storage.
    pub(crate) fn read(topics: &Topics, shard: u32) -> Result<Self, RoleError> {
        let records = topics.log.latest(&topics.partition(Topic::Status, shard))?;
        let replies = records.into_iter().filter_map(|record| {
            let key = String::from_utf8(record.key?).ok()?;
            key.starts_with(PREFIX).then_some((key, record.time))
        });
        Ok(Self(replies.collect()))
    }

    /// One was given.
    pub(crate) fn given(&mut self, instruction: &str, at: LogTime) {
        self.0.insert(key(instruction), at);
    }

    /// Takes out those that are older than `keep`.
    pub(crate) fn forget(&mut self, now: LogTime, keep: Span) -> Vec<String> {
        self.0.extract_if(.., |_, given| now - *given > keep).map(|(key, _)| key).collect()
    }
}
