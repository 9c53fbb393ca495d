//! Files in the forms that people have, through the binary: lists, tables, events, other encodings,
//! bytes after the gzip data.

use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::{Value as Json, json};
use tempfile::TempDir;

use crate::common::files::{in_tree, lines};
use crate::common::replay::{FLIGHTS, write};

/// Runs it; its code, and what it says.
fn said(args: &[&str]) -> (Option<i32>, String) {
    let output = Command::new(env!("CARGO_BIN_EXE_ripcord")).args(args).output().unwrap();
    let told = [output.stdout, output.stderr].concat();
    (output.status.code(), String::from_utf8(told).unwrap())
}

fn json(args: &[&str]) -> Json {
    let (code, said) = said(&[args, &["--json"]].concat());
    serde_json::from_str(&said)
        .unwrap_or_else(|why| panic!("{args:?} ends with {code:?}: {why}: {said}"))
}

fn case(name: &str) -> String {
    in_tree("tests/data/cases").join(name).display().to_string()
}

#[test]
fn bytes_after_the_gzip_data_cost_no_record() {
    for (file, note) in [("zeros", false), ("garbage", true)] {
        let path = case(&format!("gzip-trailing-bytes/{file}.jsonl.gz"));
        let replayed = json(&["replay", &path, "--production", "v1"]);
        assert_eq!(replayed["records"]["measured"], 500, "{file}");
        let is_note = |said: &Json| said.as_str().unwrap().contains("after its gzip data");
        assert_eq!(replayed["notes"].as_array().unwrap().iter().any(is_note), note, "{file}");
        let checked = json(&["check-source", &path]);
        assert_eq!(checked["understood"]["prediction"], 500, "{file}");
        assert_eq!(checked["hints"].as_array().unwrap().iter().any(is_note), note, "{file}");
    }
}

#[test]
fn a_file_in_utf16_is_one_error_with_the_way_out() {
    let path = case("utf16-called-framed/u16.bin");
    for command in ["check-source", "replay"] {
        let (code, said) = said(&[command, &path]);
        assert_eq!(code, Some(2), "{said}");
        let way_out = format!("iconv -f UTF-16 -t UTF-8 {path} > ");
        assert_eq!(said.matches("UTF-16").count(), 2, "{said}");
        assert!(said.contains(&way_out), "{said}");
        assert!(!said.contains("schema registry"), "{said}");
    }
}

#[test]
fn events_whose_data_is_no_object_are_read() {
    let mapping = [
        ("--type", "prediction"),
        ("--field", "id=/id"),
        ("--field", "ts=/time"),
        ("--field", "version=/modelversion"),
        ("--field", "prediction=/data/0/label"),
        ("--field", "request=/correlationid"),
        ("--constant", "model=churn"),
    ];
    let path = case("cloudevent-data-not-object/aml.jsonl");
    let mut args = vec!["check-source", path.as_str()];
    args.extend(mapping.into_iter().flat_map(|(flag, value)| [flag, value]));
    let checked = json(&args);
    let reads = checked["examples"][0]["reads"].as_str().unwrap();
    assert!(reads.contains("c-1") && reads.contains("prediction 1"), "{reads}");
    for file in ["ce64", "cestr", "cebatch"] {
        let checked =
            json(&["check-source", &case(&format!("cloudevent-data-not-object/{file}.jsonl"))]);
        assert_eq!(checked["understood"], json!({"prediction": 1}), "{file}: {checked:#}");
    }
}

/// The beginning of the flights as lines, as a list and as a table.
fn flights() -> (TempDir, [PathBuf; 4]) {
    let folder = tempfile::tempdir().unwrap();
    let keep = |record: &Json| record["type"] == "prediction";
    let records = lines(&in_tree(FLIGHTS)).into_iter().take(3000);
    let records: Vec<Json> = records.map(|line| serde_json::from_str(&line).unwrap()).collect();
    // A table holds no objects.
    let flat = records.into_iter().filter(keep).map(|mut record| {
        record.as_object_mut().unwrap().retain(|_, value| !value.is_object());
        record
    });
    let flat: Vec<_> = flat.collect();
    let list = json!(flat);
    let at = folder.path();
    write(at, "lines.jsonl", &flat.iter().map(Json::to_string).collect::<Vec<_>>());
    write(at, "one-line.json", &[list.to_string()]);
    write(at, "pretty.json", &[format!("\u{feff}{list:#}")]);
    let columns: Vec<_> = flat[0].as_object().unwrap().keys().cloned().collect();
    let cell = |value: &Json| match value {
        Json::Null => String::new(),
        Json::String(text) => format!("\"{}\"", text.replace('"', "\"\"")),
        other => other.to_string(),
    };
    let row = |record: &Json| {
        let cells = columns.iter().map(|name| cell(&record[name.as_str()]));
        cells.collect::<Vec<_>>().join(",")
    };
    let rows: Vec<_> = [columns.join(",")].into_iter().chain(flat.iter().map(row)).collect();
    write(at, "table.csv", &rows);
    let files =
        ["lines.jsonl", "one-line.json", "pretty.json", "table.csv"].map(|name| at.join(name));
    (folder, files)
}

#[test]
fn a_list_and_a_table_are_read_as_lines_are() {
    let (_folder, files) = flights();
    let replayed = |file: &Path| {
        let path = file.display().to_string();
        let replayed = json(&["replay", &path, "--production", "v3", "--previous", "v2"]);
        assert_eq!(json(&["check-source", &path])["rejected"], json!({}), "{path}");
        (replayed["decisions_hash"].clone(), replayed["records"].clone())
    };
    let [lines, others @ ..] = &files;
    let expected = replayed(lines);
    assert!(expected.1["measured"].as_u64().unwrap() > 1000, "{expected:?}");
    for other in others {
        assert_eq!(replayed(other), expected, "{other:?}");
    }
}

#[test]
fn what_is_wrong_in_a_list_or_table_is_named_by_its_place() {
    let folder = tempfile::tempdir().unwrap();
    let at = folder.path();
    let path = |name: &str| at.join(name).display().to_string();
    write(at, "list.json", &["[7,".to_owned(), "{}]".to_owned()]);
    let (code, list) = said(&["replay", &path("list.json")]);
    assert_eq!(code, Some(2), "{list}");
    assert!(list.contains("list.json line 1, element 1: the record is 7"), "{list}");
    let rejected = json(&["check-source", &path("list.json")]);
    assert_eq!(rejected["rejected"]["missing_field"]["first_line"], 2, "{rejected:#}");
    let detail = rejected["rejected"]["missing_field"]["detail"].as_str().unwrap();
    assert!(detail.starts_with("element 2: type is missing"), "{detail}");
    for (header, row, part) in [
        ("id,ts", "1", "bad.csv line 2: the row has 1 cells"),
        ("id,id", "1,2", "bad.csv line 1: two columns are called"),
        ("id,", "1,2", "bad.csv line 1: column 2 has no name"),
    ] {
        write(at, "bad.csv", &[header.to_owned(), row.to_owned()]);
        let (code, said) = said(&["check-source", &path("bad.csv")]);
        assert_eq!(code, Some(2), "{said}");
        assert!(said.contains(part), "{said}");
    }
}
