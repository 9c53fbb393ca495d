//! Which records of an inbox are folded: instructions and rules only if they are signed.
//!
//! Law: the verdict about a record is the same whenever the inbox is folded again, as long as its
//! key is kept. Where signatures begin is part of the shard's state.

use std::collections::BTreeMap;

use super::{Decide, Owned};
use crate::edge::clock::Uptime;
use crate::edge::diagnostics::{self, counters};
use crate::edge::log::{Partition, Record};
use crate::model::Span;
use crate::shard::{Inbox, Output};
use crate::topics::{RoleError, Topics};
use crate::undo::Reply;
use crate::wire::seal::SealRefusal;

/// Time between two events about refusals for one reason.
const TOLD_EVERY: Span = Span::from_s(10);
/// The longest id that is answered.
const LONGEST_ID: usize = 128;

/// The gate of one inbox.
pub(super) struct InboxGate {
    topics: Topics,
    inbox: Partition,
    /// The first position that is checked. None: nothing is.
    from: Option<i64>,
    /// For each reason, when it was told last, and what was not told since.
    told: BTreeMap<&'static str, (Uptime, u64)>,
}

/// A record that was not folded.
pub(super) struct RefusedRecord {
    position: i64,
    why: SealRefusal,
    /// The instruction's id; none: it was rules.
    instruction: Option<String>,
}

impl InboxGate {
    pub(super) fn new(topics: Topics, inbox: Partition, from: Option<i64>) -> Self {
        Self { topics, inbox, from, told: BTreeMap::new() }
    }

    /// The first position that is checked, if any is.
    pub(super) fn from(&self) -> Option<i64> {
        self.from
    }

    /// Why a record is not folded.
    pub(super) fn refusal(&self, record: &Record, read: &Inbox) -> Option<RefusedRecord> {
        self.from.filter(|from| record.position >= *from)?;
        let why = self.topics.check_seal(&self.inbox, record, read).err()?;
        let instruction =
            if let Inbox::Instruction(asked) = read { Some(asked.id.clone()) } else { None };
        Some(RefusedRecord { position: record.position, why, instruction })
    }

    /// Counts a refusal and tells of it, and words the reply.
    pub(super) fn refuse(&mut self, refused: &RefusedRecord, now: Uptime) -> Option<Output> {
        counters::instruction_refused(refused.why.code());
        self.tell(refused, now);
        let id = refused.instruction.as_ref().filter(|id| id.len() <= LONGEST_ID)?;
        let detail =
            format!("nothing was done: the instruction was refused, since {}", refused.why);
        let reply = Reply { instruction: id.clone(), accepted: false, detail, incident: None };
        Some(Output::Reply(reply))
    }

    /// Tells that a record was refused as the inbox was folded again. Only a key that is gone can
    /// make a difference to what was folded before.
    pub(super) fn refused_again(&mut self, refused: &RefusedRecord, now: Uptime) {
        if matches!(refused.why, SealRefusal::UnknownKey(_)) {
            self.tell(refused, now);
        }
    }

    fn tell(&mut self, refused: &RefusedRecord, now: Uptime) {
        let code = refused.why.code();
        match self.told.get_mut(code) {
            Some((last, untold)) if now - *last < TOLD_EVERY => *untold += 1,
            known => {
                let untold = known.map_or(0, |(_, untold)| *untold);
                self.told.insert(code, (now, 0));
                let what = if refused.instruction.is_some() { "instruction" } else { "rules" };
                let (why, shard) = (refused.why.to_string(), self.inbox.partition);
                diagnostics::instruction_refused(shard, refused.position, what, &why, untold);
            }
        }
    }
}

impl Owned {
    /// Whether an instruction has a reply, or is about to have one: what was refused may bear the
    /// id of one that was not.
    pub(super) fn has_reply(&self, reply: &Output, outputs: &[Output]) -> bool {
        let id = |output: &Output| match output {
            Output::Reply(reply) => Some(reply.instruction.clone()),
            Output::Command(_) | Output::Incident(_) | Output::Decision(_) => None,
        };
        let Some(asked) = id(reply) else { return false };
        self.replies.has(&asked) || outputs.iter().any(|output| id(output).as_ref() == Some(&asked))
    }
}

impl Decide {
    /// The gate of an inbox that is folded up to `committed`. `known`: where signatures begin, as
    /// it was stored. The first time with keys, they begin at the commit: what lies below was taken
    /// without.
    pub(super) fn gate(
        &mut self,
        inbox: &Partition,
        known: Option<i64>,
        committed: i64,
    ) -> Result<InboxGate, RoleError> {
        let (shard, keys) = (inbox.partition, &self.topics.keys);
        let from = match (known, keys.is_empty()) {
            (None, true) => None,
            (Some(_), true) if keys.given_up() => None,
            (Some(from), true) => return Err(RoleError::NoKeys { shard, from }),
            (None, false) => Some(committed),
            // An inbox that was created again ends before that position.
            (Some(from), false) => Some(from.min(self.reader.bounds(inbox)?.1)),
        };
        if from != known {
            diagnostics::signatures_begin(shard, from);
        }
        Ok(InboxGate::new(self.topics.clone(), inbox.clone(), from))
    }
}
