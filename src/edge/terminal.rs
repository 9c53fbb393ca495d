//! What people see: standard output and error.
#![expect(clippy::print_stdout, clippy::print_stderr, reason = "this is the one place that may")]

pub mod table;

/// A line on standard output.
pub fn line(text: &str) {
    println!("{text}");
}

/// A line on standard error.
pub fn complain(text: &str) {
    eprintln!("{text}");
}

/// A terminal's whole page in place of what stood there.
pub fn page(text: &str) {
    println!("\u{1b}[H\u{1b}[2J{text}");
}
