//! The house as a whole: no circles, no room too large, no name with two meanings.

use std::collections::BTreeMap;

use super::rust;
use crate::graph::Graph;
use crate::text::File;

/// The largest part of `src` that one room may be, in percent; `app` has the commands alone.
const LARGEST_ROOM: usize = 25;
const LARGEST_APP: usize = 3;

/// No two files use each other, directly or through others, but parent and child.
pub(crate) fn circles(files: &[File]) -> Vec<String> {
    let pairs = Graph::of(files).circles().into_iter();
    let what = "and that leads back; give what both need a file of its own";
    pairs.map(|(from, to)| format!("src/{from}: uses {to}, {what}")).collect()
}

/// The lines of each room, the largest first.
pub(crate) fn room_sizes(files: &[File]) -> Vec<(&str, usize)> {
    let mut rooms: BTreeMap<&str, usize> = BTreeMap::new();
    for file in rust(files, "src/") {
        if let Some(room) = file.room().filter(|room| !["main", "lib"].contains(room)) {
            *rooms.entry(room).or_default() += file.text.lines().count();
        }
    }
    let mut rooms: Vec<_> = rooms.into_iter().collect();
    rooms.sort_by_key(|(_, lines)| std::cmp::Reverse(*lines));
    rooms
}

/// No room is a quarter of the house, and `app` has the commands alone.
pub(crate) fn share(files: &[File]) -> Vec<String> {
    let rooms = room_sizes(files);
    let all: usize = rooms.iter().map(|(_, lines)| lines).sum();
    let most = |room: &str| if room == "app" { LARGEST_APP } else { LARGEST_ROOM };
    let large = rooms.iter().filter(|(room, lines)| lines * 100 > all * most(room));
    large
        .map(|(room, lines)| {
            let most = most(room);
            format!("src/{room}: {lines} of {all} lines, over {most} %; give a part of it a room")
        })
        .collect()
}

/// A type name that other files see is declared once. `Input`, `Output` and `Error` are what each
/// machine calls its own.
pub(crate) fn names(files: &[File]) -> Vec<String> {
    let mut seen: BTreeMap<String, String> = BTreeMap::new();
    let mut found = Vec::new();
    for file in rust(files, "src/") {
        for (line, text) in file.live() {
            let Some(name) = public_type(text).filter(|name| !name.is_empty()) else { continue };
            if ["Input", "Output", "Error"].contains(&name) {
                continue;
            }
            match seen.get(name) {
                Some(first) => {
                    found.push(
                        file.at(line, &format!("{name} is declared in {first} too; rename one")),
                    );
                }
                None => _ = seen.insert(name.to_owned(), file.path.clone()),
            }
        }
    }
    found
}

/// The name of the type that a line declares for other files.
fn public_type(line: &str) -> Option<&str> {
    let rest = line.trim_start().strip_prefix("pub")?;
    let rest = match rest.strip_prefix('(') {
        Some(scope) => scope.split_once(')')?.1,
        None => rest,
    };
    let kinds = [" struct ", " enum ", " trait ", " type ", " union "];
    let rest = kinds.iter().find_map(|kind| rest.strip_prefix(kind))?;
    rest.split(|c: char| !c.is_alphanumeric() && c != '_').next()
}

#[test]
fn a_circle_a_large_room_and_a_name_with_two_meanings_are_caught() {
    let file = |path: &str, text: &str| File::new(path, text);
    let pair = [
        file("src/judge/a.rs", "use crate::judge::b::B;"),
        file("src/judge/b.rs", "use super::a::A;"),
        file("src/judge/mod.rs", "mod a;\nmod b;"),
    ];
    assert_eq!(circles(&pair).len(), 2, "{:?}", circles(&pair));
    assert_eq!(circles(&pair[..1]), [""; 0]);

    let lines = |path: &str, lines: usize| file(path, &"// a\n".repeat(lines));
    let rooms = ["a", "b", "c", "d"].map(|room| lines(&format!("src/{room}/x.rs"), 97));
    let with = |app: usize| {
        let app = lines("src/app/x.rs", app);
        let rooms = rooms.iter().map(|room| file(&room.path, &room.text));
        share(&rooms.chain([app]).collect::<Vec<_>>())
    };
    assert_eq!(with(12), [""; 0]);
    assert_eq!(with(13).len(), 1, "{:?}", with(13));
    assert_eq!(share(&[lines("src/a/x.rs", 26), lines("src/b/x.rs", 74)]).len(), 2);

    let two = |a: &str, b: &str| names(&[file("src/a.rs", a), file("src/b.rs", b)]).len();
    assert_eq!(two("pub struct Seen;", "    pub(super) enum Seen<T> {"), 1);
    assert_eq!(two("pub struct Seen;", "struct Seen;"), 0);
    assert_eq!(two("pub enum Input {", "pub enum Input {"), 0);
    assert_eq!(two("pub struct Seen;", "// pub struct Seen;"), 0);
}
