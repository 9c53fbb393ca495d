//! Numbers, times and verdicts as people read them.

use chrono::DateTime;

use crate::config::grouped;
use crate::model::{EventTime, IncidentState, Limit, Reference, Signal, Span, Statistic};

/// `98,991`.
#[must_use]
pub(crate) fn count(n: u64) -> String {
    grouped(&n.to_string())
}

/// What an e-detector's statistic says; none of a plain rule, which has nothing but its value.
pub(crate) fn odds(rule: Statistic, statistic: f64, threshold: f64) -> Option<String> {
    let (statistic, threshold) = (number(statistic), number(threshold));
    (rule == Statistic::EDetector).then(|| format!("odds {statistic} to 1, {threshold} needed"))
}

/// A number of any size, in few digits: `16,367`, `12.3`, `0.0213`.
#[must_use]
pub(crate) fn number(x: f64) -> String {
    let size = x.abs();
    if !x.is_finite() {
        return "beyond counting".to_owned();
    }
    match size {
        s if s >= 1e15 => format!("{x:.1e}"),
        s if s >= 100.0 => {
            let sign = if x < 0.0 { "-" } else { "" };
            format!("{sign}{}", count(size.round() as u64))
        }
        s if s >= 1.0 => format!("{x:.1}"),
        s if s >= 0.1 => format!("{x:.2}"),
        s if s >= 0.0001 => format!("{x:.4}"),
        _ => format!("{x:.1e}"),
    }
}

/// A share as `12.3 %`.
#[must_use]
pub(crate) fn percent(share: f64) -> String {
    format!("{:.1} %", share * 100.0)
}

/// `2013-06-24 04:01`, in UTC.
#[must_use]
pub(crate) fn moment(at: EventTime) -> String {
    let text = at.to_string();
    match text.get(..16) {
        Some(minute) if text.ends_with('Z') => minute.replacen('T', " ", 1),
        Some(_) | None => text,
    }
}

/// `24 June 2013 at 04:01`, for sentences: it breaks between words only.
#[must_use]
pub(crate) fn spoken(at: EventTime) -> String {
    match DateTime::from_timestamp_millis(at.as_ms()) {
        Some(time) => time.format("%-d %B %Y at %H:%M").to_string(),
        None => at.to_string(),
    }
}

/// `2013-06-24`, in UTC.
#[must_use]
pub(crate) fn day(at: EventTime) -> String {
    let text = at.to_string();
    text.get(..10).map_or(text.clone(), str::to_owned)
}

/// `5 h 1 min`: the two largest units that are not zero.
#[must_use]
pub(crate) fn span(span: Span) -> String {
    let mut left = span.as_ms().max(0) / 1000;
    if left == 0 {
        return "0 s".to_owned();
    }
    let mut parts = Vec::new();
    for (unit, seconds) in [("d", 86_400), ("h", 3600), ("min", 60), ("s", 1)] {
        let n = left / seconds;
        left %= seconds;
        if n > 0 && parts.len() < 2 {
            parts.push(format!("{n} {unit}"));
        } else if !parts.is_empty() {
            break;
        }
    }
    parts.join(" ")
}

/// What a rule's value is: of one version, or the difference of two on the same requests.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Unit {
    signal: Signal,
    paired: bool,
}

impl Unit {
    /// That of a signal, read on the same requests or not.
    #[must_use]
    pub(crate) const fn new(signal: Signal, paired: bool) -> Self {
        Self { signal, paired }
    }

    /// That of a limit.
    #[must_use]
    pub(crate) const fn of(signal: Signal, limit: Limit) -> Self {
        Self::new(signal, matches!(limit, Limit::Paired(_)))
    }

    /// A value.
    #[must_use]
    pub(crate) fn value(self, x: f64) -> String {
        if self.paired { points(x) } else { value(self.signal, x) }
    }

    /// What it is a value of.
    #[must_use]
    pub(crate) const fn what(self) -> &'static str {
        if self.paired { "more wrong answers" } else { what(self.signal) }
    }

    /// Where it was measured, after whose it is.
    #[must_use]
    pub(crate) const fn place(self) -> &'static str {
        if self.paired { " on the same requests" } else { "" }
    }

    /// What is counted.
    #[must_use]
    pub(crate) const fn samples(self) -> &'static str {
        if self.paired { "pairs" } else { samples(self.signal) }
    }
}

/// A difference of shares as `4.7 points`.
#[must_use]
pub(crate) fn points(difference: f64) -> String {
    format!("{:.1} points", difference * 100.0)
}

/// The difference of two shares as they are shown: `+5.8 points` between 82.7 % and 88.5 %.
#[must_use]
pub(crate) fn gained(from: f64, to: f64) -> String {
    let shown = |share: f64| (share * 1000.0).round() / 10.0;
    format!("{:+.1} points", shown(to) - shown(from))
}

/// A value of a signal: a share of wrong or failed answers, milliseconds, an index.
#[must_use]
fn value(signal: Signal, x: f64) -> String {
    match signal {
        Signal::Accuracy | Signal::ErrorRate => percent(x),
        Signal::Latency => format!("{} ms", number(x)),
        Signal::FeatureDrift => format!("{x:.2}"),
    }
}

/// What a value of a signal is of: `wrong`, `failed`.
#[must_use]
const fn what(signal: Signal) -> &'static str {
    match signal {
        Signal::Accuracy => "wrong answers",
        Signal::ErrorRate => "failed answers",
        Signal::Latency => "mean time to answer",
        Signal::FeatureDrift => "population stability index",
    }
}

/// What one sample of a signal is.
#[must_use]
const fn samples(signal: Signal) -> &'static str {
    match signal {
        Signal::Accuracy => "labels",
        Signal::ErrorRate | Signal::Latency | Signal::FeatureDrift => "answers",
    }
}

/// What a comparison rests on.
#[must_use]
pub(crate) const fn reference(reference: Reference) -> &'static str {
    match reference {
        Reference::Paired => "on the same requests",
        Reference::Live => "live at the same time",
        Reference::History => "by its own days in production",
        Reference::Baseline => "by its baseline",
        Reference::None => "with nothing to compare with",
    }
}

/// Why something is stuck, without what a person would do: nobody can in a recording.
#[must_use]
pub(crate) fn without_order(because: &str) -> &str {
    because.split(" Mend it, then say").next().unwrap_or(because)
}

/// How far an incident came.
#[must_use]
pub(crate) const fn state(state: IncidentState) -> &'static str {
    match state {
        IncidentState::Open => "open",
        IncidentState::Mitigating => "mitigating",
        IncidentState::Mitigated => "mitigated",
        IncidentState::Verified => "verified",
        IncidentState::MitigatedUnverified => "mitigated, unverified",
        IncidentState::Resolved => "resolved",
        IncidentState::Frozen => "frozen",
        IncidentState::Stuck => "stuck",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_read_as_people_write_them() {
        let cases = [
            (16_367.108, "16,367"),
            (1_234_567.0, "1,234,567"),
            (12.34, "12.3"),
            (0.25, "0.25"),
            (0.0213, "0.0213"),
            (1e18, "1.0e18"),
            (f64::INFINITY, "beyond counting"),
            (-500.0, "-500"),
        ];
        for (x, expected) in cases {
            assert_eq!(number(x), expected);
        }
        let spans = [
            (0, "0 s"),
            (59, "59 s"),
            (18_060, "5 h 1 min"),
            (86_400, "1 d"),
            (86_460, "1 d"),
            (108_180, "1 d 6 h"),
        ];
        for (s, expected) in spans {
            assert_eq!(span(Span::from_s(s)), expected);
        }
        let at: EventTime = "2013-06-24T04:01:30Z".parse().unwrap();
        assert_eq!((moment(at), day(at)), ("2013-06-24 04:01".into(), "2013-06-24".into()));
    }

    #[test]
    fn a_difference_is_that_of_the_numbers_beside_it() {
        assert_eq!(gained(0.82659, 0.88526), "+5.8 points");
        assert_eq!(gained(0.5, 0.5), "+0.0 points");
    }
}
