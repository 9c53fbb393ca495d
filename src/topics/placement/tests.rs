//! Keys placed in every way, and what is said of them.

use super::keys::KEYS;
use super::requests::REQUESTS;
use super::*;
use crate::model::{
    EventTime, LostFields, NameLimits, Outcome, Prediction, PredictionStatus, SampleRole, SourceId,
    Span, TopicRule, UnknownModels, Value,
};
use crate::topics::partitioner::Partitioner::{Crc32, Fnv1a, Murmur2};

/// A topic of predictions, and one of outcomes.
fn source() -> Source {
    let rule = |name: &str| TopicRule {
        name: name.to_owned(),
        allowed_disorder: Span::ZERO,
        mapping: None,
    };
    Source {
        id: SourceId::new("s").unwrap(),
        topics: vec![rule("pred"), rule("out")],
        pane: Span::from_s(10),
        label_horizon: Span::from_s(3600),
        max_waiting: 10,
        max_jump: Span::from_s(300),
        jump_confirmations: 20,
        max_skew: Span::from_s(120),
        max_categories: 10,
        oldest: EventTime::from_ms(0),
        max_record_bytes: 1000,
        unknown_models: UnknownModels::Learn,
        limits: NameLimits::before_settings(),
    }
}

fn prediction(request: &str) -> Sample<'_> {
    Sample::Prediction(Prediction {
        id: request.into(),
        model: "m".into(),
        version: "v1".into(),
        ts: EventTime::from_ms(0),
        request: None,
        status: PredictionStatus::Ok,
        prediction: None,
        score: None,
        latency_us: None,
        features: Vec::new(),
        role: SampleRole::Live,
        actual: None,
        lost: LostFields::default(),
    })
}

fn outcome(request: &str, whole: bool) -> Sample<'_> {
    Sample::Outcome(Outcome {
        request: request.into(),
        model: "m".into(),
        ts: EventTime::from_ms(0),
        actual: Some(Value::Number(1.0)),
        version: whole.then(|| "v1".into()),
        prediction: whole.then_some(Value::Number(1.0)),
        lost: LostFields::default(),
    })
}

/// Places the n-th key in one of a number of partitions.
type Place = fn(usize, &[u8], u32) -> u32;

const MURMUR2: Place = |_, key, of| Murmur2.place(key, of);
const CRC32: Place = |_, key, of| Crc32.place(key, of);
const FNV1A: Place = |_, key, of| Fnv1a.place(key, of);
const BY_HAND: Place = |_, key, of| u32::try_from(key.len()).unwrap() % of;
const IN_TURN: Place = |n, _, of| u32::try_from(n).unwrap() % of;
const BOTH: Place = |n, key, of| if n % 4 == 0 { Murmur2 } else { Crc32 }.place(key, of);
const ASTRAY: Place = |n, key, of| if n % 90 == 0 { 0 } else { Murmur2.place(key, of) };

/// What is said after `n` requests.
fn trouble(n: usize, partitions: u32, (pred, out): (Place, Place), keyed: bool) -> String {
    let mut placement = Placement::new(&source(), partitions);
    for n in 0..n {
        let request = format!("{:>width$}", format!("r-{n}"), width = 5 + n % 7);
        let key = request.as_bytes();
        let given = keyed.then_some(key);
        placement.observe(0, pred(n, key, partitions), given, &prediction(&request));
        let answer = outcome(&request, false);
        placement.observe(1, out(n, key, partitions), given, &answer);
    }
    placement.trouble().unwrap_or_else(|| "too little".to_owned())
}

#[test]
fn keys_that_are_placed_in_two_ways_are_named_and_no_others() {
    const SPLIT: &str = "records of one request are in different partitions";
    for (places, partitions, expected) in [
        ((MURMUR2, MURMUR2), 2, ""),
        ((CRC32, CRC32), 12, ""),
        ((FNV1A, FNV1A), 3, ""),
        ((BY_HAND, BY_HAND), 4, ""),
        ((ASTRAY, MURMUR2), 4, ""),
        ((MURMUR2, CRC32), 1, "too little"),
        (
            (MURMUR2, CRC32),
            2,
            "keys of pred are placed by murmur2 (Java), those of out by CRC32 (librdkafka); SPLIT",
        ),
        (
            (FNV1A, MURMUR2),
            12,
            "keys of pred are placed by FNV-1a (Sarama), those of out by murmur2 (Java); SPLIT",
        ),
        (
            (MURMUR2, BOTH),
            2,
            "producers of out place keys by murmur2 (Java) and CRC32 (librdkafka); SPLIT",
        ),
        (
            (CRC32, IN_TURN),
            3,
            "keys of pred are placed by CRC32 (librdkafka), those of out by no known \
             partitioner; SPLIT",
        ),
        ((BY_HAND, IN_TURN), 3, "SPLIT"),
    ] {
        let expected = match expected {
            "" | "too little" => expected.to_owned(),
            fault => {
                let fault = fault.replace("SPLIT", SPLIT);
                format!("{fault}, so outcomes miss their predictions; {MEND}")
            }
        };
        for n in [100, 255, 3000, 20_000] {
            let found = trouble(n, partitions, places, true);
            assert_eq!(found, expected, "{n} requests in {partitions}");
        }
        assert_eq!(trouble(1000, partitions, places, false), "too little", "without keys");
        assert_eq!(trouble(9, partitions, places, true), "too little");
    }
}

#[test]
fn outcomes_that_need_no_prediction_may_lie_anywhere() {
    let mut placement = Placement::new(&source(), 4);
    for n in 0..1000 {
        let request = format!("r{n}");
        let key = Some(request.as_bytes());
        placement.observe(0, MURMUR2(n, request.as_bytes(), 4), key, &prediction(&request));
        placement.observe(1, IN_TURN(n, b"", 4), key, &outcome(&request, true));
    }
    assert_eq!(placement.trouble(), Some(String::new()));
}

#[test]
fn the_sample_is_bounded_and_what_was_mended_is_forgotten() {
    let mut placement = Placement::new(&source(), 4);
    let run = |placement: &mut Placement, range: std::ops::Range<usize>, out: Place| {
        for n in range {
            let request = format!("r{n}");
            let key = request.as_bytes();
            placement.observe(0, MURMUR2(n, key, 4), Some(key), &prediction(&request));
            placement.observe(1, out(n, key, 4), Some(key), &outcome(&request, false));
        }
    };
    run(&mut placement, 0..20_000, CRC32);
    assert_eq!(placement.faults().0, [KeyFault::Differ(0, 1), KeyFault::Split]);
    run(&mut placement, 20_000..400_000, MURMUR2);
    assert_eq!(placement.faults(), (Vec::new(), true));
    assert!(placement.requests.of.len() <= REQUESTS);
    assert!(placement.topics.iter().all(|keys| keys.seen.len() < KEYS));
}
