//! How producers place the keys of a source's topics, from a sample of the newest records.

use std::collections::BTreeMap;

use crate::edge::log::kafka::KafkaLog;
use crate::edge::log::{Log as _, LogError, Partition};
use crate::model::Source;
use crate::show::data::TopicFinding;
use crate::topics::partitioner::Partitioner;
use crate::topics::placement::{KeyFault, MEND, Placed, Placement, words};

/// What a sample of a topic shows.
pub(super) struct SampledKeys {
    pub(super) words: String,
    pub(super) finding: Option<TopicFinding>,
}

/// Reads up to `most` of the newest records of each topic of the sources, by topic.
pub(super) fn sampled(
    log: &KafkaLog,
    sources: &[Source],
    most: u32,
) -> Result<BTreeMap<String, SampledKeys>, LogError> {
    let mut found = BTreeMap::new();
    for source in sources {
        let first = source.topics.first().map(|topic| log.partitions(&topic.name)).transpose()?;
        let Some(partitions) = first.flatten() else { continue };
        let mut placement = Placement::new(source, partitions);
        for (topic, rule) in source.topics.iter().enumerate() {
            // Topics that differ in this are a finding of their own.
            if log.partitions(&rule.name)? == Some(partitions) {
                read(log, source, (topic, partitions), most, &mut placement)?;
            }
        }
        let faults = placement.faults().0;
        for (topic, rule) in source.topics.iter().enumerate() {
            let placed = placement.placed(topic);
            let words = match placed {
                _ if partitions == 1 => "one partition".to_owned(),
                Some(placed) => words(placed),
                None => "no keys of requests, or too few".to_owned(),
            };
            let finding = finding(&faults, topic, placed);
            found.insert(rule.name.clone(), SampledKeys { words, finding });
        }
    }
    Ok(found)
}

fn read(
    log: &KafkaLog,
    source: &Source,
    (topic, partitions): (usize, u32),
    most: u32,
    placement: &mut Placement,
) -> Result<(), LogError> {
    let Some(rule) = source.topics.get(topic) else { return Ok(()) };
    let each = most.div_ceil(partitions.max(1));
    for partition in 0..partitions {
        let at = Partition { topic: rule.name.clone(), partition };
        let (first, end) = log.bounds(&at)?;
        let from = end.saturating_sub(i64::from(each)).max(first);
        for record in log.scan(&at, from, each as usize)? {
            placement.observe_record(source, topic, partition, &record);
        }
    }
    Ok(())
}

/// What must be changed about the producers of a topic. Where one topic is placed as Java does,
/// the others are to follow.
fn finding(faults: &[KeyFault], topic: usize, placed: Option<Placed>) -> Option<TopicFinding> {
    let java = placed == Some(Placed::By(Partitioner::Murmur2));
    let named = faults.iter().any(|fault| match fault {
        KeyFault::Mixed(mixed) => *mixed == topic,
        KeyFault::Differ(one, other) => !java && [*one, *other].contains(&topic),
        KeyFault::Split => false,
    });
    let (stands, needed) = match (named, placed) {
        (true, Some(placed)) => (words(placed), "one partitioner, murmur2, in all topics"),
        (true, None) | (false, _) if faults == [KeyFault::Split] => (
            "different for records of one request".to_owned(),
            "records of one request in one partition",
        ),
        (true, None) | (false, _) => return None,
    };
    Some(TopicFinding {
        setting: "placement of keys",
        stands,
        needed: needed.to_owned(),
        must: true,
        why: "outcomes are read apart from their predictions, and never meet them",
        mend: MEND.to_owned(),
    })
}
