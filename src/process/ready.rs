//! What must stand on a log that others use too before roles begin on it.
//!
//! Law: nothing is made here. `ripcord topics create` makes it, once: of many processes that
//! begin together each would make it as its own settings say.

use super::RoleSet;
use crate::config::Settings;
use crate::edge::log::{LogError, Topic};
use crate::model::SourceId;
use crate::topics::Topics;

/// What is not as it must be.
#[derive(Debug, thiserror::Error)]
pub enum NotReady {
    /// A topic of the river.
    #[error("the topic {0} is not there; make the river's topics with `ripcord topics create`")]
    NoTopic(String),
    /// Another number of shards.
    #[error(
        "{topic} has {found} partitions and log.shards is {wanted}; the number is fixed when the \
         topics are made, so set log.shards = {found}"
    )]
    Shards {
        /// The inbox.
        topic: String,
        /// Its partitions.
        found: u32,
        /// What the settings say.
        wanted: u32,
    },
    /// An output that does not fit the inbox.
    #[error(
        "{topic} has {found} partitions and needs {wanted}, one per shard; `ripcord topics check` \
         says how to mend it"
    )]
    Partitions {
        /// Which.
        topic: String,
        /// Its partitions.
        found: u32,
        /// One per shard.
        wanted: u32,
    },
    /// An inbox without its first records.
    #[error(
        "shard {0} has no first record, which says how many shards there are and by which rules \
         they go; write it with `ripcord topics create`"
    )]
    NoFirst(u32),
    /// A topic of a source.
    #[error(
        "the topic {topic} of source {source_id} is not there; make it, or let `ripcord topics \
         create --telemetry` do so"
    )]
    NoTelemetry {
        /// Which source.
        source_id: SourceId,
        /// Its topic.
        topic: String,
    },
    /// The log did not say.
    #[error("the log failed")]
    Log(#[from] LogError),
}

/// The river's topics that are not there; those that are have a partition per shard.
pub(crate) fn fitting(topics: &Topics) -> Result<Vec<String>, NotReady> {
    let wanted = topics.shards;
    let mut missing = Vec::new();
    for kind in Topic::ALL {
        let topic = topics.topic(kind);
        match topics.log.partitions(&topic)? {
            None => missing.push(topic),
            Some(found) if found == wanted => {}
            Some(found) if kind == Topic::Inbox => {
                return Err(NotReady::Shards { topic, found, wanted });
            }
            Some(found) => return Err(NotReady::Partitions { topic, found, wanted }),
        }
    }
    Ok(missing)
}

/// Whether this part can begin.
pub(super) fn ready(topics: &Topics, settings: &Settings, part: &RoleSet) -> Result<(), NotReady> {
    if let Some(topic) = fitting(topics)?.into_iter().next() {
        return Err(NotReady::NoTopic(topic));
    }
    if part.decides() {
        for shard in 0..topics.shards {
            if topics.log.scan(&topics.partition(Topic::Inbox, shard), 0, 1)?.is_empty() {
                return Err(NotReady::NoFirst(shard));
            }
        }
    }
    if let Some(source_id) = settings.router.as_ref().and_then(|router| router.source.as_ref())
        && part.routes()
    {
        let source = settings.sources.iter().find(|source| source.id == *source_id);
        for topic in source.into_iter().flat_map(|source| source.topics.first()) {
            if topics.log.partitions(&topic.name)?.is_none() {
                let (source_id, topic) = (source_id.clone(), topic.name.clone());
                return Err(NotReady::NoTelemetry { source_id, topic });
            }
        }
    }
    if part.measures() {
        for source in &settings.sources {
            for topic in &source.topics {
                if topics.log.partitions(&topic.name)?.is_none() {
                    let (source_id, topic) = (source.id.clone(), topic.name.clone());
                    return Err(NotReady::NoTelemetry { source_id, topic });
                }
            }
        }
    }
    Ok(())
}
