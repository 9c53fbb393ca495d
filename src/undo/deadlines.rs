//! Deadlines: what is done when time has passed.

use super::case::Case;
use super::context::ModelContext;
use super::explanation::Explanation;
use super::progress::{doubt, next_step, not_done};
use crate::model::{IncidentEvent, IncidentState, LogTime};
use crate::phrases::command;

impl ModelContext<'_> {
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
                let (code, because) = match next_step(&case.incident) {
                    Some((n, step)) => ("not_done", not_done(n, step)),
                    None => ("no_live_proof", self.unproven(case)),
                };
                self.stick(at, code, because);
            }
            IncidentState::Mitigated => self.late(at),
            IncidentState::Verified => {
                let because = "The rollback helped, and no new breach followed.";
                self.resolve(at, "verified", because.to_owned());
            }
            IncidentState::MitigatedUnverified => {
                let because = "Closed without proof that the rollback helped.";
                self.resolve(at, "unverified", because.to_owned());
            }
            // Called off, and every command that was out has expired by now.
            IncidentState::Frozen => {
                let because = match doubt(&case.incident) {
                    None => "The rollback was called off and nothing was switched.".to_owned(),
                    Some((n, target)) => format!(
                        "The rollback was called off; {target} was asked for step {n} and never \
                         answered, so only the observed facts show whether it switched."
                    ),
                };
                self.resolve(at, "called_off", because);
            }
            IncidentState::Open | IncidentState::Resolved | IncidentState::Stuck => {
                if let Some(case) = self.case(at) {
                    case.deadline = None;
                }
            }
        }
    }

    pub(super) fn resolve(&mut self, at: usize, code: &'static str, because: String) {
        self.advance(at, IncidentEvent::Resolve, Explanation::new(code, because));
    }

    /// The time is over in which the statistic was to show that the rollback helped.
    fn late(&mut self, at: usize) {
        if self.prolong(at) {
            return;
        }
        let Some(case) = self.model.cases.get(at) else { return };
        let next = Some(command("status", &[self.id.as_str()], &[]));
        let why = Explanation::new("not_verified", self.unverified(case)).then(next);
        self.advance(at, IncidentEvent::Expire, why);
        self.resolve_later(at);
    }

    /// What users saw since the switch is right, only there is little of it.
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

    /// It ends by itself unless something follows.
    pub(super) fn resolve_later(&mut self, at: usize) {
        let end = self.now.log + self.rules.policy.resolve_after;
        if let Some(case) = self.case(at) {
            case.deadline = Some(end);
        }
    }
}

fn due(at: Option<LogTime>, now: LogTime) -> bool {
    at.is_some_and(|at| at <= now)
}
