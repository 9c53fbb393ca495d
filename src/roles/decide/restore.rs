//! How this process takes a shard over: the former owner is fenced, and its state is folded again.

use super::publish::Untold;
use super::snapshots::ShardSnapshots;
use super::{Decide, Owned};
use crate::edge::diagnostics;
use crate::edge::log::{Commit, Partition, Record, Topic};
use crate::shard::{Inbox, Output, Shard};
use crate::topics::committer;
use crate::topics::replies::Replies;
use crate::topics::snapshots::StoredSnapshots;
use crate::topics::{RULES, RoleError};
use crate::wire::json;
use crate::wire::result::code_from_text;

/// Records that are read at once.
const FOLD_BATCH: usize = 1000;

impl Decide {
    /// Restores a shard: the newest snapshot that can be read, the inbox from there to the commit
    /// with outputs dropped, undo as it was stored, and on. First the former owner is fenced,
    /// so that what is read here is the last of it; and before that, the group must agree that the
    /// shard is this process's, or a process that slept would fence its successor.
    pub(super) fn take_over(&mut self, inbox: &Partition) -> Result<(), RoleError> {
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
        let committer = self.topics.log.writer(Some(&committer(&self.topics.namespace, id)))?;
        let undo = self.topics.stored_undo(id)?;
        let committed = match self.reader.committed(inbox)? {
            Some(upto) => upto.position,
            // A log may forget how far a group came that was away for long.
            None => undo.as_ref().map_or(0, |(_, position)| *position),
        };
        let (mut folded, snapshots) = self.refold(inbox, committed)?;
        if let Some((undo, _)) = undo {
            folded.set_undo_state(undo);
        }
        let touched = folded.take_touched();
        self.keep_rules(inbox, &folded)?;
        self.reader.seek(inbox, committed)?;
        let uptime = self.topics.log.uptime();
        let untold = Untold::of(folded.models());
        let owned = Owned {
            reached: (folded.log_time(), uptime),
            snapshots,
            shard: folded,
            committer,
            untold,
            unsaved: touched.changed,
            replies: Replies::read(&self.topics, id)?,
            ticked: None,
            folded_at: uptime,
            at_end: false,
        };
        self.owned.insert(id, owned);
        Ok(())
    }

    /// Judge's state at the commit. A fold that is long leaves snapshots on its way: should it be
    /// cut short, the next one begins there.
    fn refold(
        &mut self,
        inbox: &Partition,
        committed: i64,
    ) -> Result<(Shard, ShardSnapshots), RoleError> {
        let id = inbox.partition;
        let stored = StoredSnapshots::read(&self.topics, id)?;
        let restored = stored.restore(id, committed);
        let mut folded = restored.unwrap_or_else(|| Shard::new(id, self.topics.shards));
        let now = self.topics.log.uptime();
        let mut snapshots = ShardSnapshots::new(&stored, folded.next(), now);
        drop(stored);
        let mut dropped = Vec::new();
        while folded.next() < committed {
            let records = self.topics.log.scan(inbox, folded.next(), FOLD_BATCH)?;
            if records.is_empty() {
                break;
            }
            for record in records.iter().filter(|record| record.position < committed) {
                step(&mut folded, record, &mut dropped)?;
                dropped.clear();
            }
            snapshots.folded(&records);
            if snapshots.due(self.topics.log.uptime()) {
                snapshots.whole(&self.topics, self.writer.as_mut(), &folded);
            }
            if records.last().is_some_and(|last| last.position + 1 >= committed) {
                break;
            }
        }
        Ok((folded, snapshots))
    }

    /// Where a log deletes by age alone, the rules in force may be gone from the inbox when no
    /// snapshot can be read; live numbers hold a copy.
    fn keep_rules(&mut self, inbox: &Partition, folded: &Shard) -> Result<(), RoleError> {
        let id = inbox.partition;
        let first = self.reader.bounds(inbox)?.0;
        if folded.rule_set().is_some() || first == 0 {
            return Ok(());
        }
        if let Some(record) = self.topics.latest(Topic::Status, id, RULES)? {
            let rule_set = json::decode("rules", &record.value)?;
            let record = self.topics.inbox(id, None, &Inbox::Rules(rule_set))?;
            self.writer.append(vec![record])?;
        }
        Ok(())
    }
}

fn anomalies(shard: &Shard) -> (u64, u64) {
    (shard.undo_state().illegal_moves(), shard.undo_state().refused_fences())
}

fn log_fence(inbox: &Inbox) {
    if let Inbox::Answer(answer) = inbox {
        let fence = answer.fence.unwrap_or(0);
        diagnostics::fence_refused(&answer.model, &answer.target, fence);
    }
    if let Inbox::Fact(fact) = inbox {
        diagnostics::fence_refused(&fact.model, &fact.target, fact.generation);
    }
}

/// Folds one record; one that cannot be read is said, and passed over.
pub(super) fn step(
    shard: &mut Shard,
    record: &Record,
    out: &mut Vec<Output>,
) -> Result<(), RoleError> {
    match json::decode::<Inbox>("inbox", &record.value) {
        Ok(mut inbox) => {
            if let Inbox::Answer(answer) = &mut inbox {
                code_from_text(answer);
            }
            let (moves, fences) = anomalies(shard);
            let refused = shard.judged().refused().begun;
            shard.step(record.position, record.time, &inbox, out)?;
            if shard.judged().refused().begun > refused {
                diagnostics::shard_names_full(shard.id(), record.position);
            }
            if anomalies(shard).0 > moves {
                diagnostics::illegal_move(shard.id(), record.position);
            }
            if anomalies(shard).1 > fences {
                log_fence(&inbox);
            }
        }
        Err(why) => {
            diagnostics::inbox_unreadable(shard.id(), record.position, &why.to_string());
            shard.skip(record.position, record.time);
        }
    }
    Ok(())
}
