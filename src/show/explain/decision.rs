//! A verdict with its evidence, and what was done about it.

use crate::model::Statistic;
use crate::phrases::{Unit, benefit, command, count, moment, number, reason, reference, verdict};
use crate::shard::Decision;
use crate::show::{Screen, response};
use crate::sums::{BucketSums, Evidence, Tally};

/// Buckets of evidence that are shown: the last ones.
const BUCKETS: usize = 8;

/// One decision.
#[must_use]
pub fn decision(decision: &Decision, screen: Screen) -> String {
    let mut out = vec![screen.bold(&format!("Decision {}", decision.id))];
    seen(&mut out, decision, screen);
    match &decision.ruling {
        None => out.push("Nothing was done about it.".to_owned()),
        Some(ruling) => {
            let to = ruling.to.as_ref().map_or(String::new(), |to| format!(" (to {to})"));
            let text = format!("What was done: {}{to}. {}", response(ruling.did), ruling.because);
            out.push(screen.wrap(&text, 0));
            if let Some(incident) = &ruling.incident {
                out.push(format!("Next: {}", command("explain", &[incident.as_str()], &[])));
            }
        }
    }
    out.join("\n")
}

/// The verdict, its evidence, and what it was compared with.
pub(super) fn seen(out: &mut Vec<String>, decision: &Decision, screen: Screen) {
    let a = &decision.assessment;
    let evidence = &a.evidence;
    let input = a.feature.as_ref().map_or(String::new(), |name| format!(", input {name}"));
    let of = format!("{} of {}{input}", a.version, a.model);
    let (said, why) = (verdict(a.verdict), reason(a.reason));
    out.push(screen.wrap(&format!("{of}: verdict {said} by {}, because {why}.", a.trigger), 0));
    out.push(screen.wrap(&estimate(evidence, Unit::of(a.signal, evidence.limit)), 0));
    if evidence.rule == Statistic::EDetector {
        let (odds, threshold) = (number(evidence.statistic), number(evidence.threshold));
        let over = if evidence.statistic >= evidence.threshold { "over" } else { "under" };
        let text = format!(
            "Evidence: odds {odds} to 1 against the limit, {over} the threshold of {threshold} \
             (design effect {:.1}).",
            evidence.design_effect
        );
        out.push(screen.wrap(&text, 0));
    }
    out.push(screen.wrap(&format!("Basis of comparison: {}.", reference(evidence.reference)), 0));
    for other in &a.against {
        let (better, by) = (benefit(other.better), reference(other.reference));
        out.push(
            screen.wrap(&format!("If {} served: {better} (judged by {by})", other.version), 2),
        );
    }
    buckets(out, &evidence.buckets, screen);
    let open = if a.provisional { " The last bucket is still open." } else { "" };
    let rules = decision.rules.get(..12).unwrap_or(&decision.rules);
    let (at, build) = (moment(a.at), &decision.build);
    out.push(screen.wrap(&format!("As of {at}; rules {rules}, build {build}.{open}"), 0));
}

fn estimate(evidence: &Evidence, unit: Unit) -> String {
    let (what, place) = (unit.what(), unit.place());
    let Some(estimate) = evidence.estimate else {
        return format!("Not measured yet: {what}{place}.");
    };
    let interval = evidence.interval.map_or(String::new(), |(low, high)| {
        format!(" (95 % interval {} to {})", unit.value(low), unit.value(high))
    });
    let null = evidence.null.map_or("unknown without a baseline".to_owned(), |x| unit.value(x));
    let since = evidence.since.map_or(String::new(), |at| format!(" since {}", moment(at)));
    format!(
        "Measured: {} {what}{place}{interval}, limit: {null}; {} {}{since}.",
        unit.value(estimate),
        count(evidence.samples),
        unit.samples()
    )
}

fn buckets(out: &mut Vec<String>, buckets: &[BucketSums], screen: Screen) {
    if buckets.is_empty() {
        return;
    }
    let older = buckets.len().saturating_sub(BUCKETS);
    let which = match older {
        0 => "Buckets".to_owned(),
        _ => format!("The last {BUCKETS} of {} buckets", count(buckets.len() as u64)),
    };
    out.push(format!("{which} since the likely start:"));
    for bucket in buckets.iter().skip(older) {
        let sums = match &bucket.tally {
            Tally::Rate { n, bad } => format!("{} of {} bad", count(*bad), count(*n)),
            Tally::Paired { other, table } => format!(
                "{} requests: only {other} right in {}, only this version right in {}",
                count(table.n()),
                count(table.only_b),
                count(table.only_a)
            ),
            Tally::Mean { n, sum_ms, .. } => {
                format!("{} answers, mean {} ms", count(*n), number(sum_ms / (*n).max(1) as f64))
            }
            Tally::Distance { n, psi } => format!("{} samples, PSI {psi:.2}", count(*n)),
        };
        out.push(screen.wrap(&format!("{}  {sums}", moment(bucket.start)), 2));
    }
}
