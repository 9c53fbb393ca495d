//! What a verdict leads to.
//!
//! Only a breach of the version in production, of a trigger that rolls back, in mode act, with
//! benefit shown against the very version it would go to, rolls back by itself. Every other case
//! is written down with the reason, so that nobody has to guess why nothing happened.
//!
//! Choices: a quarantined version that does not serve opens nothing, one that serves is judged
//! like any other. A breach of a version that a rollback restored is not held by the cooldown of
//! its signal: it is a new fault of another version. The mode comes last: observe and recommend
//! say "would" only of what act would do.
//!
//! Over 300 lines: the questions of one decision, in the order they are asked.

use super::policy::Hold;
use super::state::{ALERTS_OPEN, Case, Kind};
use super::{ModelContext, Output, Response, Ruling};
use crate::model::{
    Action, Benefit, IncidentEvent, IncidentState, Mode, Reason, Reference, Role, Trigger, Verdict,
    VersionId,
};
use crate::sums::Assessment;

impl ModelContext<'_> {
    /// Judge spoke.
    pub(super) fn assessed(&mut self, a: &Assessment) {
        self.remember(a);
        self.statistical_proof(a);
        let ruling = match a.verdict {
            Verdict::Healthy => self.healthy(a),
            Verdict::Systemic if self.model.serves(&a.version) => self.systemic(a),
            Verdict::Insufficient if self.model.serves(&a.version) && undecided(a) => {
                self.recommend(a)
            }
            Verdict::Systemic | Verdict::Insufficient | Verdict::Stale => self.unsure(a),
            Verdict::Breach => self.breach(a),
        };
        if a.changed || ruling.did == Response::Acted {
            self.out.push(Output::Ruling(ruling));
        }
    }

    /// The incident of this version and rule that waits.
    fn waiting(&self, a: &Assessment) -> Option<usize> {
        self.model.cases.iter().position(|case| {
            case.kind == Kind::Trigger
                && case.waits()
                && case.incident.version == a.version
                && case.incident.trigger.as_ref() == Some(&a.trigger)
                && case.incident.feature == a.feature
        })
    }

    fn ruling(&self, a: &Assessment, did: Response, at: Option<usize>, because: String) -> Ruling {
        let incident = at.and_then(|at| self.model.cases.get(at)).map(|case| &case.incident);
        Ruling {
            model: a.model.clone(),
            version: a.version.clone(),
            trigger: a.trigger.clone(),
            feature: a.feature.clone(),
            at: a.at,
            verdict: a.verdict,
            did,
            to: incident.and_then(|incident| incident.to.clone()),
            because,
            incident: incident.map(|incident| incident.id.clone()),
        }
    }

    fn healthy(&mut self, a: &Assessment) -> Ruling {
        let because = format!("{} is healthy by {}.", a.version, a.trigger);
        let Some(at) = self.waiting(a) else {
            return self.ruling(a, Response::Nothing, None, because);
        };
        self.note(at, a);
        if self.case(at).is_some_and(|case| case.incident.switched_at.is_some()) {
            return self.ruling(a, Response::Nothing, Some(at), because);
        }
        self.advance(at, IncidentEvent::Resolve, format!("{} is healthy again.", a.version));
        self.ruling(a, Response::Resolved, Some(at), because)
    }

    fn unsure(&mut self, a: &Assessment) -> Ruling {
        let at = self.waiting(a);
        if let Some(at) = at {
            self.note(at, a);
        }
        let because = match a.verdict {
            Verdict::Systemic => format!("{} does not serve.", a.version),
            Verdict::Stale => format!("The measuring of {} is behind or blind.", a.version),
            Verdict::Healthy | Verdict::Breach | Verdict::Insufficient => {
                format!("The evidence against {} does not suffice.", a.version)
            }
        };
        self.ruling(a, Response::Nothing, at, because)
    }

    fn systemic(&mut self, a: &Assessment) -> Ruling {
        let because = format!(
            "{} is past the limit of {} and so is what it is compared with ({}): a common cause, \
             which no rollback mends.",
            a.version,
            a.trigger,
            reference_words(a.evidence.reference)
        );
        self.alert(a, because)
    }

    /// Past the limit, and nothing shows that another version would serve better: at most a
    /// recommendation.
    fn recommend(&mut self, a: &Assessment) -> Ruling {
        let rolls_back = |rule: &Trigger| rule.id == a.trigger && rule.action == Action::Rollback;
        if !self.rules.triggers.iter().any(rolls_back)
            || self.model.cases.iter().any(Case::under_way)
        {
            return self.unsure(a);
        }
        let past = format!("{} is past the limit of {}", a.version, a.trigger);
        let (to, because) = match self.model.pick(&self.rules.policy, self.now.log) {
            Ok((to, _)) => {
                let because = format!(
                    "{past}, and nothing shows that {to} would serve better: {}",
                    self.approve()
                );
                (Some(to), because)
            }
            Err(nobody) => (None, format!("{past}, and would go back to {nobody}.")),
        };
        let ruling = self.alert(a, because);
        if let Some(at) = self.waiting(a)
            && let Some(case) = self.case(at)
            && case.incident.to != to
        {
            case.amend(|incident| incident.to = to.clone());
        }
        Ruling { did: Response::WouldHave, to, ..ruling }
    }

    /// Opens or keeps an incident that only tells people.
    fn alert(&mut self, a: &Assessment, because: String) -> Ruling {
        let Some(at) = self.waiting(a).or_else(|| self.open_alert(a)) else {
            let full = format!("{because} {ALERTS_OPEN} alerts are open, none is added.");
            return self.ruling(a, Response::Nothing, None, full);
        };
        self.note(at, a);
        self.explain(at, &because);
        self.ruling(a, Response::Alerted, Some(at), because)
    }

    fn open_alert(&mut self, a: &Assessment) -> Option<usize> {
        let open = self.model.cases.iter().filter(|case| case.waits()).count();
        (open < ALERTS_OPEN).then(|| self.open(a, String::new()))
    }

    fn breach(&mut self, a: &Assessment) -> Ruling {
        let Some(rule) = self.rules.triggers.iter().find(|rule| rule.id == a.trigger) else {
            let because = format!("The rules no longer hold {}.", a.trigger);
            return self.ruling(a, Response::Nothing, None, because);
        };
        let serves = self.model.serves(&a.version);
        if !serves && self.model.quarantine(&a.version, self.now.log).is_some() {
            let because = format!("{} is in quarantine and does not serve.", a.version);
            return self.ruling(a, Response::Nothing, None, because);
        }
        if rule.action == Action::Alert {
            let of = a.feature.as_ref().map(|f| format!(" on {f}")).unwrap_or_default();
            let because = format!("{} breaches {}{of}.", a.version, a.trigger);
            return self.alert(a, because);
        }
        if serves {
            return self.production_breach(a, rule);
        }
        let because = match self.model.role(&a.version, self.now.event) {
            Role::Canary => format!(
                "The canary {} breaches {}. No target sets a canary's share yet: take its share \
                 away by hand.",
                a.version, a.trigger
            ),
            Role::Production | Role::Shadow | Role::Idle if self.model.production.is_none() => {
                format!(
                    "{} breaches {}, and no source says which version serves: name a target with \
                     authority, or say `ripcord promoted {} VERSION`.",
                    a.version, a.trigger, self.id
                )
            }
            Role::Production | Role::Shadow | Role::Idle => {
                format!(
                    "{} breaches {} and does not serve: do not promote it.",
                    a.version, a.trigger
                )
            }
        };
        self.alert(a, because)
    }

    fn production_breach(&mut self, a: &Assessment, rule: &Trigger) -> Ruling {
        if let Some(at) = self.model.cases.iter().position(Case::under_way) {
            let because = format!("{} is being rolled back already.", a.version);
            return self.ruling(a, Response::Joined, Some(at), because);
        }
        self.second_breach(a);
        let mode = self.mode_of(rule);
        let stop = self.may_act(a, mode);
        let at = self.waiting(a).unwrap_or_else(|| self.open(a, String::new()));
        self.note(at, a);
        let to = match &stop {
            Ok(to) => Some(to.clone()),
            Err(_) => self.model.pick(&self.rules.policy, self.now.log).ok().map(|(to, _)| to),
        };
        if let Some(case) = self.case(at) {
            case.amend(|incident| {
                incident.to = to;
                incident.mode = mode;
            });
        }
        let (did, because) = match (stop, mode) {
            (Ok(to), Mode::Act) => {
                let because = acting(a, &to);
                self.begin(at, &to, true, because.clone());
                (Response::Acted, because)
            }
            (Ok(to), Mode::Recommend) => (
                Response::WouldHave,
                format!("Would roll back to {to} (recommend): {}", self.approve()),
            ),
            (Ok(to), Mode::Observe) => {
                (Response::WouldHave, format!("Would roll back to {to} (observe)."))
            }
            (Err(Hold::Freeze(because)), Mode::Act) => {
                self.advance(at, IncidentEvent::Freeze, because.clone());
                (Response::Held, because)
            }
            (Err(Hold::Freeze(because)), Mode::Observe | Mode::Recommend) => {
                (Response::Held, format!("Would freeze: {because}"))
            }
            (Err(Hold::Hold(because)), _) => (Response::Held, because),
        };
        if did != Response::Acted {
            self.explain(at, &because);
        }
        self.ruling(a, did, Some(at), because)
    }

    /// Says why an incident waits, and tells people when that is news.
    fn explain(&mut self, at: usize, because: &str) {
        if self.set_reason(at, because) {
            self.notify(at);
        }
    }

    /// Sets the reason of an incident that waits; whether it is another one.
    fn set_reason(&mut self, at: usize, because: &str) -> bool {
        let Some(case) = self.case(at) else { return false };
        let stuck = case.incident.state == IncidentState::Stuck;
        if stuck || case.incident.because == because {
            return false;
        }
        case.amend(|incident| because.clone_into(&mut incident.because));
        true
    }

    fn approve(&self) -> String {
        format!("waiting for approval, say `ripcord approve {}`.", self.id)
    }

    /// A version that a rollback restored went bad itself.
    fn second_breach(&mut self, a: &Assessment) {
        let watched = |case: &Case| {
            case.incident.state == IncidentState::Mitigated
                && case.incident.to.as_ref() == Some(&a.version)
        };
        if let Some(at) = self.model.cases.iter().position(watched) {
            let why =
                format!("{} breaches {} itself before it was shown to help.", a.version, a.trigger);
            self.advance(at, IncidentEvent::Expire, why);
            self.resolve_later(at);
        }
    }
}

/// The evidence is over its threshold, and only the benefit is not shown.
fn undecided(a: &Assessment) -> bool {
    matches!(a.reason, Reason::BenefitUnproven | Reason::NoReference)
}

/// What the comparison rests on: that of the version shown to be better, else the evidence's.
pub(super) fn compared(a: &Assessment) -> Reference {
    let better = a.against.iter().find(|other| other.better == Benefit::Better);
    better.map_or(a.evidence.reference, |other| other.reference)
}

fn acting(a: &Assessment, to: &VersionId) -> String {
    let estimate = match (a.evidence.estimate, a.evidence.null) {
        (Some(estimate), Some(null)) => {
            let [estimate, null] = [estimate, null].map(|value| a.evidence.limit.shown(value));
            format!(" at {estimate} against {null} tolerated")
        }
        (Some(_), None) | (None, _) => String::new(),
    };
    format!(
        "{} breaches {}{estimate} over {} samples, and {to} would serve better ({}).",
        a.version,
        a.trigger,
        a.evidence.samples,
        reference_words(compared(a))
    )
}

const fn reference_words(reference: Reference) -> &'static str {
    match reference {
        Reference::Paired => "on the same requests",
        Reference::Live => "live at the same time",
        Reference::History => "by its own history",
        Reference::Baseline => "by its baseline",
        Reference::None => "nothing to compare with",
    }
}
