//! What cannot be is refused: with its place, its value, who wrote it, and what would do.
//!
//! Over 300 lines: one table of settings and refusals.
#![expect(clippy::unwrap_used, reason = "helpers of tests may, as tests may")]

use std::collections::BTreeMap;

use ripcord::config::Config;

/// The problems of a file `my.toml` with this text, without the folder's name.
fn problems(text: &str, environment: &[(&str, &str)]) -> Vec<String> {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("my.toml");
    std::fs::write(&file, text).unwrap();
    let environment =
        environment.iter().map(|&(name, value)| (name.to_owned(), value.to_owned())).collect();
    let name = file.display().to_string();
    let refused = Config::load(&[file], &environment).err();
    let problems = refused.iter().flat_map(|refused| &refused.problems);
    problems.map(|problem| problem.to_string().replace(&name, "my.toml")).collect()
}

/// A file, and the one problem that it has.
const REFUSALS: &[(&str, &str)] = &[
    // Keys.
    (
        "[rules.triggers.error-rate]\nlimit_percnt = 5",
        "rules.triggers.error-rate.limit_percnt = 5 in my.toml: unknown key; did you mean \
             limit_percent?",
    ),
    ("[rulez]\nmode = \"act\"", "rulez in my.toml: unknown key; did you mean rules?"),
    (
        "[log]\ncolour = 1",
        "log.colour = 1 in my.toml: unknown key; the keys of log are kind, folder, shards, \
             telemetry_lanes, retention_days",
    ),
    (
        "[models.a.policy]\nmax_rollback = 1",
        "models.a.policy.max_rollback = 1 in my.toml: unknown key; did you mean max_rollbacks?",
    ),
    (
        "[rules.triggers.mine]\norder = 9\nsignal = \"error-rate\"\nbucket_seconds = 60",
        "rules.triggers.mine.limit_percent: missing; the trigger's signal needs it",
    ),
    (
        "[rules.triggers.mine]\norder = 9",
        "rules.triggers.mine.signal: missing; add it, as the shipped config.toml shows",
    ),
    // Kinds of values.
    ("[log]\nshards = -1", "log.shards = -1 in my.toml: must be a whole number, 0 or more"),
    ("[log]\nshards = 2.5", "log.shards = 2.5 in my.toml: must be a whole number, 0 or more"),
    ("[log]\nshards = \"8\"", "log.shards = \"8\" in my.toml: must be a whole number, 0 or more"),
    ("[log]\nfolder = 7", "log.folder = 7 in my.toml: must be a quoted string"),
    ("log = 7", "log = 7 in my.toml: must be a table of keys"),
    (
        "[rules]\nmode = \"observ\"",
        "rules.mode = \"observ\" in my.toml: unknown value; did you mean \"observe\"? Expected \
             one of observe, recommend, act",
    ),
    (
        "[rules]\nmode = \"sleep\"",
        "rules.mode = \"sleep\" in my.toml: unknown value; expected one of observe, recommend, act",
    ),
    (
        "[rules.triggers.error-rate]\nlimit_percent = nan",
        "rules.triggers.error-rate.limit_percent = \"NaN\" in my.toml: must be a number",
    ),
    // Ranges.
    (
        "[rules.triggers.error-rate]\nlimit_percent = 140",
        "rules.triggers.error-rate.limit_percent = 140 in my.toml: must be between 0 and 100 %",
    ),
    (
        "[rules.budget]\nfalse_rollbacks = 1000\nperiod_days = 1",
        "rules.budget.false_rollbacks = 1000 in my.toml: allows worse-than-reference a false \
             alarm more often than every 10 buckets; set at most 9.6 for this period",
    ),
    (
        "[rules.budget]\nfalse_rollbacks = 0",
        "rules.budget.false_rollbacks = 0 in my.toml: must be above 0 and at most 1000",
    ),
    (
        "[ingest]\nmax_models = 50001",
        "ingest.max_models = 50001 in my.toml: must be between 1 and 50000",
    ),
    (
        "[ingest]\nmax_versions = 0",
        "ingest.max_versions = 0 in my.toml: must be between 1 and 10000",
    ),
    ("[log]\nshards = 0", "log.shards = 0 in my.toml: must be between 1 and 1024"),
    (
        "[rules.trigger_defaults]\ncompleteness = 1.5",
        "rules.trigger_defaults.completeness = 1.5 in my.toml: must be between 0 and 1",
    ),
    (
        "[rules.triggers.accuracy-drop]\ndesign_effect = 0.5",
        "rules.triggers.accuracy-drop.design_effect = 0.5 in my.toml: must be between 1 and 1000",
    ),
    (
        "[rules.triggers.mean-latency]\ntimeout_milliseconds = 1000",
        "rules.triggers.mean-latency.timeout_milliseconds = 1000 in my.toml: must be above 2000 \
             and at most 60000",
    ),
    // What does not go together.
    (
        "[rules.triggers.error-rate]\nbucket_seconds = 65",
        "rules.triggers.error-rate.bucket_seconds = 65 in my.toml: must be a multiple of every \
             source's pane of 10 s",
    ),
    (
        "[rules.triggers.feature-drift]\nwindow_minutes = 90",
        "rules.triggers.feature-drift.window_minutes = 90 in my.toml: must be a multiple of the \
             trigger's bucket of 3600 s",
    ),
    (
        "[rules.triggers.feature-drift]\nrule = \"e-detector\"",
        "rules.triggers.feature-drift.rule = \"e-detector\" in my.toml: \
             feature-drift has no e-detector; write \"psi\"",
    ),
    (
        "[rules.triggers.error-rate]\nrule = \"psi\"",
        "rules.triggers.error-rate.rule = \"psi\" in my.toml: \"psi\" is for feature-drift \
             only; write \"e-detector\" or \"window\"",
    ),
    (
        "[rules.triggers.error-rate]\nlimit_psi = 0.1",
        "rules.triggers.error-rate.limit_psi = 0.1 in my.toml: does not fit the trigger's \
             signal, which takes limit_percent",
    ),
    (
        "[rules.triggers.accuracy-drop]\ntolerance_points = 5\ntolerance_relative_percent = 5",
        "rules.triggers.accuracy-drop.tolerance_points = 5 in my.toml: \
             tolerance_relative_percent is also set; keep one of the two",
    ),
    (
        "[rules.triggers.worse-than-reference]\ntolerance_relative_percent = 5",
        "rules.triggers.worse-than-reference.tolerance_relative_percent = 5 in my.toml: needs a \
             baseline, which a paired comparison does not have; use tolerance_points",
    ),
    (
        "[rules.triggers.error-rate]\norder = 4",
        "rules.triggers.mean-latency.order = 4 in the shipped config.toml: error-rate has this \
             order too; give each trigger its own",
    ),
    (
        "[rules.triggers.error-rate]\nweight = 0.7\n[rules.triggers.mean-latency]\nweight = 0.5",
        "rules.triggers: the weights add up to 1.2; lower them to at most 1 in all",
    ),
    (
        "[rules.triggers.error-rate]\nweight = 1.0",
        "rules.triggers: the weights leave nothing for the triggers without one; lower them, or \
             give every trigger a weight",
    ),
    (
        "[rules.policy]\nanswer_within_seconds = 600",
        "rules.policy.answer_within_seconds = 600 in my.toml: must be shorter than the time \
             after which a command expires, so that it can be sent again",
    ),
    // What models inherit is reported where it was written, once.
    (
        "[rules.policy]\nmax_rollbacks = 0\n[models.a]\nmode = \"act\"\n[models.b]",
        "rules.policy.max_rollbacks = 0 in my.toml: must be between 1 and 1000",
    ),
    (
        "[models.\"a.b\".budget]\nperiod_days = 0",
        "models.\"a.b\".budget.period_days = 0 in my.toml: must be between 1 and 3650 days",
    ),
    // Sources.
    (
        "[sources.a]\ntopics = [\"telemetry\"]",
        "sources.telemetry.topics = [\"telemetry\"] in the shipped config.toml: source a \
             already reads \"telemetry\"; list each topic once",
    ),
    (
        "[sources.a]\ntopics = []",
        "sources.a.topics = [] in my.toml: lists no topic; add one, or set enabled = false",
    ),
    (
        "[sources.telemetry]\nfields = { id = \"prediction_id\" }",
        "sources.telemetry.fields.id = \"prediction_id\" in my.toml: \"prediction_id\" does not \
             name a place in a record; write a JSON pointer such as \"/prediction_id\" (~ as ~0, \
             / as ~1), \"./prediction_id\" in an element of each, or \"header:name\", \
             \"ce:name\", \"key\", \"topic\", \"log-time\" or \"none\"",
    ),
    (
        "[sources.telemetry.fields]\nts = { from = \"/t\", units = \"s\" }",
        "sources.telemetry.fields.ts.units = \"s\" in my.toml: there is no such key; did you mean \
             unit?",
    ),
    (
        "[sources.telemetry.fields]\nts = { from = \"/t\", unit = \"sec\" }",
        "sources.telemetry.fields.ts.unit = \"sec\" in my.toml: \"sec\" is unknown; write one of \
             s, ms, us, ns",
    ),
    (
        "[sources.telemetry.fields]\nts = { from = \"/t\", zone = \"Berlin\" }",
        "sources.telemetry.fields.ts.zone = \"Berlin\" in my.toml: \"Berlin\" is no time zone; \
             write a name such as \"Europe/Berlin\" or \"UTC\"",
    ),
    (
        "[sources.telemetry.fields]\nid = { from = \"/t\", zone = \"UTC\" }",
        "sources.telemetry.fields.id.zone = \"UTC\" in my.toml: belongs to ts",
    ),
    (
        "[sources.telemetry.fields]\nstatus = { from = \"/s\", values = { \"599-200\" = \"error\" \
             } }",
        "sources.telemetry.fields.status.values in my.toml: \"599-200\" is no range; write the \
             smaller number first",
    ),
    (
        "[sources.telemetry.fields]\nstatus = { values = { \"*\" = \"error\" } }",
        "sources.telemetry.fields.status in my.toml: needs from: the place of the value",
    ),
    (
        "[sources.telemetry.fields]\nprediction = { from = \"/p\", names = [\"a\"] }",
        "sources.telemetry.fields.prediction.names = [\"a\"] in my.toml: needs as = \"argmax\": \
             the name of the largest",
    ),
    (
        "[sources.telemetry]\ndialect = \"kserv\"",
        "sources.telemetry.dialect = \"kserv\" in my.toml: \"kserv\" is unknown; did you mean \
             \"kserve\"?",
    ),
    (
        "[sources.telemetry]\npair = { by = \"/id\", within_seconds = 4000, missing = \"error\" }",
        "sources.telemetry.pair.within_seconds = 4000 in my.toml: write whole seconds from 1 to \
             3600",
    ),
    (
        "[sources.telemetry]\neach = \"/rows/*\"",
        "sources.telemetry.each = \"/rows/*\" in my.toml: \"/rows/*\": each goes through the list \
             by itself; leave out the last /*",
    ),
    (
        "[sources.telemetry]\npath = \"{modell}/*.jsonl\"",
        "sources.telemetry.path = \"{modell}/*.jsonl\" in my.toml: {modell} is no field of a \
             sample; write {model}, {version} or another field, or {year}, {month}, {day}, {hour}, \
             {minute}",
    ),
    (
        "[sources.telemetry]\nonly = { \"kind\" = \"chat\" }",
        "sources.telemetry.only.kind = \"chat\" in my.toml: \"kind\" does not name a place in a \
             record; write a JSON pointer such as \"/kind\" (~ as ~0, / as ~1), \"./kind\" in an \
             element of each, or \"header:name\", \"ce:name\", \"key\", \"topic\", \"log-time\" or \
             \"none\"",
    ),
    (
        "[sources.telemetry.topic.\"telemetry\"]\nenvelope = \"avro\"",
        "sources.telemetry.topic.telemetry.envelope = \"avro\" in my.toml: \"avro\" is unknown; \
             write \"cloudevents\" or \"none\"",
    ),
    (
        "[sources.telemetry]\nfields = { id = \"/a\" }\nconstants = { id = 1 }",
        "sources.telemetry.fields.id = \"/a\" in my.toml: is also set in constants; keep one of \
             the two",
    ),
    (
        "[sources.telemetry.topic.other]\ntype = \"outcome\"",
        "sources.telemetry.topic.other in my.toml: \"other\" is not one of this source's \
             topics; add it to topics",
    ),
    (
        "[source_defaults]\noldest = \"yesterday\"",
        "source_defaults.oldest = \"yesterday\" in my.toml: \"yesterday\" is not a time; write \
             RFC 3339, such as 2013-06-20T06:00:00Z",
    ),
    (
        "[log]\nretention_days = 2",
        "log.retention_days = 2 in my.toml: must be at least a day more than the longest label \
             horizon, which is 48 hours",
    ),
    // Settings.
    (
        "namespace = \"a.b\"",
        "namespace = \"a.b\" in my.toml: use 1 to 64 letters, digits, - and _, since it is part \
             of topic names",
    ),
    (
        "[http]\nlisten = \"localhost\"",
        "http.listen = \"localhost\" in my.toml: must be an address and a port, such as \
             127.0.0.1:7700",
    ),
    (
        "[http]\nlisten = \"0.0.0.0:7700\"",
        "http.listen = \"0.0.0.0:7700\" in my.toml: this address can be reached from other \
             machines and needs a token; set the variable RIPCORD_TOKEN, http.token_file or \
             [[http.tokens]], or \
             listen on 127.0.0.1",
    ),
    (
        "[kafka]\nbrokers = \"kafka-1\"",
        "kafka.brokers = \"kafka-1\" in my.toml: \"kafka-1\" is not a broker address; write \
             host:port, separated by commas, such as \"kafka-1:9092,kafka-2:9092\"",
    ),
    (
        "[kafka]\nbrokers = \"a:1,,b:2\"",
        "kafka.brokers = \"a:1,,b:2\" in my.toml: \"\" is not a broker address; write \
             host:port, separated by commas, such as \"kafka-1:9092,kafka-2:9092\"",
    ),
    (
        "[kafka]\ninstance = \"a b\"",
        "kafka.instance = \"a b\" in my.toml: use 1 to 128 letters, digits, ., _ and -",
    ),
    (
        "[kafka]\ngroup_protocol = \"consumers\"",
        "kafka.group_protocol = \"consumers\" in my.toml: unknown value; did you mean \
             \"consumer\"? Expected one of classic, consumer",
    ),
    ("[kafka]\nreplication = 0", "kafka.replication = 0 in my.toml: must be between 1 and 64"),
    (
        "[kafka.properties]\n\"group.instance.id\" = \"a\"",
        "kafka.properties.\"group.instance.id\" = \"a\" in my.toml: Ripcord sets this property \
             itself: set kafka.instance instead",
    ),
    (
        "[kafka.properties]\nisolation.level = \"read_uncommitted\"",
        "kafka.properties.\"isolation.level\" = \"read_uncommitted\" in my.toml: Ripcord sets \
             this property itself: only committed outputs may be read; remove it",
    ),
    (
        "[kafka.properties]\n\"client.rack\" = [\"a\"]",
        "kafka.properties.\"client.rack\" = [\"a\"] in my.toml: must be a quoted string, a \
             number, true or false",
    ),
    (
        "[kafka.properties]\n\"sasl.password\" = [\"hush\"]",
        "kafka.properties.\"sasl.password\" = … in my.toml: must be a quoted string, a number, \
             true or false",
    ),
    ("kafka.properties = \"hush\"", "kafka.properties = … in my.toml: must be a table of keys"),
    (
        "[kafka.properties]\n\"sasl.password\" = \"hush\"\n\
         [kafka.properties_from_env]\n\"sasl.password\" = \"SECRET\"",
        "kafka.properties_from_env.\"sasl.password\" = \"SECRET\" in my.toml: is also set in \
             kafka.properties; keep one of the two",
    ),
    (
        "log.kind = \"kafka\"\n[kafka.properties_from_env]\n\"sasl.password\" = \"NOT_SET\"",
        "kafka.properties_from_env.\"sasl.password\" = \"NOT_SET\" in my.toml: names a variable \
             that is unset or empty; set it",
    ),
    // A secret that is pasted where its name or its file belongs.
    (
        "log.kind = \"kafka\"\n[kafka.properties_from_env]\n\"sasl.password\" = \"s3cr3t!\"",
        "kafka.properties_from_env.\"sasl.password\" = … in my.toml: must be the name of an \
             environment variable, not the secret itself; put the secret into a variable and write \
             its name here",
    ),
    (
        "log.kind = \"kafka\"\n[kafka.properties_from_env]\n\"sasl.password\" = \"hunter2\"",
        "kafka.properties_from_env.\"sasl.password\" = … in my.toml: names a variable that is \
             unset or empty. If this is the secret itself, put it into a variable and write the \
             variable's name here",
    ),
    (
        "log.kind = \"kafka\"\n[kafka.properties_from_file]\n\"sasl.password\" = \"hunter2\"",
        "kafka.properties_from_file.\"sasl.password\" = … in my.toml: cannot be read. It must be \
             the path of a file, not the secret itself; put the secret into a file and write its \
             path here, beginning with / or ./",
    ),
    (
        "[http]\ntoken_env = \"a token\"",
        "http.token_env = … in my.toml: must be the name of an environment variable, not the \
             secret itself; put the secret into a variable and write its name here",
    ),
    (
        "[kafka]\ninstruction_keys_env = \"a:AAECAwQF\"",
        "kafka.instruction_keys_env = … in my.toml: must be the name of an environment variable, \
             not the secret itself; put the secret into a variable and write its name here",
    ),
    (
        "[kafka]\ninstruction_keys_env = \"AAECAwQFq\"",
        "kafka.instruction_keys_env = … in my.toml: names a variable that is unset or empty. If \
             this is the secret itself, put it into a variable and write the variable's name here",
    ),
    (
        "[http]\ntoken_file = \"a token\"",
        "http.token_file = … in my.toml: cannot be read. It must be the path of a file, not the \
             secret itself; put the secret into a file and write its path here, beginning with / \
             or ./",
    ),
    (
        "[workers.notice]\nwebhook_secret_env = \"whsec_abc+/=\"",
        "workers.notice.webhook_secret_env = … in my.toml: must be the name of an environment \
             variable, not the secret itself; put the secret into a variable and write its name \
             here",
    ),
    (
        "log.kind = \"kafka\"\n[kafka.properties_from_file]\n\"ssl.key.pem\" = \"/no/key\"",
        "kafka.properties_from_file.\"ssl.key.pem\" = \"/no/key\" in my.toml: cannot be read: \
             No such file or directory (os error 2)",
    ),
    (
        "[ingest]\nheartbeat_milliseconds = 20000",
        "ingest.heartbeat_milliseconds = 20000 in my.toml: must be at most half of \
             rules.policy.stall_after_seconds, or healthy lanes count as stalled",
    ),
    // The shape of a registry.
    (
        "[workers.registry.shape]\nentries = \"models\"\nname = \"./n\"\nversion = \"./v\"",
        "workers.registry.shape.entries = \"models\" in my.toml: does not name a place in the \
             document; write \"/models\", \"/*/versions\", or \"\" if the document is the list",
    ),
    (
        "[workers.registry.shape]\nentries = \"\"\nversion = \"./v\"",
        "workers.registry.shape.name: is missing; say where the model's name is, such as \
             \"./name\", or set default_name",
    ),
    (
        "[workers.registry.shape]\nname = \"./n\"\nentries = \"\"",
        "workers.registry.shape.version: is missing; say where it is, such as \"./version\"",
    ),
    (
        "[workers.registry.shape]\nname = \"*\"\nentries = \"/m\"\nversion = \"key\"",
        "workers.registry.shape.name = \"*\" in my.toml: needs a * in entries",
    ),
    (
        "[workers.registry.shape]\nname = \"./n\"\nversion = \"key\"",
        "workers.registry.shape.version = \"key\" in my.toml: needs entries: the document has no \
             key",
    ),
    (
        "[workers.registry.shape]\nentries = \"/*/v\"\nname = \"/a/*/n\"\nversion = \"key\"",
        "workers.registry.shape.name = \"/a/*/n\" in my.toml: has a *; begin it like entries, up \
             to its only *",
    ),
    (
        "[workers.registry.shape]\nentries = \"\"\nname = \"./n\"\nversion = \"./v\"\n\
         production = { at = \"./s\" }",
        "workers.registry.shape.production in my.toml: needs either is, the value that marks an \
             entry, or holds, what of the production version is there",
    ),
    (
        "[workers.registry.shape]\nentries = \"\"\nname = \"./n\"\nversion = \"./v\"\n\
         production = { at = \"./s\", holds = \"./v\" }",
        "workers.registry.shape.production.at = \"./s\" in my.toml: must begin with / if holds is \
             set",
    ),
    (
        "[workers.registry.shape]\nentries = \"\"\nname = \"./n\"\nversion = \"./v\"\n\
         production = { at = \"/s\", is = true }",
        "workers.registry.shape.production.at = \"/s\" in my.toml: must begin with ./ if is is set",
    ),
    (
        "[workers.registry.shape]\nentries = \"\"\nname = \"./n\"\nversion = \"./v\"\n\
         several_in_production = \"newest\"\nproduction = { at = \"./s\", is = \"live\" }",
        "workers.registry.shape.production.former: is missing; with several_in_production, say \
             what the former version gets",
    ),
    (
        "[workers.registry.shape]\nseveral_in_production = \"last\"",
        "workers.registry.shape.several_in_production = \"last\" in my.toml: unknown value; \
             expected one of newest",
    ),
    (
        "[workers.exec.registry]\nprobe = [\"p\"]\nact = [\"a\"]",
        "workers.exec.registry in my.toml: is the name of a built-in worker; choose another",
    ),
    (
        "[workers.exec.x]\nprobe = []\nact = [\"a\"]",
        "workers.exec.x.probe = [] in my.toml: names no program; write [\"program\", \"argument\"]",
    ),
    (
        "[workers.exec.x]\nprobe = [\"p\"]\nact = [\"a\"]\nfence_folder = \"\"",
        "workers.exec.x.fence_folder = \"\" in my.toml: must not be empty; give a folder",
    ),
    (
        "[workers.notice]\nwebhook_url = \"hooks.example.org/s3cret\"",
        "workers.notice.webhook_url = … in my.toml: must begin with https:// or http://",
    ),
];

#[test]
fn one_problem_one_sentence() {
    let mut wrong = Vec::new();
    for &(text, want) in REFUSALS {
        let got = problems(text, &[]);
        if got != [want] {
            wrong.push(format!("{text}\n   got {got:?}\n  want {want:?}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n\n"));
}

#[test]
fn all_problems_come_at_once() {
    let text = "nonsense = 1\n[log]\nshards = \"x\"\nkind = \"cloud\"\n\
                [rules.triggers.error-rate]\nlimit_percent = 140\n[models.a]\nmode = \"no\"";
    assert_eq!(
        problems(text, &[]),
        [
            "log.kind = \"cloud\" in my.toml: unknown value; expected one of local, kafka",
            "log.shards = \"x\" in my.toml: must be a whole number, 0 or more",
            "models.a.mode = \"no\" in my.toml: unknown value; \
             expected one of observe, recommend, act",
            "nonsense = 1 in my.toml: unknown key; the keys at the top level are namespace, log, \
             kafka, http, metrics, ingest, source_defaults, sources, rules, models, workers, \
             router",
            "rules.triggers.error-rate.limit_percent = 140 in my.toml: must be between 0 and 100 %",
        ]
    );
}

#[test]
fn a_variable_is_named_as_it_is_written() {
    for (name, value, want) in [
        (
            "RIPCORD__RULES__TRIGGERS__ERROR_RATE__LIMIT_PERCENT",
            "140",
            "rules.triggers.error-rate.limit_percent = 140 in \
             RIPCORD__RULES__TRIGGERS__ERROR_RATE__LIMIT_PERCENT: \
             must be between 0 and 100 %",
        ),
        (
            "RIPCORD__RULES__MOD",
            "act",
            "rules.mod = \"act\" in RIPCORD__RULES__MOD: \
             unknown key; did you mean mode?",
        ),
        (
            "RIPCORD__LOG__SHARDS",
            "many",
            "log.shards = \"many\" in RIPCORD__LOG__SHARDS: must be a whole number, 0 or more",
        ),
    ] {
        assert_eq!(problems("", &[(name, value)]), [want]);
    }
}

#[test]
fn a_file_that_is_no_toml_says_where() {
    let [problem] = problems("[log\nshards = 1", &[]).try_into().unwrap();
    assert!(problem.contains("my.toml"), "{problem}");
    assert!(problem.contains("line 1"), "{problem}");
    let missing = Config::load(&["no/such.toml".into()], &BTreeMap::new()).expect_err("missing");
    let text = missing.to_string();
    assert!(text.contains("in no/such.toml: cannot be read: No such file"), "{text}");
}

#[test]
fn tokens_stand_in_one_place() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("token");
    std::fs::write(&file, "hush-hush-hush-hush\n").unwrap();
    let text = format!("[http]\ntoken_file = {:?}", file.display().to_string());
    let both = problems(&text, &[("RIPCORD_TOKEN", "t0ken-t0ken-t0ken")]).join("\n");
    assert!(both.contains("the variable RIPCORD_TOKEN also holds a token; keep one"), "{both}");
    assert!(!both.contains("t0ken") && !both.contains("hush"), "{both}");
    for (token, why) in [
        ("two words, that is", "the token cannot be sent in an HTTP header"),
        ("gr\u{fc}n-gr\u{fc}n-gr\u{fc}n", "the token cannot be sent in an HTTP header"),
        ("tab\tbed-tab-tabbed", "the token cannot be sent in an HTTP header"),
        ("15-characters--", "the token has fewer than 16 characters"),
        ("", "the token is blank"),
        (" \t ", "the token is blank"),
    ] {
        let said = problems("", &[("RIPCORD_TOKEN", token)]).join("\n");
        assert!(said.contains(why), "{said}");
        assert!(token.trim().is_empty() || !said.contains(token), "{said}");
        std::fs::write(&file, token).unwrap();
        let said = problems(&text, &[]).join("\n");
        assert!(said.contains("http.token_file") && said.contains(why), "{said}");
    }
    let gone = problems("[http]\ntoken_file = \"/no/such/file\"", &[]).join("\n");
    assert!(gone.contains("http.token_file = \"/no/such/file\" in my.toml: cannot be read"));
}

#[test]
fn each_listed_token_has_a_name_a_role_and_one_hash() {
    const HASH: &str = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08";
    let token = |rest: &str| format!("[[http.tokens]]\n{rest}\n");
    let ada = token(&format!("name = \"ada\"\nrole = \"operator\"\nhash = \"{HASH}\""));
    assert_eq!(problems(&ada, &[]), Vec::<String>::new());
    let other = HASH.replace('9', "8");
    let empty = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
    for (text, why) in [
        (ada.replace("ada", ""), "use 1 to 64 letters"),
        (ada.replace("ada", "a b"), "use 1 to 64 letters"),
        (ada.replace("operator", "boss"), "expected one of"),
        (ada.replace(HASH, "abc"), "must be the SHA-256 of a token"),
        (ada.replace(HASH, empty), "must be the SHA-256 of a token"),
        (token("name = \"ada\"\nrole = \"viewer\""), "needs either a hash or a file"),
        (format!("{ada}file = \"f\""), "needs either a hash or a file"),
        (format!("{ada}{}", ada.replace(HASH, &other)), "another token has this name"),
        (format!("{ada}{}", ada.replace("ada", "bob")), "is the same token as that of ada"),
        (
            ada.replace("hash", "token"),
            "http.tokens.0.token = … in my.toml: unknown key; the keys of http.tokens.0 are name, \
             role, hash, file",
        ),
    ] {
        let said = problems(&text, &[]).join("\n");
        assert!(said.contains("http.tokens") && said.contains(why), "{text}: {said}");
        assert!(!said.contains(HASH) && !said.contains(&other), "{said}");
    }
    let admin = problems(&ada.replace("ada", "admin"), &[("RIPCORD_TOKEN", "t0ken-t0ken-t0ken")]);
    assert!(admin.join("\n").contains("another token has this name"), "{admin:?}");
    // Any of them opens the way from other machines, and none does not.
    let listen = "[http]\nlisten = \"0.0.0.0:7700\"\n";
    assert_eq!(problems(&format!("{listen}{ada}"), &[]), Vec::<String>::new());
    assert_eq!(problems(&format!("{listen}tokens = []"), &[]).len(), 1);
}

#[test]
fn tokens_are_read_with_their_roles_and_no_report_shows_them() {
    let folder = tempfile::tempdir().unwrap();
    let [file, settings] = ["token", "my.toml"].map(|name| folder.path().join(name));
    std::fs::write(&file, "hush-hush-hush-hush\n").unwrap();
    let hash = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08";
    let text = format!(
        "[[http.tokens]]\nname = \"vera\"\nrole = \"viewer\"\nhash = \"{hash}\"\n\
         [[http.tokens]]\nname = \"oscar\"\nrole = \"operator\"\nfile = {:?}\n",
        file.display().to_string()
    );
    std::fs::write(&settings, text).unwrap();
    let config = Config::load(&[settings], &BTreeMap::new()).unwrap();
    let http = &config.settings.http;
    let roles: Vec<_> = http.tokens.iter().map(|t| (t.name.as_str(), t.role.word())).collect();
    assert_eq!(roles, [("vera", "viewer"), ("oscar", "operator")]);
    assert_eq!(http.tokens[1].hash, ripcord::config::token_hash("hush-hush-hush-hush"));
    // The worker of the router shows the one that may switch traffic.
    assert_eq!(http.token.as_ref().unwrap().expose(), "hush-hush-hush-hush");
    let report = serde_json::to_string(&config.report()).unwrap();
    assert!(report.contains("vera") && !report.contains(hash), "{report}");
    assert!(!report.contains("hush-hush"), "{report}");
}

#[test]
fn a_secret_is_read_from_a_regular_file_and_one_that_all_can_read_is_told() {
    use std::os::unix::fs::{PermissionsExt, symlink};
    let folder = tempfile::tempdir().unwrap();
    symlink("circle", folder.path().join("circle")).unwrap();
    for (file, said) in [
        ("/dev/zero".to_owned(), "cannot be read: it is a device"),
        (folder.path().display().to_string(), "cannot be read: it is a directory"),
        (format!("{}/circle", folder.path().display()), "its symbolic links lead in a circle"),
    ] {
        for text in [
            format!("[http]\ntoken_file = {file:?}"),
            format!(
                "log.kind = \"kafka\"\n[kafka.properties_from_file]\n\"ssl.key.pem\" = {file:?}"
            ),
        ] {
            let refused = problems(&text, &[]).join("\n");
            assert!(refused.contains(said), "{text}\n{refused}");
        }
    }
    let token = folder.path().join("token");
    std::fs::write(&token, "secret-of-sixteen-characters").unwrap();
    let config = folder.path().join("my.toml");
    std::fs::write(&config, format!("[http]\ntoken_file = {:?}", token.display().to_string()))
        .unwrap();
    for (mode, exposed) in [(0o600, 0), (0o640, 0), (0o644, 1)] {
        std::fs::set_permissions(&token, std::fs::Permissions::from_mode(mode)).unwrap();
        let loaded = Config::load(std::slice::from_ref(&config), &BTreeMap::new()).unwrap();
        let settings: Vec<_> = loaded.settings.exposed.iter().map(|e| e.setting.as_str()).collect();
        assert_eq!(settings, ["http.token_file"][..exposed], "mode {mode:o}");
    }
}
