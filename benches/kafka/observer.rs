//! What a consumer of committed records sees of a pipeline, and when.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

use rdkafka::consumer::{BaseConsumer, Consumer as _};
use rdkafka::topic_partition_list::{Offset, TopicPartitionList};
use rdkafka::{ClientConfig, Message as _};
use ripcord::edge::clock::Stopwatch;
use ripcord::edge::log::Topic;
use ripcord::model::{Command, Want};
use ripcord::shard::Inbox;

use crate::topics::{BenchTopics, brokers, unique};

/// A frame: how far it goes in its lane, and when it could be read.
pub struct Framed {
    pub lane: u32,
    pub upto: i64,
    pub at_us: u64,
}

/// Times are microseconds of the bench's watch.
#[derive(Default)]
pub struct Observed {
    /// The first command of each model that moves it.
    pub commands: BTreeMap<String, u64>,
    pub frames: Vec<Framed>,
    pub lanes: BTreeSet<u32>,
}

/// A thread that looks.
pub struct Observer {
    stop: Arc<AtomicBool>,
    commands: Arc<AtomicUsize>,
    thread: JoinHandle<Observed>,
}

impl Observer {
    pub fn start(topics: &BenchTopics, watch: Stopwatch) -> Self {
        let mut client = ClientConfig::new();
        client
            .set("bootstrap.servers", brokers())
            .set("group.id", unique("observer"))
            .set("enable.auto.commit", "false")
            .set("isolation.level", "read_committed")
            .set("fetch.queue.backoff.ms", "10");
        let consumer: BaseConsumer = client.create().expect("a consumer");
        let commands = Topic::Commands.name(&topics.namespace);
        let mut list = TopicPartitionList::new();
        for topic in [&commands, &Topic::Inbox.name(&topics.namespace)] {
            list.add_partition_offset(topic, 0, Offset::Beginning).expect("a position");
        }
        consumer.assign(&list).expect("the partitions are there");
        let (stop, count) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicUsize::new(0)));
        let thread = std::thread::spawn({
            let (stop, count) = (Arc::clone(&stop), Arc::clone(&count));
            move || {
                let mut seen = Observed::default();
                while !stop.load(Ordering::Relaxed) {
                    let Some(Ok(message)) = consumer.poll(Duration::from_millis(50)) else {
                        continue;
                    };
                    let at_us = watch.elapsed_us();
                    let value = message.payload().unwrap_or_default();
                    if message.topic() == commands {
                        seen.command(value, at_us);
                        count.store(seen.commands.len(), Ordering::Relaxed);
                    } else {
                        seen.inbox(value, at_us);
                    }
                }
                seen
            }
        });
        Self { stop, commands: count, thread }
    }

    /// How many models a command was seen of.
    pub fn commands(&self) -> usize {
        self.commands.load(Ordering::Relaxed)
    }

    pub fn stop(self) -> Observed {
        self.stop.store(true, Ordering::Relaxed);
        self.thread.join().expect("it ends well")
    }
}

impl Observed {
    fn command(&mut self, value: &[u8], at_us: u64) {
        let command: Command = serde_json::from_slice(value).expect("a command");
        if matches!(command.want, Want::Production { .. }) {
            self.commands.entry(command.model.to_string()).or_insert(at_us);
        }
    }

    fn inbox(&mut self, value: &[u8], at_us: u64) {
        if let Ok(Inbox::Frame(frame)) = serde_json::from_slice(value)
            && !frame.more
        {
            let upto = frame.positions.first().map_or(0, |(_, upto)| *upto);
            self.lanes.insert(frame.lane.lane);
            self.frames.push(Framed { lane: frame.lane.lane, upto, at_us });
        }
    }
}
