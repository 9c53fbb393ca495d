//! `ripcord status`: how the models are, at a glance.

use std::time::Duration;

use anyhow::Result;

use super::Session;
use crate::app::{DONE, NO};
use crate::edge::http::client::ClientError;
use crate::edge::terminal;
use crate::edge::terminal::table::{Look, TableCell, Tone, table};
use crate::model::{
    Limit, ModelId, Reason, Role, Signal, Span, Statistic, Verdict, VersionId, percent,
};
use crate::phrases::terms;
use crate::roles::serve::{Overview, RulesView};
use crate::shard::{ModelStatus, SignalStatus, VersionStatus};

/// Time between two looks.
const AGAIN: Duration = Duration::from_secs(1);
/// Inputs of a version that are shown when none is bad: the farthest.
const INPUTS: usize = 1;
/// Inputs of a version that are shown at most.
const BAD_INPUTS: usize = 5;

/// What is seen after a longer time is not seen.
const LONG: Span = Span::from_s(10 * 365 * 24 * 3600);

/// Characters of a line.
const LINE: usize = 80;

const HEAD: [&str; 6] = ["TRIGGER", "VALUE", "LIMIT", "EVIDENCE", "STATE", "SEES"];

impl Session {
    pub(super) async fn status(&self, model: Option<&ModelId>, watch: bool) -> Result<u8> {
        if watch {
            // Beside the whole loop: a request that hangs does not hold it back, and none is lost.
            return tokio::select! {
                asked = tokio::signal::ctrl_c() => Ok(asked.map(|()| DONE)?),
                ended = self.watch(model) => ended,
            };
        }
        let Some(text) = self.now(model).await? else { return Ok(NO) };
        terminal::line(&text);
        Ok(DONE)
    }

    /// Shows it again whenever it changed, for ever.
    async fn watch(&self, model: Option<&ModelId>) -> Result<u8> {
        let mut shown = String::new();
        loop {
            let text = match self.now(model).await {
                Ok(Some(text)) => text,
                Ok(None) => return Ok(NO),
                // A server that was there may be starting again.
                Err(error) if !shown.is_empty() && is_away(&error) => {
                    format!("{error}; trying again")
                }
                Err(error) => return Err(error),
            };
            if text != shown {
                match self.look.drawn && !self.json {
                    true => terminal::page(&text),
                    false => terminal::line(&text),
                }
                shown = text;
            }
            tokio::time::sleep(AGAIN).await;
        }
    }

    /// How the models are now; none: there is no such model, which was said.
    async fn now(&self, model: Option<&ModelId>) -> Result<Option<String>> {
        let (overview, json) = self.read::<Overview>("/api/status").await?;
        if let Some(model) = model.filter(|model| !overview.models.contains_key(model.as_str())) {
            let known: Vec<_> = overview.models.keys().map(ModelId::as_str).collect();
            let known = if known.is_empty() { "none yet".to_owned() } else { known.join(", ") };
            let said = format!("ripcord: nothing is known of {model}; known are: {known}");
            terminal::complain(&said);
            return Ok(None);
        }
        if !self.json {
            return Ok(Some(page(&overview, model, self.look)));
        }
        Ok(Some(match model.and_then(|model| overview.models.get(model)) {
            Some(one) => serde_json::to_string_pretty(one)?,
            None => serde_json::to_string_pretty(&json)?,
        }))
    }
}

/// Whether nobody answers, as while a server starts again.
fn is_away(error: &anyhow::Error) -> bool {
    matches!(error.downcast_ref(), Some(ClientError::NoAnswer { .. }))
}

/// The whole page.
fn page(overview: &Overview, only: Option<&ModelId>, look: Look) -> String {
    let mut out = vec![format!("namespace {} · {}", overview.namespace, records(overview))];
    out.extend(overview.rules.as_ref().map(rules));
    let silent = overview.shards.iter().filter(|view| view.told_at.is_none()).count();
    if silent > 0 {
        let all = overview.shards.len();
        out.push(format!("{silent} of {all} shards never said anything: is decide running?"));
    }
    let trouble = overview.trouble.iter();
    out.extend(trouble.map(|(target, why)| format!("TARGET {target} cannot be observed: {why}")));
    let wanted = |model: &&ModelId| only.is_none_or(|only| only == *model);
    for model in overview.models.keys().filter(wanted) {
        if let Some(status) = overview.models.get(model) {
            out.push(String::new());
            one(&mut out, model, status, look);
        }
    }
    if overview.models.is_empty() {
        let measured = overview.records.values().any(|counters| counters.measured > 0);
        let why = if measured {
            "no interval is closed yet: the first one closes when later records come"
        } else {
            "no model was heard of yet; POST /api/telemetry takes the first record"
        };
        out.push(why.to_owned());
    }
    out.join("\n")
}

fn records(overview: &Overview) -> String {
    let sum = |count: fn(&crate::sums::Counters) -> u64| -> u64 {
        overview.records.values().map(count).sum()
    };
    let rejected = sum(|counters| counters.rejected.values().sum());
    let (read, measured, late) = (sum(|c| c.read), sum(|c| c.measured), sum(|c| c.late));
    format!("{read} records read, {measured} measured, {late} late, {rejected} rejected")
}

/// Which rules are in force, who put them there and why.
fn rules(rules: &RulesView) -> String {
    let who = match &rules.by {
        Some(by) => format!("by {by}"),
        None => "of the first start".to_owned(),
    };
    let why = rules.reason.as_ref().map_or(String::new(), |reason| format!(": {reason}"));
    terms::short(&format!("rules revision {} {who}{why}", rules.revision), LINE)
}

fn one(out: &mut Vec<String>, model: &ModelId, status: &ModelStatus, look: Look) {
    let production = status.production.as_ref().map_or("nobody knows", VersionId::as_str);
    let mode = status.mode.name();
    out.push(format!("{model} · mode {mode} · production {production}"));
    out.push(format!("would roll back to: {}", status.would_roll_back_to));
    if let Some(why) = &status.frozen {
        out.push(format!("FROZEN, nothing is done automatically: {why}"));
    }
    for incident in &status.open_incidents {
        let state = incident.state.words();
        let version = &incident.version;
        out.push(format!("incident {} of {version}: {state}", incident.id));
    }
    for (version, status) in &status.versions {
        out.push(format!("  {}", title(version, status)));
        out.extend(baselines(&status.signals).map(|line| format!("  {line}")));
        if !status.signals.is_empty() {
            let rows = shown(&status.signals).map(row).collect();
            let text = table(&HEAD, &[1, 2, 3], rows, look);
            out.extend(text.lines().map(|line| format!("  {line}")));
        }
    }
}

fn title(version: &VersionId, status: &VersionStatus) -> String {
    let role = match status.role {
        Some(Role::Production) => "production",
        Some(Role::Canary) => "canary",
        // It was judged lately, and answers nothing any more.
        Some(Role::Shadow) if status.label_coverage.is_none() => "idle",
        Some(Role::Shadow) => "shadow",
        Some(Role::Idle) => "idle",
        None => "unknown role",
    };
    let mut parts = vec![version.to_string(), role.to_owned()];
    if status.proven {
        parts.push("proven".to_owned());
    }
    if status.quarantined {
        parts.push("in quarantine".to_owned());
    }
    match status.label_coverage {
        Some(share) => parts.push(format!("labels for {}", percent(share))),
        None => parts.push("no answers lately".to_owned()),
    }
    parts.join(" · ")
}

/// What the version is held against.
fn baselines(signals: &[SignalStatus]) -> Option<String> {
    let mut known: Vec<String> = Vec::new();
    for (signal, baseline) in signals.iter().filter_map(|s| Some((s.signal, s.baseline?))) {
        let value = match signal {
            Signal::Accuracy | Signal::ErrorRate => percent(baseline.value),
            Signal::Latency => format!("{:.0} ms", baseline.value),
            Signal::FeatureDrift => continue,
        };
        let one = format!("{} {value} of {}", terms::signal(signal), baseline.n);
        if !known.contains(&one) {
            known.push(one);
        }
    }
    (!known.is_empty()).then(|| format!("baseline: {}", known.join(", ")))
}

/// Of the inputs only the bad ones, or the farthest; everything else whole.
fn shown(signals: &[SignalStatus]) -> impl Iterator<Item = &SignalStatus> {
    let (mut inputs, rest): (Vec<_>, Vec<_>) =
        signals.iter().partition(|signal| signal.feature.is_some());
    inputs.sort_by(|a, b| b.evidence.total_cmp(&a.evidence));
    let bad = |signal: &SignalStatus| matches!(signal.verdict, Verdict::Breach | Verdict::Systemic);
    let bad = inputs.iter().filter(|signal| bad(signal)).count();
    inputs.truncate(bad.clamp(INPUTS, BAD_INPUTS));
    rest.into_iter().chain(inputs)
}

fn row(signal: &SignalStatus) -> Vec<TableCell> {
    let name = match &signal.feature {
        Some(feature) => format!("drift {feature}"),
        None => signal.trigger.to_string(),
    };
    let value = |value: Option<f64>| value.map_or("-".into(), |v| signal.limit.shown(v));
    let null = match signal.limit {
        Limit::Psi { limit, .. } => Some(limit),
        Limit::Baseline(_) | Limit::Rate(_) | Limit::Paired(_) | Limit::MeanMs { .. } => {
            signal.null
        }
    };
    let evidence = match signal.rule {
        Statistic::EDetector => {
            format!("{}/{}", terms::odds(signal.evidence), terms::odds(signal.threshold))
        }
        // A plain rule has nothing but its value.
        Statistic::Window { .. } => "-".to_owned(),
    };
    let (state, tone) = state(signal);
    let in_time = signal.sees.filter(|seen| seen.within <= LONG);
    let sees = in_time.map_or("none".to_owned(), |seen| {
        let within = terms::span(seen.within).replace(' ', "");
        format!("{} {within}", signal.limit.shown(seen.value).replace(" %", "%"))
    });
    vec![
        terms::short(&name, 18).into(),
        value(signal.value).into(),
        value(null).into(),
        evidence.into(),
        TableCell::toned(state, tone),
        sees.into(),
    ]
}

/// What a trigger says, or what keeps it from saying anything.
fn state(signal: &SignalStatus) -> (String, Tone) {
    let (have, need) = signal.calibration;
    let promises = signal.rule == Statistic::EDetector;
    match signal.verdict {
        Verdict::Breach => ("breach".to_owned(), Tone::Bad),
        Verdict::Systemic => ("systemic".to_owned(), Tone::Doubtful),
        Verdict::Stale => ("stale".to_owned(), Tone::Doubtful),
        Verdict::Healthy | Verdict::Insufficient => match signal.reason {
            Reason::NoBaseline => ("blind: learning".to_owned(), Tone::Doubtful),
            Reason::BenefitUnproven | Reason::NoReference => {
                ("over, unproven".to_owned(), Tone::Doubtful)
            }
            _ if promises && signal.sees.is_none() && signal.null.is_some() => {
                ("blind: few samples".to_owned(), Tone::Doubtful)
            }
            _ if promises && have < need => (format!("calibrating {have}/{need}"), Tone::Plain),
            Reason::UnderThreshold
            | Reason::TooFewSamples
            | Reason::Incomplete
            | Reason::BenefitShown
            | Reason::ReferenceAlsoOver
            | Reason::PairedWithinTolerance
            | Reason::DriftShared
            | Reason::DriftOwn => ("armed".to_owned(), Tone::Good),
        },
    }
}
