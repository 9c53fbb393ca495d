//! The story of a replay, told while it runs: one short block for each thing that happened.
//!
//! Law: what repeats is told once and counted.

mod pairs;
mod proofs;

use std::collections::{BTreeMap, BTreeSet};

use self::pairs::PairProgress;
use super::Screen;
use crate::model::{
    Command, EventTime, FeatureName, Incident, IncidentId, IncidentState, ModelId, Reference,
    Signal, Verdict, VersionId, Want,
};
use crate::phrases::{Unit, by, count, moment, odds};
use crate::shard::{Decision, Output, Status};
use crate::undo::{Response, Ruling};

/// Columns before the text: the time, and what it is.
const INDENT: usize = 35;

/// One input of one version, and whether others drift as much.
type Drift = (ModelId, VersionId, FeatureName, bool);

/// Tells a replay.
pub struct Story {
    screen: Screen,
    drifts: BTreeMap<Drift, u64>,
    told: BTreeSet<(IncidentId, &'static str)>,
    states: BTreeMap<IncidentId, IncidentState>,
    /// Commands whose decision has not been told yet.
    commands: Vec<Command>,
    /// Rollbacks whose decision has been told, with its event time.
    decided: BTreeMap<IncidentId, EventTime>,
    pairs: PairProgress,
    /// Models whose freeze has been told.
    frozen: BTreeSet<ModelId>,
}

impl Story {
    /// A story at its beginning.
    #[must_use]
    pub fn new(screen: Screen) -> Self {
        Self {
            screen,
            drifts: BTreeMap::new(),
            told: BTreeSet::new(),
            states: BTreeMap::new(),
            commands: Vec::new(),
            decided: BTreeMap::new(),
            pairs: PairProgress::default(),
            frozen: BTreeSet::new(),
        }
    }

    /// Takes the live numbers, which later blocks quote.
    pub fn numbers(&mut self, status: &Status) {
        self.pairs.take(status);
    }

    /// What to say about an output; mostly nothing.
    pub fn output(&mut self, output: &Output) -> Vec<String> {
        match output {
            Output::Decision(decision) => self.decision(decision),
            Output::Incident(incident) => {
                let asked = self.asked(incident);
                let told = self.incident(incident);
                asked.into_iter().chain(told).collect()
            }
            Output::Command(command) => match self.decided.get(&command.incident) {
                Some(at) => self.command(*at, command).into_iter().collect(),
                None => {
                    self.commands.push((**command).clone());
                    Vec::new()
                }
            },
            Output::Reply(_) => Vec::new(),
        }
    }

    /// How often each input drifted, told or not.
    pub fn drifts(&self) -> impl Iterator<Item = (&ModelId, &VersionId, &FeatureName, bool, u64)> {
        self.drifts.iter().map(|((model, version, feature, shared), times)| {
            (model, version, feature, *shared, *times)
        })
    }

    fn decision(&mut self, decision: &Decision) -> Vec<String> {
        let Some(ruling) = &decision.ruling else { return Vec::new() };
        let is_drift = decision.assessment.signal == Signal::FeatureDrift;
        let first = match (ruling.did, is_drift) {
            (Response::Nothing | Response::Joined, _) | (Response::Resolved, true) => None,
            (Response::Alerted, true) => self.drift(decision),
            (Response::Alerted, false) => self.once(ruling, "alert").then(|| self.alert(decision)),
            (Response::Acted, _) => Some(self.acted(decision, ruling)),
            (Response::WouldHave, _) => {
                // Either the benefit is missing, or the permission.
                let proven = decision.assessment.verdict == Verdict::Breach;
                let label = if proven { "would act" } else { "unproven" };
                self.once(ruling, "would").then(|| self.held(decision, ruling, label))
            }
            (Response::Held, _) => {
                let what = if self.is_frozen(ruling) { "frozen" } else { "held" };
                self.once(ruling, what).then(|| self.held(decision, ruling, "held back"))
            }
            (Response::Resolved, false) => {
                let over = self.screen.good("over");
                Some(self.block(decision.read_to, "over", &over, &ruling.because))
            }
        };
        let mut blocks: Vec<_> = first.into_iter().collect();
        if let Some(incident) = ruling.incident.as_ref().filter(|_| ruling.did == Response::Acted) {
            blocks.extend(self.decided(incident, decision.read_to));
        }
        blocks
    }

    /// The commands of a rollback, once its reason has been told.
    fn decided(&mut self, incident: &IncidentId, at: EventTime) -> Vec<String> {
        self.decided.insert(incident.clone(), at);
        let commands = std::mem::take(&mut self.commands);
        let (its, other): (Vec<_>, _) =
            commands.into_iter().partition(|command| command.incident == *incident);
        self.commands = other;
        its.iter().filter_map(|command| self.command(at, command)).collect()
    }

    /// A rollback that a person asked for, so that there is no verdict.
    fn asked(&mut self, incident: &Incident) -> Vec<String> {
        let by_person = incident.trigger.is_none() && incident.generation.is_some();
        let Some(at) = incident.decided_at.filter(|_| by_person) else { return Vec::new() };
        if self.decided.contains_key(&incident.id) {
            return Vec::new();
        }
        let label = self.screen.bad("ASKED");
        let mut blocks = vec![self.block(at, "ASKED", &label, &incident.because)];
        blocks.extend(self.decided(&incident.id, at));
        blocks
    }

    fn is_frozen(&self, ruling: &Ruling) -> bool {
        let state = ruling.incident.as_ref().and_then(|incident| self.states.get(incident));
        state == Some(&IncidentState::Frozen)
    }

    fn once(&mut self, ruling: &Ruling, what: &'static str) -> bool {
        ruling.incident.clone().is_none_or(|incident| self.told.insert((incident, what)))
    }

    fn drift(&mut self, decision: &Decision) -> Option<String> {
        let a = &decision.assessment;
        let shared = a.verdict == Verdict::Systemic;
        let feature = a.feature.clone()?;
        let key = (a.model.clone(), a.version.clone(), feature.clone(), shared);
        let times = self.drifts.entry(key).or_default();
        *times += 1;
        if *times > 1 {
            return None;
        }
        let whose = match (shared, a.evidence.reference) {
            (true, _) => {
                "the other version drifted just as much, so the cause is shared".to_owned()
            }
            (false, Reference::Paired) => {
                format!("on the same requests, only {} drifted", a.version)
            }
            (
                false,
                Reference::Live | Reference::History | Reference::Baseline | Reference::None,
            ) => "no other version drifted on the same requests".to_owned(),
        };
        let text = format!(
            "{} of {} has drifted: PSI {:.2} (limit {:.2}); {whose}.",
            feature, a.version, a.evidence.statistic, a.evidence.threshold
        );
        let label = self.screen.warn("drift alert");
        Some(self.block(decision.read_to, "drift alert", &label, &text))
    }

    fn alert(&self, decision: &Decision) -> String {
        let a = &decision.assessment;
        let (label, end) = match a.verdict {
            Verdict::Systemic => (
                "common cause",
                format!("{} No rollback, since it would not help.", self.pairs.others(decision)),
            ),
            Verdict::Stale if a.reason.is_blind() => {
                let because = decision.ruling.as_ref().map(|ruling| ruling.because.as_str());
                ("blind", because.unwrap_or_default().to_owned())
            }
            Verdict::Healthy
            | Verdict::Breach
            | Verdict::Insufficient
            | Verdict::Stale
            | Verdict::Blind => {
                let because = decision.ruling.as_ref().map(|ruling| ruling.because.as_str());
                ("alert", because.unwrap_or_default().to_owned())
            }
        };
        // What was measured is not the point where it is incomplete.
        let text = match label {
            "blind" => end,
            _ => format!("{}\n{end}", evidence(decision)),
        };
        self.block(decision.read_to, label, &self.screen.warn(label), &text)
    }

    fn acted(&self, decision: &Decision, ruling: &Ruling) -> String {
        let to = ruling.to.as_ref().map_or("nothing", |to| to.as_str());
        let a = &decision.assessment;
        let shown = a.against.iter().find(|other| Some(&other.version) == ruling.to.as_ref());
        let shown = shown.map_or(a.evidence.reference, |other| other.reference);
        let reference = match (shown, self.pairs.difference(decision)) {
            (Reference::Paired, Some(difference)) => {
                format!("{to} would serve better: {difference}.")
            }
            (shown, _) => format!("{to} would serve better{}.", by(shown)),
        };
        let text = format!(
            "Roll back {} to {to} in {}.\n{}\n{reference}",
            a.version,
            a.model,
            evidence(decision)
        );
        self.block(decision.read_to, "DECISION", &self.screen.bad("DECISION"), &text)
    }

    fn held(&mut self, decision: &Decision, ruling: &Ruling, label: &str) -> String {
        let (evidence, because) = (evidence(decision), &ruling.because);
        if self.is_frozen(ruling) {
            let model = &decision.assessment.model;
            let text = match self.frozen.insert(model.clone()) {
                true => format!("{evidence}\n{because}"),
                false => format!("{evidence}\nAutomatic action on {model} is already frozen."),
            };
            return self.block(decision.read_to, "FROZEN", &self.screen.bad("FROZEN"), &text);
        }
        let text = format!("{evidence}\n{because}");
        self.block(decision.read_to, label, &self.screen.warn(label), &text)
    }

    fn command(&self, at: EventTime, command: &Command) -> Option<String> {
        let Want::Production { version, instead_of } = &command.want else { return None };
        let text = format!(
            "{}: make {version} production instead of {instead_of} (generation {})",
            command.target, command.generation
        );
        Some(self.block(at, "command", &self.screen.bold("command"), &text))
    }

    /// The time, a label, and text next to it.
    pub(super) fn block(&self, at: EventTime, label: &str, painted: &str, text: &str) -> String {
        let gap = INDENT.saturating_sub(22 + label.chars().count()).max(1);
        let head = format!("{}  {painted}{}", self.screen.dim(&moment(at)), " ".repeat(gap));
        let body = self.screen.wrap(text, INDENT);
        format!("{head}{}", body.trim_start())
    }
}

/// The value, since when, the limit, and the odds.
fn evidence(decision: &Decision) -> String {
    let (a, evidence) = (&decision.assessment, &decision.assessment.evidence);
    let unit = Unit::of(a.signal, evidence.limit);
    let value = evidence.estimate.map_or(String::new(), |x| format!("{} ", unit.value(x)));
    let (what, place) = (unit.what(), unit.place());
    let mut text = format!("{}: {value}{what} of {}{place}", a.trigger, a.version);
    if let Some(since) = evidence.since {
        text.push_str(&format!(" since {}", moment(since)));
    }
    text.push_str(" (");
    if let Some(null) = evidence.null {
        text.push_str(&format!("limit {}, ", unit.value(null)));
    }
    text.push_str(&format!("{} {})", count(evidence.samples), unit.samples()));
    let odds = odds(evidence.rule, evidence.statistic, evidence.threshold);
    text.push_str(&odds.map_or(".".to_owned(), |odds| format!("; {odds}.")));
    text
}
