//! What a recording contains, for people who connect it: the text of `check-source`.

use std::collections::BTreeMap;

use super::Screen;
use crate::model::{SampleKind, Span};
use crate::phrases::{count, lost_field, moment, number, percent, span};
use crate::wire::check::SourceReport;

/// What was understood, what was not, and how to fix it.
#[must_use]
pub fn source(name: &str, report: &SourceReport, screen: Screen) -> String {
    let rejected: u64 = report.rejected.values().map(|rejects| rejects.count).sum();
    let understood: u64 = report.understood.values().sum();
    let line = format!(
        "{name}: {} records, {} understood, {} rejected",
        count(report.records),
        count(understood),
        count(rejected)
    );
    let mut text = screen.wrap(&line, 0);
    let mut section = |title: &str, body: &str| {
        if !body.is_empty() {
            text.push_str(&format!("\n\n{}\n{body}", screen.bold(title)));
        }
    };
    section("Understood", &understood_by_kind(report, screen));
    section("Models", &models(report, screen));
    section("The first record of each type, as Ripcord reads it", &examples(report, screen));
    section("Rejected", &rejects(report, screen));
    section("Values that cannot be used", &lost(report, screen));
    section("Joins and times", &joins(report, screen));
    let hints: Vec<_> = report
        .hints
        .iter()
        .map(|hint| format!(" - {}", screen.wrap(hint, 3).trim_start()))
        .collect();
    section("Please check", &hints.join("\n"));
    text
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
    if rows.is_empty() { String::new() } else { screen.table(&["type", "records"], &rows, &[1]) }
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
