//! What the topics of Kafka must be: one difference, one finding, one thing to do.
#![expect(clippy::unwrap_used, reason = "helpers of tests may, as tests may")]

use std::collections::BTreeMap;

use ripcord::edge::log::Topic;
use ripcord::edge::log::kafka::Described;
use ripcord::model::Span;
use ripcord::process::topics::{Need, Tools, TopicFinding, compare};

const DAY: i64 = 24 * 3600 * 1000;

fn tools() -> Tools {
    Tools { brokers: "b:9092".to_owned(), secured: false }
}

fn need(own: Option<Topic>) -> Need {
    let topic = own.map_or("telemetry", |_| "ripcord.prod.x").to_owned();
    let partitions = Some(8);
    Need { topic, own, partitions, keep: Span::from_ms(3 * DAY), copies: None }
}

/// A topic as it must be, but for what `text` says: `name=value`, with spaces between.
fn stands(own: Option<Topic>, text: &str) -> Described {
    let policy = if own.is_some_and(Topic::compacted) { "compact" } else { "delete" };
    let mut described = Described { partitions: 8, replication: 3, settings: BTreeMap::new() };
    let good = format!(
        "cleanup.policy={policy} retention.ms={} retention.bytes=-1 \
         message.timestamp.type=LogAppendTime min.insync.replicas=2 \
         unclean.leader.election.enable=false",
        3 * DAY
    );
    for (name, value) in [good.as_str(), text]
        .iter()
        .flat_map(|text| text.split(' '))
        .filter_map(|word| word.split_once('='))
    {
        match name {
            "partitions" => described.partitions = value.parse().unwrap(),
            "replication" => described.replication = value.parse().unwrap(),
            _ => _ = described.settings.insert(name.to_owned(), value.to_owned()),
        }
    }
    described
}

/// All findings on a topic that differs by `text`.
fn found(own: Option<Topic>, text: &str) -> Vec<TopicFinding> {
    compare(&need(own), Some(&stands(own, text)), &tools())
}

const INBOX: Option<Topic> = Some(Topic::Inbox);
const STATE: Option<Topic> = Some(Topic::State);
const LATE: Option<Topic> = Some(Topic::Late);

#[test]
fn one_difference_one_finding() {
    // `!` must be mended, `?` is advice, nothing: it is as good as any.
    for (own, text, expected) in [
        (INBOX, "", ""),
        (STATE, "", ""),
        (None, "", ""),
        (INBOX, "partitions=4", "!partitions 8"),
        (LATE, "partitions=4", "!partitions 8"),
        (STATE, "partitions=9", "!partitions 8"),
        (None, "partitions=4", "!partitions 8"),
        (INBOX, "cleanup.policy=compact", "!cleanup.policy delete"),
        (STATE, "cleanup.policy=delete", "!cleanup.policy compact"),
        (STATE, "cleanup.policy=compact,delete", "!cleanup.policy compact"),
        (None, "cleanup.policy=compact", "!cleanup.policy delete"),
        (INBOX, "retention.ms=86400000", "!retention.ms 259200000 or more"),
        (None, "retention.ms=86400000", "!retention.ms 259200000 or more"),
        (INBOX, "retention.ms=-1", ""),
        (STATE, "retention.ms=86400000", ""),
        (None, "retention.bytes=1000", "?retention.bytes -1"),
        (INBOX, "max.message.bytes=1048588", "!max.message.bytes 16777216 or more"),
        (STATE, "max.message.bytes=1048588", "!max.message.bytes 16777216 or more"),
        (STATE, "max.message.bytes=16777216", ""),
        (None, "max.message.bytes=1048588", ""),
        (INBOX, "message.timestamp.type=CreateTime", "!message.timestamp.type LogAppendTime"),
        (STATE, "retention.bytes=1000", ""),
        (STATE, "message.timestamp.type=CreateTime", "!message.timestamp.type LogAppendTime"),
        (None, "message.timestamp.type=CreateTime", "?message.timestamp.type LogAppendTime"),
        (INBOX, "replication=1 min.insync.replicas=1", "?replication 3 or more"),
        (INBOX, "replication=2 min.insync.replicas=2", "?replication 3 or more"),
        (INBOX, "min.insync.replicas=1", "?min.insync.replicas 2"),
        (INBOX, "min.insync.replicas=3", "?min.insync.replicas 2"),
        (INBOX, "replication=5 min.insync.replicas=3", ""),
        (INBOX, "unclean.leader.election.enable=true", "?unclean.leader.election.enable false"),
    ] {
        let told: Vec<String> = found(own, text)
            .into_iter()
            .map(|TopicFinding { setting, needed, must, .. }| {
                format!("{}{setting} {needed}", if must { '!' } else { '?' })
            })
            .collect();
        assert_eq!(told.join("\n"), expected, "{own:?} {text}");
    }
}

#[test]
fn each_finding_names_what_mends_it() {
    const CONFIGS: &str = "kafka-configs --bootstrap-server b:9092 --alter --entity-type topics";
    const TOPICS: &str = "kafka-topics --bootstrap-server b:9092 --alter --topic";
    for (own, text, expected) in [
        (INBOX, "partitions=4", "set log.shards = 4".to_owned()),
        (LATE, "partitions=4", format!("{TOPICS} ripcord.prod.x --partitions 8")),
        (None, "partitions=4", format!("{TOPICS} telemetry --partitions 8")),
        (STATE, "partitions=9", "choose another namespace, then ripcord topics create".to_owned()),
        (
            STATE,
            "cleanup.policy=delete",
            format!("{CONFIGS} --entity-name ripcord.prod.x --add-config cleanup.policy=compact"),
        ),
        (
            INBOX,
            "max.message.bytes=1000",
            format!(
                "{CONFIGS} --entity-name ripcord.prod.x --add-config max.message.bytes=16777216"
            ),
        ),
        (
            INBOX,
            "message.timestamp.type=CreateTime",
            format!(
                "{CONFIGS} --entity-name ripcord.prod.x --add-config \
                 message.timestamp.type=LogAppendTime"
            ),
        ),
        (
            None,
            "retention.ms=1",
            format!("{CONFIGS} --entity-name telemetry --add-config retention.ms=259200000"),
        ),
        (
            INBOX,
            "replication=2",
            "kafka-reassign-partitions --bootstrap-server b:9092, with a plan that names more \
             brokers per partition"
                .to_owned(),
        ),
    ] {
        let [finding] = found(own, text).try_into().unwrap();
        assert_eq!(finding.mend, expected, "{own:?} {text}");
    }
}

#[test]
fn copies_that_the_settings_ask_for_are_enough() {
    let (own, text) = (Some(Topic::Inbox), "replication=1 min.insync.replicas=1");
    let asked = Need { copies: Some(1), ..need(own) };
    assert_eq!(compare(&asked, Some(&stands(own, text)), &tools()), []);
}

#[test]
fn a_topic_that_is_missing_is_made() {
    for (own, mend) in
        [(Some(Topic::Inbox), "ripcord topics create"), (None, "ripcord topics create --telemetry")]
    {
        let found = compare(&need(own), None, &tools());
        assert_eq!(found.len(), 1);
        assert!(found[0].must && found[0].mend == mend, "{found:?}");
    }
}

#[test]
fn what_the_brokers_do_not_say_is_no_finding() {
    let silent = Described { partitions: 8, replication: 3, settings: BTreeMap::new() };
    assert_eq!(compare(&need(None), Some(&silent), &tools()), []);
}

#[test]
fn a_secured_cluster_needs_a_file_for_the_tools() {
    let tools = Tools { secured: true, ..tools() };
    let wrong = stands(None, "message.timestamp.type=CreateTime");
    let found = compare(&need(None), Some(&wrong), &tools);
    let begin =
        "kafka-configs --bootstrap-server b:9092 --command-config client.properties --alter";
    assert!(found[0].mend.starts_with(begin), "{found:?}");
}
