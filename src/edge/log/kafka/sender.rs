//! A producer that waits until each of its records is acknowledged or given up.

use std::sync::Mutex;
use std::time::Duration;

use rdkafka::ClientContext;
use rdkafka::config::RDKafkaLogLevel;
use rdkafka::error::KafkaError;
use rdkafka::message::{DeliveryResult, Message};
use rdkafka::producer::{BaseProducer, BaseRecord, Producer, ProducerContext};
use rdkafka::types::RDKafkaErrorCode;

use super::fault::{self, failed, refused};
use super::partition::number;
use super::{clients, record};
use crate::edge::diagnostics;
use crate::edge::log::lock::lock;
use crate::edge::log::right::{AccessRight, Operation};
use crate::edge::log::{LogError, Outgoing};

/// A poll of the producer always takes this long, so it is short.
const POLL: Duration = Duration::from_millis(1);

pub(super) type Sender = BaseProducer<Reports>;

/// The delivery reports of one append, in the order of its records.
#[derive(Default)]
pub(super) struct Reports {
    reports: Mutex<Vec<Report>>,
    /// The topic that could not be added to a transaction: only the client's log names it.
    denied: Mutex<Option<String>>,
}

impl Reports {
    /// The topic that this user may not write, if a transaction failed for that.
    pub(super) fn denied(&self) -> Option<String> {
        lock(&self.denied).take()
    }
}

type Report = Option<Result<i64, KafkaError>>;

impl ClientContext for Reports {
    fn log(&self, level: RDKafkaLogLevel, about: &str, text: &str) {
        if let Some((_, named)) = text.split_once("Failed to add partition \"")
            && text.ends_with("Topic authorization failed")
        {
            *lock(&self.denied) = named.split('"').next().map(str::to_owned);
        }
        clients::said(level, about, text);
    }

    fn error(&self, error: KafkaError, reason: &str) {
        if !clients::all_down(&error) {
            diagnostics::kafka_trouble(&error.to_string(), reason);
        }
    }
}

impl ProducerContext for Reports {
    type DeliveryOpaque = usize;

    fn delivery(&self, result: &DeliveryResult<'_>, index: usize) {
        let report = match result {
            Ok(message) => Ok(message.offset()),
            Err((error, _)) => Err(error.clone()),
        };
        if let Some(place) = lock(&self.reports).get_mut(index) {
            *place = Some(report);
        }
    }
}

/// Sends records and waits until each is acknowledged or given up. Returns their positions, or the
/// index of the first record that failed and why; others may have been written. One that the
/// brokers refuse this user comes before those that failed with it.
pub(super) fn send(sender: &Sender, records: &[Outgoing]) -> Result<Vec<i64>, (usize, KafkaError)> {
    *lock(&sender.context().reports) = vec![None; records.len()];
    let mut refused = None;
    for (index, outgoing) in records.iter().enumerate() {
        if let Err(error) = enqueue(sender, index, outgoing) {
            refused = Some((index, error));
            break;
        }
    }
    while sender.in_flight_count() > 0 {
        sender.poll(POLL);
    }
    let reports = std::mem::take(&mut *lock(&sender.context().reports));
    let cause = reports.iter().enumerate().find_map(|(index, report)| match report {
        Some(Err(error)) if fault::is_denied(error) => Some((index, error.clone())),
        Some(_) | None => None,
    });
    if let Some(cause) = cause {
        return Err(cause);
    }
    let mut positions = Vec::with_capacity(records.len());
    for (index, report) in reports.into_iter().enumerate() {
        match report {
            Some(Ok(position)) => positions.push(position),
            Some(Err(error)) => return Err((index, error)),
            None => break,
        }
    }
    refused.map_or(Ok(positions), Err)
}

fn enqueue(sender: &Sender, index: usize, outgoing: &Outgoing) -> Result<(), KafkaError> {
    let mut next =
        BaseRecord::with_opaque_to(&outgoing.to.topic, index).partition(number(&outgoing.to));
    next.key = outgoing.key.as_deref();
    // Compaction removes a key whose last value is absent; it would keep an empty one for ever.
    let tombstone = outgoing.value.is_empty() && outgoing.key.is_some();
    next.payload = (!tombstone).then_some(outgoing.value.as_slice());
    next.headers = record::headers(&outgoing.headers);
    loop {
        match sender.send(next) {
            Ok(()) => return Ok(()),
            Err((KafkaError::MessageProduction(RDKafkaErrorCode::QueueFull), back)) => {
                next = back;
                sender.poll(POLL);
            }
            Err((error, _)) => return Err(error),
        }
    }
}

/// Why the brokers did not take a record.
pub(super) fn not_taken(record: Option<&Outgoing>, error: KafkaError) -> LogError {
    let Some(record) = record else { return failed("appending", error) };
    match fault::code(&error) {
        Some(code) if fault::is_missing(code) => LogError::NoSuchPartition(record.to.clone()),
        Some(RDKafkaErrorCode::InvalidRecord) if record.key.is_none() => {
            LogError::NoKey(record.to.clone())
        }
        _ => {
            let needs = [AccessRight::topic(Operation::Write, &record.to.topic)];
            refused(&format!("appending to {}", record.to), &needs, error)
        }
    }
}
