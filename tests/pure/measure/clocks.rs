//! Clocks that are fast or slow, and pauses that are neither.
//!
//! Over 300 lines: one table of records and frames for each rule about clocks.

use std::collections::BTreeMap;

use ripcord::measure::{Input, Lane, Output, Resume, SamplePart, TopicResume};
use ripcord::model::*;
use ripcord::sums::{Frame, VersionSkew};

use super::text::{check, lane_id, s, source};

/// Four records decide: one of them behind is a quarter.
fn asking() -> Source {
    Source { jump_confirmations: 4, max_jump: Span::from_s(300), ..source(1) }
}

#[test]
fn a_pause_is_no_jump_and_the_next_ones_or_two_seconds_tell() {
    check(
        &asking(),
        "
        p 0 a v1 yes
        flush 0
        flush 1999
        flush 2000
        p 100 b v1 yes
        flush 2300
        p 101 c v1 yes
        p 102 d v1 yes
        p 103 e v1 yes
        p 104 f v1 yes
        flush 2301",
        "
        frame 0..1 mark=- read=1 measured=1
          0 v1 n=1 said:yesx1
        frame 1..1 mark=-10 read=1 measured=1
        frame 1..2 mark=-10 read=2 measured=2
          100 v1 n=1 said:yesx1
        frame 2..6 mark=94 read=6 measured=6
        ",
    );
}

/// One request in ten minutes, then one in an hour: nothing comes back behind any of them.
#[test]
fn a_recording_in_order_begins_with_its_first_record() {
    check(
        &asking(),
        "
        p 0 a v1 yes
        p 600 b v1 yes
        p 4200 c v1 yes
        p 4210 d v1 yes
        p 4220 e v1 yes
        p 4230 f v1 yes
        p 4240 g v1 yes
        p 4250 h v1 yes
        flush 0",
        "
        frame 0..8 mark=4240 read=8 measured=8
          0 v1 n=1 said:yesx1
          600 v1 n=1 said:yesx1
          4200 v1 n=1 said:yesx1
          4210 v1 n=1 said:yesx1
          4220 v1 n=1 said:yesx1
          4230 v1 n=1 said:yesx1
          4240 v1 n=1 said:yesx1
          4250 v1 n=1 said:yesx1
        ",
    );
}

/// What is there to be read tells, however long it takes until it is read.
#[test]
fn in_a_backlog_nothing_is_believed_for_want_of_time() {
    check(
        &asking(),
        "
        p 0 a v1 yes
        flush 0
        flush 2000
        p 60 b v2 yes
        busy 0
        flush 4000
        busy 0
        flush 9000
        p 1 c v1 yes
        p 61 d v2 yes
        p 2 e v1 yes
        flush 9100",
        "
        frame 0..1 mark=- read=1 measured=1
          0 v1 n=1 said:yesx1
        frame 1..1 mark=-10 read=1 measured=1
        frame 1..2 mark=-10 read=2 measured=2
          60 v2 n=1 said:yesx1
        frame 2..5 mark=-8 read=5 measured=5
          0 v1 n=3 said:yesx3
          60 v2 n=2 said:yesx2
        ",
    );
}

/// Nothing follows the last record of a recording; those before it were ahead.
#[test]
fn who_was_ahead_so_far_still_is_at_the_end_of_a_recording() {
    check(
        &asking(),
        "
        p 0 a v1 yes next=60,1,61,2
        p 60 b v2 yes next=1,61,2,62
        p 1 c v1 yes next=61,2,62
        p 61 d v2 yes next=2,62
        p 2 e v1 yes next=62
        p 62 f v2 yes next=
        flush 0",
        "
        frame 0..6 mark=-8 read=6 measured=6
          0 v1 n=3 said:yesx3
          60 v2 n=3 said:yesx3
        ",
    );
}

#[test]
fn what_is_ahead_is_measured_and_moves_no_time() {
    check(
        &asking(),
        "
        p 0 a v1 yes next=1,2,3,4
        p 90 b v1 yes
        p 1 c v1 yes
        p 91 d v1 yes next=2,92,3,93
        p 2 e v1 yes
        flush 0",
        "
        frame 0..5 mark=-8 read=5 measured=5
          0 v1 n=3 said:yesx3
          90 v1 n=2 said:yesx2
        ",
    );
}

#[test]
fn what_is_far_ahead_is_held_and_refused_and_after_a_long_pause_taken() {
    check(
        &asking(),
        "
        p 0 a v1 yes next=1,2,3,4
        p 9000 b v1 yes
        flush 0
        p 1 c v1 yes
        flush 1
        p 9000 d v1 yes
        p 9001 e v1 yes
        flush 2
        flush 2002
        p 9000 f v1 yes next=9001
        p 99999 g v1 yes next=9002
        p 99999 h v1 yes
        end
        flush 3000",
        "
        frame 0..2 mark=-10 read=2 measured=1 waiting=1
          0 v1 n=1 said:yesx1
        rejected 0@1 from_future
        frame 2..3 mark=-9 read=3 measured=2 from_future=1
          0 v1 n=2 -n=1 said:yesx2
        frame 3..5 mark=-9 read=5 measured=2 waiting=2 from_future=1
        frame 5..5 mark=8991 read=5 measured=4 from_future=1
          9000 v1 n=2 said:yesx2
        rejected 0@6 from_future
        rejected 0@7 from_future
        frame 5..8 mark=9010 read=8 measured=5 from_future=3
          9000 v1 n=3 -n=2 said:yesx3
        ",
    );
}

#[test]
fn topics_read_at_different_paces_are_not_ahead_of_one_another() {
    let asking = Source { jump_confirmations: 4, ..source(2) };
    check(
        &asking,
        "
        p 0 a v1 yes next=600,1200
        p 600 b v1 yes next=1200
        p 1200 c v1 yes next=1200
        o 10 a yes topic=1 next=650
        o 650 b yes topic=1 next=650
        flush 0",
        "
        frame 0..3 0..2 mark=640 read=5 measured=5
          0 v1 n=1 said:yesx1
          10 v1 labels=1
          600 v1 n=1 said:yesx1
          650 v1 labels=1
          1200 v1 n=1 said:yesx1
        ",
    );
}

/// One producer: its version, how many seconds it is ahead, and every how many requests it
/// answers one.
type Producer = (&'static str, i64, usize);

/// The result of ten minutes of requests, ten a second.
#[derive(Debug, Default)]
struct Seen {
    late: BTreeMap<String, u64>,
    /// Seconds from the true time to the watermark, at the end.
    delay: f64,
    skews: Vec<VersionSkew>,
}

fn live(disorder: i64) -> Source {
    let mut live = Source {
        jump_confirmations: 20,
        max_jump: Span::from_s(300),
        max_skew: Span::from_s(120),
        ..source(1)
    };
    live.topics[0].allowed_disorder = Span::from_s(disorder);
    live
}

/// The times and versions of the records, in the order in which they come.
fn records(producers: &[Producer], batch_ms: i64) -> Vec<(i64, &'static str)> {
    let mut records = Vec::new();
    for request in 0..6000_usize {
        for (index, (version, ahead, every)) in producers.iter().enumerate() {
            if request % every == index % every {
                let at = request as i64 * 100;
                // A batch is sent at its end; those of the producers end at different times.
                let phase = index as i64 * batch_ms / producers.len() as i64;
                let sent = (at + phase) / batch_ms * batch_ms + batch_ms - phase;
                records.push((sent, at + 5_000_000 + ahead * 1000, *version));
            }
        }
    }
    records.sort_by_key(|(sent, ..)| *sent);
    records.into_iter().map(|(_, ts, version)| (ts, version)).collect()
}

/// `taken_after`: how long after their time the log took the records, if it vouches.
fn seen(
    source: &Source,
    records: &[(i64, &'static str)],
    taken_after: Option<Span>,
    cut: bool,
) -> Seen {
    let (mut seen, mut out, mut mark) = (Seen::default(), Vec::new(), EventTime::MIN);
    let mut lane = Lane::new(source, lane_id(), 1);
    let at = |index: usize| 5_000_000 + index as i64 * 600_000 / records.len() as i64;
    let mut take = |lane: &mut Lane, index: usize, count: bool| {
        let (ts, version) = records[index];
        let read = Ok(Sample::Prediction(Prediction {
            id: format!("{index}").into(),
            model: "m".into(),
            version: version.into(),
            ts: EventTime::from_ms(ts),
            request: None,
            status: PredictionStatus::Ok,
            prediction: None,
            score: None,
            latency_us: None,
            features: Vec::new(),
            role: SampleRole::Unstated,
            actual: None,
            lost: LostFields::default(),
        }));
        let appended = taken_after.map(|after| LogTime::from_ms(at(index) + after.as_ms()));
        let (topic, position, following) = (0, index as i64, None);
        lane.step(
            Input::Record { topic, position, appended, following, part: SamplePart::WHOLE, read },
            &mut out,
        );
        if index.is_multiple_of(5) {
            lane.step(Input::Flush { now: LogTime::from_ms(at(index)) }, &mut out);
        }
        for output in out.drain(..) {
            match output {
                Output::Late { position, .. } if count => {
                    let version = records[usize::try_from(position).unwrap()].1;
                    *seen.late.entry(version.to_owned()).or_default() += 1;
                }
                Output::Frame(frame) => {
                    let Frame { watermark, skews, .. } = *frame;
                    (mark, seen.skews) = (watermark, skews);
                }
                _ => {}
            }
        }
    };
    for index in 0..records.len() {
        if cut && index == records.len() / 2 {
            let point = lane.resume_point();
            lane = Lane::resume(source, lane_id(), 2, &point);
            let next = usize::try_from(point.topics[0].next.unwrap()).unwrap();
            let from = usize::try_from(point.topics[0].commit.unwrap()).unwrap();
            (from..next).for_each(|index| take(&mut lane, index, true));
            (next..index).for_each(|index| take(&mut lane, index, false));
        }
        take(&mut lane, index, true);
    }
    seen.delay = (s(5600) - mark).as_s();
    seen
}

/// A name, the producers, their batch in ms, how many records of each version may be late, and the
/// delay in seconds where append times vouch and where they do not, as a month later.
type Case = (&'static str, &'static [Producer], i64, &'static [(&'static str, u64)], f64, f64);

/// One fast producer makes no honest record late, and a slow one holds nobody back.
#[test]
fn no_clock_but_its_own_makes_a_record_late() {
    const V1: Producer = ("v1", 0, 1);
    let cases: [Case; 9] = [
        ("all right", &[V1, ("v2", 0, 1)], 100, &[], 6.0, 6.0),
        ("shadow ahead", &[V1, ("v2", 60, 1)], 100, &[], 6.0, 6.0),
        ("production ahead", &[("v1", 60, 1), ("v2", 0, 1)], 100, &[], 6.0, 6.0),
        ("one of three ahead", &[("v1", 0, 3), ("v1", 60, 3), ("v1", 0, 3)], 100, &[], 6.0, 6.0),
        ("rare canary ahead", &[V1, ("v2", 60, 50)], 100, &[], 6.0, 6.0),
        // It is late until its lag is known, and for a minute more: those panes are closed.
        ("rare canary behind", &[V1, ("v2", -60, 50)], 100, &[("v2", 64)], 66.0, 66.0),
        ("half of it behind", &[V1, ("v2", -60, 1)], 100, &[("v2", 640)], 66.0, 66.0),
        ("an hour behind", &[V1, ("v2", -3600, 1)], 100, &[("v2", 6000)], 6.0, 6.0),
        ("batches of 10 s", &[V1, ("v2", 0, 1), ("v3", 0, 1)], 10_000, &[], 25.0, 25.0),
    ];
    for (name, producers, batch, late, vouched_delay, delay) in cases {
        let records = records(producers, batch);
        let (now, month) = (Some(Span::ZERO), Some(Span::from_s(30 * 86_400)));
        for (taken_after, delay) in [(now, vouched_delay), (month, delay), (None, delay)] {
            let whole = seen(&live(5), &records, taken_after, false);
            let allowed: BTreeMap<_, _> = late.iter().copied().collect();
            for (version, n) in &whole.late {
                let most = allowed.get(version.as_str()).copied().unwrap_or(0);
                assert!(*n <= most, "{name}, {taken_after:?}: {whole:?}");
            }
            assert!(whole.delay <= delay, "{name}, {taken_after:?}: {whole:?}");
            let parted = seen(&live(5), &records, taken_after, true);
            assert_eq!(parted.late, whole.late, "{name}, {taken_after:?}, in two lives");
        }
    }
}

#[test]
fn a_clock_that_is_off_is_named() {
    let records = records(&[("v1", 0, 1), ("v2", 60, 1), ("v3", -3600, 7)], 100);
    let seen = seen(&live(5), &records, None, false);
    let skews: Vec<_> =
        seen.skews.iter().map(|skew| (skew.version.as_str(), skew.ahead.as_s())).collect();
    assert_eq!(skews, [("v2", 60.0), ("v3", -305.0)], "to a step of 5 s, and at most 61 of them");
}

#[test]
fn a_topic_that_goes_on_while_another_is_read_again_keeps_its_time() {
    let two = source(2);
    let was =
        TopicResume { commit: Some(0), next: Some(1), newest: Some(s(0)), ..Default::default() };
    let (topics, watermark) = (vec![was; 2], Some(s(-10)));
    let point = Resume { epoch: 1, topics, watermark, ..Resume::default() };
    let mut lane = Lane::resume(&two, lane_id(), 2, &point);
    let mut out = Vec::new();
    for (topic, position, ts) in [(0, 0, 0), (0, 1, 100), (1, 0, 0), (1, 1, 90)] {
        let read = Ok(Sample::Health(Health {
            model: "m".into(),
            version: "v1".into(),
            ts: s(ts),
            cpu_ratio: None,
            memory_bytes: None,
            lost: LostFields::default(),
        }));
        let (appended, following) = (None, None);
        lane.step(
            Input::Record { topic, position, appended, following, part: SamplePart::WHOLE, read },
            &mut out,
        );
    }
    lane.step(Input::Flush { now: LogTime::from_ms(0) }, &mut out);
    let Some(Output::Frame(frame)) = out.pop() else { panic!("{out:?}") };
    assert_eq!(frame.watermark, s(80));
}
