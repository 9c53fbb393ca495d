//! The decide role: folds the inboxes it owns and writes down what comes of it.
//!
//! Outputs, undo's state and the inbox position are one transaction, so what was emitted and what
//! is remembered cannot differ. Judge's state is folded again after a restart.
//!
//! Over 300 lines: taking over, folding and committing share one state.

use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

use super::replies::Replies;
use super::river::{River, RoleError};
use super::tally::tally;
use crate::edge::clock::Stopwatch;
use crate::edge::diagnostics;
use crate::edge::diagnostics::done::{self, Phase};
use crate::edge::log::{
    Commit, LogError, Partition, Read, Reader, Record, Topic, Transaction, Writer,
};
use crate::model::{LogTime, Span};
use crate::shard::{self, Inbox, Output, Shard, Status};
use crate::wire::json;

/// Records between two snapshots of a shard.
const SNAPSHOT_EVERY: i64 = 20_000;

/// Records that a restart reads at once.
const FOLD_BATCH: usize = 1000;

/// Time until a commit that did not go through is tried again.
const RETRY_AFTER: Duration = Duration::from_millis(5);

/// How long it is tried; then the role begins anew.
const RETRY_WITHIN: Span = Span::from_s(60);

/// Time between two ticks while a deadline is due.
const TICK_EVERY: Span = Span::from_s(1);

/// The role.
pub struct Decide {
    river: River,
    reader: Box<dyn Reader>,
    /// For what needs no transaction.
    writer: Box<dyn Writer>,
    owned: BTreeMap<u32, Owned>,
    /// Given to this member and not taken over yet.
    arriving: VecDeque<Partition>,
    /// None: replies are never forgotten, as in a replay.
    keep_replies: Option<Span>,
}

struct Owned {
    shard: Shard,
    /// The only one that may commit for the shard; a later one fences it.
    committer: Box<dyn Writer>,
    told: Told,
    replies: Replies,
    snapshot_at: i64,
    ticked: LogTime,
    at_end: bool,
}

/// What others were told of a shard and need not be told again.
#[derive(Debug, Default)]
struct Told {
    rules: Option<u64>,
    undo: Vec<u8>,
}

/// What a turn came to.
#[derive(Debug, Default)]
pub struct Turn {
    /// What was put out and stands on the log, in order.
    pub outputs: Vec<Output>,
    /// Nothing came.
    pub idle: bool,
}

impl Decide {
    /// Joins the group that folds the inboxes.
    ///
    /// # Errors
    /// Topics that are not there.
    pub fn new(river: River) -> Result<Self, RoleError> {
        let group = river.group("decide");
        let reader = river.log.reader(&group, &[river.topic(Topic::Inbox)])?;
        let writer = river.log.writer(None)?;
        Ok(Self {
            river,
            reader,
            writer,
            owned: BTreeMap::new(),
            arriving: VecDeque::new(),
            keep_replies: None,
        })
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
    pub fn turn(&mut self, wait: Duration) -> Result<Turn, RoleError> {
        self.tick()?;
        // One at a time: taking over may be long, and in between the group wants to hear of us.
        if let Some(inbox) = self.arriving.pop_front() {
            self.take_over(&inbox)?;
        }
        let wait = if self.arriving.is_empty() { wait } else { Duration::ZERO };
        let mut turn = Turn::default();
        match self.reader.read(wait)? {
            Some(Read::Assigned(partitions)) => self.arriving.extend(partitions),
            Some(Read::Records(partition, records)) => {
                turn.outputs = self.fold(&partition, &records)?;
            }
            Some(Read::Revoking(partitions)) => {
                for partition in partitions {
                    self.snapshot(partition.partition)?;
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
            Some(Read::Blocked(_)) => {}
            None => turn.idle = self.arriving.is_empty(),
        }
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

    /// Writes the live numbers where others read them; beside them, where they changed, the rules
    /// in force and a copy of what undo knows, which dry runs ask; and marks old replies as gone.
    ///
    /// # Errors
    /// Storage.
    pub fn publish_status(&mut self) -> Result<(), RoleError> {
        let mut records = Vec::new();
        let now = self.river.log.now();
        for (id, owned) in &mut self.owned {
            if let Some(keep) = self.keep_replies {
                let gone = owned.replies.forget(now, keep).into_iter();
                let mark = |key: String| self.river.plain(Topic::Status, *id, &key, Vec::new());
                records.extend(gone.map(mark));
            }
            let undo = json::encode("undo state", owned.shard.undo_state())?;
            if undo != owned.told.undo {
                records.push(self.river.plain(Topic::Status, *id, "undo", undo.clone()));
                owned.told.undo = undo;
            }
            let book = owned.shard.book();
            if let Some(book) = book.filter(|book| owned.told.rules != Some(book.revision)) {
                let value = json::encode("rules", book)?;
                records.push(self.river.plain(Topic::Status, *id, "rules", value));
                owned.told.rules = Some(book.revision);
            }
            let value = json::encode("status", &owned.shard.status())?;
            records.push(self.river.plain(Topic::Status, *id, "status", value));
        }
        self.writer.append(records)?;
        Ok(())
    }

    /// Snapshots every shard, for a quick start next time.
    ///
    /// # Errors
    /// Storage.
    pub fn stop(&mut self) -> Result<(), RoleError> {
        let ids: Vec<_> = self.owned.keys().copied().collect();
        ids.into_iter().try_for_each(|id| self.snapshot(id))
    }

    /// Restores a shard: the newest snapshot that can be read, the inbox from there to the commit
    /// with outputs dropped, undo as it was stored, and on. First whoever had it before is fenced,
    /// so that what is read here is the last of it; and before that, the group must agree that the
    /// shard is this process's, or a process that slept would fence its successor.
    fn take_over(&mut self, inbox: &Partition) -> Result<(), RoleError> {
        let id = inbox.partition;
        if let Some(upto) = self.reader.committed(inbox)? {
            match self.reader.commit(inbox, &upto)? {
                Commit::Done => {}
                Commit::Fenced => return Ok(()),
                Commit::Retry | Commit::Unknown => {
                    self.arriving.push_back(inbox.clone());
                    return Ok(());
                }
            }
        }
        let committer = self.river.log.writer(Some(&committer(&self.river, id)))?;
        let undo = self.river.latest(Topic::State, id, "undo")?;
        let committed = match self.reader.committed(inbox)? {
            Some(upto) => upto.position,
            // A log may forget how far a group came that was away for long.
            None => undo.as_ref().and_then(River::undo_position).unwrap_or(0),
        };
        let mut folded = self.refold(inbox, committed)?;
        if let Some(record) = undo {
            folded.set_undo_state(json::decode("undo state", &record.value)?);
        }
        self.keep_rules(inbox, &folded)?;
        self.reader.seek(inbox, committed)?;
        let owned = Owned {
            snapshot_at: folded.next(),
            shard: folded,
            committer,
            told: Told::default(),
            replies: Replies::read(&self.river, id)?,
            ticked: LogTime::MIN,
            at_end: false,
        };
        self.owned.insert(id, owned);
        Ok(())
    }

    /// Judge's state at the commit. A fold that is long leaves snapshots on its way: should it be
    /// cut short, the next one begins there.
    fn refold(&mut self, inbox: &Partition, committed: i64) -> Result<Shard, RoleError> {
        let id = inbox.partition;
        let fresh = || Shard::new(id, self.river.shards);
        let mut folded = match self.river.latest(Topic::State, id, "snapshot")? {
            Some(record) => shard::restore(&record.value).unwrap_or_else(|_| fresh()),
            None => fresh(),
        };
        if folded.next() > committed {
            folded = fresh();
        }
        let (mut saved, mut dropped) = (folded.next(), Vec::new());
        while folded.next() < committed {
            let records = self.river.log.scan(inbox, folded.next(), FOLD_BATCH)?;
            if records.is_empty() {
                break;
            }
            for record in records.iter().filter(|record| record.position < committed) {
                step(&mut folded, record, &mut dropped)?;
                dropped.clear();
            }
            if folded.next() - saved >= SNAPSHOT_EVERY {
                saved = folded.next();
                self.save(&folded)?;
            }
            if records.last().is_some_and(|last| last.position + 1 >= committed) {
                break;
            }
        }
        Ok(folded)
    }

    fn fold(&mut self, inbox: &Partition, records: &[Record]) -> Result<Vec<Output>, RoleError> {
        let id = inbox.partition;
        let Some(owned) = self.owned.get_mut(&id) else { return Ok(Vec::new()) };
        owned.at_end = false;
        let mut outputs = Vec::new();
        let watch = Stopwatch::start();
        for record in records {
            step(&mut owned.shard, record, &mut outputs)?;
        }
        done::took(Phase::Fold, watch);
        let next = owned.shard.next();
        if !outputs.is_empty() {
            let watch = Stopwatch::start();
            if !self.commit(inbox, next, &outputs)? {
                return Ok(Vec::new());
            }
            done::took(Phase::Commit, watch);
            outputs.iter().for_each(tally);
        }
        if self.owned.get(&id).is_some_and(|owned| next - owned.snapshot_at >= SNAPSHOT_EVERY) {
            self.snapshot(id)?;
        }
        Ok(outputs)
    }

    /// Whether it stands; if not, the shard is no longer as it was here.
    fn commit(
        &mut self,
        inbox: &Partition,
        position: i64,
        outputs: &[Output],
    ) -> Result<bool, RoleError> {
        let id = inbox.partition;
        let now = self.river.log.now();
        let Some(owned) = self.owned.get_mut(&id) else { return Ok(false) };
        let mut records = outputs
            .iter()
            .map(|output| self.river.output(id, now, output))
            .collect::<Result<Vec<_>, _>>()?;
        records.push(self.river.undo_state(id, owned.shard.undo_state(), position)?);
        for output in outputs {
            if let Output::Reply(reply) = output {
                owned.replies.given(&reply.instruction, now);
            }
        }
        let transaction = Transaction {
            outputs: records,
            group: self.river.group("decide"),
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
                    let doing = format!("committing what {inbox} came to");
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

    /// Where a log deletes by age alone, the rules in force may be gone from the inbox when no
    /// snapshot can be read; live numbers hold a copy.
    fn keep_rules(&mut self, inbox: &Partition, folded: &Shard) -> Result<(), RoleError> {
        let id = inbox.partition;
        let first = self.reader.bounds(inbox)?.0;
        if folded.book().is_some() || first == 0 {
            return Ok(());
        }
        if let Some(record) = self.river.latest(Topic::Status, id, "rules")? {
            let book = json::decode("rules", &record.value)?;
            let record = self.river.inbox(id, None, &Inbox::Rules(book))?;
            self.writer.append(vec![record])?;
        }
        Ok(())
    }

    /// Commits the position, then writes a snapshot at it.
    fn snapshot(&mut self, id: u32) -> Result<(), RoleError> {
        let Some(owned) = self.owned.get_mut(&id) else { return Ok(()) };
        let next = owned.shard.next();
        if next == owned.snapshot_at {
            return Ok(());
        }
        owned.snapshot_at = next;
        let inbox = self.river.partition(Topic::Inbox, id);
        if !self.commit(&inbox, next, &[])? {
            return Ok(());
        }
        match self.owned.remove(&id) {
            Some(owned) => {
                let saved = self.save(&owned.shard);
                self.owned.insert(id, owned);
                saved
            }
            None => Ok(()),
        }
    }

    /// Writes a snapshot, where the shard has come far enough to have one.
    fn save(&mut self, folded: &Shard) -> Result<(), RoleError> {
        let bytes = match shard::snapshot(folded) {
            Ok(bytes) => bytes,
            Err(shard::SnapshotError::Unreadable(source)) => {
                return Err(json::JsonError::Write { record: "snapshot", source }.into());
            }
            Err(_) => return Ok(()),
        };
        self.writer.append(vec![self.river.plain(Topic::State, folded.id(), "snapshot", bytes)])?;
        Ok(())
    }

    /// Appends a tick to each inbox whose deadline has come and where nothing else did.
    fn tick(&mut self) -> Result<(), RoleError> {
        let now = self.river.log.now();
        let mut due = Vec::new();
        for (id, owned) in &mut self.owned {
            let wanted = owned.shard.next_wakeup().is_some_and(|at| at <= now);
            if wanted && owned.at_end && now - owned.ticked >= TICK_EVERY {
                owned.ticked = now;
                due.push(self.river.inbox(*id, None, &Inbox::Tick)?);
            }
        }
        if !due.is_empty() {
            self.writer.append(due)?;
        }
        Ok(())
    }
}

/// Who commits for a shard: one name, whoever holds it.
fn committer(river: &River, shard: u32) -> String {
    format!("{}.{shard}", river.group("decide"))
}

fn step(shard: &mut Shard, record: &Record, out: &mut Vec<Output>) -> Result<(), RoleError> {
    match json::decode::<Inbox>("inbox", &record.value) {
        Ok(inbox) => shard.step(record.position, record.time, &inbox, out)?,
        Err(why) => {
            diagnostics::inbox_unreadable(shard.id(), record.position, &why.to_string());
            shard.skip(record.position, record.time);
        }
    }
    Ok(())
}
