//! From verdicts to a proven undoing: assessments, instructions, answers and facts in, incidents
//! and commands out.
//!
//! Law: undo decides and never acts; what it wants done is data in `out`. No worker's word ever
//! closes an incident: only live traffic mitigates, only the statistic verifies. Its state is the
//! saga's journal: stored and read back at any point, it goes on as if nothing had been.
//!
//! Reading order: [`transition`] (what may follow what), `roles` (who serves), `proven` (who may
//! be gone back to), `decide` and
//! `policy` (what a verdict leads to), `record`, `plan`, `saga` (asking and being
//! answered), `verify` (the proofs), `orders` (people), [`admit`] (what workers ask).
//!
//! Every opening and every change of state of an incident is told to the notice targets, in every
//! mode: a mode rules what is done to models, not what people may know.
//!
//! Over 300 lines: the state of a shard's models and the one match over what comes in.
#![deny(clippy::disallowed_types, clippy::indexing_slicing, clippy::iter_over_hash_type)]

mod admit;
mod api;
mod decide;
mod instructions;
mod plan;
mod policy;
mod proven;
mod record;
mod roles;
mod saga;
mod state;
mod traffic;
pub mod transition;
mod verify;

use std::collections::{BTreeMap, VecDeque};

use serde::{Deserialize, Serialize};

pub use admit::{Admission, Refusal, TargetMemory, admit};
pub use api::{Input, Moment, Output, Reply, Response, Ruling};
pub use plan::{Plan, Planned};
pub use proven::Fitness;
use state::{Case, ModelState};

use crate::model::{
    EventTime, Incident, IncidentEvent, Instruction, LogTime, Mode, ModelId, ModelRules, Namespace,
    RuleSet, Scope, Standing, VersionId,
};

/// Models named where one is not known.
const NAMED: usize = 8;
/// Replies to instructions that are kept, so that asking twice is asking once.
const REPLIES_KEPT: usize = 256;

/// Everything undo knows: one shard's models.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Undo {
    models: BTreeMap<ModelId, ModelState>,
    every: GlobalOverrides,
    replies: VecDeque<Reply>,
    ignored: u64,
    clock: Option<(LogTime, EventTime)>,
    /// When its log began: no two logs give one id to two things.
    #[serde(default)]
    born: Option<LogTime>,
}

/// What was set at run time for all models.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
struct GlobalOverrides {
    mode: Option<Mode>,
    frozen: Option<String>,
}

/// One model at one moment: what every part of undo works on.
struct ModelContext<'a> {
    now: Moment,
    namespace: &'a Namespace,
    born: Option<LogTime>,
    rules: &'a ModelRules,
    every: &'a GlobalOverrides,
    id: &'a ModelId,
    model: &'a mut ModelState,
    out: &'a mut Vec<Output>,
}

impl Undo {
    /// Takes one input at `now`; what it leads to is appended to `out`.
    pub fn step(&mut self, now: Moment, rules: &RuleSet, input: Input<'_>, out: &mut Vec<Output>) {
        let now = self.never_back(now);
        self.deadlines(now, rules, out);
        match input {
            Input::Assessed(a) => self.with(now, rules, &a.model, out, |desk| desk.assessed(a)),
            Input::Traffic(t) => self.with(now, rules, &t.model, out, |desk| desk.traffic(t)),
            Input::Fact(f) => self.with(now, rules, &f.model, out, |desk| desk.fact(f)),
            Input::Answer(a) => {
                let taken = self.models.contains_key(&a.model)
                    && self.with(now, rules, &a.model, out, |desk| desk.answer(a));
                self.ignored += u64::from(!taken);
            }
            Input::Instruction(i) => self.instruction(now, rules, i, out),
            Input::Rules => {
                for model in self.models() {
                    self.with(now, rules, &model, out, |desk| desk.other_rules());
                }
            }
            Input::Tick => {}
        }
    }

    /// When the next deadline is: step with [`Input::Tick`] then.
    #[must_use]
    pub fn next_wakeup(&self) -> Option<LogTime> {
        self.models.values().filter_map(|model| model.wakeup).min()
    }

    /// What judge needs to know of a model's versions.
    #[must_use]
    pub fn standing(&self, model: &ModelId) -> Standing {
        let clock = self.clock;
        match (self.models.get(model), clock) {
            (Some(state), Some((log, event))) => state.standing(log, event),
            (None, _) | (_, None) => Standing::default(),
        }
    }

    /// Where a rollback of the production version would go, and what makes that version fit.
    ///
    /// # Errors
    /// "nobody, because …", with the reason for every version known.
    pub fn would_roll_back_to(
        &self,
        rules: &RuleSet,
        model: &ModelId,
    ) -> Result<(VersionId, Fitness), String> {
        let nobody = || format!("nobody, because nothing is known of {model} yet");
        let state = self.models.get(model).ok_or_else(nobody)?;
        let (log, _) = self.clock.ok_or_else(nobody)?;
        state.pick(&rules.of(model).policy, log)
    }

    /// What a rollback of `model` would do now, to `to` or to the version Ripcord would choose.
    ///
    /// # Errors
    /// Why it would be refused, and what to do.
    pub fn plan_for(
        &self,
        rules: &RuleSet,
        model: &ModelId,
        to: Option<&VersionId>,
    ) -> Result<Plan, String> {
        let unknown = || format!("nothing is known of {model}; no telemetry and no fact named it");
        let state = self.models.get(model).ok_or_else(unknown)?;
        let (log, _) = self.clock.ok_or_else(unknown)?;
        state.plan_for(model, rules.of(model), to, log)
    }

    /// The incidents that are open, and the last ones that were, by model in opening order.
    pub fn incidents(&self) -> impl Iterator<Item = &Incident> {
        self.models.values().flat_map(|model| model.cases.iter().map(|case| &case.incident))
    }

    /// The models that anything is known of.
    #[must_use]
    pub fn models(&self) -> Vec<ModelId> {
        self.models.keys().cloned().collect()
    }

    /// Whether a version may not be promoted.
    #[must_use]
    pub fn quarantined(&self, model: &ModelId, version: &VersionId) -> bool {
        let now = self.clock.map(|(log, _)| log);
        let state = self.models.get(model).zip(now);
        state.is_some_and(|(state, now)| state.quarantine(version, now).is_some())
    }

    /// The mode in force for a model: the last one set at run time, else the rules'.
    #[must_use]
    pub fn mode(&self, rules: &RuleSet, model: &ModelId) -> Mode {
        let own = self.models.get(model).and_then(|state| state.mode);
        own.or(self.every.mode).unwrap_or(rules.of(model).mode)
    }

    /// Why automatic action is stopped for a model; none: it is not.
    #[must_use]
    pub fn frozen(&self, model: &ModelId) -> Option<&str> {
        let own = self.models.get(model).and_then(|state| state.frozen.as_deref());
        self.every.frozen.as_deref().or(own)
    }

    /// Answers that belonged to no step that waited for one: late, repeated, unknown.
    #[must_use]
    pub fn ignored_answers(&self) -> u64 {
        self.ignored
    }

    fn never_back(&mut self, now: Moment) -> Moment {
        let (log, event) = self.clock.unwrap_or((now.log, now.event));
        let now = Moment { log: log.max(now.log), event: event.max(now.event), ..now };
        self.clock = Some((now.log, now.event));
        self.born.get_or_insert(now.log);
        // Before any telemetry nothing but the log tells the time.
        let event = match now.event {
            EventTime::MIN => EventTime::from_ms(now.log.as_ms()),
            event => event,
        };
        Moment { event, ..now }
    }

    fn deadlines(&mut self, now: Moment, rules: &RuleSet, out: &mut Vec<Output>) {
        if self.next_wakeup().is_none_or(|at| now.log < at) {
            return;
        }
        let due = |state: &ModelState| state.wakeup.is_some_and(|at| at <= now.log);
        let models: Vec<ModelId> =
            self.models.iter().filter(|(_, s)| due(s)).map(|(id, _)| id.clone()).collect();
        for model in models {
            self.with(now, rules, &model, out, |desk| desk.deadlines());
        }
    }

    fn with<T>(
        &mut self,
        now: Moment,
        rules: &RuleSet,
        id: &ModelId,
        out: &mut Vec<Output>,
        act: impl FnOnce(&mut ModelContext<'_>) -> T,
    ) -> T {
        let model = match self.models.get_mut(id) {
            Some(model) => model,
            None => self.models.entry(id.clone()).or_default(),
        };
        let mut desk = ModelContext {
            now,
            namespace: &rules.namespace,
            born: self.born,
            rules: rules.of(id),
            every: &self.every,
            id,
            model,
            out,
        };
        let result = act(&mut desk);
        desk.hand_over();
        result
    }

    fn instruction(
        &mut self,
        now: Moment,
        rules: &RuleSet,
        instruction: &Instruction,
        out: &mut Vec<Output>,
    ) {
        if let Some(said) = self.replies.iter().find(|r| r.instruction == instruction.id) {
            out.push(Output::Reply(said.clone()));
            return;
        }
        let reply = match instruction.ask.model() {
            Some(id) if !self.heard_of(rules, id) => self.unheard_of(instruction, id),
            Some(id) => self.with(now, rules, id, out, |desk| desk.instruction(instruction)),
            None => self.for_all(now, rules, instruction, out),
        };
        if self.replies.len() >= REPLIES_KEPT {
            self.replies.pop_front();
        }
        self.replies.push_back(reply.clone());
        out.push(Output::Reply(reply));
    }

    /// Whether telemetry, a fact or the rules named a model.
    fn heard_of(&self, rules: &RuleSet, id: &ModelId) -> bool {
        self.models.contains_key(id) || rules.models.contains_key(id)
    }

    /// A name that is a slip must not look like a safety that is on.
    fn unheard_of(&self, instruction: &Instruction, id: &ModelId) -> Reply {
        let known: Vec<_> = self.models.keys().take(NAMED).map(ModelId::as_str).collect();
        let known = if known.is_empty() { "none yet".to_owned() } else { known.join(", ") };
        let detail = format!(
            "nothing is known of {id}: no telemetry, no fact and no rule names it, so nothing was \
             done; its shard knows {known}"
        );
        let instruction = instruction.id.clone();
        Reply { instruction, accepted: false, detail, incident: None }
    }

    fn for_all(
        &mut self,
        now: Moment,
        rules: &RuleSet,
        instruction: &Instruction,
        out: &mut Vec<Output>,
    ) -> Reply {
        let detail = instructions::set_for_all(&mut self.every, &mut self.models, instruction);
        if self.every.frozen.is_some() {
            let models: Vec<ModelId> = self.models.keys().cloned().collect();
            for id in models {
                self.with(now, rules, &id, out, |desk| desk.stop_what_is_not_switched());
            }
        }
        Reply { instruction: instruction.id.clone(), accepted: true, detail, incident: None }
    }
}

impl ModelContext<'_> {
    /// Emits the records that changed, and keeps memory bounded.
    fn hand_over(&mut self) {
        for case in &mut self.model.cases {
            if std::mem::take(&mut case.changed) {
                self.out.push(Output::Incident(case.incident.clone()));
            }
        }
        self.model.tidy(roles::DISPUTE_AFTER);
    }

    /// Moves an incident on and tells people; does nothing where the table has no such move.
    fn advance(&mut self, at: usize, phase: IncidentEvent, because: String) {
        let now = self.now;
        let Some(case) = self.model.cases.get_mut(at) else { return };
        if !case.advance(phase, now.log, because) {
            return;
        }
        if case.closed() {
            case.incident.closed_at = Some(now.event);
        }
        if !case.under_way() {
            case.ask_at = None;
            case.deadline = None;
            self.notify(at);
        }
    }

    /// Why automatic action is stopped.
    fn frozen(&self) -> Option<&str> {
        self.every.frozen.as_deref().or(self.model.frozen.as_deref())
    }

    fn mode(&self) -> Mode {
        self.model.mode.or(self.every.mode).unwrap_or(self.rules.mode)
    }

    fn case(&mut self, at: usize) -> Option<&mut Case> {
        self.model.cases.get_mut(at)
    }
}

/// The word for a scope in replies.
fn scope_name(scope: &Scope) -> String {
    match scope {
        Scope::All => "every model".to_owned(),
        Scope::Model(model) => model.to_string(),
    }
}
