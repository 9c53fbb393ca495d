//! The laws of ARCHITECTURE.md that no compiler holds, read off the text of the project.
//!
//! Clippy holds what it can (clocks, prints, long functions, indexing and hash maps in pure
//! rooms); `settings` and `excuses` hold clippy. Every law is shown to catch what it is for. A
//! law that is in the way of something better is changed here and in ARCHITECTURE.md at once.

#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test may panic")]

mod graph;
mod laws;
mod text;

use std::io::Write as _;

use laws::{Law, form, house, places, purity, rooms, words, writers};
use text::{File, project};

const LAWS: [(&str, Law); 22] = [
    ("layers", rooms::layers),
    ("circles", house::circles),
    ("share", house::share),
    ("names", house::names),
    ("purity", purity::purity),
    ("sizes", form::sizes),
    ("median", form::median),
    ("docs", form::docs),
    ("tests", form::tests),
    ("reachable", form::reachable),
    ("finished", form::finished),
    ("excuses", form::excuses),
    ("places", places::places),
    ("writers", writers::writers),
    ("schemas", places::schemas),
    ("dependencies", places::dependencies),
    ("portable", places::portable),
    ("context", places::context),
    ("folders", places::folders),
    ("tour", places::tour),
    ("settings", places::settings),
    ("prose", words::prose),
];

#[test]
fn the_project_keeps_its_laws() {
    let files = project();
    // Not by a macro, since what those print in a test that passes nobody sees.
    write!(std::io::stderr(), "{}", table(&files)).unwrap();
    let laws = LAWS.iter();
    let broken: Vec<String> = laws
        .flat_map(|(name, law)| law(&files).into_iter().map(move |what| format!("{name} {what}")))
        .collect();
    assert!(broken.is_empty(), "{} offenders:\n{}", broken.len(), broken.join("\n"));
}

/// The rooms by their size, and the length of files.
fn table(files: &[File]) -> String {
    let rooms = house::room_sizes(files);
    let all: usize = rooms.iter().map(|(_, lines)| lines).sum();
    let mut table = String::from("room       lines  share\n");
    for (room, lines) in rooms {
        let share = 100.0 * lines as f64 / all as f64;
        table.push_str(&format!("{room:<10} {lines:>5}  {share:>4.1} %\n"));
    }
    let (median, longest) = form::lengths(files);
    table.push_str(&format!("files of src: median {median} lines, longest {longest}\n"));
    table
}

/// One law over one planted file: `expected` is what its only offender says, `""` that none is.
fn check(law: Law, path: &str, text: &str, expected: &str) {
    let found = law(&[File::new(path, text)]);
    let hit = match expected {
        "" => found.is_empty(),
        expected => found.len() == 1 && found[0].contains(expected),
    };
    assert!(hit, "{path}\n{text}\nexpected: {expected}\nfound: {found:#?}");
}
