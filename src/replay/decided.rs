//! The hash over what was decided: two builds that decide alike have the same one.
//!
//! It leaves out whatever a new sentence or a new build changes: prose, the build, derived ids and
//! positions. Numbers enter by their bits.

use serde::Serialize;
use sha2::{Digest, Sha256};

use crate::model::{Command, Incident, Want};
use crate::shard::{Decision, Output};
use crate::wire::json::{self, JsonError};

/// SHA-256, in hexadecimal, over one line for each output, in order.
pub(super) fn hash(outputs: &[Output]) -> Result<String, JsonError> {
    let mut hasher = Sha256::new();
    for output in outputs {
        hasher.update(match output {
            Output::Command(command) => line("command", &of_command(command))?,
            Output::Incident(incident) => line("incident", &of_incident(incident))?,
            Output::Decision(decision) => line("decision", &of_decision(decision))?,
            Output::Reply(reply) => line("reply", &reply.accepted)?,
        });
    }
    Ok(hasher.finalize().iter().map(|byte| format!("{byte:02x}")).collect())
}

fn line(kind: &'static str, decided: &impl Serialize) -> Result<Vec<u8>, JsonError> {
    let mut line = json::encode("decided", &(kind, decided))?;
    line.push(b'\n');
    Ok(line)
}

fn of_command(command: &Command) -> impl Serialize {
    (
        (&command.model, command.generation, &command.target, command.stage),
        wanted(&command.want),
        (command.mode, command.issued_at, command.expires_at),
    )
}

fn of_incident(incident: &Incident) -> impl Serialize {
    let steps = incident.plan.iter().map(|step| {
        let how = (step.asked_at, step.attempts, step.outcome);
        (&step.target, step.stage, wanted(&step.want), how)
    });
    (
        (&incident.model, &incident.version, &incident.trigger, &incident.feature),
        (incident.reference, incident.verdict, incident.state, incident.mode),
        (&incident.to, incident.generation, steps.collect::<Vec<_>>()),
        (incident.proof, incident.by_registry, incident.breach_from, incident.samples),
        (incident.opened_at, incident.decided_at, incident.switched_at),
        (incident.mitigated_at, incident.verified_at, incident.closed_at, incident.changed_at),
    )
}

fn of_decision(decision: &Decision) -> impl Serialize {
    let assessment = &decision.assessment;
    let evidence = &assessment.evidence;
    let ruling = decision.ruling.as_ref();
    (
        (decision.read_to, decision.logged_at, assessment.at, assessment.provisional),
        (&assessment.model, &assessment.version, &assessment.trigger, &assessment.feature),
        (assessment.verdict, assessment.reason, evidence.reference, evidence.since),
        (evidence.statistic.to_bits(), evidence.threshold.to_bits(), evidence.samples),
        (evidence.null.map(f64::to_bits), evidence.estimate.map(f64::to_bits)),
        ruling.map(|ruling| (ruling.did, &ruling.to)),
    )
}

/// A wanted state; of a notice, how bad it is.
fn wanted(want: &Want) -> impl Serialize {
    match want {
        Want::Production { version, instead_of } => {
            ("production", version.as_str(), instead_of.as_str())
        }
        Want::Notice { severity, .. } => ("notice", severity.as_str(), ""),
    }
}
