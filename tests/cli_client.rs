//! The commands that ask a running server, through the binary.
#![expect(clippy::unwrap_used, reason = "a test may fail where it stands")]

mod served;

use assert_cmd::Command;
use served::{Setting, World};

/// Exit code, standard output, standard error.
fn ripcord(url: &str, line: &str, token: Option<&str>) -> (i32, String, String) {
    let mut command = Command::cargo_bin("ripcord").unwrap();
    command.env_remove("RIPCORD_TOKEN").env_remove("RIPCORD_URL").env("NO_COLOR", "1");
    command.args(line.split_whitespace()).args(["--url", url]);
    if let Some(token) = token {
        command.env("RIPCORD_TOKEN", token);
    }
    let output = command.output().unwrap();
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    (output.status.code().unwrap(), text(&output.stdout), text(&output.stderr))
}

#[test]
fn each_command_tells_what_became_of_it() {
    let world = World::start(&Setting { token: Some("s3cret"), ..Setting::default() });
    for (line, code, out, err) in [
        ("rollback m --reason r --dry-run", 0, "from v3 to v2 (proven by the registry)", ""),
        ("rollback m --to v3 --reason r --dry-run", 1, "", "in production already"),
        ("rollback m --to v9 --reason r", 1, "refused: ", ""),
        ("abort m", 0, "accepted: ", ""),
        ("mode m recommend", 0, "accepted: ", ""),
        ("mode --all act", 0, "accepted: ", ""),
        ("freeze m --reason storm", 0, "accepted: ", ""),
        ("status m", 0, "FROZEN", ""),
        ("unfreeze m", 0, "accepted: ", ""),
        ("vouch m v1", 0, "accepted: ", ""),
        ("quarantine m v2 --reason bad", 0, "accepted: ", ""),
        ("rollback m --reason r --dry-run --json", 0, "\"to\": \"v1\"", ""),
        ("release m v2", 0, "accepted: ", ""),
        ("promoted m v3", 0, "accepted: ", ""),
        ("status", 0, "production v3", ""),
        ("status zz", 1, "", "known are: m"),
        ("status --json", 0, "ripcord.status/1", ""),
        ("incidents", 0, "no incident so far", ""),
        ("explain i-7", 1, "", "no incident begins with i-7"),
        ("status", 0, "rules revision 1 of the first start", ""),
        ("config apply --reason calmer", 0, "in force on all 2 shards: revision 2", ""),
        ("status", 0, "command line: calmer", ""),
    ] {
        // What was just accepted shows in the status as soon as it is published.
        let found =
            (0..100).map(|_| ripcord(&world.url, line, Some("s3cret"))).find(|(_, o, _)| {
                !matches!(line, "status m" | "rollback m --reason r --dry-run --json")
                    || o.contains(out)
            });
        let (was, stdout, stderr) = found.unwrap();
        assert_eq!(was, code, "{line}: {stdout}{stderr}");
        assert!(stdout.contains(out) && stderr.contains(err), "{line}: {stdout}{stderr}");
        assert!(!stdout.contains('\u{1b}') && !stderr.contains("s3cret"), "{line}: {stdout}");
    }
}

#[test]
fn who_may_not_and_who_is_not_there_are_told_apart() {
    let world = World::start(&Setting { token: Some("s3cret"), ..Setting::default() });
    for token in [None, Some("wrong")] {
        let (code, _, stderr) = ripcord(&world.url, "freeze --all", token);
        assert_eq!(code, 2, "{stderr}");
        assert!(stderr.contains("RIPCORD_TOKEN") && stderr.contains("--token-file"), "{stderr}");
    }
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("token");
    for (text, code) in [("s3cret\n", 0), ("other\n", 2), ("\n", 2)] {
        std::fs::write(&file, text).unwrap();
        let line = format!("freeze --all --token-file {}", file.display());
        assert_eq!(ripcord(&world.url, &line, None).0, code, "{text:?}");
    }
    let nobody = "http://127.0.0.1:1";
    let (code, _, stderr) = ripcord(nobody, "status", None);
    assert_eq!(code, 2);
    assert!(stderr.contains(nobody) && stderr.contains("is `ripcord up` running"), "{stderr}");
    let (code, _, stderr) = ripcord("here", "status", None);
    assert_eq!(code, 2);
    assert!(stderr.contains("http://127.0.0.1:7700"), "{stderr}");
}

#[test]
fn a_rollback_is_explained_in_sentences() {
    let world = World::start(&Setting::default());
    let incident = world.rolled_back();
    let id = incident["id"].as_str().unwrap();
    let (code, story, stderr) = ripcord(&world.url, &format!("explain {}", &id[..8]), None);
    assert_eq!(code, 0, "{stderr}");
    for part in [
        "The rule error-rate on error rate opened it",
        "bad answers (95 % interval",
        "tolerated: 10.0 %",
        "over the threshold of",
        "Design effect 2.0",
        "the target's baseline",
        "of 60 bad",
        "It goes back to v2, generation 1. Steps:",
        "registry · registry: production is v2 instead of v3: done",
        "Next: ripcord",
    ] {
        assert!(story.contains(part), "{part} is not in\n{story}");
    }
    let decision = story.split("breach (").nth(1).and_then(|rest| rest.split(')').next());
    let line = match decision {
        Some(decision) => format!("explain {decision}"),
        None => format!("explain {id} --json"),
    };
    let (code, told, _) = ripcord(&world.url, &line, None);
    assert_eq!(code, 0);
    assert!(told.contains(id), "{told}");
    let (code, list, _) = ripcord(&world.url, "incidents", None);
    assert_eq!(code, 0);
    assert!(list.contains(&id[..8]) && list.contains("v3 → v2"), "{list}");
    let told = |answer: &served::Answer| answer.json()["models"]["m"]["production"] == "v2";
    world.wait_for("/api/status", told);
    let (_, status, _) = ripcord(&world.url, "status", None);
    for part in ["error-rate", "10.0 %", "breach", "in quarantine", "would roll back to: nobody"] {
        assert!(status.contains(part), "{part} is not in\n{status}");
    }
    let table = status.lines().filter(|line| line.starts_with("  "));
    assert!(table.clone().count() > 3);
    assert!(table.into_iter().all(|line| line.chars().count() <= 80), "{status}");
}
