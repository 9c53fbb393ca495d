//! Recordings in which a fault once hid behind what was thrown away, late or not comparable.

use std::process::Command;

use serde_json::Value as Json;

use crate::common::files::in_tree;

/// Replays a recording in which v3 serves and v2 is vouched for.
fn replayed(case: &str) -> (Option<i32>, Json) {
    let path = in_tree("tests/data/cases").join(case);
    let output = Command::new(env!("CARGO_BIN_EXE_ripcord"))
        .arg("replay")
        .arg(path)
        .args(["--production", "v3", "--previous", "v2", "--json"])
        .output()
        .unwrap();
    let said = serde_json::from_slice(&output.stdout)
        .unwrap_or_else(|why| panic!("{case}: {why}: {}", String::from_utf8_lossy(&output.stderr)));
    (output.status.code(), said)
}

/// What is rolled back, what is blind at the end and why, and how it ends.
fn result(case: &str) -> String {
    let (code, said) = replayed(case);
    let rollbacks = said["rollbacks"].as_array().unwrap().iter().map(|rollback| {
        let (trigger, at) = (&rollback["trigger"], &rollback["decided_at"]);
        format!("rollback {} {}", trigger.as_str().unwrap(), at.as_str().unwrap())
    });
    let blind = said["blind"].as_array().unwrap().iter().map(|blind| {
        let (trigger, since) = (&blind["trigger"], &blind["since"]);
        let reason = blind["reason"].as_str().unwrap();
        format!("blind {} {reason} {}", trigger.as_str().unwrap(), since.as_str().unwrap())
    });
    let told: Vec<_> = rollbacks.chain(blind).collect();
    format!("{}; {}", told.join("; "), code.unwrap())
}

/// Bare NaN and 1e400 in a feature: the records are measured, so v3 is rolled back as if they had
/// held null.
#[test]
fn a_number_that_is_none_in_a_feature_hides_no_fault() {
    for case in ["bare", "big"] {
        let told = result(&format!("nan-hides-the-fault/{case}.jsonl.gz"));
        assert_eq!(told, "rollback worse-than-reference 2026-03-02T15:01:00Z; 0", "{case}");
    }
}

#[test]
fn a_feature_that_is_an_array_costs_nothing_but_itself() {
    let told = result("vector-feature-blinds-version/e_vec.jsonl.gz");
    assert_eq!(told, "rollback error-rate 2026-03-01T16:49:20Z; 0");
}

/// v3 stops answering at 16:40; v2 goes on.
#[test]
fn a_version_in_production_that_goes_dark_is_told() {
    let told = result("production-goes-dark/e_dark.jsonl.gz");
    assert!(told.contains("blind error-rate silent 2026-03-01T16:4"), "{told}");
    assert!(told.ends_with("; 1"), "{told}");
    // v2 answers every 20 s, and nobody comes behind it.
    let (_, said) = replayed("production-goes-dark/e_dark.jsonl.gz");
    assert!(!said["notes"].to_string().contains("its clock is"), "{}", said["notes"]);
}

/// One record is 26 h ahead. Nothing but it is refused, and the fault is found when it was found
/// without it.
#[test]
fn one_clock_that_is_a_day_ahead_makes_nobody_late() {
    let incident = |case: &str| {
        let (_, said) = replayed(&format!("replay-one-fast-clock/{case}.jsonl.gz"));
        let mut incidents = said["incidents"].as_array().unwrap().iter();
        let found = incidents.find(|incident| incident["trigger"] == "error-rate").unwrap();
        (found["opened_at"].clone(), said["records"].clone())
    };
    let ((clean, _), (opened, records)) = (incident("q0"), incident("q1"));
    assert_eq!(opened, clean);
    assert_eq!((records["late"].as_u64(), records["measured"].as_u64()), (Some(0), Some(5999)));
    assert_eq!(records["rejected"]["from_future"], 1);
}

/// From 09:20 on v3's answers are texts, and its labels, half an hour later, numbers.
#[test]
fn labels_of_another_type_are_no_wrong_answers_and_no_right_ones() {
    let told = result("label-type-change/text.jsonl.gz");
    assert!(told.contains("blind worse-than-reference label_types 2026-03-02T10:5"), "{told}");
    assert!(!told.contains("rollback") && told.ends_with("; 1"), "{told}");
}
