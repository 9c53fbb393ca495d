//! The commands. Each returns its exit code, or an error.
//!
//! Law: only commands. What they have in common belongs to the rooms that they call.

mod baseline;
mod config;
mod demo;
mod help;
mod process;
mod publish;
mod replay;
mod source;
mod token;
mod topics;

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use anyhow::{Context, Result, bail};

pub use self::help::refused;
use crate::cli::{Cli, CliCommand, Global, HealthArgs};
use crate::client;
use crate::config::{Config, KafkaSettings, LogKind, read_regular};
use crate::edge::clock::SystemClock;
use crate::edge::log::kafka::KafkaLog;
use crate::edge::terminal;
use crate::process::RoleSet;
use crate::show::Screen;

/// Runs a command.
///
/// # Errors
/// It cannot be carried out.
pub fn run(cli: &Cli, environment: &BTreeMap<String, String>) -> Result<u8> {
    match &cli.command {
        CliCommand::Demo(demo) => demo::run(&cli.global, demo),
        CliCommand::Replay(replay) => replay::run(&cli.global, replay, environment),
        CliCommand::Up => process::run(&cli.global, &RoleSet::All, None, environment),
        CliCommand::Ingest(HealthArgs { health }) => {
            process::run(&cli.global, &RoleSet::Ingest, *health, environment)
        }
        CliCommand::Decide(HealthArgs { health }) => {
            process::run(&cli.global, &RoleSet::Decide, *health, environment)
        }
        CliCommand::Work { work, health: HealthArgs { health } } => {
            process::run(&cli.global, &process::workers(work), *health, environment)
        }
        CliCommand::Route => process::run(&cli.global, &RoleSet::Route, None, environment),
        CliCommand::Topics(asked) => topics::run(&cli.global, asked, environment),
        CliCommand::Publish(publish) => publish::run(&cli.global, publish, environment),
        CliCommand::Serve => process::run(&cli.global, &RoleSet::Serve, None, environment),
        CliCommand::CheckConfig => config::run(&cli.global, environment),
        CliCommand::CheckSource { files, mapping, source } => {
            source::run(&cli.global, files, source.as_deref(), mapping, environment)
        }
        CliCommand::Baseline { files, registry, source, mapping } => {
            let mapped = (source.as_deref(), mapping);
            baseline::run(&cli.global, files, registry, mapped, environment)
        }
        CliCommand::Token { instruction_key } => {
            token::run(&cli.global, instruction_key.as_deref())
        }
        CliCommand::Help { topic } => Ok(help::run(topic, screen(&cli.global))),
        CliCommand::Remote(asked) => client::run(&cli.global, asked, environment),
    }
}

/// The text of a registry, without a byte order mark.
fn registry_text(registry: &Path) -> Result<String> {
    let text = read_regular(registry).with_context(|| {
        format!("{} cannot be read; give --registry a registry.json", registry.display())
    })?;
    Ok(text.strip_prefix('\u{feff}').map_or(text.clone(), str::to_owned))
}

/// Refuses to overwrite an input.
fn apart<'a>(output: &Path, mut inputs: impl Iterator<Item = &'a Path>) -> Result<()> {
    let Ok(place) = output.canonicalize() else { return Ok(()) };
    if inputs.any(|input| input.canonicalize().is_ok_and(|input| input == place)) {
        bail!("{} is an input of this command; write to another file", output.display());
    }
    Ok(())
}

/// The Kafka log, with its settings; `None` if the settings have the local one, and then it has
/// been reported what to do `instead`.
fn kafka<'a>(config: &'a Config, instead: &str) -> Result<Option<(&'a KafkaSettings, KafkaLog)>> {
    match &config.settings.log.kind {
        LogKind::Kafka(kafka) => Ok(Some((kafka, KafkaLog::open(kafka, Arc::new(SystemClock))?))),
        LogKind::Local => {
            let hint = "for Kafka set log.kind = \"kafka\"";
            terminal::complain(&format!("ripcord: {instead}; {hint}"));
            Ok(None)
        }
    }
}

/// What to say of a config with which everybody on Kafka may give instructions.
fn unsigned(config: &Config) -> Option<String> {
    let log = &config.settings.log;
    let open = log.kind != LogKind::Local && log.instruction_keys.is_empty();
    open.then(|| {
        "ripcord: instructions and rules are not signed, so anyone who may write to the inbox can \
         roll back and change rules; `ripcord token --instruction-key ID` makes a key, and the \
         variable of kafka.instruction_keys_env holds it for decide, serve and `topics create`"
            .to_owned()
    })
}

/// What standard output is laid out for.
fn screen(global: &Global) -> Screen {
    Screen::new(terminal::colours(global.no_color), terminal::columns())
}

fn config(global: &Global, environment: &BTreeMap<String, String>) -> Result<Config> {
    Ok(Config::load(&global.config, environment)?)
}
