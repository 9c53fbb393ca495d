//! The banner of a process. That of `up` says most: what it watches, what it may do, and how to
//! send telemetry.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use super::RoleSet;
use crate::config::{Config, LogKind};
use crate::edge::log::Partition;
use crate::model::{Mode, RuleSet, TargetId};
use crate::phrases::changes::changes;
use crate::shard::BUILD;
use crate::topics::open::place;
use crate::topics::{RoleError, Topics};

/// Differences of the config that are named one by one.
const NAMED: usize = 6;

/// The lines of one role or a few. `listen`: where it answers, if it does.
pub(super) fn part(
    topics: &Topics,
    config: &Config,
    part: &RoleSet,
    roles: &[String],
    listen: Option<SocketAddr>,
) -> Vec<String> {
    let roles = if roles.is_empty() { "serve".to_owned() } else { roles.join(", ") };
    let mut lines = vec![
        format!("ripcord {BUILD} runs in {}: {roles}", topics.namespace),
        format!("  log      {}", place(&config.settings.log)),
    ];
    lines.extend(listen.map(|at| match part.serves() {
        true => format!("  listens  http://{at} ({})", who(config)),
        false => format!("  health   http://{at}/readyz, /livez, /metrics"),
    }));
    lines
}

fn who(config: &Config) -> &'static str {
    match config.settings.http.tokens.is_empty() {
        false => "needs a token",
        true => "no token is set: changes from this machine only",
    }
}

/// The lines of all roles together. `book`: the rules in force, which need not be the config's.
pub(super) fn all(
    topics: &Topics,
    config: &Config,
    rule_set: &RuleSet,
    listen: SocketAddr,
) -> Result<Vec<String>, RoleError> {
    let who = who(config);
    let mode = match rule_set.default.mode {
        Mode::Observe => "observe: a breach is recorded, nothing is rolled back",
        Mode::Recommend => "recommend: a breach waits for a person's approval",
        Mode::Act => "act: a breach is rolled back",
    };
    let targets = rule_set.default.targets.iter().map(|target| &target.id);
    let targets: Vec<_> = targets.map(TargetId::as_str).collect();
    let mut lines = vec![
        format!("ripcord {BUILD} watches {}", topics.namespace),
        format!("  mode     {mode}"),
        format!("  targets  {}", targets.join(", ")),
        format!("  log      {}", place(&config.settings.log)),
        format!("  listens  http://{listen} ({who})"),
    ];
    lines.extend(not_in_force(rule_set, &config.rules));
    if !has_telemetry(topics, config)? {
        lines.extend(ways_in(config, listen));
    }
    Ok(lines)
}

/// What the config says and the rules in force do not.
fn not_in_force(rule_set: &RuleSet, config: &RuleSet) -> Vec<String> {
    if rule_set.hash == config.hash {
        return Vec::new();
    }
    let changes = changes(rule_set, config);
    let mut lines = vec![format!(
        "the rules of revision {} are in force, not those of the config; `ripcord config apply` \
         would change:",
        rule_set.revision
    )];
    lines.extend(changes.iter().take(NAMED).map(|change| format!("  {}", change.text)));
    let more = changes.len().saturating_sub(NAMED);
    if more > 0 {
        lines.push(format!("  and {more} more"));
    }
    lines
}

fn ways_in(config: &Config, listen: SocketAddr) -> Vec<String> {
    let here = match listen.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => Ipv4Addr::LOCALHOST.into(),
        IpAddr::V6(ip) if ip.is_unspecified() => Ipv6Addr::LOCALHOST.into(),
        IpAddr::V4(_) | IpAddr::V6(_) => listen.ip(),
    };
    let at = SocketAddr::new(here, listen.port());
    let token = match config.settings.http.tokens.is_empty() {
        false => " -H \"Authorization: Bearer $RIPCORD_TOKEN\"",
        true => "",
    };
    let post = match config.settings.sources.is_empty() {
        false => format!("  curl{token} --data-binary @telemetry.jsonl http://{at}/api/telemetry"),
        true => "  POST /api/telemetry, after a source is enabled in the config: \
                 [sources.telemetry]"
            .to_owned(),
    };
    let mut lines = vec!["no telemetry yet; ways to send some:".to_owned(), post];
    if config.settings.log.kind != LogKind::Local {
        let topics = config.settings.sources.iter().flat_map(|source| &source.topics);
        let topics: Vec<_> = topics.map(|topic| topic.name.as_str()).collect();
        lines.push(format!("  your own producers, keyed by request, to {}", topics.join(", ")));
        lines.push(
            "  ripcord publish telemetry.jsonl: sends a recording to the same topics".to_owned(),
        );
    }
    lines.extend(
        [
            "  a [sources.NAME] in the config: maps your own topics and records",
            "  ripcord replay telemetry.jsonl: what would have happened, without this process",
            "ripcord check-source telemetry.jsonl shows how Ripcord reads it",
        ]
        .map(str::to_owned),
    );
    lines
}

fn has_telemetry(topics: &Topics, config: &Config) -> Result<bool, RoleError> {
    for topic in config.settings.sources.iter().flat_map(|source| &source.topics) {
        for partition in 0..topics.log.partitions(&topic.name)?.unwrap_or(0) {
            let at = Partition { topic: topic.name.clone(), partition };
            if !topics.log.scan(&at, 0, 1)?.is_empty() {
                return Ok(true);
            }
        }
    }
    Ok(false)
}
