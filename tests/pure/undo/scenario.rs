//! Scenarios: files of `> line in` and the lines out below it, each from `# its title` on.
//!
//! `UPDATE=1 cargo test --test pure scenario` writes down what is said now; read the difference.

use std::collections::BTreeSet;
use std::fs;
use std::path::PathBuf;

use ripcord::model::{Command, IncidentState, StepResult};

use super::world::World;
use crate::common::expected;

fn play(text: &str, forgetful: bool) -> String {
    let mut said = String::new();
    let mut world = World::new();
    for line in text.lines() {
        if is_title(line) {
            world = World::new();
            world.forgetful = forgetful;
            if !said.is_empty() {
                said.push('\n');
            }
            said += &format!("{line}\n");
        } else if let Some(input) = line.strip_prefix("> ") {
            said += &format!("{line}\n{}", world.line(input));
        }
    }
    said
}

/// Every input of every scenario, with the world that the lines before it made.
fn every_input(mut each: impl FnMut(&mut World, &str)) {
    for file in files() {
        let mut world = World::new();
        for line in fs::read_to_string(&file).unwrap().lines() {
            if is_title(line) {
                world = World::new();
            } else if let Some(input) = line.strip_prefix("> ") {
                each(&mut world, input);
            }
        }
    }
}

/// The moves of state that the scenarios make, as their incident records show them.
pub fn moves() -> BTreeSet<(IncidentState, IncidentState)> {
    let mut moves = BTreeSet::new();
    every_input(|world, input| {
        let before = world.incidents.clone();
        world.line(input);
        for (id, incident) in &world.incidents {
            let from = before.get(id).map_or(IncidentState::Open, |old| old.state);
            if from != incident.state {
                moves.insert((from, incident.state));
            }
        }
    });
    moves
}

/// The answers that steps take in the scenarios, each with what the step was told before.
pub fn answers() -> BTreeSet<(Option<StepResult>, StepResult)> {
    let mut answers = BTreeSet::new();
    every_input(|world, input| {
        let words: Vec<_> = input.split(' ').collect();
        let to = |command: &&Command| words.get(1) == Some(&command.target.as_str());
        let newest = world.commands.iter().rev().find(to).map(|command| command.id.clone());
        let told = |world: &World| {
            let mut steps = world.incidents.values().flat_map(|incident| &incident.plan);
            steps.find(|step| Some(&step.command) == newest.as_ref())?.outcome
        };
        let before = told(world);
        let ignored = world.line(input).contains("ignored");
        let taken = words[0] == "answer" && words.last() != Some(&"old") && !ignored;
        // One that came too late to be acted on is no answer to the step.
        let said = |now: &StepResult| format!("{now:?}").to_lowercase() == words[2];
        if taken && let Some(now) = told(world).filter(said) {
            answers.insert((before, now));
        }
    });
    answers
}

fn is_title(line: &str) -> bool {
    line.starts_with("# ")
}

fn files() -> Vec<PathBuf> {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/pure/undo/scenarios");
    let files = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let mut files: Vec<_> = files.filter(|path| path.extension().unwrap() == "txt").collect();
    files.sort();
    files
}

#[test]
fn every_scenario_goes_as_written() {
    assert!(files().len() >= 5, "the scenarios are gone");
    for file in files() {
        let text = fs::read_to_string(&file).unwrap();
        expected::check(&file, &play(&text, false));
    }
}

#[test]
fn stored_and_read_back_after_every_line_it_goes_the_same() {
    for file in files() {
        let text = fs::read_to_string(&file).unwrap();
        assert_eq!(play(&text, true), play(&text, false), "{}", file.display());
    }
}
