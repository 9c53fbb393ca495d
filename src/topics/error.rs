//! Why a role cannot continue.

use crate::edge::log::LogError;
use crate::model::SourceId;
use crate::shard::ShardError;
use crate::wire::json::JsonError;

/// Why a role cannot continue.
#[derive(Debug, thiserror::Error)]
pub enum RoleError {
    /// The log below failed.
    #[error("the log failed")]
    Log(#[from] LogError),
    /// A record cannot be encoded or decoded.
    #[error("a record on one of Ripcord's topics cannot be encoded or decoded")]
    Record(#[from] JsonError),
    /// The inbox does not belong to this process.
    #[error("this process cannot fold the inbox")]
    Shard(#[from] ShardError),
    /// Signed instructions, and no key to check them.
    #[error(
        "shard {shard} takes only signed instructions and rules since position {from} of its \
         inbox, and this process has no keys; set the variable of kafka.instruction_keys_env, or \
         set it to \"unsigned\" if nothing shall be signed any more"
    )]
    NoKeys {
        /// Which shard.
        shard: u32,
        /// The first position that is checked.
        from: i64,
    },
    /// Another process owns what this one held.
    #[error("another process took over {0}; this role stops here")]
    Fenced(String),
    /// A topic of a source was deleted while it was measured.
    #[error(
        "the topic {topic} of source {source_id} does not exist, so this source rests until the \
         topic is there again; create it (`ripcord topics create --telemetry` does), or disable \
         the source"
    )]
    Rests {
        /// Which source.
        source_id: SourceId,
        /// The topic.
        topic: String,
    },
    /// A source's topics have different numbers of partitions.
    #[error(
        "the topics of source {source_id} have different numbers of partitions ({counts}); records \
         that join must be in the same partition of each topic, so give all of them the same number"
    )]
    Lanes {
        /// Which source.
        source_id: SourceId,
        /// Each topic and its count.
        counts: String,
    },
    /// The operating system refused a thread or a runtime.
    #[error("the system gives this role no thread or runtime; check the process limits")]
    Runtime(#[source] std::io::Error),
}
