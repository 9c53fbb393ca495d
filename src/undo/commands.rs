//! Commands and notices: what goes out to workers.

use super::Output;
use super::case::Case;
use super::context::ModelContext;
use super::ids::CommandKey;
use super::next::release;
use crate::model::{Command, IncidentState, Stage, Want};
use crate::phrases::incident_state;

impl ModelContext<'_> {
    /// Emits the command of a step. It expires no later than the incident's deadline.
    pub(super) fn emit(&mut self, at: usize, step: usize) {
        let Some(case) = self.model.cases.get_mut(at) else { return };
        let now = self.now.log;
        case.amend(|incident| {
            if let Some(step) = incident.plan.get_mut(step) {
                step.asked_at = Some(now);
                step.attempts = step.attempts.saturating_add(1);
            }
        });
        let Some(step) = case.incident.plan.get(step) else { return };
        let void = now + self.rules.policy.command_expires;
        let command = Command {
            id: step.command.clone(),
            namespace: self.namespace.clone(),
            incident: case.incident.id.clone(),
            model: self.id.clone(),
            generation: case.incident.generation.unwrap_or(self.model.generation),
            target: step.target.clone(),
            stage: step.stage,
            want: step.want.clone(),
            reason: case.incident.because.clone(),
            mode: case.incident.mode,
            issued_at: now,
            expires_at: case.deadline.map_or(void, |deadline| void.min(deadline)),
            reply_to: self.now.reply_to,
        };
        self.out.push(Output::Command(command));
    }

    /// Tells the notice targets which state an incident is in; `code` is the kind of reason.
    pub(super) fn notify(&mut self, at: usize, code: &str) {
        let Some(case) = self.model.cases.get(at) else { return };
        let now = self.now.log;
        let incident = &case.incident;
        let generation = incident.generation.unwrap_or(self.model.generation);
        for target in self.rules.targets.iter().filter(|target| target.stage == Stage::Notice) {
            let key = CommandKey {
                namespace: self.namespace,
                incident: &incident.id,
                generation,
                target: &target.id,
                stage: target.stage,
            };
            let command = Command {
                id: key.notice(incident.state, code, incident.to.as_ref()),
                namespace: self.namespace.clone(),
                incident: incident.id.clone(),
                model: self.id.clone(),
                generation,
                target: target.id.clone(),
                stage: target.stage,
                want: Want::Notice { summary: summary(case), severity: severity(case) },
                reason: incident.because.clone(),
                mode: incident.mode,
                issued_at: now,
                expires_at: now + self.rules.policy.command_expires,
                reply_to: self.now.reply_to,
            };
            self.out.push(Output::Command(command));
        }
    }
}

fn summary(case: &Case) -> String {
    let incident = &case.incident;
    let state = incident_state(incident.state);
    let (version, because) = (&incident.version, &incident.because);
    let next = match &incident.next {
        None => String::new(),
        Some(next) if *next == release(&incident.model, version) => {
            format!(" Once {version} is fixed: {next}")
        }
        Some(next) => format!(" Next: {next}"),
    };
    format!("{} {version}: {state}. {because}{next}", incident.model)
}

fn severity(case: &Case) -> String {
    let word = match case.incident.state {
        IncidentState::Frozen | IncidentState::Stuck | IncidentState::MitigatedUnverified => {
            "critical"
        }
        IncidentState::Open | IncidentState::Mitigating => "warning",
        IncidentState::Mitigated | IncidentState::Verified | IncidentState::Resolved => "info",
    };
    word.to_owned()
}
