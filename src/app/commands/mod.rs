//! What each command does. A command answers its exit code; what went wrong it returns.

mod baseline;
mod config;
mod replay;
mod source;
mod up;

use std::collections::BTreeMap;

use anyhow::Result;

use crate::app::client;
use crate::cli::{Cli, Command, Global};
use crate::config::Config;

/// Done.
pub const DONE: u8 = 0;
/// No, or refused.
pub const NO: u8 = 1;
/// Could not.
pub const COULD_NOT: u8 = 2;

/// Does what was typed.
///
/// # Errors
/// It could not.
pub fn run(cli: &Cli, environment: &BTreeMap<String, String>) -> Result<u8> {
    match &cli.command {
        Command::Replay(replay) => replay::run(&cli.global, replay, environment),
        Command::Up => up::run(&cli.global, environment),
        Command::CheckConfig => config::run(&cli.global, environment),
        Command::CheckSource { file, mapping, source } => {
            source::run(&cli.global, file, source.as_deref(), mapping, environment)
        }
        Command::Baseline { files, registry, mapping } => {
            baseline::run(&cli.global, files, registry, mapping, environment)
        }
        Command::Remote(asked) => client::run(&cli.global, asked, environment),
    }
}

fn config(global: &Global, environment: &BTreeMap<String, String>) -> Result<Config> {
    Ok(Config::load(&global.config, environment)?)
}
