//! Writes records, each acknowledged by all copies before an append returns.

use std::sync::Arc;

use rdkafka::producer::Producer;

use super::clients;
use super::cluster::Cluster;
use super::commit::Committer;
use super::fault::failed;
use super::sender::{Reports, Sender, not_taken, send};
use super::topics;
use crate::edge::log::{Commit, LogError, Outgoing, Transaction, Writer};

pub(super) struct KafkaWriter {
    cluster: Arc<Cluster>,
    /// `None` until it is needed, and after a fatal error.
    sender: Option<Sender>,
    committer: Option<Committer>,
}

impl KafkaWriter {
    pub(super) fn open(cluster: Arc<Cluster>, owner: Option<&str>) -> Result<Self, LogError> {
        let committer =
            owner.map(|name| Committer::open(Arc::clone(&cluster), name)).transpose()?;
        Ok(Self { cluster, sender: None, committer })
    }

    /// Refuses records that no broker would take.
    fn check(&self, records: &[Outgoing]) -> Result<(), LogError> {
        for record in records {
            self.cluster.known(&record.to)?;
            let compacted = |topic| topics::compacted_if_told(&self.cluster, topic);
            if record.key.is_none() && compacted(&record.to.topic)? == Some(true) {
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
