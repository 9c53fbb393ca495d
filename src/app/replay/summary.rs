//! The summary of a replay, `ripcord.replay/1`.

use std::collections::BTreeMap;

use serde::Serialize;

use super::Ledger;
use crate::model::{
    EventTime, FeatureName, Incident, IncidentId, IncidentState, Mode, ModelId, Namespace, Proof,
    Reference, Role, RuleBook, Signal, TriggerId, Verdict, VersionId,
};
use crate::shard::{BUILD, Output, Status};
use crate::sums::Counters;

/// What a replay came to.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Summary {
    schema: &'static str,
    version: &'static str,
    namespace: Namespace,
    rules_hash: String,
    mode: Mode,
    /// What became of every record.
    pub records: Counters,
    /// By model.
    pub models: BTreeMap<ModelId, ModelSummary>,
    /// What was taken back.
    pub rollbacks: Vec<RollbackSummary>,
    /// What would have been, had the mode allowed it.
    pub would_have: Vec<WouldHave>,
    /// Every incident.
    pub incidents: Vec<IncidentSummary>,
}

/// One model.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ModelSummary {
    /// The version that served at the start.
    pub production_at_start: Option<VersionId>,
    /// The version that serves at the end.
    pub production_at_end: Option<VersionId>,
    /// The share of right answers that users saw; none without labels.
    pub accuracy_served: Option<f64>,
    /// The same had the starting version answered throughout.
    pub accuracy_without: Option<f64>,
    /// Its versions.
    pub versions: BTreeMap<VersionId, VersionSummary>,
}

/// One version at the end.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct VersionSummary {
    /// What it is.
    pub role: Option<Role>,
    /// Fit to roll back to.
    pub proven: bool,
    /// May not be promoted.
    pub quarantined: bool,
}

/// One rollback.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct RollbackSummary {
    incident: IncidentId,
    model: ModelId,
    from: VersionId,
    to: Option<VersionId>,
    generation: Option<u64>,
    trigger: Option<TriggerId>,
    signal: Option<Signal>,
    reference: Reference,
    breach_from: Option<EventTime>,
    decided_at: Option<EventTime>,
    mitigated_at: Option<EventTime>,
    verified_at: Option<EventTime>,
    proof: Option<Proof>,
    outcome: IncidentState,
    because: String,
    detection: Detection,
}

/// What the detection took.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
struct Detection {
    event_time_s: Option<f64>,
    labels: u64,
}

/// A rollback that was not done.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct WouldHave {
    incident: IncidentId,
    model: ModelId,
    from: VersionId,
    to: Option<VersionId>,
    trigger: Option<TriggerId>,
    signal: Option<Signal>,
    breach_from: Option<EventTime>,
    opened_at: EventTime,
    because: String,
}

/// One incident.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct IncidentSummary {
    id: IncidentId,
    model: ModelId,
    version: VersionId,
    trigger: Option<TriggerId>,
    signal: Option<Signal>,
    feature: Option<FeatureName>,
    verdict: Verdict,
    segment: Option<String>,
    state: IncidentState,
    opened_at: EventTime,
    closed_at: Option<EventTime>,
    because: String,
}

/// Puts it together from what was put out.
pub(super) fn summary(
    book: &RuleBook,
    status: &Status,
    outputs: &[Output],
    ledger: &Ledger,
) -> Summary {
    let mut records = Counters::default();
    status.records.values().for_each(|counters| records.merge(counters));
    let incidents = last_words(outputs);
    let acted = |incident: &&Incident| incident.generation.is_some();
    let wished = |incident: &&Incident| incident.generation.is_none() && incident.to.is_some();
    Summary {
        schema: "ripcord.replay/1",
        version: BUILD,
        namespace: book.namespace.clone(),
        rules_hash: book.hash.clone(),
        mode: book.default.mode,
        records,
        models: models(status, &incidents, ledger),
        rollbacks: incidents.iter().copied().filter(acted).map(rollback).collect(),
        would_have: incidents.iter().copied().filter(wished).map(would_have).collect(),
        incidents: incidents.iter().copied().map(incident).collect(),
    }
}

/// The last record of each incident, in the order of their opening.
fn last_words(outputs: &[Output]) -> Vec<&Incident> {
    let mut order = Vec::new();
    let mut last: BTreeMap<&IncidentId, &Incident> = BTreeMap::new();
    for output in outputs {
        if let Output::Incident(incident) = output
            && last.insert(&incident.id, incident).is_none()
        {
            order.push(&incident.id);
        }
    }
    order.into_iter().filter_map(|id| last.get(id).copied()).collect()
}

fn models(
    status: &Status,
    incidents: &[&Incident],
    ledger: &Ledger,
) -> BTreeMap<ModelId, ModelSummary> {
    let summary = |(id, model): (&ModelId, &crate::shard::ModelStatus)| {
        let mut rolled_back = incidents.iter().filter(|i| i.generation.is_some() && i.model == *id);
        let start = rolled_back.next().map(|incident| incident.version.clone());
        let start = start.or_else(|| model.production.clone());
        let versions = model.versions.iter().map(|(version, status)| {
            let summary = VersionSummary {
                role: status.role,
                proven: status.proven,
                quarantined: status.quarantined,
            };
            (version.clone(), summary)
        });
        let summary = ModelSummary {
            accuracy_without: start.as_ref().and_then(|start| ledger.of_version(id, start)),
            production_at_start: start,
            production_at_end: model.production.clone(),
            accuracy_served: ledger.served(id),
            versions: versions.collect(),
        };
        (id.clone(), summary)
    };
    status.models.iter().map(summary).collect()
}

fn rollback(incident: &Incident) -> RollbackSummary {
    let took = incident.decided_at.zip(incident.breach_from);
    RollbackSummary {
        incident: incident.id.clone(),
        model: incident.model.clone(),
        from: incident.version.clone(),
        to: incident.to.clone(),
        generation: incident.generation,
        trigger: incident.trigger.clone(),
        signal: incident.signal,
        reference: incident.reference,
        breach_from: incident.breach_from,
        decided_at: incident.decided_at,
        mitigated_at: incident.mitigated_at,
        verified_at: incident.verified_at,
        proof: incident.proof,
        outcome: outcome(incident),
        because: incident.because.clone(),
        detection: Detection {
            event_time_s: took.map(|(decided, from)| (decided - from).as_s()),
            labels: incident.samples,
        },
    }
}

/// A resolved incident is told by how it was proven.
fn outcome(incident: &Incident) -> IncidentState {
    match (incident.state, incident.verified_at, incident.mitigated_at) {
        (IncidentState::Resolved, Some(_), _) => IncidentState::Verified,
        (IncidentState::Resolved, None, Some(_)) => IncidentState::MitigatedUnverified,
        (state, _, _) => state,
    }
}

fn would_have(incident: &Incident) -> WouldHave {
    WouldHave {
        incident: incident.id.clone(),
        model: incident.model.clone(),
        from: incident.version.clone(),
        to: incident.to.clone(),
        trigger: incident.trigger.clone(),
        signal: incident.signal,
        breach_from: incident.breach_from,
        opened_at: incident.opened_at,
        because: incident.because.clone(),
    }
}

fn incident(incident: &Incident) -> IncidentSummary {
    IncidentSummary {
        id: incident.id.clone(),
        model: incident.model.clone(),
        version: incident.version.clone(),
        trigger: incident.trigger.clone(),
        signal: incident.signal,
        feature: incident.feature.clone(),
        verdict: incident.verdict,
        segment: None,
        state: incident.state,
        opened_at: incident.opened_at,
        closed_at: incident.closed_at,
        because: incident.because.clone(),
    }
}
