//! What people see: standard output and error.
#![expect(clippy::print_stdout, clippy::print_stderr, reason = "this is the one place that may")]

/// A line on standard output.
pub fn line(text: &str) {
    println!("{text}");
}

/// A line on standard error.
pub fn complain(text: &str) {
    eprintln!("{text}");
}
