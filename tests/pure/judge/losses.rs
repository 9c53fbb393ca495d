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

/// v3 answers, and none of its durations can be read: what is left says nothing.
#[test]
fn a_mean_of_which_all_is_lost_is_not_healthy() {
    let known = KNOWN.replace("only=error-rate", "only=mean-latency");
    for before in ["m v3:ms=100*50 x60\n", ""] {
        let mut world = World::new();
        for line in format!("{known}\n{before}m v3:answers=100/0,-ms=100 x20").lines() {
            world.line(line);
        }
        let last = world.said.last().map(|said| (said.verdict, said.reason));
        assert_eq!(last, Some((Verdict::Stale, Reason::Lost)), "{before}");
    }
}

/// Three answers a minute, of which one is lost, say too little in six minutes and enough in a day.
#[test]
fn losses_of_little_traffic_add_up_and_are_told_once() {
    check(
        &format!(
            "{KNOWN}
             m v2:answers=3/0 v3:answers=3/0 x600
             m v2:answers=3/0 v3:answers=2/0,-answers=1 x1440
             m v2:answers=3/0 v3:answers=3/0 x600"
        ),
        "0:01 v2 error-rate Insufficient: TooFewSamples
         0:01 v3 error-rate Insufficient: TooFewSamples
         0:07 v2 error-rate Healthy: UnderThreshold
         0:07 v3 error-rate Healthy: UnderThreshold
         10:44 v3 error-rate Stale: Lost
         34:48 v3 error-rate Healthy: UnderThreshold",
    );
}

/// A record that cannot be read may have been a labelled answer only where there are labels.
#[test]
fn records_that_cannot_be_read_lose_no_labels_that_nobody_sends() {
    let known = KNOWN.replace("only=error-rate", "only=accuracy-drop");
    let mut world = World::new();
    let lost = "h v3:answers=100/0,-answers=100,-ms=100,-labels=100 x20";
    for line in format!("{known}\n{lost}").lines() {
        world.line(line);
    }
    assert!(world.said.is_empty(), "{:?}", world.said.len());
    world.line("h v3:answers=100/0,-labels=100 x20");
    assert_eq!(world.said.last().map(|said| said.reason), Some(Reason::Lost));
}
