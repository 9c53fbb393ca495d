//! The records of incidents: opened, and kept up to date with what judge says.

use super::case::{Case, Kind};
use super::context::ModelContext;
use super::explanation::Explanation;
use super::ids::incident_id;
use super::proof::ProofProgress;
use super::wording::compared;
use crate::model::{EventTime, Incident, IncidentState, Reference, Verdict, VersionId};
use crate::sums::Assessment;

impl ModelContext<'_> {
    /// Updates the record with what judge says now.
    pub(super) fn note(&mut self, at: usize, a: &Assessment) {
        let reference = compared(a);
        if let Some(case) = self.case(at)
            && (a.changed || of_incident(a) != case.incident.verdict)
        {
            case.amend(|incident| {
                incident.verdict = of_incident(a);
                // The grounds of a decision stay as they were.
                if incident.decided_at.is_none() {
                    incident.reference = reference;
                    // A later verdict is about a different period.
                    if matches!(a.verdict, Verdict::Breach | Verdict::Systemic) {
                        incident.breach_from = a.evidence.since.or(incident.breach_from);
                        incident.samples = a.evidence.samples;
                    }
                }
            });
        }
    }

    pub(super) fn open(&mut self, a: &Assessment, because: String) -> usize {
        let opened = a.evidence.since.unwrap_or(a.at);
        let feature = a.feature.as_ref().map_or("", |feature| feature.as_str());
        let id_parts = [a.version.as_str(), a.trigger.as_str(), feature];
        let mut incident = self.blank(&a.version, &id_parts, opened, because);
        incident.trigger = Some(a.trigger.clone());
        incident.signal = Some(a.signal);
        incident.feature.clone_from(&a.feature);
        incident.reference = compared(a);
        incident.verdict = of_incident(a);
        incident.breach_from = a.evidence.since;
        incident.samples = a.evidence.samples;
        self.add(Kind::Trigger, incident)
    }

    /// Opens an incident that no trigger opened, and notifies people.
    pub(super) fn open_plain(
        &mut self,
        kind: Kind,
        version: &VersionId,
        why: Explanation,
    ) -> usize {
        let word = match kind {
            Kind::Trigger => "trigger",
            Kind::Manual => "manual",
            Kind::Dispute => "dispute",
            Kind::Returned => "returned",
        };
        let incident = self.blank(version, &[version.as_str(), word], self.now.event, why.because);
        let at = self.add(kind, incident);
        if kind != Kind::Manual {
            // What may be approved is known once the incident is there.
            let next = if kind == Kind::Returned { self.next_approve(at) } else { None };
            if let Some(case) = self.case(at) {
                case.amend(|incident| incident.next = next);
            }
            self.notify(at, why.code);
        }
        at
    }

    fn add(&mut self, kind: Kind, incident: Incident) -> usize {
        let case = Case {
            incident,
            kind,
            automatic: false,
            ask_at: None,
            deadline: None,
            watch: ProofProgress::default(),
            changed: true,
        };
        self.model.cases.push(case);
        self.model.cases.len() - 1
    }

    fn blank(
        &self,
        version: &VersionId,
        parts: &[&str],
        opened: EventTime,
        because: String,
    ) -> Incident {
        let opened = opened.to_string();
        let born = self.born.map_or(String::new(), |born| born.to_string());
        let mut id_parts = vec![self.namespace.as_str(), &born, self.id.as_str()];
        id_parts.extend_from_slice(parts);
        id_parts.push(&opened);
        let taken = |id| self.model.cases.iter().any(|case| case.incident.id == id);
        let mut id = incident_id(&id_parts);
        // The same breach may be opened again after it was resolved.
        while taken(id.clone()) {
            id_parts.push("again");
            id = incident_id(&id_parts);
        }
        Incident {
            id,
            model: self.id.clone(),
            version: version.clone(),
            trigger: None,
            signal: None,
            feature: None,
            reference: Reference::None,
            verdict: Verdict::Insufficient,
            state: IncidentState::Open,
            because,
            next: None,
            mode: self.mode(),
            to: None,
            generation: None,
            plan: Vec::new(),
            proof: None,
            by_registry: false,
            breach_from: None,
            samples: 0,
            opened_at: self.now.event,
            decided_at: None,
            switched_at: None,
            mitigated_at: None,
            verified_at: None,
            closed_at: None,
            changed_at: self.now.log,
        }
    }
}

/// The verdict that an incident carries.
fn of_incident(a: &Assessment) -> Verdict {
    match (a.verdict, a.reason) {
        (Verdict::Stale, reason) if reason.is_blind() => Verdict::Blind,
        (verdict, _) => verdict,
    }
}
