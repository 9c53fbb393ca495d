//! From the last event that a rollback needs to its command.
//!
//! Which event that is must be known beforehand. A model errs for eight seconds, all in one pane,
//! and falls silent. Once every lane is two seconds past that pane its evidence may speak, but a
//! model is only looked at when something of it comes: so nothing happens until the model's next
//! event, the needed one. It comes at a moment of chance, so that it meets the pauses between
//! frames anywhere; and before its minute is over, or the end of the bucket would decide it.
//!
//! At the same time some models fail while they are served and go on failing. There everything
//! counts that a user waits for: the evidence, the end of the pane, the two seconds.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::time::Duration;

use ripcord::edge::clock::{Clock as _, Stopwatch, SystemClock};
use ripcord::edge::log::Topic;
use ripcord::model::Verdict;
use ripcord::shard::{Decision, Inbox};
use serde_json::json;

use crate::events::{Chance, Event, Sender, crowd};
use crate::observer::{Observed, Observer};
use crate::topics::{BenchTopics, LANES, Process, brokers, unique, until};

/// Events of the healthy crowd in a second.
const RATE: u64 = 10_000;
const MINUTE_US: u64 = 60_000_000;
/// Until all roles run and have said so, before the first minute.
const LEAD_US: u64 = 10_000_000;
/// Errors of a model before its needed event, from one second into the minute to the ninth.
const ERRORS: u64 = 32;
/// Of the models that fail while they are served: events in a second, and for how long.
const SERVED_RATE: u64 = 20;
const SERVED_US: u64 = 25_000_000;

/// What is run.
pub struct Run {
    pub settings: &'static str,
    pub minutes: u64,
    /// Rollbacks in a minute.
    pub needed: u64,
    /// Models that fail while they are served, in the last minute.
    pub served: u64,
}

/// Something to send at a moment of the watch, in microseconds.
struct Due {
    at_us: u64,
    model: String,
    /// Above 0: its number among the needed ones.
    needed: usize,
    /// When it was handed over.
    sent_us: u64,
}

impl Run {
    pub fn run(&self) {
        let (mut plan, models) = self.plan();
        let topics = BenchTopics::new(&unique("latency"), &registry(&models), self.settings);
        let roles = [
            topics.start(&["ingest"]),
            topics.start(&["decide"]),
            topics.start(&["work", "registry"]),
        ];
        until(&format!("the models are known; it said {}", roles[2].said()), || {
            let records = topics.records(Topic::Inbox, 0);
            let read = records.iter().filter_map(|r| serde_json::from_slice(&r.value).ok());
            let facts = read.filter(|record| matches!(record, Inbox::Fact(_))).count();
            (facts >= models.len()).then_some(())
        });
        let watch = Stopwatch::start();
        let observer = Observer::start(&topics, watch);
        let crowd = Sender::new(&brokers(), &topics.topic, "5", watch);
        let exact = Sender::new(&brokers(), &topics.topic, "0", watch);
        let before = roles.each_ref().map(Process::cpu);
        let sent = send(&mut plan, &crowd, &exact, watch, || observer.commands() >= models.len());
        let seconds = watch.elapsed_us() as f64 / 1e6;
        let after = roles.each_ref().map(Process::cpu);
        let seen = observer.stop();
        let share = |role: usize| (after[role] - before[role]) / seconds * 100.0;
        println!(
            "{} events in {seconds:.0} s; of one core ingest took {:.1} %, decide {:.1} %",
            sent,
            share(0),
            share(1)
        );
        tell_needed(&plan, &seen, &exact);
        tell_served(&plan, &seen, &topics);
    }

    fn plan(&self) -> (Vec<Due>, Vec<String>) {
        let mut chance = Chance(7);
        let (mut plan, mut models) = (Vec::new(), Vec::new());
        let mut number = 0;
        for minute in 0..self.minutes {
            let start = LEAD_US + minute * MINUTE_US;
            for of in 0..self.needed {
                number += 1;
                let model = format!("needed-{number:03}");
                models.push(model.clone());
                let due = |at_us, needed| Due { at_us, model: model.clone(), needed, sent_us: 0 };
                for error in 0..ERRORS {
                    let within = 1_000_000 + error * 8_000_000 / ERRORS + chance.below(200_000);
                    plan.push(due(start + within, 0));
                }
                let slot = 46_000_000 / self.needed;
                let within = 13_000_000 + of * slot + chance.below(slot);
                plan.push(due(start + within, number));
            }
        }
        let start = LEAD_US + (self.minutes - 1) * MINUTE_US;
        for of in 0..self.served {
            let model = format!("served-{of:02}");
            models.push(model.clone());
            let first = start + 2_000_000 + chance.below(30_000_000);
            for event in 0..SERVED_RATE * SERVED_US / 1_000_000 {
                let at_us = first + event * 1_000_000 / SERVED_RATE;
                plan.push(Due { at_us, model: model.clone(), needed: 0, sent_us: 0 });
            }
        }
        plan.sort_by_key(|due| due.at_us);
        (plan, models)
    }
}

/// Every model serves v2; v1 is proven, and what it showed is known.
fn registry(models: &[String]) -> String {
    let entries = models.iter().flat_map(|model| {
        let now = json!({"name": model, "version": "v2", "is_production": true,
            "created_at": "2025-03-01T00:00:00Z"});
        let before = json!({"name": model, "version": "v1", "is_production": false,
            "proven_good": true, "created_at": "2025-02-01T00:00:00Z",
            "baseline": {"error_rate": {"value": 0.01, "n": 50_000}}});
        [now, before]
    });
    let models: Vec<_> = entries.collect();
    json!({"schema": "ripcord.registry/1", "revision": 1, "models": models}).to_string()
}

/// Sends the plan and the crowd, each when it is due, until every command was seen. Event time is
/// the wall's, less what makes the first minute begin when the plan says so.
fn send(
    plan: &mut [Due],
    crowd_sender: &Sender,
    exact: &Sender,
    watch: Stopwatch,
    done: impl Fn() -> bool,
) -> u64 {
    let now_us = watch.elapsed_us();
    let wall = SystemClock.now().as_ms() - (now_us / 1000).cast_signed();
    let minute = wall + (LEAD_US / 1000).cast_signed();
    let base = wall - minute.rem_euclid(60_000);
    let ts = |us: u64| base + (us / 1000).cast_signed();
    let mut chance = Chance(3);
    let (mut id, mut line, mut sent, mut next) = (String::new(), String::new(), 0, 0);
    let last = plan.last().map_or(0, |due| due.at_us);
    loop {
        let now = watch.elapsed_us();
        while let Some(due) = plan.get_mut(next).filter(|due| due.at_us <= now) {
            id.clear();
            write!(id, "{:016x}-{next:012}", chance.below(u64::MAX)).expect("a String takes it");
            due.sent_us = watch.elapsed_us();
            let (model, ts_ms) = (&due.model, ts(due.sent_us));
            Event { id: &id, model, version: "v2", ts_ms, ill: true }.write(&mut line, &mut chance);
            due.sent_us = watch.elapsed_us();
            exact.send(&id, &line, due.needed);
            next += 1;
        }
        while sent < now * RATE / 1_000_000 {
            crowd(sent, ts(now), &mut chance, &mut id, &mut line);
            crowd_sender.send(&id, &line, 0);
            sent += 1;
        }
        if now > last && (done() || now > last + 15_000_000) {
            return sent + next as u64;
        }
        std::thread::sleep(Duration::from_millis(2));
    }
}

/// One line of times: p50, p99 and the longest.
fn row(name: &str, mut us: Vec<u64>) {
    us.sort_unstable();
    let at = |percent: usize| {
        let index = (us.len() * percent).div_ceil(100).saturating_sub(1);
        us.get(index).map_or(f64::NAN, |us| *us as f64 / 1000.0)
    };
    println!("{name:<48}{:>6}{:>9.0}{:>9.0}{:>9.0}", us.len(), at(50), at(99), at(100));
}

fn tell_needed(plan: &[Due], seen: &Observed, exact: &Sender) {
    let acked: BTreeMap<usize, _> = exact.acked().into_iter().collect();
    let [mut whole, mut taken, mut framed, mut decided] = [const { Vec::new() }; 4];
    let (mut none, mut early) = (0, 0);
    for due in plan.iter().filter(|due| due.needed > 0) {
        let Some(&command) = seen.commands.get(&due.model) else {
            none += 1;
            continue;
        };
        if command < due.sent_us {
            early += 1;
            continue;
        }
        whole.push(command - due.sent_us);
        let Some(ack) = acked.get(&due.needed) else { continue };
        taken.push(ack.at_us - due.sent_us);
        let frame = seen.frames.iter().find(|f| f.lane == ack.lane && f.upto > ack.position);
        if let Some(frame) = frame {
            framed.push(frame.at_us.saturating_sub(ack.at_us));
            decided.push(command.saturating_sub(frame.at_us));
        }
    }
    println!("\n{:<48}{:>6}{:>9}{:>9}{:>9}", "milliseconds", "n", "p50", "p99", "longest");
    row("last needed event produced → command readable", whole);
    row("  produced → acknowledged", taken);
    row("  acknowledged → its frame readable in the inbox", framed);
    row("  frame → command readable", decided);
    if none + early > 0 {
        println!("NOT AS PLANNED: {none} without a command, {early} before the needed event");
    }
}

fn tell_served(plan: &[Due], seen: &Observed, topics: &BenchTopics) {
    let mut sent: BTreeMap<&str, Vec<u64>> = BTreeMap::new();
    for due in plan.iter().filter(|due| due.model.starts_with("served")) {
        sent.entry(&due.model).or_default().push(due.sent_us);
    }
    if sent.is_empty() {
        return;
    }
    let decisions = topics.records(Topic::Decisions, 0);
    let read = decisions.iter().filter_map(|r| serde_json::from_slice::<Decision>(&r.value).ok());
    let breaches = read.filter(|decision| decision.assessment.verdict == Verdict::Breach);
    let counted: BTreeMap<String, u64> = breaches
        .map(|decision| {
            (decision.assessment.model.to_string(), decision.assessment.evidence.samples)
        })
        .collect();
    let (mut first, mut last) = (Vec::new(), Vec::new());
    for (model, sent) in sent {
        let Some(command) = seen.commands.get(model) else { continue };
        let samples = counted.get(model).copied().unwrap_or(1).max(1);
        first.extend(sent.first().map(|at| command - at));
        last.extend(sent.get(samples as usize - 1).map(|at| command.saturating_sub(*at)));
    }
    row("served, fails: first error → command", first);
    row("served, fails: last error counted → command", last);
    assert!(seen.lanes.len() == LANES as usize, "a lane was never heard");
}
