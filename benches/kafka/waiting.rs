//! A restart of ingest while two million requests wait for their outcome: when errors of new
//! records are told, and when accuracy is warm.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use ripcord::edge::clock::{Clock as _, Stopwatch, SystemClock};
use ripcord::edge::log::Topic;
use ripcord::model::LogTime;
use ripcord::shard::Inbox;
use ripcord::sums::Frame;

use crate::backlog::{EVENTS, produce};
use crate::events::Sender;
use crate::topics::{BenchTopics, LANES, brokers, unique, until};

const REGISTRY: &str = r#"{"schema":"ripcord.registry/1","revision":1,"models":[]}"#;

/// What fails after the restart.
const MODEL: &str = "failing";

pub fn run() {
    let topic = unique("waiting");
    let topics = BenchTopics::new(&topic, REGISTRY, "");
    produce(&topic);
    let first = topics.start(&["ingest"]);
    let mut inbox = Inboxed { topics: &topics, next: 0, claimed: None };
    let mut read = 0;
    until(&format!("all is read; it said {}", first.said()), || {
        inbox.frames(|_, frame| read = read.max(frame.counters.read));
        // Each of the lanes has about as many.
        (read * 4 > EVENTS * 9 / 10 && inbox.rests()).then_some(())
    });
    let peak = first.peak_mib();
    drop(first);
    println!("\nA restart of ingest with {EVENTS} requests waiting ({peak:.0} MiB before)");
    let over = AtomicBool::new(false);
    std::thread::scope(|scope| {
        scope.spawn(|| fail_on(&topic, &over));
        let again = topics.start(&["ingest"]);
        inbox.claimed = None;
        let (mut errors, mut warm) = (None, BTreeMap::new());
        until(&format!("accuracy is warm; it said {}", again.said()), || {
            inbox.frames(|at, frame| {
                let mut new = frame.versions.iter().filter(|cell| cell.model.as_str() == MODEL);
                let bad = new.any(|cell| cell.sums.answers.bad > 0);
                if bad && errors.is_none() {
                    errors = Some((at, frame.warm));
                }
                if errors.is_some() && frame.warm >= 1.0 {
                    warm.entry(frame.lane.lane).or_insert(at);
                }
            });
            (warm.len() == LANES as usize).then_some(())
        });
        over.store(true, Ordering::Relaxed);
        let claimed = inbox.claimed.expect("a lane is claimed before it speaks");
        let since = |at: LogTime| (at - claimed).as_ms() as f64 / 1e3;
        let (told, share) = errors.expect("errors come before");
        println!("  errors of new records: {:.2} s after the first claim of a lane", since(told));
        println!("  accuracy then: warming {:.0} %", share * 100.0);
        let mut warm: Vec<f64> = warm.into_values().map(since).collect();
        warm.sort_by(f64::total_cmp);
        let last = warm[warm.len() - 1];
        println!("  a lane is warm after {:.1} s, all are after {last:.1} s", warm[0]);
        println!("  {:.0} MiB at its peak", again.peak_mib());
    });
}

/// Sends failures, a hundred a second.
fn fail_on(topic: &str, over: &AtomicBool) {
    let sender = Sender::new(&brokers(), topic, "0", Stopwatch::start());
    let mut number = 0;
    while !over.load(Ordering::Relaxed) {
        let (id, ts) = (format!("late-{number}"), SystemClock.now().as_ms());
        let line = format!(
            r#"{{"type":"prediction","id":"{id}","model":"{MODEL}","version":"v1","ts":{ts},"#
        ) + r#""status":"error","role":"live"}"#;
        sender.send(&id, &line, 0);
        number += 1;
        std::thread::sleep(Duration::from_millis(10));
    }
    sender.flush();
}

/// The inbox, read in steps.
struct Inboxed<'a> {
    topics: &'a BenchTopics,
    next: i64,
    /// When a lane was claimed first.
    claimed: Option<LogTime>,
}

impl Inboxed<'_> {
    fn frames(&mut self, mut take: impl FnMut(LogTime, &Frame)) {
        for record in self.topics.records(Topic::Inbox, self.next) {
            self.next = record.position + 1;
            match serde_json::from_slice::<Inbox>(&record.value) {
                Ok(Inbox::Claim { .. }) => self.claimed = self.claimed.or(Some(record.time)),
                Ok(Inbox::Frame(frame)) => take(record.time, &frame),
                _ => {}
            }
        }
    }

    /// Nothing but heartbeats came for a second.
    fn rests(&mut self) -> bool {
        std::thread::sleep(Duration::from_secs(1));
        let mut frames = 0;
        self.frames(|_, _| frames += 1);
        frames == 0
    }
}
