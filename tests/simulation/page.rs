//! docs/reliability.md names the faults that there are, and tests that exist.

use std::path::Path;

use crate::common::files;
use crate::fault::Fault;

fn page() -> String {
    std::fs::read_to_string(files::in_tree("docs/reliability.md")).unwrap()
}

/// The lines of a section, without its heading.
fn section<'a>(page: &'a str, heading: &str) -> Vec<&'a str> {
    let lines = page.lines().skip_while(|line| *line != heading).skip(1);
    lines.take_while(|line| !line.starts_with("## ")).collect()
}

/// The cells of a table's rows, without its head.
fn rows<'a>(lines: &[&'a str]) -> Vec<Vec<&'a str>> {
    let rows = lines.iter().filter(|line| line.starts_with('|')).skip(2);
    rows.map(|row| row.trim_matches('|').split('|').map(str::trim).collect()).collect()
}

#[test]
fn the_page_has_a_row_for_each_fault_of_the_simulation() {
    let page = page();
    let told = rows(&section(&page, "## Faults of the simulation"));
    let told: Vec<_> = told.iter().map(|row| row[0]).collect();
    assert_eq!(told, Fault::ALL.map(|(_, name)| name));
}

/// The text of all files of a crate of tests.
fn text_of(folder: &Path) -> String {
    let mut text = String::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            text += &text_of(&path);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            text += &std::fs::read_to_string(path).unwrap();
        }
    }
    text
}

#[test]
fn every_test_that_the_page_names_exists() {
    let page = page();
    let lines = page.lines().map(|line| line.split('#').next().unwrap_or_default());
    let codes = lines.flat_map(|line| line.split('`'));
    let commands = codes.filter_map(|code| code.split_once("cargo test --test "));
    let mut named = 0;
    for (_, command) in commands {
        let mut words = command.split_whitespace();
        let krate = words.next().unwrap();
        let filter = words.next().filter(|word| *word != "--").unwrap_or_default();
        let text = text_of(&files::in_tree(&format!("tests/{krate}")));
        let mut tests = text.lines().filter_map(|line| line.strip_prefix("fn "));
        assert!(tests.any(|test| test.contains(filter)), "no test of {krate} is a {filter:?}");
        named += 1;
    }
    let table = rows(&section(&page, "## What happens to each role"));
    assert!(table.iter().all(|row| row.last().unwrap().starts_with('`')), "a row without a test");
    assert!(named > table.len(), "{named} tests");
}
