//! The e-detectors over long streams: false alarms at the boundary of the null, and delays.
//!
//! The promise is checked where it is tightest, at the null's edge, on 10^7 updates in release
//! (10^6 in debug, unless `RIPCORD_LONG` is set): at most n/c alarms are expected, and three
//! standard errors are allowed. The delays are those of the reference simulations, within 15 % at
//! that length.

#![expect(clippy::print_stdout, reason = "a test says what it measured")]

use std::collections::BTreeMap;

use ripcord::judge::bets;
use ripcord::judge::edetector::EDetector;
use ripcord::model::EventTime;
use ripcord::sums::{Counts, Latency, PairTable};

use crate::common::length::whole;
use crate::common::random::Random;

const THRESHOLD: f64 = 1e4;

/// Alarms over `updates` draws of growth; after each the detector begins again.
fn alarms(updates: u64, mut growth: impl FnMut() -> Vec<f64>) -> u64 {
    let mut detector = EDetector::default();
    let mut alarms = 0;
    for update in 0..updates {
        let at = EventTime::from_ms(update as i64 * 1000);
        detector.update(at, &growth(), 1.0, THRESHOLD);
        if detector.statistic() >= THRESHOLD {
            alarms += 1;
            detector = EDetector::default();
        }
    }
    alarms
}

/// Over the updates of this build the alarms keep to the promise. `busy`: the law is one on which
/// the detector must fire now and then, so that a detector that never fires fails, too.
fn promise(name: &str, seed: u64, busy: bool, mut draw: impl FnMut(&mut Random) -> Vec<f64>) {
    let updates: u64 = if whole() { 10_000_000 } else { 1_000_000 };
    let mut random = Random::new(seed);
    let seen = alarms(updates, || draw(&mut random));
    let expected = updates as f64 / THRESHOLD;
    let most = expected + 3.0 * expected.sqrt();
    println!("{name}: {seen} alarms in {updates} updates, at most {most:.0} (seed {seed})");
    assert!(seen as f64 <= most, "{name}: {seen} alarms, at most {most:.0} (seed {seed})");
    assert!(!busy || seen > 0, "{name}: it never fires (seed {seed})");
}

#[test]
fn a_rate_at_its_null_keeps_the_promise() {
    let null = 0.15;
    let growth = [bets::rate(null, 1, 0), bets::rate(null, 1, 1)];
    promise("rate, one answer an update", 11, true, |random| {
        growth[usize::from(random.chance(null))].clone()
    });
}

#[test]
fn a_bucketed_rate_at_its_null_keeps_the_promise() {
    let null = 0.10;
    promise("rate, buckets of 1 to 16", 12, true, |random| {
        let n = 1 + random.bits() % 16;
        let bad = (0..n).filter(|_| random.chance(null)).count() as u64;
        bets::rate(null, n, bad)
    });
}

#[test]
fn a_rate_whose_mean_the_past_rules_keeps_the_promise() {
    // Not independent: errors come in turns of 50, and the conditional mean never passes the null.
    let null = 0.15;
    let growth = [bets::rate(null, 1, 0), bets::rate(null, 1, 1)];
    let (mut left, mut rate) = (0, null);
    promise("rate, in turns", 13, true, |random| {
        if left == 0 {
            left = 50;
            rate = if random.chance(0.5) { null } else { null * 0.9 };
        }
        left -= 1;
        growth[usize::from(random.chance(rate))].clone()
    });
}

#[test]
fn a_paired_difference_at_its_null_keeps_the_promise() {
    let tolerance = 0.02;
    let one = |table| bets::paired(tolerance, table);
    let worse = one(PairTable { only_b: 1, ..PairTable::default() });
    let better = one(PairTable { only_a: 1, ..PairTable::default() });
    let equal = one(PairTable { both: 1, ..PairTable::default() });
    promise("paired, 7 % worse and 5 % better", 14, true, |random| match random.share() {
        x if x < 0.07 => worse.clone(),
        x if x < 0.12 => better.clone(),
        _ => equal.clone(),
    });
}

#[test]
fn paired_buckets_at_their_null_keep_the_promise() {
    let tolerance = 0.02;
    promise("paired, buckets of 1 to 16", 15, true, |random| {
        let mut table = PairTable::default();
        for _ in 0..1 + random.bits() % 16 {
            match random.share() {
                x if x < 0.11 => table.count(false, true),
                x if x < 0.20 => table.count(true, false),
                _ => table.count(true, true),
            }
        }
        bets::paired(tolerance, table)
    });
}

/// One has odds of failing a quarter over the other's, as tolerated, while what hits both changes
/// from bucket to bucket.
#[test]
fn two_versions_at_the_tolerated_odds_keep_the_promise() {
    let mut known: BTreeMap<[u64; 4], Vec<f64>> = BTreeMap::new();
    promise("two versions, buckets of 1 to 8 each", 17, true, |random| {
        let rate = 0.05 + 0.55 * random.share();
        let odds = 1.25 * rate / (1.0 - rate);
        let mut counts = |rate: f64| {
            let n = 1 + random.bits() % 8;
            Counts { n, bad: (0..n).filter(|_| random.chance(rate)).count() as u64 }
        };
        let (a, b) = (counts(odds / (1.0 + odds)), counts(rate));
        let growth = || bets::more_often(a, b).unwrap();
        known.entry([a.n, a.bad, b.n, b.bad]).or_insert_with(growth).clone()
    });
}

#[test]
fn a_mean_at_its_null_keeps_the_promise_under_a_heavy_tail() {
    // Pareto of index 1.2 (no variance) from 400 ms, cut at the time-out, thinned with answers
    // at once until the mean is the limit. Cells stand at their lower bound: exactly the law.
    let (limit, timeout) = (2000.0, 60_000.0);
    let mut cells: Vec<(f64, f64, Vec<f64>)> = Vec::new();
    let mut before = 1.0;
    let mut edge = 400.0_f64;
    while edge < timeout {
        let mut latency = Latency::default();
        latency.record((edge * 1000.0) as u64);
        let low = latency.cells_ms().next().unwrap().0;
        edge *= 1.25;
        let after = if edge < timeout { libm::pow(400.0 / edge, 1.2) } else { 0.0 };
        cells.push((before - after, low, bets::mean(limit, timeout, &latency)));
        before = after;
    }
    let mean: f64 = cells.iter().map(|(share, low, _)| share * low).sum();
    // The law's own mean lies under the limit, so the last cell is made heavier until it does not.
    let (last, rest) = cells.split_last().unwrap();
    let heavier = ((limit - mean) / (last.1 - mean)).max(0.0);
    let thinner = if mean > limit { limit / mean } else { 1.0 };
    let mut at_once = Latency::default();
    at_once.record(0);
    let nothing = bets::mean(limit, timeout, &at_once);
    let (last, rest) = (last.2.clone(), rest.to_vec());
    promise("mean, heavy tail", 16, true, |random| {
        if !random.chance(thinner) {
            return nothing.clone();
        }
        if random.chance(heavier) {
            return last.clone();
        }
        let mut left = random.share();
        for (share, _, growth) in &rest {
            left -= share;
            if left < 0.0 {
                return growth.clone();
            }
        }
        last.clone()
    });
}

/// Median labels from the drop to the alarm.
fn delay(null: f64, threshold: f64, to: f64, seed: u64) -> u64 {
    let (runs, healthy) = if whole() { (401, 10_000) } else { (61, 1_000) };
    let growth = [bets::rate(null, 1, 0), bets::rate(null, 1, 1)];
    let mut random = Random::new(seed);
    let mut delays = Vec::new();
    for _ in 0..runs {
        let mut detector = EDetector::default();
        let mut label = 0_u64;
        loop {
            label += 1;
            let rate = if label <= healthy { 0.10 } else { to };
            let at = EventTime::from_ms(label as i64 * 1000);
            detector.update(at, &growth[usize::from(random.chance(rate))], 1.0, threshold);
            if detector.statistic() >= threshold {
                if label > healthy {
                    break delays.push(label - healthy);
                }
                detector = EDetector::default();
            }
        }
    }
    delays.sort_unstable();
    delays[delays.len() / 2]
}

#[test]
fn delays_are_those_of_the_reference_simulations() {
    let within = if whole() { 0.15 } else { 0.35 };
    let cases = [
        // Any drop: the null is the baseline itself.
        (0.10, 1e5, [(0.15, 486), (0.20, 159), (0.30, 56)].as_slice()),
        (0.10, 1e6, &[(0.15, 675), (0.20, 219), (0.30, 71)]),
        // Five points are tolerated.
        (0.15, 1e5, &[(0.20, 665), (0.30, 120)]),
        (0.15, 1e6, &[(0.20, 935), (0.30, 148)]),
    ];
    let rows = cases.into_iter().flat_map(|(null, threshold, drops)| {
        drops.iter().map(move |(to, reference)| (null, threshold, *to, *reference))
    });
    for (seed, (null, threshold, to, reference)) in (21..).zip(rows) {
        let seen = delay(null, threshold, to, seed);
        let row = format!("null {null}, c {threshold:.0e}, to {to}: median {seen} (seed {seed})");
        println!("{row}, reference {reference}");
        let off = (seen as f64 / f64::from(reference) - 1.0).abs();
        assert!(off <= within, "{row}, not {reference}");
    }
}
