//! From verdicts to a proven rollback: assessments, instructions, answers and facts in, incidents
//! and commands out.
//!
//! Law: undo decides and never acts; what it wants done is data in `out`. No worker's answer ever
//! closes an incident: only live traffic mitigates, only the statistic verifies. Its state is the
//! journal of rollbacks: stored and read back at any point, it continues as if nothing had
//! happened.
//!
//! Reading order: [`transition`] (what may follow what), `case` and `state` (what is remembered),
//! `facts`, `models` and `pieces` (how it is kept), `context` (one model at one moment),
//! `observed`, `roles` and `dispute` (which version serves), `proven` and `choice` (which one is
//! fit to roll back to), `decide`, `breach` and `policy` (what a verdict leads to), `record`,
//! `plan`, `rollback`, `deadlines` and `commands` (asking and being answered), `proof`, `verify`
//! and `unproven` (the proofs), `instructions`, `manual` and `versions` (people), `explanation`
//! and `next` (what people are told), [`admit`] (what workers ask).
//!
//! `impl ModelContext` is in all files that change a model. They are steps of one decision: each
//! reads and changes the same state and appends to the same outputs in a fixed order, so parts
//! with a state of their own would only pass it around. The files divide it by question; what can
//! be asked of plain data (`progress`, `proof`, `plan`, `wording`, `ids`) does not need it.
//!
//! Every opening and every change of state of an incident is told to the notice targets, in every
//! mode: a mode decides what is done to models, not what people may know.
#![deny(clippy::disallowed_types, clippy::indexing_slicing, clippy::iter_over_hash_type)]

mod admit;
mod api;
mod breach;
mod case;
mod choice;
mod commands;
mod context;
mod deadlines;
mod decide;
mod dispute;
mod explanation;
mod facts;
mod ids;
mod instructions;
mod manual;
mod models;
mod next;
mod observed;
mod pieces;
mod plan;
mod policy;
mod progress;
mod proof;
mod proven;
mod record;
mod roles;
mod rollback;
mod state;
mod traffic;
pub mod transition;
mod unproven;
mod verify;
mod versions;
mod wording;

use std::collections::VecDeque;

use serde::{Deserialize, Serialize};

pub use admit::{Admission, Refusal, TargetMemory, admit};
pub use api::{Input, Moment, Output, Reply, Response, Ruling};
pub use pieces::UndoPiece;
pub use plan::{Plan, Planned};
pub use proven::Fitness;

use context::{Anomalies, GlobalOverrides, ModelContext};
use models::KnownModels;

use crate::model::{EventTime, Incident, LogTime, Mode, ModelId, RuleSet, Standing, VersionId};

/// Everything undo knows: one shard's models.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Undo {
    #[serde(default)]
    models: KnownModels,
    every: GlobalOverrides,
    replies: VecDeque<Reply>,
    ignored: u64,
    #[serde(default)]
    anomalies: Anomalies,
    clock: Option<(LogTime, EventTime)>,
    /// When its log began, so that no two logs give the same id to different things.
    #[serde(default)]
    born: Option<LogTime>,
}

impl Undo {
    /// Takes one input at `now`; what it leads to is appended to `out`.
    pub fn step(&mut self, now: Moment, rules: &RuleSet, input: Input<'_>, out: &mut Vec<Output>) {
        let now = self.never_back(now);
        self.deadlines(now, rules, out);
        match input {
            Input::Assessed(a) => {
                self.with(now, rules, &a.model, out, |context| context.assessed(a))
            }
            Input::Traffic(t) => self.with(now, rules, &t.model, out, |context| context.traffic(t)),
            Input::Fact(f) => self.with(now, rules, &f.model, out, |context| context.fact(f)),
            Input::Answer(a) => {
                let taken = self.models.contains(&a.model)
                    && self.with(now, rules, &a.model, out, |context| context.answer(a));
                self.ignored += u64::from(!taken);
            }
            Input::Instruction(i) => self.instruction(now, rules, i, out),
            Input::Rules => {
                for model in self.models() {
                    self.with(now, rules, &model, out, |context| context.other_rules());
                }
            }
            Input::Tick => {}
        }
    }

    /// When the next deadline is: step with [`Input::Tick`] then.
    #[must_use]
    pub fn next_wakeup(&self) -> Option<LogTime> {
        self.models.next_wakeup()
    }

    /// What judge needs to know about a model's versions.
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
    /// The reason for every version known.
    pub fn would_roll_back_to(
        &self,
        rules: &RuleSet,
        model: &ModelId,
    ) -> Result<(VersionId, Fitness), String> {
        let nothing = || format!("nothing is known of {model} yet");
        let state = self.models.get(model).ok_or_else(nothing)?;
        let (log, _) = self.clock.ok_or_else(nothing)?;
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
        let unknown = || format!("no model {model} is known; no telemetry and no target named it");
        let state = self.models.get(model).ok_or_else(unknown)?;
        let (log, _) = self.clock.ok_or_else(unknown)?;
        state.plan_for(model, rules.of(model), to, log)
    }

    /// The incidents that are open, and the last ones that were, by model in opening order.
    pub fn incidents(&self) -> impl Iterator<Item = &Incident> {
        self.models.iter().flat_map(|model| model.cases.iter().map(|case| &case.incident))
    }

    /// Those of one model.
    pub fn incidents_of(&self, model: &ModelId) -> impl Iterator<Item = &Incident> {
        let cases = self.models.get(model).into_iter().flat_map(|model| &model.cases);
        cases.map(|case| &case.incident)
    }

    /// The models that are known.
    #[must_use]
    pub fn models(&self) -> Vec<ModelId> {
        self.models.names().cloned().collect()
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

    /// Why automatic action is stopped for a model; `None` if it is not.
    #[must_use]
    pub fn frozen(&self, model: &ModelId) -> Option<&str> {
        let own = self.models.get(model).and_then(|state| state.frozen.as_deref());
        self.every.frozen.as_deref().or(own)
    }

    /// Answers that belonged to no step that waited for one: late, repeated, unknown.
    #[must_use]
    pub const fn ignored_answers(&self) -> u64 {
        self.ignored
    }

    /// Moves of incidents that were asked for and are not in the table: each is a defect.
    #[must_use]
    pub const fn illegal_moves(&self) -> u64 {
        self.anomalies.illegal_moves
    }

    /// The log time of the last input; none: there was none.
    #[must_use]
    pub fn log_time(&self) -> Option<LogTime> {
        self.clock.map(|(log, _)| log)
    }

    /// Generations that targets reported and that are too high to be true.
    #[must_use]
    pub const fn refused_fences(&self) -> u64 {
        self.anomalies.refused_fences
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
        for model in self.models.due(now.log) {
            self.with(now, rules, &model, out, |context| context.deadlines());
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
        let Self { models, every, anomalies, born, .. } = self;
        models.change(id, |model| {
            let mut context = ModelContext {
                now,
                namespace: &rules.namespace,
                born: *born,
                rules: rules.of(id),
                every,
                anomalies,
                id,
                model,
                out,
            };
            let result = act(&mut context);
            context.hand_over();
            result
        })
    }
}
