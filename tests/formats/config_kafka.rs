//! The settings of Kafka: what they come to, how variables write them, and that secrets stay.
#![expect(clippy::unwrap_used, reason = "helpers of tests may, as tests may")]

use std::collections::BTreeMap;
use std::path::Path;

use ripcord::config::{Config, GroupProtocol, KafkaSettings, LogKind, written_key};
use ripcord::model::Span;
use ripcord::show::{Screen, rules};

fn load(text: &str, environment: &[(&str, &str)]) -> Config {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("my.toml");
    std::fs::write(&file, text).unwrap();
    let environment =
        environment.iter().map(|&(name, value)| (name.to_owned(), value.to_owned())).collect();
    Config::load(&[file], &environment).unwrap_or_else(|refused| panic!("{refused}"))
}

fn kafka(config: &Config) -> &KafkaSettings {
    let LogKind::Kafka(kafka) = &config.settings.log.kind else { panic!("not Kafka") };
    kafka
}

fn map<const N: usize>(pairs: [(&str, &str); N]) -> BTreeMap<String, String> {
    pairs.map(|(name, value)| (name.to_owned(), value.to_owned())).into()
}

#[test]
fn what_is_shipped_is_one_broker_here() {
    let config = load("log.kind = \"kafka\"", &[]);
    let expected = KafkaSettings {
        brokers: "127.0.0.1:9092".to_owned(),
        instance: None,
        group_protocol: GroupProtocol::Classic,
        replication: None,
        retention: Span::from_s(30 * 86_400),
        longest_work: Span::from_s(300),
        properties: BTreeMap::new(),
        secrets: BTreeMap::new(),
    };
    assert_eq!(kafka(&config), &expected);
    assert_eq!(config.settings.log.folder, Path::new("ripcord-data"));
    assert_eq!(load("", &[]).settings.log.kind, LogKind::Local);
}

#[test]
fn every_setting_is_taken() {
    let config = load(
        "[log]\nkind = \"kafka\"\nretention_days = 7\nfolder = \"here\"\n\
         [kafka]\nbrokers = \"a:1, [::1]:2\"\ninstance = \"one\"\n\
         group_protocol = \"consumer\"\nreplication = 3\n\
         [kafka.properties]\n\"client.rack\" = \"r\"\nsocket.keepalive.enable = true\n\
         \"linger.ms\" = 5\n\
         [workers.exec.slow]\nprobe = [\"p\"]\nact = [\"a\"]\ntime_limit_seconds = 900\n",
        &[],
    );
    let kafka = kafka(&config);
    assert_eq!((kafka.brokers.as_str(), kafka.instance.as_deref()), ("a:1,[::1]:2", Some("one")));
    assert_eq!((kafka.group_protocol, kafka.replication), (GroupProtocol::Consumer, Some(3)));
    let (kept, longest) = (Span::from_s(7 * 86_400), Span::from_s(1860));
    assert_eq!((kafka.retention, kafka.longest_work), (kept, longest));
    let expected =
        map([("client.rack", "r"), ("linger.ms", "5"), ("socket.keepalive.enable", "true")]);
    assert_eq!(kafka.properties, expected);
    let fences = &config.settings.workers.exec[0].fence_folder;
    assert_eq!(fences, Path::new("here"), "what a worker did is remembered on Kafka too");
}

#[test]
fn variables_write_two_underscores_for_a_dot_and_win() {
    let text = "log.kind = \"kafka\"\n[kafka.properties]\n\"sasl.username\" = \"file\"\n\
                \"client.rack\" = \"file\"";
    let config = load(
        text,
        &[
            ("RIPCORD__KAFKA__BROKERS", "b:9092"),
            ("RIPCORD__KAFKA__PROPERTIES__SASL__USERNAME", "1e5"),
            ("RIPCORD__KAFKA__PROPERTIES__SECURITY__PROTOCOL", "SASL_SSL"),
            ("RIPCORD__KAFKA__PROPERTIES_FROM_ENV__SASL__PASSWORD", "PASS"),
            ("PASS", "007"),
        ],
    );
    let kafka = kafka(&config);
    assert_eq!(kafka.brokers, "b:9092");
    let expected =
        map([("client.rack", "file"), ("sasl.username", "1e5"), ("security.protocol", "SASL_SSL")]);
    assert_eq!(kafka.properties, expected);
    assert_eq!(kafka.secrets["sasl.password"].expose(), "007");
}

#[test]
fn secrets_come_from_three_places_and_are_never_shown() {
    let folder = tempfile::tempdir().unwrap();
    let key = folder.path().join("key.pem");
    std::fs::write(&key, "\n--- hush-file\n2nd line\n\n").unwrap();
    let text = format!(
        "log.kind = \"kafka\"\n\
         [kafka.properties]\nsasl.password = \"hush-plain\"\n\"sasl.username\" = \"ada\"\n\
         [kafka.properties_from_env]\n\"ssl.key.password\" = \"PASS\"\n\
         [kafka.properties_from_file]\n\"ssl.key.pem\" = {key:?}\n"
    );
    let config = load(&text, &[("PASS", "hush-variable")]);
    let kafka = kafka(&config);
    let secrets: Vec<_> =
        kafka.secrets.iter().map(|(name, secret)| (name.as_str(), secret.expose())).collect();
    assert_eq!(
        secrets,
        [
            ("sasl.password", "hush-plain"),
            ("ssl.key.password", "hush-variable"),
            ("ssl.key.pem", "--- hush-file\n2nd line"),
        ]
    );
    assert_eq!(kafka.properties, map([("sasl.username", "ada")]));
    let report = serde_json::to_string_pretty(&config.report()).unwrap();
    let words = rules(&config, Screen::new(false, None));
    for shown in [&report, &words, &format!("{config:?}")] {
        assert!(!shown.contains("hush"), "{shown}");
    }
    assert!(report.contains("\"sasl.password\": \"…\""), "{report}");
    assert!(report.contains("\"ssl.key.password\": \"PASS\""), "{report}");
}

#[test]
fn the_local_log_looks_at_no_secret() {
    let text = "[kafka.properties_from_env]\n\"sasl.password\" = \"NOT_SET\"\n\
                [kafka.properties_from_file]\n\"ssl.key.pem\" = \"/no/such/file\"\n";
    assert_eq!(load(text, &[]).settings.log.kind, LogKind::Local);
}

#[test]
fn the_keys_of_instructions_are_never_shown() {
    let (first, second) = (written_key("new", &[1; 32]), written_key("old", &[2; 40]));
    let bare = |key: &str| key.split_once(':').unwrap().1.to_owned();
    for (text, variable) in [
        ("log.kind = \"kafka\"", "RIPCORD_INSTRUCTION_KEYS"),
        ("[kafka]\ninstruction_keys_env = \"OUR_KEYS\"", "OUR_KEYS"),
    ] {
        let config = load(text, &[(variable, &format!("{first},{second}"))]);
        let settings = &config.settings;
        let keys = &settings.log.instruction_keys;
        assert_eq!(keys.ids().collect::<Vec<_>>(), ["new", "old"]);
        assert_eq!(keys.signing().map(|key| key.id()), Some("new"));
        assert_eq!(keys.get("old").unwrap().expose(), [2; 40]);
        // Programs of users get neither, and what they say of them is not repeated.
        assert!(settings.secrets.variables.contains(variable));
        let kept: Vec<_> = settings.secrets.values.iter().map(|one| one.expose()).collect();
        for key in [&first, &second].map(|key| bare(key)) {
            assert!(kept.contains(&key.as_str()), "{variable}");
            let report = serde_json::to_string_pretty(&config.report()).unwrap();
            let words = rules(&config, Screen::new(false, None));
            for shown in [report, words, format!("{config:?}")] {
                assert!(!shown.contains(&key), "{shown}");
            }
        }
    }
    assert!(load("log.kind = \"kafka\"", &[]).settings.log.instruction_keys.is_empty());
    for (value, line) in [
        (first.clone(), " - instructions and rules: signed with key new\n"),
        (
            format!("{first},{second}"),
            " - instructions and rules: signed with key new; also accepted: old\n",
        ),
        ("unsigned".to_owned(), " - instructions and rules: not signed, here\n"),
    ] {
        let config = load("log.kind = \"kafka\"", &[("RIPCORD_INSTRUCTION_KEYS", &value)]);
        let words = rules(&config, Screen::new(false, None));
        assert!(words.contains(line), "{words}");
    }
}

#[test]
fn keys_that_cannot_be_used_are_refused_without_being_shown() {
    let key = written_key("a", &[1; 31]);
    let environment = BTreeMap::from([("RIPCORD_INSTRUCTION_KEYS".to_owned(), key.clone())]);
    let said = Config::load(&[], &environment).unwrap_err().to_string();
    let why = "kafka.instruction_keys_env = \"RIPCORD_INSTRUCTION_KEYS\" in the shipped \
               config.toml: the variable \
               RIPCORD_INSTRUCTION_KEYS cannot be used: key 1 has fewer than 32 bytes and could \
               be guessed; `ripcord token --instruction-key ID` makes one";
    assert!(said.contains(why), "{said}");
    assert!(!said.contains(key.split_once(':').unwrap().1), "{said}");
}

#[test]
fn check_config_says_what_is_in_effect() {
    let text = "log.kind = \"kafka\"\n[kafka]\nbrokers = \"a:1,b:2\"\nreplication = 3\n\
                [kafka.properties]\n\"sasl.password\" = \"x\"\n\"client.rack\" = \"r1\"\n";
    let words = rules(&load(text, &[]), Screen::new(false, None));
    for line in [
        " - log: Kafka, brokers a:1,b:2, 8 shards\n",
        " - topics that Ripcord creates: replication factor 3, records kept for 30 days\n",
        " - groups: formed by their members (classic); this process has no name, so a\n   restart",
        " - the workers of this machine keep their memory in ripcord-data\n",
        " - client properties: client.rack = r1, sasl.password = …\n",
    ] {
        assert!(words.contains(line), "{line}\n{words}");
    }
}
