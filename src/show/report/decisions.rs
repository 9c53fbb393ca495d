//! The table of decisions.

use std::collections::BTreeSet;

use crate::model::Signal;
use crate::phrases::{Unit, moment, verdict};
use crate::shard::Output;
use crate::show::data::Replayed;
use crate::show::response;
use crate::undo::Response;

/// Rows of the table.
const ROWS: usize = 60;

/// Every decision, the drift of each input only once; and how many rows were left out.
pub(super) fn decisions(replayed: &Replayed) -> (Vec<Vec<String>>, usize) {
    let mut drifted = BTreeSet::new();
    let mut rows = Vec::new();
    for output in &replayed.outputs {
        let Output::Decision(decision) = output else { continue };
        let Some(ruling) = &decision.ruling else { continue };
        let a = &decision.assessment;
        let drift = a.signal == Signal::FeatureDrift;
        match ruling.did {
            Response::Nothing | Response::Joined => continue,
            Response::Resolved if drift => continue,
            Response::Alerted
            | Response::WouldHave
            | Response::Held
            | Response::Acted
            | Response::Resolved => {}
        }
        if drift && !drifted.insert((&a.model, &a.version, &a.feature, a.verdict)) {
            continue;
        }
        let feature = a.feature.as_ref().map(|feature| format!(", {feature}")).unwrap_or_default();
        let unit = Unit::of(a.signal, a.evidence.limit);
        rows.push(vec![
            moment(decision.read_to),
            response(ruling.did).to_owned(),
            format!("{} {}{feature}", a.version, a.trigger),
            verdict(a.verdict).to_owned(),
            a.evidence.estimate.map_or("-".to_owned(), |x| unit.value(x)),
            a.evidence.null.map_or("-".to_owned(), |x| unit.value(x)),
            ruling.because.clone(),
        ]);
    }
    let more = rows.len().saturating_sub(ROWS);
    rows.truncate(ROWS);
    (rows, more)
}
