//! Topics on Kafka, for people who run the brokers: the text of `topics`.

use super::words::{Paint, table, wrap};
use crate::app::topics::{Compared, Made};

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
pub fn topics(compared: &[Compared], paint: Paint) -> String {
    let rows: Vec<Vec<String>> = compared.iter().map(row).collect();
    let mut text = table(&["topic", "partitions", "copies", "state"], &rows, &[1, 2]);
    for topic in compared.iter().filter(|topic| !topic.findings.is_empty()) {
        text.push_str(&format!("\n\n{}", paint.bold(&topic.topic)));
        for finding in &topic.findings {
            let word = match finding.must {
                true => paint.bad("to mend"),
                false => paint.warn("advised"),
            };
            let needs = format!(
                "{} is {}, needed: {}. Otherwise: {}.",
                finding.setting, finding.stands, finding.needed, finding.why
            );
            // One line, however long: it is to be copied.
            let mend = &finding.mend;
            text.push_str(&format!("\n {word}\n{}\n   {mend}", wrap(&needs, 3)));
        }
    }
    let must: usize = compared.iter().map(Compared::must).sum();
    let end = match must {
        0 => paint.good("Ripcord can work with these topics."),
        1 => paint.bad("1 thing must be mended."),
        n => paint.bad(&format!("{n} things must be mended.")),
    };
    format!("{text}\n\n{end}")
}

fn row(topic: &Compared) -> Vec<String> {
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
