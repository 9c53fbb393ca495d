//! `config.toml` says every setting, each with a comment, and nothing else holds a default.
//!
//! Over 300 lines: one file of settings, and all that is promised of it.
#![expect(clippy::unwrap_used, reason = "helpers of tests may, as tests may")]

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use ripcord::config::{Config, DEFAULTS};
use ripcord::model::{
    Action, Limit, Mode, NameLimits, Signal, Span, Statistic, Tolerance, UnknownModels,
};
use serde_json::Value;

/// A line that sets a key, behind a bare # or not: the key.
fn key(line: &str) -> Option<&str> {
    let (key, _) = line.strip_prefix('#').unwrap_or(line).split_once(" = ")?;
    let bare = key.chars().all(|c| matches!(c, 'a'..='z' | '0'..='9' | '_'));
    (bare && !key.is_empty()).then_some(key)
}

fn load(text: &str) -> Config {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("my.toml");
    std::fs::write(&file, text).unwrap();
    Config::load(&[file], &BTreeMap::new()).unwrap_or_else(|refused| panic!("{refused}"))
}

/// Every path of the settings that has a value; with `null`, those without.
fn leaves(settings: &Value, path: &str, null: bool, out: &mut BTreeSet<String>) {
    if let Value::Object(table) = settings
        && !table.is_empty()
    {
        for (key, value) in table {
            leaves(value, &format!("{path}.{key}"), null, out);
        }
    } else if settings.is_null() == null {
        out.insert(family(path));
    }
}

/// The same path for all that have the same keys.
fn family(path: &str) -> String {
    let mut parts: Vec<&str> = path.trim_start_matches('.').split('.').collect();
    if let ["models", _, ..] = parts.as_slice() {
        parts.splice(..2, ["rules"]);
    }
    let parts: Vec<&str> = match parts.as_slice() {
        ["rules", "triggers", _, rest @ ..] => [&["trigger"], rest].concat(),
        ["rules", "trigger_defaults", rest @ ..] => [&["trigger"], rest].concat(),
        ["sources", _, "topic", _, rest @ ..] => [&["topic"], rest].concat(),
        ["sources", _, rest @ ..] => [&["source"], rest].concat(),
        ["source_defaults", rest @ ..] => [&["source"], rest].concat(),
        ["workers", "exec", _, rest @ ..] => [&["exec"], rest].concat(),
        ["workers", "exec_defaults", rest @ ..] => [&["exec"], rest].concat(),
        ["router", "models", _, rest @ ..] => [&["routed"], rest].concat(),
        ["router", "model_defaults", rest @ ..] => [&["routed"], rest].concat(),
        other => other.to_vec(),
    };
    match parts.as_slice() {
        [kind, table @ ("fields" | "constants" | "versions" | "weights_percent"), ..] => {
            format!("{kind}.{table}")
        }
        other => other.join("."),
    }
}

#[test]
fn every_key_has_a_comment_of_its_own() {
    let lines: Vec<&str> = DEFAULTS.lines().collect();
    let mut keys = 0;
    for pair in lines.windows(2) {
        if let Some(key) = key(pair[1]) {
            assert!(pair[0].starts_with("# "), "{key} has no comment above it");
            keys += 1;
        }
    }
    assert!(keys > 100, "{keys} keys found");
}

#[test]
fn every_setting_there_is_stands_in_the_file() {
    // With every commented-out key set, nothing is left that could be set: no field of the raw
    // structs is missing. That none is too many, the reading itself refuses.
    let all: String = DEFAULTS
        .lines()
        .filter(|line| {
            let beside = ["token_file", "file", "tolerance_relative_percent", "telemetry"];
            !key(line).is_some_and(|key| beside.contains(&key))
        })
        .map(|line| match line.strip_prefix('#') {
            Some(rest) if key(line).is_some() || rest.starts_with('[') => format!("{rest}\n"),
            Some(_) | None => format!("{line}\n"),
        })
        .collect();
    let report = load(&all).report();
    let (mut set, mut unset) = (BTreeSet::new(), BTreeSet::new());
    leaves(&report.settings, "", false, &mut set);
    leaves(&report.settings, "", true, &mut unset);
    let never: Vec<&String> = unset.difference(&set).collect();
    // These are in the file, and cannot be set together with others that are.
    let expected = [
        "http.token_file",
        "router.telemetry",
        "trigger.tolerance_relative_percent",
        "workers.registry.shape.production.holds",
    ];
    assert_eq!(never, expected);
    let written = ["#token_file = ", "#telemetry = ", "#tolerance_relative_percent = ", "holds = "];
    for alternative in written {
        assert!(DEFAULTS.contains(alternative));
    }
}

#[test]
fn the_code_holds_no_default() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/config");
    let files: Vec<PathBuf> =
        std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    // A mapping is optional in all its parts, and read from presets, too.
    let files: Vec<_> = files.into_iter().filter(|path| path.is_file()).collect();
    assert!(files.len() > 5);
    for file in files {
        let text = std::fs::read_to_string(&file).unwrap();
        assert!(!text.contains("serde(default"), "{}", file.display());
        assert!(!text.contains("impl Default"), "{}", file.display());
    }
}

#[test]
fn the_shipped_rules_are_these() {
    let config = Config::load(&[], &BTreeMap::new()).unwrap();
    let rules = &config.rules.default;
    assert_eq!(config.rules.namespace.as_str(), "default");
    assert_eq!((rules.mode, rules.budget.false_rollbacks), (Mode::Observe, 1.0));
    assert_eq!(rules.budget.period, Span::from_s(90 * 86_400));
    let (hour, minute) = (Span::from_s(3600), Span::from_s(60));
    let drift = Statistic::Window { window: Span::from_s(12 * 3600), breaches: 1 };
    let wanted = [
        ("worse-than-reference", Signal::Accuracy, Limit::Paired(0.02), hour, 2.0, 0.25),
        (
            "accuracy-drop",
            Signal::Accuracy,
            Limit::Baseline(Tolerance::Points(0.05)),
            hour,
            6.0,
            0.25,
        ),
        ("error-rate", Signal::ErrorRate, Limit::Rate(0.1), minute, 2.0, 0.25),
        (
            "mean-latency",
            Signal::Latency,
            Limit::MeanMs { limit: 2000.0, timeout: 60_000.0 },
            minute,
            2.0,
            0.25,
        ),
        (
            "feature-drift",
            Signal::FeatureDrift,
            Limit::Psi { limit: 0.25, bins: 10, learn: 5000 },
            hour,
            1.0,
            0.0,
        ),
    ];
    assert_eq!(rules.triggers.len(), wanted.len());
    for (trigger, (id, signal, limit, bucket, effect, weight)) in rules.triggers.iter().zip(wanted)
    {
        assert_eq!(trigger.id.as_str(), id);
        let alert = signal == Signal::FeatureDrift;
        assert_eq!(
            (trigger.signal, trigger.limit, trigger.bucket),
            (signal, limit, bucket),
            "{id}"
        );
        assert_eq!((trigger.design_effect, trigger.weight), (effect, weight), "{id}");
        assert_eq!(trigger.completeness, 0.8, "{id}");
        assert_eq!(trigger.statistic, if alert { drift } else { Statistic::EDetector }, "{id}");
        assert_eq!(trigger.action, if alert { Action::Alert } else { Action::Rollback }, "{id}");
        assert_eq!(trigger.provisional, bucket == minute, "{id}");
        assert!(!trigger.act_without_reference && trigger.mode.is_none(), "{id}");
    }
    let plan: Vec<&str> = rules.targets.iter().map(|target| target.id.as_str()).collect();
    assert_eq!(plan, ["notice"]);
    let [source] = config.settings.sources.as_slice() else { panic!("not one source") };
    assert_eq!((source.pane, source.label_horizon), (Span::from_s(10), Span::from_s(48 * 3600)));
    assert_eq!(source.unknown_models, UnknownModels::Learn);
    assert_eq!(source.limits, NameLimits { models: 1000, versions: 100, features: 500 });
    assert_eq!(config.rules.limits, source.limits, "a shard counts for itself");
    assert_eq!(source.topics[0].mapping, None);
}

#[test]
fn each_trigger_has_its_literal_form_in_one_line() {
    let mut text = String::new();
    for id in ["worse-than-reference", "accuracy-drop", "error-rate", "mean-latency"] {
        text.push_str(&format!("[rules.triggers.{id}]\nrule = \"window\"\n"));
    }
    let config = load(&text);
    for trigger in &config.rules.default.triggers {
        assert!(matches!(trigger.statistic, Statistic::Window { .. }), "{}", trigger.id);
        assert_eq!(trigger.weight, 0.0, "{}: a rule without promise has no share", trigger.id);
    }
}

#[test]
fn layers_lie_over_each_other() {
    let folder = tempfile::tempdir().unwrap();
    let files = ["one", "two"].map(|name| folder.path().join(name));
    std::fs::write(&files[0], "[rules]\nmode = \"act\"\n[rules.policy]\nmax_rollbacks = 1\n")
        .unwrap();
    std::fs::write(
        &files[1],
        "[rules.policy]\nmax_rollbacks = 2\n\
         [rules.triggers.error-rate]\nlimit_percent = 7\n\
         [models.Big.triggers.error-rate]\nlimit_percent = 2\nweight = 0.4\n\
         [workers.registry]\npath = \"r.json\"\n\
         [workers.exec.lamp]\nprobe = [\"p\"]\nact = [\"a\"]\nstage = \"traffic\"\n\
         models = [\"big2\"]\n",
    )
    .unwrap();
    let environment = BTreeMap::from(
        [
            ("RIPCORD__MODELS__BIG__TRIGGERS__ERROR_RATE__BUCKET_SECONDS", "120"),
            ("RIPCORD__SOURCES__TELEMETRY__TOPICS", "[\"b\", \"a\"]"),
            ("RIPCORD__NAMESPACE", "prod"),
            ("RIPCORD_TOKEN", "hush-hush-hush-hush"),
            ("PATH", "/bin"),
        ]
        .map(|(name, value)| (name.to_owned(), value.to_owned())),
    );
    let config = Config::load(&files, &environment).unwrap();
    let rules = &config.rules.default;
    assert_eq!((rules.mode, rules.policy.max_rollbacks), (Mode::Act, 2));
    assert_eq!(rules.triggers[2].limit, Limit::Rate(0.07));
    let big = config.rules.of(&"Big".parse().unwrap());
    assert_eq!((big.mode, big.triggers[2].limit), (Mode::Act, Limit::Rate(0.02)));
    assert_eq!(big.triggers[2].bucket, Span::from_s(120));
    let weights: Vec<f64> = big.triggers.iter().map(|trigger| trigger.weight).collect();
    assert_eq!(weights, [0.6 / 3.0, 0.6 / 3.0, 0.4, 0.6 / 3.0, 0.0]);
    let plan = |model: &str| {
        let rules = config.rules.of(&model.parse().unwrap());
        rules.targets.iter().map(|target| target.id.to_string()).collect::<Vec<_>>().join(" ")
    };
    assert_eq!(plan("Big"), "registry notice");
    assert_eq!(plan("big2"), "lamp registry notice");
    let topics: Vec<&str> =
        config.settings.sources[0].topics.iter().map(|topic| topic.name.as_str()).collect();
    assert_eq!(topics, ["b", "a"]);
    assert_eq!(config.rules.namespace.as_str(), "prod");
    assert_eq!(config.settings.http.token.as_ref().unwrap().expose(), "hush-hush-hush-hush");
    assert!(!format!("{config:?}").contains("hush"));
}

#[test]
fn fences_of_programs_stand_with_the_log_unless_told_otherwise() {
    let exec = "[workers.exec.a]\nprobe = [\"p\"]\nact = [\"a\"]\n";
    for (text, place) in [
        ("", "ripcord-data"),
        ("[log]\nfolder = \"elsewhere\"\n", "elsewhere"),
        ("[workers.exec_defaults]\nfence_folder = \"all\"\n", "all"),
        ("[workers.exec.a]\nfence_folder = \"own\"\n", "own"),
    ] {
        let own = text.strip_prefix("[workers.exec.a]\n");
        let text = own.map_or_else(|| format!("{text}{exec}"), |own| format!("{exec}{own}"));
        let exec = &load(&text).settings.workers.exec[0];
        assert_eq!(exec.fence_folder, Path::new(place), "{text}");
    }
}

#[test]
fn the_hash_is_of_the_rules_alone() {
    let hash = |text: &str| load(text).rules.hash;
    assert_eq!(hash(""), hash("[http]\nlisten = \"127.0.0.1:1\""));
    assert_eq!(hash(""), hash("[rules.triggers.error-rate]\nlimit_percent = 10"));
    assert_ne!(hash(""), hash("[rules.triggers.error-rate]\nlimit_percent = 11"));
    let mut rules = load("").rules;
    rules.revision = 7;
    (rules.by, rules.reason) = (Some("ada".to_owned()), Some("why".to_owned()));
    assert_eq!(ripcord::config::rules_hash(&rules), rules.hash);
    assert_eq!(rules.hash.len(), 64);
}

#[test]
fn the_report_says_it_in_words_and_keeps_secrets() {
    let report = load(
        "[workers.notice]\nwebhook_url = \"https://hooks.example.org/s3cret\"\n\
         [rules.triggers.mean-latency]\nrule = \"window\"\nmode = \"recommend\"\n\
         [rules.triggers.worse-than-reference]\nweight = 0.5\n",
    )
    .report();
    let text = serde_json::to_string(&report).unwrap();
    assert!(!text.contains("s3cret"), "{text}");
    assert_eq!(
        report.rules[0].triggers,
        [
            "worse-than-reference: accuracy is more than 2 points below another version's on the \
             same requests; at most one false rollback per 180 days of steady traffic, so it \
             fires at odds of 4,320 over buckets of 1 h",
            "accuracy-drop: accuracy is more than 5 points below its baseline; at most one false \
             rollback per 360 days of steady traffic, so it fires at odds of 8,640 over \
             buckets of 1 h",
            "error-rate: more than 10 % of predictions fail; at most one false rollback per 360 \
             days of steady traffic, so it fires at odds of 518,400 over buckets of 1 min",
            "mean-latency: answers take more than 2,000 ms on average, each counted as 60,000 ms \
             at most over the last 5 min, 3 buckets of 1 min in a row; rollback, with no bound on \
             false alarms; at most recommend",
            "feature-drift: the population stability index of a feature is above 0.25, on 10 bins \
             learned from 5,000 samples over the last 12 h, 1 bucket of 1 h in a row; alert, with \
             no bound on false alarms",
        ]
    );
    let page = report.to_string();
    assert!(page.contains("every other model: mode observe\n  worse-than-reference: "), "{page}");
    assert!(page.ends_with("a rollback asks: notice\n"), "{page}");
}
