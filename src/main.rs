//! Parses, runs, prints the error chain, exits.

use std::process::ExitCode;

use clap::Parser;
use ripcord::app;
use ripcord::cli::Cli;
use ripcord::edge::terminal;

fn main() -> ExitCode {
    let code = match Cli::try_parse() {
        Ok(cli) => run(&cli),
        Err(said) => {
            terminal::printed(said.print());
            u8::try_from(said.exit_code()).unwrap_or(app::COULD_NOT)
        }
    };
    if let Some(why) = terminal::lost() {
        terminal::complain(&format!(
            "ripcord: standard output cannot be written ({why}); is there room?"
        ));
        return ExitCode::from(app::COULD_NOT);
    }
    ExitCode::from(code)
}

fn run(cli: &Cli) -> u8 {
    let environment = std::env::vars().collect();
    app::run(cli, &environment).unwrap_or_else(|error| {
        terminal::complain(&format!("ripcord: {error:#}"));
        app::COULD_NOT
    })
}
