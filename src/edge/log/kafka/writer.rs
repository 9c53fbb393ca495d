//! Writes records, each acknowledged by all copies before an append answers.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use rdkafka::ClientContext;
use rdkafka::config::RDKafkaLogLevel;
use rdkafka::error::KafkaError;
use rdkafka::message::{DeliveryResult, Message};
use rdkafka::producer::{BaseProducer, BaseRecord, Producer, ProducerContext};
use rdkafka::types::RDKafkaErrorCode;

use super::clients;
use super::cluster::{Cluster, lock, number};
use super::commit::Committer;
use super::fault::{self, failed};
use super::record;
use super::topics;
use crate::edge::diagnostics;
use crate::edge::log::{Commit, LogError, Outgoing, Transaction, Writer};

/// A poll of the producer always takes this long, so it is short.
const POLL: Duration = Duration::from_millis(1);

pub(super) type Sender = BaseProducer<Reports>;

/// What became of the records of one append, by their order in it.
#[derive(Default)]
pub(super) struct Reports(Mutex<Vec<Report>>);

type Report = Option<Result<i64, KafkaError>>;

impl ClientContext for Reports {
    fn log(&self, level: RDKafkaLogLevel, about: &str, text: &str) {
        clients::said(level, about, text);
    }

    fn error(&self, error: KafkaError, reason: &str) {
        diagnostics::kafka_trouble(&error.to_string(), reason);
    }
}

impl ProducerContext for Reports {
    type DeliveryOpaque = usize;

    fn delivery(&self, result: &DeliveryResult<'_>, index: usize) {
        let report = match result {
            Ok(message) => Ok(message.offset()),
            Err((error, _)) => Err(error.clone()),
        };
        if let Some(place) = lock(&self.0).get_mut(index) {
            *place = Some(report);
        }
    }
}

/// Sends records and waits until each is acknowledged or given up: their positions, or the first
/// that failed and why. Others may have been written then.
pub(super) fn send(sender: &Sender, records: &[Outgoing]) -> Result<Vec<i64>, (usize, KafkaError)> {
    *lock(&sender.context().0) = vec![None; records.len()];
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
    let reports = std::mem::take(&mut *lock(&sender.context().0));
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
    let mut next = BaseRecord::with_opaque_to(&outgoing.to.topic, index)
        .partition(number(&outgoing.to))
        .payload(outgoing.value.as_slice());
    next.key = outgoing.key.as_deref();
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

pub(super) struct KafkaWriter {
    cluster: Arc<Cluster>,
    /// None: not needed yet, or it was given up.
    sender: Option<Sender>,
    committer: Option<Committer>,
}

impl KafkaWriter {
    pub(super) fn open(cluster: Arc<Cluster>, owner: Option<&str>) -> Result<Self, LogError> {
        let committer =
            owner.map(|name| Committer::open(Arc::clone(&cluster), name)).transpose()?;
        Ok(Self { cluster, sender: None, committer })
    }

    /// Refuses what no broker would take.
    fn check(&self, records: &[Outgoing]) -> Result<(), LogError> {
        for record in records {
            self.cluster.known(&record.to)?;
            if record.key.is_none() && topics::compacted(&self.cluster, &record.to.topic)? {
                return Err(LogError::NoKey(record.to.clone()));
            }
        }
        Ok(())
    }

    fn sender(&mut self) -> Result<&Sender, LogError> {
        // A fatal error stays with a producer for ever.
        let useless = |sender: &Sender| sender.client().fatal_error().is_some();
        if self.sender.as_ref().is_none_or(useless) {
            let made =
                clients::producer(self.cluster.settings()).create_with_context(Reports::default());
            self.sender = Some(made.map_err(|error| failed("setting up a producer", error))?);
        }
        self.sender.as_ref().ok_or(LogError::NoOwner)
    }
}

impl Writer for KafkaWriter {
    fn append(&mut self, records: Vec<Outgoing>) -> Result<Vec<i64>, LogError> {
        let refused =
            records.iter().position(|record| self.check(std::slice::from_ref(record)).is_err());
        let (taken, left) = records.split_at(refused.unwrap_or(records.len()));
        let sent = if taken.is_empty() { Ok(Vec::new()) } else { send(self.sender()?, taken) };
        let positions = sent.map_err(|(index, error)| not_taken(taken.get(index), error))?;
        self.check(left)?;
        Ok(positions)
    }

    fn commit(&mut self, transaction: &Transaction) -> Result<Commit, LogError> {
        self.check(&transaction.outputs)?;
        self.cluster.known(&transaction.input)?;
        self.committer.as_mut().ok_or(LogError::NoOwner)?.commit(transaction)
    }
}

/// Why a record was not taken.
pub(super) fn not_taken(record: Option<&Outgoing>, error: KafkaError) -> LogError {
    let Some(record) = record else { return failed("appending", error) };
    match error.rdkafka_error_code() {
        Some(code) if fault::is_missing(code) => LogError::NoSuchPartition(record.to.clone()),
        _ => failed(&format!("appending to {}", record.to), error),
    }
}
