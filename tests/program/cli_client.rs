//! The commands that ask a running server, through the binary.
#![expect(clippy::unwrap_used, reason = "a test may fail where it is")]

use std::fs::File;
use std::io::Read;
use std::process::Stdio;

use assert_cmd::Command;
use rustix::process::{Pid, Signal};

use crate::common::served::{Answer, Setting, World};

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
    let world =
        World::start(&Setting { token: Some("s3cret-s3cret-s3cret"), ..Setting::default() });
    for (line, code, out, err) in [
        ("rollback m --reason r --dry-run", 0, "from v3 to v2 (proven by the registry)", ""),
        ("rollback m --to v3 --reason r --dry-run", 1, "", "already in production"),
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
        ("status zz", 1, "", "known models: m"),
        ("status --json", 0, "ripcord.status/1", ""),
        ("incidents", 0, "No incidents so far.", ""),
        ("explain i-7", 1, "", "no incident or decision has an id that begins with i-7"),
        ("status", 0, "rules revision 1 from the first start", ""),
        ("freeze mm", 1, "refused: model mm is not known", ""),
        ("config apply --reason calmer", 1, "every model: target registry removed", "apply --yes"),
        ("config apply --yes --reason calmer", 0, "Revision 2 is in force on all 2 shards.", ""),
        ("status", 0, "admin: calmer", ""),
    ] {
        // What was just accepted shows in the status as soon as it is published.
        let found = (0..100).map(|_| ripcord(&world.url, line, Some("s3cret-s3cret-s3cret"))).find(
            |(_, o, _)| {
                !matches!(line, "status m" | "rollback m --reason r --dry-run --json")
                    || o.contains(out)
            },
        );
        let (was, stdout, stderr) = found.unwrap();
        assert_eq!(was, code, "{line}: {stdout}{stderr}");
        assert!(stdout.contains(out) && stderr.contains(err), "{line}: {stdout}{stderr}");
        assert!(
            !stdout.contains('\u{1b}') && !stderr.contains("s3cret-s3cret-s3cret"),
            "{line}: {stdout}"
        );
    }
}

/// A terminal: the end that a test reads, and the end that a program writes to.
fn terminal() -> (File, File) {
    use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
    let ours = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).unwrap();
    grantpt(&ours).unwrap();
    unlockpt(&ours).unwrap();
    let name = ptsname(&ours, Vec::new()).unwrap().into_string().unwrap();
    let theirs = File::options().read(true).write(true).open(name).unwrap();
    (ours.into(), theirs)
}

/// Ends with the test, however that ends.
struct Watching(std::process::Child);

impl Watching {
    fn start(url: &str, line: &str, out: impl Into<Stdio>) -> Self {
        let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_ripcord"));
        command.env_remove("RIPCORD_TOKEN").env("NO_COLOR", "1");
        command.args(line.split_whitespace()).args(["--url", url]);
        command.stdin(Stdio::null()).stdout(out).stderr(Stdio::null());
        Self(command.spawn().unwrap())
    }

    /// As Ctrl-C does; the exit code.
    fn interrupt(&mut self) -> Option<i32> {
        rustix::process::kill_process(Pid::from_child(&self.0), Signal::INT).unwrap();
        self.0.wait().unwrap().code()
    }
}

impl Drop for Watching {
    fn drop(&mut self) {
        self.0.kill().ok();
        self.0.wait().ok();
    }
}

/// Reads until `wanted` was there, and answers all that came.
fn read_until(from: &mut impl Read, wanted: &str) -> String {
    let (mut came, mut part) = (Vec::new(), [0; 4096]);
    loop {
        let length = from.read(&mut part).unwrap();
        came.extend_from_slice(&part[..length]);
        let text = String::from_utf8_lossy(&came);
        if text.contains(wanted) {
            return text.into_owned();
        }
        assert!(length > 0, "{wanted} never came: {text}");
    }
}

#[test]
fn watching_draws_the_page_anew_when_it_changed_and_ends_with_ctrl_c() {
    const CLEARED: &str = "\u{1b}[H\u{1b}[2J";
    let world = World::start(&Setting::default());
    let (mut ours, theirs) = terminal();
    let mut watching = Watching::start(&world.url, "status m --watch", theirs);
    let first = read_until(&mut ours, "would roll back to: v2");
    assert!(first.starts_with(CLEARED), "{first:?}");
    assert_eq!(ripcord(&world.url, "freeze m --reason storm", None).0, 0);
    let second = read_until(&mut ours, "FROZEN");
    assert!(second.contains(CLEARED), "{second:?}");
    assert_eq!(watching.interrupt(), Some(0));
}

#[test]
fn watching_into_a_pipe_says_only_what_changed() {
    let world = World::start(&Setting::default());
    let mut watching = Watching::start(&world.url, "status m --watch", Stdio::piped());
    let mut out = watching.0.stdout.take().unwrap();
    let first = read_until(&mut out, "would roll back to: v2");
    // Looks while nothing happens, and one after something did.
    for _ in 0..3 {
        assert_eq!(ripcord(&world.url, "status m", None).0, 0);
    }
    assert_eq!(ripcord(&world.url, "mode m observe", None).0, 0);
    let then = read_until(&mut out, "mode observe");
    assert_eq!(watching.interrupt(), Some(0));
    let pages = format!("{first}{then}");
    assert!(!pages.contains('\u{1b}'), "{pages}");
    assert_eq!(pages.matches("mode act").count(), 1, "{pages}");
    let mut nobody = Watching::start(&world.url, "status zz --watch", Stdio::null());
    assert_eq!(nobody.0.wait().unwrap().code(), Some(1), "no such model ends it");
}

#[test]
fn who_may_not_and_who_is_not_there_are_told_apart() {
    let world =
        World::start(&Setting { token: Some("s3cret-s3cret-s3cret"), ..Setting::default() });
    for token in [None, Some("wrong")] {
        let (code, _, stderr) = ripcord(&world.url, "freeze --all", token);
        assert_eq!(code, 2, "{stderr}");
        assert!(stderr.contains("RIPCORD_TOKEN") && stderr.contains("--token-file"), "{stderr}");
    }
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("token");
    for (text, code) in [("s3cret-s3cret-s3cret\n", 0), ("other\n", 2), ("\n", 2)] {
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
    assert!(story.lines().all(|line| line.chars().count() <= 80), "{story}");
    let flat = story.split_whitespace().collect::<Vec<_>>().join(" ");
    for part in [
        "Opened by trigger error-rate on error rate",
        "failed answers (95 % interval",
        "limit: 10.0 %",
        "over the threshold of",
        "design effect 2.0",
        "the rollback target's baseline",
        "of 60 bad",
        "Rollback to v2, generation 1. Steps:",
        "registry · registry: production is v2 instead of v3: done",
    ] {
        assert!(flat.contains(part), "{part} is not in\n{story}");
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
    let told = |answer: &Answer| answer.json()["models"]["m"]["production"] == "v2";
    world.wait_for("/api/status", told);
    let (_, status, _) = ripcord(&world.url, "status", None);
    for part in
        ["error-rate", "10.0 %", "breach", "in quarantine", "would roll back to: no version"]
    {
        assert!(status.contains(part), "{part} is not in\n{status}");
    }
    let table = status.lines().filter(|line| line.starts_with("  "));
    assert!(table.clone().count() > 3);
    assert!(table.into_iter().all(|line| line.chars().count() <= 80), "{status}");
}

#[test]
fn a_token_is_made_anew_each_time_with_the_hash_that_the_settings_need() {
    let make = || {
        let (code, out, err) = ripcord("http://127.0.0.1:1", "token --json", None);
        assert_eq!(code, 0, "{err}");
        let made: serde_json::Value = serde_json::from_str(&out).unwrap();
        let text = |field: &str| made[field].as_str().unwrap().to_owned();
        (text("token"), text("hash"))
    };
    let (token, hash) = make();
    let hashed = ripcord::config::token_hash(&token);
    assert_eq!(hash, hashed.iter().map(|byte| format!("{byte:02x}")).collect::<String>());
    assert!(token.len() == 64 && token != make().0, "{token}");
    let (_, page, _) = ripcord("http://127.0.0.1:1", "token", None);
    assert!(page.contains("[[http.tokens]]") && page.contains("shown only now"), "{page}");
}

#[test]
fn a_key_of_instructions_is_made_as_the_variable_holds_it() {
    let typed = |line: &str| ripcord("http://127.0.0.1:1", line, None);
    let make = || {
        let (code, out, err) = typed("token --instruction-key 2026-11 --json");
        assert_eq!(code, 0, "{err}");
        let made: serde_json::Value = serde_json::from_str(&out).unwrap();
        made["key"].as_str().unwrap().to_owned()
    };
    let key = make();
    let keys = ripcord::config::InstructionKeys::parse(&key).unwrap();
    let signing = keys.signing().unwrap();
    assert_eq!((signing.id(), signing.expose().len()), ("2026-11", 32));
    assert_ne!(key, make());
    let (_, page, _) = typed("token --instruction-key 2026-11");
    assert!(page.contains("\nRIPCORD_INSTRUCTION_KEYS=2026-11:"), "{page}");
    let (code, page, said) = typed("token --instruction-key a:b");
    assert_eq!((code, page.as_str()), (1, ""), "{said}");
    assert!(said.contains("use 1 to 64 letters, digits, ., _ and -"), "{said}");
}

#[test]
fn texts_of_others_are_shown_and_never_obeyed() {
    let world = World::start(&Setting::default());
    let hidden = |text: &str| text.contains(['\u{202e}', '\u{200b}', '\u{e0041}', '\u{1b}', '\r']);
    let (code, stdout, stderr) =
        ripcord(&world.url, "freeze m --reason a\u{202e}b\u{200b}c\u{e0041}", None);
    assert_eq!(code, 0, "{stdout}{stderr}");
    for (line, expected) in [
        ("status m", "a\\u{202e}b\\u{200b}c\\u{e0041}"),
        ("status m --json", "a\\u202eb\\u200bc\\udb40\\udc41"),
    ] {
        let shown = (0..100)
            .map(|_| ripcord(&world.url, line, None).1)
            .find(|shown| shown.contains(expected));
        let shown =
            shown.unwrap_or_else(|| panic!("{line}: {:?}", ripcord(&world.url, line, None)));
        assert!(!hidden(&shown), "{shown:?}");
        if line.ends_with("json") {
            let json: serde_json::Value = serde_json::from_str(&shown).unwrap();
            assert!(json.to_string().contains("a\u{202e}b\u{200b}c"), "{json}");
        }
    }
    // A name that cannot be seen is no name, and a file's name is printed as any other text.
    let (code, _, stderr) = ripcord(&world.url, "freeze m\u{200b} --reason r", None);
    assert_eq!(code, 2);
    assert!(stderr.contains("the invisible character U+200B") && !hidden(&stderr), "{stderr:?}");
    let file = "no/\u{1b}[2J\u{202e}.toml";
    let (code, stdout, stderr) =
        ripcord(&world.url, &format!("check-config --config {file}"), None);
    assert_eq!(code, 2, "{stdout}{stderr}");
    assert!(stderr.contains("no/\\u{1b}[2J\\u{202e}.toml") && !hidden(&stderr), "{stderr:?}");
}
