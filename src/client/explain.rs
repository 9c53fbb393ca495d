//! `ripcord incidents` and `ripcord explain`: the story of an incident or a decision.
//!
//! Over 300 lines: one story, told in the order in which it happened.

use anyhow::Result;
use serde::Deserialize;

use super::Session;
use crate::app::DONE;
use crate::edge::http::client::{ClientError, part};
use crate::edge::terminal;
use crate::edge::terminal::table::{TableCell, Tone, table};
use crate::model::{Incident, IncidentState, Mode, Stage, Statistic, Step, StepResult};
use crate::phrases::terms;
use crate::shard::Decision;
use crate::sums::{BucketSums, Evidence, Tally};

/// Buckets of evidence that a story shows.
const BUCKETS: usize = 8;

#[derive(Deserialize)]
struct Incidents {
    incidents: Vec<Incident>,
}

#[derive(Deserialize)]
struct Decisions {
    decisions: Vec<Decision>,
}

impl Session {
    pub(super) async fn incidents(&self) -> Result<u8> {
        let (Incidents { incidents }, json) = self.read("/api/incidents").await?;
        if self.json {
            return self.print_json(&json);
        }
        if incidents.is_empty() {
            terminal::line("no incident so far");
            return Ok(DONE);
        }
        let row = |incident: &Incident| -> Vec<TableCell> {
            let signal = incident.signal.map_or("asked for", terms::signal);
            let to = incident.to.as_ref().map_or("-".to_owned(), ToString::to_string);
            let opened = incident.opened_at.to_string();
            let id: String = incident.id.as_str().chars().take(8).collect();
            vec![
                id.into(),
                opened.get(..16).unwrap_or(&opened).to_owned().into(),
                terms::short(incident.model.as_str(), 16).into(),
                terms::short(&format!("{} → {to}", incident.version), 14).into(),
                signal.into(),
                TableCell::toned(incident.state.words(), tone(incident.state)),
            ]
        };
        let rows = incidents.iter().map(row).collect();
        let head = ["ID", "OPENED", "MODEL", "VERSION", "SIGNAL", "STATE"];
        terminal::line(&table(&head, &[], rows, self.look));
        Ok(DONE)
    }

    /// An incident's story, or else a decision's.
    pub(super) async fn explain(&self, id: &str) -> Result<u8> {
        let found = self.read::<Incident>(&format!("/api/incidents/{}", part(id))).await;
        let (incident, json) = match found {
            Ok(found) => found,
            Err(error) if is_missing(&error) => {
                return self.explain_decision(id).await;
            }
            Err(error) => return Err(error),
        };
        let path = format!("/api/decisions?incident={}&limit=1000", part(incident.id.as_str()));
        let (Decisions { mut decisions }, of) = self.read(&path).await?;
        if self.json {
            let decisions = of.get("decisions").cloned().unwrap_or_default();
            return self.print_json(&serde_json::json!({"incident": json, "decisions": decisions}));
        }
        decisions.reverse();
        terminal::line(&story(&incident, &decisions).join("\n"));
        Ok(DONE)
    }

    async fn explain_decision(&self, id: &str) -> Result<u8> {
        let found = self.read::<Decision>(&format!("/api/decisions/{}", part(id))).await;
        let (decision, json) = match found {
            Ok(found) => found,
            Err(error) if is_missing(&error) => {
                let detail = format!(
                    "no incident begins with {id} and no decision is called so; \
                     `ripcord incidents` lists what there is"
                );
                let status = reqwest::StatusCode::NOT_FOUND;
                return Err(ClientError::Problem { status, detail }.into());
            }
            Err(error) => return Err(error),
        };
        if self.json {
            return self.print_json(&json);
        }
        let mut out = vec![format!("Decision {}.", decision.id)];
        seen(&mut out, &decision);
        did(&mut out, &decision);
        terminal::line(&out.join("\n"));
        Ok(DONE)
    }
}

/// Whether there is no such thing; else one can be, or more than one is.
fn is_missing(error: &anyhow::Error) -> bool {
    let missing = reqwest::StatusCode::NOT_FOUND;
    matches!(error.downcast_ref(), Some(ClientError::Problem { status, .. }) if *status == missing)
}

fn tone(state: IncidentState) -> Tone {
    match state {
        IncidentState::Verified | IncidentState::Resolved => Tone::Good,
        IncidentState::Open | IncidentState::Mitigating | IncidentState::Mitigated => {
            Tone::Doubtful
        }
        IncidentState::MitigatedUnverified | IncidentState::Frozen | IncidentState::Stuck => {
            Tone::Bad
        }
    }
}

/// An incident from its opening to what to type next.
fn story(incident: &Incident, decisions: &[Decision]) -> Vec<String> {
    let Incident { model, version, id, .. } = incident;
    let mut out = vec![format!("Incident {id}: {model} {version}, {}.", incident.state.words())];
    match (&incident.trigger, incident.signal) {
        (Some(trigger), Some(signal)) => {
            let signal = terms::signal(signal);
            out.push(format!(
                "The rule {trigger} on {signal} opened it at {}.",
                incident.opened_at
            ));
        }
        _ => out.push(format!("A person asked for it at {}.", incident.opened_at)),
    }
    if let Some(from) = incident.breach_from {
        let samples = incident.samples;
        let what =
            if from > incident.opened_at { "It began anew about" } else { "The likely start is" };
        out.push(format!("{what} {from}; {samples} samples had come since when this was said."));
    }
    let firsts =
        decisions.iter().filter(|d| Some(&d.assessment.trigger) == incident.trigger.as_ref());
    if let Some(first) = firsts.clone().next() {
        out.push(String::new());
        seen(&mut out, first);
    }
    out.push(String::new());
    out.push(format!("Why it stands where it stands: {}", incident.because));
    plan(&mut out, incident);
    if decisions.len() > 1 {
        out.push(String::new());
        out.push("What was said since:".to_owned());
        for decision in decisions {
            let said = &decision.assessment;
            let verdict = terms::verdict(said.verdict);
            out.push(format!("  {} {} {verdict} ({})", said.at, said.trigger, decision.id));
        }
    }
    out.push(String::new());
    out.push(next(incident));
    out
}

/// What was seen, and what it was held against.
fn seen(out: &mut Vec<String>, decision: &Decision) {
    let said = &decision.assessment;
    let evidence = &said.evidence;
    let of = match &said.feature {
        Some(feature) => format!("{} of {}, input {feature}", said.version, said.model),
        None => format!("{} of {}", said.version, said.model),
    };
    let verdict = terms::verdict(said.verdict);
    out.push(format!("{of}: {verdict} by {}, since {}.", said.trigger, terms::reason(said.reason)));
    estimate(out, evidence);
    if evidence.rule == Statistic::EDetector {
        let (odds, threshold) = (terms::odds(evidence.statistic), terms::odds(evidence.threshold));
        let over = if evidence.statistic >= evidence.threshold { "over" } else { "under" };
        out.push(format!(
            "Evidence: {odds} to 1 against the tolerated, {over} the threshold of {threshold}. \
             Design effect {:.1}.",
            evidence.design_effect
        ));
    }
    out.push(format!("It was compared with {}.", terms::reference(evidence.reference)));
    for other in &said.against {
        let better = serde_json::to_value(other.better).unwrap_or_default();
        let better = better.as_str().unwrap_or_default().to_owned();
        let by = terms::reference(other.reference);
        out.push(format!("  {} in its place: {better}, by {by}.", other.version));
    }
    buckets(out, &evidence.buckets);
    let provisional = if said.provisional { " An open bucket said so." } else { "" };
    out.push(format!(
        "It holds up to {}; rules {}, build {}.{provisional}",
        said.at,
        decision.rules.get(..12).unwrap_or(&decision.rules),
        decision.build
    ));
}

fn estimate(out: &mut Vec<String>, evidence: &Evidence) {
    let value = |v: f64| evidence.limit.shown(v);
    let what = terms::measure(evidence.limit);
    let Some(estimate) = evidence.estimate else {
        out.push(format!("Nothing was measured of {what} yet."));
        return;
    };
    let interval = evidence.interval.map_or(String::new(), |(low, high)| {
        format!(" (95 % interval {} to {})", value(low), value(high))
    });
    let null = evidence.null.map_or("nothing, without a baseline".to_owned(), value);
    let since = evidence.since.map_or(String::new(), |since| format!(" since {since}"));
    out.push(format!(
        "Seen: {} {what}{interval}, tolerated: {null}; {} samples{since}.",
        value(estimate),
        evidence.samples
    ));
}

fn buckets(out: &mut Vec<String>, buckets: &[BucketSums]) {
    if buckets.is_empty() {
        return;
    }
    let older = buckets.len().saturating_sub(BUCKETS);
    out.push(format!("Its last buckets, of {} since the likely start:", buckets.len()));
    for bucket in buckets.iter().skip(older) {
        let sums = match &bucket.tally {
            Tally::Rate { n, bad } => format!("{bad} of {n} bad"),
            Tally::Paired { other, table } => format!(
                "{} requests: only {other} right {}, only this one right {}",
                table.n(),
                table.only_b,
                table.only_a
            ),
            Tally::Mean { n, sum_ms, .. } => {
                format!("{n} answers, mean {:.0} ms", sum_ms / (*n).max(1) as f64)
            }
            Tally::Distance { n, psi } => format!("{n} samples, PSI {psi:.3}"),
        };
        out.push(format!("  {}  {sums}", bucket.start));
    }
}

/// What was done about a decision.
fn did(out: &mut Vec<String>, decision: &Decision) {
    let Some(ruling) = &decision.ruling else {
        out.push("Nothing followed from it.".to_owned());
        return;
    };
    let did = serde_json::to_value(ruling.did).unwrap_or_default();
    let did = did.as_str().unwrap_or_default().replace('_', " ");
    let to = ruling.to.as_ref().map_or(String::new(), |to| format!(" (to {to})"));
    out.push(format!("What followed: {did}{to}. {}", ruling.because));
    if let Some(incident) = &ruling.incident {
        out.push(format!("Next: ripcord explain {incident}"));
    }
}

fn plan(out: &mut Vec<String>, incident: &Incident) {
    if let (Some(to), Some(generation)) = (&incident.to, incident.generation) {
        out.push(format!("It goes back to {to}, generation {generation}. Steps:"));
    } else if let Some(to) = &incident.to {
        out.push(format!("It would go back to {to}; nothing was set in motion."));
    }
    for (number, step) in (1..).zip(&incident.plan) {
        let (stage, outcome) = (step.stage.name(), terms::outcome(step.outcome));
        let asked =
            if step.attempts == 1 { String::new() } else { format!(", asked {}×", step.attempts) };
        let want = terms::want(&step.want);
        out.push(format!("  {number}. {stage} · {}: {want}: {outcome}{asked}", step.target));
    }
    let times = [
        ("decided", incident.decided_at),
        ("switched", incident.switched_at),
        ("shown by live traffic", incident.mitigated_at),
        ("shown by the statistic", incident.verified_at),
        ("over", incident.closed_at),
    ];
    let times = times.into_iter().filter_map(|(what, when)| Some((what, when?)));
    let times: Vec<_> = times.map(|(what, when)| format!("  {when} {what}")).collect();
    if !times.is_empty() {
        // A recording is played faster than it was lived, and records may come late.
        out.push("When, in the event time of the records that had come by then:".to_owned());
        out.extend(times);
    }
    if let Some(proof) = incident.proof {
        let by = if incident.by_registry { ", by the registry's word for who is live" } else { "" };
        out.push(format!("Proof so far: {}{by}.", terms::proof(proof)));
    }
}

/// Whether a target was switched, after which an abort is refused.
fn switched(incident: &Incident) -> bool {
    let done = |step: &Step| step.stage != Stage::Notice && step.outcome == Some(StepResult::Done);
    incident.plan.iter().any(done)
}

/// What to type next.
fn next(incident: &Incident) -> String {
    let Incident { model, version, .. } = incident;
    match (incident.state, incident.mode, &incident.to) {
        (IncidentState::Open, Mode::Recommend, Some(_)) => {
            format!("Next: ripcord approve {model}")
        }
        (IncidentState::Open, Mode::Observe | Mode::Act, Some(_)) => {
            format!("Next: ripcord rollback {model} --reason '…' --dry-run")
        }
        (IncidentState::Open, _, None) => format!("Next: ripcord status {model}"),
        (IncidentState::Mitigating, ..) if switched(incident) => format!(
            "Next: ripcord status {model} --watch; elsewhere: ripcord rollback {model} \
             --to VERSION --reason '…'"
        ),
        (IncidentState::Mitigating, ..) => {
            format!("Next: ripcord status {model} --watch, or ripcord abort {model}")
        }
        (IncidentState::Mitigated, ..) => {
            format!("Next: nothing; the proof takes its time: ripcord status {model} --watch")
        }
        (IncidentState::Verified | IncidentState::Resolved, ..) => {
            format!("Next: nothing. Once {version} is mended: ripcord release {model} {version}")
        }
        (IncidentState::MitigatedUnverified, ..) => format!(
            "Next: look whether it helped (ripcord status {model}); if not: \
             ripcord rollback {model} --reason '…' --dry-run"
        ),
        (IncidentState::Frozen, ..) => {
            format!("Next: mend what is named above, then: ripcord unfreeze {model}")
        }
        (IncidentState::Stuck, ..) => format!(
            "Next: mend what is named above, then: ripcord rollback {model} --reason '…' --dry-run"
        ),
    }
}
