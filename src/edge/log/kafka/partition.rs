//! Partitions between the client's types and the log's.

use rdkafka::topic_partition_list::TopicPartitionList;

use crate::edge::log::Partition;

/// A partition's number as the client takes it.
pub(super) fn number(partition: &Partition) -> i32 {
    i32::try_from(partition.partition).unwrap_or(i32::MAX)
}

/// Partitions as the client takes them.
pub(super) fn list<'a>(partitions: impl IntoIterator<Item = &'a Partition>) -> TopicPartitionList {
    let mut list = TopicPartitionList::new();
    for of in partitions {
        list.add_partition(&of.topic, number(of));
    }
    list
}

/// Partitions as the client gives them.
pub(super) fn partitions(list: &TopicPartitionList) -> Vec<Partition> {
    let partition = |index: i32| u32::try_from(index).unwrap_or(0);
    let found = list.elements().into_iter();
    found
        .map(|found| Partition {
            topic: found.topic().to_owned(),
            partition: partition(found.partition()),
        })
        .collect()
}
