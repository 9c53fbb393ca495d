//! Documents that are no registry, and the error of each.

use super::parse;
use crate::edge::chain::chain;

/// Documents, and the error of each.
const REFUSED: &[(&str, &str)] = &[
    ("", "it is not JSON: line 1, column 1: expected a value, found the end of the file"),
    (
        "3",
        "it is the number 3; a registry is an object with schema \"ripcord.registry/1\" \
         and models, or a plain list of entries",
    ),
    ("{}", "schema is missing; write \"ripcord.registry/1\""),
    (r#"{"schema":"x"}"#, "schema (line 1) is the text \"x\"; write \"ripcord.registry/1\""),
    (r#"{"schema":"ripcord.registry/1"}"#, "models is missing; write a list of entries"),
    (
        r#"{"schema":"ripcord.registry/1","models":{}}"#,
        "models (line 1) is an object; write a list of entries",
    ),
    (
        r#"{"schema":"ripcord.registry/1","revision":-1,"models":[]}"#,
        "revision (line 1) is the number -1; write a whole number, 0 or more",
    ),
    (
        r#"{"schema":"ripcord.registry/1","fences":[],"models":[]}"#,
        "fences is a list; write an object with one fence per model",
    ),
    (
        r#"{"schema":"ripcord.registry/1","fences":{"m":{"generation":"2"}},"models":[]}"#,
        "fences.m.generation (line 1) is the text \"2\"; write a whole number, 0 or more",
    ),
    (
        r#"{"schema":"ripcord.registry/1","models":[7]}"#,
        "models[0] (line 1) is the number 7; write an object with name and version",
    ),
    (
        r#"{"schema":"ripcord.registry/1","models":[{"name":"m","version":3.0}]}"#,
        "models[0].version (line 1) is the number 3.0; write it in quotes: \"3.0\"",
    ),
    (r#"[{"name":"m"}]"#, "[0].version (line 1) is missing; write which version it is"),
    (
        r#"[{"name":"","version":"1"}]"#,
        "[0].name (line 1) is not a valid name: the name is empty; use at least one character",
    ),
    (
        r#"[{"name":"m","version":"1","is_production":true},{"name":"m","version":"1"}]"#,
        "[0] (line 1) and [1] (line 1) are both version 1 of m; remove one of them",
    ),
    (
        r#"[{"name":"m","version":"1","is_production":true,"version":"2"}]"#,
        "[0] (line 1) has two fields named \"version\"; keep one",
    ),
    ("[\n {\"name\": 'm'}]", "it is not JSON: line 2, column 11: expected a value, found '\\''"),
    ("[1,]", "it is not JSON: line 1, column 4: expected a value, found ']'"),
    ("[01]", "it is not JSON: line 1, column 3: expected ',' or ']', found '1'"),
    ("[-]", "it is not JSON: line 1, column 3: expected a digit, found ']'"),
    ("{\"ä\" 1}", "it is not JSON: line 1, column 6: expected ':', found '1'"),
    ("{a", "it is not JSON: line 1, column 2: expected a field name in double quotes, found 'a'"),
    ("[] x", "it is not JSON: line 1, column 4: expected the end of the file, found 'x'"),
    (
        r#"["\ud8"]"#,
        "it is not JSON: line 1, column 7: expected four hex digits after \\u, found '\"'",
    ),
    (
        r#"["\x"]"#,
        "it is not JSON: line 1, column 4: expected one of \" \\ / b f n r t u after \\, found 'x'",
    ),
    (
        "[\"a\n\"]",
        "it is not JSON: line 1, column 4: expected the rest of the text or its closing quote, \
         found '\\n'",
    ),
    (
        r#"[{"name":"m\ud800","version":"1"}]"#,
        "[0].name (line 1) is the text \"m\\ud800\"; remove the half of a surrogate pair \
         (\\ud800 to \\udfff)",
    ),
    (r#"[{"name":"m","version":NaN}]"#, "[0].version (line 1) is NaN; write text in quotes"),
    (
        r#"{"schema":"ripcord.registry/1","revision":-Infinity,"models":[]}"#,
        "revision (line 1) is -Infinity; write a whole number, 0 or more",
    ),
    (
        r#"{"schema":"ripcord.registry/1","revision":1e3,"models":[]}"#,
        "revision (line 1) is the number 1e3; write a whole number, 0 or more",
    ),
    (
        r#"[{"name":"m","version":"1","is_production":true,
"baseline":{"accuracy":{"value":NaN,"n":5}}}]"#,
        "[0].baseline.accuracy.value (line 2) is NaN; write a share, 0 to 1",
    ),
    (
        r#"[{"name":"m","version":"1","is_production":"yes"}]"#,
        "[0].is_production (line 1) is the text \"yes\"; write true or false, without quotes",
    ),
    (
        r#"[{"name":"m","version":"1","is_production":true,"created_at":"May"}]"#,
        "[0].created_at (line 1) is the text \"May\"; write it like \"2013-05-31T00:00:00Z\"",
    ),
    (
        r#"[{"name":"m","version":"1","is_production":true,"sha256":"12"}]"#,
        "[0].sha256 (line 1) is the text \"12\"; write its 64 hex digits, or leave it out",
    ),
    (
        r#"[{"name":"m","version":"1","is_production":true,
"baseline":{"accuracy":0.9}}]"#,
        "[0].baseline.accuracy (line 2) is the number 0.9; write {\"value\": …, \"n\": \
         samples it was measured on}",
    ),
    (
        r#"[{"name":"m","version":"1","is_production":true,
"baseline":{"accuracy":{"value":91.2,"n":5}}}]"#,
        "[0].baseline.accuracy.value (line 2) is the number 91.2; write a share, 0 to 1",
    ),
    (
        r#"[{"name":"m","version":"1","is_production":true,
"baseline":{"latency_ms":{"mean":1}}}]"#,
        "[0].baseline.latency_ms.n (line 2) is missing; write how many samples it was measured on",
    ),
];

#[test]
fn each_error_names_place_and_fix() {
    for (text, said) in REFUSED {
        let error = parse(text, None).expect_err(text);
        assert_eq!(chain(&error), *said, "{text}");
    }
}

#[test]
fn a_fence_file_that_is_damaged_is_named() {
    for (side, said) in [
        (
            "{",
            "its fence file (the same name with .ripcord at the end) is not JSON: \
             line 1, column 2: expected a field name in double quotes, found the end of the file",
        ),
        ("[]", "the fence file is a list; restore it, or remove it to start without fences"),
    ] {
        assert_eq!(chain(&parse("[]", Some(side)).unwrap_err()), said);
    }
}

#[test]
fn deep_nesting_is_an_error_and_no_crash() {
    let text = "[".repeat(1_000_000);
    let error = chain(&parse(&text, None).unwrap_err());
    assert_eq!(error, "it is not JSON: line 1, column 129: nested more than 128 levels deep");
}
