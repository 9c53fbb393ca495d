//! Whether the records of one request lie in one partition.
//!
//! Outcomes join and versions pair only within a lane, so all producers of a source must place
//! keys alike. Two signs show that they do not: keys that another partitioner placed, and records
//! of one request in different partitions.
//!
//! Law: a sample of bounded size, whatever the traffic. Records without a key and topics of one
//! partition say nothing.

mod keys;
mod requests;
#[cfg(test)]
mod tests;

pub(crate) use self::keys::{Placed, words};

use self::keys::TopicKeys;
use self::requests::RequestSample;
use crate::edge::log::Record;
use crate::model::{EventTime, Sample, Source};
use crate::wire::telemetry::{Raw, TextArena, decode};

/// What is wrong with the keys of a source.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum KeyFault {
    /// Producers of this topic place keys in two ways.
    Mixed(usize),
    /// Predictions and outcomes, in these topics, are placed differently.
    Differ(usize, usize),
    /// Records of one request lie in different partitions.
    Split,
}

/// A sample of a source's keys.
#[derive(Debug)]
pub(crate) struct Placement {
    names: Vec<String>,
    partitions: u32,
    topics: Vec<TopicKeys>,
    requests: RequestSample,
}

impl Placement {
    /// Nothing was seen yet of a source whose topics have `partitions` each.
    pub(crate) fn new(source: &Source, partitions: u32) -> Self {
        let names: Vec<_> = source.topics.iter().map(|topic| topic.name.clone()).collect();
        let topics = names.iter().map(|_| TopicKeys::default()).collect();
        Self { names, partitions, topics, requests: RequestSample::default() }
    }

    /// Looks at a record of a partition.
    pub(crate) fn observe(
        &mut self,
        topic: usize,
        partition: u32,
        key: Option<&[u8]>,
        sample: &Sample<'_>,
    ) {
        let Some(key) = key.filter(|key| !key.is_empty() && self.partitions > 1) else { return };
        let Some(keys) = self.topics.get_mut(topic) else { return };
        let request = match sample {
            Sample::Prediction(prediction) => {
                keys.predictions = true;
                prediction.request()
            }
            // One that says what was predicted, and by whom, needs no prediction.
            Sample::Outcome(outcome)
                if outcome.version.is_none() || outcome.prediction.is_none() =>
            {
                keys.outcomes = true;
                &outcome.request
            }
            Sample::Half(half) => {
                keys.predictions = true;
                &half.by
            }
            Sample::Outcome(_) | Sample::Latency(_) | Sample::Health(_) | Sample::Run(_) => return,
        };
        keys.take(key, partition, self.partitions);
        self.requests.take(request, partition);
    }

    /// The same, of a record that was not decoded yet.
    pub(crate) fn observe_record(
        &mut self,
        source: &Source,
        topic: usize,
        partition: u32,
        record: &Record,
    ) {
        let Some(rules) = source.topics.get(topic) else { return };
        let key = record.key.as_deref();
        let (headers, value) = (&*record.headers, &*record.value);
        let log_time = Some(EventTime::from_ms(record.appended.as_ms()));
        let raw = Raw { key, headers, value, log_time, path: None };
        if let Some(sample) = decode(&raw, rules, source, &TextArena::new()).first() {
            self.observe(topic, partition, key, sample);
        }
    }

    /// How the keys of a topic are placed, as far as enough were seen.
    pub(crate) fn placed(&self, topic: usize) -> Option<Placed> {
        self.topics.get(topic).and_then(TopicKeys::placed)
    }

    /// What is wrong; the second: whether enough was seen to tell.
    pub(crate) fn faults(&self) -> (Vec<KeyFault>, bool) {
        let placed: Vec<_> = (0..self.topics.len()).map(|topic| self.placed(topic)).collect();
        let known = || placed.iter().enumerate().filter_map(|(at, placed)| Some((at, (*placed)?)));
        let mut faults: Vec<_> = known()
            .filter(|(_, placed)| matches!(placed, Placed::Mixed(..)))
            .map(|(topic, _)| KeyFault::Mixed(topic))
            .collect();
        let has = |topic: usize, of: fn(&TopicKeys) -> bool| self.topics.get(topic).is_some_and(of);
        for (one, by) in known().filter(|(topic, _)| has(*topic, |keys| keys.predictions)) {
            for (other, or) in known().filter(|(topic, _)| has(*topic, |keys| keys.outcomes)) {
                let differ = match (by, or) {
                    (Placed::By(by), Placed::By(or)) => by != or,
                    // A partitioner of the user's own may still place requests together.
                    (Placed::By(_), Placed::Otherwise) | (Placed::Otherwise, Placed::By(_)) => {
                        !self.requests.together()
                    }
                    (Placed::Mixed(..) | Placed::Otherwise, _) | (_, Placed::Mixed(..)) => false,
                };
                if differ {
                    faults.push(KeyFault::Differ(one, other));
                }
            }
        }
        if self.requests.are_split() {
            faults.push(KeyFault::Split);
        }
        let told = known().next().is_some() || self.requests.counted().0 > 0;
        (faults, told)
    }

    /// What is wrong in words; empty: nothing. `None`: too little was seen.
    pub(crate) fn trouble(&self) -> Option<String> {
        let (faults, told) = self.faults();
        let name = |topic: usize| self.names.get(topic).map_or("", String::as_str);
        let words = |topic: usize| self.placed(topic).map_or_else(String::new, words);
        let fault = |fault: &KeyFault| match fault {
            KeyFault::Mixed(topic) => {
                format!("producers of {} place keys by {}", name(*topic), words(*topic))
            }
            KeyFault::Differ(one, other) => format!(
                "keys of {} are placed by {}, those of {} by {}",
                name(*one),
                words(*one),
                name(*other),
                words(*other)
            ),
            KeyFault::Split => "records of one request are in different partitions".to_owned(),
        };
        let faults: Vec<_> = faults.iter().map(fault).collect();
        if faults.is_empty() {
            return told.then(String::new);
        }
        Some(format!("{}, so outcomes miss their predictions; {MEND}", faults.join("; ")))
    }
}

/// What to do.
pub(crate) const MEND: &str = "use one key and one partitioner in all producers of the source: \
                               partitioner=murmur2_random in clients of librdkafka, a murmur2 \
                               partitioner in Sarama";
