//! Topics on Kafka, for people who run the brokers: the text of `topics`.

use super::Screen;
use super::data::{Made, TopicComparison, TopicFinding};

/// What was created.
#[must_use]
pub fn made(made: &Made, screen: Screen) -> String {
    let list = |what: &str, topics: &[String]| {
        let topics = if topics.is_empty() { "none".to_owned() } else { topics.join(", ") };
        screen.wrap(&format!("{what}: {topics}"), 0)
    };
    format!("{}\n{}", list("created", &made.made), list("already there", &made.stood))
}

/// How the topics differ from what is needed, and how to fix it.
#[must_use]
pub fn topics(compared: &[TopicComparison], screen: Screen) -> String {
    let rows: Vec<Vec<String>> = compared.iter().map(row).collect();
    let heads = ["topic", "partitions", "copies", "timestamps", "state"];
    let mut text = screen.table(&heads, &rows, &[1, 2]);
    let keys = compared.iter().filter_map(|one| Some((&one.topic, one.keys.as_ref()?)));
    let keys: Vec<_> = keys.map(|(topic, by)| format!("keys of {topic}: {by}")).collect();
    if !keys.is_empty() {
        text.push_str("\n\n");
        text.push_str(&keys.join("\n"));
    }
    for (finding, topics, mends) in alike(compared) {
        let word = match finding.must {
            true => screen.bad("must be fixed:"),
            false => screen.warn("advised:"),
        };
        let needs = format!(
            "{} is {}; needed: {}. Otherwise {}.",
            finding.setting, finding.stands, finding.needed, finding.why
        );
        let of = screen.wrap(&format!("applies to {}", topics.join(", ")), 3);
        text.push_str(&format!("\n\n{word}\n{}\n{of}", screen.wrap(&needs, 3)));
        // One line each, however long, so that they can be copied.
        mends.iter().for_each(|mend| text.push_str(&format!("\n   {mend}")));
    }
    let must: usize = compared.iter().map(TopicComparison::must).sum();
    let end = match must {
        0 => screen.good("Ripcord can work with these topics."),
        _ => screen.bad("Ripcord cannot work with these topics until they are fixed."),
    };
    format!("{text}\n\n{end}")
}

/// A difference, the topics that have it, and the fixes.
type Alike<'a> = (&'a TopicFinding, Vec<&'a str>, Vec<&'a str>);

/// Each difference once, for all topics that have it; what must be fixed comes first.
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
        (Some(_), must, 0) => format!("{must} to fix"),
        (Some(_), must, advised) => format!("{must} to fix, {advised} advised"),
    };
    vec![
        topic.topic.clone(),
        number(topic.partitions.map(|n| n.to_string())),
        number(topic.copies.map(|n| n.to_string())),
        number(topic.timestamps.clone()),
        state,
    ]
}
