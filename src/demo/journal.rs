//! The run so far, from the topics alone: outputs, the numbers over time, how long each phase of
//! the rollback took.

use std::collections::BTreeMap;
use std::ops::Range;

use super::flights::REGISTRY;
use super::tail::ObservedRecord;
use crate::edge::log::{Record, Topic};
use crate::model::{
    Command, CommandId, EventTime, Incident, IncidentState, LogTime, ModelId, RuleSet, Span,
    StepResult, TargetId, Want,
};
use crate::replay::{DailyAnswers, History, News, Replayed, summary};
use crate::shard::{Decision, Inbox, ModelStatus, Output, Status};
use crate::show::data::Phases;
use crate::targets::registry::ShadowRegistry;
use crate::topics::{MODEL, RoleError, STATUS};
use crate::undo::Response;
use crate::wire::json;

/// How far the pipeline has come.
#[derive(Debug, Clone, Copy)]
pub(super) struct Reach {
    /// A step waits for its answer.
    pub(super) open: bool,
    /// The newest event time that a lane has measured.
    pub(super) measured: Option<EventTime>,
    /// The newest event time that the shard has read.
    pub(super) judged: Option<EventTime>,
}

/// The journal.
pub(super) struct Journal {
    outputs: Vec<Output>,
    history: History,
    ledger: DailyAnswers,
    status: Option<Status>,
    models: BTreeMap<ModelId, ModelStatus>,
    measured: Option<EventTime>,
    pub(super) phases: Phases,
    /// When the last events before a moment were sent.
    told: BTreeMap<EventTime, u64>,
    /// Steps that wait for their answer, and when they were seen.
    open: BTreeMap<CommandId, u64>,
    /// Event time of the decision.
    pub(super) switched_at: Option<EventTime>,
    commanded_us: Option<u64>,
    answered_us: Option<u64>,
    switched: bool,
    mitigated: bool,
}

impl Journal {
    /// An empty one, for panes of this length.
    pub(super) fn new(pane: Span) -> Self {
        Self {
            outputs: Vec::new(),
            history: history(),
            ledger: DailyAnswers::new(pane),
            status: None,
            models: BTreeMap::new(),
            measured: None,
            phases: Phases::default(),
            told: BTreeMap::new(),
            open: BTreeMap::new(),
            switched_at: None,
            commanded_us: None,
            answered_us: None,
            switched: false,
            mitigated: false,
        }
    }

    /// The last events before `until` are being sent.
    pub(super) fn told(&mut self, until: EventTime, at_us: u64) {
        self.told.insert(until, at_us);
    }

    /// How far the pipeline has come.
    pub(super) fn reach(&self) -> Reach {
        let judged = self.status.as_ref().and_then(|status| status.read_to);
        Reach { open: !self.open.is_empty(), measured: self.measured, judged }
    }

    /// From when to when the rollback was under way; given once, when the decision and the answer
    /// of each step have been seen.
    pub(super) fn switched(&mut self) -> Option<Range<u64>> {
        let over = self.switched_at.is_some() && self.open.is_empty() && !self.switched;
        let time = self.commanded_us.zip(self.answered_us).filter(|_| over);
        self.switched |= time.is_some();
        time.map(|(from, to)| from..to)
    }

    /// Takes records, and reports the news in the order of their creation.
    ///
    /// # Errors
    /// A record that this build cannot read.
    pub(super) fn take(
        &mut self,
        seen: impl Iterator<Item = ObservedRecord>,
        mut news: impl FnMut(News<'_>),
    ) -> Result<(), RoleError> {
        let mut outputs: Vec<(LogTime, u8, Output)> = Vec::new();
        for ObservedRecord { topic, record, at_us } in seen {
            let value = &record.value;
            match topic {
                Topic::Inbox => self.inbox(json::decode("inbox", value)?, at_us),
                Topic::Commands => {
                    let command: Command = json::decode("command", value)?;
                    self.command(&command, at_us);
                    outputs.push((record.time, 0, Output::Command(Box::new(command))));
                }
                Topic::Incidents => {
                    let incident: Incident = json::decode("incident", value)?;
                    self.incident(&incident, at_us);
                    outputs.push((record.time, 1, Output::Incident(Box::new(incident))));
                }
                Topic::Decisions => {
                    let decision: Box<Decision> = Box::new(json::decode("decision", value)?);
                    self.decision(&decision, at_us);
                    outputs.push((record.time, 2, Output::Decision(decision)));
                }
                Topic::Status if record.key.as_deref() == Some(STATUS.as_bytes()) => {
                    let mut status: Status = json::decode("status", value)?;
                    status.models = self.models.clone();
                    self.history.take(&status);
                    news(News::Numbers(&status));
                    self.status = Some(status);
                }
                Topic::Status => self.model(&record)?,
                Topic::State | Topic::Rejected | Topic::Late => {}
            }
        }
        // One transaction has one time; within it a shard writes in this order.
        outputs.sort_by_key(|(time, rank, _)| (*time, *rank));
        for (.., output) in outputs {
            news(News::Output(&output));
            self.history.output(&output);
            self.outputs.push(output);
        }
        Ok(())
    }

    /// A record about a model, if it is one.
    fn model(&mut self, record: &Record) -> Result<(), RoleError> {
        let key = record.key.as_deref().map(String::from_utf8_lossy).unwrap_or_default();
        if let Some(Ok(model)) = key.strip_prefix(MODEL).map(ModelId::new) {
            self.models.insert(model, json::decode("status of a model", &record.value)?);
        }
        Ok(())
    }

    fn inbox(&mut self, record: Inbox, at_us: u64) {
        match record {
            Inbox::Frame(frame) => {
                self.measured = self.measured.max(Some(frame.newest));
                self.ledger.take(&frame);
            }
            Inbox::Answer(answer) if answer.outcome != StepResult::Unknown => {
                let Some(seen_us) = self.open.remove(&answer.command) else { return };
                let took = answer.took_us.unwrap_or_default();
                self.phases.act_ms += milliseconds(took);
                let until_taken = at_us.saturating_sub(seen_us).saturating_sub(took);
                self.phases.pickup_ms += milliseconds(until_taken);
                self.answered_us = Some(at_us);
            }
            Inbox::Answer(_)
            | Inbox::Format { .. }
            | Inbox::Rules(_)
            | Inbox::Source { .. }
            | Inbox::Claim { .. }
            | Inbox::Heartbeat { .. }
            | Inbox::Fact(_)
            | Inbox::Instruction(_)
            | Inbox::Tick => {}
        }
    }

    fn command(&mut self, command: &Command, at_us: u64) {
        let Want::Production { .. } = command.want else { return };
        self.commanded_us.get_or_insert(at_us);
        self.open.entry(command.id.clone()).or_insert(at_us);
    }

    fn decision(&mut self, decision: &Decision, at_us: u64) {
        if decision.ruling.as_ref().is_some_and(|ruling| ruling.did == Response::Acted) {
            let commanded = self.commanded_us.unwrap_or(at_us);
            let told = self.told.range(decision.read_to..).next().map(|(_, at_us)| *at_us);
            let took = commanded.saturating_sub(told.unwrap_or(commanded));
            self.phases.decide_ms = milliseconds(took);
        }
    }

    fn incident(&mut self, incident: &Incident, at_us: u64) {
        self.switched_at = self.switched_at.or(incident.switched_at);
        if incident.state != IncidentState::Mitigated || self.mitigated {
            return;
        }
        if let Some(answered) = self.answered_us {
            self.mitigated = true;
            self.phases.mitigate_ms = milliseconds(at_us.saturating_sub(answered));
        }
    }

    /// The result; `None` if the pipeline has read nothing.
    ///
    /// # Errors
    /// A number that JSON cannot hold.
    pub(super) fn finish(&self, rules: RuleSet) -> Result<Option<Replayed>, RoleError> {
        let Some(status) = self.status.clone() else { return Ok(None) };
        let (outputs, history) = (self.outputs.clone(), self.history.clone());
        let days = self.ledger.clone().end();
        let summary = summary(&rules, &status, &outputs, &days, &history)?;
        Ok(Some(Replayed { summary, outputs, days, series: history.series, status, rules }))
    }
}

fn milliseconds(us: u64) -> f64 {
    us as f64 / 1000.0
}

/// What the registry has at the start: which baselines.
fn history() -> History {
    let mut history = History::default();
    let registry = TargetId::new(crate::config::REGISTRY).ok();
    let facts = registry.and_then(|id| ShadowRegistry::read(id, REGISTRY).ok()?.facts().ok());
    for fact in facts.into_iter().flatten() {
        let of = fact.versions.into_iter().map(|version| (version.version, version.baselines));
        history.registry.insert(fact.model, of.collect());
    }
    history
}
