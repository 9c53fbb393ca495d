//! What an event of a backlog costs `ripcord ingest`, compared with a loop that only polls it.

use std::hint::black_box;
use std::process::Command;
use std::time::Duration;

use rdkafka::consumer::{BaseConsumer, Consumer as _};
use rdkafka::error::KafkaError;
use rdkafka::topic_partition_list::{Offset, TopicPartitionList};
use rdkafka::{ClientConfig, Message as _};
use ripcord::config::Config;
use ripcord::edge::clock::{Clock as _, Stopwatch, SystemClock};
use ripcord::edge::log::{Log as _, Partition, Topic};
use ripcord::measure::{Input, Lane, SamplePart};
use ripcord::model::{EventTime, LaneId, LogTime, Source};
use ripcord::shard::Inbox;
use ripcord::wire::telemetry::{Raw, TextArena, decode};
use rustix::time::{ClockId, clock_gettime};

use crate::events::{Chance, Sender, crowd};
use crate::topics::{BenchTopics, LANES, brokers, unique, until};

pub const EVENTS: u64 = 2_000_000;
/// They come from so much event time, disordered by so much at most.
const SPAN_MS: i64 = 600_000;
const JITTER_MS: u64 = 2000;
const ROUNDS: usize = 5;
const IN_MEMORY: u64 = 200_000;
pub const BARE: &str = "RIPCORD_BENCH_BARE";
const REGISTRY: &str = r#"{"schema":"ripcord.registry/1","revision":1,"models":[]}"#;

/// Processor seconds and seconds on the wall.
#[derive(Clone, Copy)]
struct Took {
    cpu: f64,
    wall: f64,
}

pub fn run() {
    let topic = unique("backlog");
    let topics = BenchTopics::new(&topic, REGISTRY, "");
    let bytes = produce(&topic);
    let each = bytes as f64 / EVENTS as f64;
    println!(
        "A backlog of {EVENTS} predictions of {each:.0} B in {LANES} partitions, lz4, by key; 64 \
         models of 2 versions; no process is pinned. Of {ROUNDS} rounds in turn the median.\n"
    );
    drop(topics);
    let (mut bare, mut ingest, mut peak) = (Vec::new(), Vec::new(), 0.0_f64);
    for _ in 0..ROUNDS {
        bare.push(bare_child(&topic));
        let (took, mib) = ingested(&topic);
        ingest.push(took);
        peak = peak.max(mib);
    }
    let measured = measured();
    let [cpu, wall]: [fn(&Took) -> f64; 2] = [|took| took.cpu, |took| took.wall];
    let limit = median(&bare, cpu);
    println!("{:<34}{:>14}{:>10}{:>16}", "", "CPU µs/event", "× poll", "events/s, wall");
    let row = |name: &str, cpu: f64, wall: Option<f64>| {
        let rate = wall.map_or("-".to_owned(), |wall| format!("{:.0}", EVENTS as f64 / wall));
        let us = cpu / EVENTS as f64 * 1e6;
        println!("{name:<34}{us:>14.2}{:>10.1}{rate:>16}", cpu / limit);
    };
    row("bare poll (the limit)", limit, Some(median(&bare, wall)));
    row("decode and measure, in memory", measured, None);
    row("ripcord ingest", median(&ingest, cpu), Some(median(&ingest, wall)));
    let all = |all: &[Took]| {
        let each = all.iter().map(|took| format!("{:.2}", took.cpu / EVENTS as f64 * 1e6));
        each.collect::<Vec<_>>().join(", ")
    };
    println!("\nCPU µs/event in each round: poll {}; ingest {}", all(&bare), all(&ingest));
    println!("ripcord ingest held {peak:.0} MiB at its peak");
}

fn median(all: &[Took], of: fn(&Took) -> f64) -> f64 {
    let mut all: Vec<f64> = all.iter().map(of).collect();
    all.sort_by(f64::total_cmp);
    all[all.len() / 2]
}

/// Sends the backlog; answers its bytes.
pub fn produce(topic: &str) -> u64 {
    let sender = Sender::new(&brokers(), topic, "20", Stopwatch::start());
    let from = SystemClock.now().as_ms() - SPAN_MS - 60_000;
    let mut chance = Chance(1);
    let (mut id, mut line, mut bytes) = (String::new(), String::new(), 0);
    for number in 0..EVENTS {
        crowd(number, moment(from, number, &mut chance), &mut chance, &mut id, &mut line);
        bytes += line.len() as u64;
        sender.send(&id, &line, 0);
    }
    sender.flush();
    bytes
}

fn moment(from: i64, number: u64, chance: &mut Chance) -> i64 {
    let at = number * SPAN_MS.unsigned_abs() / EVENTS;
    from + at.cast_signed() - chance.below(JITTER_MS).cast_signed()
}

/// The loop in a process of its own, so that nothing else is counted.
fn bare_child(topic: &str) -> Took {
    let program = std::env::current_exe().expect("a running program has a path");
    let output = Command::new(program).env(BARE, topic).output().expect("it starts again");
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let mut numbers = text.split_whitespace().map(|n| n.parse().expect("it printed numbers"));
    let mut number = || numbers.next().expect("two numbers");
    Took { cpu: number(), wall: number() }
}

/// Polls every event with the properties of Ripcord's own readers, and adds up their lengths.
pub fn bare(topic: &str) {
    let mut client = ClientConfig::new();
    client
        .set("bootstrap.servers", brokers())
        .set("group.id", unique("bare"))
        .set("enable.auto.commit", "false")
        .set("enable.auto.offset.store", "false")
        .set("enable.partition.eof", "true")
        .set("isolation.level", "read_committed")
        .set("fetch.wait.max.ms", "100")
        .set("fetch.queue.backoff.ms", "10")
        .set("queued.min.messages", "20000")
        .set("queued.max.messages.kbytes", "32768");
    let consumer: BaseConsumer = client.create().expect("a consumer");
    let mut list = TopicPartitionList::new();
    for lane in 0..LANES.cast_signed() {
        list.add_partition_offset(topic, lane, Offset::Beginning).expect("a position");
    }
    consumer.assign(&list).expect("the partitions are there");
    let watch = Stopwatch::start();
    let (mut events, mut bytes, mut ended) = (0_u64, 0, 0);
    while ended < LANES {
        match consumer.poll(Duration::from_millis(100)) {
            Some(Ok(message)) => {
                events += 1;
                bytes += message.payload().map_or(0, <[u8]>::len);
            }
            Some(Err(KafkaError::PartitionEOF(_))) => ended += 1,
            Some(Err(error)) => panic!("{error}"),
            None => {}
        }
    }
    let wall = watch.elapsed_us() as f64 / 1e6;
    assert_eq!(events, EVENTS);
    black_box(bytes);
    println!("{} {wall}", seconds(ClockId::ProcessCPUTime));
}

fn seconds(clock: ClockId) -> f64 {
    let time = clock_gettime(clock);
    time.tv_sec as f64 + time.tv_nsec as f64 / 1e9
}

/// A fresh namespace reads all of it. The wall's time is from the first claim of a lane to the
/// last frame; the processor's is all of the process, its start included.
fn ingested(topic: &str) -> (Took, f64) {
    let topics = BenchTopics::new(topic, REGISTRY, "");
    let process = topics.start(&["ingest"]);
    if std::env::var_os("RIPCORD_BENCH_SAY").is_some() {
        println!("ripcord ingest is process {}", process.id());
    }
    let lanes: Vec<_> =
        (0..LANES).map(|partition| Partition { topic: topic.to_owned(), partition }).collect();
    let reader = topics.log.reader("bounds", std::slice::from_ref(&topics.topic));
    let mut reader = reader.expect("the topic is there");
    let ends: Vec<i64> =
        lanes.iter().map(|lane| reader.bounds(lane).expect("it is there").1).collect();
    let (mut next, mut at, mut first) = (0, vec![0; ends.len()], None);
    let wall = until(&format!("all is read; it said {}", process.said()), || {
        for record in topics.records(Topic::Inbox, next) {
            next = record.position + 1;
            match serde_json::from_slice::<Inbox>(&record.value) {
                Ok(Inbox::Claim { .. }) => first = first.or(Some(record.time)),
                // Only the last part of a flush tells how far it goes.
                Ok(Inbox::Frame(frame)) if !frame.more => {
                    at[frame.lane.lane as usize] = frame.positions[0].1;
                    if at == ends {
                        let took = record.time - first.expect("claims come before frames");
                        return Some(took.as_ms() as f64 / 1e3);
                    }
                }
                _ => {}
            }
        }
        None
    });
    (Took { cpu: process.cpu(), wall }, process.peak_mib())
}

/// Processor seconds for decoding and measuring as many events in one lane, with nothing around.
fn measured() -> f64 {
    let config = Config::load(&[], &Default::default()).expect("the shipped defaults load");
    let source = &config.settings.sources[0];
    let mut chance = Chance(1);
    let mut id = String::new();
    let lines: Vec<String> = (0..IN_MEMORY)
        .map(|number| {
            let mut line = String::new();
            let ts = moment(1_700_000_000_000, number * EVENTS / IN_MEMORY, &mut chance);
            crowd(number, ts, &mut chance, &mut id, &mut line);
            line
        })
        .collect();
    let once = || {
        let before = seconds(ClockId::ThreadCPUTime);
        measure(source, &lines);
        seconds(ClockId::ThreadCPUTime) - before
    };
    let rounds: Vec<_> = (0..ROUNDS).map(|_| Took { cpu: once(), wall: 0.0 }).collect();
    median(&rounds, |took| took.cpu) * EVENTS as f64 / IN_MEMORY as f64
}

fn measure(source: &Source, lines: &[String]) {
    let id = LaneId { source: source.id.clone(), lane: 0 };
    let mut lane = Lane::new(source, id, 1);
    let (mut out, mut flushed) = (Vec::new(), EventTime::MIN);
    for (position, line) in (0..).zip(lines) {
        let texts = TextArena::new();
        let read = decode(&Raw::line(line.as_bytes()), &source.topics[0], source, &texts);
        let sample = read.one().expect("all are good");
        let ts = sample.ts();
        let (appended, following, read) = (None, None, Ok(sample));
        let part = SamplePart::WHOLE;
        lane.step(Input::Record { topic: 0, position, appended, following, part, read }, &mut out);
        if ts - flushed >= source.pane {
            flushed = ts;
            lane.step(Input::Flush { now: LogTime::from_ms(ts.as_ms()) }, &mut out);
        }
        black_box(out.drain(..).count());
    }
}
