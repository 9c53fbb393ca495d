//! Where the client reads each partition: assigned, sought, and led out of gaps.

use rdkafka::consumer::{Consumer, RebalanceProtocol};
use rdkafka::topic_partition_list::{Offset, TopicPartitionList};

use super::{AssignedPartition, KafkaReader};
use crate::edge::clock::Stopwatch;
use crate::edge::log::gap::Gap;
use crate::edge::log::kafka::fault::failed;
use crate::edge::log::kafka::partition::{list, number};
use crate::edge::log::kafka::patience::{PATIENCE, REQUEST};
use crate::edge::log::{LogError, Partition};

impl KafkaReader {
    /// Takes what was given, at the end and paused: it must be sought first. The end is asked for
    /// here: where the client asks for it, a late answer may overrule a seek half a second later.
    pub(super) fn take(&mut self, partitions: &[Partition]) -> Result<(), LogError> {
        let mut given = TopicPartitionList::new();
        for partition in partitions {
            let end = Offset::Offset(self.cluster.bounds(partition)?.1);
            let added = given.add_partition_offset(&partition.topic, number(partition), end);
            self.did("placing", added)?;
        }
        let taken = match self.consumer.rebalance_protocol() {
            RebalanceProtocol::Cooperative => self.consumer.incremental_assign(&given),
            RebalanceProtocol::Eager | RebalanceProtocol::None => self.consumer.assign(&given),
        };
        self.did("taking partitions of", taken)?;
        self.did("pausing partitions of", self.consumer.pause(&list(partitions)))?;
        for partition in partitions {
            self.cluster.joined(&self.group, partition, &self.consumer);
            self.parts.insert(partition.clone(), AssignedPartition::default());
        }
        Ok(())
    }

    /// Sends the client to where it was sought. It refuses while a partition is not yet begun;
    /// then the next read tries again.
    pub(super) fn seek_on(&mut self) -> Result<(), LogError> {
        for (partition, part) in self.parts.iter_mut() {
            let Some((since, at)) = part.sought.zip(part.at) else { continue };
            let to = Offset::Offset(at);
            let sent = self.consumer.seek(&partition.topic, number(partition), to, REQUEST);
            match sent.and_then(|()| self.consumer.resume(&list([partition]))) {
                Ok(()) => part.sought = None,
                Err(error) if since.elapsed() > PATIENCE => {
                    return Err(failed(&format!("going to {at} of {partition}"), error));
                }
                Err(_) => {}
            }
        }
        Ok(())
    }

    /// The client does not say which partition it cannot read on, and stops reading it. So all are
    /// compared with their bounds, and sought again.
    pub(super) fn leave_gaps(&mut self) -> Result<(), LogError> {
        for (partition, part) in &mut self.parts {
            let Some(at) = part.at else { continue };
            if let Some(gap) = Gap::at(at, self.cluster.bounds(partition)?) {
                part.at = Some(gap.to);
                self.ends.moved(partition);
                self.gone.push_back((partition.clone(), gap));
            }
            part.sought = Some(Stopwatch::start());
        }
        Ok(())
    }
}
