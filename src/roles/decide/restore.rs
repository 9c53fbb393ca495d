//! How this process takes a shard over: the former owner is fenced, and its state is folded again.

use super::gate::{InboxGate, RefusedRecord};
use super::publish::Untold;
use super::snapshots::ShardSnapshots;
use super::{Decide, Owned};
use crate::edge::diagnostics;
use crate::edge::log::{Commit, Partition, Record};
use crate::shard::{Inbox, Output, Shard};
use crate::topics::RoleError;
use crate::topics::committer;
use crate::topics::replies::Replies;
use crate::topics::snapshots::StoredSnapshots;
use crate::wire::json;
use crate::wire::result::code_from_text;

/// Records that are read at once: frames may have half a mebibyte each.
const FOLD_BATCH: usize = 50;

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
            None => undo.as_ref().map_or(0, |stored| stored.position),
        };
        let known = undo.as_ref().and_then(|stored| stored.signed_from);
        let mut gate = self.gate(inbox, known, committed)?;
        let (mut folded, snapshots) = self.refold(inbox, &mut gate, committed)?;
        if let Some(stored) = undo {
            folded.set_undo_state(stored.undo);
        }
        let touched = folded.take_touched();
        self.keep_rules(inbox, &folded, gate.from().is_some() && known.is_some())?;
        self.reader.seek(inbox, committed)?;
        let uptime = self.topics.log.uptime();
        let untold = Untold::of(folded.models());
        let owned = Owned {
            reached: (folded.log_time(), uptime),
            snapshots,
            shard: folded,
            gate,
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
        gate: &mut InboxGate,
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
                if let Some(refused) = step(&mut folded, gate, record, &mut dropped)? {
                    gate.refused_again(&refused, now);
                }
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
    fn keep_rules(
        &mut self,
        inbox: &Partition,
        folded: &Shard,
        check: bool,
    ) -> Result<(), RoleError> {
        let id = inbox.partition;
        let first = self.reader.bounds(inbox)?.0;
        if folded.rule_set().is_some() || first == 0 {
            return Ok(());
        }
        match self.topics.copied_rules(id, check)? {
            Some(Ok(rule_set)) => {
                let record = self.topics.inbox(id, None, &Inbox::Rules(rule_set))?;
                self.writer.append(vec![record])?;
            }
            Some(Err(why)) => diagnostics::rules_copy_refused(id, &why.to_string()),
            None => {}
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

/// Folds one record; one that cannot be read is said, and passed over. Answers why if its signature
/// does not count; then it is passed over, too.
pub(super) fn step(
    shard: &mut Shard,
    gate: &InboxGate,
    record: &Record,
    out: &mut Vec<Output>,
) -> Result<Option<RefusedRecord>, RoleError> {
    match json::decode::<Inbox>("inbox", &record.value) {
        Ok(mut inbox) => {
            if let Some(refused) = gate.refusal(record, &inbox) {
                shard.pass_over(record.position, record.time);
                return Ok(Some(refused));
            }
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
    Ok(None)
}
