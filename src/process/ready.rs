//! Checks that a shared log has every topic that a role needs before the role starts.
//!
//! Law: nothing is created here. `ripcord topics create` does that, once: of many processes that
//! start together, each would create the topics by its own settings.

use super::RoleSet;
use crate::config::Settings;
use crate::edge::log::{LogError, Topic};
use crate::model::SourceId;
use crate::topics::Topics;

/// What is missing or does not fit.
#[derive(Debug, thiserror::Error)]
pub enum NotReady {
    /// One of Ripcord's topics.
    #[error("the topic {0} does not exist; create Ripcord's topics with `ripcord topics create`")]
    NoTopic(String),
    /// Another number of shards.
    #[error(
        "{topic} has {found} partitions, but log.shards is {wanted}; the number is fixed when the \
         topics are created, so set log.shards = {found}"
    )]
    Shards {
        /// The inbox.
        topic: String,
        /// Its partitions.
        found: u32,
        /// `log.shards`.
        wanted: u32,
    },
    /// An output that does not fit the inbox.
    #[error(
        "{topic} has {found} partitions and needs {wanted}, one per shard; `ripcord topics check` \
         prints the command that fixes it"
    )]
    Partitions {
        /// Which.
        topic: String,
        /// Its partitions.
        found: u32,
        /// One per shard.
        wanted: u32,
    },
    /// An inbox is empty.
    #[error(
        "the inbox of shard {0} is empty; run `ripcord topics create`, which writes its first \
         records: the number of shards and the rules"
    )]
    NoFirst(u32),
    /// A topic of a source.
    #[error(
        "the topic {topic} of source {source_id} does not exist; create it, or run `ripcord topics \
         create --telemetry`"
    )]
    NoTelemetry {
        /// Which source.
        source_id: SourceId,
        /// Its topic.
        topic: String,
    },
    /// The log did not answer.
    #[error("the log failed")]
    Log(#[from] LogError),
}

/// Ripcord's topics that do not exist. Those that do have one partition per shard.
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

/// Checks that these roles can start.
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
