//! What roles write, as records: where each one goes, its key, its headers and its value.

use super::Topics;
use super::names::{UNDO, reply_key, undo_key};
use crate::edge::log::{Outgoing, Record, Topic};
use crate::model::{LogTime, ModelId};
use crate::shard::{Inbox, Output, shard_of};
use crate::undo::Undo;
use crate::wire::events::{Event, EventKind};
use crate::wire::json::{self, JsonError};

/// The header that says up to where an inbox was folded.
const POSITION: &str = "ripcord-position";
/// The header that says from where on instructions and rules of the inbox are signed.
const SIGNED_FROM: &str = "ripcord-signed-from";

impl Topics {
    /// A record for a shard's inbox; instructions and rules are signed.
    ///
    /// # Errors
    /// A number that JSON cannot hold.
    pub(crate) fn inbox(
        &self,
        shard: u32,
        key: Option<&str>,
        record: &Inbox,
    ) -> Result<Outgoing, JsonError> {
        let to = self.partition(Topic::Inbox, shard);
        let value = json::encode("inbox", record)?;
        let headers = self.seal(&to, record, &value);
        Ok(Outgoing { to, key: key.map(|key| key.as_bytes().to_vec()), headers, value })
    }

    /// A record for the inbox of the shard that a model belongs to.
    ///
    /// # Errors
    /// A number that JSON cannot hold.
    pub(crate) fn inbox_of(&self, model: &ModelId, record: &Inbox) -> Result<Outgoing, JsonError> {
        self.inbox(shard_of(model.as_str(), self.shards), Some(model.as_str()), record)
    }

    /// An output of a shard, as a record.
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
                return Ok(self.plain(Topic::Status, shard, &reply_key(&reply.instruction), value));
            }
        };
        Ok(Outgoing {
            to: self.partition(topic, shard),
            key: Some(key.into_bytes()),
            headers: encoded.headers,
            value: encoded.value,
        })
    }

    /// The state of a shard's undo once its inbox is folded up to `position`, as records: of each
    /// model that changed, and of all at once. `signed_from`: from where on its instructions and
    /// rules are signed, if they are.
    ///
    /// # Errors
    /// A number that JSON cannot hold.
    pub(crate) fn undo_state<'a>(
        &self,
        shard: u32,
        undo: &Undo,
        changed: impl IntoIterator<Item = &'a ModelId>,
        position: i64,
        signed_from: Option<i64>,
    ) -> Result<Vec<Outgoing>, JsonError> {
        let mut records = Vec::new();
        for model in changed {
            let piece = undo.piece(model);
            // An empty value marks a model as gone.
            let value = piece.map(|piece| json::encode("undo state of a model", &piece));
            let value = value.transpose()?.unwrap_or_default();
            records.push(self.plain(Topic::State, shard, &undo_key(model), value));
        }
        let value = json::encode("undo state", &undo.without_models())?;
        let number = |name: &str, of: i64| (name.to_owned(), of.to_string().into_bytes());
        let mut headers = vec![number(POSITION, position)];
        headers.extend(signed_from.map(|from| number(SIGNED_FROM, from)));
        records.push(Outgoing { headers, ..self.plain(Topic::State, shard, UNDO, value) });
        Ok(records)
    }

    /// The inbox position that was committed together with this undo state.
    pub(super) fn undo_position(record: &Record) -> Option<i64> {
        number(record, POSITION)
    }

    /// From where on the inbox of this undo state is signed.
    pub(super) fn undo_signed_from(record: &Record) -> Option<i64> {
        number(record, SIGNED_FROM)
    }

    /// A record of Ripcord's own, without an envelope.
    #[must_use]
    pub fn plain(&self, topic: Topic, shard: u32, key: &str, value: Vec<u8>) -> Outgoing {
        let to = self.partition(topic, shard);
        Outgoing { to, key: Some(key.as_bytes().to_vec()), headers: Vec::new(), value }
    }
}

fn number(record: &Record, header: &str) -> Option<i64> {
    let (_, value) = record.headers.iter().find(|(name, _)| name == header)?;
    std::str::from_utf8(value).ok()?.parse().ok()
}
