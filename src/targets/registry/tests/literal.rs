//! What a command does not change keeps its bytes.

use super::{apply, document, id, parse};
use crate::model::{Baseline, Signal, VersionId};
use crate::targets::registry::json::JsonText;
use proptest::prelude::*;

/// Values that a parser which converts them writes back differently.
const VALUES: [&str; 19] = [
    "123456789012345678901234567890",
    "0.10",
    "1e-3",
    "1E5",
    "1E+05",
    "-0",
    "-0.0",
    "1.7976931348623157e400",
    "0.30000000000000004440892098500626",
    "NaN",
    "Infinity",
    "-Infinity",
    r#""caf\u00e9 \/ \ud83d\ude00 é 😀""#,
    r#""\ud800 alone""#,
    r#"{"same": 1, "same": 2.0}"#,
    "{ }",
    "[ 1 ,\t2 ]",
    "null",
    r#"{"\u0061": [[], {}, [[1.50]]]}"#,
];

/// A registry before a rollback from v3 to v2, or after it.
fn registry(extra: &str, after: bool) -> String {
    let (v3, v2) = (!after, after);
    let revision = if after { "41" } else { "40" };
    let archived = if after {
        ", \"archived\": true, \"archived_at\": \"2013-06-24T09:00:00Z\", \
         \"archived_reason\": \"accuracy fell\""
    } else {
        ""
    };
    let restored = if after { r#", "archived": false"# } else { "" };
    let fences =
        if after { r#", "fences": {"fd": {"generation": 2, "command": "a"}}"# } else { "" };
    format!(
        "\r\n{{ \"schema\" : \"ripcord.registry/1\", \"x\": {extra} , \"revision\": {revision},\n\
         \"models\": [{{\"name\": \"fd\", \"y\": {extra}, \"version\": \"v3\", \
         \"is_production\": {v3}, \"baseline\": {{\"z\": {extra}}}{archived}}},\n\
         \t{{\"name\": \"fd\", \"version\": \"v2\",  \"is_production\": {v2}, \
         \"metrics\": {extra}{restored} }} ], \"last\": {extra}{fences}}}\t\n\n"
    )
}

#[test]
fn a_rollback_keeps_what_it_does_not_change() {
    for value in VALUES {
        let mut document = document(&registry(value, false));
        assert_eq!(
            apply(&mut document, "a 2 fd v3 v2"),
            "Done *: fd is v2 in R, was v3; revision 41"
        );
        assert_eq!(document.render().main, registry(value, true), "{value}");
    }
}

#[test]
fn a_plain_list_keeps_what_a_rollback_does_not_change() {
    for value in VALUES {
        let plain = |v3: bool| {
            let v2 = !v3;
            format!(
                "\u{feff}[{{\"name\":\"fd\",\"f1\":{value},\"version\":\"v3\",\
                 \"is_production\":{v3}}}\n,{{\"version\":\"v2\",\"is_production\":{v2},\
                 \"name\":\"fd\",\"f1\":{value}}}]"
            )
        };
        let mut document = document(&plain(true));
        apply(&mut document, "a 2 fd v3 v2");
        let rendered = document.render();
        assert_eq!(rendered.main, plain(false), "{value}");
        let side =
            rendered.side.unwrap().replace("\"revision\"", &format!("\"x\":{value},\"revision\""));
        let mut again = parse(&rendered.main, Some(&side)).unwrap();
        apply(&mut again, "b 3 fd v2 v3");
        let expected = side
            .replace("\"generation\": 2", "\"generation\": 3")
            .replace("\"command\": \"a\"", "\"command\": \"b\"")
            .replace("\"v3\": {", "\"v2\": {")
            .replace("\"revision\": 1", "\"revision\": 2");
        assert_eq!(again.render().side, Some(expected), "{value}");
    }
}

#[test]
fn a_baseline_keeps_what_it_does_not_change() {
    let set = [(Signal::Accuracy, Baseline { value: 0.25, n: 8 })].into();
    let v2 = VersionId::new("v2").unwrap();
    for value in VALUES {
        let text = |known: &str| {
            format!(
                "[\n  {{\n    \"name\": \"fd\",\n    \"version\": \"v2\",\n    \
                 \"is_production\": true,\n    \
                 \"x\": {value},\n    \
                 \"baseline\": {{\n      \"accuracy\": {{{known} \"by\": {value}}},\n      \
                 \"f1\": {value}\n    }}\n  }}\n]"
            )
        };
        let mut document = document(&text("\"value\": 0.10, \"n\":7,"));
        document.set_baselines("R", &id("fd"), &v2, &set).unwrap();
        assert_eq!(document.render().main, text("\"value\": 0.25, \"n\":8,"), "{value}");
    }
}

#[test]
fn what_is_new_is_laid_out_like_what_is_there() {
    let set = [(Signal::Accuracy, Baseline { value: 0.25, n: 8 })].into();
    let v2 = VersionId::new("v2").unwrap();
    for (text, expected) in [
        (
            "[{\"name\":\"fd\",\"is_production\":true,\"version\":\"v2\"}]",
            "[{\"name\":\"fd\",\"is_production\":true,\"version\":\"v2\",\
             \"baseline\":{\"accuracy\":{\"value\":0.25,\"n\":8}}}]",
        ),
        (
            "[\n\t{\n\t\t\"name\": \"fd\",\n\t\t\"is_production\": true,\n\t\t\
             \"version\": \"v2\",\n\t\t\
             \"baseline\": null\n\t}\n]\n",
            "[\n\t{\n\t\t\"name\": \"fd\",\n\t\t\"is_production\": true,\n\t\t\
             \"version\": \"v2\",\n\t\t\"baseline\": {\n\t\t\t\
             \"accuracy\": {\n\t\t\t\t\"value\": 0.25,\n\t\t\t\t\"n\": 8\n\t\t\t}\n\t\t}\n\t}\n]\n",
        ),
        (
            "[\r\n  {\r\n    \"name\": \"fd\",\r\n    \
             \"is_production\": true,\r\n\r\n    \"version\": \"v2\"\r\n  }\r\n]",
            "[\r\n  {\r\n    \"name\": \"fd\",\r\n    \
             \"is_production\": true,\r\n\r\n    \"version\": \"v2\",\r\n    \
             \"baseline\": {\r\n      \
             \"accuracy\": {\r\n        \"value\": 0.25,\r\n        \"n\": 8\r\n      }\r\n    }\
             \r\n  }\r\n]",
        ),
    ] {
        let mut document = document(text);
        document.set_baselines("R", &id("fd"), &v2, &set).unwrap();
        assert_eq!(document.render().main, expected);
    }
}

/// The text of any JSON value, with any white space in it.
pub(super) fn any_value() -> impl Strategy<Value = String> {
    let leaf = prop_oneof![
        prop::sample::select(&VALUES[..]).prop_map(str::to_owned),
        "-?(0|[1-9][0-9]{0,25})(\\.[0-9]{1,20})?([eE][+-]?[0-9]{1,4})?",
        "\"([a-zé ]|\\\\[\"\\\\/bfnrt]|\\\\u[0-9a-fA-F]{4}){0,8}\"",
    ];
    leaf.prop_recursive(4, 24, 5, |inner| {
        let items = proptest::collection::vec((inner, "[ \t\r\n]{0,2}", "[a-z]{0,3}"), 0..5);
        (items, any::<bool>()).prop_map(|(items, object)| {
            let members: Vec<_> = items
                .into_iter()
                .map(|(value, space, name)| {
                    let name = if object { format!("\"{name}\"{space}:") } else { String::new() };
                    format!("{space}{name}{space}{value}{space}")
                })
                .collect();
            let (open, close) = if object { ('{', '}') } else { ('[', ']') };
            format!("{open}{}{close}", members.join(","))
        })
    })
}

/// Texts made of what JSON is made of; most are not JSON, and many numbers are.
const PIECES: &str = "[\\[\\]{}:,\"0-2eE+.\\-\\\\u ab\n]{0,12}\
    |-?[0-2]{0,3}\\.?[0-2]{0,2}[eE+]{0,2}[0-2]{0,2}";

proptest! {
    #[test]
    fn any_other_field_survives_a_rollback(value in any_value()) {
        let mut document = document(&registry(&value, false));
        apply(&mut document, "a 2 fd v3 v2");
        prop_assert_eq!(document.render().main, registry(&value, true));
    }

    /// It takes what serde_json takes, and writes what it read.
    #[test]
    fn the_reader_agrees_with_serde(text in PIECES) {
        let read = JsonText::read(&text);
        let known = serde_json::from_str::<serde::de::IgnoredAny>(&text);
        prop_assert_eq!(read.is_ok(), known.is_ok(), "{:?} {:?}", read, known);
        if let Ok(read) = read {
            prop_assert_eq!(read.write(), text);
        }
    }
}
