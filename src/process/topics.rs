//! The topics that Ripcord needs on Kafka: creates them, and compares them with what they must be.
//!
//! Law: only this creates topics on a shared log, and only when a person asks for it.

mod compare;
mod sample;
mod tools;

use std::collections::BTreeMap;

use crate::config::{Config, KafkaSettings, Settings};
use crate::edge::log::kafka::{Described, KafkaLog};
use crate::edge::log::{LogError, Topic};
use crate::model::{Source, Span};
use crate::process::{NotReady, fitting};
use crate::show::data::{Made, TopicComparison};
use crate::topics::{RoleError, Topics};

pub use crate::show::data::TopicFinding;
pub use compare::{Need, compare};
pub use tools::Tools;

/// How much longer than the label horizon a source's topic must keep its records.
const SPARE: Span = Span::from_s(24 * 3600);

/// Why topics cannot be created.
#[derive(Debug, thiserror::Error)]
pub enum TopicsError {
    /// An existing topic does not fit.
    #[error(transparent)]
    Fit(#[from] NotReady),
    /// The brokers refuse, or do not answer.
    #[error("cannot create the topics")]
    Create(#[from] RoleError),
}

/// Creates Ripcord's topics that are missing, with the first records of each shard; with
/// `telemetry` also the sources' topics.
///
/// # Errors
/// Topics of another number of partitions; the brokers.
pub fn create(topics: &Topics, config: &Config, telemetry: bool) -> Result<Made, TopicsError> {
    let mut made = fitting(topics)?;
    topics.create(&config.rules)?;
    let own = Topic::ALL.map(|topic| topics.topic(topic));
    let mut stood: Vec<String> = own.into_iter().filter(|topic| !made.contains(topic)).collect();
    for source in config.settings.sources.iter().filter(|_| telemetry) {
        source_topics(topics, source, config.settings.log.telemetry_lanes, &mut made, &mut stood)
            .map_err(RoleError::from)?;
    }
    Ok(Made { made, stood })
}

/// Creates a source's missing topics, with as many partitions as its existing ones.
fn source_topics(
    topics: &Topics,
    source: &Source,
    lanes: u32,
    made: &mut Vec<String>,
    stood: &mut Vec<String>,
) -> Result<(), LogError> {
    let mut missing = Vec::new();
    let mut counts = Vec::new();
    for topic in &source.topics {
        match topics.log.partitions(&topic.name)? {
            Some(count) => {
                counts.push(count);
                stood.push(topic.name.clone());
            }
            None => missing.push(topic.name.clone()),
        }
    }
    let lanes = counts.into_iter().max().unwrap_or(lanes);
    for topic in missing {
        topics.log.create(&topic, lanes, false)?;
        made.push(topic);
    }
    Ok(())
}

/// Compares every topic with what it must be; with `sample`, also how keys are placed, by that
/// number of records of each topic of a source.
///
/// # Errors
/// The brokers do not answer.
pub fn check(
    log: &KafkaLog,
    topics: &Topics,
    settings: &Settings,
    kafka: &KafkaSettings,
    sample: Option<u32>,
) -> Result<Vec<TopicComparison>, LogError> {
    let mut existing = BTreeMap::new();
    let own = Topic::ALL.map(|topic| topics.topic(topic));
    let theirs = settings.sources.iter().flat_map(|source| &source.topics);
    for topic in own.into_iter().chain(theirs.map(|topic| topic.name.clone())) {
        let described = log.describe(&topic)?;
        existing.insert(topic, described);
    }
    let tools = Tools::of(kafka);
    let mut keys = match sample {
        Some(most) => sample::sampled(log, &settings.sources, most)?,
        None => BTreeMap::new(),
    };
    let compared = needs(topics, settings, kafka, &existing).into_iter().map(|need| {
        let described = existing.get(&need.topic).and_then(Option::as_ref);
        let timestamps = described.and_then(|topic| topic.settings.get(compare::TIME));
        let (keys, wrong) = match keys.remove(&need.topic) {
            Some(sampled) => (Some(sampled.words), sampled.finding),
            None => (None, None),
        };
        TopicComparison {
            partitions: described.map(|topic| topic.partitions),
            copies: described.map(|topic| topic.replication),
            timestamps: timestamps.cloned(),
            keys,
            findings: compare(&need, described, &tools).into_iter().chain(wrong).collect(),
            topic: need.topic,
        }
    });
    Ok(compared.collect())
}

type Existing = BTreeMap<String, Option<Described>>;

/// What every topic must be. The inbox says how many shards there are; of a source's topics the
/// one that has most says how many lanes.
fn needs(
    topics: &Topics,
    settings: &Settings,
    kafka: &KafkaSettings,
    existing: &Existing,
) -> Vec<Need> {
    let inbox = existing.get(&topics.topic(Topic::Inbox)).and_then(Option::as_ref);
    let shards = inbox.map_or(topics.shards, |inbox| inbox.partitions);
    let own = Topic::ALL.into_iter().map(move |topic| Need {
        topic: topics.topic(topic),
        own: Some(topic),
        partitions: Some(if topic == Topic::Inbox { topics.shards } else { shards }),
        keep: settings.log.retention,
        copies: kafka.replication,
    });
    let theirs = settings.sources.iter().flat_map(|source| {
        let found = source.topics.iter().filter_map(|topic| existing.get(&topic.name)?.as_ref());
        let most = found.map(|topic| topic.partitions).max();
        source.topics.iter().map(move |topic| Need {
            topic: topic.name.clone(),
            own: None,
            partitions: most,
            keep: Span::from_ms(source.label_horizon.as_ms() + SPARE.as_ms()),
            copies: kafka.replication,
        })
    });
    own.chain(theirs).collect()
}
