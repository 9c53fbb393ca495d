//! Registries in the shapes that people have: recognized, read, switched and written back.
//!
//! Over 300 lines: one table of shapes, for all that is promised of each.
#![expect(clippy::unwrap_used, reason = "a test may panic")]

use std::fs;
use std::path::{Path, PathBuf};

use ripcord::model::StepResult;
use ripcord::targets::Target;
use ripcord::targets::registry::{DocumentError, RegistryFile, ShadowRegistry};

use crate::common::files::in_tree;
use crate::common::targets::{act, block_on, production, shape, target};

fn case(file: &str) -> String {
    fs::read_to_string(in_tree("tests/data/cases/registry-shapes").join(file)).unwrap()
}

/// A file of the case folder, the shape that is proposed for it, and whether a replay may use it.
const PROPOSED: [(&str, bool, &str); 16] = [
    (
        "airisk",
        true,
        r#"entries = ""
default_name = "my-model"
version = "./model_id"
created_at = "./trained_at""#,
    ),
    (
        "automl",
        true,
        r#"default_name = "my-model"
version = "./current_version""#,
    ),
    (
        "churn",
        true,
        r#"entries = "/models"
default_name = "my-model"
version = "./version"
production = { at = "/production", holds = "./version" }
created_at = "./timestamp""#,
    ),
    (
        "fraud",
        false,
        r#"entries = ""
default_name = "my-model"
version = "./model_version"
production = { at = "./status", is = "APPROVED", former = "REJECTED" }
created_at = "./training_timestamp"
several_in_production = "newest""#,
    ),
    (
        "grinder",
        false,
        r#"entries = "/models/*/history"
name = "*"
version = "./version"
production = { at = "/models/*/active", holds = "./version" }"#,
    ),
    (
        "keyed",
        true,
        r#"entries = "/*/versions"
name = "*"
version = "key"
production = { at = "./stage", is = "production", former = "archived" }"#,
    ),
    (
        "list_champion",
        true,
        r#"entries = ""
name = "./name"
version = "./version"
production = { at = "./is_champion", is = true }"#,
    ),
    (
        "list_stage_mlflow",
        true,
        r#"entries = ""
name = "./name"
version = "./version"
production = { at = "./current_stage", is = "Production", former = "Archived" }
also_marked = [{ at = "./aliases/*", is = "champion" }]
created_at = "./creation_timestamp""#,
    ),
    (
        "list_status",
        true,
        r#"entries = ""
name = "./name"
version = "./version"
production = { at = "./status", is = "production", former = "archived" }
created_at = "./created_at""#,
    ),
    (
        "prod_int",
        true,
        r#"entries = ""
name = "./name"
version = "./version"
production = { at = "./is_production", is = 1 }"#,
    ),
    (
        "prod_text",
        true,
        r#"entries = ""
name = "./name"
version = "./version"
production = { at = "./is_production", is = "true" }"#,
    ),
    (
        "quant",
        true,
        r#"entries = "/models"
default_name = "my-model"
version = "./model_id"
production = { at = "./status", is = "production", former = "archived" }
created_at = "./created_at""#,
    ),
    (
        "sales",
        true,
        r#"entries = "/models"
name = "./name"
version = "./version"
production = { at = "./is_champion", is = true }"#,
    ),
    (
        "sentinel",
        false,
        r#"entries = "/models"
default_name = "my-model"
version = "./model_version"
production = { at = "/latest", holds = "./model_version" }
created_at = "./timestamp""#,
    ),
    (
        "single",
        true,
        r#"default_name = "my-model"
version = "./version""#,
    ),
    (
        "tennis",
        true,
        r#"entries = "/models"
default_name = "my-model"
version = "./version"
production = { at = "/active_model", holds = "./version" }
created_at = "./created_at""#,
    ),
];

/// One whose production version its own fields cannot tell apart.
const WHALES: &str = r#"entries = "/models"
name = "./name"
version = "./version"
production = { at = "/active", holds = "./name" }
created_at = "./trained_at"
several_in_production = "newest""#;

#[test]
fn each_shape_is_recognized_and_proposed() {
    for (file, certain, lines) in PROPOSED.into_iter().chain([("whales", false, WHALES)]) {
        let text = case(&format!("{file}.json"));
        let error = ShadowRegistry::read(target("registry"), &text).unwrap_err();
        let said = error.to_string();
        let DocumentError::OtherForm(proposal) = error else { panic!("{file}: {said}") };
        let toml = proposal.toml();
        let (_, proposed) = toml.split_once("[workers.registry.shape]\n").unwrap();
        assert_eq!(proposed, lines, "{file}");
        assert!(said.contains(&toml), "{said}");
        let model = "m".parse().unwrap();
        assert_eq!(proposal.for_replay(Some(&model)).is_some(), certain, "{file}: {said}");
        if file != "sentinel" {
            ShadowRegistry::read_in(target("registry"), &text, &shape(lines)).unwrap();
        }
    }
    for own in ["version_int.json", "nan_metric.json"] {
        ShadowRegistry::read(target("registry"), &case(own)).unwrap();
    }
}

/// What looks like production is named, and nothing is taken that may mean something else.
#[test]
fn what_may_be_production_is_named() {
    let list = |field: &str| {
        format!(
            r#"[{{"name":"m","version":"1",{field}:"a"}},{{"name":"m","version":"2",{field}:"b"}}]"#
        )
    };
    for (text, said) in [
        (case("fraud.json"), "but status (\"APPROVED\") may."),
        (case("whales.json"), "but active may."),
        (list("\"stage\""), "but stage may."),
        (list("\"path\""), "Nothing in it says which version is in production. Add"),
        (case("list_champion.json"), "Going by is_champion, this is its shape."),
        (case("sentinel.json"), "(line 1) are both version v3 of my-model; remove one of them"),
        (case("automl.json"), "# The file does not name its model. Set default_name"),
    ] {
        let error = ShadowRegistry::read(target("registry"), &text).unwrap_err().to_string();
        assert!(error.contains(said), "{error}");
    }
}

/// A document, its shape if it is not the one proposed, and a switch of a model from one version to
/// another: what is replaced, in this order.
struct Switch {
    text: String,
    lines: String,
    switch: [&'static str; 3],
    replaced: &'static [(&'static str, &'static str)],
}

fn switches() -> Vec<Switch> {
    let of_case = |file: &str, switch, replaced| {
        let (_, _, lines) = PROPOSED.into_iter().find(|(name, ..)| *name == file).unwrap();
        Switch { text: case(&format!("{file}.json")), lines: lines.to_owned(), switch, replaced }
    };
    let of = |text: &str, lines: &str, switch, replaced| Switch {
        text: text.to_owned(),
        lines: lines.to_owned(),
        switch,
        replaced,
    };
    let own = |file, replaced| of(&case(file), "", ["m", "v3", "v2"], replaced);
    let flag = "entries = \"/m\"\nname = \"./n\"\nversion = \"./v\"\n\
                production = { at = \"./live\", is = true }\nseveral_in_production = \"newest\"";
    let alias = "entries = \"/*/latest_versions\"\nname = \"/*/name\"\nversion = \"./version\"\n\
                 production = { at = \"/*/aliases/[alias=champion]/version\", \
                 holds = \"./version\" }";
    let sagemaker = "entries = \"/ModelPackageSummaryList\"\nname = \"./ModelPackageGroupName\"\n\
                     version = \"./ModelPackageVersion\"\ncreated_at = \"./CreationTime\"\n\
                     production = { at = \"./ModelApprovalStatus\", is = \"Approved\", \
                     former = \"Rejected\" }\nseveral_in_production = \"newest\"";
    vec![
        own("nan_metric.json", &[("true", "…"), ("false", "true"), ("…", "false")]),
        of(
            &case("version_int.json"),
            "",
            ["m", "3", "2"],
            &[("true", "…"), ("false", "true"), ("…", "false")],
        ),
        of_case(
            "keyed",
            ["m", "v2", "v3"],
            &[("production", "archived"), ("canary", "production")],
        ),
        of_case(
            "list_champion",
            ["m", "v3", "v2"],
            &[("true", "…"), ("false", "true"), ("…", "false")],
        ),
        of_case(
            "list_stage_mlflow",
            ["m", "3", "2"],
            &[
                ("Production", "…"),
                ("Archived", "Production"),
                ("…", "Archived"),
                ("[\"champion\"]", "…"),
                ("[]", "[\"champion\"]"),
                ("…", "[]"),
            ],
        ),
        of_case(
            "list_status",
            ["m", "v3", "v2"],
            &[("production", "…"), ("archived", "production"), ("…", "archived")],
        ),
        of_case(
            "prod_int",
            ["m", "v3", "v2"],
            &[("tion\":1", "…"), ("tion\":0", "tion\":1"), ("…", "tion\":0")],
        ),
        of_case(
            "prod_text",
            ["m", "v3", "v2"],
            &[("\"true\"", "…"), ("\"false\"", "\"true\""), ("…", "\"false\"")],
        ),
        // Of the files with one version: a second one comes first.
        Switch {
            text: case("tennis.json").replace(":[{", ":[{\"version\":\"v0\"},{"),
            ..of_case("tennis", ["my-model", "v1", "v0"], &[("l\":\"v1\"", "l\":\"v0\"")])
        },
        Switch {
            text: case("churn.json").replace(":[{", ":[{\"version\":0},{").replace("null", "1"),
            ..of_case("churn", ["my-model", "1", "0"], &[("production\":1", "production\":0")])
        },
        Switch {
            text: case("sentinel.json").replacen("\"v3\"", "\"v1\"", 1),
            ..of_case(
                "sentinel",
                ["my-model", "v3", "v2"],
                &[("latest\":\"v3\"", "latest\":\"v2\"")],
            )
        },
        Switch {
            text: case("fraud.json").replace("\":{\"", "\":{\"x\":1,\"").replace(
                "}}",
                "},\"iforest_v2\":{\"model_version\":\"iforest_v2\",\"status\":\"Approved\",\
                 \"training_timestamp\":\"2026-09-11T18:06:02Z\"}}",
            ),
            ..of_case(
                "fraud",
                ["my-model", "iforest_v2", "iforest_v1.0.0"],
                &[("\"Approved\"", "\"REJECTED\"")],
            )
        },
        Switch {
            text: case("sales.json").replace(":[{", ":[{\"name\":\"m\",\"version\":\"1\"},{"),
            ..of_case(
                "sales",
                ["m", "20260429", "1"],
                &[("\"1\"", "\"1\",\"is_champion\":true"), ("n\":true,", "n\":false,")],
            )
        },
        // From the REST API of MLflow: the alias points at the version.
        of(
            r#"{"registered_model":{"name":"churn","latest_versions":[
  {"version":"6"},{"version":"7"}],
 "aliases":[{"alias":"old","version":"6"},{"alias":"champion","version":"7"}]}}"#,
            alias,
            ["churn", "7", "6"],
            &[("pion\",\"version\":\"7\"", "pion\",\"version\":\"6\"")],
        ),
        // Several are approved, and the newest counts.
        of(
            r#"{"ModelPackageSummaryList":[
 {"ModelPackageGroupName":"g","ModelPackageVersion":3,
  "CreationTime":1773400000.5,"ModelApprovalStatus":"Approved"},
 {"ModelPackageGroupName":"g","ModelPackageVersion":2,
  "CreationTime":1772000000.1,"ModelApprovalStatus":"Approved"},
 {"ModelPackageGroupName":"g","ModelPackageVersion":1,
  "CreationTime":1771000000.0,"ModelApprovalStatus":"Approved"}]}"#,
            sagemaker,
            ["g", "3", "1"],
            &[
                (
                    "5,\"ModelApprovalStatus\":\"Approved\"",
                    "5,\"ModelApprovalStatus\":\"Rejected\"",
                ),
                (
                    "1,\"ModelApprovalStatus\":\"Approved\"",
                    "1,\"ModelApprovalStatus\":\"Rejected\"",
                ),
            ],
        ),
        // The version before is marked, too.
        of(
            "{\"m\":[{\"n\":\"a\",\"v\":1,\"live\":true},\n {\"n\":\"a\",\"v\":2,\"live\":true}]}",
            flag,
            ["a", "2", "1"],
            &[("2,\"live\":true", "2,\"live\":false")],
        ),
        // Ripcord's own form, with the version before marked, too.
        of(
            "[{\"name\":\"a\",\"version\":1,\"is_production\":true},\
             {\"name\":\"a\",\"version\":2,\"is_production\":true}]",
            "several_in_production = \"newest\"",
            ["a", "2", "1"],
            &[("2,\"is_production\":true", "2,\"is_production\":false")],
        ),
    ]
}

struct Files {
    _folder: tempfile::TempDir,
    path: PathBuf,
    registry: RegistryFile,
}

fn files(text: &str, lines: &str) -> Files {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("registry.json");
    fs::write(&path, text).unwrap();
    let registry = RegistryFile::new(target("registry"), path.clone()).in_shape(shape(lines));
    Files { _folder: folder, path, registry }
}

fn live(registry: &mut RegistryFile, model: &str) -> Option<String> {
    let facts = block_on(registry.observe()).unwrap();
    let fact = facts.into_iter().find(|fact| fact.model.as_str() == model).unwrap();
    fact.production.map(|version| version.to_string())
}

fn kept(path: &Path) -> serde_json::Value {
    let text = fs::read_to_string(format!("{}.ripcord", path.display())).unwrap();
    serde_json::from_str(&text).unwrap()
}

#[test]
fn each_shape_is_switched_by_its_marks_alone() {
    for Switch { text, lines, switch: [model, from, to], replaced } in switches() {
        let Files { _folder, path, mut registry } = files(&text, &lines);
        assert_eq!(live(&mut registry, model).as_deref(), Some(from), "{text}");
        let mut command = production("c1", 1, to, from);
        command.model = model.parse().unwrap();
        let acted = act(&mut registry, &command);
        assert_eq!(acted.outcome, StepResult::Done, "{text}: {acted:?}");
        let mut expected = text.clone();
        for (old, new) in replaced {
            assert_eq!(expected.matches(old).count(), 1, "{old} in {expected}");
            expected = expected.replace(old, new);
        }
        assert_eq!(fs::read_to_string(&path).unwrap(), expected);
        assert_eq!(live(&mut registry, model).as_deref(), Some(to));
        let side = kept(&path);
        assert_eq!(side["versions"][model][from]["archived_reason"], "accuracy fell", "{side}");
        assert_eq!(side["fences"][model]["generation"], 1);

        let mut command = production("c2", 2, from, to);
        command.model = model.parse().unwrap();
        let acted = act(&mut registry, &command);
        assert_eq!(acted.outcome, StepResult::Done, "{text}: {acted:?}");
        assert_eq!(live(&mut registry, model).as_deref(), Some(from), "{text}");
        let side = kept(&path);
        assert!(side["versions"][model][from].is_null(), "restored: {side}");
        // Pretty as a person would write it, the same marks change, a line each.
        if let Ok(json) = serde_json::from_str::<serde_json::Value>(&text) {
            let pretty = serde_json::to_string_pretty(&json).unwrap();
            let Files { _folder, path, mut registry } = files(&pretty, &lines);
            let mut command = production("c1", 1, to, from);
            command.model = model.parse().unwrap();
            let acted = act(&mut registry, &command);
            assert_eq!(acted.outcome, StepResult::Done, "{acted:?}");
            let after = fs::read_to_string(&path).unwrap();
            let changed = after.lines().filter(|line| !pretty.lines().any(|old| old == *line));
            let marks = lines.matches("at = ").count().max(1);
            let added = after.lines().count() - pretty.lines().count();
            assert!(changed.count() <= 2 * marks + added, "{after}");
        }
    }
}

#[test]
fn what_cannot_be_switched_says_why_and_is_left_alone() {
    let proposed = |file| PROPOSED.into_iter().find(|(name, ..)| *name == file).unwrap().2;
    let word = "entries = \"\"\nname = \"./name\"\nversion = \"./version\"\n\
                production = { at = \"./status\", is = \"live\" }";
    for (text, lines, [model, from, to], said) in [
        (
            case("whales.json"),
            WHALES,
            ["m", "v3", "v2"],
            "nothing in the file can say that v2 of m is in production",
        ),
        (
            case("automl.json"),
            proposed("automl"),
            ["my-model", "v2025", "v2024"],
            "no version v2024 of my-model in",
        ),
        (
            case("churn.json"),
            proposed("churn"),
            ["my-model", "1", "0"],
            "has no version in production",
        ),
        (
            "[{\"name\":\"m\",\"version\":1,\"status\":\"live\"},{\"name\":\"m\",\"version\":2}]"
                .to_owned(),
            word,
            ["m", "1", "2"],
            "what the former version gets at ./status is unknown; set former",
        ),
    ] {
        let Files { _folder, path, mut registry } = files(&text, lines);
        let mut command = production("c1", 1, to, from);
        command.model = model.parse().unwrap();
        let acted = act(&mut registry, &command);
        assert_eq!(acted.outcome, StepResult::Failed, "{text}");
        assert!(acted.detail.contains(said), "{acted:?}");
        assert!(acted.detail.ends_with("nothing was done"), "{acted:?}");
        assert_eq!(fs::read_to_string(&path).unwrap(), text);
    }
}

#[test]
fn what_does_not_fit_its_shape_is_refused_with_line_and_key() {
    let status = "entries = \"/models\"\nname = \"./name\"\nversion = \"./version\"\n\
                  production = { at = \"./status\", is = \"live\" }\n";
    let active = "entries = \"/models\"\ndefault_name = \"m\"\nversion = \"./version\"\n\
                  production = { at = \"/active\", holds = \"./version\" }\n";
    let both = &format!("{status}also_marked = [{{ at = \"./aliases/*\", is = \"champion\" }}]");
    let none = "entries = \"/models\"\ndefault_name = \"m\"\nversion = \"./version\"\n";
    for (text, lines, said) in [
        ("{}", status, "models is missing; write a list of entries"),
        ("{\"models\":3}", status, "models (line 1) is the number 3; write a list of entries"),
        (
            "{\"models\":[\n{\"name\":\"m\",\"version\":\"1\",\n\"status\":true}]}",
            status,
            "models[0].status (line 3) is true; the shape compares it with \"live\"; write one of \
             its kind",
        ),
        (
            "{\"models\":[\n{\"name\":\"m\"}]}",
            status,
            "models[0].version (line 2) is missing; write which version it is",
        ),
        (
            "{\"models\":[{\"version\":1}],\n\"active\":\"2\"}",
            active,
            "active (line 2) is the text \"2\"; no entry has it at ./version; write one that does, \
             or null",
        ),
        (
            "{\"models\":[{\"version\":1}]}",
            active,
            "active (line 1) is missing; write null if no version is in production",
        ),
        (
            "{\"models\":[{\"version\":1},{\"version\":2}]}",
            none,
            "m has the versions 1 and 2, and the shape does not say which is in production; set \
             production in [workers.registry.shape]",
        ),
        (
            "{\"models\":[{\"name\":\"m\",\"version\":1,\"status\":\"live\",\"aliases\":[]}]}",
            both,
            "m is 1, but ./aliases/* does not say so; correct one of them",
        ),
        (
            "{\"models\":[{\"version\":1},\n{\"version\":\"1\"}]}",
            none,
            "models[0] (line 1) and models[1] (line 2) are both version 1 of m; remove one of them",
        ),
    ] {
        let Files { _folder, path, mut registry } = files(text, lines);
        let error = block_on(registry.observe()).unwrap_err();
        assert_eq!(error, format!("{}: {said}", path.display()));
    }
}
