//! What no longer comes is told, against what goes on.

use super::world::{World, check, model};

const KNOWN: &str = "source pane=10s
                     rules only=error-rate
                     stand production=v3 proven=v2";
/// Half an hour in which both answer, ten times in each pane.
const BOTH: &str = "10s v2:answers=10/0 v3:answers=10/0 x180";
const HEALTHY: &str = "0:01 v2 error-rate Healthy: UnderThreshold
                       0:01 v3 error-rate Healthy: UnderThreshold";

#[test]
fn a_version_in_production_that_no_longer_answers_while_others_do_is_told_once() {
    check(
        &format!("{KNOWN}\n{BOTH}\n10s v2:answers=10/0 x60\n{BOTH}"),
        &format!(
            "{HEALTHY}
             0:31 v3 error-rate Stale: Silent
             0:41 v3 error-rate Healthy: UnderThreshold"
        ),
    );
    // Other models of the source are others, too.
    check(
        &format!("{KNOWN}\n10s v3:answers=10/0 n/v1:answers=10/0 x180\n10s n/v1:answers=10/0 x60"),
        "0:01 v3 error-rate Healthy: UnderThreshold
         0:01 v1 error-rate Healthy: UnderThreshold
         0:31 v3 error-rate Stale: Silent",
    );
}

#[test]
fn who_rests_with_all_others_is_not_silent() {
    check(
        &format!("{KNOWN}\n{BOTH}\n10s n/v9:answers=1/0\nskip 8h\n{BOTH}"),
        &format!("{HEALTHY}\n0:31 v9 error-rate Insufficient: TooFewSamples"),
    );
    // A shadow that stops is no news, nor one that was hardly ever there.
    check(&format!("{KNOWN}\n{BOTH}\n10s v3:answers=10/0 x60"), HEALTHY);
    check(
        &format!("{KNOWN}\n10s v2:answers=10/0 v3:answers=10/0 x12\n10s v2:answers=10/0 x60"),
        HEALTHY,
    );
}

#[test]
fn a_whole_source_that_rests_longer_than_it_ever_did_is_told_by_log_time() {
    check(
        &format!("{KNOWN}\n{BOTH}\nskip 50s\n{BOTH}{}", "\nbeat 0\n+20s".repeat(20)),
        &format!("{HEALTHY}\n1:00 v3 error-rate Stale: Silent"),
    );
}

#[test]
fn labels_that_stop_while_answers_go_on_blind_accuracy() {
    let known = "source pane=10s
                 rules only=accuracy-drop
                 stand production=v3 proven=v2 v3.accuracy=0.91/28000";
    check(
        &format!(
            "{known}
             10s v3:answers=10/0,labels=10/1 x720
             10s v3:answers=10/0 x30
             10s v3:answers=10/0,labels=10/1 x360"
        ),
        "1:00 v3 accuracy-drop Healthy: UnderThreshold
         2:01 v3 accuracy-drop Stale: NoLabels
         3:00 v3 accuracy-drop Healthy: UnderThreshold",
    );
}

const TWO: &str = "source pane=10s
                   source name=t known=s,t
                   rules only=error-rate
                   stand production=v3 proven=v2";

/// Five minutes of two sources, then of one, with these signs of life.
fn one_rests(idle: &str, beat: &str) -> String {
    let both = "10s v3:answers=10/0\nframe of=t v2:answers=10/0\n".repeat(30);
    let one = format!("10s v3:answers=10/0\n{beat}\n").repeat(60);
    format!("{TWO}\n{both}frame of=t {idle}\n{one}")
}

#[test]
fn a_source_that_rests_holds_no_bucket_open() {
    let failing = "10s v3:answers=10/9\nbeat t/0\n".repeat(30);
    check(
        &format!("{}\n{failing}", one_rests("idle", "beat t/0")),
        &format!("{HEALTHY}\n0:16 v3 error-rate Insufficient: NoReference"),
    );
}

#[test]
fn a_source_that_is_not_heard_makes_stale_until_it_is_forgotten() {
    let later = "source name=u known=s,u\n10s v3:answers=10/0 x30";
    check(
        &format!("{}\n{later}", one_rests("", "beat 0")),
        &format!(
            "{HEALTHY}
             0:05 v2 error-rate Stale: Incomplete
             0:05 v3 error-rate Stale: Incomplete
             0:15 v3 error-rate Healthy: UnderThreshold"
        ),
    );
}

/// A rule that had no sample in a day of production watches nothing.
#[test]
fn a_rule_without_samples_is_not_fed() {
    let mut world = World::new();
    let mut not_fed = |lines: &str| {
        lines.lines().for_each(|line| drop(world.line(line)));
        let judge = world.judge.model(&model()).unwrap();
        let rules = judge.not_fed(&world.rules.default);
        rules.iter().map(|rule| rule.as_str().to_owned()).collect::<Vec<_>>().join(" ")
    };
    let full = "h v3:answers=9/0,labels=9/0,ms=9*5,f=9*1 v2&v3:pair=9/0/0/0";
    assert_eq!(not_fed("stand production=v3"), "");
    assert_eq!(not_fed("h v3:answers=9/0 x23"), "", "not a day yet");
    let without = "worse-than-reference accuracy-drop mean-latency feature-drift";
    assert_eq!(not_fed("h v3:answers=9/0 x3"), without);
    assert_eq!(not_fed("h v3:answers=9/0,ms=9*5 x2"), without.replace(" mean-latency", ""));
    assert_eq!(not_fed(&format!("{full} x3")), "");
    // It stops, and is missed after a day.
    assert_eq!(not_fed("h v3:answers=9/0,labels=9/0,f=9*1 v2&v3:pair=9/0/0/0 x27"), "mean-latency");
    // Another version has a day of its own.
    assert_eq!(not_fed("stand production=v2"), "");
    assert_eq!(not_fed("h v2:answers=9/0 x20"), "");
    // A night without an answer is no day of production.
    assert_eq!(not_fed("skip 30h"), "");
}

/// Of a backlog one source is read sooner than another: nobody is silent who answers in the other.
#[test]
fn a_source_that_is_read_sooner_makes_nobody_silent() {
    let sooner =
        |nth: u32| format!("frame of=t pane={}s w={}s v2:answers=10/0", nth * 10, nth * 10 + 10);
    let sooner = (0..120).map(sooner).collect::<Vec<_>>().join("\n");
    let begin =
        format!("{KNOWN}\n{BOTH}\nsource name=t pane=10s known=s,t\n{sooner}\nrules stall=10000s");
    check(&format!("{begin}\n10s v2:answers=1/0 v3:answers=10/0 x119"), HEALTHY);
    // Once both have passed it, it counts.
    let silent = format!("{begin}\n10s v2:answers=1/0 x119");
    check(&silent, &format!("{HEALTHY}\n0:31 v3 error-rate Stale: Silent"));
}

/// A source that is further behind than a day of panes is not waited for.
#[test]
fn what_waits_for_a_source_that_is_behind_is_bounded() {
    let mut world = World::new();
    let mut open = |lines: &str| {
        lines.lines().for_each(|line| drop(world.line(line)));
        let judge = serde_json::to_value(&world.judge).unwrap();
        judge["models"]["m"]["silences"]["open"].as_object().unwrap().len()
    };
    open(&format!(
        "{KNOWN}\n10s v2:answers=10/0 v3:answers=10/0 x3\nsource name=t pane=10s known=s,t"
    ));
    let sooner = |from: u32, to: u32| {
        let frame =
            |nth: u32| format!("frame of=t pane={}s w={}s v2:answers=1/0", nth * 10, nth * 10 + 10);
        (from..to).map(frame).collect::<Vec<_>>().join("\n")
    };
    assert!(open(&sooner(0, 5000)) >= 5000);
    assert_eq!(open(&sooner(5000, 9000)), 8640);
}
