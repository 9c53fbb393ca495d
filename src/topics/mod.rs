//! The river's own topics on a log: their names, partitions and records.

pub(crate) mod open;
pub(crate) mod partitioner;
pub(crate) mod replies;

use std::sync::Arc;

use crate::edge::log::{Log, LogError, Outgoing, Partition, Record, Topic, Writer};
use crate::model::{LogTime, ModelId, Namespace, RuleSet, SourceId, TargetId};
use crate::shard::{Inbox, Output, shard_of};
use crate::topics::replies::key;
use crate::undo::Undo;
use crate::wire::events::{Event, EventKind};
use crate::wire::json::{self, JsonError};

/// Why a role cannot go on.
#[derive(Debug, thiserror::Error)]
pub enum RoleError {
    /// The log below failed.
    #[error("the log failed")]
    Log(#[from] LogError),
    /// A record cannot be written or read.
    #[error("a record of the river cannot be used")]
    Record(#[from] JsonError),
    /// The inbox is not this process's.
    #[error("this process cannot fold the inbox")]
    Shard(#[from] crate::shard::ShardError),
    /// Another process owns what this one held.
    #[error("another process took over {0}; this one stops")]
    Fenced(String),
    /// A source's lanes do not go together.
    #[error(
        "the topics of source {source_id} have unequal numbers of partitions: {counts}; what \
         joins must lie in the same partition of each, so make them equal"
    )]
    Lanes {
        /// Which source.
        source_id: SourceId,
        /// Each topic and its count.
        counts: String,
    },
    /// A runtime for what waits on the outside.
    #[error("no runtime for a worker")]
    Runtime(#[source] std::io::Error),
}

/// The header that says up to where an inbox was folded.
const POSITION: &str = "ripcord-position";

/// Before the name of a target: the key under which its worker says why it cannot be observed.
pub(super) const TROUBLE: &str = "trouble/";

/// One namespace on a log.
#[derive(Clone)]
pub struct Topics {
    /// What carries it.
    pub log: Arc<dyn Log>,
    /// The environment.
    pub namespace: Namespace,
    /// Partitions of the inbox.
    pub shards: u32,
}

impl Topics {
    /// The topic's name on the log.
    #[must_use]
    pub fn topic(&self, topic: Topic) -> String {
        topic.name(&self.namespace)
    }

    /// A partition of one of the river's topics.
    #[must_use]
    pub fn partition(&self, topic: Topic, partition: u32) -> Partition {
        Partition { topic: self.topic(topic), partition }
    }

    /// The group that a role reads in.
    #[must_use]
    pub fn group(&self, role: &str) -> String {
        format!("ripcord.{}.{role}", self.namespace)
    }

    /// Makes the topics that are not there, and the first records of each shard: its format and,
    /// unless it has some, its rules.
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
            if self.log.scan(&inbox, 0, 1)?.is_empty() {
                let mut first = rule_set.clone();
                first.revision = first.revision.max(1);
                let records = [Inbox::Format { shards: self.shards }, Inbox::Rules(first)];
                let records = records.iter().map(|record| self.inbox(shard, None, record));
                writer.append(records.collect::<Result<_, _>>()?)?;
            }
        }
        Ok(())
    }

    /// A record for a shard's inbox.
    ///
    /// # Errors
    /// A number that JSON cannot hold.
    pub fn inbox(
        &self,
        shard: u32,
        key: Option<&str>,
        record: &Inbox,
    ) -> Result<Outgoing, JsonError> {
        Ok(Outgoing {
            to: self.partition(Topic::Inbox, shard),
            key: key.map(|key| key.as_bytes().to_vec()),
            headers: Vec::new(),
            value: json::encode("inbox", record)?,
        })
    }

    /// A record for the inbox of the shard that a model belongs to.
    ///
    /// # Errors
    /// A number that JSON cannot hold.
    pub fn inbox_of(&self, model: &ModelId, record: &Inbox) -> Result<Outgoing, JsonError> {
        self.inbox(shard_of(model.as_str(), self.shards), Some(model.as_str()), record)
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

    /// What a shard put out, as a record.
    ///
    /// # Errors
    /// A number that JSON cannot hold.
    pub fn output(&self, shard: u32, now: LogTime, output: &Output) -> Result<Outgoing, JsonError> {
        let emitter = format!("shard/{shard}");
        let event = |kind, id, model| Event {
            kind,
            namespace: &self.namespace,
            emitter: &emitter,
            id,
            time: now,
            model,
            incident: None,
            cause: None,
            expires: None,
            traceparent: None,
        };
        let (topic, key, encoded) = match output {
            Output::Command(command) => {
                let event = Event {
                    incident: Some(&command.incident),
                    expires: Some(command.expires_at),
                    ..event(EventKind::Command, command.id.as_str(), &command.model)
                };
                (Topic::Commands, command.model.to_string(), event.encode(command)?)
            }
            Output::Incident(incident) => {
                let id = format!("{}/{}", incident.id, incident.changed_at);
                let event = Event {
                    incident: Some(&incident.id),
                    ..event(EventKind::Incident, &id, &incident.model)
                };
                (Topic::Incidents, incident.id.to_string(), event.encode(incident)?)
            }
            Output::Decision(decision) => {
                let ruling = decision.ruling.as_ref();
                let event = Event {
                    incident: ruling.and_then(|ruling| ruling.incident.as_ref()),
                    ..event(EventKind::Decision, &decision.id, &decision.assessment.model)
                };
                let key = decision.assessment.model.to_string();
                (Topic::Decisions, key, event.encode(decision)?)
            }
            Output::Reply(reply) => {
                let value = json::encode("reply", reply)?;
                return Ok(self.plain(Topic::Status, shard, &key(&reply.instruction), value));
            }
        };
        Ok(Outgoing {
            to: self.partition(topic, shard),
            key: Some(key.into_bytes()),
            headers: encoded.headers,
            value: encoded.value,
        })
    }

    /// What a shard's undo remembers once its inbox is folded up to `position`, as a record.
    ///
    /// # Errors
    /// A number that JSON cannot hold.
    pub fn undo_state(
        &self,
        shard: u32,
        undo: &Undo,
        position: i64,
    ) -> Result<Outgoing, JsonError> {
        let value = json::encode("undo state", undo)?;
        let headers = vec![(POSITION.to_owned(), position.to_string().into_bytes())];
        Ok(Outgoing { headers, ..self.plain(Topic::State, shard, "undo", value) })
    }

    /// The inbox position at which undo remembered that: it was committed with it.
    #[must_use]
    pub fn undo_position(record: &Record) -> Option<i64> {
        let header = record.headers.iter().find(|(name, _)| name == POSITION)?;
        std::str::from_utf8(&header.1).ok()?.parse().ok()
    }

    /// A record of the river's own, without an envelope.
    #[must_use]
    pub fn plain(&self, topic: Topic, shard: u32, key: &str, value: Vec<u8>) -> Outgoing {
        let to = self.partition(topic, shard);
        Outgoing { to, key: Some(key.as_bytes().to_vec()), headers: Vec::new(), value }
    }

    /// The rules of the highest revision that a shard says it has; none: no shard said anything.
    ///
    /// # Errors
    /// Storage.
    pub fn rules(&self) -> Result<Option<RuleSet>, RoleError> {
        let mut newest: Option<RuleSet> = None;
        for shard in 0..self.shards {
            if let Some(record) = self.latest(Topic::Status, shard, "rules")? {
                let rule_set: RuleSet = json::decode("rules", &record.value)?;
                if newest.as_ref().is_none_or(|newest| rule_set.revision > newest.revision) {
                    newest = Some(rule_set);
                }
            }
        }
        Ok(newest)
    }

    /// The last record of a key in a compacted topic.
    ///
    /// # Errors
    /// Storage.
    pub fn latest(&self, topic: Topic, shard: u32, key: &str) -> Result<Option<Record>, RoleError> {
        let records = self.log.latest(&self.partition(topic, shard))?;
        Ok(records.into_iter().find(|record| record.key.as_deref() == Some(key.as_bytes())))
    }
}

/// The group of who measures a source.
#[must_use]
pub fn ingest_role(source: &SourceId) -> String {
    format!("ingest.{source}")
}

/// The group of a worker.
#[must_use]
pub fn worker_role(target: &TargetId) -> String {
    format!("work.{target}")
}
