//! The decide role: folds the inboxes it owns and writes down what comes of it.
//!
//! Outputs, undo's state and the inbox position are one transaction, so what was emitted and what
//! is remembered cannot differ. Judge's state is folded again after a restart.

mod gate;
mod publish;
mod restore;
mod snapshots;
mod tally;
mod tick;

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::time::Duration;

use self::gate::InboxGate;
use self::publish::Untold;
use self::restore::step;
use self::snapshots::ShardSnapshots;
use crate::edge::clock::{Stopwatch, Uptime};
use crate::edge::diagnostics;
use crate::edge::diagnostics::counters::{self, TimedPhase};
use crate::edge::log::{
    Commit, LogError, Partition, Read, Reader, Record, Topic, Transaction, Writer,
};
use crate::model::{LogTime, ModelId, Span};
use crate::roles::decide::tally::tally;
use crate::shard::{Output, Shard, Status};
use crate::topics::replies::Replies;
use crate::topics::{RoleError, Topics};

/// Time until a commit that did not go through is tried again.
const RETRY_AFTER: Duration = Duration::from_millis(5);

/// How long a commit is retried; then the role starts again.
const RETRY_WITHIN: Span = Span::from_s(60);

/// The role.
pub struct Decide {
    topics: Topics,
    reader: Box<dyn Reader>,
    /// For what needs no transaction.
    writer: Box<dyn Writer>,
    owned: BTreeMap<u32, Owned>,
    /// Given to this member and not taken over yet.
    arriving: VecDeque<Partition>,
    /// None: replies are never forgotten, as in a replay.
    keep_replies: Option<Span>,
    /// Whether there will be a next start, which snapshots make faster.
    snapshots: bool,
}

struct Owned {
    shard: Shard,
    gate: InboxGate,
    /// The only one that may commit for the shard; a later one fences it.
    committer: Box<dyn Writer>,
    untold: Untold,
    /// Models whose state of undo changed since the last commit.
    unsaved: BTreeSet<ModelId>,
    replies: Replies,
    snapshots: ShardSnapshots,
    ticked: Option<Uptime>,
    /// When the last record was folded.
    folded_at: Uptime,
    /// The last log time, and when it was reached.
    reached: (LogTime, Uptime),
    at_end: bool,
}

/// The result of a turn.
#[derive(Debug, Default)]
pub struct DecideTurn {
    /// The outputs that are on the log, in order.
    pub outputs: Vec<Output>,
    /// Nothing came.
    pub idle: bool,
}

impl Decide {
    /// Joins the group that folds the inboxes.
    ///
    /// # Errors
    /// Topics that are not there.
    pub fn new(topics: Topics) -> Result<Self, RoleError> {
        let group = topics.group("decide");
        let reader = topics.log.reader(&group, &[topics.topic(Topic::Inbox)])?;
        let writer = topics.log.writer(None)?;
        Ok(Self {
            topics,
            reader,
            writer,
            owned: BTreeMap::new(),
            arriving: VecDeque::new(),
            keep_replies: None,
            snapshots: true,
        })
    }

    /// Writes no snapshots: the log ends with this life, as in a replay, whose clock jumps from one
    /// snapshot to the next.
    #[must_use]
    pub fn without_snapshots(mut self) -> Self {
        self.snapshots = false;
        self
    }

    /// Forgets replies to instructions after so long, each time that live numbers are published.
    #[must_use]
    pub fn keep_replies(mut self, keep: Span) -> Self {
        self.keep_replies = Some(keep);
        self
    }

    /// Reads what came within `wait` and folds it.
    ///
    /// # Errors
    /// What waiting cannot mend.
    pub fn turn(&mut self, wait: Duration) -> Result<DecideTurn, RoleError> {
        self.tick()?;
        // One at a time: taking over may be long, and in between the group wants to hear of us.
        if let Some(inbox) = self.arriving.pop_front() {
            self.take_over(&inbox)?;
        }
        let busy = !self.arriving.is_empty() || self.is_writing_snapshots();
        let wait = if busy { Duration::ZERO } else { wait };
        let mut turn = DecideTurn::default();
        match self.reader.read(wait)? {
            Some(Read::Assigned(partitions)) => self.arriving.extend(partitions),
            Some(Read::Records(partition, records)) => {
                turn.outputs = self.fold(&partition, &records)?;
            }
            Some(Read::Revoking(partitions)) => {
                for partition in partitions {
                    self.last_snapshot(partition.partition)?;
                    self.lose(&partition);
                }
            }
            Some(Read::Lost(partitions)) => {
                for partition in partitions {
                    self.lose(&partition);
                }
            }
            Some(Read::End(partition, _)) => {
                if let Some(owned) = self.owned.get_mut(&partition.partition) {
                    owned.at_end = true;
                }
            }
            Some(Read::Gone(inbox, gap)) => {
                diagnostics::log_gone("decide", &inbox.topic, inbox.partition, gap.from, gap.to);
            }
            Some(Read::Blocked(_)) => {}
            None => turn.idle = self.arriving.is_empty(),
        }
        self.write_snapshots()?;
        turn.idle &= !self.is_writing_snapshots();
        Ok(turn)
    }

    fn lose(&mut self, inbox: &Partition) {
        self.owned.remove(&inbox.partition);
        self.arriving.retain(|arriving| arriving != inbox);
    }

    /// When the earliest deadline of a shard is.
    #[must_use]
    pub fn next_wakeup(&self) -> Option<LogTime> {
        self.owned.values().filter_map(|owned| owned.shard.next_wakeup()).min()
    }

    /// The shards folded here.
    pub fn shards(&self) -> impl Iterator<Item = (u32, &Shard)> {
        self.owned.iter().map(|(id, owned)| (*id, &owned.shard))
    }

    /// Live numbers of the shards folded here.
    #[must_use]
    pub fn status(&self) -> Vec<Status> {
        self.owned.values().map(|owned| owned.shard.status()).collect()
    }

    /// Snapshots every shard, for a quick start next time.
    ///
    /// # Errors
    /// Storage.
    pub fn stop(&mut self) -> Result<(), RoleError> {
        let ids: Vec<_> = self.owned.keys().copied().collect();
        ids.into_iter().try_for_each(|id| self.last_snapshot(id))
    }

    fn fold(&mut self, inbox: &Partition, records: &[Record]) -> Result<Vec<Output>, RoleError> {
        let id = inbox.partition;
        let Some(owned) = self.owned.get_mut(&id) else { return Ok(Vec::new()) };
        (owned.at_end, owned.folded_at) = (false, self.topics.log.uptime());
        let mut outputs = Vec::new();
        let watch = Stopwatch::start();
        for record in records {
            let refused = step(&mut owned.shard, &owned.gate, record, &mut outputs)?;
            if let Some(refused) = refused {
                let reply = owned.gate.refuse(&refused, owned.folded_at);
                outputs.extend(reply.filter(|reply| !owned.has_reply(reply, &outputs)));
            }
        }
        counters::took(TimedPhase::Fold, watch);
        owned.snapshots.folded(records);
        let touched = owned.shard.take_touched();
        owned.unsaved.extend(touched.changed.iter().cloned());
        owned.untold.add(touched);
        if owned.shard.log_time() != owned.reached.0 {
            owned.reached = (owned.shard.log_time(), owned.folded_at);
        }
        let next = owned.shard.next();
        if !outputs.is_empty() {
            let watch = Stopwatch::start();
            if !self.commit(inbox, next, &outputs)? {
                return Ok(Vec::new());
            }
            counters::took(TimedPhase::Commit, watch);
            outputs.iter().for_each(tally);
        }
        Ok(outputs)
    }

    /// Returns whether the commit was written. If not, the shard is no longer this process's.
    fn commit(
        &mut self,
        inbox: &Partition,
        position: i64,
        outputs: &[Output],
    ) -> Result<bool, RoleError> {
        let id = inbox.partition;
        let now = self.topics.log.now();
        let Some(owned) = self.owned.get_mut(&id) else { return Ok(false) };
        let mut records = outputs
            .iter()
            .map(|output| self.topics.output(id, now, output))
            .collect::<Result<Vec<_>, _>>()?;
        let changed = std::mem::take(&mut owned.unsaved);
        let undo = owned.shard.undo_state();
        records.extend(self.topics.undo_state(id, undo, &changed, position, owned.gate.from())?);
        for output in outputs {
            if let Output::Reply(reply) = output {
                owned.replies.given(&reply.instruction, now);
            }
        }
        // Who was told that an order is taken must find it so when they look.
        if outputs.iter().any(|output| matches!(output, Output::Reply(_))) {
            records.extend(owned.news(&self.topics, id, &changed)?);
        }
        let transaction = Transaction {
            outputs: records,
            group: self.topics.group("decide"),
            input: inbox.clone(),
            position,
            metadata: String::new(),
        };
        let watch = Stopwatch::start();
        loop {
            match owned.committer.commit(&transaction)? {
                Commit::Done => return Ok(true),
                Commit::Retry if watch.elapsed() < RETRY_WITHIN => {
                    std::thread::sleep(RETRY_AFTER);
                }
                Commit::Retry => {
                    let doing = format!("committing the outputs of {inbox}");
                    let source = "the log refused it for a minute".into();
                    return Err(LogError::Storage { doing, source }.into());
                }
                Commit::Fenced => {
                    self.fenced(inbox);
                    return Ok(false);
                }
                Commit::Unknown => {
                    let stands = self.reader.committed(inbox)?;
                    if stands.is_some_and(|upto| upto.position >= position) {
                        return Ok(true);
                    }
                }
            }
        }
    }

    /// Another one may commit for a shard, and what was folded here since the last commit counts
    /// for nothing. It may have been this process in an earlier life, or a transaction that
    /// outlived its time: the group knows, and is asked.
    fn fenced(&mut self, inbox: &Partition) {
        self.owned.remove(&inbox.partition);
        diagnostics::fenced("decide", &inbox.to_string());
        self.arriving.push_back(inbox.clone());
    }
}
