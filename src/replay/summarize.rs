//! Fills a replay's summary from the rules, the outputs and the measurements.

use std::collections::{BTreeMap, BTreeSet};

use sha2::{Digest, Sha256};

use super::{History, blind, decided, notes};
use crate::model::{
    Incident, IncidentId, IncidentState, Limit, ModelId, RuleSet, Verdict, VersionId,
};
use crate::roles::ingest::pipeline::UnmeasuredRecord;
use crate::shard::{BUILD, ModelStatus, Output, Status};
use crate::show::data::{
    Days, Detection, IncidentSummary, ModelSummary, RefusedSummary, RollbackEvidence,
    RollbackSummary, StateChange, Summary, VersionSummary, WouldHave,
};
use crate::sums::Counters;
use crate::undo::Response;
use crate::wire::json::{self, JsonError};

/// The summary.
pub(crate) fn summary(
    rule_set: &RuleSet,
    status: &Status,
    outputs: &[Output],
    days: &Days,
    history: &History,
) -> Result<Summary, JsonError> {
    let mut records = Counters::default();
    status.records.values().for_each(|counters| records.merge(counters));
    let incidents = last_words(outputs);
    let acted = |incident: &&Incident| incident.generation.is_some();
    let wishes = wishes(outputs);
    let wished = |incident: &&Incident| !acted(incident) && wishes.contains(&incident.id);
    Ok(Summary {
        schema: "ripcord.replay/1",
        version: BUILD,
        namespace: rule_set.namespace.clone(),
        rules_hash: rule_set.hash.clone(),
        outputs_hash: fingerprint(outputs)?,
        decisions_hash: decided::hash(outputs)?,
        mode: rule_set.default.mode,
        notes: notes::notes(rule_set, status, &records, &incidents, days, history),
        records,
        models: models(status, &incidents, days, history),
        rollbacks: incidents.iter().copied().filter(acted).map(|i| rollback(i, outputs)).collect(),
        would_have: incidents.iter().copied().filter(wished).map(would_have).collect(),
        blind: blind::blind(rule_set, outputs, status.read_to),
        incidents: incidents.iter().map(|i| incident(i, outputs)).collect(),
        refused: refused(history),
    })
}

fn fingerprint(outputs: &[Output]) -> Result<String, JsonError> {
    let mut hasher = Sha256::new();
    for output in outputs {
        hasher.update(match output {
            Output::Command(command) => json::encode("command", command)?,
            Output::Incident(incident) => json::encode("incident", incident)?,
            Output::Decision(decision) => json::encode("decision", decision)?,
            Output::Reply(reply) => json::encode("reply", reply)?,
        });
    }
    Ok(hasher.finalize().iter().map(|byte| format!("{byte:02x}")).collect())
}

/// The incidents in which only the mode prevented a rollback.
fn wishes(outputs: &[Output]) -> BTreeSet<IncidentId> {
    let wish = |output: &Output| {
        let Output::Decision(decision) = output else { return None };
        let ruling = decision.ruling.as_ref().filter(|ruling| ruling.did == Response::WouldHave)?;
        ruling.incident.clone()
    };
    outputs.iter().filter_map(wish).collect()
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
    days: &Days,
    history: &History,
) -> BTreeMap<ModelId, ModelSummary> {
    let summary = |(id, model): (&ModelId, &ModelStatus)| {
        let start = history.production.get(id).cloned();
        let live = days.live(id);
        let answered_live = days.answered_live(id);
        // Where records say that others answered, the difference to `without` is not Ripcord's.
        let ours = |version: &&VersionId| {
            Some(*version) == start.as_ref() || Some(*version) == model.production.as_ref()
        };
        // Nor is there one where others put the last version in production, or it never answered.
        let switched = incidents.iter().any(|i| i.model == *id && i.switched_at.is_some());
        let answered = model.production.as_ref().is_some_and(|end| answered_live.contains(end));
        let comparable = model.production == start || (switched && answered);
        let without = start.as_ref().filter(|_| comparable);
        let without = without.filter(|_| answered_live.iter().all(|v| ours(&v)));
        let without = without.map(|start| days.total(id, start)).unwrap_or_default();
        let versions = model.versions.iter().map(|(version, status)| {
            let summary = VersionSummary {
                role: status.role,
                proven: status.proven,
                quarantined: status.quarantined,
            };
            (version.clone(), summary)
        });
        let summary = ModelSummary {
            accuracy_without: without.accuracy(),
            error_rate_served: live.answers.rate(),
            error_rate_without: without.answers.rate(),
            latency_ms_served: live.mean_ms(),
            latency_ms_without: without.mean_ms(),
            answered_live,
            production_at_start: start,
            production_at_end: model.production.clone(),
            accuracy_served: live.accuracy(),
            versions: versions.collect(),
        };
        (id.clone(), summary)
    };
    status.models.iter().map(summary).collect()
}

fn refused(history: &History) -> Vec<RefusedSummary> {
    let one = |(file, refused): &(String, UnmeasuredRecord)| RefusedSummary {
        file: file.clone(),
        line: refused.position,
        code: refused.code,
        detail: refused.detail.clone(),
    };
    history.refused.iter().map(one).collect()
}

/// The verdict behind a rollback.
fn evidence(incident: &Incident, outputs: &[Output]) -> Option<RollbackEvidence> {
    outputs.iter().find_map(|output| {
        let Output::Decision(decision) = output else { return None };
        let ruling = decision.ruling.as_ref()?;
        if ruling.did != Response::Acted || ruling.incident.as_ref() != Some(&incident.id) {
            return None;
        }
        let evidence = &decision.assessment.evidence;
        Some(RollbackEvidence {
            value: evidence.estimate,
            interval: evidence.interval,
            tolerated: evidence.null,
            paired: matches!(evidence.limit, Limit::Paired(_)),
            rule: evidence.rule,
            statistic: evidence.statistic,
            threshold: evidence.threshold,
            samples: evidence.samples,
            decision: decision.id.clone(),
        })
    })
}

/// Each state that an incident reached, and why.
fn story(incident: &Incident, outputs: &[Output]) -> Vec<StateChange> {
    let mut story: Vec<StateChange> = Vec::new();
    for output in outputs {
        if let Output::Incident(i) = output
            && i.id == incident.id
            && story.last().is_none_or(|last| last.state != i.state)
        {
            let because = i.because.clone();
            story.push(StateChange { state: i.state, at: i.changed_at, because });
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

/// How a rollback ended: a resolved incident counts by its proof.
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

/// The worst verdict on an incident: at its end it is healthy again.
fn worst(incident: &Incident, outputs: &[Output]) -> Verdict {
    let weight = |verdict: &Verdict| match verdict {
        Verdict::Healthy => 0,
        Verdict::Insufficient => 1,
        Verdict::Stale => 2,
        Verdict::Blind => 3,
        Verdict::Systemic => 4,
        Verdict::Breach => 5,
    };
    let said = outputs.iter().filter_map(|output| match output {
        Output::Incident(i) if i.id == incident.id => Some(i.verdict),
        Output::Incident(_) | Output::Command(_) | Output::Decision(_) | Output::Reply(_) => None,
    });
    said.max_by_key(weight).unwrap_or(incident.verdict)
}

fn incident(incident: &Incident, outputs: &[Output]) -> IncidentSummary {
    IncidentSummary {
        id: incident.id.clone(),
        model: incident.model.clone(),
        version: incident.version.clone(),
        trigger: incident.trigger.clone(),
        signal: incident.signal,
        feature: incident.feature.clone(),
        verdict: worst(incident, outputs),
        segment: None,
        state: incident.state,
        opened_at: incident.opened_at,
        closed_at: incident.closed_at,
        because: incident.because.clone(),
    }
}
