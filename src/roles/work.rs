//! The work role: one target. It states facts, and acts on the commands that name it.
//!
//! Law: a worker never decides. It asks `undo::admit` before every act, answers every command,
//! and commits its position only after the answer is on the log.

use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

use tokio::runtime::Runtime;

use crate::edge::chain::chain;
use crate::edge::clock::{Stopwatch, Uptime};
use crate::edge::diagnostics::{self, counters};
use crate::edge::log::{Commit, Committed, Partition, Read, Reader, Record, Topic, Writer};
use crate::model::{
    Command, CommandResult, Fact, ModelId, Proof, ResultCode, Span, StepResult, TargetId, Want,
};
use crate::shard::Inbox;
use crate::targets::{Acted, Target};
use crate::topics::{RoleError, TROUBLE, Topics, worker_role};
use crate::undo::{Admission, TargetMemory, admit};
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
    looked_at: Option<Uptime>,
    /// The last trouble reported; empty if it works, `None` if nothing was reported yet.
    trouble: Option<String>,
    again: Vec<Again>,
    /// Records that were read and not yet taken.
    waiting: VecDeque<(Partition, Record)>,
}

/// A notice whose receiver gave no answer. Only its worker sends it again.
struct Again {
    command: Command,
    at: Uptime,
    attempts: u32,
}

/// How often a notice is tried, within its time; the pause doubles each time.
const TRIED: u32 = 9;
const PAUSE: Span = Span::from_s(1);
/// Notices that wait to be tried again; the oldest makes room.
const KEPT: usize = 64;

/// What was done in a turn.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct WorkTurn {
    /// Commands answered, and how.
    pub answered: Vec<(Command, Acted)>,
    /// Facts that changed.
    pub facts: usize,
    /// There was nothing to do.
    pub idle: bool,
    /// Why the target cannot be observed, if that changed; empty if it can be observed again.
    pub trouble: Option<String>,
}

impl Work {
    /// Joins the group of this target's workers.
    ///
    /// # Errors
    /// Missing topics, no runtime.
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

    /// Observes the target if it is time, then takes one command: acting may take long, and in
    /// between the group expects a sign of life.
    ///
    /// # Errors
    /// Those that waiting cannot fix.
    pub fn turn(&mut self, wait: Duration) -> Result<WorkTurn, RoleError> {
        let mut turn = WorkTurn::default();
        let now = self.topics.log.uptime();
        if self.looked_at.is_none_or(|last| now - last >= self.poll) {
            self.observe(now, &mut turn)?;
        }
        self.notify_again(now, &mut turn)?;
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
            // Their new owner reads the same commands.
            Some(Read::Revoking(gone) | Read::Lost(gone)) => {
                self.waiting.retain(|(partition, _)| !gone.contains(partition));
            }
            Some(Read::Gone(commands, gap)) => {
                let (topic, at) = (&commands.topic, commands.partition);
                diagnostics::log_gone("work", topic, at, gap.from, gap.to);
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
        match json::decode::<Command>("command", &record.value) {
            Ok(command) if command.target == self.id => self.carry_out(command, 1, turn)?,
            Ok(_) => {}
            // It may have been for this target; decide asks again, and then calls it stuck.
            Err(why) => {
                let (at, why) = (record.position, chain(&why));
                diagnostics::command_unreadable(&self.id, partition.partition, at, &why);
                counters::unreadable(&self.id);
            }
        }
        let upto = Committed { position: record.position + 1, metadata: String::new() };
        // The new owner of the partition reads the same command, and finds it done.
        if self.reader.commit(partition, &upto)? == Commit::Fenced {
            diagnostics::fenced(self.id.as_str(), &partition.to_string());
            self.waiting.retain(|(of, _)| of != partition);
        }
        Ok(())
    }

    /// Acts, answers, and observes the effect.
    fn carry_out(
        &mut self,
        command: Command,
        attempts: u32,
        turn: &mut WorkTurn,
    ) -> Result<(), RoleError> {
        let watch = Stopwatch::start();
        let (acted, code, fence) = self.act(&command);
        counters::step(&self.id, &command.want, acted.outcome, watch);
        let took_us = Some(watch.elapsed_us());
        let answer = CommandResult { code, fence, took_us, ..acted.clone().answer(&command) };
        let answer = Inbox::Answer(answer);
        let reply = self.topics.inbox(command.reply_to, Some(self.id.as_str()), &answer)?;
        self.writer.append(vec![reply])?;
        let (now, notice) = (self.topics.log.uptime(), matches!(command.want, Want::Notice { .. }));
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

    /// Sends the notices again whose delivery is not known; one that has expired is refused.
    fn notify_again(&mut self, now: Uptime, turn: &mut WorkTurn) -> Result<(), RoleError> {
        let again = std::mem::take(&mut self.again);
        let (due, later): (Vec<_>, _) = again.into_iter().partition(|again| again.at <= now);
        self.again = later;
        for Again { command, attempts, .. } in due {
            self.carry_out(command, attempts + 1, turn)?;
        }
        Ok(())
    }

    /// How it went, why it was refused, and the newest generation that the target had taken before.
    fn act(&mut self, command: &Command) -> (Acted, Option<ResultCode>, Option<u64>) {
        let fence = match self.runtime.block_on(self.target.fence(command)) {
            Ok(fence) => fence,
            Err(detail) => {
                return (Acted { outcome: StepResult::Unknown, proof: None, detail }, None, None);
            }
        };
        let seen = TargetMemory { generation: fence.generation, command: fence.command.as_deref() };
        let (acted, code) =
            match admit(command, seen, &self.topics.namespace, self.topics.log.now()) {
                Admission::Act => {
                    let acted = self.runtime.block_on(self.target.act(command));
                    // Another worker of the target was asked for something newer in between.
                    let stale = acted.outcome == StepResult::Refused;
                    (acted, stale.then_some(ResultCode::StaleGeneration))
                }
                Admission::AlreadyDone => {
                    let detail = "this command was done before".to_owned();
                    let proof = Some(Proof::L1);
                    (Acted { outcome: StepResult::Done, proof, detail }, None)
                }
                Admission::Refuse(refusal) => {
                    let detail = refusal.to_string();
                    let acted = Acted { outcome: StepResult::Refused, proof: None, detail };
                    (acted, Some(refusal.code()))
                }
            };
        if let Some(code) = code {
            counters::refused(&self.id, code.name());
        }
        (acted, code, Some(fence.generation))
    }

    /// Publishes for status why the target cannot be observed; empty if it can be. Returns whether
    /// that is news.
    fn report_trouble(&mut self, trouble: &str) -> Result<bool, RoleError> {
        if self.trouble.as_deref() == Some(trouble) {
            return Ok(false);
        }
        let key = format!("{TROUBLE}{}", self.id);
        let record = self.topics.plain(Topic::Status, 0, &key, trouble.as_bytes().to_vec());
        self.writer.append(vec![record])?;
        self.trouble = Some(trouble.to_owned());
        Ok(true)
    }

    /// States what changed at the target.
    fn observe(&mut self, now: Uptime, turn: &mut WorkTurn) -> Result<(), RoleError> {
        self.looked_at = Some(now);
        let facts = match self.runtime.block_on(self.target.observe()) {
            Ok(facts) => facts,
            Err(trouble) => {
                if self.report_trouble(&trouble)? {
                    turn.trouble = Some(trouble);
                }
                return Ok(());
            }
        };
        let had = self.trouble.as_deref().is_some_and(|trouble| !trouble.is_empty());
        if self.report_trouble("")? && had {
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
