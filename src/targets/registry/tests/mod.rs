//! Tables: documents and commands in; details, facts and documents out.

mod literal;
mod refused;
mod shapes;

use super::document::Document;
use super::error::DocumentError;
use super::shadow::ShadowRegistry;
use crate::config::RegistryShape;
use crate::edge::chain::chain;
use crate::model::{Command, ModelId, Signal, StepResult, TargetId};
use proptest::prelude::*;

const REGISTRY: &str = r#"{
  "schema": "ripcord.registry/1",
  "revision": 6,
  "owner": "team-a",
  "models": [
    {"name": "fd", "version": "v1", "is_production": false, "created_at": "2013-01-31"},
    {"name": "fd", "version": "v3", "is_production": true, "note": {"z": 1, "a": [2.50]},
     "created_at": "2013-05-31T00:00:00Z"},
    {"name": "fd", "version": "v2", "is_production": false, "archived": true,
     "archived_at": "x",
     "proven_good": true, "created_at": "2013-02-28 10:00:00"},
    {"name": "credit", "version": "1", "is_production": true}
  ]
}
"#;

const PLAIN: &str = "[\n\t\
    {\"version\":\"v3\",\"name\":\"fd\",\"is_production\":true,\"by\":\"ann\"},\n\t\
    {\"version\":\"v2\",\"name\":\"fd\",\"is_production\":false,\"model_path\":\"m/v2\"}\n]";

/// Reads a document in Ripcord's own form.
fn parse(text: &str, side: Option<&str>) -> Result<Document, DocumentError> {
    Document::parse(text, side, &RegistryShape::default())
}

fn document(text: &str) -> Document {
    parse(text, None).unwrap_or_else(|error| panic!("{}", chain(&error)))
}

/// `ID GENERATION MODEL FROM TO`
fn command(line: &str) -> Command {
    let words: Vec<_> = line.split(' ').collect();
    let want =
        serde_json::json!({"want": "production", "version": words[4], "instead_of": words[3]});
    serde_json::from_value(serde_json::json!({
        "id": words[0], "namespace": "test", "incident": "i1", "model": words[2],
        "generation": words[1].parse::<u64>().unwrap(), "target": "registry", "stage": "registry",
        "want": want, "reason": "accuracy fell", "mode": "act",
        "issued_at": "2013-06-24T09:00:00Z", "expires_at": "2013-06-24T10:00:00Z", "reply_to": 0
    }))
    .unwrap()
}

fn apply(to: &mut Document, line: &str) -> String {
    let applied = to.apply("R", &command(line), &mut |_| Ok(()));
    let changed = if applied.changed { " *" } else { "" };
    format!("{:?}{changed}: {}", applied.outcome, applied.detail)
}

#[test]
fn commands_in_words_out() {
    let mut registry = document(REGISTRY);
    for (line, said) in [
        ("a 1 nope v1 v2", "Failed: no model nope in R; it has: credit, fd; nothing was done"),
        ("a 1 fd v3 v9", "Failed: no version v9 of fd in R; it has: v1, v3, v2; nothing was done"),
        (
            "a 1 fd v1 v2",
            "Failed: fd should go from v1 to v2, but R has v3 in production: \
             changed by others; nothing was done",
        ),
        ("a 2 fd v3 v2", "Done *: fd is v2 in R, was v3; revision 7"),
        ("a 2 fd v3 v2", "Done: fd is v2 in R; this command was already done"),
        (
            "b 1 fd v2 v3",
            "Refused: R: generation 1 of fd is outdated, 2 was seen; nothing was done",
        ),
        ("b 2 fd v3 v2", "Done *: fd is already v2 in R"),
        ("c 2 fd v2 v3", "Done *: fd is v3 in R, was v2; revision 9"),
        (
            "a 2 fd v3 v2",
            "Failed: this command made v2 the production version of fd in R, \
             but others have since changed it to v3; nothing was done",
        ),
        ("d 3 fd v3 v1", "Done *: fd is v1 in R, was v3; revision 10"),
        ("e 1 credit 1 0", "Failed: no version 0 of credit in R; it has: 1; nothing was done"),
    ] {
        assert_eq!(apply(&mut registry, line), said, "{line}");
        let before = registry.render();
        apply(&mut registry, line);
        assert_eq!(registry.render(), before, "a repeat of {line} changes nothing");
    }
}

#[test]
fn unusable_files_are_named() {
    let mut registry = document(REGISTRY);
    let unusable = &mut |_: &super::entry::Entry| Err("its file is gone".to_owned());
    let applied = registry.apply("R", &command("a 1 fd v3 v2"), unusable);
    let said = "v2 of fd in R cannot be served: its file is gone; nothing was done";
    assert_eq!(
        (applied.outcome, applied.detail.as_str(), applied.changed),
        (StepResult::Failed, said, false)
    );
    assert_eq!(registry.render(), document(REGISTRY).render());
}

#[test]
fn a_switch_keeps_shape_order_and_unknown_fields() {
    let mut registry = document(REGISTRY);
    apply(&mut registry, "a 2 fd v3 v2");
    let text = registry.render().main;
    let expected = r#"{
  "schema": "ripcord.registry/1",
  "revision": 7,
  "owner": "team-a",
  "models": [
    {"name": "fd", "version": "v1", "is_production": false, "created_at": "2013-01-31"},
    {"name": "fd", "version": "v3", "is_production": false, "note": {"z": 1, "a": [2.50]},
     "created_at": "2013-05-31T00:00:00Z",
     "archived": true,
     "archived_at": "2013-06-24T09:00:00Z",
     "archived_reason": "accuracy fell"},
    {"name": "fd", "version": "v2", "is_production": true, "archived": false,
     "proven_good": true, "created_at": "2013-02-28 10:00:00"},
    {"name": "credit", "version": "1", "is_production": true}
  ],
  "fences": {
    "fd": {
      "generation": 2,
      "command": "a"
    }
  }
}
"#;
    assert_eq!(text, expected);
    assert_eq!(document(&text).render().main, text);
}

#[test]
fn a_plain_list_stays_one() {
    let mut plain = document(PLAIN);
    assert_eq!(apply(&mut plain, "a 4 fd v3 v2"), "Done *: fd is v2 in R, was v3; revision 1");
    let rendered = plain.render();
    let [up, down] = ["\"is_production\":true", "\"is_production\":false"];
    let expected = PLAIN.replace(up, "X").replace(down, up).replace('X', down);
    assert_eq!(rendered.main, expected);
    let side = rendered.side.unwrap();
    assert_eq!(
        side.replace(['\n', ' '], ""),
        concat!(
            r#"{"schema":"ripcord.registry-fences/1","versions":{"fd":{"v3":{"archived":true,"#,
            r#""archived_at":"2013-06-24T09:00:00Z","archived_reason":"accuracyfell"}}},"#,
            r#""fences":{"fd":{"generation":4,"command":"a"}},"revision":1}"#
        )
    );
    let again = parse(&rendered.main, Some(&side)).unwrap();
    assert_eq!((again.revision(), again.taken(&id("fd")).generation), (1, 4));
}

fn id(name: &str) -> ModelId {
    ModelId::new(name).unwrap()
}

#[test]
fn facts_are_ordered() {
    let mut registry = ShadowRegistry::read(TargetId::new("registry").unwrap(), REGISTRY).unwrap();
    let facts = registry.facts().unwrap();
    let lines: Vec<_> = facts
        .iter()
        .map(|fact| {
            let versions: Vec<_> = fact.versions.iter().map(|v| v.version.as_str()).collect();
            format!("{}: {:?} of {}", fact.model, fact.production.as_ref(), versions.join(" "))
        })
        .collect();
    assert_eq!(lines, ["credit: Some(\"1\") of 1", "fd: Some(\"v3\") of v3 v2 v1"]);
    let v2 = &facts[1].versions[1];
    assert_eq!((v2.archived, v2.proven_good, v2.artifact_present), (true, true, None));
    assert_eq!(v2.created_at.unwrap().to_string(), "2013-02-28T10:00:00Z");
}

#[test]
fn a_shadow_from_names_switches() {
    let mut shadow = ShadowRegistry::new(TargetId::new("registry").unwrap());
    let version = |name: &str| crate::model::VersionId::new(name).unwrap();
    shadow.insert(&id("fd"), &version("v3"), Some(&version("v2"))).unwrap();
    assert!(shadow.insert(&id("fd"), &version("v3"), None).is_err(), "it knows v3");
    let mut shadow = ShadowRegistry::new(TargetId::new("registry").unwrap());
    shadow.insert(&id("fd"), &version("v3"), Some(&version("v2"))).unwrap();
    assert!(shadow.facts().unwrap()[0].versions.iter().any(|v| v.proven_good));
    assert_eq!(shadow.apply(&command("a 1 fd v3 v2")).outcome, StepResult::Done);
    assert_eq!(shadow.production(&id("fd")), Some(&version("v2")));
}

#[test]
fn baselines_are_read_and_set() {
    let mut registry = document(REGISTRY);
    let accuracy = crate::model::Baseline { value: 0.9112, n: 28_000 };
    let latency = crate::model::Baseline { value: 1.1, n: 7 };
    let set = [(Signal::Accuracy, accuracy), (Signal::Latency, latency)].into();
    let v2 = crate::model::VersionId::new("v2").unwrap();
    registry.set_baselines("R", &id("fd"), &v2, &set).unwrap();
    registry.raise_revision();
    let again = document(&registry.render().main);
    assert_eq!((again.revision(), &again.find(&id("fd"), &v2).unwrap().baselines), (7, &set));
    assert!(registry.render().main.contains(r#""latency_ms": {"mean": 1.1, "n": 7}"#));
    let v9 = crate::model::VersionId::new("v9").unwrap();
    let error = registry.set_baselines("R", &id("fd"), &v9, &set).unwrap_err();
    assert_eq!(error.to_string(), "no version v9 of fd in R; it has: v1, v3, v2");
}

#[test]
fn two_in_production_are_named_and_stop_only_their_model() {
    let text = r#"[{"name":"a","version":"1","is_production":true},
        {"name":"a","version":"2","is_production":true},
        {"name":"b","version":"1","is_production":true},{"name":"b","version":"0"}]"#;
    let mut plain = document(text);
    let said = "a has two versions in production, 1 and 2; mark only one of them, or set \
         several_in_production = \"newest\" in [workers.registry.shape]";
    let target = TargetId::new("registry").unwrap();
    assert_eq!(plain.facts(&target, &mut |_| None).unwrap_err().to_string(), said);
    assert_eq!(apply(&mut plain, "a 1 a 1 2"), format!("Failed: R: {said}"));
    assert_eq!(apply(&mut plain, "b 1 b 1 0"), "Done *: b is 0 in R, was 1; revision 1");
}

proptest! {
    #[test]
    fn no_text_crashes_it(text in "\\PC{0,60}") {
        let _any = parse(&text, Some(&text));
    }

    /// However commands come, one version is in production and each command switches at most once.
    #[test]
    fn any_commands_leave_one_in_production(
        steps in proptest::collection::vec((0u64..4, 1u32..4, 1u32..4), 0..30),
        plain: bool,
    ) {
        let mut registry = document(if plain { PLAIN } else { REGISTRY });
        let mut switched = std::collections::BTreeSet::new();
        for (generation, from, to) in steps {
            let id = format!("{generation}-{from}-{to}");
            let before = registry.production(&id_fd()).unwrap().map(|e| e.version.clone());
            let line = format!("{id} {generation} fd v{from} v{to}");
            let applied = registry.apply("R", &command(&line), &mut |_| Ok(()));
            let after = registry.production(&id_fd()).unwrap().map(|e| e.version.clone());
            prop_assert!(after.is_some());
            if before != after {
                prop_assert!(switched.insert(id), "{line} switched twice");
            }
            if applied.outcome == StepResult::Done {
                prop_assert_eq!(after.map(String::from), Some(format!("v{to}")));
            }
            let rendered = registry.render();
            let again = parse(&rendered.main, rendered.side.as_deref()).unwrap();
            prop_assert_eq!(again.render(), rendered);
        }
    }
}

fn id_fd() -> ModelId {
    id("fd")
}
