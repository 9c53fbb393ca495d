//! Transactions of one owner: outputs and the input's position, all or nothing.
//!
//! Two fences hold. A producer that was opened later under the same name ends this one; and the
//! group refuses the position if its member is out. The result of a transaction is never guessed:
//! if the answer was lost, a new producer ends what the old one left open, and then only reading
//! back tells.

use std::sync::Arc;
use std::time::Duration;

use rdkafka::consumer::{BaseConsumer, Consumer, ConsumerGroupMetadata};
use rdkafka::error::KafkaError;
use rdkafka::producer::Producer;
use rdkafka::types::RDKafkaErrorCode;

use super::clients::{self, Quiet};
use super::cluster::Cluster;
use super::fault::{self, failed, refused};
use super::patience::{PATIENCE, REQUEST, patiently};
use super::record;
use super::sender::{Reports, Sender, not_taken, send};
use crate::edge::clock::Stopwatch;
use crate::edge::diagnostics;
use crate::edge::log::right::{AccessRight, Operation};
use crate::edge::log::{Commit, LogError, Outgoing, Transaction};

/// How long one step of a transaction may take.
const STEP: Duration = Duration::from_secs(10);

/// The pause before a step is tried again.
const AGAIN: Duration = Duration::from_millis(20);

pub(super) struct Committer {
    cluster: Arc<Cluster>,
    owner: String,
    /// `None` once it is fenced.
    sender: Option<Sender>,
    /// Speaks for a group that has no member here.
    stranger: Option<(String, BaseConsumer<Quiet>)>,
}

/// Why a transaction did not go through.
enum Failed {
    /// An output, of the ones given.
    Output(usize, KafkaError),
    /// The position.
    Position(KafkaError),
    /// Beginning or ending it.
    Other(KafkaError),
}

impl Committer {
    pub(super) fn open(cluster: Arc<Cluster>, owner: &str) -> Result<Self, LogError> {
        let sender = Some(begin(&cluster, owner)?);
        Ok(Self { cluster, owner: owner.to_owned(), sender, stranger: None })
    }

    pub(super) fn commit(&mut self, transaction: &Transaction) -> Result<Commit, LogError> {
        let member = self.cluster.member(&transaction.group, &transaction.input);
        if member.as_ref().is_some_and(|member| member.assignment_lost()) {
            return Ok(Commit::Fenced);
        }
        if member.is_none() {
            self.meet(&transaction.group)?;
        }
        let metadata = self.speaker(transaction)?;
        let Some(sender) = &self.sender else { return Ok(Commit::Fenced) };
        match write(sender, transaction, &metadata) {
            Ok(()) => Ok(Commit::Done),
            Err(failed) => self.failed(transaction, failed),
        }
    }

    /// The group that is written for must be known, even if no member of it is here.
    fn meet(&mut self, group: &str) -> Result<(), LogError> {
        if self.stranger.as_ref().is_none_or(|(known, _)| known != group) {
            let consumer = clients::scanner(self.cluster.settings(), group)
                .create_with_context(Quiet::default());
            let consumer = consumer.map_err(|error| failed("setting up a Kafka client", error))?;
            self.stranger = Some((group.to_owned(), consumer));
        }
        Ok(())
    }

    /// Who reads the input, as the group knows it now: it is another after each rebalance.
    fn speaker(&self, transaction: &Transaction) -> Result<ConsumerGroupMetadata, LogError> {
        let member = self.cluster.member(&transaction.group, &transaction.input);
        let found = match (&member, &self.stranger) {
            (Some(member), _) => member.group_metadata(),
            (None, Some((_, stranger))) => stranger.group_metadata(),
            (None, None) => None,
        };
        found.ok_or_else(|| {
            failed(
                "speaking for a group",
                KafkaError::ConsumerCommit(RDKafkaErrorCode::UnknownGroup),
            )
        })
    }

    /// The result of a failure; prepares for the next transaction.
    fn failed(&mut self, transaction: &Transaction, why: Failed) -> Result<Commit, LogError> {
        let (error, at) = match why {
            Failed::Output(index, error) => (error, transaction.outputs.get(index)),
            Failed::Position(error) | Failed::Other(error) => (error, None),
        };
        let needs = [
            AccessRight::commit_as(&self.owner),
            AccessRight::group(Operation::Read, &transaction.group),
            AccessRight::topic(Operation::Read, &transaction.input.topic),
        ];
        let doing = format!("committing as {}", self.owner);
        if self.is_fenced(&error) {
            diagnostics::kafka_trouble(&doing, &error.to_string());
            self.sender = None;
            return Ok(Commit::Fenced);
        }
        let out = fault::code(&error).is_some_and(fault::is_out);
        let again = may_go_through(&error);
        let given_up = || match at {
            Some(record) => not_taken(Some(record), error.clone()),
            None => refused(&doing, &needs, error.clone()),
        };
        if let Some(sender) = &self.sender
            && sender.client().fatal_error().is_none()
            && sender.abort_transaction(STEP).is_ok()
        {
            return match (out, again) {
                (true, _) => Ok(Commit::Fenced),
                (false, true) => {
                    diagnostics::kafka_trouble(&doing, &error.to_string());
                    Ok(Commit::Retry)
                }
                (false, false) => Err(given_up()),
            };
        }
        if fault::is_denied(&error) {
            self.sender = Some(begin(&self.cluster, &self.owner)?);
            return Err(given_up());
        }
        diagnostics::kafka_trouble(&doing, &error.to_string());
        // Neither ended nor given up: a new producer ends it, one way or the other. Unless the
        // shard belongs to another process by now, which has done that already.
        self.sender = None;
        let member = self.cluster.member(&transaction.group, &transaction.input);
        if member.is_some_and(|member| member.assignment_lost()) {
            return Ok(Commit::Fenced);
        }
        self.sender = Some(begin(&self.cluster, &self.owner)?);
        Ok(Commit::Unknown)
    }

    fn is_fenced(&self, error: &KafkaError) -> bool {
        let fatal = self.sender.as_ref().and_then(|sender| sender.client().fatal_error());
        [fault::code(error), fatal.map(|(code, _)| code)].into_iter().flatten().any(|code| {
            matches!(
                code,
                RDKafkaErrorCode::Fenced
                    | RDKafkaErrorCode::ProducerFenced
                    | RDKafkaErrorCode::InvalidProducerEpoch
            )
        })
    }
}

/// Whether a retry may succeed: a passing fault, or a member whose generation is about to change.
fn may_go_through(error: &KafkaError) -> bool {
    let moving = fault::code(error) == Some(RDKafkaErrorCode::IllegalGeneration);
    moving || fault::may_pass(error)
}

/// A producer that is the only one of its name from now on.
fn begin(cluster: &Cluster, owner: &str) -> Result<Sender, LogError> {
    let doing = format!("becoming {owner}");
    let needs = [AccessRight::commit_as(owner)];
    let made =
        clients::committer(cluster.settings(), owner).create_with_context(Reports::default());
    let sender: Sender = made.map_err(|error| failed(&doing, error))?;
    // Asked before it knows the brokers, the first step takes half a second.
    patiently(&doing, &needs, || sender.client().fetch_metadata(None, REQUEST).map(drop))?;
    patiently(&doing, &needs, || sender.init_transactions(STEP))?;
    Ok(sender)
}

fn write(
    sender: &Sender,
    transaction: &Transaction,
    speaker: &ConsumerGroupMetadata,
) -> Result<(), Failed> {
    sender.begin_transaction().map_err(Failed::Other)?;
    send(sender, &transaction.outputs)
        .map_err(|(index, error)| because(sender, &transaction.outputs, (index, error)))?;
    let position =
        record::position(&transaction.input, transaction.position, &transaction.metadata);
    let position = position.map_err(Failed::Position)?;
    insist(|| sender.send_offsets_to_transaction(&position, speaker, STEP))
        .map_err(Failed::Position)?;
    insist(|| sender.commit_transaction(STEP)).map_err(Failed::Other)
}

/// Why an output failed. Where a topic may not be written, all outputs are dropped, and none says
/// why: the next step of the transaction does, which it refuses.
fn because(sender: &Sender, outputs: &[Outgoing], (index, error): (usize, KafkaError)) -> Failed {
    let cause = sender.begin_transaction().err().filter(fault::is_denied);
    let denied = sender.context().denied();
    let at = |topic: &String| outputs.iter().position(|output| output.to.topic == *topic);
    match cause {
        Some(cause) => Failed::Output(denied.as_ref().and_then(at).unwrap_or(index), cause),
        None => Failed::Output(index, error),
    }
}

/// Repeats a step that timed out: the client then continues it.
fn insist(step: impl Fn() -> Result<(), KafkaError>) -> Result<(), KafkaError> {
    let watch = Stopwatch::start();
    loop {
        match step() {
            Err(KafkaError::Transaction(error))
                if error.is_retriable() && watch.elapsed() < PATIENCE =>
            {
                std::thread::sleep(AGAIN);
            }
            other => return other,
        }
    }
}
