//! What workers may do with a command.

use ripcord::model::{
    Command, CommandId, IncidentId, LogTime, Mode, ModelId, Namespace, Stage, TargetId, VersionId,
    Want,
};
use ripcord::undo::{Admission, TargetMemory, admit};

const EXPIRES: i64 = 60_000;

fn command(word: &str) -> Command {
    let production = Want::Production {
        version: VersionId::new("v2").unwrap(),
        instead_of: VersionId::new("v3").unwrap(),
    };
    let notice = Want::Notice { summary: "s".into(), severity: "info".into() };
    Command {
        id: CommandId::new("c5").unwrap(),
        namespace: Namespace::new("prod").unwrap(),
        incident: IncidentId::new("i").unwrap(),
        model: ModelId::new("m").unwrap(),
        generation: 5,
        target: TargetId::new("registry").unwrap(),
        stage: Stage::Registry,
        want: if word.contains("notice") { notice } else { production },
        reason: String::new(),
        mode: if word.contains("observe") { Mode::Observe } else { Mode::Act },
        issued_at: LogTime::from_ms(0),
        expires_at: LogTime::from_ms(EXPIRES),
        reply_to: 0,
    }
}

fn check(word: &str, here: &str, generation: u64, done: &str, now: i64) -> String {
    let here = Namespace::new(here).unwrap();
    let seen = TargetMemory { generation, command: (done != "-").then_some(done) };
    match admit(&command(word), seen, &here, LogTime::from_ms(now)) {
        Admission::Act => "act".to_owned(),
        Admission::AlreadyDone => "already done".to_owned(),
        Admission::Refuse(why) => {
            let (text, code) = (why.to_string(), why.code().name());
            // Decide of an older build reads the code from the text.
            assert!(text.starts_with(&format!("{code}: ")), "{text}");
            code.to_owned()
        }
    }
}

#[test]
fn a_worker_acts_once_in_time_at_home_and_on_the_newest() {
    let table = [
        ("production", "prod", 0, "-", 0, "act"),
        ("production", "prod", 5, "-", EXPIRES - 1, "act"),
        ("production", "prod", 5, "c4", 0, "act"),
        ("production", "prod", 5, "c5", 0, "already done"),
        // The answer may have been lost: it is said again, however late.
        ("production", "prod", 5, "c5", EXPIRES * 9, "already done"),
        ("production", "prod", 6, "c6", 0, "stale_generation"),
        ("production", "prod", 5, "-", EXPIRES, "expired"),
        ("production", "stage", 0, "-", 0, "wrong_namespace"),
        ("production", "stage", 5, "c5", 0, "wrong_namespace"),
        ("production observe", "prod", 0, "-", 0, "not_acting"),
        ("notice observe", "prod", 0, "-", 0, "act"),
        ("notice", "prod", 9, "-", 0, "act"),
        ("notice", "prod", 9, "-", EXPIRES, "expired"),
        ("notice", "prod", 9, "c5", 0, "already done"),
    ];
    for (word, here, generation, done, now, expected) in table {
        let got = check(word, here, generation, done, now);
        assert_eq!(got, expected, "{word} {here} {generation} {done} {now}");
    }
}

#[test]
fn a_replay_of_every_command_ever_changes_nothing() {
    // A target that took generations 1 to 9 reads them all again, any time later.
    for generation in 1..=9 {
        let mut old = command("production");
        old.generation = generation;
        old.id = CommandId::new(&format!("c{generation}")).unwrap();
        let seen = TargetMemory { generation: 9, command: Some("c9") };
        let admission = admit(&old, seen, &old.namespace, LogTime::from_ms(EXPIRES / 2));
        assert_ne!(admission, Admission::Act, "generation {generation}");
    }
}
