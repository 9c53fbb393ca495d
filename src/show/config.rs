//! What the settings mean: the text of `check-config`.

use super::Screen;
use crate::config::{
    Config, GroupProtocol, InstructionKeys, LogKind, LogSettings, RoutedModel, RouterSettings,
};
use crate::model::{Source, VersionId};

/// The settings in effect, in words.
#[must_use]
pub fn rules(config: &Config, screen: Screen) -> String {
    let (report, settings) = (config.report(), &config.settings);
    let mut text =
        screen.wrap(&format!("namespace {}, rules {}", report.namespace, report.rules_hash), 0);
    for meaning in &report.rules {
        let who = meaning.model.as_deref().unwrap_or("Every other model");
        let only = report.rules.len() == 1;
        let who = if only && meaning.model.is_none() { "Every model" } else { who };
        text.push_str(&format!("\n\n{}: mode {}", screen.bold(who), meaning.mode.name()));
        for trigger in &meaning.triggers {
            text.push_str(&format!("\n - {}", screen.wrap(trigger, 3).trim_start()));
        }
        let unfed = "`ripcord status` marks a trigger that had no samples for a day as `not fed`.";
        text.push_str(&format!("\n{}", screen.wrap(unfed, 1)));
        let plan = match meaning.plan.is_empty() {
            true => "none (configure one under [workers])".to_owned(),
            false => meaning.plan.join(", "),
        };
        text.push_str(&format!("\n{}", screen.wrap(&format!("Workers in a rollback: {plan}."), 1)));
    }
    text.push_str(&format!("\n\n{}", screen.bold("The rest")));
    let mut lines = log(&settings.log);
    lines.push(format!("http: {}", settings.http.listen));
    lines.extend(settings.sources.iter().map(reads));
    lines.extend(settings.router.iter().flat_map(routes));
    for line in lines {
        text.push_str(&format!("\n - {}", screen.wrap(&line, 3).trim_start()));
    }
    text.push_str("\n\nTo see every setting with its value: ripcord check-config --json");
    text
}

fn log(settings: &LogSettings) -> Vec<String> {
    let (folder, shards) = (settings.folder.display(), settings.shards);
    let kafka = match &settings.kind {
        LogKind::Local => return vec![format!("log: local, in {folder}, {shards} shards")],
        LogKind::Kafka(kafka) => kafka,
    };
    let days = kafka.retention.as_ms() / (24 * 3600 * 1000);
    let copies = match kafka.replication {
        Some(copies) => format!("replication factor {copies}"),
        None => "the brokers' replication factor".to_owned(),
    };
    let instance = match &kafka.instance {
        Some(name) => format!("this process is {name}"),
        None => "this process has no name, so a restart hands its partitions to other processes"
            .to_owned(),
    };
    let protocol = match kafka.group_protocol {
        GroupProtocol::Classic => "their members (classic)",
        GroupProtocol::Consumer => "the brokers (consumer)",
    };
    let mut lines = vec![
        format!("log: Kafka, brokers {}, {shards} shards", kafka.brokers),
        format!("topics that Ripcord creates: {copies}, records kept for {days} days"),
        format!("groups: formed by {protocol}; {instance}"),
        signatures(&settings.instruction_keys),
        format!("the workers of this machine keep their memory in {folder}"),
    ];
    let shown = kafka.properties.iter().map(|(name, value)| format!("{name} = {value}"));
    let hidden = kafka.secrets.keys().map(|name| format!("{name} = …"));
    let properties: Vec<_> = shown.chain(hidden).collect();
    if !properties.is_empty() {
        lines.push(format!("client properties: {}", properties.join(", ")));
    }
    lines
}

fn signatures(keys: &InstructionKeys) -> String {
    let mut ids = keys.ids();
    let Some(signing) = ids.next() else {
        return "instructions and rules: not signed, here".to_owned();
    };
    let others: Vec<_> = ids.collect();
    let others = match others.is_empty() {
        true => String::new(),
        false => format!("; also accepted: {}", others.join(", ")),
    };
    format!("instructions and rules: signed with key {signing}{others}")
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
        lines.push(format!("initial routes of {model}: {}", all.join(", ")));
    }
    lines
}

fn reads(source: &Source) -> String {
    let topics: Vec<_> = source.topics.iter().map(|topic| topic.name.as_str()).collect();
    format!("source {}: {}", source.id, topics.join(", "))
}
