//! Whether a reader is at the end of a partition.
//!
//! The client reports only which partition number has reached the last stable position, not of
//! which topic. So that is taken for a hint, and the brokers are asked: the end is reached when
//! nothing is uncommitted and no record lies between the reader and the end. Marks of transactions
//! take positions, so the reader's own position may be before it.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use rdkafka::consumer::Consumer;

use super::changes::GroupConsumer;
use super::cluster::Cluster;
use super::partition::number;
use crate::edge::clock::Stopwatch;
use crate::edge::log::Partition;
use crate::model::Span;

/// How long nothing must have arrived before the brokers are asked, and between two requests.
const QUIET: Span = Span::from_ms(40);
/// How long an answer may take: the reader waits for it.
const SOON: Duration = Duration::from_millis(500);
const SOON_MS: Span = Span::from_ms(500);
/// Between two looks whether the brokers answer again.
const LOOK: Span = Span::from_ms(500);

/// The longest pause before the brokers are asked again that did not answer.
const PAUSE: Span = Span::from_s(30);

enum End {
    /// It may be reached since then; it is asked for after a while.
    Hinted(Stopwatch, Span),
    /// It was reported.
    Said,
}

pub(super) struct PartitionEnds {
    cluster: Arc<Cluster>,
    known: BTreeMap<Partition, End>,
    /// When no broker answered: the time of the last attempt.
    blocked: Option<Stopwatch>,
}

impl PartitionEnds {
    pub(super) fn new(cluster: Arc<Cluster>) -> Self {
        Self { cluster, known: BTreeMap::new(), blocked: None }
    }

    /// A record came, or the reader was sent elsewhere.
    pub(super) fn moved(&mut self, partition: &Partition) {
        self.known.remove(partition);
        self.blocked = None;
    }

    /// The reader has it no more.
    pub(super) fn forget(&mut self, partition: &Partition) {
        self.known.remove(partition);
    }

    /// The end may be reached.
    pub(super) fn hint(&mut self, partition: &Partition) {
        self.known
            .entry(partition.clone())
            .or_insert_with(|| End::Hinted(Stopwatch::start(), QUIET));
    }

    /// Nothing can be read. When reading works again, ends are reported again.
    pub(super) fn blocked(&mut self) {
        self.blocked = Some(Stopwatch::start());
    }

    /// An end that is reached and not yet reported; `at`: the reader's position.
    pub(super) fn reached(
        &mut self,
        consumer: &GroupConsumer,
        at: impl Fn(&Partition) -> Option<i64>,
    ) -> Option<(Partition, i64)> {
        self.look_again();
        let hinted = self.known.iter().find_map(|(partition, end)| match end {
            End::Hinted(since, wait) if since.elapsed() >= *wait => Some((partition, *wait)),
            End::Hinted(..) | End::Said => None,
        });
        let (partition, wait) = hinted.map(|(partition, wait)| (partition.clone(), wait))?;
        let Some(at) = at(&partition) else {
            self.known.remove(&partition);
            return None;
        };
        let watch = Stopwatch::start();
        let end = self.end(consumer, &partition, at);
        // A partition that cannot be asked about must not hold up the others.
        let silent = watch.elapsed() >= SOON_MS;
        let wait = if silent { PAUSE.min(Span::from_ms(2 * wait.as_ms())) } else { QUIET };
        let known = end.map_or(End::Hinted(Stopwatch::start(), wait), |_| End::Said);
        self.known.insert(partition.clone(), known);
        Some((partition, end?))
    }

    /// After a blockade, whether the brokers answer.
    fn look_again(&mut self) {
        let due = self.blocked.is_some_and(|since| since.elapsed() >= LOOK);
        let Some(any) = self.known.keys().next().filter(|_| due).cloned() else { return };
        self.blocked = Some(Stopwatch::start());
        if self.cluster.end_within(&any, SOON).is_some() {
            self.blocked = None;
            for end in self.known.values_mut() {
                *end = End::Hinted(Stopwatch::start(), QUIET);
            }
        }
    }

    /// The end, if the reader is there.
    fn end(&self, consumer: &GroupConsumer, partition: &Partition, at: i64) -> Option<i64> {
        let asked = consumer.fetch_watermarks(&partition.topic, number(partition), SOON);
        let stable = asked.ok()?.1;
        if self.cluster.end_within(partition, SOON)? > stable {
            return None;
        }
        if at >= stable {
            return Some(at);
        }
        let between = self.cluster.scan(partition, at, 1).ok()?;
        between.first().is_none_or(|record| record.position >= stable).then_some(stable)
    }
}
