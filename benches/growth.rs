//! How cost grows with what others can make grow: versions of a model, and models.
//!
//! `cargo bench --bench growth` prints for each how much more the larger one costs than the smaller
//! one in the same run. Figures are processor time.

#![expect(clippy::expect_used, clippy::print_stdout, reason = "a bench")]

use std::collections::BTreeMap;
use std::hint::black_box;

use ripcord::config::Config;
use ripcord::model::{
    EventTime, Fact, LaneId, LogTime, ModelId, RuleSet, SampleRole, SourceId, Span, VersionFact,
    VersionId,
};
use ripcord::shard::{Inbox, Shard};
use ripcord::sums::{Counters, Counts, Frame, VersionPartial, VersionSums};
use rustix::time::{ClockId, clock_gettime};

const START: i64 = 1_767_225_600_000;
const PANE: i64 = 10_000;

fn main() {
    let rules = rules();
    println!("{:<58}{:>12}{:>12}{:>9}", "what grows", "smaller", "larger", "ratio");
    for (name, good) in [("a choice among versions, the second is good", 1), NONE] {
        let choose = |versions: usize| {
            let (shard, model) = (listed(&rules, versions, good), model(0));
            best(2000, || black_box(shard.undo_state().would_roll_back_to(&rules, &model)).is_ok())
        };
        row(&format!("{name}: 1,000 -> 10,000"), choose(1000), choose(10_000));
    }
    let observe = |versions: usize| {
        let (mut shard, fact) = (listed(&rules, versions, 1), fact(versions, 1));
        let record = Inbox::Fact(fact);
        best(20, || step(&mut shard, &record))
    };
    row("a registry that is observed again: 1,000 -> 10,000", observe(1000), observe(10_000));
    let fold = |models: usize, panes: i64| {
        best(1, || {
            let mut shard = empty(&rules);
            (0..panes).map(|nth| step(&mut shard, &Inbox::Frame(frame(models, nth)))).count()
        })
    };
    row("as many cells of more models: 4,000 x 8 -> 8,000 x 4", fold(4000, 8), fold(8000, 4));
}

/// No version is good: index past all.
const NONE: (&str, usize) = ("a choice among versions, none is good", usize::MAX);

fn row(name: &str, smaller: f64, larger: f64) {
    let ratio = larger / smaller;
    println!("{name:<58}{:>9.1} us{:>9.1} us{ratio:>8.2}x", smaller * 1e6, larger * 1e6);
}

/// The least processor time of one call, of a few rounds.
fn best<T>(calls: u32, mut call: impl FnMut() -> T) -> f64 {
    let now = || {
        let now = clock_gettime(ClockId::ProcessCPUTime);
        now.tv_sec as f64 + now.tv_nsec as f64 / 1e9
    };
    let mut least = f64::INFINITY;
    for _ in 0..5 {
        let begun = now();
        (0..calls).for_each(|_| drop(black_box(call())));
        least = least.min((now() - begun) / f64::from(calls));
    }
    least
}

fn rules() -> RuleSet {
    let path = ("RIPCORD__WORKERS__REGISTRY__PATH".to_owned(), "registry.json".to_owned());
    Config::load(&[], &BTreeMap::from([path])).expect("the shipped defaults load").rules
}

fn model(nth: usize) -> ModelId {
    ModelId::new(&format!("model-{nth:05}")).expect("it is a name")
}

fn fact(versions: usize, good: usize) -> Fact {
    let version = |nth: usize| VersionFact {
        proven_good: nth == good,
        created_at: Some(EventTime::from_ms(START - nth as i64 * 1000)),
        ..VersionFact::named(VersionId::new(&format!("v{nth:05}")).expect("it is a name"))
    };
    Fact {
        model: model(0),
        target: "registry".parse().expect("it is a name"),
        production: VersionId::new("v00000").ok(),
        versions: (0..versions).map(version).collect(),
        generation: 0,
        routes: BTreeMap::new(),
    }
}

/// A shard with its rules and one source.
fn empty(rules: &RuleSet) -> Shard {
    let mut shard = Shard::new(0, 1);
    step(&mut shard, &Inbox::Rules(rules.clone()));
    let source = Inbox::Source {
        source: SourceId::new("s").expect("it is a name"),
        topics: vec!["t".to_owned()],
        lanes: 1,
        pane: Span::from_ms(PANE),
        known: Vec::new(),
    };
    step(&mut shard, &source);
    shard
}

fn listed(rules: &RuleSet, versions: usize, good: usize) -> Shard {
    let mut shard = empty(rules);
    step(&mut shard, &Inbox::Fact(fact(versions, good)));
    shard
}

/// A pane of models, each with one cell.
fn frame(models: usize, nth: i64) -> Frame {
    let at = EventTime::from_ms(START + nth * PANE);
    let cell = |nth: usize| VersionPartial {
        pane: at,
        model: model(nth),
        version: VersionId::new("v1").expect("it is a name"),
        role: SampleRole::Live,
        sums: VersionSums { answers: Counts { n: 200, bad: 3 }, ..VersionSums::default() },
    };
    Frame {
        lane: LaneId { source: SourceId::new("s").expect("it is a name"), lane: 0 },
        epoch: 1,
        positions: vec![(nth, nth + 1)],
        watermark: at,
        newest: at,
        idle: false,
        warm: 1.0,
        counters: Counters::default(),
        versions: (0..models).map(cell).collect(),
        pairs: Vec::new(),
        features: Vec::new(),
        unknown: Vec::new(),
        skews: Vec::new(),
        more: false,
    }
}

fn step(shard: &mut Shard, record: &Inbox) -> usize {
    let mut out = Vec::new();
    let at = LogTime::from_ms(START + shard.next());
    shard.step(shard.next(), at, record, &mut out).expect("it is of this shard");
    out.len()
}
