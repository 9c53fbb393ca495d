//! Samples and frames as lines of text.
//!
//! In: `p TS REQUEST VERSION ANSWER`, `o TS REQUEST TRUTH`, `l TS VERSION MICROSECONDS`, `h TS
//! VERSION CPU`, `r TS KIND STATUS`, `bad CODE`, `idle TOPIC`, `busy TOPIC`, `end`, `flush MS`,
//! `elsewhere WAITING BYTES MOST`;
//! then `key=value` in any order: `topic`, `id`, `role`, `true`, `lat`, `v`, `said`, `at` (append
//! time), `next` (times of the next records, with commas), `m` (model), `lost` (fields, with
//! commas), `kind` (of a bad record), anything else is a feature. Times are seconds. An answer
//! `!error`, `!timeout` or `!none` has none.
//!
//! Over 300 lines: both directions of one notation.

use std::borrow::Cow;
use std::fmt::Write as _;

use ripcord::measure::{
    Input, Lane, Output, SamplePart, UnreadRecord, WaitingElsewhere, WaitingLimit,
};
use ripcord::model::*;
use ripcord::sums::{Counters, FeaturesOf, Frame, Grid, Losses};

/// Panes of 10 s, disorder 10 s, horizon 60 s; every clock is believed.
pub(crate) fn source(topics: usize) -> Source {
    let topic =
        |i| TopicRule { name: format!("t{i}"), allowed_disorder: Span::from_s(10), mapping: None };
    Source {
        id: "s".parse().unwrap(),
        topics: (0..topics).map(topic).collect(),
        pane: Span::from_s(10),
        label_horizon: Span::from_s(60),
        max_waiting: 1000,
        max_jump: Span::from_s(3600),
        jump_confirmations: 0,
        max_skew: Span::ZERO,
        max_categories: 2,
        oldest: s(0),
        max_record_bytes: 1 << 20,
        unknown_models: UnknownModels::Learn,
        limits: NameLimits::before_settings(),
    }
}

pub(crate) fn s(seconds: i64) -> EventTime {
    EventTime::from_ms(seconds * 1000)
}

pub(crate) fn lane_id() -> LaneId {
    LaneId { source: "s".parse().unwrap(), lane: 0 }
}

/// A lane with its outputs as text.
pub(crate) struct Lines {
    pub(crate) lane: Lane,
    positions: Vec<i64>,
    pub(crate) out: Vec<Output>,
}

impl Lines {
    pub(crate) fn new(source: &Source) -> Self {
        let positions = vec![0; source.topics.len()];
        Self { lane: Lane::new(source, lane_id(), 1), positions, out: Vec::new() }
    }

    pub(crate) fn line(&mut self, line: &str) {
        let mut words = line.split_whitespace();
        let kind = words.next().unwrap();
        let (pairs, plain): (Vec<&str>, Vec<&str>) = words.partition(|w| w.contains('='));
        let pairs: Vec<(&str, &str)> = pairs.iter().map(|p| p.split_once('=').unwrap()).collect();
        let get = |key: &str| pairs.iter().find(|(k, _)| *k == key).map(|(_, v)| *v);
        let read = match kind {
            "idle" => {
                let topic = plain[0].parse().unwrap();
                return self.lane.step(Input::Idle { topic }, &mut self.out);
            }
            "busy" => {
                let topic = plain[0].parse().unwrap();
                return self.lane.step(Input::Busy { topic }, &mut self.out);
            }
            "end" => return self.lane.step(Input::End, &mut self.out),
            "flush" => {
                let now = LogTime::from_ms(plain[0].parse().unwrap());
                return self.lane.step(Input::Flush { now }, &mut self.out);
            }
            "elsewhere" => {
                let [waiting, bytes, most] = [0, 1, 2].map(|at| plain[at].parse().unwrap());
                let models = [("m".parse().unwrap(), waiting)].into();
                let input = WaitingElsewhere {
                    models: &models,
                    bytes,
                    most_bytes: most,
                    input_bytes: usize::MAX,
                };
                return self.lane.step(Input::Elsewhere(input), &mut self.out);
            }
            "bad" => Err(UnreadRecord {
                code: serde_json::from_value(plain[0].into()).unwrap(),
                kind: get("kind").map(|kind| serde_json::from_value(kind.into()).unwrap()),
                model: get("m"),
                version: get("v"),
            }),
            _ => Ok(sample(kind, &plain, &get, &pairs)),
        };
        let topic: usize = get("topic").map_or(0, |t| t.parse().unwrap());
        let position = self.positions[topic];
        self.positions[topic] += 1;
        let appended = get("at").map(|at| LogTime::from_ms(at.parse::<i64>().unwrap() * 1000));
        let following =
            get("next").map(|next| next.split_terminator(',').map(|ts| s(ts.parse().unwrap())));
        let following: Option<Vec<_>> = following.map(Iterator::collect);
        let following = following.as_deref();
        let input =
            Input::Record { topic, position, appended, following, part: SamplePart::WHOLE, read };
        self.lane.step(input, &mut self.out);
    }
}

const OURS: [&str; 12] =
    ["topic", "id", "role", "true", "lat", "v", "said", "at", "m", "lost", "kind", "next"];

fn sample<'a>(
    kind: &str,
    plain: &[&'a str],
    get: &dyn Fn(&str) -> Option<&'a str>,
    pairs: &[(&'a str, &'a str)],
) -> Sample<'a> {
    let ts = EventTime::from_ms((plain[0].parse::<f64>().unwrap() * 1000.0) as i64);
    let model = Cow::Borrowed(get("m").unwrap_or("m"));
    let mut lost = LostFields::default();
    for field in get("lost").into_iter().flat_map(|fields| fields.split(',')) {
        lost.add(serde_json::from_value(field.into()).unwrap());
    }
    match kind {
        "p" => {
            let (request, version) = (plain[1], plain[2]);
            let role = get("role").map(|r| serde_json::from_value(r.into()).unwrap());
            let id = get("id").map_or(format!("{request}/{version}").into(), Cow::Borrowed);
            Sample::Prediction(Prediction {
                id,
                model,
                version: version.into(),
                ts,
                request: Some(request.into()),
                status: match plain[3] {
                    "!error" => PredictionStatus::Error,
                    "!timeout" => PredictionStatus::Timeout,
                    _ => PredictionStatus::Ok,
                },
                prediction: Some(plain[3]).filter(|a| !a.starts_with('!')).map(value),
                score: None,
                latency_us: get("lat").map(|l| l.parse().unwrap()),
                features: pairs
                    .iter()
                    .filter(|(key, _)| !OURS.contains(key))
                    .map(|(key, v)| ((*key).into(), feature(v)))
                    .collect(),
                role: role.unwrap_or_default(),
                actual: get("true").map(value),
                lost,
            })
        }
        "o" => Sample::Outcome(Outcome {
            request: plain[1].into(),
            model,
            ts,
            actual: Some(plain[2]).filter(|actual| *actual != "!").map(value),
            version: get("v").map(Cow::Borrowed),
            prediction: get("said").map(value),
            lost,
        }),
        "l" => Sample::Latency(LatencySample {
            model,
            version: plain[1].into(),
            ts,
            latency_us: plain[2].parse().ok(),
            id: get("id").map(Cow::Borrowed),
            lost,
        }),
        "h" => Sample::Health(Health {
            model,
            version: plain[1].into(),
            ts,
            cpu_ratio: Some(plain[2].parse().unwrap()),
            memory_bytes: Some(7),
            lost,
        }),
        "r" => Sample::Run(Run {
            model,
            ts,
            kind: serde_json::from_value(plain[1].into()).unwrap(),
            status: serde_json::from_value(plain[2].into()).unwrap(),
            version: get("v").map(Cow::Borrowed),
        }),
        other => panic!("no such line: {other}"),
    }
}

fn value(text: &str) -> Value<'_> {
    text.parse().map_or(Value::Text(text.into()), Value::Number)
}

fn feature(text: &str) -> Feature<'_> {
    match text {
        "null" => Feature::Missing,
        "[]" => Feature::Unusable,
        _ => text.parse().map_or(Feature::Category(text.into()), Feature::Number),
    }
}

pub(crate) fn seconds(ts: EventTime) -> String {
    format!("{}", ts.as_ms() as f64 / 1000.0)
}

/// What a lane said, a line each.
pub(crate) fn show(outputs: &[Output]) -> String {
    let mut text = String::new();
    for output in outputs {
        match output {
            Output::Frame(frame) => show_frame(frame, &mut text),
            Output::Rejected { topic, position, code } => {
                writeln!(text, "rejected {topic}@{position} {code}").unwrap();
            }
            Output::Late { topic, position, behind } => {
                writeln!(text, "late {topic}@{position} by {}", behind.as_s()).unwrap();
            }
            Output::JoinStopped { model, waiting, limit: WaitingLimit::Requests(cap) } => {
                writeln!(text, "join of {model} stopped: {waiting} of {cap}").unwrap();
            }
            Output::JoinStopped { model, limit: WaitingLimit::Bytes(most), .. } => {
                writeln!(text, "join of {model} stopped: past {most} bytes").unwrap();
            }
            Output::NamesFull { kind, name } => {
                writeln!(text, "no place for {} {name}", kind.word()).unwrap();
            }
            Output::JoinResumed { model, waiting } => {
                writeln!(text, "join of {model} goes on: {waiting}").unwrap();
            }
        }
    }
    text
}

fn losses(lost: Losses) -> [(&'static str, u64); 5] {
    let Losses { answers, latencies, labels, types, features } = lost;
    [
        ("-n", answers),
        ("-lat", latencies),
        ("-labels", labels),
        ("-types", types),
        ("-features", features),
    ]
}

fn show_frame(frame: &Frame, text: &mut String) {
    let positions: Vec<String> =
        frame.positions.iter().map(|(from, to)| format!("{from}..{to}")).collect();
    let idle = if frame.idle { " idle" } else { "" };
    let warm = if frame.warm < 1.0 { format!(" warm={:.2}", frame.warm) } else { String::new() };
    let mark = if frame.watermark < s(-1000) { "-".into() } else { seconds(frame.watermark) };
    writeln!(
        text,
        "frame {} mark={mark}{idle}{warm} {}",
        positions.join(" "),
        show_counters(&frame.counters)
    )
    .unwrap();
    for partial in &frame.versions {
        let (sums, mut line) = (&partial.sums, String::new());
        let mut say = |what: &str, n: u64, bad: u64| {
            if n > 0 {
                write!(line, " {what}={n}").unwrap();
            }
            if bad > 0 {
                write!(line, "/{bad}").unwrap();
            }
        };
        say("n", sums.answers.n, sums.answers.bad);
        say("timeouts", sums.timeouts, 0);
        say("lat", sums.latency.as_ref().map_or(0, |l| l.n()), 0);
        say("labels", sums.labels.n, sums.labels.bad);
        for (what, lost) in losses(sums.lost) {
            say(what, lost, 0);
        }
        say("health", sums.health.n, 0);
        say("cpu", sums.health.cpu_millionths, 0);
        for (what, runs) in [("training", sums.training), ("pipeline", sums.pipeline)] {
            say(what, runs.started + runs.succeeded + runs.failed, runs.failed);
        }
        if let Some(said) = &sums.predictions {
            write!(line, " said:{}", show_grid(said)).unwrap();
        }
        let role = role(partial.role);
        let model = if partial.model.as_str() == "m" { "" } else { partial.model.as_str() };
        writeln!(text, "  {} {model}{}{role}{line}", seconds(partial.pane), partial.version)
            .unwrap();
    }
    for lost in &frame.unknown {
        let model = lost.model.as_ref().map_or("?", |model| model.as_str());
        write!(text, "  {} {model}/?", seconds(lost.pane)).unwrap();
        for (what, n) in losses(lost.lost).into_iter().filter(|(_, n)| *n > 0) {
            write!(text, " {what}={n}").unwrap();
        }
        writeln!(text).unwrap();
    }
    for skew in &frame.skews {
        writeln!(text, "  {} is {} s ahead", skew.version, skew.ahead.as_s()).unwrap();
    }
    for pair in &frame.pairs {
        let t = pair.table;
        write!(text, "  {} {}|{}", seconds(pair.pane), pair.a, pair.b).unwrap();
        if t.n() > 0 {
            write!(text, " {},{},{},{}", t.both, t.only_a, t.only_b, t.neither).unwrap();
        }
        writeln!(text).unwrap();
    }
    for inputs in &frame.features {
        let of = match &inputs.of {
            FeaturesOf::Version(version, of) => format!("{version}{}", role(*of)),
            FeaturesOf::Shared(of, with) => format!("{of}&{with}"),
        };
        write!(text, "  {} {of}", seconds(inputs.pane)).unwrap();
        for (name, grid) in &inputs.features {
            write!(text, " {name}:{}", show_grid(grid)).unwrap();
        }
        writeln!(text).unwrap();
    }
}

fn role(role: SampleRole) -> &'static str {
    match role {
        SampleRole::Live => "*",
        SampleRole::Shadow => "~",
        SampleRole::Unstated => "",
    }
}

fn show_grid(grid: &Grid) -> String {
    let (shift, cells) = (grid.numbers.shift(), grid.numbers.cells(0));
    let mut parts: Vec<String> =
        cells.map(|(cell, n)| format!("{}x{n}", cell.nearest(shift))).collect();
    parts.extend(grid.categories.iter().map(|(name, n)| format!("{name}x{n}")));
    for (what, n) in [("other", grid.other), ("null", grid.missing), ("odd", grid.non_finite)] {
        if n > 0 {
            parts.push(format!("{what}x{n}"));
        }
    }
    parts.join(",")
}

pub(crate) fn show_counters(c: &Counters) -> String {
    let mut text = format!("read={}", c.read);
    for (what, n) in [
        ("measured", c.measured),
        ("waiting", c.waiting),
        ("unmatched", c.unmatched),
        ("late", c.late),
        ("duplicate", c.duplicate),
    ] {
        if n > 0 {
            write!(text, " {what}={n}").unwrap();
        }
    }
    for (code, n) in &c.rejected {
        write!(text, " {code}={n}").unwrap();
    }
    text
}

/// Feeds the lines, and compares what comes out with what should.
pub(crate) fn check(source: &Source, lines: &str, expected: &str) {
    let mut told = Lines::new(source);
    for line in lines.lines().map(str::trim).filter(|l| !l.is_empty()) {
        told.line(line);
    }
    let trim = |text: &str| {
        text.lines().map(str::trim).filter(|l| !l.is_empty()).collect::<Vec<_>>().join("\n")
    };
    let (got, expected) = (trim(&show(&told.out)), trim(expected));
    assert!(got == expected, "\nlines in:\n{lines}\ngot:\n{got}\n\nexpected:\n{expected}\n");
}
