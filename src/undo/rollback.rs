//! A rollback under way: steps are asked for in order, and answers are taken.
//!
//! A step is asked for again under the same id until its answer is sure. A command never outlives
//! `mitigate_within`, so nothing acts on a rollback that was given up. Before any step is done, a
//! sure failure ends the rollback with nothing switched; afterwards it only goes forward, and what
//! makes no progress in time is stuck. A worker that reads an outdated copy refuses it as expired;
//! that is no answer to the newer copy.

use super::case::Case;
use super::context::ModelContext;
use super::explanation::Explanation;
use super::plan::Plan;
use super::progress::{doubt, next_step, some_done, takes_answers};
use super::proof::ProofProgress;
use super::state::Quarantine;
use super::transition::next_outcome;
use crate::model::{
    CommandResult, IncidentEvent, IncidentState, MAX_GENERATION, Mode, Proof, ResultCode, Span,
    Stage, Step, StepResult, VersionId, is_credible,
};

/// How often the same step is asked for at most.
const ASKED: u32 = 1000;
/// And never faster than this.
const PAUSE: Span = Span::from_s(1);

impl ModelContext<'_> {
    /// A rollback is decided: the plan is made, the first step is asked for.
    pub(super) fn begin(&mut self, at: usize, to: &VersionId, automatic: bool, why: Explanation) {
        let how = self.model.fitness(to);
        let generation = self.model.generation.saturating_add(1);
        let Some(case) = self.model.cases.get(at) else { return };
        let from = &case.incident.version;
        let plan = Plan::new(self.rules, self.id, from, (to, how), generation, None);
        self.carry_out(at, &plan, automatic, why);
    }

    /// Begins with a plan that is made.
    pub(super) fn carry_out(
        &mut self,
        at: usize,
        plan: &Plan,
        automatic: bool,
        because: Explanation,
    ) {
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
            let since = now.log - policy.rollbacks_period;
            self.model.rollbacks.retain(|at| *at > since);
            self.model.rollbacks.push(now.log);
        }
        let until = Some(now.log + policy.quarantine);
        self.model.version(from).quarantine = Some(Quarantine { until, why });
        self.advance(at, IncidentEvent::Act, because);
        self.ask_notices(at);
        self.ask(at);
    }

    /// Sends the notices together with the first step; nothing waits for them.
    fn ask_notices(&mut self, at: usize) {
        let Some(case) = self.model.cases.get(at) else { return };
        let notice = |(_, step): &(usize, &Step)| step.stage == Stage::Notice;
        let notices: Vec<usize> =
            case.incident.plan.iter().enumerate().filter(notice).map(|(n, _)| n).collect();
        for step in notices {
            self.emit(at, step);
        }
    }

    /// Asks for the next step; when there is none, the world should have moved.
    pub(super) fn ask(&mut self, at: usize) {
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

    /// A worker answered; whether anything waited for that.
    pub(super) fn answer(&mut self, answer: &CommandResult) -> bool {
        let is_its = |case: &Case| case.incident.id == answer.incident;
        let Some(at) = self.model.cases.iter().position(is_its) else { return false };
        let Some(case) = self.model.cases.get(at) else { return false };
        let waits = takes_answers(case.incident.state);
        let is_step = |step: &Step| {
            step.command == answer.command
                && step.target == answer.target
                && step.asked_at.is_some()
        };
        let Some(step) = case.incident.plan.iter().position(is_step) else {
            let its_rule = |rule: &&crate::model::TargetRule| rule.id == answer.target;
            let rule = self.rules.targets.iter().find(its_rule);
            return rule.is_some_and(|rule| rule.stage == Stage::Notice);
        };
        let stage = case.incident.plan.get(step).map(|step| step.stage);
        // Only a target that was asked is believed.
        self.raise_generation(answer.fence.unwrap_or(0));
        if !waits && stage != Some(Stage::Notice) {
            return false;
        }
        if answer.outcome == StepResult::Refused && answer.code == Some(ResultCode::Expired) {
            return true;
        }
        if !self.case(at).is_some_and(|case| take(case, step, answer.outcome)) {
            return false;
        }
        if stage != Some(Stage::Notice) {
            self.go_on(at, step, answer);
        }
        true
    }

    /// Takes the generation that a target reports: the target refuses what is older, so after the
    /// loss of the log the next rollback must be newer. One that is too high to be true is refused
    /// and counted, since it would end fencing for good.
    pub(super) fn raise_generation(&mut self, reported: u64) {
        if !is_credible(reported, self.model.generation.max(MAX_GENERATION)) {
            self.anomalies.refused_fences += 1;
            return;
        }
        self.model.generation = self.model.generation.max(reported);
    }

    /// What an answer leads to.
    fn go_on(&mut self, at: usize, step: usize, answer: &CommandResult) {
        let now = self.now.event;
        let Some(case) = self.model.cases.get_mut(at) else { return };
        let switched = some_done(&case.incident);
        if answer.outcome == StepResult::Done {
            // What the targets prove for all steps is the weakest of their proofs.
            let proof = answer.proof.unwrap_or(Proof::L1).min(Proof::L2);
            case.amend(|i| i.proof = Some(i.proof.map_or(proof, |old| old.min(proof))));
        }
        if case.incident.state == IncidentState::Frozen && answer.outcome == StepResult::Done {
            let because = format!("{} switched after the rollback was called off.", answer.target);
            self.stick(at, "switched_after", because);
            return;
        }
        let open = doubt(&case.incident);
        if case.incident.state == IncidentState::Frozen && open.is_none() {
            let said = format!("{}: {}", answer.target, answer.detail);
            case.amend(|incident| {
                incident.because =
                    format!("The rollback was called off and nothing was switched ({said}).");
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
                let because = format!("Nothing was switched: step {} failed, {said}.", step + 1);
                self.stick(at, "failed", because);
            }
            StepResult::Refused => {
                let because = format!("Step {} was refused, {said}.", step + 1);
                self.stick(at, "refused", because);
            }
        }
    }

    /// A rollback that cannot go on alone.
    pub(super) fn stick(&mut self, at: usize, code: &'static str, because: String) {
        let why = Explanation::new(code, because).then(self.next_approve(at));
        self.advance(at, IncidentEvent::Stick, why);
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

    /// Ends a rollback of which no step is done, and lifts the quarantine that it made. Returns in
    /// words what is known of its effect: a step that was asked for may be done until it expires.
    pub(super) fn call_off(&mut self, at: usize, why: &str) -> String {
        let void = self.now.log + self.rules.policy.command_expires;
        let Some(case) = self.model.cases.get(at) else { return String::new() };
        let (withdrawn, manual) = (case.incident.version.clone(), !case.automatic);
        let words = match doubt(&case.incident) {
            None => "nothing was switched".to_owned(),
            Some((n, target)) => format!(
                "{target} was asked for step {n} and may still switch until {void}; incident {} \
                 will show whether it did",
                case.incident.id
            ),
        };
        self.model.version(&withdrawn).quarantine = None;
        let why = Explanation::new("called_off", format!("{why}; {words}."));
        let why = why.then(self.next_unfreeze().filter(|_| !manual));
        self.advance(at, IncidentEvent::Freeze, why);
        if manual && let Some(case) = self.case(at) {
            case.deadline = Some(void);
        }
        words
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
