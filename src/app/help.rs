//! `ripcord help`.

use crate::cli::{COULD_NOT, Cli, DONE};
use crate::edge::terminal;
use crate::show::{self, Screen};

/// Shows the words of the screens, or the help of a command.
pub(super) fn run(topic: &[String], screen: Screen) -> u8 {
    if topic == ["terms"] {
        terminal::line(&show::glossary(screen));
        return DONE;
    }
    let words = ["ripcord"].into_iter().chain(topic.iter().map(String::as_str));
    match Cli::read(words.chain(["--help"])) {
        // `--help` is answered as an error, as is a command that does not exist.
        Err(said) => refused(&said),
        Ok(_) => COULD_NOT,
    }
}

/// Prints what the parser says instead of a command; returns the exit code.
pub fn refused(said: &clap::Error) -> u8 {
    // Help is Ripcord's own text. An error repeats what was typed or pasted.
    match said.use_stderr() {
        true => terminal::complain(said.render().to_string().trim_end()),
        false => terminal::printed(said.print()),
    }
    u8::try_from(said.exit_code()).unwrap_or(COULD_NOT)
}
