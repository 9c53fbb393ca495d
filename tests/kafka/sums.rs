//! A backlog of a million events gives the same sums, however many processes read it, and
//! nothing is late.

use std::collections::BTreeMap;

use rdkafka::ClientConfig;
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use rdkafka::producer::{BaseProducer, BaseRecord, Producer as _};
use ripcord::edge::log::{Log as _, Topic};
use ripcord::shard::Inbox;
use ripcord::sums::{Counters, Counts};

use crate::common::broker;
use crate::common::random::Random;
use crate::world::{REGISTRY, Shape, World, until};

const EVENTS: u64 = 1_000_000;
const LANES: u32 = 4;
const MODELS: u64 = 64;
/// Event time that they span, and how far out of order they come.
const SPAN_MS: i64 = 600_000;
const JITTER_MS: f64 = 2000.0;
const PANE_MS: i64 = 10_000;
const START_MS: i64 = 1_750_000_000_000;

/// Model, version, start of the pane.
type Cell = (String, String, i64);
type Sums = BTreeMap<Cell, Counts>;

/// Publishes the events, and sums them up on the way as plainly as can be.
fn publish(topic: &str) -> Sums {
    let producer: BaseProducer = ClientConfig::new()
        .set("bootstrap.servers", broker::brokers())
        .set("linger.ms", "50")
        .set("compression.type", "lz4")
        .create()
        .unwrap();
    let mut random = Random::new(1);
    let mut sums = Sums::new();
    for i in 0..EVENTS {
        let spread = (SPAN_MS as f64 * i as f64 / EVENTS as f64) as i64;
        let ts = START_MS + spread - (random.share() * JITTER_MS) as i64;
        let model = format!("model-{}", random.bits() % MODELS);
        let version = if random.chance(0.5) { "v2" } else { "v1" };
        let bad = random.chance(0.02);
        let lane = (random.bits() % u64::from(LANES)) as i32;
        let event = format!(
            r#"{{"type":"prediction","id":"p{i:08}","model":"{model}","version":"{version}","#
        ) + &format!(
            r#""ts":{ts},"status":"{}","prediction":1,"score":0.5,"latency_ms":{}}}"#,
            if bad { "error" } else { "ok" },
            10 + random.bits() % 90
        );
        let pane = ts - ts.rem_euclid(PANE_MS);
        sums.entry((model, version.to_owned(), pane)).or_default().count(bad);
        let mut record = BaseRecord::<(), str>::to(topic).partition(lane).payload(&event);
        while let Err((error, back)) = producer.send(record) {
            assert!(matches!(error, KafkaError::MessageProduction(RDKafkaErrorCode::QueueFull)));
            record = back;
            producer.poll(std::time::Duration::from_millis(1));
        }
    }
    producer.flush(std::time::Duration::from_secs(60)).unwrap();
    sums
}

/// What the shard has heard: of each lane, by the process that spoke for it last.
#[derive(Default)]
struct ObservedSums {
    epochs: BTreeMap<u32, u64>,
    cells: BTreeMap<(u32, Cell), Counts>,
    counters: BTreeMap<u32, Counters>,
    outdated: usize,
    claims: usize,
}

impl ObservedSums {
    fn read(world: &World) -> Self {
        let mut heard = Self::default();
        for record in world.values::<Inbox>(Topic::Inbox) {
            match record {
                Inbox::Claim { lane, epoch } => {
                    heard.claims += 1;
                    let known = heard.epochs.entry(lane.lane).or_default();
                    *known = epoch.max(*known);
                }
                Inbox::Frame(frame) if frame.epoch < heard.epochs[&frame.lane.lane] => {
                    heard.outdated += 1;
                }
                Inbox::Frame(frame) => {
                    let lane = frame.lane.lane;
                    for partial in frame.versions {
                        let (model, version) =
                            (partial.model.to_string(), partial.version.to_string());
                        let cell = (model, version, partial.pane.as_ms());
                        heard.cells.insert((lane, cell), partial.sums.answers);
                    }
                    heard.counters.insert(lane, frame.counters);
                }
                _ => {}
            }
        }
        heard
    }

    fn counters(&self) -> Counters {
        let mut all = Counters::default();
        self.counters.values().for_each(|lane| all.merge(lane));
        all
    }

    fn sums(&self) -> Sums {
        let mut sums = Sums::new();
        for ((_, cell), counts) in &self.cells {
            sums.entry(cell.clone()).or_default().merge(*counts);
        }
        sums
    }

    /// Everything was read and nothing went another way than into a pane.
    fn equals(&self, reference: &Sums, who: &str) {
        let counters = self.counters();
        let expected = Counters { read: EVENTS, measured: EVENTS, ..Counters::default() };
        assert_eq!(counters, expected, "{who}");
        let sums = self.sums();
        assert_eq!(sums.len(), reference.len(), "{who}");
        for (cell, counts) in reference {
            assert_eq!(sums.get(cell), Some(counts), "{who}: {cell:?}");
        }
    }
}

fn world(topic: &str) -> World {
    let more = format!("[sources.telemetry.topic.{topic:?}]\nallowed_disorder_seconds = 5\n");
    World::of_topic(topic, Shape { lanes: LANES, shards: 1 }, REGISTRY, &more)
}

fn read(world: &World) -> u64 {
    ObservedSums::read(world).counters().read
}

/// What is in cells; the last of it is said a second after it was read.
fn said(world: &World) -> u64 {
    ObservedSums::read(world).cells.values().map(|counts| counts.n).sum()
}

#[test]
fn a_backlog_comes_to_the_same_sums_whoever_reads_it() {
    let topic = broker::unique("backlog");
    let log = ripcord::edge::log::kafka::KafkaLog::open(
        &broker::settings(),
        std::sync::Arc::new(ripcord::edge::clock::SystemClock),
    );
    log.unwrap().create(&topic, LANES, false).unwrap();
    let reference = publish(&topic);
    assert_eq!(reference.values().map(|counts| counts.n).sum::<u64>(), EVENTS);

    // One, and two of which the second comes later.
    for processes in 1..=2_u64 {
        let world = world(&topic);
        let mut ingests = vec![world.start(&["ingest"])];
        for come in 1..processes {
            let enough = come * EVENTS / 4;
            until("some was read", || (read(&world) > enough).then_some(()));
            ingests.push(world.start(&["ingest"]));
        }
        until("all was said", || (said(&world) >= EVENTS).then_some(()));
        ObservedSums::read(&world).equals(&reference, &format!("{processes} processes"));
        ingests.into_iter().for_each(crate::world::Process::stop);
    }

    // Three at once, one of them killed in the middle, and another in its place.
    let world = world(&topic);
    let mut ingests: Vec<_> = (0..3).map(|_| world.start(&["ingest"])).collect();
    until("some was read", || (read(&world) > EVENTS / 5).then_some(()));
    drop(ingests.remove(0));
    ingests.push(world.start(&["ingest"]));
    until("all was said", || (said(&world) >= EVENTS).then_some(()));
    let heard = ObservedSums::read(&world);
    heard.equals(&reference, "three processes, one killed");
    assert!(heard.claims > LANES as usize, "nobody took over");
    ingests.into_iter().for_each(crate::world::Process::stop);
}
