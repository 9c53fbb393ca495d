//! The metrics of rollbacks, counted from incidents.

use std::collections::BTreeMap;

use crate::edge::diagnostics::metrics::{self, MetricLabels, Page, Spread, word};
use crate::model::{EventTime, Incident, IncidentState, Mode, Signal, TriggerId};

/// What the metrics need of an incident.
#[derive(Debug, Clone)]
pub(super) struct IncidentNumbers {
    state: IncidentState,
    /// Whether something is rolled back.
    rolls_back: bool,
    signal: Option<Signal>,
    trigger: Option<TriggerId>,
    mode: Mode,
    attempts: u64,
    breach_from: Option<EventTime>,
    decided_at: Option<EventTime>,
    switched_at: Option<EventTime>,
    mitigated_at: Option<EventTime>,
    verified_at: Option<EventTime>,
    closed_at: Option<EventTime>,
}

impl IncidentNumbers {
    pub(super) fn of(incident: &Incident) -> Self {
        Self {
            state: incident.state,
            rolls_back: incident.generation.is_some(),
            signal: incident.signal,
            trigger: incident.trigger.clone(),
            mode: incident.mode,
            attempts: incident.plan.iter().map(|step| u64::from(step.attempts)).sum(),
            breach_from: incident.breach_from,
            decided_at: incident.decided_at,
            switched_at: incident.switched_at,
            mitigated_at: incident.mitigated_at,
            verified_at: incident.verified_at,
            closed_at: incident.closed_at,
        }
    }
}

/// Counted by fields that are written once and stay, so that no count ever falls: not when a state
/// changes, and not after a restart.
pub(super) fn rollbacks(page: &mut Page, incidents: &mut dyn Iterator<Item = &IncidentNumbers>) {
    let mut states: BTreeMap<MetricLabels, f64> = BTreeMap::new();
    let mut commands: BTreeMap<MetricLabels, u64> = BTreeMap::new();
    let mut durations: BTreeMap<MetricLabels, Spread> = BTreeMap::new();
    let mut detection: BTreeMap<MetricLabels, Spread> = BTreeMap::new();
    let mut came: BTreeMap<&str, u64> =
        ["decided", "mitigated", "verified", "unverified"].map(|result| (result, 0)).into();
    for incident in incidents {
        *states.entry(vec![("state", word(incident.state))]).or_default() += 1.0;
        if !incident.rolls_back {
            continue;
        }
        let IncidentNumbers {
            decided_at, switched_at, mitigated_at, verified_at, closed_at, ..
        } = *incident;
        if let Some((delay, signal)) =
            between(incident.breach_from, decided_at).zip(incident.signal)
        {
            detection.entry(vec![("signal", word(signal))]).or_default().record_us(delay);
        }
        let trigger = incident.trigger.as_ref().map_or("person", |trigger| trigger.as_str());
        let labels = vec![("trigger", trigger.to_owned()), ("mode", word(incident.mode))];
        *commands.entry(labels).or_default() += incident.attempts;
        // A rollback that ended without its proof counts the time it waited.
        let unverified = closed_at.filter(|_| verified_at.is_none());
        for (phase, result, from, to) in [
            ("switch", "done", decided_at, switched_at),
            ("mitigate", "done", switched_at, mitigated_at),
            ("verify", "done", mitigated_at, verified_at),
            ("verify", "unverified", mitigated_at, unverified),
        ] {
            if let Some(took) = between(from, to) {
                let labels = vec![("phase", phase.to_owned()), ("result", result.to_owned())];
                durations.entry(labels).or_default().record_us(took);
            }
        }
        for (result, at) in [
            ("decided", decided_at),
            ("mitigated", mitigated_at),
            ("verified", verified_at),
            ("unverified", unverified),
        ] {
            *came.entry(result).or_default() += u64::from(at.is_some());
        }
    }
    page.gauge(metrics::STATES, states);
    page.histogram(metrics::DETECTION, detection);
    page.counter(metrics::COMMANDS, commands);
    page.histogram(metrics::DURATION, durations);
    let came = came.into_iter().map(|(result, n)| (vec![("result", result.to_owned())], n));
    page.counter(metrics::ROLLBACKS, came);
}

/// Microseconds from one moment to another, where both are.
fn between(from: Option<EventTime>, to: Option<EventTime>) -> Option<u64> {
    Some(u64::try_from((to? - from?).as_ms()).unwrap_or(0).saturating_mul(1000))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::shard::BUILD;

    /// The series of one incident, and what they count.
    fn counted(incident: &Incident) -> BTreeMap<String, f64> {
        let mut page = Page::new(BUILD);
        rollbacks(&mut page, &mut std::iter::once(&IncidentNumbers::of(incident)));
        let text = page.text();
        let counts = text.lines().filter_map(|line| {
            let (series, value) = line.rsplit_once(' ')?;
            let grows = ["_total", "_count", "_bucket"].iter().any(|end| series.contains(end));
            Some((series.to_owned(), value.parse().ok()?)).filter(|_| grows)
        });
        counts.collect()
    }

    #[test]
    fn no_count_falls_when_an_incident_changes() {
        let text = include_str!("../../../schemas/incident.v1.example.json");
        let mut incident: Incident = serde_json::from_str(text).unwrap();
        let at = |minutes: i64| Some(EventTime::from_ms(minutes * 60_000));
        incident.generation = Some(1);
        (incident.breach_from, incident.decided_at) = (at(0), at(5));
        (incident.switched_at, incident.mitigated_at) = (None, None);
        (incident.verified_at, incident.closed_at) = (None, None);
        let mut before = BTreeMap::new();
        let mut grew = Vec::new();
        for (state, set) in [
            (IncidentState::Mitigating, None),
            (IncidentState::Stuck, None),
            (IncidentState::Frozen, None),
            (IncidentState::Mitigating, Some("switched")),
            (IncidentState::Mitigated, Some("mitigated")),
            (IncidentState::Stuck, None),
            (IncidentState::Verified, Some("verified")),
            (IncidentState::Frozen, None),
            (IncidentState::Resolved, Some("closed")),
        ] {
            incident.state = state;
            match set {
                Some("switched") => incident.switched_at = at(6),
                Some("mitigated") => incident.mitigated_at = at(8),
                Some("verified") => incident.verified_at = at(90),
                Some("closed") => incident.closed_at = at(2000),
                _ => {}
            }
            let now = counted(&incident);
            for (series, count) in &before {
                assert!(now.get(series) >= Some(count), "{series} fell from {count} at {state:?}");
            }
            grew.push(now != before);
            before = now;
        }
        assert_eq!(grew, [true, false, false, true, true, false, true, false, false]);
        let ended =
            |result: &str| before[&format!("ripcord_rollbacks_total{{result=\"{result}\"}}")];
        let ends = ["decided", "mitigated", "verified", "unverified"].map(ended);
        assert_eq!(ends, [1.0, 1.0, 1.0, 0.0]);
    }
}
