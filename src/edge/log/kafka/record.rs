//! Records and positions between the client's types and the log's.

use rdkafka::Message;
use rdkafka::error::KafkaError;
use rdkafka::message::{BorrowedMessage, Header, Headers, OwnedHeaders, Timestamp};
use rdkafka::topic_partition_list::{Offset, TopicPartitionList};

use super::cluster::Cluster;
use super::partition::number;
use crate::edge::log::{Partition, Record};
use crate::model::LogTime;

/// A message as a record.
pub(super) fn of(message: &BorrowedMessage<'_>, cluster: &Cluster) -> Record {
    let (time, vouched) = match message.timestamp() {
        Timestamp::LogAppendTime(ms) => (LogTime::from_ms(ms), true),
        Timestamp::CreateTime(ms) => (LogTime::from_ms(ms), false),
        Timestamp::NotAvailable => (LogTime::MIN, false),
    };
    if vouched {
        cluster.clock().seen(time);
    }
    let headers = message.headers().map(|headers| {
        let headers = headers.iter();
        headers.map(|h| (h.key.to_owned(), h.value.unwrap_or_default().to_vec())).collect()
    });
    Record {
        position: message.offset(),
        time,
        appended: time,
        vouched,
        key: message.key().map(<[u8]>::to_vec),
        headers: headers.unwrap_or_default(),
        value: message.payload().unwrap_or_default().to_vec(),
    }
}

/// The partition of a message.
pub(super) fn place(message: &BorrowedMessage<'_>) -> Partition {
    let partition = u32::try_from(message.partition()).unwrap_or(0);
    Partition { topic: message.topic().to_owned(), partition }
}

/// A position with its metadata.
pub(super) fn position(
    partition: &Partition,
    position: i64,
    metadata: &str,
) -> Result<TopicPartitionList, KafkaError> {
    let mut list = TopicPartitionList::new();
    let mut place = list.add_partition(&partition.topic, number(partition));
    place.set_offset(Offset::Offset(position))?;
    place.set_metadata(metadata);
    Ok(list)
}

/// Headers as the client takes them; `None` if there are none.
pub(super) fn headers(headers: &[(String, Vec<u8>)]) -> Option<OwnedHeaders> {
    let add = |all: OwnedHeaders, (key, value): &(String, Vec<u8>)| {
        all.insert(Header { key, value: Some(value) })
    };
    (!headers.is_empty())
        .then(|| headers.iter().fold(OwnedHeaders::new_with_capacity(headers.len()), add))
}
