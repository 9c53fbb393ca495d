//! A replay as one page: a verdict, charts, and the tables behind them.
//!
//! Law: the page holds everything that it shows. No script, nothing from outside. One file, since
//! it is one list: what `report.html` is given.
//!
//! Over 300 lines: one list of what the page is given.

use std::collections::BTreeSet;

use minijinja::syntax::SyntaxConfig;
use minijinja::value::Serde;
use minijinja::{AutoEscape, Environment};
use serde::Serialize;

use super::charts::{Chart, DrawError};
use super::plots::{accuracy, drifts, statistic};
use super::{ending, lines};
use crate::config::RulesInWords;
use crate::model::{EventTime, Limit, ModelId, Signal, Verdict, VersionId};
use crate::phrases::words;
use crate::phrases::words::{Unit, count, gained, moment, number, percent, span, state};
use crate::replay::{Replayed, RollbackSummary};
use crate::shard::{Decision, Output};
use crate::sums::{BucketSums, Counts, Tally};
use crate::undo::Response;

const PAGE: &str = include_str!("report.html");

/// Rows of the table of decisions.
const ROWS: usize = 60;

/// Buckets of a table of evidence: the last ones.
const BUCKETS: usize = 24;

/// Why there is no page.
#[derive(Debug, thiserror::Error)]
#[error("the page cannot be made; this is a mistake in Ripcord, please report it")]
pub enum ReportError {
    /// The template and its data do not go together.
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
    mode: String,
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

#[derive(Debug, Serialize)]
struct RollbackPage {
    title: String,
    outcome: &'static str,
    steps: Vec<[String; 3]>,
    phases: Vec<Phase>,
    facts: Vec<[String; 2]>,
    said: Vec<[String; 3]>,
    tables: Vec<Table>,
}

/// A stretch of the timeline, in parts of its width, 0 to 100.
#[derive(Debug, Serialize)]
struct Phase {
    name: &'static str,
    x: f64,
    width: f64,
    took: String,
}

#[derive(Debug, Serialize)]
struct Table {
    caption: String,
    header: Vec<String>,
    rows: Vec<Vec<String>>,
}

/// The page. `of`: what it is of, in words; `live`: what only a live run can know, a line each.
///
/// # Errors
/// The template and its data do not go together, or a chart cannot be drawn.
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
    let rejected = records.rejected.iter();
    counters.extend(rejected.map(|(code, n)| (format!("rejected: {code}"), count(*n))));
    let (decisions, more) = decisions(replayed);
    let page = Page {
        verdict: ending::verdict(summary),
        of,
        live,
        read_to: replayed.status.read_to.map_or_else(String::new, moment),
        rules_hash: &replayed.rules.hash,
        mode: format!("{:?}", replayed.rules.default.mode).to_lowercase(),
        build: crate::shard::BUILD,
        models: models.collect::<Result<_, _>>()?,
        rollbacks: rollbacks.collect(),
        decisions,
        more,
        rules,
        counters,
        refused: summary.refused.iter().map(ending::where_it_stands).collect(),
        notes: &summary.notes,
    };
    let text = environment.get_template("report")?.render(Serde(page))?;
    Ok(lines::visible(&text).into_owned())
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
        let seen = replayed.ledger.versions(model);
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

fn rollback_page(replayed: &Replayed, rollback: &RollbackSummary) -> RollbackPage {
    let to = rollback.to.as_ref().map_or("another version", |to| to.as_str());
    let steps = ending::steps(rollback)
        .into_iter()
        .map(|(what, at, took)| [what.to_owned(), moment(at), took.unwrap_or_default()]);
    let said = rollback.story.iter().map(|said| {
        let at = EventTime::from_ms(said.at.as_ms());
        [moment(at), state(said.state).to_owned(), said.because.clone()]
    });
    RollbackPage {
        title: format!("{}: {} → {to}", rollback.model, rollback.from),
        outcome: state(rollback.outcome),
        steps: steps.collect(),
        phases: phases(rollback),
        facts: facts(rollback),
        said: said.collect(),
        tables: evidence_tables(replayed, rollback),
    }
}

fn phases(rollback: &RollbackSummary) -> Vec<Phase> {
    let moments = [
        ("detect", rollback.breach_from, rollback.decided_at),
        ("switch", rollback.decided_at, rollback.mitigated_at),
        ("verify", rollback.mitigated_at, rollback.verified_at),
        ("watch", rollback.verified_at, rollback.closed_at),
    ];
    let known: Vec<_> =
        moments.into_iter().filter_map(|(name, from, to)| Some((name, from?, to?))).collect();
    let (Some(first), Some(last)) = (known.first(), known.last()) else { return Vec::new() };
    let (start, length) = (first.1, (last.2 - first.1).as_s().max(1.0));
    let phase = |(name, from, to): &(&'static str, EventTime, EventTime)| Phase {
        name,
        x: (*from - start).as_s() / length * 100.0,
        width: (*to - *from).as_s() / length * 100.0,
        took: span(*to - *from),
    };
    known.iter().map(phase).collect()
}

fn facts(rollback: &RollbackSummary) -> Vec<[String; 2]> {
    let mut facts = Vec::new();
    let mut fact = |name: &str, text: Option<String>| {
        facts.extend(text.map(|text| [name.to_owned(), text]));
    };
    let unit = ending::unit(rollback);
    fact("rule that fired", rollback.trigger.as_ref().map(ToString::to_string));
    fact("better shown", Some(words::reference(rollback.reference).to_owned()));
    if let Some(evidence) = &rollback.evidence {
        let between = evidence.interval.map_or(String::new(), |(low, high)| {
            format!(" (95 %: {} to {})", unit.value(low), unit.value(high))
        });
        let measured = evidence.value.map(|x| format!("{}{between}", unit.value(x)));
        fact(unit.what(), measured);
        fact("tolerated", evidence.tolerated.map(|x| unit.value(x)));
        fact("statistic", words::odds(evidence.rule, evidence.statistic, evidence.threshold));
        fact("decision", Some(evidence.decision.clone()));
    }
    fact(unit.samples(), Some(count(rollback.detection.labels)));
    fact("proof", rollback.proof.map(|proof| format!("{proof:?}")));
    fact("generation", rollback.generation.map(count));
    fact("incident", Some(rollback.incident.to_string()));
    facts
}

/// The buckets of the decisive verdict, and of the paired one where another decided.
fn evidence_tables(replayed: &Replayed, rollback: &RollbackSummary) -> Vec<Table> {
    let decisions = || {
        replayed.outputs.iter().filter_map(|output| match output {
            Output::Decision(decision) => Some(decision.as_ref()),
            Output::Command(_) | Output::Incident(_) | Output::Reply(_) => None,
        })
    };
    let id = rollback.evidence.as_ref().map(|evidence| &evidence.decision);
    let decisive = decisions().find(|decision| Some(&decision.id) == id);
    // What came after the decision is no evidence for it.
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

fn evidence_table(decision: &Decision) -> Option<Table> {
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
    Some(Table {
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
            let difference = (a as f64 - b as f64) / (n.max(1)) as f64 * 100.0;
            row.extend([count(n), count(a), count(b), format!("{difference:+.1} points")]);
        }
        Tally::Mean { n, sum_ms, .. } => {
            row.extend([count(*n), format!("{} ms", number(sum_ms / (*n).max(1) as f64))]);
        }
        Tally::Distance { n, psi } => row.extend([count(*n), format!("{psi:.2}")]),
    }
    row
}

/// What was decided, the drift of each input only once; and how many rows were left out.
fn decisions(replayed: &Replayed) -> (Vec<Vec<String>>, usize) {
    let mut drifted = BTreeSet::new();
    let mut rows = Vec::new();
    for output in &replayed.outputs {
        let Output::Decision(decision) = output else { continue };
        let Some(ruling) = &decision.ruling else { continue };
        let a = &decision.assessment;
        let drift = a.signal == Signal::FeatureDrift;
        let did = match ruling.did {
            Response::Nothing | Response::Joined => continue,
            Response::Resolved if drift => continue,
            Response::Alerted => "alert",
            Response::WouldHave => "would act",
            Response::Held => "held back",
            Response::Acted => "rollback",
            Response::Resolved => "over",
        };
        if drift && !drifted.insert((&a.model, &a.version, &a.feature, a.verdict)) {
            continue;
        }
        let feature = a.feature.as_ref().map(|feature| format!(", {feature}")).unwrap_or_default();
        let verdict = format!("{:?}", a.verdict).to_lowercase();
        let unit = Unit::of(a.signal, a.evidence.limit);
        rows.push(vec![
            moment(decision.read_to),
            did.to_owned(),
            format!("{} {}{feature}", a.version, a.trigger),
            verdict,
            a.evidence.estimate.map_or("-".to_owned(), |x| unit.value(x)),
            a.evidence.null.map_or("-".to_owned(), |x| unit.value(x)),
            ruling.because.clone(),
        ]);
    }
    let more = rows.len().saturating_sub(ROWS);
    rows.truncate(ROWS);
    (rows, more)
}
