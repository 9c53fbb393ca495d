//! Whether the records of one request lie in one partition.
//!
//! Outcomes join and versions pair only within a lane, so all producers of a source must place
//! keys alike. Two signs show that they do not: keys that another partitioner placed, and records
//! of one request in different partitions.
//!
//! Law: a sample of bounded size, whatever the traffic. Records without a key and topics of one
//! partition say nothing.

use std::collections::{BTreeMap, BTreeSet};

use xxhash_rust::xxh3::xxh3_64;

use super::partitioner::Partitioner;
use crate::edge::log::Record;
use crate::model::{Sample, Source};
use crate::wire::telemetry::{Raw, decode};

/// Different keys that are looked at before a topic is judged anew.
const KEYS: usize = 256;
/// The fewest that suffice: another partitioner agrees by chance on each of two in one in 2^32.
const FEWEST: usize = 32;
/// Once a topic was judged, one key in so many is looked at.
const LATER: u64 = 16;
/// Requests that are remembered. When they are more, half of them are dropped, by their hash.
const REQUESTS: usize = 4096;
/// Requests of which a second record came, before they are counted anew.
const PAIRS: u32 = 512;

/// How the keys of a topic are placed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Placed {
    /// By this one.
    By(Partitioner),
    /// By two of them, so by two producers.
    Mixed(Partitioner, Partitioner),
    /// By none of them.
    Otherwise,
}

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
    requests: Requests,
}

#[derive(Debug, Default)]
struct TopicKeys {
    seen: BTreeSet<u64>,
    /// Keys by the set of partitioners that would have placed them so.
    agree: [usize; 8],
    judged: Option<Placed>,
    predictions: bool,
    outcomes: bool,
}

#[derive(Debug, Default)]
struct Requests {
    /// The partition of each.
    of: BTreeMap<u64, u32>,
    /// Hashes that end in so many zeros are kept.
    zeros: u32,
    pairs: u32,
    split: u32,
    /// Pairs and split ones, when they were counted before.
    before: (u32, u32),
}

impl Placement {
    /// Nothing was seen of a source whose topics have so many partitions.
    pub(crate) fn new(source: &Source, partitions: u32) -> Self {
        let names: Vec<_> = source.topics.iter().map(|topic| topic.name.clone()).collect();
        let topics = names.iter().map(|_| TopicKeys::default()).collect();
        Self { names, partitions, topics, requests: Requests::default() }
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
        let raw = Raw { key, headers: &record.headers, value: &record.value };
        if let Ok(sample) = decode(&raw, rules, source) {
            self.observe(topic, partition, key, &sample);
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

/// How keys are placed, in words.
pub(crate) fn words(placed: Placed) -> String {
    match placed {
        Placed::By(by) => by.words().to_owned(),
        Placed::Mixed(one, other) => format!("{} and {}", one.words(), other.words()),
        Placed::Otherwise => "no known partitioner".to_owned(),
    }
}

impl TopicKeys {
    fn take(&mut self, key: &[u8], partition: u32, partitions: u32) {
        let hash = xxh3_64(key);
        let wanted = self.judged.is_none() || hash.is_multiple_of(LATER);
        if !wanted || !self.seen.insert(hash) {
            return;
        }
        let agrees = |by: Partitioner| by.place(key, partitions) == partition;
        let set = Partitioner::ALL.iter().enumerate();
        let set = set.map(|(bit, by)| usize::from(agrees(*by)) << bit).sum::<usize>();
        if let Some(count) = self.agree.get_mut(set) {
            *count += 1;
        }
        if self.seen.len() >= KEYS {
            self.judged = self.judge();
            self.seen.clear();
            self.agree = [0; 8];
        }
    }

    fn placed(&self) -> Option<Placed> {
        self.judge().or(self.judged)
    }

    /// What the keys at hand say. A few may be placed by hand.
    fn judge(&self) -> Option<Placed> {
        let all = self.seen.len();
        if all < FEWEST {
            return None;
        }
        let of = |any: usize| -> usize {
            let sets = self.agree.iter().enumerate().filter(|(set, _)| set & any != 0);
            sets.map(|(_, count)| count).sum()
        };
        let nearly = |count: usize| 50 * (all - count) <= all;
        let bits = || Partitioner::ALL.into_iter().enumerate();
        if let Some((_, by)) = bits().find(|(bit, _)| nearly(of(1 << bit))) {
            return Some(Placed::By(by));
        }
        for (bit, one) in bits() {
            for (later, other) in bits().skip(bit + 1) {
                let both = of(1 << bit | 1 << later);
                let alone = (both - of(1 << later)).min(both - of(1 << bit));
                if nearly(both) && !nearly(all - alone) {
                    return Some(Placed::Mixed(one, other));
                }
            }
        }
        Some(Placed::Otherwise)
    }
}

impl Requests {
    fn take(&mut self, request: &str, partition: u32) {
        let hash = xxh3_64(request.as_bytes());
        if hash.trailing_zeros() < self.zeros {
            return;
        }
        match self.of.get(&hash) {
            Some(known) => {
                self.pairs += 1;
                self.split += u32::from(*known != partition);
                if self.pairs >= PAIRS {
                    self.before = (self.pairs, self.split);
                    (self.pairs, self.split) = (0, 0);
                }
            }
            None => _ = self.of.insert(hash, partition),
        }
        while self.of.len() > REQUESTS {
            self.zeros += 1;
            self.of.retain(|hash, _| hash.trailing_zeros() >= self.zeros);
        }
    }

    /// Pairs, and how many of them are split.
    fn counted(&self) -> (u32, u32) {
        if self.pairs >= 20 { (self.pairs, self.split) } else { self.before }
    }

    /// A record that was sent twice, by hand, splits one now and then.
    fn are_split(&self) -> bool {
        let (pairs, split) = self.counted();
        split >= 10 && 20 * split >= pairs
    }

    fn together(&self) -> bool {
        self.counted().0 > 0 && !self.are_split()
    }
}

#[cfg(test)]
mod tests {
    use super::Partitioner::{Crc32, Fnv1a, Murmur2};
    use super::*;
    use crate::model::{
        EventTime, LostFields, Outcome, Prediction, PredictionStatus, SampleRole, SourceId, Span,
        TopicRule, UnknownModels, Value,
    };

    /// A topic of predictions, and one of outcomes.
    fn source() -> Source {
        let rule = |name: &str| TopicRule {
            name: name.to_owned(),
            allowed_disorder: Span::ZERO,
            mapping: None,
        };
        Source {
            id: SourceId::new("s").unwrap(),
            topics: vec![rule("pred"), rule("out")],
            pane: Span::from_s(10),
            label_horizon: Span::from_s(3600),
            max_waiting: 10,
            max_jump: Span::from_s(300),
            jump_confirmations: 20,
            max_categories: 10,
            oldest: EventTime::from_ms(0),
            max_record_bytes: 1000,
            unknown_models: UnknownModels::Learn,
        }
    }

    fn prediction(request: &str) -> Sample<'_> {
        Sample::Prediction(Prediction {
            id: request.into(),
            model: "m".into(),
            version: "v1".into(),
            ts: EventTime::from_ms(0),
            request: None,
            status: PredictionStatus::Ok,
            prediction: None,
            score: None,
            latency_us: None,
            features: Vec::new(),
            role: SampleRole::Live,
            actual: None,
            lost: LostFields::default(),
        })
    }

    fn outcome(request: &str, whole: bool) -> Sample<'_> {
        Sample::Outcome(Outcome {
            request: request.into(),
            model: "m".into(),
            ts: EventTime::from_ms(0),
            actual: Some(Value::Number(1.0)),
            version: whole.then(|| "v1".into()),
            prediction: whole.then_some(Value::Number(1.0)),
            lost: LostFields::default(),
        })
    }

    /// Places the n-th key of so many partitions.
    type Place = fn(usize, &[u8], u32) -> u32;

    const MURMUR2: Place = |_, key, of| Murmur2.place(key, of);
    const CRC32: Place = |_, key, of| Crc32.place(key, of);
    const FNV1A: Place = |_, key, of| Fnv1a.place(key, of);
    const BY_HAND: Place = |_, key, of| u32::try_from(key.len()).unwrap() % of;
    const IN_TURN: Place = |n, _, of| u32::try_from(n).unwrap() % of;
    const BOTH: Place = |n, key, of| if n % 4 == 0 { Murmur2 } else { Crc32 }.place(key, of);
    const ASTRAY: Place = |n, key, of| if n % 90 == 0 { 0 } else { Murmur2.place(key, of) };

    /// What is said after so many requests.
    fn trouble(n: usize, partitions: u32, (pred, out): (Place, Place), keyed: bool) -> String {
        let mut placement = Placement::new(&source(), partitions);
        for n in 0..n {
            let request = format!("{:>width$}", format!("r-{n}"), width = 5 + n % 7);
            let key = request.as_bytes();
            let given = keyed.then_some(key);
            placement.observe(0, pred(n, key, partitions), given, &prediction(&request));
            let answer = outcome(&request, false);
            placement.observe(1, out(n, key, partitions), given, &answer);
        }
        placement.trouble().unwrap_or_else(|| "too little".to_owned())
    }

    #[test]
    fn keys_that_are_placed_in_two_ways_are_named_and_no_others() {
        const SPLIT: &str = "records of one request are in different partitions";
        for (places, partitions, expected) in [
            ((MURMUR2, MURMUR2), 2, ""),
            ((CRC32, CRC32), 12, ""),
            ((FNV1A, FNV1A), 3, ""),
            ((BY_HAND, BY_HAND), 4, ""),
            ((ASTRAY, MURMUR2), 4, ""),
            ((MURMUR2, CRC32), 1, "too little"),
            (
                (MURMUR2, CRC32),
                2,
                "keys of pred are placed by murmur2 (Java), those of out by CRC32 (librdkafka); SPLIT",
            ),
            (
                (FNV1A, MURMUR2),
                12,
                "keys of pred are placed by FNV-1a (Sarama), those of out by murmur2 (Java); SPLIT",
            ),
            (
                (MURMUR2, BOTH),
                2,
                "producers of out place keys by murmur2 (Java) and CRC32 (librdkafka); SPLIT",
            ),
            (
                (CRC32, IN_TURN),
                3,
                "keys of pred are placed by CRC32 (librdkafka), those of out by no known \
                 partitioner; SPLIT",
            ),
            ((BY_HAND, IN_TURN), 3, "SPLIT"),
        ] {
            let expected = match expected {
                "" | "too little" => expected.to_owned(),
                fault => {
                    let fault = fault.replace("SPLIT", SPLIT);
                    format!("{fault}, so outcomes miss their predictions; {MEND}")
                }
            };
            for n in [100, 255, 3000, 20_000] {
                let found = trouble(n, partitions, places, true);
                assert_eq!(found, expected, "{n} requests in {partitions}");
            }
            assert_eq!(trouble(1000, partitions, places, false), "too little", "without keys");
            assert_eq!(trouble(9, partitions, places, true), "too little");
        }
    }

    #[test]
    fn outcomes_that_need_no_prediction_may_lie_anywhere() {
        let mut placement = Placement::new(&source(), 4);
        for n in 0..1000 {
            let request = format!("r{n}");
            let key = Some(request.as_bytes());
            placement.observe(0, MURMUR2(n, request.as_bytes(), 4), key, &prediction(&request));
            placement.observe(1, IN_TURN(n, b"", 4), key, &outcome(&request, true));
        }
        assert_eq!(placement.trouble(), Some(String::new()));
    }

    #[test]
    fn the_sample_is_bounded_and_what_was_mended_is_forgotten() {
        let mut placement = Placement::new(&source(), 4);
        let run = |placement: &mut Placement, range: std::ops::Range<usize>, out: Place| {
            for n in range {
                let request = format!("r{n}");
                let key = request.as_bytes();
                placement.observe(0, MURMUR2(n, key, 4), Some(key), &prediction(&request));
                placement.observe(1, out(n, key, 4), Some(key), &outcome(&request, false));
            }
        };
        run(&mut placement, 0..20_000, CRC32);
        assert_eq!(placement.faults().0, [KeyFault::Differ(0, 1), KeyFault::Split]);
        run(&mut placement, 20_000..400_000, MURMUR2);
        assert_eq!(placement.faults(), (Vec::new(), true));
        assert!(placement.requests.of.len() <= REQUESTS);
        assert!(placement.topics.iter().all(|keys| keys.seen.len() < KEYS));
    }
}
