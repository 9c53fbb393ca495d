//! Topics on Kafka, for people who run the brokers: the text of `topics`.

use super::lines::{Paint, table, wrap};
use crate::process::topics::{Made, TopicComparison, TopicFinding};

/// What was made.
#[must_use]
pub fn made(made: &Made) -> String {
    let list = |what: &str, topics: &[String]| {
        let topics = if topics.is_empty() { "none".to_owned() } else { topics.join(", ") };
        wrap(&format!("{what}: {topics}"), 0)
    };
    format!("{}\n{}", list("made", &made.made), list("already there", &made.stood))
}

/// What stands there, and what would mend it.
#[must_use]
pub fn topics(compared: &[TopicComparison], paint: Paint) -> String {
    let rows: Vec<Vec<String>> = compared.iter().map(row).collect();
    let mut text = table(&["topic", "partitions", "copies", "state"], &rows, &[1, 2]);
    for (finding, topics, mends) in alike(compared) {
        let word = match finding.must {
            true => paint.bad("to mend:"),
            false => paint.warn("advised:"),
        };
        let needs = format!(
            "{} is {}, needed: {}. Otherwise {}.",
            finding.setting, finding.stands, finding.needed, finding.why
        );
        let of = wrap(&format!("of {}", topics.join(", ")), 3);
        text.push_str(&format!("\n\n{word}\n{}\n{of}", wrap(&needs, 3)));
        // One line each, however long: they are to be copied.
        mends.iter().for_each(|mend| text.push_str(&format!("\n   {mend}")));
    }
    let must: usize = compared.iter().map(TopicComparison::must).sum();
    let end = match must {
        0 => paint.good("Ripcord can work with these topics."),
        _ => paint.bad("Ripcord cannot work with these topics as they are."),
    };
    format!("{text}\n\n{end}")
}

/// What was found, the topics of which it was, and what mends it.
type Alike<'a> = (&'a TopicFinding, Vec<&'a str>, Vec<&'a str>);

/// What is the same of many topics, told once; what must be mended first.
fn alike(compared: &[TopicComparison]) -> Vec<Alike<'_>> {
    let mut all: Vec<Alike<'_>> = Vec::new();
    for topic in compared {
        for finding in &topic.findings {
            let same = |(other, ..): &&mut Alike<'_>| finding.is_like(other);
            match all.iter_mut().find(same) {
                Some((_, topics, mends)) => {
                    topics.push(&topic.topic);
                    if !mends.contains(&finding.mend.as_str()) {
                        mends.push(&finding.mend);
                    }
                }
                None => all.push((finding, vec![&topic.topic], vec![&finding.mend])),
            }
        }
    }
    all.sort_by_key(|(finding, ..)| !finding.must);
    all
}

fn row(topic: &TopicComparison) -> Vec<String> {
    let number = |n: Option<String>| n.unwrap_or_else(|| "-".to_owned());
    let must = topic.must();
    let advised = topic.findings.len() - must;
    let state = match (topic.partitions, must, advised) {
        (None, ..) => "missing".to_owned(),
        (Some(_), 0, 0) => "good".to_owned(),
        (Some(_), 0, advised) => format!("{advised} advised"),
        (Some(_), must, 0) => format!("{must} to mend"),
        (Some(_), must, advised) => format!("{must} to mend, {advised} advised"),
    };
    vec![
        topic.topic.clone(),
        number(topic.partitions.map(|n| n.to_string())),
        number(topic.copies.map(|n| n.to_string())),
        state,
    ]
}
