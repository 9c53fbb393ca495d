//! What the page says of one rollback.

use serde::Serialize;

use super::evidence::{BucketTable, evidence_tables};
use crate::model::EventTime;
use crate::phrases::{count, incident_state, moment, odds, proof, reference, span};
use crate::show::data::{Replayed, RollbackSummary};
use crate::show::verdict::{steps, unit};

#[derive(Debug, Serialize)]
pub(super) struct RollbackPage {
    title: String,
    outcome: &'static str,
    steps: Vec<[String; 3]>,
    phases: Vec<Phase>,
    facts: Vec<[String; 2]>,
    said: Vec<[String; 3]>,
    tables: Vec<BucketTable>,
}

/// A stretch of the timeline, in parts of its width, 0 to 100.
#[derive(Debug, Serialize)]
struct Phase {
    name: &'static str,
    x: f64,
    width: f64,
    took: String,
}

/// The rollback with its timeline, facts and evidence.
pub(super) fn rollback_page(replayed: &Replayed, rollback: &RollbackSummary) -> RollbackPage {
    let to = rollback.to.as_ref().map_or("another version", |to| to.as_str());
    let steps = steps(rollback)
        .into_iter()
        .map(|(what, at, took)| [what.to_owned(), moment(at), took.unwrap_or_default()]);
    let said = rollback.story.iter().map(|said| {
        let at = EventTime::from_ms(said.at.as_ms());
        [moment(at), incident_state(said.state).to_owned(), said.because.clone()]
    });
    RollbackPage {
        title: format!("{}: {} → {to}", rollback.model, rollback.from),
        outcome: incident_state(rollback.outcome),
        steps: steps.collect(),
        phases: phases(rollback),
        facts: facts(rollback),
        said: said.collect(),
        tables: evidence_tables(replayed, rollback),
    }
}

fn phases(rollback: &RollbackSummary) -> Vec<Phase> {
    let moments = [
        ("detect", rollback.breach_from, rollback.decided_at),
        ("switch", rollback.decided_at, rollback.mitigated_at),
        ("verify", rollback.mitigated_at, rollback.verified_at),
        ("watch", rollback.verified_at, rollback.closed_at),
    ];
    let known: Vec<_> =
        moments.into_iter().filter_map(|(name, from, to)| Some((name, from?, to?))).collect();
    let (Some(first), Some(last)) = (known.first(), known.last()) else { return Vec::new() };
    let (start, length) = (first.1, (last.2 - first.1).as_s().max(1.0));
    let phase = |(name, from, to): &(&'static str, EventTime, EventTime)| Phase {
        name,
        x: (*from - start).as_s() / length * 100.0,
        width: (*to - *from).as_s() / length * 100.0,
        took: span(*to - *from),
    };
    known.iter().map(phase).collect()
}

fn facts(rollback: &RollbackSummary) -> Vec<[String; 2]> {
    let mut facts = Vec::new();
    let mut fact = |name: &str, text: Option<String>| {
        facts.extend(text.map(|text| [name.to_owned(), text]));
    };
    let unit = unit(rollback);
    fact("rule that fired", rollback.trigger.as_ref().map(ToString::to_string));
    fact("comparison by", Some(reference(rollback.reference).to_owned()));
    if let Some(evidence) = &rollback.evidence {
        let between = evidence.interval.map_or(String::new(), |(low, high)| {
            format!(" (95 %: {} to {})", unit.value(low), unit.value(high))
        });
        let measured = evidence.value.map(|x| format!("{}{between}", unit.value(x)));
        fact(unit.what(), measured);
        fact("limit", evidence.tolerated.map(|x| unit.value(x)));
        fact("statistic", odds(evidence.rule, evidence.statistic, evidence.threshold));
        fact("decision", Some(evidence.decision.clone()));
    }
    fact(unit.samples(), Some(count(rollback.detection.labels)));
    fact("proof", rollback.proof.map(|shown| proof(shown).to_owned()));
    fact("generation", rollback.generation.map(count));
    fact("incident", Some(rollback.incident.to_string()));
    facts
}
