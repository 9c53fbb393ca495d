//! The steps of a rollback, when they happened, and what proves them.

use crate::model::Incident;
use crate::phrases::{moment, proof, step_result, want};
use crate::show::Screen;

/// The plan of an incident, its times and its proof.
pub(super) fn plan(out: &mut Vec<String>, incident: &Incident, screen: Screen) {
    if let (Some(to), Some(generation)) = (&incident.to, incident.generation) {
        out.push(format!("Rollback to {to}, generation {generation}. Steps:"));
    } else if let Some(to) = &incident.to {
        out.push(format!("A rollback would go to {to}; none was started."));
    }
    for (number, step) in (1..).zip(&incident.plan) {
        let (stage, outcome) = (step.stage.name(), step_result(step.outcome));
        let times = match step.attempts {
            0 | 1 => String::new(),
            times => format!(", sent {times} times"),
        };
        let (target, want) = (&step.target, want(&step.want));
        let line = format!("{number}. {stage} · {target}: {want}: {outcome}{times}");
        out.push(screen.wrap(&line, 2));
    }
    let times = [
        ("decided", incident.decided_at),
        ("switched", incident.switched_at),
        ("mitigated (live traffic)", incident.mitigated_at),
        ("verified (statistic)", incident.verified_at),
        ("closed", incident.closed_at),
    ];
    let times: Vec<_> = times
        .into_iter()
        .filter_map(|(what, at)| Some(format!("  {}  {what}", moment(at?))))
        .collect();
    if !times.is_empty() {
        // A recording is played faster than real time, and records may come late.
        out.push("When, in event time:".to_owned());
        out.extend(times);
    }
    if let Some(shown) = incident.proof {
        let by = if incident.by_registry { ", as far as the registry knows" } else { "" };
        out.push(screen.wrap(&format!("Proof so far: {}{by}.", proof(shown)), 0));
    }
}
