//! What a breach leads to.
//!
//! Law: the mode comes last. So what observe and recommend say they would do is what act would do.

use super::case::Case;
use super::context::ModelContext;
use super::explanation::Explanation;
use super::policy::{Hold, budget_used};
use super::wording::acting;
use super::{Response, Ruling};
use crate::model::{
    Action, IncidentEvent, IncidentState, Mode, Role, Trigger, TriggerId, VersionId,
};
use crate::sums::Assessment;

impl ModelContext<'_> {
    pub(super) fn breach(&mut self, a: &Assessment) -> Ruling {
        let Some(rule) = self.rules.triggers.iter().find(|rule| rule.id == a.trigger) else {
            let because = format!("The rules no longer contain {}.", a.trigger);
            return self.ruling(a, Response::Nothing, None, because);
        };
        let serves = self.model.serves(&a.version);
        if !serves && self.model.quarantine(&a.version, self.now.log).is_some() {
            let because = format!("{} is in quarantine and not in production.", a.version);
            return self.ruling(a, Response::Nothing, None, because);
        }
        if rule.action == Action::Alert {
            let of = a.feature.as_ref().map(|f| format!(" on {f}")).unwrap_or_default();
            let because = format!("{} breaches {}{of}.", a.version, a.trigger);
            return self.alert(a, Explanation::new("alert", because));
        }
        if serves {
            return self.production_breach(a, rule);
        }
        let why = self.breach_elsewhere(&a.version, &a.trigger);
        self.alert(a, why)
    }

    /// Why the breach of a version that is not in production only alerts.
    fn breach_elsewhere(&self, version: &VersionId, trigger: &TriggerId) -> Explanation {
        match self.model.role(version, self.now.event) {
            Role::Canary => Explanation::new(
                "canary",
                format!(
                    "The canary {version} breaches {trigger}. Ripcord cannot set the share of a \
                     canary yet: set it to zero yourself."
                ),
            ),
            Role::Production | Role::Shadow | Role::Idle if self.model.production.is_none() => {
                let because = format!(
                    "{version} breaches {trigger}, but it is not known which version is in \
                     production."
                );
                Explanation::new("no_production", because).then(Some(self.next_promoted()))
            }
            Role::Production | Role::Shadow | Role::Idle => Explanation::new(
                "not_serving",
                format!(
                    "{version} breaches {trigger} and is not in production: do not promote it."
                ),
            ),
        }
    }

    fn production_breach(&mut self, a: &Assessment, rule: &Trigger) -> Ruling {
        if let Some(at) = self.model.cases.iter().position(Case::under_way) {
            let because = format!("{} is already being rolled back.", a.version);
            return self.ruling(a, Response::Joined, Some(at), because);
        }
        self.second_breach(a);
        let mode = self.mode_of(rule);
        let answer = self.may_act(a);
        let at = self.waiting(a).unwrap_or_else(|| self.open(a, String::new()));
        self.note(at, a);
        let to = match &answer {
            Ok(to) => Some(to.clone()),
            Err(_) => self.model.pick(&self.rules.policy, self.now.log).ok().map(|(to, _)| to),
        };
        if let Some(case) = self.case(at) {
            case.amend(|incident| {
                incident.to = to;
                incident.mode = mode;
            });
        }
        let (did, why) = match answer {
            Ok(to) if mode == Mode::Act => {
                let because = acting(a, &to);
                let why = Explanation::new("acted", because.clone());
                self.begin(at, &to, true, why);
                return self.ruling(a, Response::Acted, Some(at), because);
            }
            Ok(to) => (Response::WouldHave, self.would(at, &to, mode)),
            Err(hold) => (Response::Held, self.held(at, &hold, mode)),
        };
        let because = why.because.clone();
        self.explain(at, why);
        self.ruling(a, did, Some(at), because)
    }

    /// What a lower mode says instead of rolling back.
    fn would(&self, at: usize, to: &VersionId, mode: Mode) -> Explanation {
        match mode {
            Mode::Observe => Explanation::new(
                "would_observe",
                format!("Would roll back to {to}, but the mode is observe."),
            ),
            Mode::Recommend | Mode::Act => Explanation::new(
                "would_recommend",
                format!("Would roll back to {to}; waiting for approval (mode recommend)."),
            )
            .then(self.next_approve(at)),
        }
    }

    /// Applies what holds a rollback back: in mode act, what a person must look at freezes.
    fn held(&mut self, at: usize, hold: &Hold, mode: Mode) -> Explanation {
        let (code, because) = (hold.code(), hold.because());
        if !hold.freezes() {
            let next = self.next_of_hold(at, hold, mode);
            return Explanation::new(code, because).then(next);
        }
        if mode != Mode::Act {
            let next = self.next_of_hold(at, hold, mode);
            return Explanation::new(code, format!("Would freeze: {because}")).then(next);
        }
        if let Hold::BudgetUsed(max) = hold {
            self.model.frozen = Some(budget_used(*max));
        }
        let why = Explanation::new(code, because).then(self.next_of_hold(at, hold, mode));
        // One that is frozen or stuck already stays so, with the new reason.
        let open = |case: &Case| case.incident.state == IncidentState::Open;
        if self.model.cases.get(at).is_some_and(open) {
            self.advance(at, IncidentEvent::Freeze, why.clone());
        }
        why
    }

    /// A version that a rollback restored went bad itself.
    fn second_breach(&mut self, a: &Assessment) {
        let watched = |case: &Case| {
            case.incident.state == IncidentState::Mitigated
                && case.incident.to.as_ref() == Some(&a.version)
        };
        if let Some(at) = self.model.cases.iter().position(watched) {
            let because =
                format!("{} breached {} before the rollback was verified.", a.version, a.trigger);
            let why = Explanation::new("second_breach", because);
            self.advance(at, IncidentEvent::Expire, why);
            self.resolve_later(at);
        }
    }
}
