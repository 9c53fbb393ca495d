//! Telemetry as a service would send it, and the producer that it is sent with.

use std::fmt::Write as _;
use std::sync::{Arc, Mutex, PoisonError};

use rdkafka::ClientConfig;
use rdkafka::ClientContext;
use rdkafka::error::KafkaError;
use rdkafka::message::{DeliveryResult, Message as _};
use rdkafka::producer::{BaseRecord, Producer as _, ProducerContext, ThreadedProducer};
use rdkafka::types::RDKafkaErrorCode;
use ripcord::edge::clock::Stopwatch;

/// The position of a record, and when the broker had it, in microseconds of the bench's watch.
#[derive(Debug, Clone, Copy)]
pub struct Acked {
    pub lane: u32,
    pub position: i64,
    pub at_us: u64,
}

/// What the broker acknowledged of the records that are told apart by a number; 0: of no interest.
pub struct Acks {
    watch: Stopwatch,
    of: Mutex<Vec<(usize, Acked)>>,
}

impl ClientContext for Acks {}

impl ProducerContext for Acks {
    type DeliveryOpaque = usize;

    fn delivery(&self, result: &DeliveryResult<'_>, number: usize) {
        let Ok(message) = result else { panic!("a record was lost") };
        if number > 0 {
            let lane = u32::try_from(message.partition()).unwrap_or(0);
            let acked = Acked { lane, position: message.offset(), at_us: self.watch.elapsed_us() };
            self.of.lock().unwrap_or_else(PoisonError::into_inner).push((number, acked));
        }
    }
}

/// Sends to one topic, by key, compressed as Ripcord's own producers do.
pub struct Sender {
    topic: String,
    producer: Arc<ThreadedProducer<Acks>>,
}

impl Sender {
    pub fn new(brokers: &str, topic: &str, linger_ms: &str, watch: Stopwatch) -> Self {
        let mut client = ClientConfig::new();
        client
            .set("bootstrap.servers", brokers)
            .set("compression.type", "lz4")
            .set("enable.idempotence", "true")
            // As Java's producer does.
            .set("partitioner", "murmur2_random")
            .set("linger.ms", linger_ms);
        let acks = Acks { watch, of: Mutex::default() };
        let producer = Arc::new(client.create_with_context(acks).expect("a producer"));
        Self { topic: topic.to_owned(), producer }
    }

    /// Hands a record to the client, which sends it from threads of its own.
    pub fn send(&self, key: &str, line: &str, number: usize) {
        let mut next = BaseRecord::with_opaque_to(&self.topic, number).key(key).payload(line);
        loop {
            match self.producer.send(next) {
                Ok(()) => return,
                Err((KafkaError::MessageProduction(RDKafkaErrorCode::QueueFull), back)) => {
                    next = back;
                    std::thread::sleep(std::time::Duration::from_millis(1));
                }
                Err((error, _)) => panic!("a record was not taken: {error}"),
            }
        }
    }

    /// Waits until all is acknowledged.
    pub fn flush(&self) {
        self.producer.flush(std::time::Duration::from_secs(60)).expect("the broker takes it");
    }

    /// What was acknowledged of the numbered ones.
    pub fn acked(&self) -> Vec<(usize, Acked)> {
        let of = &self.producer.context().of;
        of.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

/// Numbers that look like chance and are the same each time (Steele, Lea, Flood, 2014).
pub struct Chance(pub u64);

impl Chance {
    pub fn below(&mut self, end: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (z ^ (z >> 31)) % end
    }
}

/// One prediction, about 236 bytes.
pub struct Event<'a> {
    pub id: &'a str,
    pub model: &'a str,
    pub version: &'a str,
    pub ts_ms: i64,
    pub ill: bool,
}

impl Event<'_> {
    /// Writes it as JSON over what `line` held; `chance` makes its numbers.
    pub fn write(&self, line: &mut String, chance: &mut Chance) {
        let Self { id, model, version, ts_ms, ill } = self;
        let status = if *ill { "error" } else { "ok" };
        let (score, late) = (chance.below(100_000), chance.below(40_000));
        let (amount, age) = (chance.below(1_000_000), chance.below(80));
        line.clear();
        write!(
            line,
            concat!(
                r#"{{"type":"prediction","id":"{id}","model":"{model}","version":"{version}","#,
                r#""ts":{ts_ms},"status":"{status}","prediction":1,"score":0.{score:05},"#,
                r#""latency_ms":{ms}.{us:03},"role":"live","#,
                r#""features":{{"amount":{whole}.{cents:02},"age":{age}}}}}"#
            ),
            id = id,
            model = model,
            version = version,
            ts_ms = ts_ms,
            status = status,
            score = score,
            ms = 10 + late / 1000,
            us = late % 1000,
            whole = amount / 100,
            cents = amount % 100,
            age = age,
        )
        .expect("a String takes it");
    }
}

/// The healthy crowd: 64 models of two versions each, one answer in a hundred an error.
pub fn crowd(number: u64, ts_ms: i64, chance: &mut Chance, id: &mut String, line: &mut String) {
    let (model, version) = (chance.below(64), 1 + chance.below(2));
    id.clear();
    write!(id, "{:016x}-{number:012}", chance.below(u64::MAX)).expect("a String takes it");
    let (model, version) = (format!("crowd-{model:02}"), format!("v{version}"));
    let ill = chance.below(100) == 0;
    Event { id, model: &model, version: &version, ts_ms, ill }.write(line, chance);
}
