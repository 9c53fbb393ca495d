//! The first lines of `status`: what has stopped, the models by state, the records, the clock, and
//! who has spoken when.

use crate::edge::terminal::table::{Look, Tone, toned};
use crate::model::{ModelId, Span, Verdict};
use crate::phrases::{count, log_moment, span, visible};
use crate::shard::ModelStatus;
use crate::sums::Counters;
use crate::wire::api::Overview;

/// `shown`: the models on the page, which are those that the second line counts.
pub(super) fn head<'a>(
    overview: &Overview,
    shown: impl Iterator<Item = (&'a ModelId, &'a ModelStatus)>,
    look: Look,
) -> Vec<String> {
    let mut out = Vec::new();
    let shown: Vec<_> = shown.collect();
    let blind: Vec<_> = shown.iter().filter_map(|(model, status)| blind(model, status)).collect();
    if !blind.is_empty() {
        out.push(toned(&format!("BLIND: {}", visible(&blind.join(" "))), Tone::Bad, look));
    }
    if !overview.stopped.is_empty() {
        let stopped = visible(&overview.stopped.join(". ")).into_owned();
        out.push(toned(&format!("STOPPED: {stopped}"), Tone::Bad, look));
    }
    out.push(format!("namespace {} · {}", overview.namespace, states(shown.into_iter())));
    out.push(records(overview));
    out.push(clock(overview));
    let roles = overview.roles.iter().map(|view| match view.age_seconds {
        Some(age) => format!("{} {} ago", view.role, seconds(age)),
        None => format!("{} not yet", view.role),
    });
    let roles: Vec<_> = roles.collect();
    if !roles.is_empty() {
        out.push(format!("last heard: {}", roles.join(", ")));
    }
    out
}

/// Why nobody can say whether a model's production is healthy.
fn blind(model: &ModelId, status: &ModelStatus) -> Option<String> {
    let mut open = status.open_incidents.iter();
    let incident = open.find(|incident| incident.verdict == Verdict::Blind)?;
    Some(format!("{model}: {}", incident.because))
}

/// `3 models: 1 with an open incident, 2 quiet`: each model once, by the worst that is said of it.
fn states<'a>(shown: impl Iterator<Item = (&'a ModelId, &'a ModelStatus)>) -> String {
    let mut counts = [0_u64; 4];
    let mut all = 0;
    for (_, status) in shown {
        let stale = |verdict: Verdict| matches!(verdict, Verdict::Stale | Verdict::Blind);
        let signals = || status.versions.values().flat_map(|version| &version.signals);
        let state = if !status.open_incidents.is_empty() {
            0
        } else if status.frozen.is_some() {
            1
        } else if signals().any(|signal| stale(signal.verdict)) {
            2
        } else {
            3
        };
        counts[state] += 1;
        all += 1;
    }
    let words = ["with an open incident", "frozen", "stale", "quiet"];
    let parts = counts.iter().zip(words).filter(|(n, _)| **n > 0);
    let parts: Vec<_> = parts.map(|(n, word)| format!("{} {word}", count(*n))).collect();
    let models = if all == 1 { "model" } else { "models" };
    match parts.is_empty() {
        true => "0 models".to_owned(),
        false => format!("{} {models}: {}", count(all), parts.join(", ")),
    }
}

fn records(overview: &Overview) -> String {
    let mut all = Counters::default();
    overview.records.values().for_each(|counters| all.merge(counters));
    let always =
        [("measured", all.measured), ("late", all.late), ("rejected", all.rejected.values().sum())];
    let rest = [
        ("waiting", all.waiting),
        ("unmatched", all.unmatched),
        ("duplicate", all.duplicate),
        ("tombstones", all.tombstones),
        ("not ours", all.not_ours),
    ];
    let rest = rest.into_iter().filter(|(_, n)| *n > 0);
    let parts = always.into_iter().chain(rest).map(|(what, n)| format!("{} {what}", count(n)));
    let parts: Vec<_> = parts.collect();
    format!("{} records read: {}", count(all.read), parts.join(", "))
}

/// What the server's clock shows, and where log time is.
fn clock(overview: &Overview) -> String {
    let ahead = overview.clock.log_ahead_seconds;
    let log = match ahead >= 1.0 {
        true => format!("log time is {} ahead of its clock, which was set back", seconds(ahead)),
        false => "log time is the same".to_owned(),
    };
    format!("clock {} · {log}", log_moment(overview.clock.host))
}

/// A number of seconds in words.
pub(super) fn seconds(s: f64) -> String {
    span(Span::from_ms((s * 1000.0) as i64))
}
