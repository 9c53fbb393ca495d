//! `ripcord check-config`.

use std::collections::BTreeMap;

use anyhow::Result;

use super::{screen, unsigned};
use crate::cli::{COULD_NOT, DONE, Global, NO};
use crate::config::{Config, ConfigError, ConfigProblem};
use crate::edge::terminal;
use crate::process::preview;
use crate::show;
use crate::wire::api::{RefusedConfig, RefusedSetting};

/// Shows the settings in effect and what they mean, or every problem with them.
pub(super) fn run(global: &Global, environment: &BTreeMap<String, String>) -> Result<u8> {
    let config = Config::load(&global.config, environment);
    if let Ok(config) = &config {
        let problems = preview::problems(config, environment);
        if !problems.is_empty() {
            return refuse(global, &ConfigError { problems });
        }
    }
    for exposed in config.iter().flat_map(|config| &config.settings.exposed) {
        terminal::complain(&format!(
            "ripcord: every user of this machine can read the secret in {} ({}); chmod o-r the \
             file",
            exposed.file.display(),
            exposed.setting
        ));
    }
    if let Some(warning) = config.as_ref().ok().and_then(unsigned) {
        terminal::complain(&warning);
    }
    match config {
        Ok(config) if global.json => {
            terminal::line(&terminal::json(&config.report())?);
            Ok(DONE)
        }
        Ok(config) => {
            terminal::line(&show::rules(&config, screen(global)));
            Ok(DONE)
        }
        Err(refused) => refuse(global, &refused),
    }
}

fn refuse(global: &Global, refused: &ConfigError) -> Result<u8> {
    if global.json {
        terminal::line(&terminal::json(&refusal(refused))?);
    } else {
        terminal::complain(&refused.to_string());
    }
    // Files that cannot be read are neither valid nor refused.
    let read = global.config.iter().all(|file| std::fs::read(file).is_ok());
    Ok(if read { NO } else { COULD_NOT })
}

fn refusal(refused: &ConfigError) -> RefusedConfig {
    let setting = |problem: &ConfigProblem| RefusedSetting {
        path: problem.path.to_string(),
        value: problem.value.clone(),
        origin: problem.origin.clone(),
        would_do: problem.why.clone(),
    };
    RefusedConfig { refused: refused.problems.iter().map(setting).collect() }
}
