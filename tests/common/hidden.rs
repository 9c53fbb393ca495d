//! Streams whose version in production goes bad while something hides it: what telemetry looks
//! like when a pipeline, a clock or a producer breaks together with the model.
//!
//! v3 serves and v2 answers the same requests. A label follows a minute after each request.

use std::fmt::Write as _;

use ripcord::model::{EventTime, Incident, Span, Verdict};

/// The fault begins so long after the stream, in seconds …
pub const ONSET_S: i64 = 1200;
/// … and the stream ends.
pub const END_S: i64 = 1800;
/// Milliseconds between two requests.
const EVERY_MS: i64 = 250;
/// Seconds until a label comes.
const LABEL_S: i64 = 60;
/// How wrong a wrong clock is, in seconds.
pub const SKEW_S: i64 = 60;

/// What goes bad.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// Nothing.
    None,
    /// Three of ten answers of v3 fail.
    Fails,
    /// Four of ten answers of v3 are wrong.
    Wrong,
    /// v3 no longer answers.
    Silent,
    /// No more labels come.
    NoLabels,
}

/// What hides it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Damage {
    /// Nothing.
    None,
    /// This field of the answers that fail has this value.
    Field(&'static str, &'static str),
    /// The answers of v3 are texts.
    TextAnswers,
    /// The clock of a version is ahead.
    Clock(&'static str),
    /// The clock of every third record of v3 is ahead.
    Producer,
    /// The clock of one record is 26 h ahead.
    OneRecord,
    /// A second source feeds the model for ten minutes.
    IdleSource,
    /// Every other record of v3 is cut off.
    CutOff,
    /// Retention takes the first minute of the fault before it is read.
    Retention,
}

/// One stream.
#[derive(Debug, Clone, Copy)]
pub struct Case {
    /// It is the model's and the source's name, too.
    pub name: &'static str,
    pub fault: Fault,
    pub damage: Damage,
}

const fn case(name: &'static str, fault: Fault, damage: Damage) -> Case {
    Case { name, fault, damage }
}

/// All of them; the first ones are clean, or have the fault with nothing that hides it.
pub const CASES: [Case; 21] = [
    case("nothing", Fault::None, Damage::None),
    case("errors", Fault::Fails, Damage::None),
    case("wrong-answers", Fault::Wrong, Damage::None),
    case("no-fault-shadow-ahead", Fault::None, Damage::Clock("v2")),
    case("no-fault-production-ahead", Fault::None, Damage::Clock("v3")),
    case("no-fault-producer-ahead", Fault::None, Damage::Producer),
    case("no-fault-record-ahead", Fault::None, Damage::OneRecord),
    case("no-fault-idle-source", Fault::None, Damage::IdleSource),
    case("nan-in-feature", Fault::Fails, Damage::Field("features", r#"{"amount":NaN}"#)),
    case("array-feature", Fault::Fails, Damage::Field("features", r#"{"amount":[1,2]}"#)),
    case("nan-in-unread-field", Fault::Fails, Damage::Field("debug", "NaN")),
    case("cut-emoji-in-unread-text", Fault::Fails, Damage::Field("debug", r#""oh \ud83d""#)),
    case("status-unreadable", Fault::Fails, Damage::Field("status", "500")),
    case("label-type", Fault::Wrong, Damage::TextAnswers),
    case("shadow-ahead", Fault::Fails, Damage::Clock("v2")),
    case("production-ahead", Fault::Fails, Damage::Clock("v3")),
    case("producer-ahead", Fault::Fails, Damage::Producer),
    case("record-a-day-ahead", Fault::Fails, Damage::OneRecord),
    case("half-unreadable", Fault::Fails, Damage::CutOff),
    case("production-silent", Fault::Silent, Damage::None),
    case("labels-stop", Fault::NoLabels, Damage::None),
];

/// What a recording of one source cannot show.
pub const ON_A_LOG: [Case; 1] = [case("idle-source", Fault::Fails, Damage::IdleSource)];

/// What only a log that deletes can show.
pub const ON_KAFKA: [Case; 1] = [case("retention", Fault::Fails, Damage::Retention)];

/// A record: when it arrives, in milliseconds after the start, and whether by the second source.
pub struct Arrival {
    pub at_ms: i64,
    pub second: bool,
    pub line: String,
}

impl Case {
    /// Its records in the order in which they arrive.
    pub fn stream(&self, start: EventTime) -> Vec<Arrival> {
        let mut stream = Vec::new();
        for nth in 0..END_S * 1000 / EVERY_MS {
            let at_ms = nth * EVERY_MS;
            for version in ["v2", "v3"] {
                stream.extend(self.answer(start, nth, at_ms, version));
            }
            let label_ms = at_ms + LABEL_S * 1000;
            if self.fault != Fault::NoLabels || at_ms < ONSET_S * 1000 {
                let ts = (start + Span::from_ms(label_ms)).as_ms();
                let line = format!(
                    r#"{{"type":"outcome","request":"{nth}","model":"{}","ts":{ts},"actual":1}}"#,
                    self.name
                );
                stream.push(Arrival { at_ms: label_ms, second: false, line });
            }
        }
        stream.sort_by_key(|arrival| arrival.at_ms);
        stream.retain(|arrival| arrival.at_ms < END_S * 1000);
        stream
    }

    fn answer(&self, start: EventTime, nth: i64, at_ms: i64, version: &str) -> Option<Arrival> {
        let (bad, serves) = (at_ms >= ONSET_S * 1000, version == "v3");
        let second = self.damage == Damage::IdleSource && version == "v2" && nth % 2 == 1;
        if (serves && bad && self.fault == Fault::Silent) || (second && at_ms > 600_000) {
            return None;
        }
        // One of a hundred fails and five are wrong, for no reason.
        let dice = mixed(nth, serves);
        let ill = |fault, share| serves && bad && self.fault == fault && dice < share;
        let fails = dice < 10 || ill(Fault::Fails, 300);
        let wrong = (10..60).contains(&dice) || ill(Fault::Wrong, 400);
        let ahead_s = match self.damage {
            Damage::Clock(of) if of == version => SKEW_S,
            Damage::Producer if serves && nth % 3 == 0 => SKEW_S,
            Damage::OneRecord if serves && at_ms == (ONSET_S - 60) * 1000 => 26 * 3600,
            _ => 0,
        };
        let ts = (start + Span::from_ms(at_ms) + Span::from_s(ahead_s)).as_ms();
        let text = self.damage == Damage::TextAnswers && serves && bad;
        let prediction = match (wrong, text) {
            (false, false) => "1",
            (true, false) => "0",
            (false, true) => "\"1\"",
            (true, true) => "\"0\"",
        };
        let mut fields = vec![
            ("status", if fails { "\"error\"" } else { "\"ok\"" }),
            ("features", r#"{"amount":1.5}"#),
            ("prediction", prediction),
        ];
        if let (Damage::Field(name, value), true, true) = (self.damage, serves && bad, fails) {
            fields.retain(|(of, _)| *of != name);
            fields.push((name, value));
        }
        let mut line = format!(
            r#"{{"type":"prediction","id":"{nth}/{version}","request":"{nth}","latency_ms":20"#
        );
        write!(line, r#","model":"{}","version":"{version}","ts":{ts}"#, self.name).unwrap();
        for (name, value) in fields {
            write!(line, ",\"{name}\":{value}").unwrap();
        }
        line.push('}');
        if self.damage == Damage::CutOff && serves && bad && nth % 2 == 0 {
            line.truncate(line.len() / 4);
        }
        Some(Arrival { at_ms, second, line })
    }

    /// How long after the onset it must be told, in seconds. `clean_s`: without what hides it.
    fn limit_s(&self, told: &Told, clean_s: Option<f64>) -> f64 {
        let skew_s = match self.damage {
            Damage::Clock(_) | Damage::Producer => SKEW_S as f64,
            _ => 0.0,
        };
        match (&told.blind, clean_s) {
            (None, Some(clean_s)) => 2.0 * clean_s + skew_s,
            (None, None) => 0.0,
            (Some(_), _) if self.fault == Fault::NoLabels => 2.0 * LABEL_S as f64 + 300.0,
            (Some(_), _) => 300.0 + skew_s,
        }
    }
}

/// Numbers from 0 to 999 that look random, and differ between the versions.
fn mixed(nth: i64, serves: bool) -> u64 {
    let mut x = nth.unsigned_abs().wrapping_mul(2).wrapping_add(u64::from(serves));
    x = (x ^ (x >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9).wrapping_add(0x9e37_79b9_7f4a_7c15);
    x = (x ^ (x >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    (x ^ (x >> 31)) % 1000
}

/// What was told first of v3: a rollback, or why nobody can say that it is well.
#[derive(Debug, Clone)]
pub struct Told {
    pub blind: Option<String>,
    /// Seconds after the onset.
    pub after_s: f64,
}

/// The first word on v3 of a model, of incidents in the order in which they were told.
pub fn told<'a>(
    model: &str,
    start: EventTime,
    incidents: impl Iterator<Item = &'a Incident>,
) -> Option<Told> {
    let onset = start + Span::from_s(ONSET_S);
    let mut of_v3 = incidents.filter(|told| told.model.as_str() == model);
    of_v3.find_map(|incident| {
        let blind = incident.verdict == Verdict::Blind;
        let at = if blind { Some(incident.opened_at) } else { incident.decided_at };
        let at = at.filter(|_| blind || incident.generation.is_some())?;
        let why = incident.because.clone();
        Some(Told { blind: blind.then_some(why), after_s: (at - onset).as_s() })
    })
}

/// Prints what was told of each case and fails where that is too late, or uncalled for.
pub fn check(venue: &str, told: &[(Case, Option<Told>)]) {
    let clean = |fault| {
        let found =
            told.iter().find(|(case, _)| case.fault == fault && case.damage == Damage::None);
        found.and_then(|(_, told)| told.as_ref()).filter(|told| told.blind.is_none())
    };
    let mut table = format!("{:<26} {:>8} {:>8}  {venue}\n", "case", "after s", "limit s");
    let mut missed = Vec::new();
    for (case, told) in told {
        let clean_s = clean(case.fault).map(|told| told.after_s);
        let limit_s = told.as_ref().map_or(0.0, |told| case.limit_s(told, clean_s));
        let right = match told {
            None => case.fault == Fault::None,
            Some(told) => case.fault != Fault::None && (0.0..=limit_s).contains(&told.after_s),
        };
        let (after, what) = match told {
            None => ("-".to_owned(), "nothing".to_owned()),
            Some(Told { blind, after_s }) => {
                let what =
                    blind.as_ref().map_or("rollback".to_owned(), |why| format!("blind: {why}"));
                (format!("{after_s:.0}"), what)
            }
        };
        writeln!(table, "{:<26} {after:>8} {limit_s:>8.0}  {what}", case.name).unwrap();
        if !right {
            missed.push(case.name);
        }
    }
    println!("{table}");
    assert!(missed.is_empty(), "{missed:?} are told wrongly or too late:\n{table}");
}

/// A registry in which v3 of every model serves and v2 is vouched for.
pub fn registry(cases: &[Case]) -> String {
    let models = cases.iter().map(|case| {
        let name = case.name;
        format!(
            r#"{{"name":"{name}","version":"v3","is_production":true,
                 "created_at":"2025-03-01T00:00:00Z"}},
               {{"name":"{name}","version":"v2","is_production":false,"proven_good":true,
                 "created_at":"2025-02-01T00:00:00Z"}}"#
        )
    });
    format!("[{}]", models.collect::<Vec<_>>().join(","))
}
