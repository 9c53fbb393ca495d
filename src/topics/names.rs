//! The names of topics, groups and keys.

use std::sync::Arc;

use crate::config::InstructionKeys;
use crate::edge::log::{Log, Partition, Topic};
use crate::model::{LaneId, ModelId, Namespace, SourceId, TargetId};

/// The start of the key under which a worker says why it cannot observe its target; the target's
/// name follows.
pub(crate) const TROUBLE: &str = "trouble/";

/// The start of the key under which ingest reports on a lane; source and number follow.
pub(crate) const LANE: &str = "lane/";

/// The start of the key under which ingest says that keys of a source are placed wrongly; its
/// name follows. Empty: they are not.
pub(crate) const KEYS: &str = "keys/";

/// The key of a shard's live numbers.
pub(crate) const STATUS: &str = "status";

/// The start of the key of a model's live numbers; its name follows.
pub(crate) const MODEL: &str = "model/";

/// The key of the rules in force.
pub(crate) const RULES: &str = "rules";

/// The key of what undo knows of all models at once. With a slash and a name: of that model.
pub(crate) const UNDO: &str = "undo";

/// The start of the key of every reply.
pub(super) const REPLY: &str = "reply/";

/// The key of the reply to an instruction.
pub(crate) fn reply_key(instruction: &str) -> String {
    format!("{REPLY}{instruction}")
}

/// The key of what undo knows of a model.
pub(crate) fn undo_key(model: &ModelId) -> String {
    format!("{UNDO}/{model}")
}

/// The key of a model's live numbers.
pub(crate) fn model_key(model: &ModelId) -> String {
    format!("{MODEL}{model}")
}

/// The key of the report on a lane.
pub(crate) fn lane_key(lane: &LaneId) -> String {
    format!("{LANE}{}/{}", lane.source, lane.lane)
}

/// The topics of one namespace on a log.
#[derive(Clone)]
pub struct Topics {
    /// The log that carries them.
    pub log: Arc<dyn Log>,
    /// The environment.
    pub namespace: Namespace,
    /// Partitions of the inbox.
    pub shards: u32,
    /// What signs instructions and rules, and checks them. None: neither is done.
    pub keys: InstructionKeys,
}

impl Topics {
    /// The topic's name on the log.
    #[must_use]
    pub fn topic(&self, topic: Topic) -> String {
        topic.name(&self.namespace)
    }

    /// A partition of one of these topics.
    #[must_use]
    pub fn partition(&self, topic: Topic, partition: u32) -> Partition {
        Partition { topic: self.topic(topic), partition }
    }

    /// The group that a role reads in.
    pub(crate) fn group(&self, role: &str) -> String {
        group_name(&self.namespace, role)
    }
}

/// The role that measures a source, as part of its group's name.
pub(crate) fn ingest_role(source: &SourceId) -> String {
    format!("ingest.{source}")
}

/// The name under which a shard's owner commits: one per shard, whatever the process.
pub(crate) fn committer(namespace: &Namespace, shard: u32) -> String {
    format!("{}.{shard}", group_name(namespace, "decide"))
}

/// The group that a role reads in.
pub(crate) fn group_name(namespace: &Namespace, role: &str) -> String {
    format!("ripcord.{namespace}.{role}")
}

/// The role that works on a target, as part of its group's name.
pub(crate) fn worker_role(target: &TargetId) -> String {
    format!("work.{target}")
}
