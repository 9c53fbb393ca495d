//! Parses, runs, prints the error chain, exits.

use std::process::ExitCode;

use ripcord::app;
use ripcord::cli::{COULD_NOT, Cli};
use ripcord::edge::terminal;

fn main() -> ExitCode {
    let code = match Cli::read(std::env::args_os()) {
        Ok(cli) => run(&cli),
        Err(said) => app::refused(&said),
    };
    if let Some(why) = terminal::lost() {
        terminal::complain(&format!(
            "ripcord: standard output cannot be written ({why}); is the disk full?"
        ));
        return ExitCode::from(COULD_NOT);
    }
    ExitCode::from(code)
}

fn run(cli: &Cli) -> u8 {
    let environment = std::env::vars().collect();
    app::run(cli, &environment).unwrap_or_else(|error| {
        terminal::complain(&format!("ripcord: {error:#}"));
        COULD_NOT
    })
}
