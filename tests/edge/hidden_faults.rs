//! A fault that something hides is rolled back nearly as soon as without it, or it is told that
//! nobody can see: in a recording, and on the local log at the pace of a live service.

use std::sync::Arc;

use ripcord::config::InstructionKeys;
use ripcord::edge::clock::SimulatedClock;
use ripcord::edge::log::local::LocalLog;
use ripcord::model::{EventTime, LogTime, Namespace};
use ripcord::replay::Replay;
use ripcord::shard::Output;
use ripcord::topics::Topics;

use crate::common::hidden::{CASES, Case, Damage, END_S, ON_A_LOG, check, registry, told};
use crate::common::pipeline::{Pipeline, rules};
use crate::common::replay;

fn start() -> EventTime {
    // A Sunday, at midnight.
    EventTime::from_ms(1_772_323_200_000)
}

#[test]
fn in_a_recording() {
    let folder = tempfile::tempdir().unwrap();
    let told = CASES.map(|case| {
        let lines: Vec<_> = case.stream(start()).into_iter().map(|arrival| arrival.line).collect();
        let (rules, config) = rules();

        let replayed = Replay {
            only: None,
            files: vec![replay::write(folder.path(), "stream.jsonl", &lines).into()],
            registry: replay::registry(&registry(&[case])),
            versions: None,
            source: config.settings.sources[0].clone(),
            rules,
            mode: None,
        }
        .run(|_| {})
        .unwrap();
        if let Damage::Clock(version) = case.damage {
            let said = format!("{version} of {}: its clock is 1 min ahead", case.name);
            let notes = &replayed.summary.notes;
            assert!(notes.iter().any(|note| note.starts_with(&said)), "{said}: {notes:?}");
        }
        let incidents = replayed.outputs.iter().filter_map(|output| match output {
            Output::Incident(incident) => Some(&**incident),
            Output::Decision(_) | Output::Command(_) | Output::Reply(_) => None,
        });
        (case, told(case.name, start(), incidents))
    });
    check("in a recording", &told);
}

#[test]
fn on_the_local_log() {
    let clock = Arc::new(SimulatedClock::new(LogTime::from_ms(start().as_ms())));
    let log = Arc::new(LocalLog::in_memory(Arc::clone(&clock) as _).unwrap());
    let topics = Topics {
        log,
        namespace: Namespace::new("n").unwrap(),
        shards: 2,
        keys: InstructionKeys::default(),
    };
    let cases: Vec<Case> = CASES.into_iter().chain(ON_A_LOG).collect();
    let sources: Vec<_> = cases.iter().map(|case| case.name).chain(["second"]).collect();
    let mut pipeline = Pipeline::start(topics.clone(), "", &sources, &registry(&cases));
    let mut arriving: Vec<_> = cases
        .iter()
        .flat_map(|case| case.stream(start()).into_iter().map(|arrival| (case.name, arrival)))
        .collect();
    arriving.sort_by_key(|(_, arrival)| arrival.at_ms);
    let mut arriving = arriving.into_iter().peekable();
    let mut writer = topics.log.writer(None).unwrap();
    for half_second in 1..=END_S * 2 {
        let until = half_second * 500;
        clock.advance_to(LogTime::from_ms(start().as_ms() + until));
        let mut records = Vec::new();
        while let Some((name, arrival)) = arriving.next_if(|(_, of)| of.at_ms < until) {
            let source = if arrival.second { "second" } else { name };
            records.push(pipeline.record(source, arrival.line));
        }
        writer.append(records).unwrap();
        while !pipeline.turn() {}
    }
    let incidents = pipeline.incidents();
    let told: Vec<_> =
        cases.iter().map(|case| (*case, told(case.name, start(), incidents.iter()))).collect();
    check("on the local log", &told);
}
