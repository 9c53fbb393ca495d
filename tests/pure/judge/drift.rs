//! Drift of inputs, and who is to blame.

use super::world::{check, told};

const BOTH: &str = "h v2:f=1000*60 v3:f=1000*60 v2&v3:f=1000*60|1000*60 x24";

fn alerts(told: &[String]) -> Vec<&str> {
    let of = told.iter().filter(|line| line.contains("feature-drift"));
    of.map(|line| line.split_once(' ').unwrap().1)
        .filter(|line| !line.contains("Healthy") && !line.contains("Insufficient"))
        .collect()
}

#[test]
fn what_changes_on_one_side_only_is_that_sides() {
    // v3's feature comes in hours instead of minutes.
    let told = told(&format!("{BOTH}\nh v2:f=1000*60 v3:f=1000*1 v2&v3:f=1000*60|1000*1 x12"));
    assert_eq!(alerts(&told), ["v3 feature-drift/f Breach: DriftOwn"], "{told:?}");
    let other = told_of_the_other();
    assert_eq!(alerts(&other), ["v2 feature-drift/f Breach: DriftOwn"], "{other:?}");
}

fn told_of_the_other() -> Vec<String> {
    told(&format!("{BOTH}\nh v2:f=1000*1 v3:f=1000*60 v2&v3:f=1000*1|1000*60 x12"))
}

#[test]
fn what_changes_on_both_sides_is_nobodys() {
    let told = told(&format!("{BOTH}\nh v2:f=1000*9 v3:f=1000*9 v2&v3:f=1000*9|1000*9 x12"));
    let alerts = alerts(&told);
    assert_eq!(
        alerts,
        ["v2 feature-drift/f Systemic: DriftShared", "v3 feature-drift/f Systemic: DriftShared"]
    );
}

/// v3 was always a little apart from v2 and moves through it to the other side: it is far from
/// what it was, but not from v2, which never changes.
#[test]
fn what_stays_near_a_version_that_never_changes_is_still_its_own() {
    let at = |most: u32| format!("h v2:f=1000*60 v3:f=1000*{most} v2&v3:f=1000*60|1000*{most}");
    let told = told(&format!("{} x24\n{} x12", at(55), at(62)));
    assert_eq!(alerts(&told), ["v3 feature-drift/f Breach: DriftOwn"], "{told:?}");
}

#[test]
fn a_tie_is_nobodys() {
    // The two names of a category change places on one request each: both are equally far from
    // what they were, and from each other.
    let before = "h v2:f=500*a v3:f=500*a v2&v3:f=500*a|500*a x24";
    let after = "h v2:f=500*b v3:f=500*c v2&v3:f=500*b|500*c x24";
    let told = told(&format!("{before}\n{after}"));
    let alerts = alerts(&told);
    assert!(!alerts.is_empty(), "{told:?}");
    assert!(alerts.iter().all(|line| line.contains("Systemic: DriftShared")), "{told:?}");
}

#[test]
fn without_a_pair_what_the_other_version_shares_is_nobodys() {
    let apart = BOTH.split(" v2&v3").next().unwrap();
    let shared = told(&format!("{apart} x24\nh v2:f=1000*9 v3:f=1000*9 x24"));
    let shared = alerts(&shared);
    assert!(!shared.is_empty());
    assert!(shared.iter().all(|line| line.contains("Systemic: DriftShared")), "{shared:?}");
    let own = told(&format!("{apart} x24\nh v2:f=1000*60 v3:f=1000*1 x24"));
    assert_eq!(alerts(&own), ["v3 feature-drift/f Breach: DriftOwn"]);
}

#[test]
fn a_lone_version_answers_for_its_own_drift() {
    check(
        "h v3:f=1000*60 x24\nh v3:f=1000*1 x6",
        "5:00 v3 feature-drift/f Healthy: UnderThreshold
         27:00 v3 feature-drift/f Breach: DriftOwn",
    );
}

/// A shift by half the spread of the values is seen wherever they lie: kelvins,
/// hectopascals, latitudes, hours since 1970, prices in cents, and what is tiny.
#[test]
fn an_offset_hides_no_drift() {
    for (least, spread) in [
        (-1.0, 2.0),
        (288.0, 10.0),
        (1_000.0, 26.0),
        (40.66, 0.08),
        (491_980.0, 40.0),
        (199_000.0, 1_700.0),
        (9.5e-13, 1e-13),
    ] {
        let at = |from: f64| format!("v3:f=1000*{:e}..{:e}", least + from, least + from + spread);
        let told = told(&format!("h {} x24\nh {} x12", at(0.0), at(spread / 2.0)));
        assert_eq!(alerts(&told), ["v3 feature-drift/f Breach: DriftOwn"], "{least}: {told:?}");
    }
}

#[test]
fn few_samples_say_nothing() {
    // 9 bins less one, 50 each, over the twelve hours of the window.
    let told = told("h v3:f=1000*60 x5\nskip 24h\nh v3:f=30*1 x5");
    assert_eq!(alerts(&told), Vec::<&str>::new(), "{told:?}");
    assert!(told.iter().any(|line| line.contains("TooFewSamples")), "{told:?}");
}
