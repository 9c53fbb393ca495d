//! Random documents in random shapes: a switch changes the marks and nothing else.

use super::literal::any_value;
use super::{apply, id};
use crate::config::{Config, RegistryShape};
use crate::edge::chain::chain;
use crate::targets::registry::document::Document;
use crate::targets::registry::error::DocumentError;
use proptest::prelude::*;

/// The shape that a config describes in these lines.
fn shape(lines: &str) -> RegistryShape {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("my.toml");
    std::fs::write(&file, format!("[workers.registry.shape]\n{lines}")).unwrap();
    let config = Config::load(&[file], &std::collections::BTreeMap::new());
    config.unwrap_or_else(|refused| panic!("{refused}")).settings.workers.registry_shape
}

/// What marks the versions, which are v0, v1, … from the oldest to the newest.
#[derive(Debug, Clone, PartialEq)]
struct Marks {
    /// The version that the document names.
    held: usize,
    /// A word, flag or list for each version.
    each: Vec<String>,
}

/// A shape: its lines in the config, the document, and what is marked.
struct Kind {
    lines: &'static str,
    /// Written around `ENTRIES`; `HELD` is the pointer, `X` is not ours.
    document: &'static str,
    /// `N` is the number, `MARK` the mark, `X` is not ours.
    entry: &'static str,
    /// The mark of the production version, and of one that is not.
    marks: [&'static str; 2],
}

const KINDS: [Kind; 7] = [
    Kind {
        lines: "entries = \"\"\nname = \"./name\"\nversion = \"./version\"\n\
                production = { at = \"./status\", is = \"PRODUCTION\", former = \"archived\" }",
        document: "[ ENTRIES ]\n",
        entry: r#"{"name":"fd", "status" : MARK,"x":X,  "version":"vN"}"#,
        marks: [r#""Production""#, r#""Archived""#],
    },
    Kind {
        lines: "entries = \"/a~1b\"\ndefault_name = \"fd\"\nversion = \"./version\"\n\
                production = { at = \"./about/live\", is = true }",
        document: "{\"x\":X,\n\t\"a/b\": [ENTRIES], \"y\": X}",
        entry: "\n  {\"about\": {\"y\": X, \"live\": MARK}, \"version\": \"vN\"\t}",
        marks: ["true", "false"],
    },
    Kind {
        lines: "entries = \"/*/versions\"\nname = \"*\"\nversion = \"key\"\n\
                production = { at = \"./aliases/*\", is = \"champion\" }",
        document: "{\"fd\":{\"x\":X,\"versions\":{ENTRIES}}}",
        entry: r#""vN" : {"x":X,"aliases":MARK}"#,
        marks: [r#"["\u0063hampion"]"#, "[]"],
    },
    Kind {
        lines: "entries = \"/models\"\ndefault_name = \"fd\"\nversion = \"./v\"\n\
                production = { at = \"/active\", holds = \"./v\" }",
        document: "\u{feff}{\"models\":[ENTRIES ],\"x\":X,\"active\": \"vHELD\"}",
        entry: "\r\n    {\"v\":\"vN\",\"x\":X,\"y\":MARK}",
        marks: ["1", "1"],
    },
    Kind {
        lines: "entries = \"/models/*/all\"\nname = \"/models/*/name\"\nversion = \"./v\"\n\
                production = { at = \"/models/*/live\", holds = \"./path\" }",
        document: "{\"models\":[{\"all\":[ENTRIES],\"live\": \"m\\\\HELD\", \"name\": \"fd\"},\
                   {\"x\":X}]}",
        entry: r#"{"v":"vN","x":X,"path":"m\\N","y":MARK}"#,
        marks: ["null", "null"],
    },
    Kind {
        lines: "entries = \"\"\nname = \"./name\"\nversion = \"./version\"\n\
                production = { at = \"./is_live\", is = 1 }\n\
                also_marked = [{ at = \"./stage\", is = \"prod\" }]",
        document: "[ENTRIES]",
        entry: r#"{"name":"fd","version":"vN","is_live":MARK,"x":X}"#,
        marks: [r#"1,"stage":"Prod""#, r#"0,"stage":null"#],
    },
    Kind {
        lines: "entries = \"\"\nname = \"./name\"\nversion = \"./version\"\n\
                production = { at = \"./live\", is = true }\nseveral_in_production = \"newest\"",
        document: "[ENTRIES]",
        entry: r#"{"name":"fd","live":MARK,"x":X, "version": "vN"}"#,
        marks: ["true", "false"],
    },
];

impl Kind {
    fn several(&self) -> bool {
        self.lines.contains("newest")
    }

    /// The marks if these versions are marked and this one is in production.
    fn marked(&self, marked: &[bool], held: usize) -> Marks {
        let mark = |is: &bool| self.marks[usize::from(!is)].to_owned();
        Marks { held, each: marked.iter().map(mark).collect() }
    }

    fn write(&self, marks: &Marks, ours_not: &str, space: &str) -> String {
        let entry = |(n, mark): (usize, &String)| {
            let entry = self.entry.replace('N', &n.to_string()).replace("MARK", mark);
            format!("{space}{entry}{space}")
        };
        let entries: Vec<_> = marks.each.iter().enumerate().map(entry).collect();
        let document = self.document.replace("HELD", &marks.held.to_string());
        document.replace("ENTRIES", &entries.join(",")).replace('X', ours_not)
    }
}

/// JSON of the words that registries are made of.
fn any_registry() -> impl Strategy<Value = String> {
    const NAMES: [&str; 14] = [
        "name",
        "version",
        "models",
        "versions",
        "status",
        "is_champion",
        "active",
        "aliases",
        "created_at",
        "m",
        "model_version",
        "production",
        "alias",
        "is_production",
    ];
    const VALUES: [&str; 12] = [
        "\"production\"",
        "\"v1\"",
        "\"v2\"",
        "1",
        "true",
        "false",
        "null",
        "\"APPROVED\"",
        "NaN",
        "\"2026-03-01\"",
        "[\"champion\"]",
        "\"m\"",
    ];
    let leaf = prop::sample::select(&VALUES[..]).prop_map(str::to_owned);
    leaf.prop_recursive(4, 40, 5, |inner| {
        let member = (prop::sample::select(&NAMES[..]), inner);
        let members = proptest::collection::btree_map(member.0, member.1, 0..6);
        (members, any::<bool>()).prop_map(|(members, object)| {
            let member = |(name, value): (&&str, &String)| match object {
                true => format!("{name:?}:{value}"),
                false => value.clone(),
            };
            let members = members.iter().map(member).collect::<Vec<_>>().join(",");
            if object { format!("{{{members}}}") } else { format!("[{members}]") }
        })
    })
}

proptest! {
    /// Whatever is proposed, the config accepts; and what a replay may use can be read.
    #[test]
    fn a_proposal_can_be_pasted(text in any_registry()) {
        let own = RegistryShape::default();
        if let Err(DocumentError::OtherForm(proposal)) = Document::parse(&text, None, &own) {
            let toml = proposal.toml();
            let (_, lines) = toml.split_once("[workers.registry.shape]\n").unwrap();
            let pasted = shape(lines);
            if let Some((used, _)) = proposal.for_replay(Some(&id("my-model"))) {
                prop_assert_eq!(&used, &pasted);
                prop_assert!(Document::parse(&text, None, &pasted).is_ok(), "{}", text);
            }
        }
    }

    #[test]
    fn a_switch_changes_the_marks_and_nothing_else(
        kind in 0..KINDS.len(),
        versions in 2_usize..6,
        (live, to) in (0_usize..100, 0_usize..100),
        older in proptest::collection::vec(any::<bool>(), 6),
        value in any_value(),
        space in "[ \t\r\n]{0,3}",
    ) {
        let kind = &KINDS[kind];
        let live = live % versions;
        let to = (live + 1 + to % (versions - 1)) % versions;
        // Of several that are marked, `live` is the newest.
        let before: Vec<bool> = (0..versions)
            .map(|n| n == live || (kind.several() && n < live && older[n]))
            .collect();
        let switched: Vec<bool> = (0..versions)
            .map(|n| n == to || (kind.several() && n < to && before[n]))
            .collect();
        let back: Vec<bool> = (0..versions)
            .map(|n| n == live || (kind.several() && n < live && switched[n]))
            .collect();
        let text = |marked: &[bool], held| kind.write(&kind.marked(marked, held), &value, &space);
        let shape = shape(kind.lines);
        let mut document = Document::parse(&text(&before, live), None, &shape)
            .unwrap_or_else(|error| panic!("{}", chain(&error)));
        let said = apply(&mut document, &format!("a 1 fd v{live} v{to}"));
        prop_assert_eq!(said, format!("Done *: fd is v{} in R, was v{}; revision 1", to, live));
        prop_assert_eq!(document.render().main, text(&switched, to));

        let side = document.render().side;
        let mut document = Document::parse(&text(&switched, to), side.as_deref(), &shape).unwrap();
        let gone = document.entries.iter().filter(|entry| entry.archived);
        prop_assert_eq!(gone.count(), 1);
        apply(&mut document, &format!("b 2 fd v{to} v{live}"));
        prop_assert_eq!(document.render().main, text(&back, live));
        if !kind.several() {
            prop_assert_eq!(document.render().main, text(&before, live));
        }
        let production = document.production(&id("fd")).unwrap().unwrap();
        prop_assert_eq!(production.version.as_str(), format!("v{live}"));
    }
}
