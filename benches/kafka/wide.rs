//! Many models, and wide ones: what they take to run, on the log, and to start again.

use std::fmt::Write as _;

use ripcord::edge::clock::{Clock as _, Stopwatch, SystemClock};
use ripcord::edge::log::{Log as _, Partition, Topic};
use ripcord::shard::{Inbox, Status};

use crate::events::{Chance, Sender};
use crate::topics::{BenchTopics, LANES, Process, brokers, unique, until};

const REGISTRY: &str = r#"{"schema":"ripcord.registry/1","revision":1,"models":[]}"#;
/// The events come from this much event time.
const SPAN_MS: u64 = 600_000;
/// Texts of features that events take in turn: making one for each would cost more than reading it.
const TEXTS: usize = 200;
/// Records that are looked at together.
const LOOK: usize = 2000;

/// One kind of width.
struct Width {
    name: &'static str,
    models: u64,
    versions: u64,
    features: usize,
    events: u64,
    settings: &'static str,
}

const WIDTHS: [Width; 3] = [
    Width {
        name: "1,000 models × 2 versions × 8 features",
        models: 1000,
        versions: 2,
        features: 8,
        events: 1_000_000,
        settings: "",
    },
    Width {
        name: "10,000 models without features",
        models: 10_000,
        versions: 1,
        features: 0,
        events: 1_000_000,
        settings: "[ingest]\nmax_models = 10000\n",
    },
    Width {
        name: "1 model × 500 features, flush 10 s",
        models: 1,
        versions: 1,
        features: 500,
        events: 1_000_000,
        settings: "[ingest]\nflush_milliseconds = 10000\n",
    },
];

pub fn run() {
    println!(
        "A backlog of predictions in {LANES} lanes, 1 shard; settings as shipped, but as said."
    );
    for width in WIDTHS {
        width.run();
    }
}

impl Width {
    fn run(&self) {
        let topic = unique("wide");
        let topics = BenchTopics::new(&topic, REGISTRY, self.settings);
        let each = self.produce(&topic) as f64 / self.events as f64;
        println!("\n{}: {} events of {each:.0} B", self.name, self.events);
        let watch = Stopwatch::start();
        let (ingest, decide) = (topics.start(&["ingest"]), topics.start(&["decide"]));
        let said = || format!("{}{}", ingest.said(), decide.said());
        let mut inbox = Reading::new(&topics, Topic::Inbox);
        let ends = ends(&topics);
        until(&format!("all is read; they said {}", said()), || {
            inbox.go_on();
            (inbox.read == ends).then_some(())
        });
        let read_s = watch.elapsed_us() as f64 / 1e6;
        until(&format!("all is folded; they said {}", said()), || {
            inbox.go_on();
            (folded(&topics)? >= inbox.next).then_some(())
        });
        let folded_s = watch.elapsed_us() as f64 / 1e6;
        println!("  read after {read_s:.1} s, {:.0} events/s", self.events as f64 / read_s);
        println!("  folded after {folded_s:.1} s");
        for (name, process) in [("ingest", &ingest), ("decide", &decide)] {
            let us = process.cpu() / self.events as f64 * 1e6;
            println!("  {name}: {us:.2} µs CPU/event, {:.0} MiB at its peak", process.peak_mib());
        }
        print!("  on the log:");
        for topic in [Topic::Inbox, Topic::State, Topic::Status, Topic::Decisions] {
            let mut all = Reading::new(&topics, topic);
            all.go_on();
            print!(" {topic:?} {:.1} MB", all.bytes as f64 / 1e6);
        }
        println!();
        drop((ingest, decide));
        restart(&topics);
    }

    /// Sends the backlog; answers its bytes.
    fn produce(&self, topic: &str) -> u64 {
        let sender = Sender::new(&brokers(), topic, "20", Stopwatch::start());
        let from = SystemClock.now().as_ms() - SPAN_MS.cast_signed() - 60_000;
        let mut chance = Chance(1);
        let texts: Vec<String> = (0..TEXTS).map(|_| self.features(&mut chance)).collect();
        let (mut id, mut line, mut bytes) = (String::new(), String::new(), 0);
        for number in 0..self.events {
            let (model, version) = (number % self.models, chance.below(self.versions));
            let ts = from + (number * SPAN_MS / self.events).cast_signed();
            let features = &texts[number as usize % TEXTS];
            id.clear();
            write!(id, "{number:012}").expect("a String takes it");
            event(&mut line, &id, (model, version), ts, features);
            bytes += line.len() as u64;
            sender.send(&id, &line, 0);
        }
        sender.flush();
        bytes
    }

    fn features(&self, chance: &mut Chance) -> String {
        if self.features == 0 {
            return String::new();
        }
        let all = (0..self.features).map(|nth| format!("\"f{nth}\":{}", chance.below(100_000)));
        format!(",\"features\":{{{}}}", all.collect::<Vec<_>>().join(","))
    }
}

/// Writes a prediction over what `line` held.
fn event(line: &mut String, id: &str, (model, version): (u64, u64), ts: i64, features: &str) {
    line.clear();
    write!(
        line,
        concat!(
            r#"{{"type":"prediction","id":"{id}","model":"model-{model:05}","#,
            r#""version":"v{version}","ts":{ts},"role":"live","prediction":1,"#,
            r#""latency_ms":20{features}}}"#
        ),
        id = id,
        model = model,
        version = version,
        ts = ts,
        features = features,
    )
    .expect("a String takes it");
}

/// After kill -9 of both: until decide has told of its shard again, and ingest of its lanes.
fn restart(topics: &BenchTopics) {
    let told = |topic: Topic, from: i64| topics.records(topic, from).last().map(|r| r.position);
    let status = told(Topic::Status, 0).map_or(0, |last| last + 1);
    let watch = Stopwatch::start();
    let decide = topics.start(&["decide"]);
    until("decide tells of its shard again", || told(Topic::Status, status));
    println!("  decide after kill -9: told again after {:.1} s", seconds(&watch));
    let mut inbox = Reading::new(topics, Topic::Inbox);
    inbox.go_on();
    let frames = inbox.frames;
    let ts = SystemClock.now().as_ms();
    let mut line = String::new();
    event(&mut line, "last", (0, 0), ts, "");
    let sender = Sender::new(&brokers(), &topics.topic, "0", Stopwatch::start());
    sender.send("last", &line, 0);
    sender.flush();
    let watch = Stopwatch::start();
    let ingest = topics.start(&["ingest"]);
    until(&format!("ingest tells a frame again; it said {}", ingest.said()), || {
        inbox.go_on();
        (inbox.frames > frames).then_some(())
    });
    println!("  ingest after kill -9: the first frame after {:.1} s", seconds(&watch));
    peak("decide", &decide);
    peak("ingest", &ingest);
}

fn peak(name: &str, process: &Process) {
    println!("  {name} then: {:.0} MiB at its peak", process.peak_mib());
}

fn seconds(watch: &Stopwatch) -> f64 {
    watch.elapsed_us() as f64 / 1e6
}

/// Where each lane ends.
fn ends(topics: &BenchTopics) -> Vec<i64> {
    let reader = topics.log.reader("bounds", std::slice::from_ref(&topics.topic));
    let mut reader = reader.expect("the topic is there");
    let lane = |partition| Partition { topic: topics.topic.clone(), partition };
    (0..LANES).map(|of| reader.bounds(&lane(of)).expect("it is there").1).collect()
}

/// The next position that decide will fold, as it told last.
fn folded(topics: &BenchTopics) -> Option<i64> {
    let told = topics.log.latest(&topics.partition(Topic::Status), "status").ok()?;
    let head = told.into_iter().find(|record| record.key.as_deref() == Some(b"status"))?;
    Some(serde_json::from_slice::<Status>(&head.value).expect("a status").next)
}

/// One of the topics, read in steps.
struct Reading<'a> {
    topics: &'a BenchTopics,
    topic: Topic,
    next: i64,
    bytes: u64,
    frames: u64,
    /// How far the frames say that each lane was read.
    read: Vec<i64>,
}

impl<'a> Reading<'a> {
    fn new(topics: &'a BenchTopics, topic: Topic) -> Self {
        let read = vec![0; LANES as usize];
        Self { topics, topic, next: 0, bytes: 0, frames: 0, read }
    }

    fn go_on(&mut self) {
        let at = self.topics.partition(self.topic);
        loop {
            let records = self.topics.log.scan(&at, self.next, LOOK).expect("the broker answers");
            let Some(last) = records.last() else { return };
            self.next = last.position + 1;
            for record in &records {
                self.bytes += record.value.len() as u64;
                if self.topic != Topic::Inbox {
                    continue;
                }
                if let Ok(Inbox::Frame(frame)) = serde_json::from_slice(&record.value) {
                    self.frames += 1;
                    // Only the last part of a flush tells how far it goes.
                    if let Some((_, upto)) = frame.positions.first().filter(|_| !frame.more) {
                        self.read[frame.lane.lane as usize] = *upto;
                    }
                }
            }
        }
    }
}
