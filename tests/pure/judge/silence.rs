//! Nothing fires on silence, and an open minute fires once.

use ripcord::model::{Reason, Verdict};
use ripcord::sums::Assessment;

use super::world::{World, check, told};

const KNOWN: &str = "stand production=v3 proven=v2 v2.error-rate=0.01/10000 \
                     v3.accuracy=0.9/28000 v2.accuracy=0.9/28000";

#[test]
fn a_version_without_traffic_for_a_year_is_not_judged() {
    let mut world = World::new();
    world.line(KNOWN);
    // Two days of both, then a year in which v3 is asked nothing; hours with traffic of v2 only.
    world.line("h v2:labels=60/6,answers=60/0 v3:labels=60/6,answers=60/0 v2&v3:pair=50/4/4/2 x48");
    let before = world.said.len();
    world.line("h v2:labels=60/6,answers=60/0 x8760");
    let of_v3 = world.said[before..].iter().filter(|said| said.version.as_str() == "v3");
    // What the last hour held is said when the next one begins.
    // That it is silent is said once.
    let silent = |said: &&Assessment| said.reason == Reason::Silent;
    assert_eq!(of_v3.clone().filter(silent).count(), 1);
    assert!(of_v3.clone().all(|said| said.verdict == Verdict::Healthy || silent(&said)));
    assert!(of_v3.count() <= 4, "something is said of a version that does nothing");
}

#[test]
fn a_year_in_which_nobody_is_asked_anything_says_nothing() {
    let mut world = World::new();
    world.line(KNOWN);
    world.line("h v3:labels=60/6,answers=60/0 x48");
    world.line("h x1");
    let before = world.said.len();
    world.line("h x8760");
    world.line("d x365");
    // Nothing but that it is silent.
    let said: Vec<_> = world.said[before..].iter().map(|said| said.reason).collect();
    assert_eq!(said, [Reason::Silent]);
}

#[test]
fn a_night_and_then_five_failures_are_no_breach() {
    check(
        &format!(
            "{KNOWN}
             m v3:answers=60/0 x600
             skip 8h
             m v3:answers=5/5
             m v3:answers=60/0 x30"
        ),
        "0:01 v3 error-rate Healthy: UnderThreshold",
    );
}

#[test]
fn five_failures_after_a_night_are_no_breach_even_where_nothing_was_known_before() {
    check(
        &format!("{KNOWN}\nskip 8h\nm v3:answers=5/5\nm x3"),
        "8:01 v3 error-rate Insufficient: TooFewSamples",
    );
}

const BURST: &str = "source pane=10s
    stand production=v3 proven=v2 v2.error-rate=0.01/10000 v3.accuracy=0.9/28000
    m v3:answers=600/6,labels=600/60 new=59s x10";

#[test]
fn a_burst_of_failures_fires_within_the_open_minute_and_once() {
    check(
        &format!(
            "{BURST}
             frame pane=0s new=10s v3:answers=100/90
             frame pane=0s new=11s v3:answers=100/90
             frame pane=10s new=21s v3:answers=100/90
             frame pane=20s new=32s v3:answers=100/90
             frame pane=30s new=42s v3:answers=100/90
             frame w=60s new=62s"
        ),
        "0:01 v3 error-rate Healthy: UnderThreshold
         ahead v3 error-rate Breach: BenefitShown, v2 Better by Baseline
         0:11 v3 error-rate Breach: BenefitShown, v2 Better by Baseline",
    );
}

/// As long as another trigger with buckets of a minute looks ahead, the minute is looked at; a
/// plain rule waits for its end all the same.
#[test]
fn a_literal_rule_never_fires_on_an_open_minute() {
    let burst = "frame pane=0s new=11s v3:answers=400/390\nframe pane=10s new=12s v3:answers=1/0";
    let of = |rules: &str| told(&format!("{rules}\n{BURST}\n{burst}\nframe w=60s new=62s"));
    let literal = of("rules error-rate.window=1/1");
    assert!(!literal.iter().any(|line| line.starts_with("ahead")), "{literal:?}");
    assert!(literal.iter().any(|line| line.contains("v3 error-rate Breach")), "{literal:?}");
    assert!(of("rules error-rate.act=no")[1].starts_with("ahead"), "the same burst looks ahead");
}

#[test]
fn an_open_minute_is_looked_at_only_where_every_lane_has_passed_it_by_two_seconds() {
    let burst = "frame pane=0s new=11s v3:answers=400/390";
    let first = "0:01 v3 error-rate Healthy: UnderThreshold";
    check(&format!("{BURST}\n{burst}"), first);
    let told = told(&format!("{BURST}\n{burst}\nframe pane=10s new=12s v3:answers=1/0"));
    assert_eq!(told.len(), 2, "{told:?}");
    assert!(told[1].starts_with("ahead v3 error-rate Breach"), "{told:?}");
}

#[test]
fn an_open_hour_of_labels_never_fires() {
    let wrong = "frame pane=0s new=20s v3:labels=6000/5900
                 frame pane=20s new=50s v3:labels=6000/5900
                 frame pane=40s w=60s new=90s v3:labels=6000/5900";
    check(
        &format!("rules accuracy-drop.act=yes\n{BURST}\n{wrong}"),
        "0:01 v3 error-rate Healthy: UnderThreshold",
    );
    // They count when the hour closes.
    let told = told(&format!("rules accuracy-drop.act=yes\n{BURST}\n{wrong}\nskip 1h\nm x2"));
    assert!(told.iter().any(|line| line.starts_with("1:00 v3 accuracy-drop")), "{told:?}");
}

#[test]
fn the_minute_of_a_hand_over_is_no_evidence() {
    // A minute in which everything fails, half a minute before or after v3 was promoted: both
    // versions answered in it.
    let world = |promoted: &str| {
        format!(
            "rules only=error-rate
             stand production=v3 proven=v2 v2.error-rate=0.01/10000
             m v3:answers=100/0 x30
             stand promoted={promoted}
             m v3:answers=100/100
             m v3:answers=100/0 x3"
        )
    };
    let breaches = |promoted: &str| {
        told(&world(promoted)).iter().filter(|line| line.contains("Breach")).count()
    };
    for promoted in ["30s", "0s", "-30s"] {
        assert_eq!(breaches(promoted), 0, "promoted {promoted} after the minute began");
    }
    for promoted in ["-60s", "60s"] {
        assert_eq!(breaches(promoted), 1, "promoted {promoted} after the minute began");
    }
}
