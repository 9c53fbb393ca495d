//! What Ripcord emits, as CloudEvents 1.0 in Kafka's binary mode.
//!
//! Attributes are in headers `ce_…`, and the value is the plain JSON of the record, so that readers
//! without CloudEvents can use it. Source and id together identify an event; an event that is
//! emitted again has the same id.

use std::fmt::Write as _;

use serde::Serialize;

use super::json::{self, JsonError};
use crate::model::{IncidentId, LogTime, ModelId, Namespace};

/// A header of a record.
pub type Header = (String, Vec<u8>);

/// What an event is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum EventKind {
    /// One step for one worker.
    Command,
    /// What a worker says of a command.
    Answer,
    /// What a worker observed.
    Fact,
    /// What a person or program asks for.
    Instruction,
    /// The record of a breach.
    Incident,
    /// The evidence for a verdict.
    Decision,
    /// Live numbers.
    Status,
}

impl EventKind {
    /// All of them.
    pub const ALL: [Self; 7] = [
        Self::Command,
        Self::Answer,
        Self::Fact,
        Self::Instruction,
        Self::Incident,
        Self::Decision,
        Self::Status,
    ];

    /// The event type: `io.ripcord.command.v1`.
    #[must_use]
    pub const fn event_type(self) -> &'static str {
        match self {
            Self::Command => "io.ripcord.command.v1",
            Self::Answer => "io.ripcord.answer.v1",
            Self::Fact => "io.ripcord.fact.v1",
            Self::Instruction => "io.ripcord.instruction.v1",
            Self::Incident => "io.ripcord.incident.v1",
            Self::Decision => "io.ripcord.decision.v1",
            Self::Status => "io.ripcord.status.v1",
        }
    }

    /// The record's name in errors.
    #[must_use]
    pub const fn record(self) -> &'static str {
        match self {
            Self::Command => "command",
            Self::Answer => "answer",
            Self::Fact => "fact",
            Self::Instruction => "instruction",
            Self::Incident => "incident",
            Self::Decision => "decision",
            Self::Status => "status",
        }
    }
}

/// The attributes of an event.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Event<'a> {
    /// What it is about.
    pub kind: EventKind,
    /// The environment it comes from.
    pub namespace: &'a Namespace,
    /// Who in that environment: `shard/3`, `worker/registry`.
    pub emitter: &'a str,
    /// Unique within the source, the same when it is emitted again.
    pub id: &'a str,
    /// When it came about, in log time.
    pub time: LogTime,
    /// The model; also the key of the record.
    pub model: &'a ModelId,
    /// The incident it belongs to.
    pub incident: Option<&'a IncidentId>,
    /// The id of the event that caused it.
    pub cause: Option<&'a str>,
    /// Void from then on.
    pub expires: Option<LogTime>,
    /// The W3C trace it belongs to.
    pub traceparent: Option<&'a str>,
}

/// A record on its way out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Encoded {
    /// The model.
    pub key: Vec<u8>,
    /// The event's attributes.
    pub headers: Vec<Header>,
    /// The payload in JSON.
    pub value: Vec<u8>,
}

impl Event<'_> {
    /// The record that carries `payload`.
    ///
    /// # Errors
    /// A payload that cannot be told in JSON.
    pub fn encode<T: Serialize>(&self, payload: &T) -> Result<Encoded, JsonError> {
        Ok(Encoded {
            key: self.model.as_str().as_bytes().to_vec(),
            headers: self.headers(),
            value: json::encode(self.kind.record(), payload)?,
        })
    }

    /// The attributes, required ones first.
    #[must_use]
    pub fn headers(&self) -> Vec<Header> {
        let text = |name: &str, value: &str| (name.to_owned(), value.as_bytes().to_vec());
        let mut headers = vec![
            text("ce_specversion", "1.0"),
            text("ce_id", self.id),
            text("ce_source", &source(self.namespace, self.emitter)),
            text("ce_type", self.kind.event_type()),
            text("ce_time", &self.time.to_string()),
            text("ce_partitionkey", self.model.as_str()),
        ];
        headers.extend(self.incident.map(|id| text("ce_correlationid", id.as_str())));
        headers.extend(self.cause.map(|id| text("ce_causationid", id)));
        headers.extend(self.expires.map(|time| text("ce_expirytime", &time.to_string())));
        headers.extend(self.traceparent.map(|trace| text("ce_traceparent", trace)));
        headers.push(text("content-type", "application/json"));
        headers
    }
}

/// A URI reference: `ripcord/prod/shard/3`. A slash in a namespace must not end it.
fn source(namespace: &Namespace, emitter: &str) -> String {
    let mut out = String::from("ripcord/");
    for byte in namespace.as_str().bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => {
                out.push(char::from(byte));
            }
            _ => {
                // Writing into a String cannot fail.
                write!(out, "%{byte:02X}").ok();
            }
        }
    }
    out.push('/');
    out.push_str(emitter);
    out
}

/// Why the headers of a record are no event of ours.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum HeadError {
    /// A required attribute is not there.
    #[error("header {0} is missing; the record is not a CloudEvent in binary mode")]
    Missing(&'static str),
    /// An attribute is no text.
    #[error("header {0} is not UTF-8; the record is damaged or from another program")]
    NotText(&'static str),
    /// An event that Ripcord does not know.
    #[error("event type {0:?} is unknown; the record is from a newer version or another program")]
    UnknownType(String),
    /// Another environment's event.
    #[error(
        "the event is from {found:?}, but this is namespace {ours:?}; use separate topics for each"
    )]
    Foreign {
        /// The event's source.
        found: String,
        /// The namespace it was expected from.
        ours: Namespace,
    },
}

/// The head of an event: what it is, whose, which.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct EventHead<'a> {
    /// What it is about.
    pub kind: EventKind,
    /// Where it comes from: `ripcord/prod/shard/3`.
    pub source: &'a str,
    /// Unique within the source.
    pub id: &'a str,
}

impl<'a> EventHead<'a> {
    /// Reads the head from a record's headers.
    ///
    /// # Errors
    /// An attribute is missing or not text, or the type is unknown.
    pub fn read(headers: &'a [Header]) -> Result<Self, HeadError> {
        let text = |name: &'static str| {
            let found = headers.iter().find(|(key, _)| key == name);
            let (_, value) = found.ok_or(HeadError::Missing(name))?;
            std::str::from_utf8(value).map_err(|_| HeadError::NotText(name))
        };
        let (source, id, kind) = (text("ce_source")?, text("ce_id")?, text("ce_type")?);
        match EventKind::ALL.into_iter().find(|known| known.event_type() == kind) {
            Some(kind) => Ok(Self { kind, source, id }),
            None => Err(HeadError::UnknownType(kind.to_owned())),
        }
    }

    /// Refuses an event that another environment emitted.
    ///
    /// # Errors
    /// The source is not of `namespace`.
    pub fn of(&self, namespace: &Namespace) -> Result<(), HeadError> {
        if self.source.starts_with(&source(namespace, "")) {
            return Ok(());
        }
        Err(HeadError::Foreign { found: self.source.to_owned(), ours: namespace.clone() })
    }
}

#[cfg(test)]
mod tests;
