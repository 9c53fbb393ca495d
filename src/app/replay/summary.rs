//! The summary of a replay, `ripcord.replay/1`. One file, since its shape and what fills it are one
//! promise to those who read the JSON.
//!
//! Over 300 lines: its shape and what fills it are one promise.

use std::collections::BTreeMap;

use serde::Serialize;

use super::notes;
use super::{History, Ledger};
use crate::model::{
    EventTime, FeatureName, Incident, IncidentId, IncidentState, LogTime, Mode, ModelId, Namespace,
    Proof, Reference, Reject, Role, RuleBook, Signal, TriggerId, Verdict, VersionId,
};
use crate::shard::{BUILD, Output, Status};
use crate::sums::Counters;
use crate::undo::Did;

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
    /// The first records of each kind that could not be used.
    pub refused: Vec<RefusedSummary>,
    /// What a reader must know to take the numbers for what they are, in sentences.
    pub notes: Vec<String>,
}

/// A record that could not be used.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct RefusedSummary {
    /// Which file.
    pub file: String,
    /// Which line, from 1.
    pub line: i64,
    /// Why; none: it came too late.
    pub code: Option<Reject>,
    /// In words.
    pub detail: String,
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
    /// Its incident.
    pub incident: IncidentId,
    /// Which model.
    pub model: ModelId,
    /// The version taken back.
    pub from: VersionId,
    /// The version that serves instead.
    pub to: Option<VersionId>,
    /// The fencing number of its commands.
    pub generation: Option<u64>,
    /// The rule that fired; none: a person asked.
    pub trigger: Option<TriggerId>,
    /// What that reads.
    pub signal: Option<Signal>,
    /// What the comparison rested on.
    pub reference: Reference,
    /// The likely start of the breach.
    pub breach_from: Option<EventTime>,
    /// Event time up to which the river had read at the decision.
    pub decided_at: Option<EventTime>,
    /// … when live traffic proved it.
    pub mitigated_at: Option<EventTime>,
    /// … when the statistic proved it.
    pub verified_at: Option<EventTime>,
    /// The best proof.
    pub proof: Option<Proof>,
    /// How it ended.
    pub outcome: IncidentState,
    /// Why it ended so.
    pub because: String,
    /// What the detection took.
    pub detection: Detection,
    /// The verdict that it was decided by; none: a person asked.
    pub evidence: Option<Evidence>,
    /// Event time up to which the river had read when the last step was answered.
    pub switched_at: Option<EventTime>,
    /// … when it was over.
    pub closed_at: Option<EventTime>,
    /// What was said at each state that it came to, in order.
    pub story: Vec<Said>,
}

/// What was said when an incident came to a state.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Said {
    /// Which state.
    pub state: IncidentState,
    /// When.
    pub at: LogTime,
    /// Why.
    pub because: String,
}

/// What a verdict rests on.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Evidence {
    /// The value since the likely change.
    pub value: Option<f64>,
    /// Its 95 % interval.
    pub interval: Option<(f64, f64)>,
    /// Where the tolerated ends.
    pub tolerated: Option<f64>,
    /// The statistic: odds for an e-detector, the value itself for a window.
    pub statistic: f64,
    /// What it must reach.
    pub threshold: f64,
    /// Samples since the likely change.
    pub samples: u64,
    /// The decision that holds all of it.
    pub decision: String,
}

/// What the detection took.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Detection {
    /// Seconds of event time from the likely start to the decision.
    pub event_time_s: Option<f64>,
    /// Samples from the likely start to the decision.
    pub labels: u64,
}

/// A rollback that was not done.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct WouldHave {
    /// Its incident.
    pub incident: IncidentId,
    /// Which model.
    pub model: ModelId,
    /// The version that would be taken back.
    pub from: VersionId,
    /// The version that would serve instead.
    pub to: Option<VersionId>,
    /// The rule that fired.
    pub trigger: Option<TriggerId>,
    /// What that reads.
    pub signal: Option<Signal>,
    /// The likely start of the breach.
    pub breach_from: Option<EventTime>,
    /// Event time up to which the river had read.
    pub opened_at: EventTime,
    /// Why it was not done.
    pub because: String,
}

/// One incident.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct IncidentSummary {
    /// Its name.
    pub id: IncidentId,
    /// Which model.
    pub model: ModelId,
    /// Which version.
    pub version: VersionId,
    /// The rule that fired first.
    pub trigger: Option<TriggerId>,
    /// What that reads.
    pub signal: Option<Signal>,
    /// Which input, where the signal is about one.
    pub feature: Option<FeatureName>,
    /// What judge last said.
    pub verdict: Verdict,
    /// Which part of the traffic; none: all of it.
    pub segment: Option<String>,
    /// How far it came.
    pub state: IncidentState,
    /// Event time up to which the river had read at the opening.
    pub opened_at: EventTime,
    /// … when it ended.
    pub closed_at: Option<EventTime>,
    /// Why it stands where it stands.
    pub because: String,
}

/// Puts it together from what was put out.
pub(super) fn summary(
    book: &RuleBook,
    status: &Status,
    outputs: &[Output],
    ledger: &Ledger,
    history: &History,
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
        models: models(status, ledger, history),
        rollbacks: incidents.iter().copied().filter(acted).map(|i| rollback(i, outputs)).collect(),
        would_have: incidents.iter().copied().filter(wished).map(would_have).collect(),
        incidents: incidents.iter().copied().map(incident).collect(),
        refused: refused(history),
        notes: notes::notes(book, status, &incidents, ledger, history),
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

fn models(status: &Status, ledger: &Ledger, history: &History) -> BTreeMap<ModelId, ModelSummary> {
    let summary = |(id, model): (&ModelId, &crate::shard::ModelStatus)| {
        let start = history.production.get(id).cloned();
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

fn refused(history: &History) -> Vec<RefusedSummary> {
    let one = |(file, refused): &(String, crate::app::feed::Refused)| RefusedSummary {
        file: file.clone(),
        line: refused.position,
        code: refused.code,
        detail: refused.detail.clone(),
    };
    history.refused.iter().map(one).collect()
}

/// The verdict that a rollback was decided by.
fn evidence(incident: &Incident, outputs: &[Output]) -> Option<Evidence> {
    outputs.iter().find_map(|output| {
        let Output::Decision(decision) = output else { return None };
        let ruling = decision.ruling.as_ref()?;
        if ruling.did != Did::Acted || ruling.incident.as_ref() != Some(&incident.id) {
            return None;
        }
        let evidence = &decision.assessment.evidence;
        Some(Evidence {
            value: evidence.estimate,
            interval: evidence.interval,
            tolerated: evidence.null,
            statistic: evidence.statistic,
            threshold: evidence.threshold,
            samples: evidence.samples,
            decision: decision.id.clone(),
        })
    })
}

/// What was said at each state that an incident came to.
fn story(incident: &Incident, outputs: &[Output]) -> Vec<Said> {
    let mut story: Vec<Said> = Vec::new();
    for output in outputs {
        if let Output::Incident(i) = output
            && i.id == incident.id
            && story.last().is_none_or(|last| last.state != i.state)
        {
            let because = i.because.clone();
            story.push(Said { state: i.state, at: i.changed_at, because });
        }
    }
    story
}

fn rollback(incident: &Incident, outputs: &[Output]) -> RollbackSummary {
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
        evidence: evidence(incident, outputs),
        switched_at: incident.switched_at,
        closed_at: incident.closed_at,
        story: story(incident, outputs),
    }
}

/// How a rollback ended: a resolved incident is told by how it was proven.
#[must_use]
pub fn outcome(incident: &Incident) -> IncidentState {
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
