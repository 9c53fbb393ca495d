//! `ripcord topics`.

use std::collections::BTreeMap;
use std::sync::Arc;

use anyhow::Result;
use serde::Serialize;
use serde_json::json;

use super::{config, kafka, screen, unsigned};
use crate::cli::{DONE, Global, NO, RoleName, TopicsCommand};
use crate::config::{Config, KafkaSettings, LogKind};
use crate::edge::terminal;
use crate::process::{RoleSet, WorkerKind, rights, topics};
use crate::show;
use crate::topics::Topics;

/// Creates or checks the topics that Ripcord needs on Kafka.
pub(super) fn run(
    global: &Global,
    asked: &TopicsCommand,
    environment: &BTreeMap<String, String>,
) -> Result<u8> {
    let config = config(global, environment)?;
    let instead = "on the local log `ripcord up` creates the topics, and there is nothing to check";
    if let TopicsCommand::Acls { principal, role } = asked
        && let LogKind::Kafka(settings) = &config.settings.log.kind
    {
        return acls(global, &config, settings, principal, *role);
    }
    let Some((settings, log)) = kafka(&config, instead)? else { return Ok(NO) };
    let topics = Topics {
        log: Arc::new(log.clone()),
        namespace: config.rules.namespace.clone(),
        shards: config.settings.log.shards,
        keys: config.settings.log.instruction_keys.clone(),
    };
    let screen = screen(global);
    match asked {
        TopicsCommand::Create { telemetry } => {
            if let Some(warning) = unsigned(&config) {
                terminal::complain(&warning);
            }
            let made = topics::create(&topics, &config, *telemetry)?;
            print(global, &made, || show::made(&made, screen))?;
            Ok(DONE)
        }
        TopicsCommand::Acls { .. } => Ok(NO),
        TopicsCommand::Check { sample } => {
            let compared = topics::check(&log, &topics, &config.settings, settings, *sample)?;
            let good = compared.iter().all(|topic| topic.must() == 0);
            let report = json!({ "good": good, "topics": compared });
            print(global, &report, || show::topics(&compared, screen))?;
            Ok(if good { DONE } else { NO })
        }
    }
}

/// Prints the commands that give a user the rights of a role. No broker is asked.
fn acls(
    global: &Global,
    config: &Config,
    kafka: &KafkaSettings,
    principal: &str,
    role: Option<RoleName>,
) -> Result<u8> {
    let part = match role {
        None => RoleSet::All,
        Some(RoleName::Ingest) => RoleSet::Ingest,
        Some(RoleName::Decide) => RoleSet::Decide,
        Some(RoleName::Work) => RoleSet::Work(WorkerKind::Any),
        Some(RoleName::Route) => RoleSet::Route,
        Some(RoleName::Serve) => RoleSet::Serve,
    };
    let begin = topics::Tools::of(kafka).begin("kafka-acls");
    let commands = rights::commands(&begin, principal, &rights::rights(config, &part));
    print(global, &json!({ "commands": commands }), || commands.join("\n"))?;
    Ok(DONE)
}

fn print(global: &Global, json: &impl Serialize, text: impl Fn() -> String) -> Result<()> {
    match global.json {
        true => terminal::line(&terminal::json(json)?),
        false => terminal::line(&text()),
    }
    Ok(())
}
