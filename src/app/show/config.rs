//! What the settings mean, or all that is wrong with them: the text of `check-config`.

use serde_json::{Value as Json, json};

use super::words::{Paint, wrap};
use crate::config::{Config, LogKind, Refused};
use crate::model::Source;

/// The settings in effect, in words.
#[must_use]
pub fn rules(config: &Config, paint: Paint) -> String {
    let (report, settings) = (config.report(), &config.settings);
    let mut text = wrap(&format!("namespace {}, rules {}", report.namespace, report.rules_hash), 0);
    for meaning in &report.rules {
        let who = meaning.model.as_deref().unwrap_or("Every other model");
        let only = report.rules.len() == 1;
        let who = if only && meaning.model.is_none() { "Every model" } else { who };
        let mode = format!("{:?}", meaning.mode).to_lowercase();
        text.push_str(&format!("\n\n{}: mode {mode}", paint.bold(who)));
        for trigger in &meaning.triggers {
            text.push_str(&format!("\n - {}", wrap(trigger, 3).trim_start()));
        }
        let plan = match meaning.plan.is_empty() {
            true => "nobody: no worker is set, so a rollback cannot act".to_owned(),
            false => meaning.plan.join(", "),
        };
        text.push_str(&format!("\n{}", wrap(&format!("A rollback asks {plan}."), 1)));
    }
    text.push_str(&format!("\n\n{}", paint.bold("Around it")));
    let LogKind::Local(folder) = &settings.log.kind;
    let mut lines =
        vec![format!("log: a local one in {}, {} shards", folder.display(), settings.log.shards)];
    lines.push(format!("http: {}", settings.http.listen));
    lines.extend(settings.sources.iter().map(reads));
    for line in lines {
        text.push_str(&format!("\n - {}", wrap(&line, 3).trim_start()));
    }
    text.push_str("\n\nEvery setting with its value: ripcord check-config --json");
    text
}

fn reads(source: &Source) -> String {
    let topics: Vec<_> = source.topics.iter().map(|topic| topic.name.as_str()).collect();
    format!("source {}: {}", source.id, topics.join(", "))
}

/// All that is wrong, as data.
#[must_use]
pub fn refusal(refused: &Refused) -> Json {
    let problem = |problem: &crate::config::Problem| {
        json!({
            "path": problem.path.to_string(),
            "value": problem.value,
            "origin": problem.origin,
            "would_do": problem.would_do,
        })
    };
    json!({ "refused": refused.problems.iter().map(problem).collect::<Vec<_>>() })
}
