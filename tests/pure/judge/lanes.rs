//! Lanes: who speaks for one, which hold the others back, what comes too late.

use proptest::prelude::*;
use ripcord::sums::Tally;

use super::world::{World, told};
use crate::common::random::Random;

const TWO: &str = "source lanes=2 pane=60s
    rules only=error-rate
    stand production=v3 proven=v2,v3 v2.error-rate=0.01/10000";

fn world(lines: &str) -> World {
    let mut world = World::new();
    lines.lines().for_each(|line| drop(world.line(line)));
    world
}

/// The answers that the last minutes held, one number for each that closed.
fn counted(world: &World) -> Vec<u64> {
    let closed = world.said.iter().flat_map(|said| &said.closed);
    closed
        .map(|closed| match closed.tally {
            Tally::Rate { n, .. } => n,
            Tally::Paired { .. } | Tally::Mean { .. } | Tally::Distance { .. } => panic!("no rate"),
        })
        .collect()
}

#[test]
fn the_slowest_lane_says_how_far_the_shard_has_come() {
    let mut world = world(&format!("{TWO}\nframe lane=0 w=600s v3:answers=50/0"));
    assert_eq!(counted(&world), Vec::<u64>::new(), "a lane never heard of holds the others back");
    world.line("frame lane=1 w=59s v3:answers=30/0");
    assert_eq!(counted(&world), Vec::<u64>::new());
    world.line("frame lane=1 w=60s");
    assert_eq!(counted(&world), [80]);
}

#[test]
fn no_open_minute_fires_before_every_lane_was_heard_of() {
    let failing = "frame lane=0 pane=0s w=0s new=300s v2:answers=500/0 v3:answers=500/500
                   frame lane=0 pane=60s w=0s new=300s v2:answers=500/0 v3:answers=500/500";
    assert_eq!(told(&format!("{TWO}\n{failing}")), Vec::<String>::new());
    let heard = format!("{TWO}\nframe lane=1 w=0s new=300s\n{failing}");
    assert!(told(&heard).iter().any(|said| said.contains("ahead v3 error-rate Breach")), "{heard}");
}

#[test]
fn an_idle_lane_leaves_the_minimum_and_all_idle_stand() {
    let mut world = world(&format!(
        "{TWO}
         frame lane=0 w=0s v3:answers=50/0
         frame lane=1 w=0s idle v3:answers=30/0
         frame lane=0 w=60s"
    ));
    assert_eq!(counted(&world), [80], "the idle one holds nothing back");
    world.line("frame lane=0 pane=60s w=60s v3:answers=20/0");
    world.line("frame lane=0 w=600s idle");
    assert_eq!(counted(&world), [80], "all idle: time waits");
    world.line("frame lane=0 w=600s");
    assert_eq!(counted(&world), [80, 20]);
}

#[test]
fn a_stalled_lane_lets_panes_close_and_shows_in_the_completeness() {
    let mut world = world(&format!(
        "{TWO}
         frame lane=0 w=0s v3:answers=50/0
         frame lane=1 w=0s v3:answers=30/0
         +20s
         frame lane=0 w=60s v3:answers=50/0"
    ));
    assert_eq!(counted(&world), Vec::<u64>::new(), "it was heard 20 s ago");
    world.line("+11s");
    // Half of the lanes: what is known is counted, and nothing is concluded from it.
    assert_eq!(counted(&world), [80]);
    let said = world.said.last().unwrap();
    assert_eq!(said.verdict, ripcord::model::Verdict::Stale);
    assert_eq!(said.evidence.samples, 0, "an incomplete bucket is no evidence");
}

#[test]
fn a_heartbeat_keeps_a_lane_from_stalling() {
    let mut world = world(&format!(
        "{TWO}
         frame lane=0 w=0s v3:answers=50/0
         frame lane=1 w=0s v3:answers=30/0
         +20s
         beat 1
         frame lane=0 w=60s
         +11s"
    ));
    assert_eq!(counted(&world), Vec::<u64>::new());
    world.line("+20s");
    world.line("frame lane=0 w=60s");
    assert_eq!(counted(&world), [80]);
}

#[test]
fn who_claims_a_lane_speaks_for_it_and_nobody_before() {
    let mut world = world(&format!("{TWO}\nframe lane=1 w=900s idle"));
    world.line("frame lane=0 epoch=1 w=0s v3:answers=50/50");
    // The claim drops what the former owner said of open panes …
    world.line("claim 0 2");
    // … who goes on, and is not heard.
    world.line("frame lane=0 epoch=1 w=900s v3:answers=70/70");
    assert_eq!(counted(&world), Vec::<u64>::new());
    world.line("frame lane=0 epoch=2 w=60s v3:answers=40/0");
    assert_eq!(counted(&world), [40]);
    // An old claim changes nothing.
    world.line("claim 0 1");
    world.line("frame lane=0 epoch=2 pane=60s w=120s v3:answers=41/0");
    assert_eq!(counted(&world), [40, 41]);
}

#[test]
fn a_later_frame_replaces_what_its_lane_said_of_a_cell() {
    let mut world = world(&format!("{TWO}\nframe lane=1 w=900s idle"));
    for n in [10, 20, 35] {
        world.line(&format!("frame lane=0 w=0s v3:answers={n}/0"));
    }
    world.line("frame lane=0 w=60s");
    assert_eq!(counted(&world), [35]);
}

#[test]
fn what_comes_after_the_pane_was_closed_is_counted_and_changes_nothing() {
    let mut world = world(&format!("{TWO}\nframe lane=1 w=900s idle"));
    world.line("frame lane=0 w=60s v3:answers=40/0");
    assert_eq!(counted(&world), [40]);
    world.line("frame lane=1 w=900s v3:answers=60/60 v2:answers=9/9");
    assert_eq!(world.judge.losses(), (2, 0));
    world.line("frame lane=0 w=300s");
    assert_eq!(counted(&world), [40]);
}

/// Minutes of one lane's frames: (v2's failures, v3's failures, both wrong, …).
fn minutes() -> impl Strategy<Value = Vec<(u64, u64, u64)>> {
    prop::collection::vec((0..60_u64, 0..60_u64, 0..20_u64), 30..90)
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: 16, failure_persistence: None, ..ProptestConfig::default()
    })]

    /// The same sums over one lane, or split over three whose frames come in any order: the same
    /// verdicts.
    #[test]
    fn splitting_over_lanes_changes_nothing(minutes in minutes(), seed in any::<u64>()) {
        let known = "rules stall=1h accuracy-drop.bucket=60s worse-than-reference.bucket=60s
            stand production=v3 proven=v2 v2.error-rate=0.01/10000 v3.accuracy=0.9/28000 \
            v2.accuracy=0.9/28000";
        let mut whole = format!("source lanes=1\n{known}");
        let mut split = format!("source lanes=3\n{known}");
        let mut random = Random::new(seed);
        for (a, b, both) in minutes {
            let cells = |part: [u64; 3]| {
                let [a, b, both] = part;
                format!(
                    "v2:answers=60/{a},labels=120/{} v3:answers=60/{b},labels=120/{} \
                     v2&v3:pair={}/{b}/{a}/{both}",
                    a + both, b + both, 120 - a - b - both,
                )
            };
            let third = [a / 3, b / 3, both / 3];
            let parts = [third, third, [a - 2 * third[0], b - 2 * third[1], both - 2 * third[2]]];
            // The whole is the sum of the parts, cell by cell.
            let pair_both: u64 = parts.iter().map(|[a, b, both]| 120 - a - b - both).sum();
            whole.push_str(&format!(
                "\nframe v2:answers=180/{a},labels=360/{} v3:answers=180/{b},labels=360/{} \
                 v2&v3:pair={pair_both}/{b}/{a}/{both}\nskip 60s",
                a + both, b + both,
            ));
            let mut order = vec![0, 1, 2];
            while let Some(lane) = (!order.is_empty())
                .then(|| order.swap_remove(random.bits() as usize % order.len()))
            {
                split.push_str(&format!("\nframe lane={lane} {}", cells(parts[lane])));
            }
            split.push_str("\nskip 60s");
        }
        whole.push_str("\nframe");
        split.push_str("\nframe lane=2\nframe lane=0\nframe lane=1");
        prop_assert_eq!(told(&whole), told(&split));
    }
}
