//! `ripcord topics`.

use std::collections::BTreeMap;
use std::sync::Arc;

use anyhow::Result;
use serde::Serialize;
use serde_json::json;

use super::{config, kafka, screen};
use crate::cli::{DONE, Global, NO, TopicsCommand};
use crate::edge::terminal;
use crate::process::topics;
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
    let Some((settings, log)) = kafka(&config, instead)? else { return Ok(NO) };
    let topics = Topics {
        log: Arc::new(log.clone()),
        namespace: config.rules.namespace.clone(),
        shards: config.settings.log.shards,
    };
    let screen = screen(global);
    match asked {
        TopicsCommand::Create { telemetry } => {
            let made = topics::create(&topics, &config, *telemetry)?;
            print(global, &made, || show::made(&made, screen))?;
            Ok(DONE)
        }
        TopicsCommand::Check { sample } => {
            let compared = topics::check(&log, &topics, &config.settings, settings, *sample)?;
            let good = compared.iter().all(|topic| topic.must() == 0);
            let report = json!({ "good": good, "topics": compared });
            print(global, &report, || show::topics(&compared, screen))?;
            Ok(if good { DONE } else { NO })
        }
    }
}

fn print(global: &Global, json: &impl Serialize, text: impl Fn() -> String) -> Result<()> {
    match global.json {
        true => terminal::line(&terminal::json(json)?),
        false => terminal::line(&text()),
    }
    Ok(())
}
