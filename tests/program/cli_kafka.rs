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

/// `check-config` with these settings: the exit code and what was said on both outputs.
fn checked(settings: &str, environment: &[(&str, &str)]) -> (i32, String) {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("my.toml"), settings).unwrap();
    let output = Command::new(env!("CARGO_BIN_EXE_ripcord"))
        .current_dir(folder.path())
        .args(["check-config", "--config", "my.toml"])
        .envs(environment.iter().copied())
        .output()
        .unwrap();
    let said = [output.stdout, output.stderr].concat();
    (output.status.code().unwrap(), String::from_utf8(said).unwrap())
}

#[test]
fn instructions_that_nobody_signs_are_told_before_the_start() {
    let key = ripcord::config::written_key("a", &[1; 32]);
    let signed = [("RIPCORD_INSTRUCTION_KEYS", key.as_str())];
    let warning = "instructions and rules are not signed";
    for (settings, environment, warns) in [
        ("log.kind = \"kafka\"", [].as_slice(), true),
        ("log.kind = \"kafka\"", &signed, false),
        ("log.kind = \"local\"", &[], false),
    ] {
        let (code, said) = checked(settings, environment);
        assert_eq!((code, said.contains(warning)), (0, warns), "{settings}: {said}");
        assert!(!said.contains(key.split_once(':').unwrap().1), "{said}");
    }
}

/// No broker is there: the clients are set up, and nobody is asked.
#[test]
fn properties_that_the_client_refuses_are_found_without_a_broker() {
    const KAFKA: &str = "[log]\nkind = \"kafka\"\n[kafka]\nbrokers = \"127.0.0.1:1\"\n";
    let with = |property: &str| checked(&format!("{KAFKA}[kafka.properties]\n{property}\n"), &[]);
    for property in ["", "\"linger.ms\" = 5", "\"acks\" = \"all\""] {
        let (code, said) = with(property);
        assert_eq!(code, 0, "{property}: {said}");
    }
    for (property, path) in [
        ("\"acks\" = 0", "kafka.properties.acks"),
        ("\"lingr.ms\" = 5", "kafka.properties.\"lingr.ms\""),
        ("\"linger.ms\" = \"soon\"", "kafka.properties.\"linger.ms\""),
    ] {
        let (code, said) = with(property);
        assert_eq!(code, 1, "{property}: {said}");
        assert!(said.contains(path) && said.contains("the Kafka client refuses"), "{said}");
    }
    let (code, said) = with("\"ssl.key.password\" = \"hush\"\n\"acks\" = 0");
    assert!(code == 1 && !said.contains("hush"), "{said}");
}

#[test]
fn a_registry_and_programs_that_are_not_there_are_named_with_their_setting() {
    let (code, said) = checked("[workers.registry]\npath = \"models/registry.json\"\n", &[]);
    let wanted = "workers.registry.path = \"models/registry.json\": there is no such file";
    assert!(code == 1 && said.contains(wanted), "{said}");
    let program = "[workers.exec.lamp]\nprobe = [\"/bin/sh\", \"probe\"]\n\
                   act = [\"./lamp\", \"act\"]\nstage = \"traffic\"\nmodels = [\"m\"]\n";
    let (code, said) = checked(program, &[]);
    let wanted = "workers.exec.lamp.act = \"./lamp\": there is no such program";
    assert!(code == 1 && said.contains(wanted), "{said}");
    assert!(!said.contains("lamp.probe"), "{said}");
    let (code, said) = checked(&program.replace("./lamp", "sh"), &[]);
    assert_eq!(code, 0, "{said}");
}
