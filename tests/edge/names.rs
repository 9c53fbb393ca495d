//! More models in telemetry than have a place: the one in the registry is rolled back in time, and
//! the others are told.

use std::collections::BTreeSet;
use std::sync::Arc;

use ripcord::config::InstructionKeys;
use ripcord::edge::clock::SimulatedClock;
use ripcord::edge::log::Topic;
use ripcord::edge::log::local::LocalLog;
use ripcord::model::{EventTime, LogTime, Namespace, Reject};
use ripcord::topics::Topics;

use crate::common::hidden::{CASES, Case, END_S, registry, told};
use crate::common::pipeline::Pipeline;

/// Models that nobody names.
const OTHERS: i64 = 5000;
/// What the shipped settings allow.
const PLACES: usize = 1000;
/// Records of the others in half a second.
const AT_ONCE: i64 = 20;
/// The model in the registry is heard only when the others have taken all places.
const LATER_S: i64 = 60;

fn start() -> EventTime {
    // A Sunday, at midnight.
    EventTime::from_ms(1_772_323_200_000)
}

fn other(nth: i64, at_ms: i64) -> String {
    let model = nth % OTHERS;
    let ts = start().as_ms() + at_ms;
    format!(
        r#"{{"type":"latency","model":"other-{model}","version":"v1","ts":{ts},"latency_ms":5}}"#
    )
}

fn places(pipeline: &Pipeline) -> (usize, BTreeSet<String>) {
    let decide = pipeline.decide();
    let places = decide.shards().map(|(_, shard)| shard.judged().places()).sum();
    let models = decide.shards().flat_map(|(_, shard)| shard.models());
    (places, models.map(|model| model.to_string()).collect())
}

#[test]
fn five_thousand_models_do_not_hide_the_one_that_counts() {
    let clock = Arc::new(SimulatedClock::new(LogTime::from_ms(start().as_ms())));
    let log = Arc::new(LocalLog::in_memory(Arc::clone(&clock) as _).unwrap());
    let namespace = Namespace::new("n").unwrap();
    let topics = Topics { log, namespace, shards: 2, keys: InstructionKeys::default() };
    let case: Case = CASES.into_iter().find(|case| case.name == "errors").unwrap();
    let mut pipeline = Pipeline::start(topics.clone(), "", &[case.name], &registry(&[case]));
    let mut writer = topics.log.writer(None).unwrap();
    let mut arriving = case.stream(start()).into_iter().peekable();
    let mut nth = 0;
    for half_second in 1..=END_S * 2 {
        let until = half_second * 500;
        clock.advance_to(LogTime::from_ms(start().as_ms() + until));
        let mut records = Vec::new();
        for _ in 0..AT_ONCE {
            records.push(pipeline.record(case.name, other(nth, until - 1)));
            nth += 1;
        }
        while let Some(arrival) = arriving.next_if(|of| of.at_ms < until) {
            if arrival.at_ms >= LATER_S * 1000 {
                records.push(pipeline.record(case.name, arrival.line));
            }
        }
        writer.append(records).unwrap();
        while !pipeline.turn() {}
        if half_second % 2 == 0 {
            pipeline.tell();
        }
        if half_second == END_S {
            pipeline.pause(case.name);
            pipeline.resume(case.name);
            pipeline.decide_again();
        }
    }
    let incidents = pipeline.incidents();
    let told = told(case.name, start(), incidents.iter()).expect("nothing was told");
    assert!(told.blind.is_none(), "{told:?}");
    assert!((0.0..=300.0).contains(&told.after_s), "{told:?}");
    // The places and one for the model that is named. Each of the three lives of the lane gives
    // some otherwise: the second has not read the past, and the third succeeds it.
    let (held, models) = places(&pipeline);
    assert!((PLACES..PLACES + 50).contains(&held), "{held} places");
    assert!(models.contains(case.name));
    assert!(models.len() < PLACES + 50, "{} models", models.len());
    let status = pipeline.decide().status();
    let records = status.iter().flat_map(|status| status.records.values()).next().unwrap();
    let refused = records.rejected[&Reject::TooManyModels];
    let kept = u64::try_from(nth).unwrap() * PLACES as u64 / OTHERS as u64;
    assert!(refused + kept * 3 >= u64::try_from(nth).unwrap(), "{refused} of {nth}");
    assert_eq!(records.read, records.accounted());
    let aside = (0..topics.shards).map(|shard| topics.partition(Topic::Rejected, shard));
    let aside = aside.flat_map(|at| topics.log.scan(&at, 0, usize::MAX).unwrap());
    let codes: BTreeSet<_> = aside
        .flat_map(|record| record.headers)
        .filter(|(name, _)| name == "ripcord.error.code")
        .map(|(_, code)| String::from_utf8(code).unwrap())
        .collect();
    assert_eq!(codes, BTreeSet::from(["too_many_models".to_owned()]));
}
