//! What has one place is nowhere else; what belongs together is complete.

use super::rust;
use crate::text::{File, word};

/// What has one place is nowhere else.
pub(crate) fn places(files: &[File]) -> Vec<String> {
    const PRINTS: &str = "edge/terminal prints, and edge/diagnostics logs";
    const LOGS: &str = "edge/diagnostics.rs names log events";
    const JSON: &str = "edge/terminal/screen writes JSON for people";
    const METRICS: &str = "edge/diagnostics/metrics.rs names metrics";
    let places: [(&str, &[&str], &str); 7] = [
        ("io::stdout", &["src/edge/terminal"], PRINTS),
        ("io::stderr", &["src/edge/terminal", "src/edge/diagnostics/setup"], PRINTS),
        (
            "tracing",
            &[
                "src/edge/diagnostics.rs",
                "src/edge/diagnostics/http",
                "src/edge/diagnostics/logs",
                "src/edge/diagnostics/setup",
            ],
            LOGS,
        ),
        ("tracing_subscriber", &["src/edge/diagnostics/setup"], LOGS),
        ("prometheus_client", &["src/edge/diagnostics/metrics"], METRICS),
        ("to_string_pretty", &["src/edge/terminal/screen", "src/edge/router/state"], JSON),
        ("rusqlite", &["src/edge/log/local"], "edge/log/local keeps records"),
    ];
    let mut found = Vec::new();
    for file in rust(files, "src/") {
        for (line, text) in file.live() {
            for (what, places, instead) in places {
                let here = places.iter().any(|place| file.path.starts_with(place));
                if word(text, what).is_some() && !here {
                    found.push(file.at(line, &format!("{what} here; only {instead}")));
                }
            }
        }
    }
    found
}

/// A schema has an example, and an example a schema.
pub(crate) fn schemas(files: &[File]) -> Vec<String> {
    let stems = |end: &str| -> Vec<(&File, String)> {
        let files = files.iter().filter(|file| file.path.starts_with("schemas/"));
        files.filter_map(|f| Some((f, f.path.strip_suffix(end)?.to_owned()))).collect()
    };
    let examples = stems(".v1.example.json");
    let schemas: Vec<_> =
        stems(".v1.json").into_iter().filter(|(_, stem)| !stem.ends_with(".example")).collect();
    let of = |example: &str, schema: &str| {
        example.strip_prefix(schema).is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
    };
    let mut found = Vec::new();
    for (file, schema) in &schemas {
        if !examples.iter().any(|(_, example)| of(example, schema)) {
            found.push(file.at(1, &format!("no example; write {schema}.v1.example.json")));
        }
    }
    for (file, example) in &examples {
        if !schemas.iter().any(|(_, schema)| of(example, schema)) {
            found.push(file.at(1, "an example of no schema; write the schema"));
        }
    }
    found
}

/// Every dependency says what it is for, and comes from the public registry.
pub(crate) fn dependencies(files: &[File]) -> Vec<String> {
    const REGISTRY: &str = "\"registry+https://github.com/rust-lang/crates.io-index\"";
    let mut found = Vec::new();
    for file in files.iter().filter(|file| file.path == "Cargo.toml") {
        let mut inside = false;
        for (index, line) in file.text.lines().enumerate() {
            if line.starts_with('[') {
                inside = line.trim_end_matches(']').ends_with("dependencies");
            } else if inside && line.contains(" = ") && !line.contains(" # ") {
                found.push(file.at(index + 1, "a dependency without a reason: add `# what for`"));
            }
        }
    }
    for file in files.iter().filter(|file| file.path == "Cargo.lock") {
        for (index, line) in file.text.lines().enumerate() {
            let source = line.strip_prefix("source = ");
            if source.is_some_and(|source| source != REGISTRY) {
                found.push(file.at(index + 1, "not from crates.io; take a published version"));
            }
        }
    }
    found
}

/// Nothing holds on one machine only.
pub(crate) fn portable(files: &[File]) -> Vec<String> {
    // In two parts, so that this file is no offender.
    let homes = [concat!("/ho", "me/"), concat!("/ro", "ot/"), concat!("/Us", "ers/")];
    let mut found = Vec::new();
    for file in files {
        for (index, line) in file.text.lines().enumerate() {
            if homes.iter().any(|home| line.contains(home)) {
                found.push(file.at(index + 1, "a path of one machine; write it relative"));
            }
        }
    }
    found
}

/// What the program is built with is in the Docker context.
pub(crate) fn context(files: &[File]) -> Vec<String> {
    let Some(ignore) = files.iter().find(|file| file.path == ".dockerignore") else {
        return vec![".dockerignore:1: not there; name what the build reads".to_owned()];
    };
    let kept: Vec<&str> = ignore.text.lines().filter_map(|line| line.strip_prefix('!')).collect();
    let is_kept = |path: &str| {
        let below =
            |kept: &&str| path.strip_prefix(*kept).is_some_and(|rest| rest.starts_with('/'));
        kept.iter().any(|kept| path == *kept || below(kept))
    };
    let mut found = Vec::new();
    for file in rust(files, "src/").chain(rust(files, "benches/")) {
        for (line, included) in included(file) {
            if !is_kept(&included) {
                let what =
                    format!("{included} is not in the Docker context; add it to .dockerignore");
                found.push(file.at(line, &what));
            }
        }
    }
    found
}

/// The files that a file includes, from the top of the project.
fn included(file: &File) -> Vec<(usize, String)> {
    let mut found = Vec::new();
    let lines = file.code.lines().zip(file.text.lines()).enumerate();
    for (index, (code, text)) in lines {
        let macros = ["include_str!", "include_bytes!", "include!"];
        if let Some(at) = macros.iter().find_map(|name| code.find(name))
            && let Some(path) = text[at..].split('"').nth(1)
        {
            let mut folder = file.path.rsplit_once('/').map_or("", |(folder, _)| folder);
            let mut path = path;
            while let Some(rest) = path.strip_prefix("../") {
                (folder, path) = (folder.rsplit_once('/').map_or("", |(above, _)| above), rest);
            }
            let whole =
                if folder.is_empty() { path.to_owned() } else { format!("{folder}/{path}") };
            found.push((index + 1, whole));
        }
    }
    found
}

/// No folder of sources has a name that tools take for output.
pub(crate) fn folders(files: &[File]) -> Vec<String> {
    let output = ["target", "build", "dist"];
    let of_output = |file: &&File| {
        let folders = file.path.rsplit_once('/').map_or("", |(folders, _)| folders);
        folders.split('/').any(|folder| output.contains(&folder))
    };
    let found = files.iter().filter(of_output);
    found.map(|file| file.at(1, "tools skip folders of this name; rename it")).collect()
}

/// The page that leads through the house is short, and names every word that all rooms share.
pub(crate) fn tour(files: &[File]) -> Vec<String> {
    const MOST_LINES: usize = 250;
    let tour = files.iter().find(|file| file.path == "ARCHITECTURE.md");
    let text = tour.map_or("", |file| &file.text);
    let mut found = Vec::new();
    let lines = text.lines().count();
    if lines > MOST_LINES {
        found.push(format!("ARCHITECTURE.md:1: {lines} lines; {MOST_LINES} at most"));
    }
    let rooms = ["src/model/mod.rs", "src/sums/mod.rs"];
    for file in files.iter().filter(|file| rooms.contains(&file.path.as_str())) {
        let exports = file.code.split("pub use ").skip(1);
        let exports = exports.filter_map(|export| export.split(';').next());
        let words = exports.flat_map(|export| export.split(|c: char| !c.is_alphanumeric()));
        let types = words.filter(|word| word.chars().any(char::is_lowercase));
        let types = types.filter(|word| word.starts_with(|c: char| c.is_uppercase()));
        let missing = types.filter(|name| !text.contains(&format!("`{name}`")));
        found.extend(missing.map(|name| file.at(1, &format!("ARCHITECTURE.md has no `{name}`"))));
    }
    found
}

/// The settings that the laws held by clippy and rustfmt rest on.
pub(crate) fn settings(files: &[File]) -> Vec<String> {
    let needed = [
        ("Cargo.toml", "unsafe_code = \"forbid\""),
        ("Cargo.toml", "missing_docs = \"warn\""),
        ("Cargo.toml", "disallowed_methods = \"warn\""),
        ("Cargo.toml", "print_stdout = \"warn\""),
        ("Cargo.toml", "print_stderr = \"warn\""),
        ("Cargo.toml", "too_many_lines = \"warn\""),
        ("Cargo.toml", "unwrap_used = \"warn\""),
        ("Cargo.toml", "expect_used = \"warn\""),
        ("Cargo.toml", "wildcard_enum_match_arm = \"warn\""),
        ("clippy.toml", "too-many-lines-threshold = 70"),
        ("clippy.toml", "\"std::time::SystemTime::now\""),
        ("clippy.toml", "\"std::time::Instant::now\""),
        ("clippy.toml", "\"f64::ln\""),
        ("clippy.toml", "\"std::collections::HashMap\""),
        ("rustfmt.toml", "max_width = 100"),
    ];
    let missing = needed.iter().filter(|(path, text)| {
        !files.iter().any(|file| file.path == *path && file.text.contains(text))
    });
    missing.map(|(path, text)| format!("{path}:1: a law rests on `{text}`; put it back")).collect()
}

#[test]
fn what_stands_in_the_wrong_place_is_caught() {
    for (path, text, expected) in [
        ("src/app/a.rs", "tracing::info!(\"b\");", "edge/diagnostics.rs names"),
        ("src/edge/diagnostics.rs", "tracing::info!(\"b\");", ""),
        ("src/edge/http/a.rs", "use prometheus_client::registry::Registry;", "metrics.rs names"),
        ("src/edge/diagnostics.rs", "use prometheus_client::registry;", "metrics.rs names"),
        ("src/edge/diagnostics/metrics.rs", "use prometheus_client::registry::Registry;", ""),
        ("src/app/a.rs", "let out = std::io::stdout();", "edge/terminal prints"),
        ("src/app/a.rs", "use rusqlite::Connection;", "edge/log/local"),
        ("src/app/a.rs", "terminal::line(&serde_json::to_string_pretty(&a)?);", "writes JSON"),
    ] {
        crate::check(places, path, text, expected);
    }
}

#[test]
fn a_lonely_schema_a_bare_dependency_and_a_private_path_are_caught() {
    crate::check(schemas, "schemas/a.v1.json", "", "write schemas/a.v1.example.json");
    crate::check(schemas, "schemas/a.b.v1.example.json", "", "an example of no schema");
    let both = [File::new("schemas/a.v1.json", ""), File::new("schemas/a.b.v1.example.json", "")];
    assert_eq!(schemas(&both), [""; 0]);

    crate::check(dependencies, "Cargo.toml", "[dependencies]\na = \"1\"", "toml:2: a dependency");
    crate::check(dependencies, "Cargo.toml", "[dev-dependencies]\na = \"1\" # b", "");
    crate::check(dependencies, "Cargo.toml", "[package]\nname = \"a\"", "");
    crate::check(dependencies, "Cargo.lock", "source = \"git+https://a\"", "not from crates.io");

    crate::check(portable, "docs/a.md", concat!("see /ho", "me/me/a"), "a.md:1: a path of one");
    crate::check(portable, "docs/a.md", "see ~/a and ./b", "");
    assert!(settings(&[File::new("clippy.toml", "")]).len() > 10);
}

#[test]
fn what_docker_cannot_see_and_what_tools_skip_is_caught() {
    let ignore = File::new(".dockerignore", "*\n!src\n!schemas/a.json");
    let with = |text: &str| {
        context(&[File::new("src/a/b.rs", text), File::new(".dockerignore", &ignore.text)])
    };
    assert_eq!(with("const A: &str = include_str!(\"../../schemas/a.json\");"), [""; 0]);
    assert_eq!(with("const A: &str = include_str!(\"c.html\");"), [""; 0]);
    assert_eq!(with("const A: &[u8] = include_bytes!(\"../../examples/a\");").len(), 1);
    crate::check(folders, "src/edge/target/a.rs", "", "rename it");
    crate::check(folders, "src/targets/a.rs", "", "");
}

#[test]
fn a_word_that_the_tour_leaves_out_is_caught() {
    let model = || File::new("src/model/mod.rs", "pub use time::{EventTime, zero};");
    let with = |text: &str| tour(&[model(), File::new("ARCHITECTURE.md", text)]);
    assert_eq!(with("`EventTime`"), [""; 0]);
    assert_eq!(with("EventTime"), ["src/model/mod.rs:1: ARCHITECTURE.md has no `EventTime`"]);
    assert_eq!(with(&format!("`EventTime`{}", "\n".repeat(251))).len(), 1);
}
