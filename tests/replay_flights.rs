//! The flights recording through the binary: the story that the README tells.

use std::process::Command;

use serde_json::Value as Json;

const RECORDING: &str = "examples/flights/telemetry.jsonl.gz";
const REGISTRY: &str = "examples/flights/registry.json";

fn ripcord(args: &[&str]) -> Vec<u8> {
    let output = Command::new(env!("CARGO_BIN_EXE_ripcord"))
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .args(args)
        .output()
        .unwrap();
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{args:?}: {errors}");
    output.stdout
}

fn replay() -> Vec<u8> {
    ripcord(&["replay", RECORDING, "--registry", REGISTRY, "--json"])
}

#[test]
fn v3_is_rolled_back_once_and_verified() {
    let first = replay();
    let summary: Json = serde_json::from_slice(&first).unwrap();
    let rollbacks = summary["rollbacks"].as_array().unwrap();
    assert_eq!(rollbacks.len(), 1, "{rollbacks:#?}");
    let rollback = &rollbacks[0];
    assert_eq!((&rollback["from"], &rollback["to"]), (&"v3".into(), &"v2".into()));
    assert_eq!((&rollback["outcome"], &rollback["proof"]), (&"verified".into(), &"L4".into()));
    let decided = rollback["decided_at"].as_str().unwrap();
    assert!(("2013-06-20T06:00:00Z".."2013-06-25T06:00:00Z").contains(&decided), "{decided}");
    let trigger = rollback["trigger"].as_str().unwrap();
    assert!(["worse-than-reference", "accuracy-drop"].contains(&trigger), "{trigger}");

    let records = &summary["records"];
    assert_eq!((&records["read"], &records["measured"]), (&98_991.into(), &98_991.into()));
    let model = &summary["models"]["flight-delay"];
    assert_eq!(model["production_at_end"], "v2");
    assert_eq!(model["versions"]["v3"]["quarantined"], true);
    let served = model["accuracy_served"].as_f64().unwrap();
    let without = model["accuracy_without"].as_f64().unwrap();
    assert!(served > 0.88 && without < 0.84, "{served} {without}");

    assert_eq!(replay(), first, "a second replay differs");
    assert_eq!(replay(), first, "a third replay differs");
}
