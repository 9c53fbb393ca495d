//! What became of a rollback: its proofs, or why there is none.

use super::{Story, words};
use crate::model::{EventTime, Incident, IncidentState};

impl Story {
    /// A rollback that came to another state.
    pub(super) fn incident(&mut self, incident: &Incident) -> Option<String> {
        let before = self.states.insert(incident.id.clone(), incident.state);
        if before == Some(incident.state) {
            return None;
        }
        let of_rollback = incident.generation.is_some();
        let proven = match incident.state {
            IncidentState::Mitigated => incident.mitigated_at,
            IncidentState::Verified => incident.verified_at,
            IncidentState::Open
            | IncidentState::Mitigating
            | IncidentState::MitigatedUnverified
            | IncidentState::Resolved
            | IncidentState::Frozen
            | IncidentState::Stuck => incident.closed_at,
        };
        let at = proven.unwrap_or(EventTime::from_ms(incident.changed_at.as_ms()));
        let because = incident.because.as_str();
        let paint = self.paint;
        let (label, painted, text) = match incident.state {
            IncidentState::Mitigated => {
                let took = incident.decided_at.zip(incident.mitigated_at);
                let took = took.map(|(from, to)| words::span(to - from)).unwrap_or_default();
                let text = format!("Proof by live traffic, {took} after the decision: {because}");
                ("MITIGATED", paint.good("MITIGATED"), text)
            }
            IncidentState::Verified => {
                let whose = if incident.trigger.is_some() {
                    "the statistic that fired"
                } else {
                    "a statistic"
                };
                let text = format!("Proof by {whose}: {because}");
                ("VERIFIED", paint.good("VERIFIED"), text)
            }
            IncidentState::MitigatedUnverified => {
                ("UNVERIFIED", paint.bad("UNVERIFIED"), because.to_owned())
            }
            IncidentState::Resolved if of_rollback => {
                ("resolved", paint.good("resolved"), because.to_owned())
            }
            IncidentState::Stuck => {
                let why = words::without_order(because);
                let next = format!("{why}\nWere it live: ripcord approve {}", incident.model);
                ("STUCK", paint.bad("STUCK"), next)
            }
            IncidentState::Frozen if of_rollback => {
                let next = format!("{because}\nWere it live: ripcord unfreeze {}", incident.model);
                ("FROZEN", paint.bad("FROZEN"), next)
            }
            // It is told with the evidence, which comes next.
            IncidentState::Frozen
            | IncidentState::Open
            | IncidentState::Mitigating
            | IncidentState::Resolved => {
                return None;
            }
        };
        Some(self.block(at, label, &painted, &text))
    }
}
