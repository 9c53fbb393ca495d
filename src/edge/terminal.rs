//! What people see: standard output and error. Nothing else prints, and everything that is printed
//! passes `screen`.
//!
//! A reader that went away, as `| head` does, is no error: what is left is not printed. Any other
//! failure of standard output is kept, and `main` ends with it.

use std::io::{self, ErrorKind, IsTerminal, Write};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, Ordering};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

/// Empties the page and goes to its top.
const CLEAR: &str = "\u{1b}[H\u{1b}[2J";
/// Redraws of the bar in a second, at most.
const REDRAWS: u8 = 10;

/// Whether standard output was found to take colours.
static COLOURS: AtomicBool = AtomicBool::new(false);

/// Why standard output took no more.
static LOST: OnceLock<String> = OnceLock::new();

mod screen;
pub mod table;

use screen::screened;
pub use screen::{EventLines, json};

/// A line on standard output.
pub fn line(text: &str) {
    printed(put(&mut io::stdout().lock(), text, COLOURS.load(Ordering::Relaxed)));
}

/// A line on standard error.
pub fn complain(text: &str) {
    // Where would one complain that complaining failed?
    drop(put(&mut io::stderr().lock(), text, false));
}

/// Keeps why something could not be printed.
pub fn printed(outcome: io::Result<()>) {
    if let Err(why) = outcome
        && why.kind() != ErrorKind::BrokenPipe
    {
        LOST.get_or_init(|| why.to_string());
    }
}

/// Why standard output did not take everything; `None` if it did, or if its reader went away.
#[must_use]
pub fn lost() -> Option<&'static str> {
    LOST.get().map(String::as_str)
}

fn put(out: &mut dyn Write, text: &str, colours: bool) -> io::Result<()> {
    writeln!(out, "{}", screened(text, colours)).and_then(|()| out.flush())
}

/// The width of the terminal; `None` if standard output is not one.
#[must_use]
pub fn columns() -> Option<usize> {
    comfy_table::Table::new().width().map(usize::from)
}

/// Whether standard output takes colours.
#[must_use]
pub fn colours(no_color: bool) -> bool {
    let asked_not_to = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
    let takes = !no_color && !asked_not_to && io::stdout().is_terminal();
    COLOURS.fetch_or(takes, Ordering::Relaxed);
    takes
}

/// A progress bar, on standard error, and only where that is a terminal.
pub struct Bar {
    bar: ProgressBar,
}

impl Bar {
    /// An empty bar; hidden unless standard error is a terminal.
    #[must_use]
    pub fn new(shown: bool) -> Self {
        let target = match shown && io::stderr().is_terminal() {
            true => ProgressDrawTarget::stderr_with_hz(REDRAWS),
            false => ProgressDrawTarget::hidden(),
        };
        let bar = ProgressBar::with_draw_target(Some(0), target);
        let style = "{bar:24} {percent:>3} %  {msg}";
        bar.set_style(
            ProgressStyle::with_template(style)
                .unwrap_or_else(|_| ProgressStyle::default_bar())
                .progress_chars("=> "),
        );
        Self { bar }
    }

    /// `done` of `all`, and a few words; without `all` the bar stays empty.
    pub fn at(&self, done: u64, all: Option<u64>, words: &str) {
        self.bar.set_length(all.unwrap_or(0).max(1));
        self.bar.set_position(if all.is_some() { done } else { 0 });
        self.bar.set_message(screened(words, false).into_owned());
    }

    /// Whether anybody sees it.
    #[must_use]
    pub fn is_shown(&self) -> bool {
        !self.bar.is_hidden()
    }

    /// A line on standard output, above the bar.
    pub fn line(&self, text: &str) {
        self.bar.suspend(|| line(text));
    }

    /// Takes the bar away.
    pub fn end(&self) {
        self.bar.finish_and_clear();
    }
}

/// Replaces the whole page of a terminal.
pub fn page(text: &str) {
    let clear = || io::stdout().lock().write_all(CLEAR.as_bytes());
    printed(clear());
    line(text);
}
