//! The course of a rollback: its proofs, or why there are none.

use super::Story;
use crate::model::{EventTime, Incident, IncidentState};
use crate::phrases::span;

impl Story {
    /// A rollback that reached another state.
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
        let screen = self.screen;
        let (label, painted, text) = match incident.state {
            IncidentState::Mitigated => {
                let took = incident.decided_at.zip(incident.mitigated_at);
                let took = took.map(|(from, to)| span(to - from)).unwrap_or_default();
                let text = format!("Proof by live traffic, {took} after the decision: {because}");
                ("MITIGATED", screen.good("MITIGATED"), text)
            }
            IncidentState::Verified => {
                let whose = if incident.trigger.is_some() {
                    "the statistic that fired"
                } else {
                    "a statistic"
                };
                let text = format!("Proof by {whose}: {because}");
                ("VERIFIED", screen.good("VERIFIED"), text)
            }
            IncidentState::MitigatedUnverified => {
                ("UNVERIFIED", screen.bad("UNVERIFIED"), because.to_owned())
            }
            IncidentState::Resolved if of_rollback => {
                ("resolved", screen.good("resolved"), because.to_owned())
            }
            IncidentState::Stuck => ("STUCK", screen.bad("STUCK"), because.to_owned()),
            IncidentState::Frozen if of_rollback => {
                ("FROZEN", screen.bad("FROZEN"), because.to_owned())
            }
            // This is told with the evidence, which comes next.
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
