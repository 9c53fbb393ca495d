//! The literal rules, and how evidence latches, clears and is thinned.

use ripcord::model::{Reference, TriggerId, Verdict};

use super::world::{World, check, model, told, version};

const WINDOW: &str = "rules only=error-rate error-rate.window=5/3 error-rate.minimum=500
    stand production=v3 proven=v2 v2.error-rate=0.01/10000";
const HEALTHY: &str = "0:01 v3 error-rate Insufficient: TooFewSamples
                       0:05 v3 error-rate Healthy: UnderThreshold";

#[test]
fn a_window_fires_past_its_limit_and_not_at_it() {
    check(&format!("{WINDOW}\nm v3:answers=100/10 x60"), HEALTHY);
    let told = told(&format!("{WINDOW}\nm v3:answers=100/10 x60\nm v3:answers=100/11 x5"));
    assert!(told.iter().any(|line| line.contains("Breach")), "{told:?}");
}

/// Each trigger as a plain rule: at its limit it is healthy, a little past it no more. Its
/// evidence is the value against the limit, and the limit is the baseline as it was measured,
/// although so few samples make its upper bound much larger.
#[test]
fn each_literal_rule_fires_past_its_limit_and_not_at_it() {
    let stand = "stand production=v3 proven=v2 v3.accuracy=0.90/50 v2.accuracy=0.99/28000 \
                 v2.latency=1000/28000 v2.error-rate=0.01/10000";
    for (trigger, at, past, limit) in [
        ("accuracy-drop", "h v3:labels=100/15 x48", "h v3:labels=100/16 x48", 0.15),
        ("worse-than-reference", "h v2&v3:pair=90/6/4/0 x48", "h v2&v3:pair=90/7/3/0 x48", 0.02),
        ("error-rate", "m v3:answers=100/10 x48", "m v3:answers=100/11 x48", 0.1),
        ("mean-latency", "m v3:ms=100*1900 x48", "m v3:ms=100*2100 x48", 2000.0),
    ] {
        let window = if at.starts_with('h') { "1440/3" } else { "5/3" };
        let rules = format!("rules only={trigger} {trigger}.window={window} {trigger}.act=yes");
        let last = |line: &str| {
            let mut world = World::new();
            for line in format!("{rules}\n{stand}\n{line}").lines() {
                world.line(line);
            }
            let of_v3 = world.said.iter().rfind(|said| said.version == version("v3"));
            of_v3.unwrap().clone()
        };
        let (at, past) = (last(at), last(past));
        assert_eq!(at.verdict, Verdict::Healthy, "{trigger} at its limit: {at:?}");
        assert_ne!(past.verdict, Verdict::Healthy, "{trigger} past its limit: {past:?}");
        let evidence = &past.evidence;
        assert!((evidence.threshold - limit).abs() < 1e-9, "{trigger}: {evidence:?}");
        assert_eq!(evidence.null, Some(evidence.threshold), "{trigger}");
        assert!(evidence.statistic > evidence.threshold, "{trigger}: {evidence:?}");
        assert!(at.evidence.statistic <= at.evidence.threshold + 1e-9, "{trigger}");
    }
}

#[test]
fn the_third_window_in_a_row_fires() {
    // One bad minute puts five windows past 10 %: with 60 more failures than tolerated the third
    // of them fires, at the end of the third minute from it.
    let told = told(&format!(
        "{WINDOW}\nm v3:answers=100/5 x10\nm v3:answers=100/60\nm v3:answers=100/5 x10"
    ));
    let breach: Vec<_> = told.iter().filter(|line| line.contains("Breach")).collect();
    assert_eq!(breach.len(), 1, "{told:?}");
    assert!(breach[0].starts_with("0:13 "), "{told:?}");
    // Twice in a row is not enough: the value dips between.
    check(
        "rules only=error-rate error-rate.window=1/3 error-rate.minimum=50
             stand production=v3 proven=v2 v2.error-rate=0.01/10000
             m v3:answers=100/5 x10
             m v3:answers=100/60 x2
             m v3:answers=100/5
             m v3:answers=100/60 x2
             m v3:answers=100/5 x3",
        "0:01 v3 error-rate Healthy: UnderThreshold",
    );
}

#[test]
fn a_window_under_its_least_samples_never_fires() {
    let told = told(&format!("{WINDOW}\nm v3:answers=99/99 x60"));
    assert!(!told.iter().any(|line| line.contains("Breach")), "{told:?}");
}

#[test]
fn evidence_latches_until_a_tenth_of_the_threshold() {
    let mut world = World::new();
    world.line("rules only=error-rate");
    world.line("stand production=v3 proven=v2 v2.error-rate=0.01/10000");
    world.line("m v3:answers=100/1 x30");
    world.line("m v3:answers=100/40 x5");
    world.line("m v3:answers=100/1 x10");
    let mut seen_between = false;
    let mut over = false;
    for said in &world.said {
        let share = said.evidence.statistic / said.evidence.threshold;
        let breach = said.verdict == Verdict::Breach;
        over = share >= 1.0 || (over && share >= 0.1);
        assert_eq!(breach, over, "at {}: {share}", said.at);
        seen_between |= breach && share < 1.0;
    }
    assert!(!over, "it never cleared");
    println!("latched under the threshold: {seen_between}");
}

#[test]
fn a_measured_design_effect_takes_the_place_of_the_first_one_after_thirty_blocks() {
    let mut world = World::new();
    world.line("stand production=v3 v3.accuracy=0.9/28000");
    let trigger = world.rules.default.triggers[1].clone();
    assert_eq!(trigger.id, TriggerId::new("accuracy-drop").unwrap());
    let design = |world: &World| {
        world.judge.model(&model()).unwrap().design_effect(&trigger, &version("v3"))
    };
    // Days at 4 % and 16 % in turn: much more than chance between days.
    for day in 0..30 {
        let wrong = if day % 2 == 0 { 4 } else { 16 };
        world.line(&format!("h v3:labels=100/{wrong} x24"));
        assert_eq!(design(&world), 6.0, "day {day}");
    }
    // The thirtieth block is known to be whole when the thirty-first has begun and its first
    // bucket has closed.
    world.line("h v3:labels=100/4 x3");
    let measured = design(&world);
    // n·var/v between days: 2400 · 0.00372 / 0.09.
    assert!((95.0..105.0).contains(&measured), "{measured}");
    let said = world.said.last().unwrap();
    assert_eq!(said.evidence.calibration, (30, 30));
    assert_eq!(said.evidence.reference, Reference::None);
}

#[test]
fn days_with_a_breach_or_a_common_cause_never_calibrate() {
    let mut world = World::new();
    world.line("stand production=v3 proven=v2 v3.accuracy=0.9/28000 v2.accuracy=0.9/28000");
    let trigger = world.rules.default.triggers[1].clone();
    for _ in 0..40 {
        world.line("h v3:labels=100/60 v2:labels=100/60 v2&v3:pair=38/2/2/58 x24");
    }
    let judge = world.judge.model(&model()).unwrap();
    assert_eq!(judge.design_effect(&trigger, &version("v3")), 6.0);
    assert_eq!(world.said.last().unwrap().evidence.calibration.0, 0);
}
