//! A replay as one page: a verdict, charts, and the tables behind them.
//!
//! Law: the page holds everything that it shows. No script, nothing from outside.

use std::collections::{BTreeMap, BTreeSet};

use minijinja::syntax::SyntaxConfig;
use minijinja::value::Serde;
use minijinja::{AutoEscape, Environment};
use serde::Serialize;

use super::charts::{Chart, Plot, Scale, Series};
use super::words::{count, day, moment, number, percent, span, state, value, what};
use super::{ending, words};
use crate::app::replay::{Line, Point, Replayed, RollbackSummary};
use crate::config::Meaning;
use crate::model::{
    EventTime, ModelId, Null, SampleRole, Signal, Span, TriggerId, Verdict, VersionId,
};
use crate::shard::{Decision, Output};
use crate::sums::{BucketSums, Counts, Tally};
use crate::undo::Did;

const PAGE: &str = include_str!("report.html");

/// Widths of a chart, for a desk and for a phone; the page's style shows one of them.
const WIDTHS: [(f64, &str); 2] = [(860.0, "wide"), (340.0, "narrow")];

/// Labels under which a day's accuracy is not drawn.
const DAY_LABELS: u64 = 20;

/// Rows of the table of decisions.
const ROWS: usize = 60;

/// Why there is no page.
#[derive(Debug, thiserror::Error)]
#[error("the page cannot be made; this is a mistake in Ripcord, please report it")]
pub struct ReportError(#[from] minijinja::Error);

#[derive(Debug, Serialize)]
struct Page<'a> {
    verdict: String,
    files: &'a [String],
    read_to: String,
    rules_hash: &'a str,
    mode: String,
    build: &'static str,
    models: Vec<ModelPage>,
    rollbacks: Vec<RollbackPage>,
    decisions: Vec<Vec<String>>,
    more: usize,
    rules: &'a [Meaning],
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

/// The page.
///
/// # Errors
/// The template and its data do not go together.
pub fn page(
    replayed: &Replayed,
    files: &[String],
    rules: &[Meaning],
) -> Result<String, ReportError> {
    let mut environment = Environment::new();
    environment.set_auto_escape_callback(|_| AutoEscape::Html);
    environment.set_syntax(SyntaxConfig::builder().trim_blocks(true).lstrip_blocks(true).build()?);
    environment.add_template("report", PAGE)?;
    let summary = &replayed.summary;
    let models = summary.models.keys().map(|model| model_page(replayed, model)).collect::<Vec<_>>();
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
        files,
        read_to: replayed.status.read_to.map_or_else(String::new, moment),
        rules_hash: &replayed.rules.hash,
        mode: format!("{:?}", replayed.rules.default.mode).to_lowercase(),
        build: crate::shard::BUILD,
        models,
        rollbacks: rollbacks.collect(),
        decisions,
        more,
        rules,
        counters,
        refused: summary.refused.iter().map(ending::where_it_stands).collect(),
        notes: &summary.notes,
    };
    Ok(environment.get_template("report")?.render(Serde(page))?)
}

fn charts(plot: &Plot) -> Vec<Chart> {
    WIDTHS.iter().map(|(width, suffix)| plot.at(*width, suffix)).collect()
}

fn model_page(replayed: &Replayed, model: &ModelId) -> ModelPage {
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
            statistic(replayed, model, subject, other.as_ref(), rollback),
            drifts(replayed, model, subject),
        ),
        None => (Vec::new(), Vec::new()),
    };
    ModelPage {
        name: model.to_string(),
        served: served.map(percent),
        without: without.map(percent),
        difference: served
            .zip(without)
            .map(|(served, without)| format!("{:+.1} points", (served - without) * 100.0)),
        accuracy: accuracy(replayed, model, subject.as_ref(), rollback),
        evidence,
        drift,
        subject: subject.as_ref().map(name).unwrap_or_default(),
        start: start.as_ref().map(name),
        end: end.as_ref().map(name),
    }
}

/// From the likely start to the proof by live traffic.
fn band(rollback: Option<&RollbackSummary>) -> Option<(EventTime, EventTime, String)> {
    let rollback = rollback?;
    let from = rollback.breach_from.or(rollback.decided_at)?;
    let to = rollback.mitigated_at.or(rollback.decided_at)?;
    Some((from, to, "breach to rollback".to_owned()))
}

fn range(points: impl Iterator<Item = EventTime>) -> Option<(EventTime, EventTime)> {
    points.fold(None, |range, at| match range {
        None => Some((at, at)),
        Some((from, to)) => Some((at.min(from), at.max(to))),
    })
}

fn accuracy(
    replayed: &Replayed,
    model: &ModelId,
    subject: Option<&VersionId>,
    rollback: Option<&RollbackSummary>,
) -> Vec<Chart> {
    let mut by_version: BTreeMap<&VersionId, BTreeMap<EventTime, Counts>> = BTreeMap::new();
    let mut served: BTreeMap<EventTime, Counts> = BTreeMap::new();
    for ((at, of, version, role), sums) in replayed.ledger.days() {
        if of == model {
            by_version.entry(version).or_default().entry(*at).or_default().merge(sums.labels);
            if *role == SampleRole::Live {
                served.entry(*at).or_default().merge(sums.labels);
            }
        }
    }
    let noon = Span::from_s(12 * 3600);
    let points = |days: &BTreeMap<EventTime, Counts>| -> Vec<(EventTime, f64)> {
        let enough = days.iter().filter(|(_, counts)| counts.n >= DAY_LABELS);
        enough.filter_map(|(at, counts)| Some((*at + noon, 1.0 - counts.rate()?))).collect()
    };
    let mut lines =
        vec![Series { name: "served".into(), class: "served", points: points(&served) }];
    let classes = ["other", "third", "fourth"];
    let others = by_version.iter().filter(|(version, _)| Some(**version) != subject);
    lines.extend(others.zip(classes).map(|((version, days), class)| Series {
        name: version.to_string(),
        class,
        points: points(days),
    }));
    let days = subject.and_then(|subject| Some((subject, by_version.get(subject)?)));
    lines.extend(days.map(|(version, days)| Series {
        name: version.to_string(),
        class: "subject",
        points: points(days),
    }));
    let all = || lines.iter().flat_map(|line| line.points.iter());
    let Some((from, to)) = range(all().map(|(at, _)| *at)) else { return Vec::new() };
    let least = all().map(|(_, value)| *value).fold(1.0, f64::min);
    let worst = all().min_by(|a, b| a.1.total_cmp(&b.1));
    let worst = worst.map_or(String::new(), |(at, v)| {
        format!(" The worst day is {} with {}.", day(*at), percent(*v))
    });
    let describes = format!(
        "Share of right answers per day of each version of {model}, and, as a broad grey line, of \
         what users were served.{worst} Days with fewer than {DAY_LABELS} labels are left out."
    );
    charts(&Plot {
        id: format!("accuracy-{model}"),
        title: "Accuracy per day".into(),
        describes,
        lines,
        scale: Scale::Share((least * 20.0).floor() / 20.0, 1.0),
        limit: None,
        band: band(rollback),
        x: (from - noon, to + noon),
        height: 280.0,
        right: 58.0,
    })
}

/// The statistics that can roll back, each as a multiple of what it must reach.
fn statistic(
    replayed: &Replayed,
    model: &ModelId,
    subject: &VersionId,
    other: Option<&VersionId>,
    rollback: Option<&RollbackSummary>,
) -> Vec<Chart> {
    let least = 0.0001;
    let relative = |points: &[Point]| -> Vec<(EventTime, f64)> {
        let each = points.iter().filter(|point| point.threshold > 0.0);
        each.map(|point| (point.at, (point.statistic / point.threshold).max(least))).collect()
    };
    let decisive = rollback.and_then(|one| one.trigger.clone());
    let triggers = replayed.rules.of(model).triggers.iter();
    let read = triggers.filter(|trigger| trigger.signal != Signal::FeatureDrift);
    let mut lines = Vec::new();
    let mut quiet = Vec::new();
    let mut classes = ["other", "third", "fourth"].into_iter();
    for trigger in read {
        let points = relative(replayed.history.line(model, subject, &trigger.id));
        let is_decisive = decisive.as_ref() == Some(&trigger.id);
        if !is_decisive && points.iter().all(|(_, value)| *value <= least * 10.0) {
            quiet.push(trigger.id.as_str());
            continue;
        }
        let class = if is_decisive { Some("subject") } else { classes.next() };
        let Some(class) = class else { continue };
        lines.push(Series { name: short(subject, &trigger.id), class, points });
    }
    if let (Some(other), Some(trigger), Some(class)) = (other, &decisive, classes.next()) {
        let points = relative(replayed.history.line(model, other, trigger));
        lines.push(Series { name: short(other, trigger), class, points });
    }
    let all = || lines.iter().flat_map(|line| line.points.iter());
    let Some(x) = range(all().map(|(at, _)| *at)) else { return Vec::new() };
    let still = match quiet.is_empty() {
        true => String::new(),
        false => format!(" Not drawn, since they never moved: {}.", quiet.join(", ")),
    };
    let describes = format!(
        "The evidence of each rule against {subject} of {model} as a multiple of what fires it, on \
         a logarithmic scale; 1 is the threshold.{still} A line over 1 rolls back only if another \
         version is shown to serve better."
    );
    charts(&Plot {
        id: format!("evidence-{model}"),
        title: "Evidence against its threshold".into(),
        describes,
        scale: Scale::decades(all().map(|(_, value)| *value), least),
        lines,
        limit: Some((1.0, "threshold".into())),
        band: band(rollback),
        x,
        height: 300.0,
        right: 118.0,
    })
}

/// A trigger's name beside its line.
fn short(version: &VersionId, trigger: &TriggerId) -> String {
    let name = match trigger.as_str() {
        "worse-than-reference" => "paired",
        "accuracy-drop" => "accuracy",
        other => other,
    };
    format!("{version} {name}")
}

/// One small plot per input, the largest drift first.
fn drifts(replayed: &Replayed, model: &ModelId, subject: &VersionId) -> Vec<Vec<Chart>> {
    let is_subject =
        |(of, by, _, feature): &Line| of == model && by == subject && feature.is_some();
    let mut lines: Vec<_> = replayed.history.lines().filter(|(line, _)| is_subject(line)).collect();
    let largest = |points: &[Point]| points.iter().map(|p| p.statistic).fold(0.0, f64::max);
    lines.sort_by(|a, b| largest(b.1).total_cmp(&largest(a.1)));
    let all = || lines.iter().flat_map(|(_, points)| points.iter());
    let Some(x) = range(all().map(|point| point.at)) else { return Vec::new() };
    let scale = Scale::decades(all().map(|point| point.statistic), 0.01);
    let plot = |((_, _, _, feature), points): &(&Line, &[Point])| {
        let feature = feature.as_ref().map_or("", |feature| feature.as_str());
        let over = points.iter().filter(|point| point.verdict == Verdict::Breach).count();
        let shared = points.iter().filter(|point| point.verdict == Verdict::Systemic).count();
        let limit = points.first().map(|point| point.threshold);
        let title = format!("{feature}: at most {:.2}", largest(points));
        let describes = format!(
            "Population stability index of {feature} of {subject} over time, logarithmic; in \
             {over} looks its own, in {shared} shared with another version."
        );
        let known = points.iter().map(|point| (point.at, point.statistic)).collect();
        let lines = vec![Series { name: String::new(), class: "subject thin", points: known }];
        let plot = Plot {
            id: format!("drift-{model}-{feature}"),
            title,
            describes,
            lines,
            scale,
            limit: limit.map(|limit| (limit, String::new())),
            band: None,
            x,
            height: 130.0,
            right: 8.0,
        };
        vec![plot.at(280.0, "wide"), plot.at(340.0, "narrow")]
    };
    lines.iter().map(plot).collect()
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
        title: format!("{} of {}: {} → {to}", rollback.from, rollback.model, rollback.from),
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
    let signal = rollback.signal.unwrap_or(Signal::Accuracy);
    fact("rule that fired", rollback.trigger.as_ref().map(ToString::to_string));
    fact("better shown", Some(words::reference(rollback.reference).to_owned()));
    if let Some(evidence) = &rollback.evidence {
        let between = evidence.interval.map_or(String::new(), |(low, high)| {
            format!(" (95 %: {} to {})", value(signal, low), value(signal, high))
        });
        let measured = evidence.value.map(|x| format!("{}{between}", value(signal, x)));
        fact(what(signal), measured);
        fact("tolerated", evidence.tolerated.map(|x| value(signal, x)));
        let statistic = number(evidence.statistic);
        let needed = number(evidence.threshold);
        fact("statistic", Some(format!("{statistic}, {needed} needed")));
        fact("decision", Some(evidence.decision.clone()));
    }
    fact(words::samples(signal), Some(count(rollback.detection.labels)));
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
    let is_paired = |decision: &&Decision| {
        let a = &decision.assessment;
        matches!(a.evidence.limit, Null::Paired(_))
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
    let caption = format!(
        "{} of {}, as of {}: {} since the likely change",
        a.trigger,
        a.version,
        moment(decision.read_to),
        if a.evidence.buckets.len() == 1 { "the bucket" } else { "the buckets" }
    );
    Some(Table {
        caption,
        header: header.iter().map(|&name| name.to_owned()).collect(),
        rows: a.evidence.buckets.iter().map(bucket).collect(),
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
            Did::Nothing | Did::Joined => continue,
            Did::Resolved if drift => continue,
            Did::Alerted => "alert",
            Did::WouldHave => "would act",
            Did::Held => "held back",
            Did::Acted => "rollback",
            Did::Resolved => "over",
        };
        if drift && !drifted.insert((&a.model, &a.version, &a.feature, a.verdict)) {
            continue;
        }
        let feature = a.feature.as_ref().map(|feature| format!(", {feature}")).unwrap_or_default();
        let verdict = format!("{:?}", a.verdict).to_lowercase();
        rows.push(vec![
            moment(decision.read_to),
            did.to_owned(),
            format!("{} {}{feature}", a.version, a.trigger),
            verdict,
            a.evidence.estimate.map_or("-".to_owned(), |x| value(a.signal, x)),
            a.evidence.null.map_or("-".to_owned(), |x| value(a.signal, x)),
            ruling.because.clone(),
        ]);
    }
    let more = rows.len().saturating_sub(ROWS);
    rows.truncate(ROWS);
    (rows, more)
}
