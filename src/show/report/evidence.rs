//! The buckets behind a verdict, as tables.

use serde::Serialize;

use crate::model::{Limit, Verdict};
use crate::phrases::{count, moment, number, percent, points};
use crate::shard::{Decision, Output};
use crate::show::data::{Replayed, RollbackSummary};
use crate::sums::{BucketSums, Counts, Tally};

/// Buckets of a table of evidence: the last ones.
const BUCKETS: usize = 24;

#[derive(Debug, Serialize)]
pub(super) struct BucketTable {
    caption: String,
    header: Vec<String>,
    rows: Vec<Vec<String>>,
}

/// The buckets of the decisive verdict, and of the paired one where another decided.
pub(super) fn evidence_tables(replayed: &Replayed, rollback: &RollbackSummary) -> Vec<BucketTable> {
    let decisions = || {
        replayed.outputs.iter().filter_map(|output| match output {
            Output::Decision(decision) => Some(decision.as_ref()),
            Output::Command(_) | Output::Incident(_) | Output::Reply(_) => None,
        })
    };
    let id = rollback.evidence.as_ref().map(|evidence| &evidence.decision);
    let decisive = decisions().find(|decision| Some(&decision.id) == id);
    // Later buckets are no evidence for the decision.
    let is_paired = |decision: &&Decision| {
        let a = &decision.assessment;
        rollback.decided_at.is_none_or(|decided| decision.read_to <= decided)
            && matches!(a.evidence.limit, Limit::Paired(_))
            && (&a.model, &a.version) == (&rollback.model, &rollback.from)
            && a.verdict == Verdict::Breach
    };
    let paired = decisions().find(is_paired).filter(|paired| Some(&paired.id) != id);
    decisive.into_iter().chain(paired).filter_map(evidence_table).collect()
}

fn evidence_table(decision: &Decision) -> Option<BucketTable> {
    let a = &decision.assessment;
    let first = a.evidence.buckets.first()?;
    let header: &[&str] = match &first.tally {
        Tally::Rate { .. } => &["from", "answers", "bad", "share"],
        Tally::Paired { .. } => {
            &["from", "requests", "only this one wrong", "only the other wrong", "difference"]
        }
        Tally::Mean { .. } => &["from", "answers", "mean"],
        Tally::Distance { .. } => &["from", "samples", "index"],
    };
    let buckets = &a.evidence.buckets;
    let left_out = buckets.len().saturating_sub(BUCKETS);
    let which = match (buckets.len(), left_out) {
        (1, _) => "the bucket".to_owned(),
        (_, 0) => "the buckets".to_owned(),
        (all, _) => format!("the last {BUCKETS} of {} buckets", count(all as u64)),
    };
    let caption = format!(
        "{} of {}, as of {}: {which} since the likely change",
        a.trigger,
        a.version,
        moment(decision.read_to)
    );
    Some(BucketTable {
        caption,
        header: header.iter().map(|&name| name.to_owned()).collect(),
        rows: buckets.iter().skip(left_out).map(bucket).collect(),
    })
}

fn bucket(bucket: &BucketSums) -> Vec<String> {
    let mut row = vec![moment(bucket.start)];
    match &bucket.tally {
        Tally::Rate { n, bad } => {
            let share = Counts { n: *n, bad: *bad }.rate().map_or("-".to_owned(), percent);
            row.extend([count(*n), count(*bad), share]);
        }
        Tally::Paired { table, .. } => {
            let (n, a, b) = (table.n(), table.only_b, table.only_a);
            let difference = (a as f64 - b as f64) / (n.max(1)) as f64;
            row.extend([
                count(n),
                count(a),
                count(b),
                format!("{}{}", if difference < 0.0 { "" } else { "+" }, points(difference)),
            ]);
        }
        Tally::Mean { n, sum_ms, .. } => {
            row.extend([count(*n), format!("{} ms", number(sum_ms / (*n).max(1) as f64))]);
        }
        Tally::Distance { n, psi } => row.extend([count(*n), format!("{psi:.2}")]),
    }
    row
}
