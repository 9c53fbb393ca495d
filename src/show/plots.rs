//! The charts of a page: which numbers of a replay are drawn, and their descriptions.

use std::collections::BTreeMap;

use super::charts::{Chart, ChartLine, DrawError, Plot, Scale};
use super::data::{Point, Replayed, RollbackSummary, SeriesKey};
use crate::model::{EventTime, ModelId, SampleRole, Signal, Span, TriggerId, Verdict, VersionId};
use crate::phrases::{day, percent};
use crate::sums::Counts;

/// Widths of a chart, for a desk and for a phone; the page's style shows one of them.
const WIDTHS: [(u32, &str); 2] = [(860, "wide"), (340, "narrow")];

/// Labels under which a day's accuracy is not drawn.
const DAY_LABELS: u64 = 20;

fn charts(plot: &Plot) -> Result<Vec<Chart>, DrawError> {
    WIDTHS.iter().map(|(width, suffix)| plot.at(*width, suffix)).collect()
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

pub(super) fn accuracy(
    replayed: &Replayed,
    model: &ModelId,
    subject: Option<&VersionId>,
    rollback: Option<&RollbackSummary>,
) -> Result<Vec<Chart>, DrawError> {
    let mut by_version: BTreeMap<&VersionId, BTreeMap<EventTime, Counts>> = BTreeMap::new();
    let mut served: BTreeMap<EventTime, Counts> = BTreeMap::new();
    for ((at, of, version, role), sums) in replayed.days.iter() {
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
        vec![ChartLine { name: "served".into(), class: "served", points: points(&served) }];
    let classes = ["other", "third", "fourth"];
    let others = by_version.iter().filter(|(version, _)| Some(**version) != subject);
    let mut others: Vec<_> = others.collect();
    let to = rollback.and_then(|one| one.to.as_ref());
    others.sort_by_key(|(version, _)| to.is_some_and(|to| to != **version));
    lines.extend(others.into_iter().zip(classes).map(|((version, days), class)| ChartLine {
        name: version.to_string(),
        class,
        points: points(days),
    }));
    let days = subject.and_then(|subject| Some((subject, by_version.get(subject)?)));
    lines.extend(days.map(|(version, days)| ChartLine {
        name: version.to_string(),
        class: "subject",
        points: points(days),
    }));
    let all = || lines.iter().flat_map(|line| line.points.iter());
    let Some((from, to)) = range(all().map(|(at, _)| *at)) else { return Ok(Vec::new()) };
    let least = all().map(|(_, value)| *value).fold(1.0, f64::min);
    let worst = all().min_by(|a, b| a.1.total_cmp(&b.1));
    let worst = worst.map_or(String::new(), |(at, v)| {
        format!(" The worst day is {} with {}.", day(*at), percent(*v))
    });
    let describes = format!(
        "Share of right answers per day, by version of {model}. The broad grey line is what users \
         were served.{worst} Days with fewer than {DAY_LABELS} labels are left out."
    );
    charts(&Plot {
        id: format!("accuracy-{model}"),
        title: "Accuracy per day".into(),
        describes,
        lines,
        scale: Scale::Share((least * 20.0).floor().min(19.0) / 20.0, 1.0),
        limit: None,
        band: band(rollback),
        x: (from - noon, to + noon),
        height: 280,
        right: 58,
    })
}

/// The statistics that can roll back, each as a multiple of its threshold.
pub(super) fn statistic(
    replayed: &Replayed,
    model: &ModelId,
    subject: &VersionId,
    other: Option<&VersionId>,
    rollback: Option<&RollbackSummary>,
) -> Result<Vec<Chart>, DrawError> {
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
    // The second colour is the other version's, here as in the accuracy chart.
    let mut classes = ["third", "fourth"].into_iter();
    for trigger in read {
        let points = relative(replayed.series.line(model, subject, &trigger.id));
        let is_decisive = decisive.as_ref() == Some(&trigger.id);
        if !is_decisive && points.iter().all(|(_, value)| *value <= least * 10.0) {
            quiet.push(trigger.id.as_str());
            continue;
        }
        let class = if is_decisive { Some("subject") } else { classes.next() };
        let Some(class) = class else { continue };
        lines.push(ChartLine { name: short(subject, &trigger.id), class, points });
    }
    if let (Some(other), Some(trigger)) = (other, &decisive) {
        let points = relative(replayed.series.line(model, other, trigger));
        lines.push(ChartLine { name: short(other, trigger), class: "other", points });
    }
    let all = || lines.iter().flat_map(|line| line.points.iter());
    let Some(x) = range(all().map(|(at, _)| *at)) else { return Ok(Vec::new()) };
    let still = match quiet.is_empty() {
        true => String::new(),
        false => format!(" Not drawn, because they never moved: {}.", quiet.join(", ")),
    };
    let describes = format!(
        "The evidence of each rule against {subject} of {model}, as a multiple of its threshold, \
         on a logarithmic scale.{still} A line over 1 leads to a rollback only if another version \
         would serve better."
    );
    charts(&Plot {
        id: format!("evidence-{model}"),
        title: "Evidence relative to its threshold".into(),
        describes,
        scale: Scale::decades(all().map(|(_, value)| *value), least),
        lines,
        limit: Some((1.0, "threshold".into())),
        band: band(rollback),
        x,
        height: 300,
        right: 118,
    })
}

/// The name of a trigger's line.
fn short(version: &VersionId, trigger: &TriggerId) -> String {
    let name = match trigger.as_str() {
        "worse-than-reference" => "paired",
        "accuracy-drop" => "accuracy",
        other => other,
    };
    format!("{version} {name}")
}

/// One small plot per input, the largest drift first.
pub(super) fn drifts(
    replayed: &Replayed,
    model: &ModelId,
    subject: &VersionId,
) -> Result<Vec<Vec<Chart>>, DrawError> {
    let is_subject =
        |(of, by, _, feature): &SeriesKey| of == model && by == subject && feature.is_some();
    let mut lines: Vec<_> = replayed.series.lines().filter(|(line, _)| is_subject(line)).collect();
    let largest = |points: &[Point]| points.iter().map(|p| p.statistic).fold(0.0, f64::max);
    lines.sort_by(|a, b| largest(b.1).total_cmp(&largest(a.1)));
    let all = || lines.iter().flat_map(|(_, points)| points.iter());
    let Some(x) = range(all().map(|point| point.at)) else { return Ok(Vec::new()) };
    let scale = Scale::decades(all().map(|point| point.statistic), 0.01);
    let plot = |((_, _, _, feature), points): &(&SeriesKey, &[Point])| {
        let feature = feature.as_ref().map_or("", |feature| feature.as_str());
        let over = points.iter().filter(|point| point.verdict == Verdict::Breach).count();
        let shared = points.iter().filter(|point| point.verdict == Verdict::Systemic).count();
        let limit = points.first().map(|point| point.threshold);
        let title = format!("{feature}: up to {:.2}", largest(points));
        let describes = format!(
            "Population stability index of {feature} of {subject} over time, logarithmic. It \
             drifted alone in {over} points and together with another version in {shared}."
        );
        let known = points.iter().map(|point| (point.at, point.statistic)).collect();
        let lines = vec![ChartLine { name: String::new(), class: "subject thin", points: known }];
        let plot = Plot {
            id: format!("drift-{model}-{feature}"),
            title,
            describes,
            lines,
            scale,
            limit: limit.map(|limit| (limit, String::new())),
            band: None,
            x,
            height: 130,
            right: 8,
        };
        Ok(vec![plot.at(280, "wide")?, plot.at(340, "narrow")?])
    };
    lines.iter().map(plot).collect()
}
