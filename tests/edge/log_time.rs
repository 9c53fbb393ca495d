//! The log's time while somebody sets the host's clock: it goes on, and each record keeps what the
//! clock showed.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test")]

use std::path::Path;
use std::sync::Arc;

use ripcord::edge::clock::{Clock as _, Stopwatch};
use ripcord::edge::log::local::LocalLog;
use ripcord::edge::log::{Log as _, LogError, Outgoing, Partition};
use ripcord::model::{LogTime, Span};
use rusqlite::Connection;

use crate::common::stepped::Stepped;

const H: i64 = 3_600_000;

fn to() -> Partition {
    Partition { topic: "t".to_owned(), partition: 0 }
}

/// Another test that starts a process just now holds the lock for a moment.
fn open(folder: &Path, clock: &Arc<Stepped>) -> LocalLog {
    let watch = Stopwatch::start();
    loop {
        match LocalLog::open(folder, Arc::clone(clock) as _) {
            Err(LogError::InUse { .. }) if watch.elapsed() < Span::from_s(60) => {}
            opened => return opened.unwrap(),
        }
    }
}

fn append(log: &LocalLog) {
    let record = Outgoing { to: to(), key: None, headers: Vec::new(), value: b"v".to_vec() };
    log.writer(None).unwrap().append(vec![record]).unwrap();
}

/// What happens to the machine before the next record.
#[derive(Clone, Copy)]
enum Then {
    Pass(i64),
    Step(i64),
    /// The process ends, and after so long another one begins.
    Restart(i64),
}
use Then::{Pass, Restart, Step};

/// What happens, the log time of the record after it, and what the clock showed.
type Lines = &'static [(Then, i64, i64)];

#[test]
fn no_step_of_the_clock_stops_it_nor_does_a_restart() {
    let table: &[(&str, Lines)] = &[
        ("+60 s", &[(Pass(1000), 1000, 1000), (Step(60_000), 61_000, 61_000)]),
        (
            "-60 s",
            &[
                (Pass(100_000), 100_000, 100_000),
                (Step(-60_000), 100_000, 40_000),
                (Pass(1), 100_000, 40_001),
                (Pass(1), 100_001, 40_002),
                (Pass(100_000), 150_001, 140_002),
                (Pass(19_998), 160_000, 160_000),
                (Pass(5), 160_005, 160_005),
            ],
        ),
        (
            "an hour ahead, set right, and a restart in the middle: two hours",
            &[
                (Step(H), H, H),
                (Pass(1000), H + 1000, H + 1000),
                (Step(-H), H + 1000, 1000),
                (Pass(H / 2), H + 1000 + H / 4, 1000 + H / 2),
                (Restart(0), H + 1000 + H / 4, 1000 + H / 2),
                (Pass(H / 2), H + 1000 + H / 2, 1000 + H),
                (Restart(H / 2), H + 1000 + 3 * H / 4, 1000 + 3 * H / 2),
                (Pass(H / 2), 2 * H + 1000, 2 * H + 1000),
                (Pass(H), 3 * H + 1000, 3 * H + 1000),
            ],
        ),
        (
            "+8 h, set right again, with a restart between",
            &[
                (Step(8 * H), 8 * H, 8 * H),
                (Restart(1000), 8 * H + 1000, 8 * H + 1000),
                (Step(-8 * H), 8 * H + 1000, 1000),
                (Pass(10_000), 8 * H + 6000, 11_000),
            ],
        ),
        (
            "set back while nothing ran: nobody knows how long that was",
            &[(Pass(5 * H), 5 * H, 5 * H), (Step(-H), 5 * H, 4 * H), (Restart(0), 5 * H, 4 * H)],
        ),
    ];
    for (name, lines) in table {
        let folder = tempfile::tempdir().unwrap();
        let clock = Arc::new(Stepped::new(0));
        let mut log = open(folder.path(), &clock);
        log.create("t", 1, false).unwrap();
        append(&log);
        for (n, (then, time, host)) in lines.iter().enumerate() {
            match *then {
                Pass(ms) => clock.pass(ms),
                Step(ms) => clock.step(ms),
                Restart(ms) => {
                    drop(log);
                    clock.pass(ms);
                    log = open(folder.path(), &clock);
                }
            }
            append(&log);
            let record = log.scan(&to(), 0, 100).unwrap().pop().unwrap();
            let shown = (record.time.as_ms(), record.appended.as_ms());
            assert_eq!(shown, (*time, *host), "{name}, line {n}");
            assert_eq!(log.now(), record.time, "{name}, line {n}");
            assert_eq!(log.clock().ahead().as_ms(), time - host, "{name}, line {n}");
            assert_eq!(log.clock().host(), clock.now(), "{name}, line {n}");
        }
        // Times never fall within a partition, so a time is found there.
        let records = log.scan(&to(), 0, 100).unwrap();
        assert!(records.is_sorted_by_key(|record| record.time), "{name}");
    }
}

#[test]
fn a_log_of_the_first_format_goes_on() {
    let folder = tempfile::tempdir().unwrap();
    let clock = Arc::new(Stepped::new(5000));
    let log = open(folder.path(), &clock);
    log.create("t", 1, false).unwrap();
    append(&log);
    drop(log);
    // What the first format was without.
    let db = Connection::open(folder.path().join("log.sqlite")).unwrap();
    for table in ["ends", "records"] {
        db.execute(&format!("ALTER TABLE {table} DROP COLUMN ahead"), []).unwrap();
    }
    db.pragma_update(None, "user_version", 1).unwrap();
    drop(db);
    clock.step(-4000);
    for expected in [5000, 5500] {
        let log = open(folder.path(), &clock);
        append(&log);
        let records = log.scan(&to(), 0, 100).unwrap();
        let first = &records[0];
        let at = LogTime::from_ms(5000);
        assert_eq!((first.time, first.appended), (at, at));
        let last = records.last().unwrap();
        assert_eq!((last.time.as_ms(), last.appended), (expected, clock.now()));
        clock.pass(1000);
    }
}
