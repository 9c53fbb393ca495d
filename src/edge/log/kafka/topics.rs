//! Creates, deletes and describes topics.

use std::collections::BTreeMap;
use std::time::Duration;

use rdkafka::admin::{AdminClient, AdminOptions, NewTopic, ResourceSpecifier, TopicReplication};
use rdkafka::consumer::Consumer;
use rdkafka::error::{KafkaError, KafkaResult};
use rdkafka::types::RDKafkaErrorCode;

use super::clients::{self, Quiet};
use super::cluster::Cluster;
use super::fault::failed;
use super::patience::{REQUEST, patiently};
use super::{Described, MAX_RECORD_BYTES};
use crate::edge::log::LogError;
use crate::edge::log::right::{AccessRight, Operation};

/// How long the brokers may take to create a topic.
const MADE: Duration = Duration::from_secs(30);

/// The settings of a compacted topic: compacted early, since every start reads it as a whole.
const COMPACTED: [(&str, &str); 5] = [
    ("cleanup.policy", "compact"),
    ("segment.ms", "600000"),
    ("min.cleanable.dirty.ratio", "0.1"),
    ("max.compaction.lag.ms", "600000"),
    ("delete.retention.ms", "3600000"),
];

/// Creates a topic unless it exists; returns its number of partitions.
pub(super) fn create(
    cluster: &Cluster,
    topic: &str,
    partitions: u32,
    compacted: bool,
) -> Result<u32, LogError> {
    if let Some(there) = cluster.partitions(topic)? {
        return Ok(there);
    }
    let doing = format!("creating topic {topic}");
    let replication = cluster.settings().replication.map_or(-1, i32::from);
    let count = i32::try_from(partitions).unwrap_or(i32::MAX);
    let largest = MAX_RECORD_BYTES.to_string();
    let retention = cluster.settings().retention.as_ms().to_string();
    let mut new = NewTopic::new(topic, count, TopicReplication::Fixed(replication))
        .set("message.timestamp.type", "LogAppendTime")
        .set("max.message.bytes", &largest);
    new = if compacted {
        COMPACTED.iter().fold(new, |new, (name, value)| new.set(name, value))
    } else {
        new.set("cleanup.policy", "delete").set("retention.ms", &retention)
    };
    let options = AdminOptions::new().operation_timeout(Some(MADE));
    let needs = [AccessRight::topic(Operation::Create, topic)];
    administer(cluster, &doing, &needs, &async |admin: &AdminClient<Quiet>| {
        for made in admin.create_topics([&new], &options).await? {
            match made {
                Ok(_) | Err((_, RDKafkaErrorCode::TopicAlreadyExists)) => {}
                Err((_, code)) => return Err(KafkaError::AdminOp(code)),
            }
        }
        Ok(())
    })?;
    // The broker that is asked may hear of the new topic a little later.
    patiently(&doing, &[AccessRight::topic(Operation::Describe, topic)], || {
        let unknown = KafkaError::AdminOp(RDKafkaErrorCode::LeaderNotAvailable);
        cluster.partitions_now(topic)?.ok_or(unknown)
    })
}

/// Deletes topics; one that does not exist counts as deleted.
pub(super) fn delete(cluster: &Cluster, topics: &[String]) -> Result<(), LogError> {
    let names: Vec<&str> = topics.iter().map(String::as_str).collect();
    let doing = format!("deleting {}", topics.join(", "));
    let options = AdminOptions::new().operation_timeout(Some(MADE));
    let needs: Vec<AccessRight> =
        names.iter().map(|topic| AccessRight::topic(Operation::Delete, topic)).collect();
    administer(cluster, &doing, &needs, &async |admin: &AdminClient<Quiet>| {
        for deleted in admin.delete_topics(&names, &options).await? {
            match deleted {
                Ok(_) | Err((_, RDKafkaErrorCode::UnknownTopicOrPartition)) => {}
                Err((_, code)) => return Err(KafkaError::AdminOp(code)),
            }
        }
        Ok(())
    })
}

/// Whether only the last record of a key is kept.
pub(super) fn compacted(cluster: &Cluster, topic: &str) -> Result<bool, LogError> {
    if let Some(known) = cluster.kept_compacted(topic) {
        return Ok(known);
    }
    let settings = settings(cluster, topic)?;
    let compacted = settings.get("cleanup.policy").is_some_and(|policy| policy.contains("compact"));
    cluster.keep_compacted(topic, compacted);
    Ok(compacted)
}

/// The same; `None` if this user may not ask for the topic's settings. A writer does not need them:
/// the brokers refuse what does not fit.
pub(super) fn compacted_if_told(cluster: &Cluster, topic: &str) -> Result<Option<bool>, LogError> {
    if cluster.is_untold(topic) {
        return Ok(None);
    }
    match compacted(cluster, topic) {
        Ok(compacted) => Ok(Some(compacted)),
        Err(LogError::Denied { .. }) => {
            cluster.keep_untold(topic);
            Ok(None)
        }
        Err(error) => Err(error),
    }
}

/// Describes a topic; `None` if it does not exist.
pub(super) fn describe(cluster: &Cluster, topic: &str) -> Result<Option<Described>, LogError> {
    let Some(partitions) = cluster.partitions(topic)? else { return Ok(None) };
    let copies = cluster.ask(&format!("asking about {topic}"), topic, |asker| {
        let metadata = asker.fetch_metadata(Some(topic), REQUEST)?;
        let found = metadata.topics().first().map(|topic| topic.partitions());
        Ok(found.unwrap_or_default().iter().map(|partition| partition.replicas().len()).min())
    })?;
    let replication = u16::try_from(copies.unwrap_or(0)).unwrap_or(u16::MAX);
    Ok(Some(Described { partitions, replication, settings: settings(cluster, topic)? }))
}

fn settings(cluster: &Cluster, topic: &str) -> Result<BTreeMap<String, String>, LogError> {
    let doing = format!("asking for the settings of {topic}");
    let asked = [ResourceSpecifier::Topic(topic)];
    let options = AdminOptions::new().request_timeout(Some(MADE));
    let needs = [AccessRight::topic(Operation::DescribeConfigs, topic)];
    let resource = administer(cluster, &doing, &needs, &async |admin: &AdminClient<Quiet>| {
        let found = admin.describe_configs(&asked, &options).await?.into_iter().next();
        let found = found.unwrap_or(Err(RDKafkaErrorCode::Fail)).map_err(KafkaError::AdminOp)?;
        // The client drops the error of a topic about which the brokers say nothing.
        match found.entries.is_empty() {
            true => Err(KafkaError::AdminOp(RDKafkaErrorCode::TopicAuthorizationFailed)),
            false => Ok(found),
        }
    })?;
    let entries = resource.entries.into_iter();
    Ok(entries.filter_map(|entry| Some((entry.name, entry.value?))).collect())
}

/// Asks the admin client, patiently. Its answers are futures, and the caller may block.
fn administer<T>(
    cluster: &Cluster,
    doing: &str,
    needs: &[AccessRight],
    request: &impl AsyncFn(&AdminClient<Quiet>) -> KafkaResult<T>,
) -> Result<T, LogError> {
    let admin: AdminClient<Quiet> = clients::admin(cluster.settings())
        .create_with_context(Quiet::default())
        .map_err(|error| failed(doing, error))?;
    let runtime = tokio::runtime::Builder::new_current_thread().build();
    let runtime = runtime
        .map_err(|error| LogError::Storage { doing: doing.to_owned(), source: Box::new(error) })?;
    patiently(doing, needs, || runtime.block_on(request(&admin)))
}
