//! A rollback under way: steps asked for in order, answers taken, deadlines kept.
//!
//! A step is asked for again under the same id until it is answered for sure. A copy is never
//! valid beyond `mitigate_within`, so nothing acts on a rollback that was given up. Before any
//! step is done a sure failure ends it with nothing switched; after that there is only forward,
//! and what does not go forward in time is stuck, with the step and the next command named.
//! A worker that read an outdated copy refuses it as expired; that is no answer to the newer one.
//!
//! Over 300 lines: one life of a rollback, from the first step to its end.

use super::ModelContext;
use super::admit::Refusal;
use super::plan::Plan;
use super::state::{Case, Quarantine};
use super::transition::next_outcome;
use super::verify::ProofProgress;
use crate::model::{
    CommandResult, Incident, IncidentEvent, IncidentState, LogTime, Mode, Proof, Span, Stage, Step,
    StepResult, VersionId,
};

/// The same step is asked for at most so often.
const ASKED: u32 = 1000;
/// And never faster than this.
const PAUSE: Span = Span::from_s(1);

impl ModelContext<'_> {
    /// A rollback is decided: the plan is made, the first step is asked for.
    pub(super) fn begin(&mut self, at: usize, to: &VersionId, automatic: bool, because: String) {
        let how = self.model.how(to);
        let generation = self.model.generation.saturating_add(1);
        let Some(case) = self.model.cases.get(at) else { return };
        let from = &case.incident.version;
        let plan = Plan::new(self.rules, self.id, from, (to, how), generation, None);
        self.carry_out(at, &plan, automatic, because);
    }

    /// Begins with a plan that is made.
    pub(super) fn carry_out(&mut self, at: usize, plan: &Plan, automatic: bool, because: String) {
        let now = self.now;
        let policy = &self.rules.policy;
        let Plan { from, to, generation, .. } = plan;
        self.model.generation = *generation;
        let Some(case) = self.model.cases.get_mut(at) else { return };
        let steps = plan.steps(self.namespace, &case.incident.id);
        case.watch = ProofProgress::default();
        case.automatic = automatic;
        case.deadline = Some(now.log + policy.mitigate_within);
        case.amend(|incident| {
            incident.to = Some(to.clone());
            incident.mode = Mode::Act;
            incident.generation = Some(*generation);
            incident.plan = steps;
            incident.proof = None;
            incident.by_registry = false;
            incident.decided_at = Some(now.event);
            incident.switched_at = None;
            incident.mitigated_at = None;
            incident.verified_at = None;
        });
        let why = format!("rolled back by incident {}", case.incident.id);
        if automatic {
            self.model.rollbacks.push(now.log);
        }
        let until = Some(now.log + policy.quarantine);
        self.model.version(from).quarantine = Some(Quarantine { until, why });
        self.advance(at, IncidentEvent::Act, because);
        self.ask_beside(at);
        self.ask(at);
    }

    /// The notices, beside the first step; nothing waits for them.
    fn ask_beside(&mut self, at: usize) {
        let Some(case) = self.model.cases.get(at) else { return };
        let notice = |(_, step): &(usize, &Step)| step.stage == Stage::Notice;
        let notices: Vec<usize> =
            case.incident.plan.iter().enumerate().filter(notice).map(|(n, _)| n).collect();
        for step in notices {
            self.emit(at, step);
        }
    }

    /// Asks for the next step; when there is none, the world should have moved.
    fn ask(&mut self, at: usize) {
        let now = self.now;
        let wait = self.rules.policy.answer_within.max(PAUSE);
        let Some(case) = self.model.cases.get_mut(at) else { return };
        match next_step(&case.incident) {
            Some((step, state)) if state.attempts < ASKED => {
                case.ask_at = Some(now.log + wait);
                self.emit(at, step);
            }
            Some(_) => case.ask_at = None,
            None => {
                case.ask_at = None;
                case.amend(|incident| incident.switched_at = Some(now.event));
            }
        }
    }

    /// A worker answered; whether any step waited for that.
    pub(super) fn answer(&mut self, answer: &CommandResult) -> bool {
        // A log that was lost counts on from what the targets remember.
        self.model.generation = self.model.generation.max(answer.fence.unwrap_or(0));
        let notice = |t: &&crate::model::TargetRule| t.id == answer.target;
        let of_notice = self.rules.targets.iter().find(notice).map(|t| t.stage);
        let is_its = |case: &Case| case.incident.id == answer.incident;
        let Some(at) = self.model.cases.iter().position(is_its) else { return false };
        let Some(case) = self.model.cases.get_mut(at) else { return false };
        let waits = takes_answers(case.incident.state);
        let is_step = |step: &Step| {
            step.command == answer.command
                && step.target == answer.target
                && step.asked_at.is_some()
        };
        let Some(step) = case.incident.plan.iter().position(is_step) else {
            return of_notice == Some(Stage::Notice);
        };
        let stage = case.incident.plan.get(step).map(|step| step.stage);
        if !waits && stage != Some(Stage::Notice) {
            return false;
        }
        if answer.outcome == StepResult::Refused && Refusal::says_expired(&answer.detail) {
            return true;
        }
        if !take(case, step, answer.outcome) {
            return false;
        }
        if stage != Some(Stage::Notice) {
            self.go_on(at, step, answer);
        }
        true
    }

    /// What an answer leads to.
    fn go_on(&mut self, at: usize, step: usize, answer: &CommandResult) {
        let now = self.now.event;
        let Some(case) = self.model.cases.get_mut(at) else { return };
        let switched = some_done(&case.incident);
        if answer.outcome == StepResult::Done {
            // The word of the target for all its steps: the weakest of them.
            let proof = answer.proof.unwrap_or(Proof::L1).min(Proof::L2);
            case.amend(|i| i.proof = Some(i.proof.map_or(proof, |old| old.min(proof))));
        }
        if case.incident.state == IncidentState::Frozen && answer.outcome == StepResult::Done {
            let why = format!("{} switched after the rollback was called off.", answer.target);
            let next = format!("Say `ripcord approve {}` to go through with it.", self.id);
            self.advance(at, IncidentEvent::Stick, format!("{why} {next}"));
            return;
        }
        let open = doubt(&case.incident);
        if case.incident.state == IncidentState::Frozen && open.is_none() {
            let said = format!("{}: {}", answer.target, answer.detail);
            case.amend(|incident| {
                incident.because = format!("It was called off, and nothing was switched: {said}.");
            });
        }
        if !case.under_way() {
            if next_step(&case.incident).is_none() && case.incident.switched_at.is_none() {
                case.amend(|incident| incident.switched_at = Some(now));
            }
            return;
        }
        let said = format!("{}: {}", answer.target, answer.detail);
        match answer.outcome {
            StepResult::Done => self.ask(at),
            // Asked again when its time comes: the worker probes first.
            StepResult::Unknown => {}
            StepResult::Failed if switched => {}
            StepResult::Failed => {
                let why = format!("Nothing was switched: step {} failed, {said}.", step + 1);
                self.stick(at, &why);
            }
            StepResult::Refused => {
                let why = format!("Step {} was refused, {said}.", step + 1);
                self.stick(at, &why);
            }
        }
    }

    fn stick(&mut self, at: usize, why: &str) {
        let next = format!("Mend it, then say `ripcord approve {}`.", self.id);
        self.advance(at, IncidentEvent::Stick, format!("{why} {next}"));
    }

    /// Time passed.
    pub(super) fn deadlines(&mut self) {
        for at in 0..self.model.cases.len() {
            let now = self.now.log;
            let Some(case) = self.model.cases.get(at) else { continue };
            let (ask, over) = (due(case.ask_at, now), due(case.deadline, now));
            if over {
                self.over(at);
            } else if ask && case.under_way() {
                self.ask(at);
            }
        }
        self.dispute();
    }

    fn over(&mut self, at: usize) {
        let Some(case) = self.model.cases.get(at) else { return };
        match case.incident.state {
            IncidentState::Mitigating if self.only_quiet(case) => self.wait_on(at),
            IncidentState::Mitigating => {
                let why = match next_step(&case.incident) {
                    Some((n, step)) => not_done(n, step),
                    None => self.unproven(case),
                };
                self.stick(at, &why);
            }
            IncidentState::Mitigated => self.late(at),
            IncidentState::Verified => {
                self.advance(
                    at,
                    IncidentEvent::Resolve,
                    "It helped, and nothing came after.".to_owned(),
                );
            }
            IncidentState::MitigatedUnverified => {
                let why = "Over, without a proof that it helped.".to_owned();
                self.advance(at, IncidentEvent::Resolve, why);
            }
            // Called off, and every command that was out is void by now.
            IncidentState::Frozen => {
                let why = match doubt(&case.incident) {
                    None => "It was called off, and nothing was switched.".to_owned(),
                    Some(open) => format!("It was called off; {open}: the facts tell what serves."),
                };
                self.advance(at, IncidentEvent::Resolve, why);
            }
            IncidentState::Open | IncidentState::Resolved | IncidentState::Stuck => {
                if let Some(case) = self.case(at) {
                    case.deadline = None;
                }
            }
        }
    }

    /// The time is over in which the statistic was to show that it helped.
    fn late(&mut self, at: usize) {
        if self.prolong(at) {
            return;
        }
        let Some(case) = self.model.cases.get(at) else { return };
        let why = self.unverified(case);
        self.advance(at, IncidentEvent::Expire, why);
        self.resolve_later(at);
    }

    /// What users saw since the switch is right and only little.
    fn only_quiet(&self, case: &Case) -> bool {
        let within = self.rules.policy.verify_within;
        let young = |switched| self.now.event - switched < within;
        case.watch.live > 0 && case.incident.switched_at.is_some_and(young)
    }

    fn wait_on(&mut self, at: usize) {
        let until = self.now.log + self.rules.policy.mitigate_within;
        if let Some(case) = self.case(at) {
            case.deadline = Some(until);
        }
    }

    /// It ends by itself unless something comes after.
    pub(super) fn resolve_later(&mut self, at: usize) {
        let end = self.now.log + self.rules.policy.resolve_after;
        if let Some(case) = self.case(at) {
            case.deadline = Some(end);
        }
    }

    /// A freeze ends what was begun automatically, as long as nothing was switched.
    pub(super) fn stop_what_is_not_switched(&mut self) {
        let Some(why) = self.frozen().map(str::to_owned) else { return };
        let stoppable =
            |case: &Case| case.under_way() && case.automatic && !some_done(&case.incident);
        if let Some(at) = self.model.cases.iter().position(stoppable) {
            self.call_off(at, &format!("Automatic action is frozen ({why})"));
        }
    }

    /// Ends a rollback of which no step is done, and lifts the quarantine that it made. What became
    /// of it, in words: a step that is out may still be carried out until it expires.
    pub(super) fn call_off(&mut self, at: usize, why: &str) -> String {
        let void = self.now.log + self.rules.policy.command_expires;
        let Some(case) = self.model.cases.get(at) else { return String::new() };
        let (withdrawn, manual) = (case.incident.version.clone(), !case.automatic);
        let (asked, incident) = (doubt(&case.incident), &case.incident.id);
        let words = match asked {
            None => "nothing was switched".to_owned(),
            Some(open) => {
                format!("{open} and may yet switch, until {void}: incident {incident} will tell")
            }
        };
        self.model.version(&withdrawn).quarantine = None;
        self.advance(at, IncidentEvent::Freeze, format!("{why}; {words}."));
        if manual && let Some(case) = self.case(at) {
            case.deadline = Some(void);
        }
        words
    }
}

/// Whether answers to the steps of an incident in this state say something new.
const fn takes_answers(state: IncidentState) -> bool {
    match state {
        IncidentState::Mitigating | IncidentState::Stuck | IncidentState::Frozen => true,
        IncidentState::Open
        | IncidentState::Mitigated
        | IncidentState::Verified
        | IncidentState::MitigatedUnverified
        | IncidentState::Resolved => false,
    }
}

/// Notes an outcome; not where the step takes no further answer.
fn take(case: &mut Case, step: usize, outcome: StepResult) -> bool {
    let from = case.incident.plan.get(step).and_then(|step| step.outcome);
    let Ok(outcome) = next_outcome(from, outcome) else { return false };
    case.amend(|incident| {
        if let Some(step) = incident.plan.get_mut(step) {
            step.outcome = Some(outcome);
        }
    });
    true
}

fn due(at: Option<LogTime>, now: LogTime) -> bool {
    at.is_some_and(|at| at <= now)
}

/// The first step that is not done, notices apart.
fn next_step(incident: &Incident) -> Option<(usize, &Step)> {
    let open = |(_, step): &(usize, &Step)| {
        step.stage != Stage::Notice && step.outcome != Some(StepResult::Done)
    };
    incident.plan.iter().enumerate().find(open)
}

/// Whether something was switched.
pub(super) fn some_done(incident: &Incident) -> bool {
    let done = |step: &Step| step.stage != Stage::Notice && step.outcome == Some(StepResult::Done);
    incident.plan.iter().any(done)
}

/// The step that was asked for and of which nobody knows how it went, in words.
pub(super) fn doubt(incident: &Incident) -> Option<String> {
    let open = |(_, step): &(usize, &Step)| {
        let unknown = matches!(step.outcome, None | Some(StepResult::Unknown));
        step.stage != Stage::Notice && step.asked_at.is_some() && unknown
    };
    let (n, step) = incident.plan.iter().enumerate().find(open)?;
    Some(format!("step {} is not answered, {} was asked", n + 1, step.target))
}

fn not_done(n: usize, step: &Step) -> String {
    let said = match step.outcome {
        None => "has not answered",
        Some(StepResult::Unknown) => "cannot tell whether it did",
        Some(StepResult::Failed) => "keeps failing",
        Some(StepResult::Refused) => "refused",
        Some(StepResult::Done) => "is done",
    };
    let (n, target, attempts) = (n + 1, &step.target, step.attempts);
    format!("Step {n} is not done: {target} {said} (asked {attempts}×).")
}
