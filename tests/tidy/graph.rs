//! Which file of `src` uses which, read off the paths that it names.

use std::collections::{BTreeMap, BTreeSet};

use crate::text::File;

/// Every file of `src` by its module path (`judge/lanes`), with the modules it uses.
pub(crate) struct Graph {
    uses: BTreeMap<String, BTreeSet<String>>,
}

/// A module: what it re-exports, by name, and the paths that its code names.
struct Module {
    exports: BTreeMap<String, Vec<String>>,
    paths: Vec<Vec<String>>,
}

impl Graph {
    pub(crate) fn of(files: &[File]) -> Self {
        let mut modules = BTreeMap::new();
        for file in files {
            if let Some(name) = module(&file.path) {
                modules.insert(name, read(file));
            }
        }
        let mut uses = BTreeMap::new();
        for (name, own) in &modules {
            let paths = own.paths.iter();
            let used: BTreeSet<String> = paths
                .filter_map(|path| resolve(&modules, name, path, 0))
                .filter(|used| used != name)
                .collect();
            uses.insert(name.clone(), used);
        }
        Self { uses }
    }

    /// The files in circles, parent and child apart: each with a file that it uses and that leads
    /// back to it.
    pub(crate) fn circles(&self) -> Vec<(String, String)> {
        let family =
            |a: &str, b: &str| a.is_empty() || b.is_empty() || within(a, b) || within(b, a);
        let mut leads: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
        for (from, used) in &self.uses {
            let used = used.iter().map(String::as_str).filter(|to| !family(from, to));
            leads.insert(from, used.collect());
        }
        let reached = |from| {
            let (mut reached, mut open) = (BTreeSet::<&str>::new(), vec![from]);
            while let Some(next) = open.pop() {
                open.extend(leads[next].iter().copied().filter(|to| reached.insert(*to)));
            }
            reached
        };
        let back = |from: &str| leads[from].iter().find(|to| reached(to).contains(from)).copied();
        let pairs = leads.keys().filter_map(|from| Some((*from, back(from)?)));
        pairs.map(|(from, to)| (from.to_owned(), to.to_owned())).collect()
    }
}

fn within(inner: &str, outer: &str) -> bool {
    inner.strip_prefix(outer).is_some_and(|rest| rest.starts_with('/'))
}

/// `src/judge/mod.rs` is `judge`, `src/cli.rs` is `cli`, `src/lib.rs` is empty.
pub(crate) fn module(path: &str) -> Option<String> {
    let name = path.strip_prefix("src/")?.strip_suffix(".rs")?;
    let name = name.strip_suffix("/mod").unwrap_or(name);
    Some(if name == "lib" { String::new() } else { name.to_owned() })
}

fn read(file: &File) -> Module {
    let code: String = file.live().map(|(_, line)| format!("{line}\n")).collect();
    let (mut exports, mut paths) = (BTreeMap::new(), Vec::new());
    let mut rest = String::new();
    let mut from = 0;
    while let Some(at) = code[from..].find("use ").map(|at| from + at) {
        let alone = code[..at].chars().next_back().is_none_or(char::is_whitespace);
        let end = code[at..].find(';').map(|end| at + end);
        let (true, Some(end)) = (alone, end) else {
            rest.push_str(&code[from..at + 4]);
            from = at + 4;
            continue;
        };
        let line = code[..at].rfind('\n').map_or(0, |line| line + 1);
        let public = code[line..at].trim_start().starts_with("pub");
        for path in leaves(&code[at + 4..end]) {
            if public && let Some(name) = path.last() {
                exports.insert(name.clone(), path.clone());
            }
            paths.push(path);
        }
        rest.push_str(&code[from..at]);
        from = end;
    }
    rest.push_str(&code[from..]);
    for start in ["crate::", "super::"] {
        for (at, _) in rest.match_indices(start) {
            let path = |c: char| c.is_alphanumeric() || c == '_' || c == ':';
            let path: String = rest[at..].chars().take_while(|c| path(*c)).collect();
            paths.push(path.split("::").map(str::to_owned).collect());
        }
    }
    Module { exports, paths }
}

/// The paths of a `use` tree, each cut at `::`; a rename is left out.
fn leaves(tree: &str) -> Vec<Vec<String>> {
    let tree = tree.trim();
    let Some(open) = tree.find('{') else {
        let path = tree.split(" as ").next().unwrap_or(tree);
        let path = path.trim().trim_end_matches("::self");
        return vec![path.split("::").map(|part| part.trim().to_owned()).collect()];
    };
    let before: Vec<String> = tree[..open].split("::").map(|part| part.trim().to_owned()).collect();
    let before = &before[..before.len() - 1];
    let inside = tree[open + 1..].trim_end().trim_end_matches('}');
    let (mut depth, mut start, mut parts) = (0, 0, Vec::new());
    for (at, c) in inside.char_indices() {
        match c {
            '{' => depth += 1,
            '}' => depth -= 1,
            ',' if depth == 0 => {
                parts.push(&inside[start..at]);
                start = at + 1;
            }
            _ => {}
        }
    }
    parts.push(&inside[start..]);
    let mut paths = Vec::new();
    for part in parts.iter().map(|part| part.trim()).filter(|part| !part.is_empty()) {
        for leaf in leaves(part) {
            let own = leaf.iter().filter(|part| *part != "self").cloned();
            paths.push(before.iter().cloned().chain(own).collect());
        }
    }
    paths
}

/// The module that a path leads to from `name`, through what modules re-export.
fn resolve(
    modules: &BTreeMap<String, Module>,
    name: &str,
    path: &[String],
    depth: usize,
) -> Option<String> {
    let here: Vec<String> =
        name.split('/').filter(|part| !part.is_empty()).map(str::to_owned).collect();
    let ups = path.iter().take_while(|part| *part == "super").count();
    let full: Vec<String> = match path.first()?.as_str() {
        "crate" => path[1..].to_vec(),
        "self" => [&here, &path[1..]].concat(),
        "super" => [here.get(..here.len().checked_sub(ups)?)?, &path[ups..]].concat(),
        child => {
            let below = [&here[..], &[child.to_owned()]].concat().join("/");
            modules.contains_key(&below).then(|| [&here, path].concat())?
        }
    };
    let longest =
        (0..=full.len()).rev().find(|end| modules.contains_key(&full[..*end].join("/")))?;
    let found = full[..longest].join("/");
    let export = full.get(longest).and_then(|next| modules.get(&found)?.exports.get(next));
    match export {
        Some(path) if depth < 8 => resolve(modules, &found, path, depth + 1).or(Some(found)),
        Some(_) | None => Some(found),
    }
}

#[test]
fn a_circle_is_found_through_braces_inline_paths_and_exports() {
    let file = |path: &str, text: &str| File::new(path, text);
    let circles = |files: &[File]| {
        let pairs = Graph::of(files).circles();
        pairs.into_iter().map(|(from, to)| format!("{from}>{to}")).collect::<Vec<_>>()
    };
    let room = |a: &str, b: &str| {
        [
            file("src/lib.rs", "mod r;"),
            file("src/r/mod.rs", "mod a;\nmod b;\npub use b::{B, self};"),
            file("src/r/a.rs", a),
            file("src/r/b.rs", b),
        ]
    };
    let both = ["r/a>r/b", "r/b>r/a"];
    assert_eq!(circles(&room("use super::b::X;", "use super::a::{\n Y, Z};")), both);
    assert_eq!(circles(&room("use crate::r::B;", "fn b() { super::a::f() }")), both);
    assert_eq!(circles(&room("use super::b::X;", "")), [""; 0]);
    let tests = "#[cfg(test)]\nmod tests {\nuse super::super::a::Y;\n}";
    assert_eq!(circles(&room("use super::b::X;", tests)), [""; 0]);
    // Parent and child may use each other.
    let family = [file("src/r/mod.rs", "mod a;\nuse a::A;"), file("src/r/a.rs", "use super::R;")];
    assert_eq!(circles(&family), [""; 0]);
}
