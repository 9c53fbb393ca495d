//! Parses, runs, prints the error chain, exits.

fn main() {}
