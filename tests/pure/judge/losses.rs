//! What was lost is a bound: a breach holds with all of it good, health only with all of it bad.

use ripcord::model::{Reason, Verdict};

use super::world::{World, check};

const KNOWN: &str = "rules only=error-rate
                     stand production=v3 proven=v2 v2.error-rate=0.01/10000 \
                     v3.error-rate=0.01/10000";
const HEALTHY: &str = "m v2:answers=100/1 v3:answers=100/1 x60";

#[test]
fn a_version_that_fails_half_and_loses_a_tenth_is_rolled_back() {
    check(
        &format!("{KNOWN}\n{HEALTHY}\nm v2:answers=100/1 v3:answers=90/45,-answers=10 x4"),
        "0:01 v2 error-rate Healthy: UnderThreshold
         0:01 v3 error-rate Healthy: UnderThreshold
         1:01 v3 error-rate Breach: BenefitShown, v2 Better by Live",
    );
}

#[test]
fn losses_that_could_hide_a_fault_are_not_healthy_until_they_are_over() {
    check(
        &format!(
            "{KNOWN}\n{HEALTHY}
             m v2:answers=100/1 v3:answers=40/0,-answers=60 x6
             m v2:answers=100/1 v3:answers=100/0 x8"
        ),
        "0:01 v2 error-rate Healthy: UnderThreshold
         0:01 v3 error-rate Healthy: UnderThreshold
         1:01 v3 error-rate Stale: Lost
         1:09 v3 error-rate Healthy: UnderThreshold",
    );
}

#[test]
fn a_loss_too_small_to_hide_a_fault_changes_no_verdict() {
    let mut world = World::new();
    for line in
        format!("{KNOWN}\n{HEALTHY}\nm v2:answers=100/1 v3:answers=99/1,-answers=1 x60").lines()
    {
        world.line(line);
    }
    assert!(world.said.iter().all(|said| said.verdict == Verdict::Healthy));
}

#[test]
fn what_nobody_knows_the_version_of_counts_against_each() {
    for whose in ["?", "m/?"] {
        let mut world = World::new();
        for line in format!(
            "{KNOWN}\n{HEALTHY}\nm v2:answers=100/1 v3:answers=100/1 {whose}:-answers=150 x6"
        )
        .lines()
        {
            world.line(line);
        }
        for version in ["v2", "v3"] {
            let mut said = world.said.iter().rev().filter(|said| said.version.as_str() == version);
            let last = said.next().unwrap();
            assert_eq!((last.verdict, last.reason), (Verdict::Stale, Reason::Lost), "{whose}");
        }
    }
}

#[test]
fn a_mean_is_not_believed_if_more_than_its_share_was_lost() {
    let known = KNOWN.replace("only=error-rate", "only=mean-latency");
    for (lost, verdict) in [(4, Verdict::Healthy), (100, Verdict::Stale)] {
        let mut world = World::new();
        for line in format!("{known}\nm v3:ms=100*50 x60\nm v3:ms=100*50,-ms={lost} x6").lines() {
            world.line(line);
        }
        assert_eq!(world.said.last().unwrap().verdict, verdict, "{lost}");
    }
    // Even if every lost answer had been instant, the rest is too slow.
    let mut world = World::new();
    for line in format!("{known}\nm v3:ms=100*50 x60\nm v3:ms=100*9000,-ms=20 x30").lines() {
        world.line(line);
    }
    assert_ne!(world.said.last().unwrap().verdict, Verdict::Stale);
}
