//! `ripcord check-config`.

use std::collections::BTreeMap;

use anyhow::Result;

use super::{COULD_NOT, DONE, NO};
use crate::cli::Global;
use crate::config::Config;
use crate::edge::terminal;
use crate::show;

/// Shows the settings in effect and what they mean, or all that is wrong with them.
pub(super) fn run(global: &Global, environment: &BTreeMap<String, String>) -> Result<u8> {
    match Config::load(&global.config, environment) {
        Ok(config) if global.json => {
            terminal::line(&serde_json::to_string_pretty(&config.report())?);
            Ok(DONE)
        }
        Ok(config) => {
            let paint = show::Paint::new(terminal::colours(global.no_color));
            terminal::line(&show::rules(&config, paint));
            Ok(DONE)
        }
        Err(refused) => {
            if global.json {
                terminal::line(&serde_json::to_string_pretty(&show::refusal(&refused))?);
            } else {
                terminal::complain(&refused.to_string());
            }
            // Rules that nobody could read are neither good nor refused.
            let read = global.config.iter().all(|file| std::fs::read(file).is_ok());
            Ok(if read { NO } else { COULD_NOT })
        }
    }
}
