//! What only the log in a file can show: it survives kills, refuses a second process, tells
//! damage, keeps its time. And what it costs.
//!
//! Over 300 lines: kills, rivals and damage share the processes that they start.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::print_stdout, reason = "a test")]
#![allow(clippy::needless_pass_by_value, reason = "a value written where it is used")]

use std::io::{BufRead, BufReader, Seek, SeekFrom, Write};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use ripcord::edge::clock::{SimulatedClock, Stopwatch, SystemClock};
use ripcord::edge::log::local::LocalLog;
use ripcord::edge::log::{
    Commit, Committed, Log, LogError, Outgoing, Partition, Read, Reader, Record, Transaction,
};
use ripcord::model::{LogTime, Span};

const NOW: Duration = Duration::ZERO;
const LONG: Duration = Duration::from_secs(60);
const VICTIM: &str = "RIPCORD_TEST_VICTIM";

fn at(topic: &str, partition: u32) -> Partition {
    Partition { topic: topic.to_owned(), partition }
}

fn record(to: &Partition, value: impl ToString) -> Outgoing {
    let value = value.to_string().into_bytes();
    Outgoing { to: to.clone(), key: Some(b"key".to_vec()), headers: Vec::new(), value }
}

fn values(records: &[Record]) -> Vec<String> {
    records.iter().map(|r| String::from_utf8(r.value.clone()).unwrap()).collect()
}

/// A process that another test starts at this moment holds all open files until it is the new
/// program, the lock of a log that was just closed too.
fn open(folder: &Path) -> LocalLog {
    let watch = Stopwatch::start();
    loop {
        match LocalLog::open(folder, Arc::new(SystemClock)) {
            Err(LogError::InUse { .. }) if watch.elapsed() < Span::from_s(60) => {}
            opened => return opened.unwrap(),
        }
    }
}

fn joined(log: &LocalLog, group: &str, topic: &str) -> Box<dyn Reader> {
    let mut reader = log.reader(group, &[topic.to_owned()]).unwrap();
    let Some(Read::Assigned(mine)) = reader.read(NOW).unwrap() else { panic!("not assigned") };
    for partition in mine {
        reader.seek(&partition, 0).unwrap();
    }
    reader
}

#[test]
fn quiet_is_when_every_reader_has_done_all_that_came_of_what_was_written() {
    let folder = tempfile::tempdir().unwrap();
    let log = open(folder.path());
    let stages = 3;
    for n in 0..=stages {
        log.create(&format!("t{n}"), 1, false).unwrap();
    }
    // Each copies what it reads to the next topic, and takes its time for it.
    let stop = Arc::new(AtomicI64::new(0));
    let copiers: Vec<_> = (0..stages)
        .map(|n| {
            let (log, stop) = (log.clone(), Arc::clone(&stop));
            let mut reader = joined(&log, &format!("g{n}"), &format!("t{n}"));
            let to = at(&format!("t{}", n + 1), 0);
            std::thread::spawn(move || {
                let mut writer = log.writer(None).unwrap();
                while stop.load(Ordering::SeqCst) == 0 {
                    if let Some(Read::Records(_, records)) = reader.read(LONG).unwrap() {
                        std::thread::yield_now();
                        let copies = records.iter().map(|one| record(&to, one.position));
                        writer.append(copies.collect()).unwrap();
                    }
                }
            })
        })
        .collect();
    let mut writer = log.writer(None).unwrap();
    for round in 1..=50 {
        writer.append(vec![record(&at("t0", 0), round)]).unwrap();
        assert!(log.wait_idle(LONG));
        assert_eq!(log.scan(&at(&format!("t{stages}"), 0), 0, 100).unwrap().len(), round);
    }
    // A reader that is called wakes up, though nothing came: so it learns that it is to stop.
    stop.store(1, Ordering::SeqCst);
    log.wake_all();
    copiers.into_iter().for_each(|copier| copier.join().unwrap());
    assert!(log.wait_idle(NOW), "nobody is left to wait for");
}

#[test]
fn an_owner_stays_fenced_and_a_group_stands_over_a_restart() {
    let folder = tempfile::tempdir().unwrap();
    let (input, output) = (at("in", 0), at("out", 0));
    for run in 1..4 {
        let log = open(folder.path());
        log.create("in", 1, false).unwrap();
        log.create("out", 1, false).unwrap();
        let transaction = Transaction {
            outputs: vec![record(&output, run)],
            group: "g".to_owned(),
            input: input.clone(),
            position: run,
            metadata: String::new(),
        };
        let mut writer = log.writer(Some("owner")).unwrap();
        assert_eq!(writer.commit(&transaction).unwrap(), Commit::Done);
        let _newer = log.writer(Some("owner")).unwrap();
        assert_eq!(writer.commit(&transaction).unwrap(), Commit::Fenced);
        let mut reader = log.reader("g", &["in".to_owned()]).unwrap();
        assert_eq!(reader.committed(&input).unwrap().unwrap().position, run);
    }
    let log = open(folder.path());
    assert_eq!(values(&log.scan(&output, 0, 9).unwrap()), ["1", "2", "3"]);
}

#[test]
fn the_newest_member_of_a_group_has_its_partitions() {
    let log = LocalLog::in_memory(Arc::new(SystemClock)).unwrap();
    log.create("t", 2, false).unwrap();
    log.writer(None).unwrap().append(vec![record(&at("t", 1), "x")]).unwrap();
    let upto = Committed { position: 1, metadata: String::new() };
    let mut first = joined(&log, "g", "t");
    let mut onlooker = log.reader("g", &["t".to_owned()]).unwrap();
    assert_eq!(onlooker.committed(&at("t", 1)).unwrap(), None, "to ask is not to join");
    assert!(matches!(first.read(NOW).unwrap(), Some(Read::End(..))));

    let mut second = joined(&log, "g", "t");
    let _another_group = joined(&log, "h", "t");
    let both = vec![at("t", 0), at("t", 1)];
    assert_eq!(first.read(NOW).unwrap(), Some(Read::Lost(both)));
    assert_eq!(first.read(NOW).unwrap(), None);
    assert_eq!(first.commit(&at("t", 1), &upto).unwrap(), Commit::Fenced);
    assert!(matches!(first.seek(&at("t", 1), 0), Err(LogError::NotAssigned(_))));
    drop(first);
    assert_eq!(second.commit(&at("t", 1), &upto).unwrap(), Commit::Done);
    assert_eq!(second.read(NOW).unwrap(), Some(Read::End(at("t", 0), 0)));
    assert!(matches!(second.read(NOW).unwrap(), Some(Read::Records(..))));
}

#[test]
fn partitions_take_turns_and_batches_are_bounded() {
    let log = LocalLog::in_memory(Arc::new(SystemClock)).unwrap();
    log.create("t", 3, false).unwrap();
    let mut writer = log.writer(None).unwrap();
    writer.append((0..1200).map(|i| record(&at("t", 0), i)).collect()).unwrap();
    let large = "x".repeat(400_000);
    writer.append((0..4).map(|_| record(&at("t", 1), &large)).collect()).unwrap();
    writer.append(vec![record(&at("t", 2), "small")]).unwrap();
    let mut reader = joined(&log, "g", "t");
    let mut told = Vec::new();
    while let Some(read) = reader.read(NOW).unwrap() {
        told.push(match read {
            Read::Records(of, records) => format!("{} {}", of.partition, records.len()),
            Read::End(of, at) => format!("{} end {at}", of.partition),
            other @ (Read::Assigned(_)
            | Read::Revoking(_)
            | Read::Lost(_)
            | Read::Gone(..)
            | Read::Blocked(_)) => panic!("{other:?}"),
        });
    }
    let expected =
        ["0 500", "1 3", "2 1", "0 500", "1 1", "2 end 1", "0 200", "1 end 4", "0 end 1200"];
    assert_eq!(told, expected);
}

/// Two threads answer each other, all of it in less time than a single reader may wait: none of
/// them slept on when it was called.
#[test]
fn a_waiting_reader_wakes_at_once() {
    const ROUNDS: i64 = 200;
    const WAIT_S: u32 = 600;
    let folder = tempfile::tempdir().unwrap();
    for log in [open(folder.path()), LocalLog::in_memory(Arc::new(SystemClock)).unwrap()] {
        log.create("t", 2, false).unwrap();
        let play = |hears: u32, says: u32, first: bool| {
            let mut reader = log.reader(&format!("{hears}"), &["t".to_owned()]).unwrap();
            reader.read(NOW).unwrap();
            reader.seek(&at("t", hears), 0).unwrap();
            let mut writer = log.writer(None).unwrap();
            let mut say = |i: i64| writer.append(vec![record(&at("t", says), i)]).unwrap();
            let mut heard = 0;
            if first {
                say(0);
            }
            while heard < ROUNDS {
                let read = reader.read(Duration::from_secs(WAIT_S.into())).unwrap();
                let read = read.expect("an answer");
                if let Read::Records(_, records) = read {
                    heard += records.len() as i64;
                    say(heard);
                }
            }
        };
        let watch = Stopwatch::start();
        std::thread::scope(|scope| {
            scope.spawn(|| play(0, 1, true));
            scope.spawn(|| play(1, 0, false));
        });
        assert!(watch.elapsed() < Span::from_s(WAIT_S.into()), "{:?}", watch.elapsed());
    }
}

#[test]
fn a_reader_sees_transactions_whole() {
    let folder = tempfile::tempdir().unwrap();
    for log in [open(folder.path()), LocalLog::in_memory(Arc::new(SystemClock)).unwrap()] {
        log.create("in", 1, false).unwrap();
        log.create("out", 2, false).unwrap();
        log.create("state", 1, true).unwrap();
        std::thread::scope(|scope| {
            let writes = scope.spawn(|| {
                let mut writer = log.writer(Some("owner")).unwrap();
                (1..=150).all(|i| writer.commit(&step(i)).unwrap() == Commit::Done)
            });
            let mut reader = joined(&log, "other", "out");
            let mut mine = log.reader("g", &["in".to_owned()]).unwrap();
            let mut seen = [0, 0];
            while seen != [150, 150] {
                let read = reader.read(Duration::from_secs(20)).unwrap().expect("it goes on");
                let Read::Records(of, records) = read else { continue };
                let last = records.last().unwrap();
                seen[of.partition as usize] += records.len();
                let other = at("out", 1 - of.partition);
                assert_eq!(log.scan(&other, last.position, 1).unwrap()[0].value, last.value);
                let committed = mine.committed(&at("in", 0)).unwrap().unwrap();
                assert!(committed.position > last.position);
                let state = values(&log.latest(&at("state", 0), "").unwrap());
                assert!(state[0].parse::<i64>().unwrap() > last.position);
            }
            assert!(writes.join().unwrap());
        });
    }
}

/// Transaction `i`: to both outputs, the state and the position.
fn step(i: i64) -> Transaction {
    Transaction {
        outputs: vec![
            record(&at("out", 0), i),
            record(&at("state", 0), i),
            record(&at("out", 1), i),
        ],
        group: "g".to_owned(),
        input: at("in", 0),
        position: i,
        metadata: i.to_string(),
    }
}

#[test]
fn retention_spares_what_is_young_unread_or_kept() {
    let clock = Arc::new(SimulatedClock::new(LogTime::from_ms(0)));
    let log = LocalLog::in_memory(Arc::clone(&clock) as _).unwrap();
    let to = at("t", 0);
    log.create("t", 1, false).unwrap();
    let mut writer = log.writer(None).unwrap();
    for i in 0..10 {
        clock.advance_to(LogTime::from_ms(i * 1000));
        writer.append(vec![record(&to, i)]).unwrap();
    }
    let mut reader = joined(&log, "g", "t");
    let mut check = |committed: i64, older_than: i64, keep: Option<i64>, first: i64| {
        let upto = Committed { position: committed, metadata: String::new() };
        reader.commit(&to, &upto).unwrap();
        let there = reader.bounds(&to).unwrap().0;
        let deleted = log.retain(&to, Span::from_ms(older_than), keep).unwrap();
        assert_eq!(reader.bounds(&to).unwrap(), (first, 10));
        assert_eq!(deleted, (first - there) as u64);
    };
    check(0, 0, None, 0);
    check(10, 20_000, None, 0);
    check(10, 7000, None, 2);
    check(10, 1000, Some(4), 4);
    check(6, 1000, None, 6);
    check(10, 1000, None, 8);
    assert_eq!(values(&log.scan(&to, 0, 9).unwrap()), ["8", "9"]);
    assert_eq!(reader.position_at(&to, LogTime::from_ms(0)).unwrap(), 8);
    clock.advance_to(LogTime::from_ms(90_000));
    assert_eq!(log.retain(&to, Span::ZERO, None).unwrap(), 2);
    assert_eq!(reader.bounds(&to).unwrap(), (10, 10));
    assert_eq!(reader.read(NOW).unwrap(), Some(Read::End(to.clone(), 10)));
    assert_eq!(writer.append(vec![record(&to, "next")]).unwrap(), [10]);
}

#[test]
fn retention_of_a_compacted_topic_deletes_marks_only() {
    let clock = Arc::new(SimulatedClock::new(LogTime::from_ms(0)));
    let log = LocalLog::in_memory(Arc::clone(&clock) as _).unwrap();
    let to = at("t", 0);
    log.create("t", 1, true).unwrap();
    let keyed = |key: &str, value: &str| Outgoing { key: Some(key.into()), ..record(&to, value) };
    let sent = [("a", "1"), ("b", "1"), ("a", "2"), ("b", ""), ("c", "1")];
    let mut writer = log.writer(None).unwrap();
    writer.append(sent.map(|(key, value)| keyed(key, value)).into()).unwrap();
    assert_eq!(values(&log.scan(&to, 0, 9).unwrap()), ["2", "", "1"], "superseded ones go");
    clock.advance_to(LogTime::from_ms(5000));
    assert_eq!(log.retain(&to, Span::ZERO, None).unwrap(), 1);
    assert_eq!(values(&log.scan(&to, 0, 9).unwrap()), ["2", "1"]);
    writer.append(vec![keyed("b", "2")]).unwrap();
    assert_eq!(values(&log.latest(&to, "").unwrap()), ["2", "1", "2"]);
}

/// Not a test of its own: the process that others kill. Says on its output what was acknowledged.
#[test]
fn victim() {
    let Some(folder) = std::env::var_os(VICTIM) else { return };
    let log = open(Path::new(&folder));
    let mut reader = log.reader("g", &["in".to_owned()]).unwrap();
    let committed = reader.committed(&at("in", 0)).unwrap();
    let mut writer = log.writer(Some("owner")).unwrap();
    println!();
    for i in committed.map_or(0, |c| c.position) + 1.. {
        let position = writer.append(vec![record(&at("in", 0), i)]).unwrap()[0];
        println!("append {position} {i}");
        assert_eq!(writer.commit(&step(i)).unwrap(), Commit::Done);
        println!("commit {i} {i}");
    }
}

fn start_victim(folder: &Path) -> Child {
    Command::new(std::env::current_exe().unwrap())
        .args(["log_local::victim", "--exact", "--nocapture", "--test-threads=1"])
        .env(VICTIM, folder)
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap()
}

#[test]
fn what_was_acknowledged_survives_kills_and_transactions_stay_whole() {
    let folder = tempfile::tempdir().unwrap();
    let log = open(folder.path());
    log.create("in", 1, false).unwrap();
    log.create("out", 2, false).unwrap();
    log.create("state", 1, true).unwrap();
    drop(log);
    let mut appended: Vec<(i64, String)> = Vec::new();
    let mut committed = 0;
    for round in 0..20 {
        let mut child = start_victim(folder.path());
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let mut note = |line: String| {
            let words: Vec<&str> = line.split(' ').collect();
            match words[..] {
                ["append", position, value] => {
                    appended.push((position.parse().unwrap(), value.to_owned()));
                }
                ["commit", position, _] => committed = position.parse().unwrap(),
                _ => return 0,
            }
            1
        };
        let mut noted = 0;
        while noted < 1 + round * 2 {
            noted += note(lines.next().expect("the victim died by itself").unwrap());
        }
        if round == 0 {
            let error = LocalLog::open(folder.path(), Arc::new(SystemClock)).err().unwrap();
            let expected = format!(
                "another process uses the log in {}; stop that process or choose another folder",
                folder.path().display()
            );
            assert_eq!(error.to_string(), expected);
        }
        child.kill().unwrap();
        child.wait().unwrap();
        for line in lines {
            note(line.unwrap());
        }
        check_after_kill(&open(folder.path()), &appended, committed);
    }
    assert!(committed > 100, "{committed}");
}

fn check_after_kill(log: &LocalLog, appended: &[(i64, String)], committed: i64) {
    let all = usize::MAX;
    let there = log.scan(&at("in", 0), 0, all).unwrap();
    for (position, value) in appended {
        let record = &there[usize::try_from(*position).unwrap()];
        assert_eq!(
            (record.position, values(std::slice::from_ref(record)).remove(0)),
            (*position, value.clone())
        );
    }
    let mut reader = log.reader("g", &["in".to_owned()]).unwrap();
    let position = reader.committed(&at("in", 0)).unwrap().map_or(0, |c| c.position);
    assert!(position == committed || position == committed + 1, "{position}, told {committed}");
    let outputs: Vec<String> = (1..=position).map(|i| i.to_string()).collect();
    for partition in 0..2 {
        let out = log.scan(&at("out", partition), 0, all).unwrap();
        assert_eq!(values(&out), outputs);
    }
    let state = values(&log.latest(&at("state", 0), "").unwrap());
    assert_eq!(state, outputs.last().cloned().into_iter().collect::<Vec<_>>());
}

#[test]
fn a_closed_log_is_free_at_once() {
    let folder = tempfile::tempdir().unwrap();
    for _ in 0..3 {
        let log = open(folder.path());
        let reader = log.reader("g", &[]).unwrap();
        assert!(matches!(
            LocalLog::open(folder.path(), Arc::new(SystemClock)),
            Err(LogError::InUse { .. })
        ));
        drop(log);
        drop(reader);
    }
}

fn damaged(folder: &Path, why: &str) {
    let error = LocalLog::open(folder, Arc::new(SystemClock)).err().unwrap();
    let text = error.to_string();
    let start = format!("the log in {} is damaged: ", folder.display());
    assert!(text.starts_with(&start), "{text}");
    assert!(text.contains(why), "{text}");
    assert!(text.contains("restore its folder from a backup"), "{text}");
}

#[test]
fn damage_is_named_with_what_to_do() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("log.sqlite");
    std::fs::write(&path, "these are not the tables you look for, ".repeat(100)).unwrap();
    damaged(folder.path(), "file is not a database");

    std::fs::remove_file(&path).unwrap();
    rusqlite::Connection::open(&path).unwrap().execute_batch("CREATE TABLE other (x)").unwrap();
    damaged(folder.path(), "it is the database of another program");

    std::fs::remove_file(&path).unwrap();
    drop(open(folder.path()));
    let db = rusqlite::Connection::open(&path).unwrap();
    db.pragma_update(None, "user_version", 3).unwrap();
    drop(db);
    damaged(folder.path(), "its format is 3 and this build reads no newer one than 2");
}

#[test]
fn damage_within_the_file_is_named_when_it_is_met() {
    let folder = tempfile::tempdir().unwrap();
    let log = open(folder.path());
    log.create("t", 1, false).unwrap();
    let records = (0..2000).map(|i| record(&at("t", 0), format!("{i:0200}"))).collect();
    log.writer(None).unwrap().append(records).unwrap();
    drop(log);
    let mut file = std::fs::File::options().write(true).open(folder.path().join("log.sqlite"));
    let file = file.as_mut().unwrap();
    file.seek(SeekFrom::Start(200_000)).unwrap();
    file.write_all(&[0xff; 50_000]).unwrap();
    let log = open(folder.path());
    let error = log.scan(&at("t", 0), 0, 2000).unwrap_err();
    assert!(matches!(error, LogError::Damaged { .. }), "{error}");
    assert!(error.to_string().contains("restore its folder from a backup"), "{error}");
}

/// A log of some records, closed.
fn written(folder: &Path) {
    let log = open(folder);
    log.create("t", 1, false).unwrap();
    log.writer(None).unwrap().append((0..9).map(|i| record(&at("t", 0), i)).collect()).unwrap();
}

#[test]
fn a_log_that_lost_its_last_writes_is_refused_until_somebody_accepts_that() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name);
    written(folder.path());
    std::fs::copy(path("log.sqlite"), path("older")).unwrap();
    let log = open(folder.path());
    log.writer(None).unwrap().append(vec![record(&at("t", 0), "last")]).unwrap();
    // As it is when a process is killed: the last write is in the write-ahead log alone.
    std::fs::copy(path("log.sqlite"), path("cut")).unwrap();
    drop(log);
    for lost in ["cut", "older"] {
        std::fs::copy(path(lost), path("log.sqlite")).unwrap();
        damaged(folder.path(), "it has taken 10 records");
        let end = format!("delete {}", path("end").display());
        damaged(folder.path(), &end);
    }
    std::fs::remove_file(path("log.sqlite")).unwrap();
    damaged(folder.path(), "holds only 0 of them");
    std::fs::copy(path("older"), path("log.sqlite")).unwrap();
    std::fs::remove_file(path("end")).unwrap();
    let log = open(folder.path());
    assert_eq!(log.scan(&at("t", 0), 0, 99).unwrap().len(), 9);
    drop(log);
    // What was accepted is what counts from now on.
    drop(open(folder.path()));
}

#[test]
fn files_that_are_deleted_while_the_log_is_open_are_noticed_with_the_next_write() {
    for name in ["log.sqlite", "log.sqlite-wal"] {
        let folder = tempfile::tempdir().unwrap();
        let log = open(folder.path());
        log.create("t", 1, false).unwrap();
        let mut writer = log.writer(None).unwrap();
        writer.append(vec![record(&at("t", 0), "first")]).unwrap();
        std::fs::remove_file(folder.path().join(name)).unwrap();
        let error = writer.append(vec![record(&at("t", 0), "second")]).unwrap_err();
        assert!(matches!(error, LogError::Damaged { .. }), "{error}");
        let why = format!("{} was deleted or replaced", folder.path().join(name).display());
        assert!(error.to_string().contains(&why), "{error}");
    }
}

#[test]
#[ignore = "a measurement"]
fn what_an_append_and_its_read_cost() {
    let folder = tempfile::tempdir().unwrap();
    let memory = LocalLog::in_memory(Arc::new(SystemClock)).unwrap();
    for (kind, log, count) in [("memory", memory, 60_000), ("file", open(folder.path()), 3000)] {
        log.create("t", 8, false).unwrap();
        let mut reader = joined(&log, "g", "t");
        let mut writer = log.writer(None).unwrap();
        let value = "x".repeat(400);
        let (watch, mut seen) = (Stopwatch::start(), 0);
        for i in 0..count {
            writer.append(vec![record(&at("t", i % 8), &value)]).unwrap();
            while let Some(read) = reader.read(NOW).unwrap() {
                if let Read::Records(_, records) = read {
                    seen += records.len();
                }
            }
        }
        assert_eq!(seen, count as usize);
        let each = watch.elapsed().as_s() * 1e6 / f64::from(count);
        println!("{kind}: {each:.1} µs for an append and its read");
    }
}
