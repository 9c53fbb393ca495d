//! Each preset has a page, and what the page says is read as it says.
#![expect(clippy::unwrap_used, reason = "a test may fail where it is")]

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use ripcord::config::{Config, dialects};
use ripcord::model::EventTime;
use ripcord::wire::telemetry::Raw;

use crate::common::decoded::decode_all;

fn page(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("docs/dialects/{name}.md"))
}

/// The first block of this language.
fn block<'t>(text: &'t str, language: &str) -> &'t str {
    let begin = format!("```{language}\n");
    let (_, rest) = text.split_once(&begin).unwrap_or_else(|| panic!("no {begin}"));
    rest.split_once("```").unwrap().0
}

#[test]
fn each_page_has_a_mapping_that_loads_and_a_sample_that_it_reads() {
    let folder = tempfile::tempdir().unwrap();
    let index = std::fs::read_to_string(page("x").parent().unwrap().with_file_name("telemetry.md"))
        .unwrap();
    for dialect in dialects() {
        let name = dialect.name;
        let text =
            std::fs::read_to_string(page(name)).unwrap_or_else(|why| panic!("{name}: {why}"));
        assert!(index.contains(&format!("(dialects/{name}.md)")), "{name} is not in the table");
        let toml = block(&text, "toml");
        assert!(toml.contains(&format!("dialect = \"{name}\"")), "{name}: {toml}");
        let file = folder.path().join("my.toml");
        std::fs::write(&file, toml).unwrap();
        let config = Config::load(&[file], &BTreeMap::new());
        let config = config.unwrap_or_else(|why| panic!("{name}: {why:?}"));
        let source = &config.settings.sources[0];
        for line in block(&text, "json").lines() {
            let log_time = Some(EventTime::from_ms(1_773_480_413_000));
            let raw = Raw { log_time, ..Raw::line(line.as_bytes()) };
            let read = decode_all(&raw, &source.topics[0], source);
            assert!(!read.is_empty(), "{name}: {line}");
            read.into_iter().for_each(|read| {
                read.unwrap_or_else(|why| panic!("{name}: {why} in {line}"));
            });
        }
    }
}

#[test]
fn every_mapping_in_the_guide_loads() {
    let guide = page("x").parent().unwrap().with_file_name("telemetry.md");
    let text = std::fs::read_to_string(guide).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let mut loaded = 0;
    for part in text.split("```toml\n").skip(1) {
        let toml = part.split_once("```").unwrap().0;
        // A block of several alternatives for one key is tried line by line.
        let alone = !toml.contains('[') || toml.starts_with("features");
        let whole = |toml: &str| match alone {
            true => format!("[sources.telemetry.fields]\n{toml}"),
            false => toml.to_owned(),
        };
        let tries: Vec<_> =
            if alone { toml.lines().map(whole).collect() } else { vec![whole(toml)] };
        for toml in tries {
            let file = folder.path().join("my.toml");
            std::fs::write(&file, &toml).unwrap();
            let config = Config::load(&[file], &BTreeMap::new());
            assert!(config.is_ok(), "{toml}: {config:?}");
            loaded += 1;
        }
    }
    assert!(loaded >= 7, "{loaded} mappings found");
}
