//! What `up` says when it begins: what it watches, what it may do, and how telemetry gets in.

use std::net::SocketAddr;

use crate::app::river::{River, RoleError};
use crate::config::{Config, LogKind};
use crate::edge::log::Partition;
use crate::model::{Mode, TargetId};
use crate::shard::BUILD;

/// The lines.
pub(super) fn lines(
    river: &River,
    config: &Config,
    targets: &[TargetId],
    listen: SocketAddr,
) -> Result<Vec<String>, RoleError> {
    let settings = &config.settings;
    let LogKind::Local(folder) = &settings.log.kind;
    let who = match settings.http.token {
        Some(_) => "writing needs the token",
        None => "writing needs no token, from this machine only",
    };
    let mode = match config.rules.default.mode {
        Mode::Observe => "observe: a breach is written down, nothing is rolled back",
        Mode::Recommend => "recommend: a breach asks a person",
        Mode::Act => "act: a breach is rolled back",
    };
    let targets: Vec<_> = targets.iter().map(TargetId::as_str).collect();
    let mut lines = vec![
        format!("ripcord {BUILD} watches {}", river.namespace),
        format!("  mode     {mode}"),
        format!("  targets  {}", targets.join(", ")),
        format!("  log      {}", folder.display()),
        format!("  listens  http://{listen} ({who})"),
    ];
    if !has_telemetry(river, config)? {
        lines.extend(ways_in(&listen.to_string()));
    }
    Ok(lines)
}

fn ways_in(listen: &str) -> Vec<String> {
    vec![
        "no telemetry yet; the ways in:".to_owned(),
        format!("  curl --data-binary @telemetry.jsonl http://{listen}/api/telemetry"),
        "  ripcord replay telemetry.jsonl: what would have happened, without this process"
            .to_owned(),
        "ripcord check-source telemetry.jsonl shows what is understood of it".to_owned(),
    ]
}

fn has_telemetry(river: &River, config: &Config) -> Result<bool, RoleError> {
    for topic in config.settings.sources.iter().flat_map(|source| &source.topics) {
        for partition in 0..river.log.partitions(&topic.name)?.unwrap_or(0) {
            let at = Partition { topic: topic.name.clone(), partition };
            if !river.log.scan(&at, 0, 1)?.is_empty() {
                return Ok(true);
            }
        }
    }
    Ok(false)
}
