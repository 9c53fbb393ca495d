//! A judge in lines: one input per line in, what changed per line out.
//!
//! ```text
//! rules accuracy-drop.act=yes error-rate.window=5/3 …     the shipped rules, but for these
//! source lanes=2 pane=10s                                 60s and one lane unless said
//! stand production=v3 proven=v2 v3.accuracy=0.91/28000    what undo knows
//! 10s v3:answers=10/0 x6                                  the same, every 10 s
//! h v3:labels=100/10,answers=100/1 v2&v3:pair=85/5/5/5 x24    24 hours: at the start of each a
//!                                                         frame with these sums in one pane
//! frame lane=1 epoch=2 pane=0s w=30s new=45s idle v3:…    a frame; times from now on
//! skip 8h                                                 event and log time pass, nothing comes
//! +61s                                                    log time passes, then a tick
//! claim 0 2 | beat 0,1,t/0
//! source name=t known=s,t                                 another source, and all that there are
//! frame of=t …                                            a frame of that one
//! ```
//!
//! Cells: `labels=n/wrong`, `answers=n/failed`, `ms=n*milliseconds`, `f=n*most` (the feature `f`,
//! n numbers spread evenly from 0 to `most`, or from `least..most`), `f=n*name` (a category).
//! Pairs: `pair=both/only the first/only the second/neither`, `f=n*most|n*most`. `n/v1:` is a
//! version of the model n.
//!
//! Over 300 lines: the one machine that reads the lines of all others.

use std::collections::BTreeMap;

use ripcord::config::Config;
use ripcord::judge::{Input, Judge, Output};
use ripcord::model::{
    Baseline, EventTime, FeatureName, LaneId, LogTime, ModelId, Role, RuleSet, SampleRole, Signal,
    SourceId, Span, Standing, Statistic, TriggerId, VersionId, VersionStanding,
};
use ripcord::sums::{
    Assessment, Counters, Counts, FeatureGrids, FeaturesOf, FeaturesPartial, Frame, Grid,
    PairPartial, PairTable, UnknownPartial, VersionPartial, VersionSums,
};

/// A Thursday, at midnight.
const START: i64 = 1_767_225_600_000;

pub struct World {
    pub judge: Judge,
    pub rules: RuleSet,
    pub said: Vec<Assessment>,
    log: LogTime,
    now: EventTime,
    pane: Span,
    next: BTreeMap<u32, i64>,
    measured: BTreeMap<SourceId, u64>,
    versions: Vec<VersionPartial>,
    features: Vec<FeaturesPartial>,
    unknown: Vec<UnknownPartial>,
    pairs: Vec<PairPartial>,
}

/// Runs lines, answers what was said.
pub fn told(lines: &str) -> Vec<String> {
    let mut world = World::new();
    lines.lines().flat_map(|line| world.line(line)).collect()
}

/// Runs lines; what was said is exactly this.
#[track_caller]
pub fn check(lines: &str, expected: &str) {
    let trim = |text: &str| {
        text.lines().map(str::trim).filter(|l| !l.is_empty()).map(str::to_owned).collect::<Vec<_>>()
    };
    let (told, expected) = (told(lines), trim(expected));
    assert_eq!(told, expected, "\n{}\n", told.join("\n"));
}

pub fn version(name: &str) -> VersionId {
    VersionId::new(name).unwrap()
}

pub fn model() -> ModelId {
    ModelId::new("m").unwrap()
}

fn source(name: &str) -> SourceId {
    SourceId::new(name).unwrap()
}

fn span(word: &str) -> Span {
    let digits = word.find(|c: char| c.is_alphabetic()).unwrap();
    let (number, unit) = word.split_at(digits);
    let unit = match unit {
        "s" => 1,
        "m" => 60,
        "h" => 3600,
        "d" => 86_400,
        other => panic!("no unit {other}"),
    };
    Span::from_s(number.parse::<i64>().unwrap() * unit)
}

fn numbers(text: &str) -> Vec<u64> {
    text.split('/').map(|number| number.parse().unwrap()).collect()
}

fn signal(word: &str) -> Signal {
    serde_json::from_value(word.into()).unwrap()
}

fn grid(text: &str) -> Grid {
    let (n, most) = text.split_once('*').unwrap();
    let (least, most) = most.split_once("..").unwrap_or(("0", most));
    let n: u32 = n.parse().unwrap();
    let mut grid = Grid::default();
    for i in 0..n {
        match (least.parse::<f64>(), most.parse::<f64>()) {
            (Ok(least), Ok(most)) => {
                grid.number(least + (most - least) * (f64::from(i) + 0.5) / f64::from(n));
            }
            _ => grid.category(most, 10),
        }
    }
    grid
}

impl World {
    pub fn new() -> Self {
        let rules = Config::load(&[], &BTreeMap::new()).unwrap().rules;
        let mut world = Self {
            judge: Judge::default(),
            rules,
            said: Vec::new(),
            log: LogTime::from_ms(START),
            now: EventTime::from_ms(START),
            pane: Span::from_s(60),
            next: BTreeMap::new(),
            measured: BTreeMap::new(),
            versions: Vec::new(),
            pairs: Vec::new(),
            features: Vec::new(),
            unknown: Vec::new(),
        };
        world.line("source lanes=1");
        world
    }

    pub fn line(&mut self, line: &str) -> Vec<String> {
        let words: Vec<&str> = line.split_whitespace().collect();
        let Some((first, rest)) = words.split_first() else { return Vec::new() };
        match *first {
            "rules" => rest.iter().for_each(|word| self.rule(word)),
            "source" => return self.source(rest),
            "stand" => return self.stand(rest),
            "frame" => return self.frame(rest),
            "skip" => self.pass(span(rest[0])),
            "claim" => {
                let lane = lane(rest[0]);
                return self.step(Input::Claim(&lane, rest[1].parse().unwrap()));
            }
            "beat" => {
                let lanes: Vec<_> = rest[0].split(',').map(lane).collect();
                return self.step(Input::Heartbeat(&lanes));
            }
            time if time.starts_with('+') => {
                self.log = self.log + span(&time[1..]);
                return self.step(Input::Tick);
            }
            every if every.starts_with(|c: char| c.is_ascii_digit()) => {
                return self.repeat(span(every), rest);
            }
            unit => return self.repeat(span(&format!("1{unit}")), rest),
        }
        Vec::new()
    }

    fn pass(&mut self, span: Span) {
        self.log = self.log + span;
        self.now = self.now + span;
    }

    fn rule(&mut self, word: &str) {
        let (path, value) = word.split_once('=').unwrap();
        if path == "only" {
            let only = |id: &TriggerId| value.split(',').any(|name| name == id.as_str());
            return self.rules.default.triggers.retain(|trigger| only(&trigger.id));
        }
        if path == "stall" {
            self.rules.default.policy.stall_after = span(value);
            return;
        }
        if path == "baseline_samples" {
            self.rules.default.policy.baseline_samples = value.parse().unwrap();
            return;
        }
        let (id, key) = path.split_once('.').unwrap();
        let triggers = &mut self.rules.default.triggers;
        let trigger = triggers.iter_mut().find(|trigger| trigger.id.as_str() == id).unwrap();
        match key {
            "act" => trigger.act_without_reference = value == "yes",
            "minimum" => trigger.minimum_samples = value.parse().unwrap(),
            "design" => trigger.design_effect = value.parse().unwrap(),
            "bucket" => trigger.bucket = span(value),
            "window" => {
                let (minutes, breaches) = value.split_once('/').unwrap();
                trigger.statistic = Statistic::Window {
                    window: Span::from_s(minutes.parse::<i64>().unwrap() * 60),
                    breaches: breaches.parse().unwrap(),
                };
            }
            other => panic!("no rule {other}"),
        }
    }

    fn source(&mut self, words: &[&str]) -> Vec<String> {
        let (mut lanes, mut name, mut known) = (1, None, Vec::new());
        for word in words {
            match word.split_once('=').unwrap() {
                ("lanes", count) => lanes = count.parse().unwrap(),
                ("name", other) => name = Some(source(other)),
                ("known", all) => known = all.split(',').map(source).collect(),
                ("pane", length) => self.pane = span(length),
                (other, _) => panic!("no {other}"),
            }
        }
        if name.is_none() {
            self.judge = Judge::default();
        }
        let (id, pane) = (name.unwrap_or_else(|| source("s")), self.pane);
        self.step(Input::Source { id: &id, lanes, pane, known: &known })
    }

    fn stand(&mut self, words: &[&str]) -> Vec<String> {
        let mut standing = self
            .judge
            .model(&model())
            .map_or_else(Standing::default, |judge| judge.standing.clone());
        for word in words {
            let (key, value) = word.split_once('=').unwrap();
            match key {
                "production" => standing.production = Some(version(value)),
                "promoted" => standing.promoted_at = Some(self.now + span(value)),
                "proven" => {
                    value.split(',').for_each(|name| known(&mut standing, name).proven = true)
                }
                path => {
                    let (name, of) = path.split_once('.').unwrap();
                    let (value, n) = value.split_once('/').unwrap();
                    let baseline =
                        Baseline { value: value.parse().unwrap(), n: n.parse().unwrap() };
                    known(&mut standing, name).baselines.insert(signal(of), baseline);
                }
            }
        }
        self.step(Input::Standing(&model(), &standing))
    }

    fn repeat(&mut self, every: Span, words: &[&str]) -> Vec<String> {
        let times = words.last().and_then(|last| last.strip_prefix('x'));
        let cells = if times.is_some() { &words[..words.len() - 1] } else { words };
        let times: u32 = times.map_or(1, |times| times.parse().unwrap());
        let mut out = Vec::new();
        for _ in 0..times {
            out.extend(self.frame(cells));
            self.pass(every);
        }
        out
    }

    fn frame(&mut self, words: &[&str]) -> Vec<String> {
        let (mut of, mut epoch, mut idle, mut more) = (0, 1, false, false);
        let mut from = source("s");
        let (mut at, mut watermark, mut newest) = (self.now.floor(self.pane), self.now, self.now);
        for word in words {
            match word.split_once('=') {
                _ if word.contains(':') => self.cell(word, at),
                None if *word == "idle" => idle = true,
                None if *word == "more" => more = true,
                Some(("of", name)) => from = source(name),
                Some(("lane", lane)) => of = lane.parse().unwrap(),
                Some(("epoch", number)) => epoch = number.parse().unwrap(),
                Some(("pane", later)) => at = (self.now + span(later)).floor(self.pane),
                Some(("w", later)) => watermark = self.now + span(later),
                Some(("new", later)) => newest = self.now + span(later),
                _ => panic!("no {word}"),
            }
        }
        let next = self.next.entry(of).or_default();
        let positions = vec![(*next, *next + 1)];
        *next += 1;
        let answers = self.versions.iter().map(|cell| cell.sums.answers.n).sum::<u64>();
        let measured = self.measured.entry(from.clone()).or_default();
        *measured += answers;
        let counters = Counters { read: *measured, measured: *measured, ..Counters::default() };
        let frame = Frame {
            lane: LaneId { source: from, lane: of },
            epoch,
            positions,
            watermark,
            newest: newest.max(watermark),
            idle,
            warm: 1.0,
            counters,
            versions: std::mem::take(&mut self.versions),
            pairs: std::mem::take(&mut self.pairs),
            features: std::mem::take(&mut self.features),
            unknown: std::mem::take(&mut self.unknown),
            skews: Vec::new(),
            more,
        };
        self.step(Input::Frame(&frame))
    }

    fn cell(&mut self, word: &str, pane: EventTime) {
        let (names, sums) = word.split_once(':').unwrap();
        if names == "?" || names == "m/?" {
            let (model, lost) = ((names == "m/?").then(model), version_sums(sums).lost);
            return self.unknown.push(UnknownPartial { pane, model, lost });
        }
        let (model, names) = match names.split_once('/') {
            Some((other, names)) => (ModelId::new(other).unwrap(), names),
            None => (model(), names),
        };
        match names.split_once('&') {
            None => {
                let (version, role) = (version(names), SampleRole::Unstated);
                self.inputs(pane, &model, FeaturesOf::Version(version.clone(), role), sums, 0);
                let sums = version_sums(sums);
                self.versions.push(VersionPartial { pane, model, version, role, sums });
            }
            Some((a, b)) => {
                let (x, y) = (version(a), version(b));
                for (nth, of, with) in [(0, &x, &y), (1, &y, &x)] {
                    let of = FeaturesOf::Shared(of.clone(), with.clone());
                    self.inputs(pane, &model, of, sums, nth);
                }
                let table = table(sums);
                let (a, b, table) = if a < b { (x, y, table) } else { (y, x, table.swapped()) };
                self.pairs.push(PairPartial { pane, model, a, b, table });
            }
        }
    }

    /// The inputs in a cell's text; of a pair, those of one side.
    fn inputs(
        &mut self,
        pane: EventTime,
        model: &ModelId,
        of: FeaturesOf,
        text: &str,
        side: usize,
    ) {
        let mut features = FeatureGrids::new();
        for (name, value) in text.split(',').map(|part| part.split_once('=').unwrap()) {
            if !SUMS.contains(&name) {
                let value = value.split('|').nth(side).unwrap();
                features.insert(FeatureName::new(name).unwrap(), grid(value));
            }
        }
        if !features.is_empty() {
            self.features.push(FeaturesPartial { pane, model: model.clone(), of, features });
        }
    }

    pub fn step(&mut self, input: Input<'_>) -> Vec<String> {
        let mut out = Vec::new();
        self.judge.step(self.log, &self.rules, input, &mut out);
        let mut lines = Vec::new();
        for output in out {
            let Output::Assessed(assessment) = output else { continue };
            if assessment.changed || assessment.provisional {
                lines.push(print(&assessment));
            }
            self.said.push(*assessment);
        }
        lines
    }
}

fn known<'a>(standing: &'a mut Standing, name: &str) -> &'a mut VersionStanding {
    let fresh = VersionStanding { role: Role::Shadow, proven: false, baselines: BTreeMap::new() };
    standing.versions.entry(version(name)).or_insert(fresh)
}

fn lane(number: &str) -> LaneId {
    let (of, number) = number.split_once('/').unwrap_or(("s", number));
    LaneId { source: source(of), lane: number.parse().unwrap() }
}

/// What a cell's text says but for inputs.
const SUMS: [&str; 7] = ["labels", "answers", "-answers", "-labels", "-ms", "ms", "pair"];

fn version_sums(text: &str) -> VersionSums {
    let mut sums = VersionSums::default();
    for part in text.split(',') {
        match part.split_once('=').unwrap() {
            ("labels", value) => sums.labels = counts(value),
            ("answers", value) => sums.answers = counts(value),
            ("-answers", value) => sums.lost.answers = value.parse().unwrap(),
            ("-labels", value) => sums.lost.labels = value.parse().unwrap(),
            ("-ms", value) => sums.lost.latencies = value.parse().unwrap(),
            ("ms", value) => {
                let (n, ms) = value.split_once('*').unwrap();
                let latency = sums.latency.get_or_insert_default();
                for _ in 0..n.parse::<u32>().unwrap() {
                    latency.record(ms.parse::<u64>().unwrap() * 1000);
                }
            }
            (input, _) => assert!(!SUMS.contains(&input), "{input}"),
        }
    }
    sums
}

fn counts(text: &str) -> Counts {
    let [n, bad] = numbers(text)[..] else { panic!("n/bad, not {text}") };
    Counts { n, bad }
}

fn table(text: &str) -> PairTable {
    let pair = text.split(',').find_map(|part| part.strip_prefix("pair="));
    let Some(pair) = pair else { return PairTable::default() };
    let [both, only_a, only_b, neither] = numbers(pair)[..] else {
        panic!("four counts, not {pair}")
    };
    PairTable { both, only_a, only_b, neither }
}

/// Hours and minutes since the start.
fn since_start(at: EventTime) -> String {
    let minutes = (at.as_ms() - START) / 60_000;
    format!("{}:{:02}", minutes / 60, minutes % 60)
}

fn print(a: &Assessment) -> String {
    let at = if a.provisional { "ahead".to_owned() } else { since_start(a.at) };
    let feature = a.feature.as_ref().map(|name| format!("/{name}")).unwrap_or_default();
    let against: String = a
        .against
        .iter()
        .map(|other| format!(", {} {:?} by {:?}", other.version, other.better, other.reference))
        .collect();
    format!("{at} {} {}{feature} {:?}: {:?}{against}", a.version, a.trigger, a.verdict, a.reason)
}
