//! Recorded right and wrong answers of frozen models: the e-detector with five points tolerated
//! fires where the model fell, as fast as the reference did, and never before or without.

#![expect(clippy::unwrap_used, reason = "tests")]

use std::collections::BTreeMap;

use ripcord::judge::bets;
use ripcord::judge::bounds::rate_upper;
use ripcord::judge::edetector::EDetector;
use ripcord::model::EventTime;
use serde_json::Value as Json;

use crate::common::files;

const TOLERANCE: f64 = 0.05;
const THRESHOLD: f64 = 1e5;

/// Labels at which it fires; after each the detector begins again.
fn alarms(null: f64, bits: &str) -> Vec<usize> {
    let growth = [bets::rate(null, 1, 0), bets::rate(null, 1, 1)];
    let mut detector = EDetector::default();
    let mut alarms = Vec::new();
    for (label, bit) in bits.bytes().enumerate() {
        let at = EventTime::from_ms(label as i64 * 1000);
        detector.update(at, &growth[usize::from(bit == b'1')], 1.0, THRESHOLD);
        if detector.statistic() >= THRESHOLD {
            alarms.push(label + 1);
            detector = EDetector::default();
        }
    }
    alarms
}

fn streams(path: &std::path::Path) -> Vec<Json> {
    let lines = files::lines(path);
    lines.iter().map(|line| serde_json::from_str(line).unwrap()).collect()
}

#[test]
fn frozen_models_on_streams_that_change() {
    let mut delays: BTreeMap<String, Vec<Option<usize>>> = BTreeMap::new();
    for stream in streams(&files::in_tree("tests/pure/data/frozen_synth_error_bits.jsonl.gz")) {
        let name = stream["stream"].as_str().unwrap().to_owned();
        let baseline = stream["baseline_err_5000"].as_f64().unwrap();
        let change = usize::try_from(stream["change_at"].as_u64().unwrap()).unwrap();
        let null = rate_upper(baseline, 5000.0) + TOLERANCE;
        let alarms = alarms(null, stream["bits"].as_str().unwrap());
        let before: Vec<_> = alarms.iter().filter(|at| **at <= change).collect();
        assert!(before.is_empty(), "{name}, seed {}: fires at {before:?}", stream["seed"]);
        let first = alarms.first().map(|at| at - change);
        delays.entry(name).or_default().push(first);
    }
    // Median delay of the reference; none: the change is within the tolerance, or harmless.
    let reference = [
        ("AGRAWAL f0->f1", Some(16)),
        ("AGRAWAL f2->f3", Some(36)),
        ("LED 0->1 drift feat", None),
        ("LED 0->3 drift feats", None),
        ("MIXED f0->f1", Some(9)),
        ("SEA v0->v2 10%noise", None),
        ("SEA v2->v3 10%noise", Some(222)),
        ("SINE f0->f1(reversed)", Some(8)),
        ("SINE f0->f2", Some(58)),
    ];
    assert_eq!(delays.len(), reference.len());
    for ((name, mut seen), (wanted, median)) in delays.into_iter().zip(reference) {
        assert_eq!(name, wanted);
        assert_eq!(seen.len(), 8, "{name}");
        seen.sort_unstable();
        println!("{name}: {seen:?}, reference {median:?}");
        let Some(median) = median else {
            assert!(seen.iter().all(Option::is_none), "{name}: {seen:?}");
            continue;
        };
        let middle = seen[4].unwrap_or(usize::MAX);
        let most = median + (median / 4).max(4);
        assert!(seen[0].is_some() && middle <= most, "{name}: {seen:?}, reference {median}");
    }
}

#[test]
fn a_real_model_on_a_nearly_stationary_record_never_fires() {
    let Some(path) = files::shared("employment_error_bits.jsonl.gz") else { return };
    let streams = streams(&path);
    let [reference, analysis] = streams.as_slice() else { panic!("two streams are in it") };
    let healthy = reference["bits"].as_str().unwrap();
    let baseline = reference["error"].as_f64().unwrap();
    let null = rate_upper(baseline, healthy.len() as f64) + TOLERANCE;
    let bits = analysis["bits"].as_str().unwrap();
    assert!(bits.len() > 200_000);
    assert_eq!(alarms(null, bits), Vec::<usize>::new());
    // The same record would make a detector that tolerates nothing fire.
    assert_ne!(alarms(rate_upper(baseline, healthy.len() as f64), bits), Vec::<usize>::new());
}
