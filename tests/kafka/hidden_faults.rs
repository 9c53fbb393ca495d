//! A fault that something hides is rolled back nearly as soon as without it, or it is told that
//! nobody can see: on Kafka, where the healthy half of each stream is a backlog when it is read.

use std::ops::Range;
use std::sync::Arc;

use rdkafka::ClientConfig;
use rdkafka::admin::{AdminClient, AdminOptions, NewTopic, TopicReplication};
use rdkafka::client::DefaultClientContext;
use ripcord::config::InstructionKeys;
use ripcord::edge::clock::{Clock as _, SimulatedClock, Stopwatch, SystemClock};
use ripcord::edge::log::Log as _;
use ripcord::edge::log::kafka::KafkaLog;
use ripcord::model::{EventTime, Namespace, Span};
use ripcord::topics::Topics;

use crate::common::broker;
use crate::common::hidden::{
    CASES, Case, END_S, ON_A_LOG, ON_KAFKA, ONSET_S, check, registry, told,
};
use crate::common::pipeline::Pipeline;
use crate::positions::retention;
use crate::world::{LONG, alone};

/// Seconds of the stream that retention takes before they are read.
const DELETED_S: Range<i64> = ONSET_S..ONSET_S + 60;

#[test]
fn on_kafka() {
    let _alone = alone();
    let clock = Arc::new(SimulatedClock::new(SystemClock.now()));
    let log = Arc::new(KafkaLog::open(&broker::settings(), Arc::clone(&clock) as _).unwrap());
    let namespace = Namespace::new(&broker::unique("t")).unwrap();
    let prefix = format!("{namespace}.");
    let topics = Topics {
        log: Arc::clone(&log) as _,
        namespace,
        shards: 2,
        keys: InstructionKeys::default(),
    };
    let cases: Vec<Case> = CASES.into_iter().chain(ON_A_LOG).chain(ON_KAFKA).collect();
    let sources: Vec<_> = cases.iter().map(|case| case.name).chain(["second"]).collect();
    sources.iter().for_each(|source| stamped_by_producers(&format!("{prefix}{source}")));
    let mut pipeline = Pipeline::start(topics, &prefix, &sources, &registry(&cases));
    let hour_ago = SystemClock.now().as_ms() - 3_600_000;
    let start = EventTime::from_ms(hour_ago - hour_ago % 60_000);

    let mut arriving: Vec<_> = cases
        .iter()
        .flat_map(|case| case.stream(start).into_iter().map(|arrival| (case.name, arrival)))
        .collect();
    arriving.sort_by_key(|(_, arrival)| arrival.at_ms);
    let mut arriving = arriving.into_iter().peekable();
    let mut writer = log.writer(None).unwrap();
    let (deletes, mut sent) = (ON_KAFKA[0].name, 0);
    // The healthy half is a backlog; then the pace is that of a live service.
    for until in (ONSET_S..=END_S).step_by(10) {
        let mut records = Vec::new();
        while let Some((name, arrival)) = arriving.next_if(|(_, of)| of.at_ms < until * 1000) {
            let source = if arrival.second { "second" } else { name };
            records.push(pipeline.record(source, arrival.line));
            sent += u64::from(name != deletes || !DELETED_S.contains(&(arrival.at_ms / 1000)));
        }
        writer.append(records).unwrap();
        if until == DELETED_S.end {
            let at = pipeline.partition(deletes);
            let last = log.scan(&at, 0, usize::MAX).unwrap().pop().unwrap();
            retention(&[(&at.topic, 0, last.position + 1)]);
            pipeline.resume(deletes);
        }
        settle(&mut pipeline, |pipeline| pipeline.read >= sent);
        // Brokers tell the end of a topic after half a second; here that would be minutes of event
        // time.
        settle(&mut pipeline, |pipeline| pipeline.caught_up("second"));
        // What was read is told. Log time passes more slowly than event time, so that the time
        // between two batches is not taken for a pause.
        clock.advance_to(clock.now() + Span::from_s(1));
        settle(&mut pipeline, |pipeline| pipeline.heard() >= sent);
        if until == DELETED_S.start {
            pipeline.pause(deletes);
        }
    }
    let incidents = pipeline.incidents();
    let told: Vec<_> =
        cases.iter().map(|case| (*case, told(case.name, start, incidents.iter()))).collect();
    check("on Kafka", &told);
}

/// A topic as Kafka makes it unless told otherwise: nobody vouches for its times.
fn stamped_by_producers(name: &str) {
    let admin: AdminClient<DefaultClientContext> =
        ClientConfig::new().set("bootstrap.servers", broker::brokers()).create().unwrap();
    let topic = NewTopic::new(name, 1, TopicReplication::Fixed(1))
        .set("message.timestamp.type", "CreateTime");
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let made = admin.create_topics([&topic], &AdminOptions::new());
    runtime.block_on(made).unwrap().into_iter().for_each(|one| drop(one.unwrap()));
}

/// Lets the roles take turns until this is so.
fn settle(pipeline: &mut Pipeline, done: impl Fn(&Pipeline) -> bool) {
    let watch = Stopwatch::start();
    while !done(pipeline) {
        pipeline.turn();
        assert!(watch.elapsed() < LONG, "{} read, {} heard", pipeline.read, pipeline.heard());
    }
}
