//! How many samples a core decodes, measures and judges in a second, each compared with a loop over
//! the same bytes that only checks UTF-8; and what a replay of the flights costs.
//!
//! `cargo bench` prints the table. Figures are processor time, so other work on the machine blurs
//! them less; the ratio within one run is what compares between machines. Measuring and judging
//! are told twice: as recorded, one sample in half a minute, where nearly every sample opens a
//! pane of its own; and squeezed into as many seconds as make a thousand a second.

#![expect(clippy::expect_used, clippy::print_stdout, clippy::indexing_slicing, reason = "a bench")]

use std::collections::BTreeMap;
use std::fs;
use std::hint::black_box;
use std::path::PathBuf;
use std::process::Command;

use ripcord::config::{Config, REGISTRY};
use ripcord::judge::{self, Judge};
use ripcord::measure::{Input, Lane, Output, SamplePart, owned};
use ripcord::model::{
    EventTime, LaneId, LogTime, Mode, Sample, SampleRole, Source, Span, TargetId,
};
use ripcord::replay::Replay;
use ripcord::replay::recording::{Line, Recording};
use ripcord::sums::Frame;
use ripcord::targets::registry::ShadowRegistry;
use ripcord::wire::telemetry::{Raw, TextArena, decode};
use rustix::time::{ClockId, clock_gettime};

const RECORDING: &str = "examples/flights/telemetry.jsonl.gz";
const REGISTRY_FILE: &str = "examples/flights/registry.json";
const CHILD: &str = "RIPCORD_BENCH_REPLAY";
const ROUNDS: usize = 5;
const ROUND_SECONDS: f64 = 0.3;

fn main() {
    if std::env::var_os(CHILD).is_some() {
        replay();
        println!("{} {}", cpu_seconds(ClockId::ProcessCPUTime), peak_memory_mib());
        return;
    }
    let config = Config::load(&[], &BTreeMap::new()).expect("the shipped defaults load");
    let source = config.settings.sources[0].clone();
    let lines = lines(&source);
    let bytes: usize = lines.iter().map(Vec::len).sum();
    println!("flights: {} samples, {:.1} MB of JSON\n", lines.len(), bytes as f64 / 1e6);
    println!("{:<28}{:>14}{:>12}{:>12}", "one core", "samples/s", "ns/sample", "× UTF-8");

    let utf8 = best(|| utf8(&lines));
    let sparse: Vec<_> = lines.iter().map(|line| stamped(line, &source)).collect();
    let dense = squeezed(&sparse);
    let measured = |samples: &[Sample<'_>]| measure(&source, samples.to_vec());
    let (sparse_frames, dense_frames) = (measured(&sparse), measured(&dense));
    let measuring = |samples: &[Sample<'_>]| {
        best_of(|| samples.to_vec(), |samples| drop(black_box(measure(&source, samples))))
    };
    let judging = |frames: &[Frame]| best(|| judge_all(&config, &source, frames));
    let rows = [
        ("check UTF-8 (the limit)", utf8),
        ("decode", best(|| decode_all(&lines, &source))),
        ("measure, 1000 a second", measuring(&dense)),
        ("judge, 1000 a second", judging(&dense_frames)),
        ("measure, as recorded", measuring(&sparse)),
        ("judge, as recorded", judging(&sparse_frames)),
    ];
    for (name, seconds) in rows {
        let each = seconds / lines.len() as f64;
        println!("{name:<28}{:>14.0}{:>12.0}{:>12.1}", 1.0 / each, each * 1e9, seconds / utf8);
    }
    let (seconds, mib) = child();
    let each = seconds / lines.len() as f64;
    println!(
        "{:<28}{:>14.0}{:>12.0}{:>12.1}",
        "replay, all of it",
        1.0 / each,
        each * 1e9,
        seconds / utf8
    );
    println!("\nreplay of the flights: {seconds:.2} s of processor time, {mib:.0} MiB at its peak");
}

fn lines(source: &Source) -> Vec<Vec<u8>> {
    let path = PathBuf::from(RECORDING);
    let mut recording = Recording::open(&path, source).expect("it is shipped");
    let mut lines = Vec::new();
    while let Some(line) = recording.line().expect("it is whole") {
        if let Line::Whole { bytes, .. } = line {
            lines.push(bytes.to_vec());
        }
    }
    lines
}

/// As replay does it: v3 serves until the rollback, which no bench needs.
fn stamped(line: &[u8], source: &Source) -> Sample<'static> {
    let texts = TextArena::new();
    let read = decode(&Raw::line(line), &source.topics[0], source, &texts).one();
    let mut sample = owned(read.expect("all are good"));
    if let Sample::Prediction(prediction) = &mut sample {
        let live = prediction.version == "v3";
        prediction.role = if live { SampleRole::Live } else { SampleRole::Shadow };
    }
    sample
}

/// The same samples, a thousand in a second.
fn squeezed<'a>(samples: &[Sample<'a>]) -> Vec<Sample<'a>> {
    let first = samples[0].ts();
    let mut samples = samples.to_vec();
    for (number, sample) in samples.iter_mut().enumerate() {
        let ts = match sample {
            Sample::Prediction(p) => &mut p.ts,
            Sample::Outcome(o) => &mut o.ts,
            Sample::Latency(_) | Sample::Health(_) | Sample::Run(_) | Sample::Half(_) => continue,
        };
        *ts = first + Span::from_ms(number as i64);
    }
    samples
}

fn utf8(lines: &[Vec<u8>]) {
    for line in lines {
        black_box(std::str::from_utf8(line).is_ok());
    }
}

fn decode_all(lines: &[Vec<u8>], source: &Source) {
    let mut texts = TextArena::new();
    for line in lines {
        black_box(decode(&Raw::line(line), &source.topics[0], source, &texts).first().is_some());
        texts.reset();
    }
}

fn measure(source: &Source, samples: Vec<Sample<'_>>) -> Vec<Frame> {
    let id = LaneId { source: source.id.clone(), lane: 0 };
    let mut lane = Lane::new(source, id, 1);
    let (mut out, mut frames) = (Vec::new(), Vec::new());
    let mut flushed = EventTime::MIN;
    for (position, sample) in samples.into_iter().enumerate() {
        let ts = sample.ts();
        let position = position as i64;
        let (appended, following, read) = (None, None, Ok(sample));
        let part = SamplePart::WHOLE;
        lane.step(Input::Record { topic: 0, position, appended, following, part, read }, &mut out);
        if ts - flushed >= source.pane {
            flushed = ts;
            lane.step(Input::Flush { now: LogTime::from_ms(ts.as_ms()) }, &mut out);
        }
        frames.extend(out.drain(..).filter_map(|output| match output {
            Output::Frame(frame) => Some(*frame),
            Output::Rejected { .. }
            | Output::Late { .. }
            | Output::NamesFull { .. }
            | Output::JoinStopped { .. }
            | Output::JoinResumed { .. } => None,
        }));
    }
    frames
}

fn judge_all(config: &Config, source: &Source, frames: &[Frame]) {
    let mut judge = Judge::default();
    let mut out = Vec::new();
    let start = LogTime::from_ms(0);
    let (id, pane) = (&source.id, source.pane);
    let known = judge::Input::Source { id, lanes: 1, pane, known: &[] };
    judge.step(start, &config.rules, known, &mut out);
    for frame in frames {
        let now = LogTime::from_ms(frame.newest.as_ms());
        judge.step(now, &config.rules, judge::Input::Frame(frame), &mut out);
        black_box(out.drain(..).count());
    }
}

fn replay() {
    let config = Config::load(&[], &BTreeMap::new()).expect("the shipped defaults load");
    let text = fs::read_to_string(REGISTRY_FILE).expect("it is shipped");
    let id = TargetId::new(REGISTRY).expect("a constant");
    let replay = Replay {
        only: None,
        files: vec![PathBuf::from(RECORDING).into()],
        registry: ShadowRegistry::read(id, &text).expect("it is a registry"),
        versions: None,
        source: config.settings.sources[0].clone(),
        rules: config.rules,
        mode: Some(Mode::Act),
    };
    black_box(replay.run(|_| {}).expect("it runs").outputs.len());
}

/// Seconds of processor time and MiB of a replay in a process of its own.
fn child() -> (f64, f64) {
    let program = std::env::current_exe().expect("a running program has a path");
    let output = Command::new(program).env(CHILD, "1").output().expect("it starts again");
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let mut numbers = text.split_whitespace().map(|n| n.parse().expect("it printed numbers"));
    (numbers.next().expect("seconds"), numbers.next().expect("MiB"))
}

fn best(mut run: impl FnMut()) -> f64 {
    best_of(|| (), |()| run())
}

/// Processor seconds of one run, the least of some rounds; a round repeats a short run until it is
/// long compared with the clock's tick. What `prepare` makes is not counted.
fn best_of<T>(mut prepare: impl FnMut() -> T, mut run: impl FnMut(T)) -> f64 {
    let rounds = (0..ROUNDS).map(|_| {
        let (mut spent, mut runs) = (0.0, 0);
        while spent < ROUND_SECONDS {
            let prepared = prepare();
            let before = cpu_seconds(ClockId::ThreadCPUTime);
            run(prepared);
            spent += cpu_seconds(ClockId::ThreadCPUTime) - before;
            runs += 1;
        }
        spent / f64::from(runs)
    });
    rounds.fold(f64::INFINITY, f64::min)
}

fn cpu_seconds(clock: ClockId) -> f64 {
    let time = clock_gettime(clock);
    time.tv_sec as f64 + time.tv_nsec as f64 / 1e9
}

fn peak_memory_mib() -> f64 {
    let text = fs::read_to_string("/proc/self/status").expect("needs Linux");
    let line = text.lines().find(|line| line.starts_with("VmHWM:")).expect("Linux tells it");
    let kib: f64 = line.split_whitespace().nth(1).and_then(|n| n.parse().ok()).expect("a number");
    kib / 1024.0
}
