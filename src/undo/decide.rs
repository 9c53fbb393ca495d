//! What a verdict leads to.
//!
//! Only a breach of the version in production rolls back by itself: by a trigger that rolls back,
//! in mode act, and with benefit shown against the very version it would go to. Every other case
//! is recorded with its reason, so that nobody has to guess why nothing happened.
//!
//! Choices: a quarantined version that is not in production opens no incident; one in production
//! is judged like any other. The cooldown of a signal does not hold back a breach of a version
//! that a rollback restored: that is a new fault of another version.

use super::case::{Case, Kind};
use super::context::ModelContext;
use super::explanation::Explanation;
use super::next::approve;
use super::plan::{has_targets, no_version};
use super::state::ALERTS_OPEN;
use super::wording::outside;
use super::{Output, Response, Ruling};
use crate::model::{Action, IncidentEvent, IncidentState, Reason, Trigger, Verdict};
use crate::phrases::{moment, reference};
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
            Verdict::Stale if a.reason.is_blind() && self.model.serves(&a.version) => self.blind(a),
            Verdict::Systemic | Verdict::Insufficient | Verdict::Stale | Verdict::Blind => {
                self.unsure(a)
            }
            Verdict::Breach => self.breach(a),
        };
        if a.changed || ruling.did == Response::Acted {
            self.out.push(Output::Ruling(ruling));
        }
    }

    /// The incident of this version and rule that waits.
    pub(super) fn waiting(&self, a: &Assessment) -> Option<usize> {
        self.model.cases.iter().position(|case| {
            case.kind == Kind::Trigger
                && case.waits()
                && case.incident.version == a.version
                && case.incident.trigger.as_ref() == Some(&a.trigger)
                && case.incident.feature == a.feature
        })
    }

    pub(super) fn ruling(
        &self,
        a: &Assessment,
        did: Response,
        at: Option<usize>,
        because: String,
    ) -> Ruling {
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
        let because = format!("{} is healthy according to {}.", a.version, a.trigger);
        let Some(at) = self.waiting(a) else {
            return self.ruling(a, Response::Nothing, None, because);
        };
        self.note(at, a);
        if self.case(at).is_some_and(|case| case.incident.switched_at.is_some()) {
            return self.ruling(a, Response::Nothing, Some(at), because);
        }
        let again = format!("{} is healthy again.", a.version);
        self.advance(at, IncidentEvent::Resolve, Explanation::new("healthy", again));
        self.ruling(a, Response::Resolved, Some(at), because)
    }

    fn unsure(&mut self, a: &Assessment) -> Ruling {
        let at = self.waiting(a);
        if let Some(at) = at {
            self.note(at, a);
        }
        let because = match a.verdict {
            Verdict::Systemic => format!("{} is not in production.", a.version),
            Verdict::Stale | Verdict::Blind => {
                format!("Measurements of {} are late or incomplete.", a.version)
            }
            Verdict::Healthy | Verdict::Breach | Verdict::Insufficient => {
                format!("There is not enough evidence against {}.", a.version)
            }
        };
        self.ruling(a, Response::Nothing, at, because)
    }

    /// So much is lost that nobody can say whether the version is healthy. It never rolls back.
    fn blind(&mut self, a: &Assessment) -> Ruling {
        let (version, trigger) = (&a.version, &a.trigger);
        let because = if a.reason == Reason::LabelTypes {
            format!(
                "{trigger} cannot judge {version}: its predictions are numbers and the outcomes \
                 texts, or the other way round. Write both in one type."
            )
        } else if a.reason == Reason::Silent {
            let since = since(a);
            format!("{version} has not answered {since}, so nobody can say whether it is healthy.")
        } else if a.reason == Reason::NoLabels {
            let since = since(a);
            format!("No labels for {version} have come {since}, so {trigger} cannot judge it.")
        } else {
            format!(
                "Too many records of {version} are lost for {trigger} to call it healthy: if all \
                 of them were bad, it would be over its limit."
            )
        };
        // One incident tells it, whichever trigger said so first.
        let told = self.model.cases.iter().position(|case| {
            case.waits()
                && case.incident.version == a.version
                && case.incident.verdict == Verdict::Blind
                && case.incident.trigger.as_ref() != Some(&a.trigger)
        });
        if let Some(at) = told {
            return self.ruling(a, Response::Joined, Some(at), because);
        }
        let next = Some("ripcord status".to_owned());
        self.alert(a, Explanation::new("blind", because).then(next))
    }

    fn systemic(&mut self, a: &Assessment) -> Ruling {
        let because = format!(
            "{}, and so is the version it is compared with (judged by {}). Both have the same \
             cause, so a rollback would not help.",
            outside(a),
            reference(a.evidence.reference)
        );
        self.alert(a, Explanation::new("systemic", because))
    }

    /// Past the limit, and nothing shows that another version would be better: at most a
    /// recommendation.
    fn recommend(&mut self, a: &Assessment) -> Ruling {
        let rolls_back = |rule: &Trigger| rule.id == a.trigger && rule.action == Action::Rollback;
        if !self.rules.triggers.iter().any(rolls_back)
            || self.model.cases.iter().any(Case::under_way)
        {
            return self.unsure(a);
        }
        let past = outside(a);
        let (to, why) = match self.model.pick(&self.rules.policy, self.now.log) {
            Ok((to, _)) => {
                let because = format!(
                    "{past}, but nothing shows that {to} would be better; waiting for approval."
                );
                let next = has_targets(self.rules).ok().map(|()| approve(self.id));
                (Some(to), Explanation::new("unproven", because).then(next))
            }
            Err(reasons) => {
                let because = format!("{past}, and {}.", no_version(&reasons));
                (None, Explanation::new("no_version", because).then(self.next_vouch()))
            }
        };
        if let Some(at) = self.waiting(a).or_else(|| self.open_alert(a))
            && let Some(case) = self.case(at)
        {
            case.amend(|incident| incident.to.clone_from(&to));
        }
        let ruling = self.alert(a, why);
        Ruling { did: Response::WouldHave, to, ..ruling }
    }

    /// Opens or keeps an incident that only tells people.
    pub(super) fn alert(&mut self, a: &Assessment, why: Explanation) -> Ruling {
        let because = why.because.clone();
        let Some(at) = self.waiting(a).or_else(|| self.open_alert(a)) else {
            let full = format!("{because} No incident is opened: {ALERTS_OPEN} are open already.");
            return self.ruling(a, Response::Nothing, None, full);
        };
        self.note(at, a);
        self.explain(at, why);
        self.ruling(a, Response::Alerted, Some(at), because)
    }

    fn open_alert(&mut self, a: &Assessment) -> Option<usize> {
        let open = self.model.cases.iter().filter(|case| case.waits()).count();
        (open < ALERTS_OPEN).then(|| self.open(a, String::new()))
    }

    /// Says why an incident waits, and notifies people if that is news.
    pub(super) fn explain(&mut self, at: usize, why: Explanation) {
        let code = why.code;
        if self.set_reason(at, why) {
            self.notify(at, code);
        }
    }

    /// Sets the reason of an incident that waits; whether it is another one.
    fn set_reason(&mut self, at: usize, why: Explanation) -> bool {
        let Some(case) = self.case(at) else { return false };
        let stuck = case.incident.state == IncidentState::Stuck;
        if stuck {
            return false;
        }
        let news = case.incident.because != why.because;
        case.amend(|incident| {
            incident.because = why.because;
            incident.next = why.next;
        });
        news
    }
}

/// Since when something no longer comes.
fn since(a: &Assessment) -> String {
    a.evidence.since.map_or_else(|| "lately".to_owned(), |since| format!("since {}", moment(since)))
}

/// The evidence is over its threshold, and only the benefit is not shown.
fn undecided(a: &Assessment) -> bool {
    matches!(a.reason, Reason::BenefitUnproven | Reason::NoReference)
}
