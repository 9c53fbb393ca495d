//! What a recording contains, for people who connect it: the text of `check-source`.

use std::collections::{BTreeMap, BTreeSet};

use super::Screen;
use crate::model::{SampleKind, Span};
use crate::phrases::{count, lost_field, moment, number, percent, span};
use crate::wire::check::{ModelReport, SourceReport};

/// What was understood, what was not, and how to fix it.
#[must_use]
pub fn source(name: &str, report: &SourceReport, screen: Screen) -> String {
    let rejected: u64 = report.rejected.values().map(|rejects| rejects.count).sum();
    let understood: u64 = report.understood.values().sum();
    let mut line = format!(
        "{name}: {} records, {} samples understood, {} rejected",
        count(report.records),
        count(understood),
        count(rejected)
    );
    if report.not_ours > 0 {
        line.push_str(&format!(", {} not ours", count(report.not_ours)));
    }
    let mut text = screen.wrap(&line, 0);
    let mut section = |title: &str, body: &str| {
        if !body.is_empty() {
            text.push_str(&format!("\n\n{}\n{body}", screen.bold(title)));
        }
    };
    section("Understood", &understood_by_kind(report, screen));
    section("Models", &models(report, screen));
    section("The first records of each type, as Ripcord reads them", &examples(report, screen));
    section("Where fields were found", &places(report, screen));
    section("Rejected", &rejects(report, screen));
    section("Values that cannot be used", &lost(report, screen));
    section("Joins and times", &joins(report, screen));
    let list = |lines: &[String]| {
        let lines: Vec<_> = lines.iter().map(|line| item(line, screen)).collect();
        lines.join("\n")
    };
    section("Never found", &list(&report.never_found));
    section("Please check", &list(&report.hints));
    let proposal = report.proposal.iter().map(|text| indented(text)).collect::<String>();
    section("A mapping for these records", &proposal);
    text
}

/// A line of a list. Lines to paste follow it unchanged.
fn item(text: &str, screen: Screen) -> String {
    let (said, toml) = text.split_once('\n').unwrap_or((text, ""));
    let said = format!(" - {}", screen.wrap(said, 3).trim_start());
    if toml.is_empty() { said } else { format!("{said}\n{}", indented(toml)) }
}

fn indented(text: &str) -> String {
    let lines: Vec<_> =
        text.lines().map(|line| format!("   {line}").trim_end().to_owned()).collect();
    lines.join("\n")
}

/// In how many samples each mapped field was found.
fn places(report: &SourceReport, screen: Screen) -> String {
    // Of several places of a field only those that hold it matter.
    let is_found = |field: &str| report.places.iter().any(|at| at.field == field && at.found > 0);
    let shown = report
        .places
        .iter()
        .filter(|at| at.place != "none" && (at.found > 0 || !is_found(&at.field)));
    let rows: Vec<Vec<String>> = shown
        .map(|at| {
            let found = format!("{} of {}", count(at.found), count(at.of));
            let place = if at.place.is_empty() { "all of it" } else { &at.place };
            vec![at.field.clone(), place.to_owned(), found]
        })
        .collect();
    if rows.is_empty() {
        String::new()
    } else {
        screen.table(&["field", "place", "found in"], &rows, &[2])
    }
}

fn name(kind: SampleKind) -> &'static str {
    match kind {
        SampleKind::Prediction => "prediction",
        SampleKind::Outcome => "outcome",
        SampleKind::Latency => "latency",
        SampleKind::Health => "health",
        SampleKind::Run => "run",
        SampleKind::Asked => "asked",
        SampleKind::Answered => "answered",
    }
}

fn understood_by_kind(report: &SourceReport, screen: Screen) -> String {
    let rows: Vec<Vec<String>> =
        report.understood.iter().map(|(kind, n)| vec![name(*kind).to_owned(), count(*n)]).collect();
    if rows.is_empty() { String::new() } else { screen.table(&["type", "samples"], &rows, &[1]) }
}

fn models(report: &SourceReport, screen: Screen) -> String {
    let list = |names: &BTreeMap<String, u64>| {
        let all = names.iter().map(|(name, n)| format!("{name} ({})", count(*n)));
        all.collect::<Vec<_>>().join(", ")
    };
    let rows: Vec<Vec<String>> = report
        .models
        .iter()
        .map(|(model, known)| vec![model.clone(), list(&known.versions)])
        .collect();
    if rows.is_empty() { String::new() } else { screen.table(&["model", "versions"], &rows, &[]) }
}

/// The types of a model's labels: what differs in type is not compared.
fn labels(model: &str, known: &ModelReport) -> Option<String> {
    let types: BTreeSet<_> = known.predictions.values().collect();
    let each = known.predictions.iter().map(|(version, of)| format!("{of} ({version})"));
    let predicted = match types.len() {
        0 => return None,
        1 => types.into_iter().next().cloned().unwrap_or_default(),
        _ => each.collect::<Vec<_>>().join(", "),
    };
    let actual = known.outcomes.as_deref().unwrap_or("not there");
    Some(format!("{model}: predictions are {predicted}, outcomes are {actual}"))
}

fn examples(report: &SourceReport, screen: Screen) -> String {
    let lines = report.examples.iter().map(|example| {
        let text = format!("line {}, {}: {}", example.line, name(example.kind), example.reads);
        format!(" {}", screen.wrap(&text, 3).trim_start())
    });
    lines.collect::<Vec<_>>().join("\n")
}

fn rejects(report: &SourceReport, screen: Screen) -> String {
    let lines = report.rejected.iter().map(|(code, rejects)| {
        let head = screen.bad(&format!("{code}: {}", count(rejects.count)));
        let first = format!("first on line {}: {}", rejects.first_line, rejects.detail);
        let mend = format!("to fix it: {}", rejects.mend);
        format!(" {head}\n{}\n{}", screen.wrap(&first, 3), screen.wrap(&mend, 3))
    });
    lines.collect::<Vec<_>>().join("\n")
}

/// The fields of understood records whose values could not be used.
fn lost(report: &SourceReport, screen: Screen) -> String {
    let lines = report.lost.iter().map(|(field, lost)| {
        let head = screen.warn(&format!("{}: {}", lost_field(*field), count(lost.count)));
        let first = format!("first on line {}: {}", lost.first_line, lost.detail);
        format!(" {head}\n{}", screen.wrap(&first, 3))
    });
    lines.collect::<Vec<_>>().join("\n")
}

fn joins(report: &SourceReport, screen: Screen) -> String {
    let mut lines = Vec::new();
    if let Some(times) = &report.times {
        lines.push(format!(
            "from {} to {}, {}",
            moment(times.first),
            moment(times.last),
            match times.disorder_ms {
                Span::ZERO => "in order".to_owned(),
                disorder => format!("out of order by up to {}", span(disorder)),
            }
        ));
    }
    if let Some(halves) = &report.halves {
        lines.push(format!(
            "{} halves that asked and {} that answered: {} calls met, {} halves stayed alone, {} \
             came too late, {} twice, {} still wait; they make {} predictions",
            count(halves.asked),
            count(halves.answered),
            count(halves.met),
            count(halves.alone),
            count(halves.too_late),
            count(halves.repeated),
            count(halves.waiting),
            count(halves.calls)
        ));
    }
    lines.extend(report.models.iter().filter_map(|(model, known)| labels(model, known)));
    let labels = &report.labels;
    if let Some(coverage) = labels.coverage {
        lines.push(format!(
            "label coverage {}: {} outcomes, of which {} matched a prediction and {} include it; \
             {} predictions include their own outcome",
            percent(coverage),
            count(labels.outcomes),
            count(labels.matched),
            count(labels.carried),
            count(labels.inline)
        ));
    }
    if report.pairs.requests > 0 {
        lines.push(format!(
            "{} requests, {} answered by more than one version: {}",
            count(report.pairs.requests),
            count(report.pairs.several),
            if report.pairs.several > 0 {
                "versions can be compared on the same requests"
            } else {
                "no version can be compared with another on the same requests"
            }
        ));
        let roles = &report.roles;
        lines.push(format!(
            "roles: {} live, {} shadow, {} unstated",
            count(roles.live),
            count(roles.shadow),
            count(roles.unstated)
        ));
    }
    if let Some(latency) = &report.latency {
        lines.push(format!(
            "{} answers timed, {} to {} ms",
            count(latency.count),
            number(latency.min_ms),
            number(latency.max_ms)
        ));
    }
    let lines = lines.iter().map(|line| format!(" {}", screen.wrap(line, 3).trim_start()));
    lines.collect::<Vec<_>>().join("\n")
}
