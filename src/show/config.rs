//! What the settings mean, or all that is wrong with them: the text of `check-config`.

use serde_json::{Value as Json, json};

use super::lines::{Paint, wrap};
use crate::config::{
    Config, ConfigError, GroupProtocol, LogKind, LogSettings, RoutedModel, RouterSettings,
};
use crate::model::{Source, VersionId};

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
    let mut lines = log(&settings.log);
    lines.push(format!("http: {}", settings.http.listen));
    lines.extend(settings.sources.iter().map(reads));
    lines.extend(settings.router.iter().flat_map(routes));
    for line in lines {
        text.push_str(&format!("\n - {}", wrap(&line, 3).trim_start()));
    }
    text.push_str("\n\nEvery setting with its value: ripcord check-config --json");
    text
}

fn log(settings: &LogSettings) -> Vec<String> {
    let (folder, shards) = (settings.folder.display(), settings.shards);
    let kafka = match &settings.kind {
        LogKind::Local => return vec![format!("log: a local one in {folder}, {shards} shards")],
        LogKind::Kafka(kafka) => kafka,
    };
    let days = kafka.retention.as_ms() / (24 * 3600 * 1000);
    let copies = match kafka.replication {
        Some(copies) => format!("in {copies} copies"),
        None => "in as many copies as the brokers take".to_owned(),
    };
    let instance = match &kafka.instance {
        Some(name) => format!("this process is {name}"),
        None => "this process has no name, so a restart hands its partitions to others".to_owned(),
    };
    let protocol = match kafka.group_protocol {
        GroupProtocol::Classic => "its members (classic)",
        GroupProtocol::Consumer => "the brokers (consumer)",
    };
    let mut lines = vec![
        format!("log: Kafka, brokers {}, {shards} shards", kafka.brokers),
        format!("topics that Ripcord makes: {copies}, records kept {days} days"),
        format!("groups: formed by {protocol}; {instance}"),
        format!("what workers of this machine did is remembered in {folder}"),
    ];
    let shown = kafka.properties.iter().map(|(name, value)| format!("{name} = {value}"));
    let hidden = kafka.secrets.keys().map(|name| format!("{name} = …"));
    let properties: Vec<_> = shown.chain(hidden).collect();
    if !properties.is_empty() {
        lines.push(format!("properties of the client: {}", properties.join(", ")));
    }
    lines
}

fn routes(router: &RouterSettings) -> Vec<String> {
    let mut lines = vec![format!("router: {}", router.listen)];
    for RoutedModel { model, versions, weights_percent, .. } in &router.models {
        let one = |(version, url): &(VersionId, String)| {
            let weight = weights_percent.iter().find(|(of, _)| of == version);
            let percent = weight.map_or(0.0, |(_, percent)| *percent);
            format!("{version} at {url} ({percent} %)")
        };
        let all: Vec<_> = versions.iter().map(one).collect();
        lines.push(format!("routes of {model}, until others are set: {}", all.join(", ")));
    }
    lines
}

fn reads(source: &Source) -> String {
    let topics: Vec<_> = source.topics.iter().map(|topic| topic.name.as_str()).collect();
    format!("source {}: {}", source.id, topics.join(", "))
}

/// All that is wrong, as data.
#[must_use]
pub fn refusal(refused: &ConfigError) -> Json {
    let problem = |problem: &crate::config::ConfigProblem| {
        json!({
            "path": problem.path.to_string(),
            "value": problem.value,
            "origin": problem.origin,
            "would_do": problem.why,
        })
    };
    json!({ "refused": refused.problems.iter().map(problem).collect::<Vec<_>>() })
}
