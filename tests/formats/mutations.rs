//! Records damaged at random: no bytes do harm, the counts add up, and what is not read decides
//! nothing.
#![expect(clippy::unwrap_used, reason = "a test may fail where it is")]

use std::collections::BTreeSet;
use std::sync::Arc;

use proptest::prelude::*;
use ripcord::config::InstructionKeys;
use ripcord::edge::clock::SystemClock;
use ripcord::edge::log::local::LocalLog;
use ripcord::measure::{Input, Lane};
use ripcord::model::{LaneId, LogTime, Namespace, Reject, Sample, SampleRole, Source, Span};
use ripcord::roles::ingest::pipeline::{LanePipeline, RawRecord};
use ripcord::sums::Counters;
use ripcord::topics::Topics;
use ripcord::wire::telemetry::{Raw, Rejected};
use serde_json::Value as Json;

use crate::common;
use crate::common::decoded::{decode, mapped};
use crate::common::length::whole;
use crate::decode::topic;

/// What the damage is done to.
const VALID: [&str; 5] = [
    include_str!("../../schemas/telemetry.prediction.v1.example.json"),
    include_str!("../../schemas/telemetry.outcome.v1.example.json"),
    include_str!("../../schemas/telemetry.latency.v1.example.json"),
    include_str!("../../schemas/telemetry.health.v1.example.json"),
    include_str!("../../schemas/telemetry.run.v1.example.json"),
];

/// What is put where it does not belong.
#[rustfmt::skip]
const POISON: [&str; 14] = [
    "\u{feff}", "\0", "\\ud800", "1e999", "-1e-999", "NaN", "18446744073709551616", "[[[[[[[[[[",
    "{\"a\":", "\"", "\\u0000", "}}", ",,", "\u{10ffff}",
];

/// Damaged records in one case of a property.
const BATCH: u32 = 100;

/// Ten million records at whole length, a hundred thousand otherwise.
fn cases() -> ProptestConfig {
    let records = if whole() { 10_000_000 } else { 100_000 };
    ProptestConfig::with_cases(records / BATCH)
}

fn source() -> Source {
    common::source::source(None)
}

fn read(value: &[u8], source: &Source) -> Result<Sample<'static>, Rejected> {
    decode(&Raw::line(value), &topic(None), source)
}

/// Bits turned, something put in, the end cut off.
fn damaged() -> impl Strategy<Value = Vec<u8>> {
    let index = any::<prop::sample::Index>;
    (
        0..VALID.len(),
        prop::collection::vec((index(), 0_u8..8), 0..4),
        prop::option::of((index(), 0..POISON.len())),
        prop::option::weighted(0.2, index()),
    )
        .prop_map(|(which, flips, poison, cut)| {
            let mut bytes = VALID[which].trim().as_bytes().to_vec();
            for (at, bit) in flips {
                let at = at.index(bytes.len());
                bytes[at] ^= 1 << bit;
            }
            if let Some((at, which)) = poison {
                let at = at.index(bytes.len());
                bytes.splice(at..at, POISON[which].bytes());
            }
            if let Some(cut) = cut {
                bytes.truncate(cut.index(bytes.len()));
            }
            bytes
        })
}

/// Always a sample or one code; the same whichever way it is taken; and a sample says what
/// `serde_json` reads, where that reads the record at all.
fn harmless(value: &[u8]) -> Result<(), TestCaseError> {
    let source = source();
    let plain = read(value, &source);
    let mapped = topic(Some(mapped(serde_json::json!({ "constants": { "instance": "x" } }))));
    let tree = decode(&Raw::line(value), &mapped, &source);
    prop_assert_eq!(plain.is_ok(), tree.is_ok(), "{:?} {:?}", plain, tree);
    match plain {
        Ok(sample) => {
            if let Ok(json) = serde_json::from_slice::<Json>(value) {
                prop_assert_eq!(json["model"].as_str(), Some(sample.model()));
                if let (Sample::Prediction(read), Some(version)) =
                    (&sample, json["version"].as_str())
                {
                    prop_assert_eq!(version, read.version.as_ref());
                    let score = json["score"].as_f64();
                    prop_assert_eq!(score, read.score, "{:?}", String::from_utf8_lossy(value));
                }
            }
        }
        Err(rejected) => prop_assert!(rejected.code != Reject::FromFuture),
    }
    Ok(())
}

/// How a lane of one topic counts these records, each at its position.
fn counted(lines: &[Vec<u8>]) -> Counters {
    let mut source = source();
    source.topics[0].allowed_disorder = Span::from_s(5);
    let log = Arc::new(LocalLog::in_memory(Arc::new(SystemClock)).unwrap());
    let (namespace, keys) = (Namespace::new("n").unwrap(), InstructionKeys::default());
    let topics = Topics { log, namespace, shards: 1, keys };
    let lane = Lane::new(&source, LaneId { source: source.id.clone(), lane: 0 }, 1);
    let mut feed = LanePipeline::new(topics, source, lane);
    for (position, line) in (0..).zip(lines) {
        let fed = RawRecord { topic: 0, position, appended: None, raw: Some(Raw::line(line)) };
        feed.take(fed, |_, _| SampleRole::Live);
    }
    feed.step(Input::End);
    feed.step(Input::Flush { now: LogTime::from_ms(0) });
    feed.pending().last().unwrap().counters.clone()
}

proptest! {
    #![proptest_config(cases())]

    #[test]
    fn no_damage_does_harm_and_every_record_is_counted_once(
        records in prop::collection::vec(damaged(), BATCH as usize)
    ) {
        for record in &records {
            harmless(record)?;
        }
        let counters = counted(&records);
        prop_assert_eq!(counters.read, u64::from(BATCH));
        prop_assert_eq!(counters.read, counters.accounted());
    }

    /// A record with fields that nobody reads is the record without them.
    #[test]
    fn what_is_not_read_decides_nothing(
        additions in prop::collection::vec(
            (0..VALID.len(), any::<prop::sample::Index>(), any::<[u8; 40]>()),
            BATCH as usize,
        )
    ) {
        let source = source();
        for (which, field, choices) in additions {
            let valid = VALID[which].trim().as_bytes();
            let noise = noise(&choices);
            let noisy = with_unread(valid, field, &noise);
            let shown = String::from_utf8_lossy(&noise);
            let clean = read(valid, &source);
            prop_assert!(clean.is_ok());
            prop_assert_eq!(clean, read(&noisy, &source), "{}", shown);
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn no_bytes_do_harm(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        harmless(&bytes)?;
    }

    #[test]
    fn no_json_like_text_does_harm(text in r#"[\[\]{}",:0-9eE.+\-a-z\\u ]{0,120}"#) {
        harmless(text.as_bytes())?;
    }

    #[test]
    fn no_nesting_does_harm(
        opens in prop::collection::vec(prop::sample::select(vec!["[", "{\"a\":"]), 1..40),
        times in 1_usize..2500,
        before in "(\\{\"x\":)?",
    ) {
        let text = format!("{before}{}", opens.concat().repeat(times));
        prop_assert!(read(text.as_bytes(), &source()).is_err());
        harmless(text.as_bytes())?;
    }
}

/// A line, and whether it is a good one.
fn any_line() -> impl Strategy<Value = (bool, Vec<u8>)> {
    let good = any::<u64>().prop_map(|id| {
        let line = format!(
            r#"{{"type":"prediction","id":"{id}","model":"m","version":"v1","prediction":1,
                "ts":"2024-01-01T00:00:0{}Z"}}"#,
            id % 5
        );
        (true, line.into_bytes())
    });
    let cut = (good.clone(), 1..50_usize).prop_map(|((_, mut line), cut)| {
        line.truncate(line.len() - cut);
        (false, line)
    });
    let bytes = prop::collection::vec(any::<u8>(), 0..80).prop_map(|line| (false, line));
    prop_oneof![good, cut, bytes]
}

proptest! {
    #[test]
    fn a_lane_accounts_for_every_line_and_measures_every_good_one(
        mut lines in prop::collection::vec(any_line(), 1..60)
    ) {
        // Twice the same id is once measured and once a duplicate.
        let mut seen = BTreeSet::new();
        lines.retain(|(good, line)| !good || seen.insert(line.clone()));
        let lines: Vec<_> = lines.into_iter().map(|(_, line)| line).collect();
        let counters = counted(&lines);
        prop_assert_eq!(counters.read, lines.len() as u64);
        prop_assert_eq!(counters.read, counters.accounted());
        prop_assert_eq!(counters.measured, seen.len() as u64);
    }
}

/// The record with one more field, before one of its lines.
fn with_unread(record: &[u8], before: prop::sample::Index, noise: &[u8]) -> Vec<u8> {
    let lines: Vec<&[u8]> = record.split(|byte| *byte == b'\n').collect();
    // The first line opens the record and the last closes it.
    let before = 1 + before.index(lines.len() - 2);
    let mut noisy = lines[..before].join(&b'\n');
    noisy.extend_from_slice(b"\n\"unread\":");
    noisy.extend_from_slice(noise);
    noisy.extend_from_slice(b",\n");
    noisy.extend_from_slice(&lines[before..].join(&b'\n'));
    noisy
}

/// Something whose strings and brackets end and that is otherwise wild. Each byte is one choice.
fn noise(choices: &[u8]) -> Vec<u8> {
    const BARE: [&str; 10] =
        ["NaN", "-Infinity", "1e400", "-1e-999", "007", "+1", ".5", "None", "true", "0x1F"];
    const IN_TEXT: [&[u8]; 11] = [
        b"a",
        b"\\ud800",
        b"\\udc00\\ud83d",
        b"\\\"",
        b"\\\\",
        b"\\x",
        b"\xff\xfe",
        b"\xf0\x9f",
        b"\0",
        b"\n",
        b"}]",
    ];
    let (mut noise, mut open) = (Vec::new(), Vec::new());
    let mut separate = false;
    for choice in choices {
        if separate && !open.is_empty() {
            noise.push(b',');
        }
        // Keys that a record has, so that a reader that looks too deep is found out.
        if open.last() == Some(&b'}') && choice % 8 != 7 {
            let keys = [&b"\"id\":"[..], b"\"version\":", b"\"ts\":", b"\"\\ud800\":"];
            noise.extend_from_slice(keys[usize::from(choice / 8) % keys.len()]);
        }
        separate = true;
        match choice % 8 {
            0 | 1 => noise.extend_from_slice(BARE[usize::from(choice / 8) % BARE.len()].as_bytes()),
            2 | 3 => {
                noise.push(b'"');
                noise.extend_from_slice(IN_TEXT[usize::from(choice / 8) % IN_TEXT.len()]);
                noise.push(b'"');
            }
            4 | 5 => {
                let times = if choice / 8 == 0 { 1500 } else { 1 };
                noise.extend(std::iter::repeat_n(b'[', times));
                open.extend(std::iter::repeat_n(b']', times));
                separate = false;
            }
            6 => {
                noise.push(b'{');
                open.push(b'}');
                separate = false;
            }
            _ => {
                if noise.last() == Some(&b',') {
                    noise.pop();
                }
                noise.extend(open.pop());
            }
        }
        if open.is_empty() && !noise.is_empty() {
            return noise;
        }
    }
    open.reverse();
    noise.extend(open);
    if noise.is_empty() { b"null".to_vec() } else { noise }
}
