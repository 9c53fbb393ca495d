//! Parses, runs, prints the error chain, exits.

use std::process::ExitCode;

use clap::Parser;
use ripcord::app::commands;
use ripcord::cli::Cli;
use ripcord::edge::terminal;

fn main() -> ExitCode {
    let environment = std::env::vars().collect();
    match commands::run(&Cli::parse(), &environment) {
        Ok(code) => ExitCode::from(code),
        Err(error) => {
            terminal::complain(&format!("ripcord: {error:#}"));
            ExitCode::from(commands::COULD_NOT)
        }
    }
}
