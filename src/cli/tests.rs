//! What is understood, what is refused, and with which hint.

use serde_json::Value as Json;

use super::*;
use crate::model::{EventTime, Mode, Scope, TargetId};

fn parse(line: &str) -> Result<Cli, clap::Error> {
    Cli::read(std::iter::once("ripcord").chain(line.split_whitespace()))
}

#[test]
fn the_definition_holds_together() {
    Cli::command().debug_assert();
}

#[test]
fn every_command_is_understood() {
    for line in [
        "demo",
        "demo --serve --folder d --json",
        "replay a.jsonl b.jsonl.gz --registry r.json --report out.html --json",
        "replay - --production v3 --previous v2 --mode config --check-artifacts",
        "replay a --type outcome --field request=/ts --constant model=m --model m",
        "up --config a.toml --config b.toml",
        "ingest --config a.toml",
        "decide",
        "work registry",
        "work registry --health 127.0.0.1:9100",
        "work --health [::]:9100 exec lamp",
        "ingest --health 0.0.0.0:9100",
        "work exec",
        "work exec traffic-switch",
        "work notice --json",
        "work router",
        "route",
        "serve",
        "topics create",
        "topics create --telemetry",
        "topics check --json",
        "topics acls --principal User:x",
        "topics acls --principal User:x --role ingest --json",
        "publish a.jsonl b.jsonl.gz --source s --rate 2000 --until 2025-03-01T12:00:00Z",
        "publish -",
        "status",
        "status m --watch --url http://h:1 --token-file t --no-color",
        "incidents",
        "incidents i-1",
        "explain i-1",
        "rollback m --reason why",
        "rollback m --to v2 --reason why --dry-run",
        "abort m",
        "approve m --reason seen",
        "mode m act",
        "mode --all observe",
        "freeze m",
        "freeze --all --reason storm",
        "unfreeze --all",
        "promoted m v3",
        "vouch m v2",
        "quarantine m v3",
        "release m v3",
        "check-config",
        "check-source f --source s",
        "baseline f --registry r.json",
        "config apply",
        "token",
        "token --json",
        "help",
        "help terms",
        "help work exec",
    ] {
        parse(line).unwrap_or_else(|error| panic!("{line}: {error}"));
    }
}

#[test]
fn what_makes_no_sense_is_refused_with_a_hint() {
    for (line, hint) in [
        ("rollback m", "--reason"),
        ("rollback m --reason=", "the reason is empty"),
        ("mode m sleep", "observe, recommend, act"),
        ("mode m --all act", "observe, recommend, act"),
        ("freeze", "--all"),
        ("freeze m --all", "cannot be used with"),
        ("replay", "<FILES>"),
        ("replay f --registry r --production v", "cannot be used with"),
        ("replay f --previous v", "--production"),
        ("replay f --type thing", "prediction, outcome"),
        ("replay f --field id", "FIELD=PLACE"),
        ("rolback m --reason r", "rollback"),
        ("work", "registry"),
        ("decide --health 9100", "invalid socket address"),
        ("serve --health 127.0.0.1:9100", "unexpected argument"),
        ("work exec a b", "unexpected argument"),
        ("topics", "create"),
        ("topics check --telemetry", "--telemetry"),
        ("publish", "<FILES>"),
        ("publish f --rate 0", "records per second"),
        ("publish f --until noon", "RFC 3339"),
    ] {
        let error = parse(line).expect_err(line);
        assert!(error.to_string().contains(hint), "{line}: {error}");
        assert_eq!(error.exit_code(), 2, "{line}");
    }
}

#[test]
fn words_become_values() {
    let cli = parse("mode --all recommend").unwrap();
    let CliCommand::Remote(Remote::Order(Order::Mode { scope, mode, why })) = cli.command else {
        panic!("not mode")
    };
    assert_eq!((scope.scope(), mode, why.reason), (Scope::All, Mode::Recommend, None));
    let cli = parse("replay f --constant n=3 --constant model=m --field id=/a=b").unwrap();
    let CliCommand::Replay(replay) = cli.command else { panic!("not replay") };
    assert_eq!(replay.mode, ReplayMode::Act);
    assert_eq!(
        replay.mapping.constant,
        [("n".to_owned(), Json::from(3)), ("model".to_owned(), Json::from("m"))]
    );
    assert_eq!(replay.mapping.field, [("id".to_owned(), "/a=b".to_owned())]);
    let cli = parse("publish f --rate 20 --until 2013-06-20T06:00:00Z").unwrap();
    let CliCommand::Publish(publish) = cli.command else { panic!("not publish") };
    assert_eq!(publish.rate, Some(20));
    assert_eq!(publish.until, Some(EventTime::from_ms(1_371_708_000_000)));
    let name = Some(TargetId::new("lamp").unwrap());
    let cli = parse("work exec lamp").unwrap();
    let CliCommand::Work { work, health } = cli.command else { panic!("not work") };
    assert_eq!((work, health.health), (WorkArgs::Exec { name }, None));
}

#[test]
fn every_help_fits_80_columns() {
    fn check(command: &mut clap::Command) {
        let name = command.get_name().to_owned();
        for text in [command.render_help(), command.render_long_help()] {
            for line in text.to_string().lines() {
                assert!(line.chars().count() <= 80, "{name}: {line}");
            }
        }
        command.get_subcommands_mut().for_each(check);
    }
    let mut all = Cli::parser();
    all.build();
    check(&mut all);
}
