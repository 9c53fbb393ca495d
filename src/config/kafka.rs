//! The raw Kafka settings as how a cluster is reached and used.
//!
//! Law: a property that may be a secret is always among `secrets`, so that no report and no log
//! shows it.

use std::collections::BTreeMap;
use std::net::Ipv6Addr;

use serde_json::Value as Json;

use super::check::Checker;
use super::problem::Path;
use super::raw;
use super::secret::{Environment, Secret, is_secret, secret, wrong_variable};
use super::workers::WorkerSettings;
use crate::model::Span;

/// How a Kafka cluster is reached and used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KafkaSettings {
    /// Bootstrap brokers: `host:port`, separated by commas.
    pub brokers: String,
    /// The unique name of this process across restarts. Without one, a restart hands its partitions
    /// to other processes.
    pub instance: Option<String>,
    /// How consumer groups are managed.
    pub group_protocol: GroupProtocol,
    /// Replicas of each partition of Ripcord's own topics. `None` for the brokers' default.
    pub replication: Option<u16>,
    /// How long records of Ripcord's own topics are kept, unless they are kept for ever.
    pub retention: Span,
    /// The longest time that work on one record may take.
    pub longest_work: Span,
    /// Properties of librdkafka, which override those that Ripcord sets.
    pub properties: BTreeMap<String, String>,
    /// The same, for values that are secret.
    pub secrets: BTreeMap<String, Secret>,
}

/// How Kafka manages consumer groups.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum GroupProtocol {
    /// By their members. A dead member is noticed after 10 s.
    Classic,
    /// By the brokers (KIP-848), whose settings decide when a member is noticed to be dead.
    Consumer,
}

/// Time added to a program's own limit for the work around its run, and the minimum in all.
const SPARE: Span = Span::from_s(60);
const LEAST_WORK: Span = Span::from_s(300);

/// Properties that Ripcord depends on, and what to do instead of setting them.
const OWNED: [(&str, &str); 15] = [
    ("bootstrap.servers", "set kafka.brokers instead"),
    ("metadata.broker.list", "set kafka.brokers instead"),
    ("group.id", "groups are named after the namespace; set namespace instead"),
    ("group.instance.id", "set kafka.instance instead"),
    ("group.protocol", "set kafka.group_protocol instead"),
    ("enable.auto.commit", "positions are committed with the results they cover; remove it"),
    ("enable.auto.offset.store", "positions are stored one by one; remove it"),
    ("enable.partition.eof", "lanes must notice when they are read to the end; remove it"),
    ("isolation.level", "only committed outputs may be read; remove it"),
    ("partition.assignment.strategy", "records that join must stay in one lane; remove it"),
    ("transactional.id", "each shard has its own, which fences its predecessor; remove it"),
    ("enable.idempotence", "records must not repeat or change order; remove it"),
    ("auto.offset.reset", "Ripcord decides where reading begins; remove it"),
    ("statistics.interval.ms", "the client's statistics are not used; remove it"),
    ("auto.commit.interval.ms", "positions are not committed by time; remove it"),
];

/// How a cluster is reached and used. Variables and files are read only if Kafka is used.
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

/// The brokers, without white space between them.
fn brokers(check: &mut Checker<'_>, at: &Path, text: &str) -> String {
    let brokers: Vec<&str> = text.split(',').map(str::trim).collect();
    if let Some(wrong) = brokers.iter().find(|broker| !is_address(broker)) {
        let why = format!(
            "{wrong:?} is not a broker address; write host:port, separated by commas, such as \
             \"kafka-1:9092,kafka-2:9092\""
        );
        check.refuse(at, why);
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
        check.refuse(at, "use 1 to 128 letters, digits, ., _ and -");
    }
    name.to_owned()
}

/// Refuses properties that are set twice, or that Ripcord depends on.
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
                check.refuse(&place, format!("Ripcord sets this property itself: {instead}"));
            }
            if let Some(other) = seen.insert(name, table) {
                let why = format!("is also set in kafka.{other}; keep one of the two");
                check.refuse(&place, why);
            }
        }
    }
}

type Properties = (BTreeMap<String, String>, BTreeMap<String, Secret>);

/// Properties whose values are in the settings themselves, and the secrets among them.
fn written(check: &mut Checker<'_>, at: &Path, raw: &raw::ByName<Json>) -> Properties {
    let (mut properties, mut secrets) = (BTreeMap::new(), BTreeMap::new());
    for (name, value) in raw {
        let text = match value {
            Json::String(text) => text.clone(),
            Json::Bool(_) | Json::Number(_) => value.to_string(),
            Json::Null | Json::Array(_) | Json::Object(_) => {
                check.refuse(&at.key(name), "must be a quoted string, a number, true or false");
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

/// Properties whose values are in variables and files.
fn named(
    check: &mut Checker<'_>,
    at: &Path,
    raw: &raw::Kafka,
    environment: &Environment,
) -> BTreeMap<String, Secret> {
    let mut secrets = BTreeMap::new();
    for (name, variable) in &raw.properties_from_env {
        if let Some(why) = wrong_variable(environment, variable) {
            check.refuse(&at.key("properties_from_env").key(name), why);
            continue;
        }
        match secret(environment, variable) {
            Some(value) => _ = secrets.insert(name.clone(), value),
            None => {
                let place = at.key("properties_from_env").key(name);
                check.refuse(&place, "names a variable that is unset or empty; set it");
            }
        }
    }
    for (name, file) in &raw.properties_from_file {
        let place = at.key("properties_from_file").key(name);
        let Some(text) = check.secret_file(&place, file) else { continue };
        if text.trim().is_empty() {
            check.refuse(&place, "is empty; write the value to the file");
        }
        secrets.insert(name.clone(), Secret::new(text.trim()));
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
}
