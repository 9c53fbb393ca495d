//! The lines of `status` on one version: its baselines, and a row for each trigger.

use crate::edge::terminal::table::{TableCell, Tone};
use crate::model::{Limit, Reason, Signal, Span, Statistic, Verdict};
use crate::phrases::{Unit, blind, count, number, short, signal as signal_name, span};
use crate::shard::SignalStatus;

/// How many inputs of a version are shown if none is bad.
const INPUTS: usize = 1;
/// The most inputs of a version that are shown.
const BAD_INPUTS: usize = 5;

/// What would take longer to notice counts as never noticed.
const LONG: Span = Span::from_s(10 * 365 * 24 * 3600);

/// The version's baselines.
pub(super) fn baselines(signals: &[SignalStatus]) -> Option<String> {
    let mut known: Vec<String> = Vec::new();
    for (signal, baseline) in signals.iter().filter_map(|s| Some((s.signal, s.baseline?))) {
        let value = match signal {
            Signal::Accuracy | Signal::ErrorRate | Signal::Latency => {
                Unit::new(signal, false).value(baseline.value)
            }
            Signal::FeatureDrift => continue,
        };
        let one = format!("{} {value} of {}", signal_name(signal), count(baseline.n));
        if !known.contains(&one) {
            known.push(one);
        }
    }
    (!known.is_empty()).then(|| format!("baseline: {}", known.join(", ")))
}

/// Of the inputs only the bad ones, or the one that drifted most; all other signals.
pub(super) fn shown(signals: &[SignalStatus]) -> impl Iterator<Item = &SignalStatus> {
    let (mut inputs, rest): (Vec<_>, Vec<_>) =
        signals.iter().partition(|signal| signal.feature.is_some());
    inputs.sort_by(|a, b| b.evidence.total_cmp(&a.evidence));
    let bad = |signal: &SignalStatus| matches!(signal.verdict, Verdict::Breach | Verdict::Systemic);
    let bad = inputs.iter().filter(|signal| bad(signal)).count();
    inputs.truncate(bad.clamp(INPUTS, BAD_INPUTS));
    rest.into_iter().chain(inputs)
}

/// `warm`: how much of the label horizon was read again after a restart, if not all.
pub(super) fn row(signal: &SignalStatus, warm: Option<f64>) -> Vec<TableCell> {
    let name = match &signal.feature {
        Some(feature) => format!("drift {feature}"),
        None => signal.trigger.to_string(),
    };
    let unit = Unit::of(signal.signal, signal.limit);
    let value = |value: Option<f64>| value.map_or("-".into(), |v| unit.value(v));
    let null = match signal.limit {
        Limit::Psi { limit, .. } => Some(limit),
        Limit::Baseline(_) | Limit::Rate(_) | Limit::Paired(_) | Limit::MeanMs { .. } => {
            signal.null
        }
    };
    let evidence = match signal.rule {
        Statistic::EDetector => {
            format!("{}/{}", number(signal.evidence), number(signal.threshold))
        }
        // A plain rule has only its value.
        Statistic::Window { .. } => "-".to_owned(),
    };
    let (state, tone) = match warm.filter(|_| signal.signal == Signal::Accuracy) {
        // Rounded down: 100 % would say that it is over.
        Some(share) => (format!("warming {} %", (share * 100.0) as u32), Tone::Doubtful),
        None => state(signal),
    };
    let in_time = signal.sees.filter(|seen| seen.within <= LONG);
    let sees = in_time.map_or("nothing".to_owned(), |seen| {
        let within = span(seen.within).replace(' ', "");
        format!("{} {within}", unit.value(seen.value).replace(" %", "%"))
    });
    vec![
        short(&name, 18).into(),
        value(signal.value).into(),
        value(null).into(),
        evidence.into(),
        TableCell::toned(state, tone),
        sees.into(),
    ]
}

/// The state of a trigger, or what keeps it from firing.
fn state(signal: &SignalStatus) -> (String, Tone) {
    let (have, need) = signal.calibration;
    let promises = signal.rule == Statistic::EDetector;
    match signal.verdict {
        Verdict::Breach => ("breach".to_owned(), Tone::Bad),
        Verdict::Systemic => ("systemic".to_owned(), Tone::Doubtful),
        Verdict::Stale if signal.reason.is_blind() => {
            (format!("blind: {}", blind(signal.reason)), Tone::Bad)
        }
        Verdict::Stale | Verdict::Blind => ("stale".to_owned(), Tone::Doubtful),
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
            | Reason::Lost
            | Reason::LabelTypes
            | Reason::Silent
            | Reason::NoLabels
            | Reason::BenefitShown
            | Reason::ReferenceAlsoOver
            | Reason::PairedWithinTolerance
            | Reason::DriftShared
            | Reason::DriftOwn => ("armed".to_owned(), Tone::Good),
        },
    }
}
