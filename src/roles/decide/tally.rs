//! Counts a shard's outputs once they are on the log, for the page of metrics.

use crate::edge::diagnostics::{counters, metrics};
use crate::model::Verdict;
use crate::shard::{Decision, Output};
use crate::undo::Response;

/// One output.
pub(crate) fn tally(output: &Output) {
    match output {
        Output::Incident(incident) => counters::incident(incident),
        Output::Decision(decision) => {
            let said = &decision.assessment;
            let (signal, verdict) = (metrics::word(said.signal), metrics::word(said.verdict));
            counters::count(metrics::VERDICTS, vec![("signal", signal), ("verdict", verdict)]);
            if let Some(reason) = suppressed(decision) {
                counters::count(metrics::SUPPRESSED, vec![("reason", reason)]);
            }
        }
        Output::Command(_) | Output::Reply(_) => {}
    }
}

/// Why evidence past its threshold led to no rollback; none: it did, or there was none.
fn suppressed(decision: &Decision) -> Option<String> {
    let said = &decision.assessment;
    match said.verdict {
        Verdict::Breach => {
            let did = decision.ruling.as_ref().map(|ruling| ruling.did)?;
            let acted = matches!(did, Response::Acted | Response::Joined | Response::Resolved);
            (!acted).then(|| metrics::word(did))
        }
        Verdict::Systemic => Some(metrics::word(said.reason)),
        Verdict::Insufficient | Verdict::Stale | Verdict::Blind => {
            let over = said.evidence.statistic >= said.evidence.threshold;
            over.then(|| metrics::word(said.reason))
        }
        Verdict::Healthy => None,
    }
}
