//! What is for Kafka, typed where the log is local or no broker answers: it says so, and what to
//! do instead.
#![expect(clippy::unwrap_used, reason = "helpers of tests may, as tests may")]

use std::process::Command;

/// The exit code, and what was said on standard error.
fn typed(line: &str, environment: &[(&str, &str)]) -> (i32, String) {
    let folder = tempfile::tempdir().unwrap();
    let output = Command::new(env!("CARGO_BIN_EXE_ripcord"))
        .current_dir(folder.path())
        .args(line.split_whitespace())
        .envs(environment.iter().copied())
        .output()
        .unwrap();
    let said = String::from_utf8(output.stderr).unwrap();
    let empty = folder.path().read_dir().unwrap().next().is_none();
    assert!(empty, "{line} left something behind");
    (output.status.code().unwrap(), said)
}

#[test]
fn on_the_local_log_nothing_runs_beside_up() {
    for (line, name) in [
        ("ingest", "`ripcord ingest`"),
        ("decide", "`ripcord decide`"),
        ("work registry", "`ripcord work registry`"),
        ("work exec lamp", "`ripcord work exec lamp`"),
        ("work notice", "`ripcord work notice`"),
        ("serve", "`ripcord serve`"),
    ] {
        let (code, said) = typed(line, &[]);
        let why = "needs a log that several processes share, and log.kind is \"local\"; run \
                   `ripcord up` instead, or set log.kind = \"kafka\"";
        assert_eq!((code, said.contains(name), said.contains(why)), (2, true, true), "{said}");
    }
}

#[test]
fn on_the_local_log_topics_and_publish_are_refused_with_a_way() {
    for (line, way) in [
        ("topics create", "on the local log `ripcord up` creates the topics"),
        ("topics check", "there is nothing to check"),
        ("publish some.jsonl", "start `ripcord up` and POST the lines to its /api/telemetry"),
    ] {
        let (code, said) = typed(line, &[]);
        assert_eq!(code, 1, "{said}");
        assert!(said.contains(way) && said.contains("log.kind = \"kafka\""), "{said}");
    }
}

#[test]
fn what_the_settings_do_not_have_is_said_before_any_broker_is_asked() {
    let kafka = ("RIPCORD__LOG__KIND", "kafka");
    let (code, said) = typed("ingest", &[kafka, ("RIPCORD__SOURCES__TELEMETRY__ENABLED", "false")]);
    assert!(code == 2 && said.contains("no source is enabled"), "{said}");
}
