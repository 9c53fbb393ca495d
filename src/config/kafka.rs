//! Raw settings of Kafka into how a cluster is reached and used.
//!
//! Law: a property that may be a secret stands among `secrets`, from wherever it came, so that no
//! report and no log shows it.

use std::collections::BTreeMap;
use std::net::Ipv6Addr;

use serde_json::Value as Json;

use super::check::Checker;
use super::problem::Path;
use super::raw;
use super::settings::{Environment, Secret, secret};
use super::workers::WorkerSettings;
use crate::model::Span;

/// How a Kafka cluster is reached and used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KafkaSettings {
    /// Where to begin: `host:port`, more than one with commas between.
    pub brokers: String,
    /// The name of this process among its like, the same over restarts; none: it has none, and a
    /// restart hands its partitions to others.
    pub instance: Option<String>,
    /// How groups are formed.
    pub group_protocol: GroupProtocol,
    /// Copies of each partition of the river's own topics; none: what the brokers take.
    pub replication: Option<u16>,
    /// How long records of the river's own topics are kept, where not for ever.
    pub retention: Span,
    /// The longest that one record may be worked on.
    pub longest_work: Span,
    /// Properties of librdkafka, over those that Ripcord sets.
    pub properties: BTreeMap<String, String>,
    /// The same, where the value is a secret.
    pub secrets: BTreeMap<String, Secret>,
}

/// How Kafka forms groups.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum GroupProtocol {
    /// By their members, as ever: a dead member is missed after 10 s.
    Classic,
    /// By the broker (KIP-848), whose settings then say when a member is missed.
    Consumer,
}

/// Beyond a program's own time limit, for what is done around its run; and the least in all.
const SPARE: Span = Span::from_s(60);
const LEAST_WORK: Span = Span::from_s(300);

/// Properties that the river rests on, and what to do instead of setting them.
const OWNED: [(&str, &str); 15] = [
    ("bootstrap.servers", "say it in kafka.brokers"),
    ("metadata.broker.list", "say it in kafka.brokers"),
    ("group.id", "groups are named after the namespace; set namespace"),
    ("group.instance.id", "say it in kafka.instance"),
    ("group.protocol", "say it in kafka.group_protocol"),
    ("enable.auto.commit", "a position is committed when what it stands for is; leave it out"),
    ("enable.auto.offset.store", "positions are committed one by one; leave it out"),
    ("enable.partition.eof", "a lane that was read to its end must be told so; leave it out"),
    ("isolation.level", "outputs of a transaction count once it stands; leave it out"),
    ("partition.assignment.strategy", "what joins must stay in one lane; leave it out"),
    ("transactional.id", "each shard has its own, which fences its predecessor; leave it out"),
    ("enable.idempotence", "no record of the river may come twice or out of order; leave it out"),
    ("auto.offset.reset", "where reading begins is decided in one place; leave it out"),
    ("statistics.interval.ms", "nobody reads the client's statistics; leave it out"),
    ("auto.commit.interval.ms", "nothing is committed by the clock; leave it out"),
];

/// Whether the value of a property may be a secret.
pub(super) fn is_secret(property: &str) -> bool {
    let name = property.to_lowercase();
    let says = |word| name.contains(word);
    let place = [".location", ".file", ".url"].iter().any(|end| name.ends_with(end));
    let shown = ["ssl.certificate.pem", "ssl.ca.pem"].contains(&name.as_str());
    let secret = ["password", "passphrase", "secret", "jaas", "private.key"].into_iter().any(says)
        || name.ends_with(".pem")
        || name == "sasl.oauthbearer.config";
    secret && !place && !shown
}

/// How a cluster is reached and used. Variables and files are looked at only if Kafka is.
pub(super) fn kafka(
    check: &mut Checker<'_>,
    raw: &raw::Raw,
    environment: &Environment,
    retention: Span,
    workers: &WorkerSettings,
) -> KafkaSettings {
    let (at, kafka) = (Path::of(["kafka"]), &raw.kafka);
    let copies_at = at.key("replication");
    let copies = kafka.replication.map(|copies| check.count(&copies_at, copies, 1..=64));
    let longest = workers.exec.iter().map(|program| program.time_limit).max();
    let longest = 2 * longest.unwrap_or_default().as_ms() + SPARE.as_ms();
    names(check, &at, kafka);
    let (properties, mut secrets) = written(check, &at.key("properties"), &kafka.properties);
    if raw.log.kind == raw::LogKind::Kafka {
        secrets.extend(named(check, &at, kafka, environment));
    }
    KafkaSettings {
        brokers: brokers(check, &at.key("brokers"), &kafka.brokers),
        instance: kafka.instance.as_ref().map(|name| instance(check, &at.key("instance"), name)),
        group_protocol: match kafka.group_protocol {
            raw::GroupProtocol::Classic => GroupProtocol::Classic,
            raw::GroupProtocol::Consumer => GroupProtocol::Consumer,
        },
        replication: copies.and_then(|copies| u16::try_from(copies).ok()),
        retention,
        longest_work: Span::from_ms(longest.max(LEAST_WORK.as_ms())),
        properties,
        secrets,
    }
}

/// The brokers, without the space that people write between them.
fn brokers(check: &mut Checker<'_>, at: &Path, text: &str) -> String {
    let brokers: Vec<&str> = text.split(',').map(str::trim).collect();
    if let Some(wrong) = brokers.iter().find(|broker| !is_address(broker)) {
        let would_do = format!(
            "{wrong:?} is no broker; write host:port, several with commas between, such as \
             \"kafka-1:9092,kafka-2:9092\""
        );
        check.refuse(at, would_do);
    }
    brokers.join(",")
}

fn is_address(broker: &str) -> bool {
    let Some((host, port)) = broker.rsplit_once(':') else { return false };
    let port = port.bytes().all(|byte| byte.is_ascii_digit())
        && port.parse::<u16>().is_ok_and(|port| port > 0);
    let named = |c: char| c.is_alphanumeric() || ['.', '-', '_'].contains(&c);
    let inside = host.strip_prefix('[').and_then(|host| host.strip_suffix(']'));
    let host = match inside {
        Some(address) => address.parse::<Ipv6Addr>().is_ok(),
        None => !host.is_empty() && host.chars().all(named),
    };
    port && host
}

fn instance(check: &mut Checker<'_>, at: &Path, name: &str) -> String {
    let fits = |c: char| c.is_ascii_alphanumeric() || ['.', '_', '-'].contains(&c);
    if name.is_empty() || name.len() > 128 || !name.chars().all(fits) {
        check.refuse(at, "it is 1 to 128 letters, digits, ., _ and -; the brokers know it by that");
    }
    name.to_owned()
}

/// Every property stands once, and none that the river rests on.
fn names(check: &mut Checker<'_>, at: &Path, raw: &raw::Kafka) {
    let tables = [
        ("properties", raw.properties.keys().collect::<Vec<_>>()),
        ("properties_from_env", raw.properties_from_env.keys().collect()),
        ("properties_from_file", raw.properties_from_file.keys().collect()),
    ];
    let mut seen: BTreeMap<&str, &str> = BTreeMap::new();
    for (table, names) in tables {
        for name in names {
            let place = at.key(table).key(name);
            if let Some((_, instead)) = OWNED.iter().find(|(owned, _)| owned == name) {
                check.refuse(&place, format!("Ripcord must rule this itself: {instead}"));
            }
            if let Some(other) = seen.insert(name, table) {
                let would_do = format!("kafka.{other} has it too; keep one of the two");
                check.refuse(&place, would_do);
            }
        }
    }
}

type Properties = (BTreeMap<String, String>, BTreeMap<String, Secret>);

/// The properties whose values stand in the settings themselves, and the secrets among them.
fn written(check: &mut Checker<'_>, at: &Path, raw: &raw::ByName<Json>) -> Properties {
    let (mut properties, mut secrets) = (BTreeMap::new(), BTreeMap::new());
    for (name, value) in raw {
        let text = match value {
            Json::String(text) => text.clone(),
            Json::Bool(_) | Json::Number(_) => value.to_string(),
            Json::Null | Json::Array(_) | Json::Object(_) => {
                check.refuse(&at.key(name), "it is a text in quotes, a number, true or false");
                continue;
            }
        };
        if is_secret(name) {
            secrets.insert(name.clone(), Secret::new(&text));
        } else {
            properties.insert(name.clone(), text);
        }
    }
    (properties, secrets)
}

/// The properties whose values stand in variables and files.
fn named(
    check: &mut Checker<'_>,
    at: &Path,
    raw: &raw::Kafka,
    environment: &Environment,
) -> BTreeMap<String, Secret> {
    let mut secrets = BTreeMap::new();
    for (name, variable) in &raw.properties_from_env {
        match secret(environment, variable) {
            Some(value) => _ = secrets.insert(name.clone(), value),
            None => {
                let place = at.key("properties_from_env").key(name);
                check.refuse(&place, "this variable is not set, or empty; set it");
            }
        }
    }
    for (name, file) in &raw.properties_from_file {
        let would_do = match std::fs::read_to_string(file) {
            Ok(text) if !text.trim().is_empty() => {
                secrets.insert(name.clone(), Secret::new(text.trim()));
                continue;
            }
            Ok(_) => "it is empty; write the value there".to_owned(),
            Err(why) => format!("it cannot be read: {why}"),
        };
        check.refuse(&at.key("properties_from_file").key(name), would_do);
    }
    secrets
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_broker_is_a_host_and_a_port() {
        for (text, good) in [
            ("localhost:9092", true),
            ("kafka-1.prod.example.org:9092", true),
            ("10.0.0.1:1", true),
            ("[::1]:9092", true),
            ("localhost", false),
            (":9092", false),
            ("localhost:", false),
            ("localhost:0", false),
            ("localhost:+1", false),
            ("localhost:65536", false),
            ("::1:9092", false),
            ("SSL://a:9092", false),
            ("a b:9092", false),
            ("", false),
        ] {
            assert_eq!(is_address(text), good, "{text:?}");
        }
    }

    #[test]
    fn what_may_be_a_secret() {
        for (name, hidden) in [
            ("sasl.password", true),
            ("ssl.key.password", true),
            ("ssl.keystore.password", true),
            ("ssl.key.pem", true),
            ("sasl.oauthbearer.client.secret", true),
            ("sasl.oauthbearer.config", true),
            ("sasl.oauthbearer.assertion.private.key.passphrase", true),
            ("sasl.jaas.config", true),
            ("SASL.Password", true),
            ("sasl.username", false),
            ("sasl.mechanism", false),
            ("ssl.key.location", false),
            ("ssl.ca.pem", false),
            ("ssl.certificate.pem", false),
            ("sasl.oauthbearer.token.endpoint.url", false),
            ("sasl.oauthbearer.assertion.private.key.file", false),
            ("client.id", false),
        ] {
            assert_eq!(is_secret(name), hidden, "{name}");
        }
    }
}
