//! A replay as one page: a verdict, charts, and the tables behind them.
//!
//! Law: the page contains everything that it shows. No script, nothing from outside.

mod decisions;
mod evidence;
mod rollback;

use minijinja::syntax::SyntaxConfig;
use minijinja::value::Serde;
use minijinja::{AutoEscape, Environment};
use serde::Serialize;

use self::decisions::decisions;
use self::rollback::{RollbackPage, rollback_page};
use super::charts::{Chart, DrawError};
use super::data::Replayed;
use super::plots::{accuracy, drifts, statistic};
use super::verdict::{place_of, verdict};
use crate::config::RulesInWords;
use crate::model::{ModelId, VersionId};
use crate::phrases::{count, gained, moment, percent, visible};

const PAGE: &str = include_str!("report.html");

/// Why there is no page.
#[derive(Debug, thiserror::Error)]
#[error("the page cannot be created; this is a bug in Ripcord, please report it")]
pub enum ReportError {
    /// The template and its data do not match.
    Page(#[from] minijinja::Error),
    /// A chart cannot be drawn.
    Chart(#[from] DrawError),
}

#[derive(Debug, Serialize)]
struct Page<'a> {
    verdict: String,
    of: &'a str,
    live: &'a [[String; 3]],
    read_to: String,
    rules_hash: &'a str,
    mode: &'static str,
    build: &'static str,
    models: Vec<ModelPage>,
    rollbacks: Vec<RollbackPage>,
    decisions: Vec<Vec<String>>,
    more: usize,
    rules: &'a [RulesInWords],
    counters: Vec<(String, String)>,
    refused: Vec<String>,
    notes: &'a [String],
}

#[derive(Debug, Serialize)]
struct ModelPage {
    name: String,
    served: Option<String>,
    without: Option<String>,
    difference: Option<String>,
    start: Option<String>,
    end: Option<String>,
    accuracy: Vec<Chart>,
    evidence: Vec<Chart>,
    drift: Vec<Vec<Chart>>,
    subject: String,
}

/// The page. `of` names its subject; `live` has what only a live run can measure, a line each.
///
/// # Errors
/// The template and its data do not match, or a chart cannot be drawn.
pub fn page(
    replayed: &Replayed,
    of: &str,
    live: &[[String; 3]],
    rules: &[RulesInWords],
) -> Result<String, ReportError> {
    let mut environment = Environment::new();
    environment.set_auto_escape_callback(|_| AutoEscape::Html);
    environment.set_syntax(SyntaxConfig::builder().trim_blocks(true).lstrip_blocks(true).build()?);
    environment.add_template("report", PAGE)?;
    let summary = &replayed.summary;
    let models = summary.models.keys().map(|model| model_page(replayed, model));
    let rollbacks = summary.rollbacks.iter().map(|one| rollback_page(replayed, one));
    let records = &summary.records;
    let mut counters = vec![
        ("read".to_owned(), count(records.read)),
        ("measured".to_owned(), count(records.measured)),
        ("waiting".to_owned(), count(records.waiting)),
        ("unmatched".to_owned(), count(records.unmatched)),
        ("late".to_owned(), count(records.late)),
        ("duplicate".to_owned(), count(records.duplicate)),
    ];
    if records.tombstones > 0 {
        counters.push(("tombstones".to_owned(), count(records.tombstones)));
    }
    if records.not_ours > 0 {
        counters.push(("not ours".to_owned(), count(records.not_ours)));
    }
    let rejected = records.rejected.iter();
    counters.extend(rejected.map(|(code, n)| (format!("rejected: {code}"), count(*n))));
    let (decisions, more) = decisions(replayed);
    let page = Page {
        verdict: verdict(summary),
        of,
        live,
        read_to: replayed.status.read_to.map_or_else(String::new, moment),
        rules_hash: &replayed.rules.hash,
        mode: replayed.rules.default.mode.name(),
        build: crate::shard::BUILD,
        models: models.collect::<Result<_, _>>()?,
        rollbacks: rollbacks.collect(),
        decisions,
        more,
        rules,
        counters,
        refused: summary.refused.iter().map(place_of).collect(),
        notes: &summary.notes,
    };
    let text = environment.get_template("report")?.render(Serde(page))?;
    Ok(visible(&text).into_owned())
}

fn model_page(replayed: &Replayed, model: &ModelId) -> Result<ModelPage, DrawError> {
    let summary = replayed.summary.models.get(model);
    let (served, without) =
        summary.map_or((None, None), |known| (known.accuracy_served, known.accuracy_without));
    let name = |version: &VersionId| version.to_string();
    let start = summary.and_then(|known| known.production_at_start.clone());
    let end = summary.and_then(|known| known.production_at_end.clone());
    let rollback = replayed.summary.rollbacks.iter().find(|one| one.model == *model);
    let subject = rollback.map(|one| one.from.clone()).or(start.clone());
    let other = rollback.and_then(|one| one.to.clone()).or_else(|| {
        let seen = replayed.days.versions(model);
        seen.into_iter().find(|version| Some(*version) != subject.as_ref()).cloned()
    });
    let (evidence, drift) = match &subject {
        Some(subject) => (
            statistic(replayed, model, subject, other.as_ref(), rollback)?,
            drifts(replayed, model, subject)?,
        ),
        None => (Vec::new(), Vec::new()),
    };
    Ok(ModelPage {
        name: model.to_string(),
        served: served.map(percent),
        without: without.map(percent),
        difference: served.zip(without).map(|(served, without)| gained(without, served)),
        accuracy: accuracy(replayed, model, subject.as_ref(), rollback)?,
        evidence,
        drift,
        subject: subject.as_ref().map(name).unwrap_or_default(),
        start: start.as_ref().map(name),
        end: end.as_ref().map(name),
    })
}
