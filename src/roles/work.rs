//! The work role: one target. It states facts, and acts on the commands that name it.
//!
//! Law: a worker never decides. It asks `undo::admit` before every act, answers every command,
//! and commits its position only after the answer stands.

use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

use tokio::runtime::Runtime;

use crate::edge::clock::Stopwatch;
use crate::edge::diagnostics::{self, done};
use crate::edge::log::{Commit, Committed, Partition, Read, Reader, Record, Topic, Writer};
use crate::model::{
    Command, CommandResult, Fact, LogTime, ModelId, Proof, Span, StepResult, TargetId, Want,
};
use crate::shard::Inbox;
use crate::targets::{Acted, Target};
use crate::topics::{RoleError, TROUBLE, Topics, worker_role};
use crate::undo::{Admission, Refusal, TargetMemory, admit};
use crate::wire::json;

/// The role.
pub struct Work {
    topics: Topics,
    id: TargetId,
    target: Box<dyn Target>,
    reader: Box<dyn Reader>,
    writer: Box<dyn Writer>,
    runtime: Runtime,
    known: BTreeMap<ModelId, Fact>,
    poll: Span,
    looked_at: Option<LogTime>,
    /// What was last said of it; none: nothing was said in this life.
    trouble: Option<String>,
    again: Vec<Again>,
    /// Read and not yet looked at.
    waiting: VecDeque<(Partition, Record)>,
}

/// A notice whose receiver gave no answer. Nobody else asks for one twice.
struct Again {
    command: Command,
    at: LogTime,
    attempts: u32,
}

/// How often a notice is tried, within its time; the pause doubles each time.
const TRIED: u32 = 9;
const PAUSE: Span = Span::from_s(1);
/// Notices that wait to be tried again; the oldest makes room.
const KEPT: usize = 64;

/// What a turn came to.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct WorkTurn {
    /// Commands answered, and how.
    pub answered: Vec<(Command, Acted)>,
    /// Facts that changed.
    pub facts: usize,
    /// Nothing came.
    pub idle: bool,
    /// Why the target cannot be observed, where that changed; empty: it can again.
    pub trouble: Option<String>,
}

impl Work {
    /// Joins the group of this target's workers.
    ///
    /// # Errors
    /// Topics that are not there, no runtime.
    pub fn new(
        topics: Topics,
        id: TargetId,
        target: Box<dyn Target>,
        poll: Span,
    ) -> Result<Self, RoleError> {
        let group = topics.group(&worker_role(&id));
        let reader = topics.log.reader(&group, &[topics.topic(Topic::Commands)])?;
        let writer = topics.log.writer(None)?;
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .map_err(RoleError::Runtime)?;
        let known = BTreeMap::new();
        let (looked_at, trouble, again, waiting) = (None, None, Vec::new(), VecDeque::new());
        Ok(Self {
            topics,
            id,
            target,
            reader,
            writer,
            runtime,
            known,
            poll,
            looked_at,
            trouble,
            again,
            waiting,
        })
    }

    /// Looks at the target if it is time, then acts on what came, one command a turn: acting may
    /// be long, and in between the group wants to hear of this member.
    ///
    /// # Errors
    /// What waiting cannot mend.
    pub fn turn(&mut self, wait: Duration) -> Result<WorkTurn, RoleError> {
        let mut turn = WorkTurn::default();
        let now = self.topics.log.now();
        if self.looked_at.is_none_or(|last| now - last >= self.poll) {
            self.observe(now, &mut turn)?;
        }
        self.tell_again(now, &mut turn)?;
        if let Some((partition, record)) = self.waiting.pop_front() {
            self.take(&partition, &record, &mut turn)?;
        }
        let wait = if self.waiting.is_empty() { wait } else { Duration::ZERO };
        match self.reader.read(wait)? {
            Some(Read::Assigned(partitions)) => {
                for partition in partitions {
                    let upto = self.reader.committed(&partition)?;
                    self.reader.seek(&partition, upto.map_or(0, |upto| upto.position))?;
                }
            }
            Some(Read::Records(partition, records)) => {
                let all = records.into_iter().map(|record| (partition.clone(), record));
                self.waiting.extend(all);
            }
            // Whoever has them now is asked the same.
            Some(Read::Revoking(gone) | Read::Lost(gone)) => {
                self.waiting.retain(|(partition, _)| !gone.contains(partition));
            }
            Some(Read::End(..) | Read::Blocked(_)) => {}
            None => turn.idle = self.waiting.is_empty(),
        }
        Ok(turn)
    }

    /// What was last observed of a model.
    #[must_use]
    pub fn fact(&self, model: &str) -> Option<&Fact> {
        self.known.get(model)
    }

    fn take(
        &mut self,
        partition: &Partition,
        record: &Record,
        turn: &mut WorkTurn,
    ) -> Result<(), RoleError> {
        if let Ok(command) = json::decode::<Command>("command", &record.value)
            && command.target == self.id
        {
            self.carry_out(command, 1, turn)?;
        }
        let upto = Committed { position: record.position + 1, metadata: String::new() };
        // Whoever has the partition now is asked the same again, and finds it done.
        if self.reader.commit(partition, &upto)? == Commit::Fenced {
            diagnostics::fenced(self.id.as_str(), &partition.to_string());
            self.waiting.retain(|(of, _)| of != partition);
        }
        Ok(())
    }

    /// Acts, answers, and looks at what became of it.
    fn carry_out(
        &mut self,
        command: Command,
        attempts: u32,
        turn: &mut WorkTurn,
    ) -> Result<(), RoleError> {
        let watch = Stopwatch::start();
        let (acted, fence) = self.act(&command);
        done::step(&self.id, &command.want, acted.outcome, watch);
        let took_us = Some(watch.elapsed_us());
        let answer = CommandResult { fence, took_us, ..acted.clone().answer(&command) };
        let answer = Inbox::Answer(answer);
        let reply = self.topics.inbox(command.reply_to, Some(self.id.as_str()), &answer)?;
        self.writer.append(vec![reply])?;
        let (now, notice) = (self.topics.log.now(), matches!(command.want, Want::Notice { .. }));
        if acted.outcome == StepResult::Done && !notice {
            self.observe(now, turn)?;
        }
        if acted.outcome == StepResult::Unknown && notice && attempts < TRIED {
            let pause = Span::from_ms(PAUSE.as_ms() << (attempts - 1));
            if self.again.len() >= KEPT {
                self.again.remove(0);
            }
            self.again.push(Again { command: command.clone(), at: now + pause, attempts });
        }
        turn.answered.push((command, acted));
        Ok(())
    }

    /// Tells again what nobody is known to have heard; what is void by now is refused, and over.
    fn tell_again(&mut self, now: LogTime, turn: &mut WorkTurn) -> Result<(), RoleError> {
        let again = std::mem::take(&mut self.again);
        let (due, later): (Vec<_>, _) = again.into_iter().partition(|again| again.at <= now);
        self.again = later;
        for Again { command, attempts, .. } in due {
            self.carry_out(command, attempts + 1, turn)?;
        }
        Ok(())
    }

    /// How it went, and the newest generation that the target had taken before.
    fn act(&mut self, command: &Command) -> (Acted, Option<u64>) {
        let fence = match self.runtime.block_on(self.target.fence(command)) {
            Ok(fence) => fence,
            Err(detail) => {
                return (Acted { outcome: StepResult::Unknown, proof: None, detail }, None);
            }
        };
        let seen = TargetMemory { generation: fence.generation, command: fence.command.as_deref() };
        let acted = match admit(command, seen, &self.topics.namespace, self.topics.log.now()) {
            Admission::Act => {
                let acted = self.runtime.block_on(self.target.act(command));
                // Another worker of the target was asked something newer in between.
                if acted.outcome == StepResult::Refused {
                    done::refused(&self.id, Refusal::STALE_GENERATION);
                }
                acted
            }
            Admission::AlreadyDone => Acted {
                outcome: StepResult::Done,
                proof: Some(Proof::L1),
                detail: "this command was done before".to_owned(),
            },
            Admission::Refuse(refusal) => {
                done::refused(&self.id, refusal.code());
                Acted { outcome: StepResult::Refused, proof: None, detail: refusal.to_string() }
            }
        };
        (acted, Some(fence.generation))
    }

    /// Says where status is read why the target cannot be observed; empty: it can. Whether that is
    /// news.
    fn says(&mut self, trouble: &str) -> Result<bool, RoleError> {
        if self.trouble.as_deref() == Some(trouble) {
            return Ok(false);
        }
        let key = format!("{TROUBLE}{}", self.id);
        let said = self.topics.plain(Topic::Status, 0, &key, trouble.as_bytes().to_vec());
        self.writer.append(vec![said])?;
        self.trouble = Some(trouble.to_owned());
        Ok(true)
    }

    /// States what changed at the target.
    fn observe(&mut self, now: LogTime, turn: &mut WorkTurn) -> Result<(), RoleError> {
        self.looked_at = Some(now);
        let facts = match self.runtime.block_on(self.target.observe()) {
            Ok(facts) => facts,
            Err(trouble) => {
                if self.says(&trouble)? {
                    turn.trouble = Some(trouble);
                }
                return Ok(());
            }
        };
        let had = self.trouble.as_deref().is_some_and(|trouble| !trouble.is_empty());
        if self.says("")? && had {
            turn.trouble = Some(String::new());
        }
        for fact in facts {
            if self.known.get(&fact.model) != Some(&fact) {
                turn.facts += 1;
                let record = Inbox::Fact(fact.clone());
                self.topics.publish(self.writer.as_mut(), Some(&fact.model), &record)?;
                self.known.insert(fact.model.clone(), fact);
            }
        }
        Ok(())
    }
}
