//! Lines in, lines out.
//!
//! Over 300 lines: tables.

use super::text::{Lines, check, source};
use ripcord::model::Span;

#[test]
fn signals_fall_in_the_panes_of_their_times() {
    check(
        &source(1),
        "
        p 1 a v1 yes role=live lat=1200 f=2 c=x
        p 2 b v1 no role=live f=null c=y
        p 3 c v1 !timeout role=live f=4 c=z lat=9000
        p 4 d v1 !none role=live
        o 12 a yes
        o 13 b yes
        l 5 v1 700
        l 5 v1 700 id=q
        l 5 v1 700 id=q
        h 5 v1 0.5
        r 6 training failed v=v2
        r 6 pipeline started
        bad not_json
        flush 0
        end
        flush 1",
        "
        rejected 0@12 not_json
        frame 0..13 mark=3 read=13 measured=11 duplicate=1 not_json=1
          0 - pipeline=1
          0 v1* n=4/1 timeouts=1 lat=2 said:nox1,yesx1
          0 v1 lat=2 health=1 cpu=500000
          0 v2 training=1/1
          10 v1* labels=2/1
          10 ?/? -n=1 -lat=1 -labels=1 -features=1
        frame 13..13 mark=20 read=13 measured=11 duplicate=1 not_json=1
          0 v1* c:xx1,yx1,otherx1 f:2x1,4x1,nullx1
        ",
    );
}

#[test]
fn what_is_lost_counts_in_the_pane_that_was_the_newest() {
    check(
        &source(1),
        "
        p 15 a v1 yes lat=9 f=1
        bad wrong_type kind=prediction m=m v=v1
        bad wrong_type kind=outcome m=m
        bad not_json
        bad unknown_model m=other
        bad missing_field kind=run m=m v=v1
        p 21 b v1 yes f=[] lost=features,latency
        p 22 c v1 yes lost=status
        p 35 d v1 yes
        p 3 e v2 yes lat=1
        p 16 f v1 yes
        o 17 a !
        o 38 a ! lost=actual
        l 38 v1 x lost=latency
        flush 0",
        "
        rejected 0@1 wrong_type
        rejected 0@2 wrong_type
        rejected 0@3 not_json
        rejected 0@4 unknown_model
        rejected 0@5 missing_field
        late 0@9 by 32
        late 0@10 by 19
        late 0@11 by 18
        frame 0..14 mark=28 read=14 measured=6 late=3 not_json=1 wrong_type=2 \
        missing_field=1 unknown_model=1
          10 v1 n=1 lat=1 -n=1 -lat=1 -labels=1 -features=1 said:yesx1
          20 v1 n=1 -n=1 -lat=1 -features=1 said:yesx2
          30 v1 n=1 -n=1 -lat=1 -labels=2 said:yesx1
          30 v2 -n=1 -lat=1
          10 ?/? -n=1 -lat=1 -labels=1 -features=1
          10 m/? -labels=1
          10 v1 f:1x1
        ",
    );
}

#[test]
fn what_its_pane_no_longer_takes_is_late_and_said() {
    check(
        &source(1),
        "
        p 5 a v1 yes
        p 19 b v1 yes
        p 6 c v1 yes
        p 20 d v1 yes
        p 7 e v1 yes
        o 8 a no
        p 12 f v1 yes
        flush 0",
        "
        late 0@4 by 13
        late 0@5 by 12
        frame 0..7 mark=10 read=7 measured=5 late=2
          0 v1 n=2 said:yesx2
          10 v1 n=2 said:yesx2
          20 v1 n=1 -n=1 -labels=1 said:yesx1
        ",
    );
}

#[test]
fn outcomes_wait_for_predictions_as_long_as_their_pane_is_open() {
    check(
        &source(1),
        "
        o 5 a yes
        o 6 b yes
        flush 0
        p 4 a v1 yes
        flush 1
        p 25 c v1 yes
        flush 1000
        p 26 b v1 no
        flush 2000",
        "
        frame 0..2 mark=-4 read=2 waiting=2
        frame 2..3 mark=-4 read=3 measured=2 waiting=1
          0 v1 n=1 labels=1 said:yesx1
        frame 3..4 mark=15 read=4 measured=3 unmatched=1
          20 v1 n=1 said:yesx1
        frame 4..5 mark=16 read=5 measured=4 unmatched=1
          20 v1 n=2 said:nox1,yesx1
        ",
    );
}

#[test]
fn pairs_count_once_in_the_pane_of_the_truth_and_compare_inputs_at_the_later_answer() {
    check(
        &source(1),
        "
        p 9 a v2 yes f=1 g=5
        p 11 a v1 no f=2 h=5
        p 11 b v1 no
        o 15 a yes
        o 15 b no
        p 16 b v2 no
        p 16 b v3 yes
        flush 0
        end
        flush 1",
        "
        frame 0..7 mark=6 read=7 measured=7
          0 v2 n=1 said:yesx1
          10 v1 n=2 labels=2/1 said:nox2
          10 v2 n=1 labels=2 said:nox1
          10 v3 n=1 labels=1/1 said:yesx1
          10 v1|v2 1,0,1,0
          10 v1|v3 0,1,0,0
          10 v2|v3 0,1,0,0
        frame 7..7 mark=20 read=7 measured=7
          0 v2 f:1x1 g:5x1
          10 v1 f:2x1 h:5x1
          10 v1&v2 f:2x1
          10 v2&v1 f:1x1
        ",
    );
}

#[test]
fn a_truth_that_comes_along_counts_at_once_and_pairs() {
    check(
        &source(1),
        "
        p 5 a v1 1 true=1
        p 12 a v2 0 true=1.0
        p 13 a v3 1
        o 14 a 1
        flush 0",
        "
        frame 0..4 mark=4 read=4 measured=4
          0 v1 n=1 labels=1 said:1x1
          10 v2 n=1 labels=1/1 said:0x1
          10 v3 n=1 labels=1 said:1x1
          10 v1|v2 0,1,0,0
          10 v1|v3 1,0,0,0
          10 v2|v3 0,0,1,0
        ",
    );
}

#[test]
fn a_number_and_a_text_are_neither_alike_nor_different() {
    check(
        &source(1),
        "
        p 1 a v1 1
        p 1 a v2 one
        p 2 b v1 1 true=one
        o 5 a 1
        o 6 c one v=v1 said=0
        flush 0",
        "
        frame 0..5 mark=-4 read=5 measured=5
          0 v1 n=2 labels=1 -types=2 said:1x2
          0 v2 n=1 -types=1 said:onex1
        ",
    );
}

#[test]
fn outcomes_that_carry_their_prediction_need_no_join() {
    check(
        &source(1),
        "
        o 5 a yes v=v1 said=yes
        o 5 b yes v=v1 said=no
        o 5 b yes v=v1 said=no
        o 5 b yes v=v2 said=no
        flush 0",
        "
        frame 0..4 mark=-5 read=4 measured=3 duplicate=1
          0 v1 labels=2/1
          0 v2 labels=1/1
        ",
    );
}

#[test]
fn a_repeated_record_is_a_duplicate() {
    check(
        &source(1),
        "
        p 5 a v1 yes
        p 5 a v1 yes
        p 15 a v1 yes id=other
        p 5 e v1 !error
        p 5 e v1 !error
        p 6 e v1 yes
        o 7 a yes
        o 9 a no
        p 5 a v2 yes id=a/v1
        flush 0",
        "
        frame 0..9 mark=5 read=9 measured=5 duplicate=4
          0 v1 n=2/1 labels=1 said:yesx1
          0 v2 n=1 labels=1 said:yesx1
          10 v1 n=1 said:yesx1
          0 v1|v2 1,0,0,0
        ",
    );
}

#[test]
fn an_outcome_past_the_horizon_labels_nothing() {
    check(
        &source(1),
        "
        p 5 a v1 yes
        p 5 b v1 yes
        o 65 a yes
        o 66 b yes
        end
        flush 0",
        "
        frame 0..4 mark=70 read=4 measured=3 unmatched=1
          0 v1 n=2 said:yesx2
          60 v1 labels=1
        ",
    );
}

#[test]
fn the_watermark_is_the_least_of_the_topics_that_are_not_idle() {
    check(
        &source(2),
        "
        p 30 a v1 yes
        flush 0
        o 50 a yes topic=1
        flush 1000
        idle 1
        p 61 b v1 yes
        flush 2000
        o 55 b yes topic=1
        flush 3000
        idle 0
        idle 1
        flush 4000",
        "
        frame 0..1 0..0 mark=- read=1 measured=1
          30 v1 n=1 said:yesx1
        frame 1..1 0..1 mark=20 read=2 measured=2
          50 v1 labels=1
        frame 1..2 1..1 mark=51 read=3 measured=3
          60 v1 n=1 said:yesx1
        frame 2..2 1..2 mark=51 read=4 measured=4
          50 v1 labels=2
        frame 2..2 2..2 mark=51 idle read=4 measured=4
        ",
    );
}

#[test]
fn a_cell_is_sent_once_a_second_unless_it_got_worse_or_closed() {
    check(
        &source(1),
        "
        p 1 a v1 yes
        flush 1000
        flush 1001
        p 2 b v1 yes
        flush 1250
        p 3 c v1 !error
        flush 1500
        p 4 d v1 yes
        flush 2499
        flush 2500
        p 5 e v1 yes
        p 20 f v1 yes
        flush 2501
        flush 9000",
        "
        frame 0..1 mark=-9 read=1 measured=1
          0 v1 n=1 said:yesx1
        frame 1..2 mark=-8 read=2 measured=2
        frame 2..3 mark=-7 read=3 measured=3
          0 v1 n=3/1 said:yesx2
        frame 3..4 mark=-6 read=4 measured=4
        frame 4..4 mark=-6 read=4 measured=4
          0 v1 n=4/1 said:yesx3
        frame 4..6 mark=10 read=6 measured=6
          0 v1 n=5/1 said:yesx4
          20 v1 n=1 said:yesx1
        ",
    );
}

#[test]
fn the_logs_own_time_vouches_for_a_clock() {
    check(
        &source(1),
        "
        p 0 a v1 yes at=1
        p 90000 b v1 yes at=90001
        p 93601 c v1 yes at=90001
        p 93602 d v1 yes at=90001
        flush 0",
        "
        rejected 0@3 from_future
        frame 0..4 mark=89991 read=4 measured=3 from_future=1
          0 v1 n=1 said:yesx1
          90000 v1 n=1 -n=1 said:yesx1
          93600 v1 n=1 said:yesx1
        ",
    );
}

#[test]
fn a_join_past_its_memory_stops_says_so_and_goes_on_below_half() {
    let mut small = source(1);
    small.max_waiting = 2;
    small.label_horizon = Span::from_s(20);
    check(
        &small,
        "
        p 1 a v1 yes
        p 1 b v1 yes
        p 1 c v1 yes
        o 2 a yes
        p 3 d v1 yes
        p 50 e v1 yes
        p 51 f v1 yes
        o 52 f yes
        flush 0",
        "
        join of m stopped: 3 of 2
        join of m goes on: 1
        frame 0..8 mark=42 read=8 measured=7 unmatched=1
          0 v1 n=4 -labels=1 said:yesx4
          50 v1 n=2 labels=1 said:yesx2
        ",
    );
}

#[test]
fn what_waits_in_other_lanes_counts_too() {
    let mut small = source(1);
    small.max_waiting = 4;
    check(
        &small,
        "
        p 1 a v1 yes
        p 1 b v1 yes
        elsewhere 2 0 1000
        elsewhere 3 0 1000
        o 2 a yes
        elsewhere 0 0 1000
        o 3 b yes
        flush 0",
        "
        join of m stopped: 5 of 4
        join of m goes on: 2
        frame 0..4 mark=-7 read=4 measured=3 unmatched=1
          0 v1 n=2 labels=1 -labels=1 said:yesx2
        ",
    );
}

#[test]
fn joins_stop_when_the_memory_of_the_process_is_full() {
    check(
        &source(1),
        "
        p 1 a v1 yes
        p 1 b v1 yes
        elsewhere 0 815 1000
        elsewhere 0 817 1000
        o 2 a yes
        elsewhere 0 317 1000
        elsewhere 0 316 1000
        o 2 b yes
        flush 0",
        "
        join of m stopped: past 1000 bytes
        join of m goes on: 2
        frame 0..4 mark=-8 read=4 measured=3 unmatched=1
          0 v1 n=2 labels=1 -labels=1 said:yesx2
        ",
    );
}

#[test]
fn a_request_that_is_over_leaves_nothing_behind() {
    let mut small = source(1);
    small.max_waiting = 100;
    small.label_horizon = Span::from_s(3600);
    let mut lines = Lines::new(&small);
    for n in 0..5000 {
        lines.line(&format!("p {n} r{n} v1 yes"));
        lines.line(&format!("o {n} r{n} yes"));
        lines.line(&format!("p {n} r{n} v2 yes"));
    }
    // A hundred that are complete, and those whose pane is open still.
    assert!(lines.lane.waiting_bytes() <= (100 + 20) * (92 + 40), "{}", lines.lane.waiting_bytes());
    assert_eq!(lines.lane.waiting().count(), 0);
    for n in 5000..5050 {
        lines.line(&format!("p {n} r{n} v1 yes"));
    }
    let held = lines.lane.waiting_bytes();
    lines.line("p 20000 last v1 yes");
    assert!(lines.lane.waiting_bytes() < held, "the horizon has passed");
    assert_eq!(lines.lane.waiting_bytes(), 92);
}

#[test]
fn no_name_that_is_none_enters() {
    check(
        &source(1),
        "
        p 1 a v1 yes m=\u{7}
        p 1 b v1 yes \u{7}=1
        flush 0",
        "
        rejected 0@0 wrong_type
        rejected 0@1 wrong_type
        frame 0..2 mark=- read=2 wrong_type=2
        ",
    );
}
