//! The five verdicts, in their order, and the five references.

use proptest::prelude::*;

use super::world::{World, check, model, told, version};

const KNOWN: &str = "stand production=v3 proven=v2 v3.accuracy=0.9/28000 v2.accuracy=0.9/28000";
const HEALTHY: &str = "h v2:labels=100/10 v3:labels=100/10 v2&v3:pair=88/2/2/8 x48";

#[test]
fn a_version_that_is_worse_on_the_same_requests_is_a_breach_and_the_paired_rule_goes_first() {
    let worse = "h v2:labels=100/10 v3:labels=100/40 v2&v3:pair=58/32/2/8 x12";
    check(
        &format!("{KNOWN}\n{HEALTHY}\n{worse}"),
        "1:00 v2 worse-than-reference Healthy: UnderThreshold
         1:00 v3 worse-than-reference Healthy: UnderThreshold
         1:00 v2 accuracy-drop Healthy: UnderThreshold
         1:00 v3 accuracy-drop Healthy: UnderThreshold
         50:00 v3 worse-than-reference Breach: BenefitShown, v2 Better by Paired
         52:00 v3 accuracy-drop Breach: BenefitShown, v2 Better by Paired",
    );
}

#[test]
fn a_common_cause_is_systemic_because_the_other_is_over_too() {
    let storm = "h v2:labels=100/40 v3:labels=100/40 v2&v3:pair=58/2/2/38 x12";
    check(
        &format!("{KNOWN}\n{HEALTHY}\n{storm}"),
        "1:00 v2 worse-than-reference Healthy: UnderThreshold
         1:00 v3 worse-than-reference Healthy: UnderThreshold
         1:00 v2 accuracy-drop Healthy: UnderThreshold
         1:00 v3 accuracy-drop Healthy: UnderThreshold
         52:00 v2 accuracy-drop Systemic: ReferenceAlsoOver, v3 Same by Paired
         52:00 v3 accuracy-drop Systemic: ReferenceAlsoOver, v2 Same by Paired",
    );
}

#[test]
fn no_difference_on_the_same_requests_is_systemic_though_the_other_is_not_over() {
    let known = KNOWN.replace("v2.accuracy=0.9", "v2.accuracy=0.6");
    let worse = "h v2:labels=100/38 v3:labels=100/39 v2&v3:pair=58/3/2/37 x12";
    check(
        &format!("{known}\n{HEALTHY}\n{worse}"),
        "1:00 v2 worse-than-reference Healthy: UnderThreshold
         1:00 v3 worse-than-reference Healthy: UnderThreshold
         1:00 v2 accuracy-drop Healthy: UnderThreshold
         1:00 v3 accuracy-drop Healthy: UnderThreshold
         52:00 v3 accuracy-drop Systemic: PairedWithinTolerance, v2 Same by Paired",
    );
}

#[test]
fn without_a_reference_nothing_is_a_breach() {
    let known = "stand production=v3 v3.accuracy=0.9/28000";
    check(
        &format!("{known}\nh v3:labels=100/10 x48\nh v3:labels=100/40 x12"),
        "1:00 v3 accuracy-drop Healthy: UnderThreshold
         52:00 v3 accuracy-drop Insufficient: NoReference",
    );
}

#[test]
fn a_baseline_shows_no_benefit_for_accuracy_unless_the_rules_take_the_risk() {
    let worse = "h v3:labels=100/10 x48\nh v3:labels=100/40 x12";
    check(
        &format!("{KNOWN}\n{worse}"),
        "1:00 v3 accuracy-drop Healthy: UnderThreshold
         52:00 v3 accuracy-drop Insufficient: BenefitUnproven, v2 Unknown by Baseline",
    );
    check(
        &format!("rules accuracy-drop.act=yes\n{KNOWN}\n{worse}"),
        "1:00 v3 accuracy-drop Healthy: UnderThreshold
         52:00 v3 accuracy-drop Breach: BenefitShown, v2 Better by Baseline",
    );
}

#[test]
fn a_baseline_shows_benefit_for_failures() {
    let known = "stand production=v3 proven=v2 v2.error-rate=0.01/10000";
    check(
        &format!("{known}\nm v3:answers=100/1 x60\nm v3:answers=100/40 x12\nm x2"),
        "0:01 v3 error-rate Healthy: UnderThreshold
         1:01 v3 error-rate Breach: BenefitShown, v2 Better by Baseline",
    );
}

#[test]
fn the_last_days_in_production_come_before_the_baseline() {
    check(
        "stand production=v2 proven=v2 v2.error-rate=0.01/10000
         m v2:answers=100/1 x120
         stand production=v3
         m v3:answers=100/1 x60
         m v3:answers=100/40 x12",
        "0:01 v2 error-rate Healthy: UnderThreshold
         2:01 v3 error-rate Healthy: UnderThreshold
         3:01 v3 error-rate Breach: BenefitShown, v2 Better by History",
    );
}

#[test]
fn a_version_live_at_the_same_time_comes_before_its_last_days() {
    let known = "stand production=v3 proven=v2 v2.error-rate=0.01/10000";
    let healthy = "m v2:answers=100/1 v3:answers=100/1 x60";
    let worse = "m v2:answers=100/1 v3:answers=100/40 x12";
    check(
        &format!("{known}\n{healthy}\n{worse}"),
        "0:01 v2 error-rate Healthy: UnderThreshold
         0:01 v3 error-rate Healthy: UnderThreshold
         1:01 v3 error-rate Breach: BenefitShown, v2 Better by Live",
    );
    // What hits both is no reason to change.
    let storm = "m v2:answers=100/40 v3:answers=100/40 x12";
    check(
        &format!("{known}\n{healthy}\n{storm}"),
        "0:01 v2 error-rate Healthy: UnderThreshold
         0:01 v3 error-rate Healthy: UnderThreshold
         1:01 v2 error-rate Systemic: ReferenceAlsoOver, v3 Same by Live
         1:01 v3 error-rate Systemic: ReferenceAlsoOver, v2 Same by Live",
    );
}

#[test]
fn too_few_samples_say_nothing() {
    check(
        "stand production=v3 v3.accuracy=0.9/28000\nh v3:labels=49/5 x1\nh x2",
        "1:00 v3 accuracy-drop Insufficient: TooFewSamples",
    );
    check(
        "stand production=v3 v3.accuracy=0.9/28000\nh v3:labels=50/5 x1\nh x2",
        "1:00 v3 accuracy-drop Healthy: UnderThreshold",
    );
}

#[test]
fn too_few_lanes_are_stale_even_where_the_version_is_bad() {
    check(
        &format!(
            "source lanes=2\n{KNOWN}
             frame lane=1 idle
             {HEALTHY}
             +61s
             h v2:labels=100/10 v3:labels=100/90 v2&v3:pair=8/82/2/8 x12"
        ),
        "1:00 v2 worse-than-reference Stale: Incomplete
         1:00 v3 worse-than-reference Stale: Incomplete
         1:00 v2 accuracy-drop Stale: Incomplete
         1:00 v3 accuracy-drop Stale: Incomplete",
    );
}

#[test]
fn mean_latency_fires_over_its_limit_and_not_at_it() {
    let known = "stand production=v3 proven=v2 v2.latency=900/10000";
    check(
        &format!("{known}\nm v3:ms=50*1900 x600"),
        "0:01 v3 mean-latency Healthy: UnderThreshold",
    );
    check(
        &format!("{known}\nm v3:ms=50*1000 x60\nm v3:ms=50*6000 x30"),
        "0:01 v3 mean-latency Healthy: UnderThreshold
         1:01 v3 mean-latency Breach: BenefitShown, v2 Better by Baseline",
    );
}

#[test]
fn a_bucket_in_which_the_other_was_only_wrong_shows_no_benefit() {
    // One label an hour of v2, and it is wrong: nothing can be worse.
    check(
        &format!("{KNOWN}\nh v2:labels=1/1 v3:labels=100/10 x12"),
        "1:00 v2 accuracy-drop Insufficient: TooFewSamples
         1:00 v3 accuracy-drop Healthy: UnderThreshold",
    );
    let [v2, v3] = ["v2", "v3"].map(version);
    let mut world = World::new();
    world.line(KNOWN);
    world.line("h v2:labels=1/1 v3:labels=100/10 x12");
    let trigger = world.rules.default.triggers[1].clone();
    let odds = world.judge.model(&model()).unwrap().live_odds(&trigger, &v3, &v2);
    assert!(odds < 12.0, "twelve hours of nothing: {odds}");
}

/// Ten answers a minute: in no minute can much be said of either, and after a few of them all
/// that is needed.
#[test]
fn a_healthy_shadow_shows_benefit_at_little_traffic() {
    let known = "rules only=error-rate
                 stand production=v3 proven=v2 v2.error-rate=0.01/10000
                 m v3:answers=10/0 v2:answers=10/0 x60";
    let told = told(&format!("{known}\nm v3:answers=10/3 v2:answers=10/0 x60"));
    let breach = told.iter().find(|line| line.contains("v3 error-rate Breach"));
    let breach = breach.unwrap_or_else(|| panic!("{told:?}"));
    assert!(breach.starts_with("1:1") && breach.ends_with("v2 Better by Live"), "{breach}");
    // What hits both is nobody's fault, at any traffic.
    for (bad, all) in [(3, 10), (300, 1000), (3000, 10_000)] {
        let both = format!("v3:answers={all}/{bad} v2:answers={all}/{bad}");
        let told = self::told(&format!("{known}\nm {both} x600"));
        assert!(!told.iter().any(|line| line.contains("Breach")), "{all}: {told:?}");
    }
}

/// A fault too small to be seen at once must not teach the watch to bear it.
#[test]
fn a_fault_after_many_healthy_blocks_is_seen_as_fast_as_an_early_one() {
    let fires = |healthy: u32| {
        let told = told(&format!(
            "rules only=error-rate
             stand production=v3 proven=v2 v2.error-rate=0.01/10000
             m v3:answers=60/1 x{healthy}
             m v3:answers=60/9 x120"
        ));
        let breach = told.iter().find(|line| line.contains("v3 error-rate Breach")).cloned();
        let breach = breach.unwrap_or_else(|| panic!("{told:?}"));
        let (hours, minutes) = breach.split_once(' ').unwrap().0.split_once(':').unwrap();
        hours.parse::<u32>().unwrap() * 60 + minutes.parse::<u32>().unwrap() - healthy
    };
    let (early, late) = (fires(120), fires(840));
    assert!(late <= early, "after 14 healthy hours {late} min, after 2 of them {early}");
}

#[test]
fn bets_are_finite_whatever_the_null() {
    for null in [0.0, 1e-12, 0.5, 1.0 - 1e-12, 1.0] {
        for bad in [0, 5, 10] {
            let growth = ripcord::judge::bets::rate(null, 10, bad);
            assert!(growth.iter().all(|growth| growth.is_finite()), "{null} {bad}: {growth:?}");
        }
    }
}

/// The same lines with the names of the two versions exchanged.
fn exchanged(lines: &str) -> String {
    lines.replace("v2", "vX").replace("v3", "v2").replace("vX", "v3")
}

fn sorted(lines: Vec<String>) -> Vec<String> {
    let mut lines = lines;
    lines.sort();
    lines
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: 24, failure_persistence: None, ..ProptestConfig::default()
    })]

    /// Nothing depends on which version is called what: exchange the arms, and every verdict
    /// changes sides.
    #[test]
    fn exchanging_the_arms_of_a_pair_exchanges_the_verdicts(
        hours in prop::collection::vec((0..40_u64, 0..40_u64, 0..20_u64), 6..40),
        answers in prop::collection::vec((0..60_u64, 0..60_u64), 2..10),
    ) {
        let mut lines = KNOWN.replace("production=v3 ", "");
        for (only_a, only_b, neither) in hours {
            let both = 100 - only_a - only_b - neither;
            lines.push_str(&format!(
                "\nh v2:labels=100/{} v3:labels=100/{} \
                 v2&v3:pair={both}/{only_a}/{only_b}/{neither}",
                only_b + neither, only_a + neither,
            ));
        }
        for (a, b) in answers {
            lines.push_str(&format!("\nm v2:answers=60/{a} v3:answers=60/{b}"));
        }
        let here = sorted(told(&lines).iter().map(|line| exchanged(line)).collect());
        let there = sorted(told(&exchanged(&lines)));
        prop_assert_eq!(here, there);
    }
}

/// The sums of the bucket that just closed and those in the evidence are of one bucket.
#[test]
fn a_closed_bucket_is_counted_against_the_limit_of_its_trigger() {
    let mut world = World::new();
    for line in ["stand production=v3 proven=v2 v2.latency=900/10000", "m v3:ms=100*1900 x3"] {
        world.line(line);
    }
    let mut compared = 0;
    for said in world.said.iter().filter(|said| said.trigger.as_str() == "mean-latency") {
        let (Some(closed), Some(last)) = (said.closed.last(), said.evidence.buckets.last()) else {
            continue;
        };
        assert_eq!(closed.tally, last.tally);
        compared += 1;
    }
    assert!(compared > 0, "no evidence holds its buckets");
}
