//! Who may use whom.

use super::rust;
use crate::text::File;

/// What each room may use besides itself, in reading order. `app` and `main` may use anything.
const ROOMS: [(&str, &[&str]); 20] = [
    ("model", &[]),
    ("sums", &["model"]),
    ("measure", &["model", "sums"]),
    ("judge", &["model", "sums"]),
    ("phrases", &["model"]),
    ("undo", &["model", "sums", "phrases"]),
    ("shard", &["model", "sums", "judge", "undo"]),
    ("router", &["model"]),
    ("cli", &["model"]),
    ("config", &["model", "phrases"]),
    (
        "wire",
        &["model", "sums", "measure", "judge", "undo", "shard", "router", "phrases", "config"],
    ),
    ("edge", &["model", "sums", "router", "phrases", "config", "wire"]),
    ("targets", &["model", "router", "phrases", "config", "wire", "edge"]),
    ("topics", &["model", "shard", "undo", "config", "wire", "edge"]),
    ("show", &["model", "sums", "undo", "shard", "phrases", "config", "wire"]),
    (
        "roles",
        &[
            "model", "sums", "measure", "judge", "undo", "shard", "router", "phrases", "config",
            "wire", "edge", "topics",
        ],
    ),
    (
        "process",
        &[
            "model", "shard", "router", "phrases", "config", "edge", "targets", "topics", "show",
            "roles",
        ],
    ),
    (
        "replay",
        &[
            "model", "sums", "measure", "judge", "undo", "shard", "router", "phrases", "config",
            "wire", "edge", "targets", "topics", "show", "roles",
        ],
    ),
    (
        "demo",
        &[
            "model", "sums", "undo", "shard", "router", "phrases", "config", "wire", "edge",
            "targets", "topics", "show", "roles", "process", "replay",
        ],
    ),
    ("client", &["model", "sums", "shard", "phrases", "cli", "config", "wire", "edge", "show"]),
];

/// The one role that may use a room the others may not.
const ROLES: [(&str, &str); 2] = [("work", "targets"), ("serve", "show")];

/// What each part of `edge` may use of the other parts: causes and clocks first, then HTTP, then
/// the logs and the router.
const EDGE: [(&str, &[&str]); 10] = [
    ("chain", &[]),
    ("clock", &[]),
    ("parent", &[]),
    ("terminal", &["clock"]),
    ("diagnostics", &["chain", "clock", "terminal"]),
    ("files", &["chain", "clock"]),
    ("fence", &[]),
    ("http", &["chain", "clock", "terminal", "diagnostics", "files", "fence"]),
    ("log", &["chain", "clock", "terminal", "diagnostics", "files", "fence"]),
    ("router", &["chain", "clock", "terminal", "diagnostics", "files", "fence", "http"]),
];

/// A room uses only the rooms it may, and a role no other role.
pub(crate) fn layers(files: &[File]) -> Vec<String> {
    let mut found = Vec::new();
    for file in rust(files, "src/") {
        let Some((room, may)) = ROOMS.iter().find(|(room, _)| file.room() == Some(room)) else {
            continue;
        };
        let part = file.path.split('/').nth(2).unwrap_or_default().trim_end_matches(".rs");
        for (line, used, _) in crate_paths(&file.live_code()) {
            let item = used.starts_with(|c: char| c.is_uppercase());
            let own = *room == "roles" && ROLES.contains(&(part, used.as_str()));
            if used != *room && !may.contains(&used.as_str()) && !item && !own {
                let may = if may.is_empty() { "nothing".to_owned() } else { may.join(", ") };
                let what = format!("{room} uses {used}; it may use {may}: pass data instead");
                found.push(file.at(line, &what));
            }
        }
        let top = file.path.ends_with("mod.rs") && file.path.matches('/').count() == 2;
        for (line, test, text) in file.lines() {
            if text.contains("super::super") || (top && !test && text.contains("super::")) {
                found.push(file.at(line, "climbs with super; write crate::room so that it shows"));
            }
        }
        found.extend(parts(file, room, part));
    }
    found
}

/// Inside `roles` no role names another; inside `edge` the order of its table holds.
fn parts(file: &File, room: &str, part: &str) -> Vec<String> {
    let may: &[&str] = match room {
        "roles" => &[],
        "edge" => match EDGE.iter().find(|(name, _)| *name == part) {
            Some((_, may)) => may,
            None => return Vec::new(),
        },
        _ => return Vec::new(),
    };
    let paths = crate_paths(&file.live_code());
    let within = paths.iter().filter(|(_, used, _)| used == room);
    let wrong = within.filter(|(_, _, next)| {
        let module = next.starts_with(|c: char| c.is_lowercase());
        module && next != part && part != "mod" && !may.contains(&next.as_str())
    });
    let said = |(line, _, next): &(usize, String, String)| {
        file.at(*line, &format!("{room}/{part} uses {room}/{next}; pass data instead"))
    };
    wrong.map(said).collect()
}

/// The two names right after `crate::`, those in braces too, with their lines.
fn crate_paths(code: &str) -> Vec<(usize, String, String)> {
    let mut found = Vec::new();
    for (at, start) in code.match_indices("crate::") {
        let line = |byte: usize| code[..byte].matches('\n').count() + 1;
        let from = at + start.len();
        for (offset, room) in branches(&code[from..]) {
            let after = from + offset + room.len();
            let rest = code[after..].strip_prefix("::");
            let line = line(from + offset);
            match rest {
                Some(rest) => {
                    let next = branches(rest).into_iter();
                    found.extend(next.map(|(_, next)| (line, room.clone(), next)));
                }
                None => found.push((line, room, String::new())),
            }
        }
    }
    found
}

/// The names that a path goes on with, and where: one, or those in braces.
fn branches(rest: &str) -> Vec<(usize, String)> {
    if !rest.trim_start().starts_with('{') {
        return vec![(0, name(rest))];
    }
    let (mut depth, mut fresh, mut found) = (0, false, Vec::new());
    for (offset, c) in rest.char_indices() {
        match c {
            '{' => (depth, fresh) = (depth + 1, depth == 0),
            '}' if depth == 1 => break,
            '}' => depth -= 1,
            ',' if depth == 1 => fresh = true,
            _ if fresh && depth == 1 && !c.is_whitespace() => {
                found.push((offset, name(&rest[offset..])));
                fresh = false;
            }
            _ => {}
        }
    }
    found
}

fn name(text: &str) -> String {
    text.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect()
}

#[test]
fn a_room_that_reaches_too_far_is_caught() {
    for (path, text, expected) in [
        ("src/judge/a.rs", "use crate::model::X;", ""),
        ("src/judge/a.rs", "use crate::judge::b;", ""),
        ("src/judge/a.rs", "\nuse crate::undo::X;", "judge/a.rs:2: judge uses undo"),
        ("src/undo/a.rs", "use crate::{model::{a, b},\n sums, judge::c};", "undo/a.rs:2: undo"),
        ("src/edge/log/a.rs", "fn a() { crate::shard::b() }", "edge uses shard"),
        ("src/edge/a.rs", "use crate::wire::json;", ""),
        ("src/config/mod.rs", "use crate::edge::clock;", "config uses edge"),
        ("src/cli.rs", "use crate::config::Config;", "cli uses config"),
        ("src/app/a.rs", "use crate::{edge, cli};", ""),
        ("src/roles/work.rs", "use crate::targets::Target;", ""),
        ("src/roles/route.rs", "use crate::targets::Target;", "roles uses targets"),
        ("src/roles/serve/a.rs", "use crate::roles::serve::b;", ""),
        ("src/roles/serve/a.rs", "use crate::roles::{work::W};", "roles/serve uses roles/work"),
        ("src/edge/router/a.rs", "use crate::edge::{http::H};", ""),
        ("src/edge/http/a.rs", "use crate::edge::{clock, log::L};", "edge/http uses edge/log"),
        ("src/edge/clock.rs", "fn a() { crate::edge::http::b() }", "edge/clock uses edge/http"),
        ("src/judge/a.rs", "// crate::undo\nconst A: &str = \"crate::undo\";", ""),
        ("src/model/a/b.rs", "use super::super::c;", "climbs"),
        ("src/model/mod.rs", "use super::undo;", "climbs"),
        ("src/model/mod.rs", "#[cfg(test)]\nmod tests {\nuse super::X;\n}", ""),
    ] {
        crate::check(layers, path, text, expected);
    }
}
