//! The shim strikes where its script says, and keeps what the contract makes of a fault.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::print_stdout, reason = "a test")]

use std::sync::Arc;
use std::time::Duration;

use crate::common::shim::{CommitFault, Shim};
use ripcord::edge::clock::SystemClock;
use ripcord::edge::log::local::LocalLog;
use ripcord::edge::log::{
    Commit, Committed, Log, LogError, Outgoing, Partition, Read, Reader, Transaction,
};

fn at(partition: u32) -> Partition {
    Partition { topic: "t".to_owned(), partition }
}

fn record(partition: u32, value: &str) -> Outgoing {
    Outgoing { to: at(partition), key: None, headers: Vec::new(), value: value.into() }
}

fn shim() -> Shim {
    let log = LocalLog::in_memory(Arc::new(SystemClock)).unwrap();
    log.create("t", 2, false).unwrap();
    Shim::new(Arc::new(log))
}

fn transaction(position: i64) -> Transaction {
    Transaction {
        outputs: vec![record(1, &position.to_string())],
        group: "g".to_owned(),
        input: at(0),
        position,
        metadata: String::new(),
    }
}

/// What comes next, in short.
fn next(reader: &mut dyn Reader) -> String {
    match reader.read(Duration::ZERO).unwrap() {
        None => "nothing".to_owned(),
        Some(Read::Records(of, records)) => {
            let values: Vec<_> =
                records.iter().map(|r| String::from_utf8(r.value.clone()).unwrap()).collect();
            format!("{of} {}", values.join(" "))
        }
        Some(Read::End(of, position)) => format!("{of} end {position}"),
        Some(Read::Assigned(all)) => format!("assigned {}", all.len()),
        Some(Read::Revoking(all)) => format!("revoking {}", all.len()),
        Some(Read::Lost(all)) => format!("lost {}", all.len()),
        Some(Read::Gone(of, gap)) => format!("{of} gone {} to {}", gap.from, gap.to),
        Some(Read::Blocked(why)) => format!("blocked {why}"),
    }
}

fn upto(position: i64) -> Committed {
    Committed { position, metadata: String::new() }
}

#[test]
fn without_a_script_everything_passes() {
    let shim = shim();
    shim.writer(None).unwrap().append(vec![record(0, "a")]).unwrap();
    let mut reader = shim.reader("g", &["t".to_owned()]).unwrap();
    assert_eq!(next(&mut *reader), "assigned 2");
    reader.seek(&at(0), 0).unwrap();
    assert_eq!(next(&mut *reader), "t[0] a");
    assert_eq!(reader.commit(&at(0), &upto(1)).unwrap(), Commit::Done);
    let mut writer = shim.writer(Some("o")).unwrap();
    assert_eq!(writer.commit(&transaction(2)).unwrap(), Commit::Done);
    assert_eq!(reader.committed(&at(0)).unwrap(), Some(upto(2)));
}

#[test]
fn partitions_come_and_go() {
    let shim = shim();
    let mut writer = shim.writer(None).unwrap();
    let mut owner = shim.writer(Some("o")).unwrap();
    let mut reader = shim.reader("g", &["t".to_owned()]).unwrap();
    let reader = &mut *reader;
    assert_eq!(next(reader), "assigned 2");
    for partition in 0..2 {
        reader.seek(&at(partition), 0).unwrap();
        assert_eq!(next(reader), format!("t[{partition}] end 0"));
    }
    shim.on_read("g", 2, Read::Revoking(vec![at(0)]));
    shim.on_read("g", 0, Read::Blocked("no broker".to_owned()));
    shim.on_read("g", 1, Read::Assigned(vec![at(0)]));
    shim.on_read("g", 0, Read::Lost(vec![at(0), at(1)]));
    for (value, ends) in [("a", 1), ("b", 2)] {
        writer.append(vec![record(0, value)]).unwrap();
        assert_eq!(next(reader), format!("t[0] {value}"));
        if ends == 1 {
            assert_eq!(next(reader), "t[0] end 1");
        }
    }
    assert_eq!(next(reader), "revoking 1");
    assert_eq!(reader.commit(&at(0), &upto(2)).unwrap(), Commit::Done, "it may still finish");
    assert_eq!(next(reader), "blocked no broker");
    assert_eq!(reader.commit(&at(0), &upto(1)).unwrap(), Commit::Fenced, "it let go");
    assert_eq!(owner.commit(&transaction(1)).unwrap(), Commit::Fenced);
    assert!(matches!(reader.seek(&at(0), 0), Err(LogError::NotAssigned(_))));

    writer.append(vec![record(0, "c"), record(1, "x")]).unwrap();
    assert_eq!(next(reader), "t[1] x", "the other one goes on");
    assert_eq!(next(reader), "assigned 1");
    assert_eq!(next(reader), "lost 2", "at the script's next turn");
    assert_eq!(shim.waiting(), 0);

    shim.on_read("g", 0, Read::Assigned(vec![at(0)]));
    assert_eq!(next(reader), "assigned 1");
    assert_eq!(next(reader), "nothing", "not sought yet");
    reader.seek(&at(0), 2).unwrap();
    assert_eq!(next(reader), "t[0] c");
    assert_eq!(reader.committed(&at(0)).unwrap(), Some(upto(2)));
    assert_eq!(owner.commit(&transaction(3)).unwrap(), Commit::Done, "it has it again");
}

#[test]
fn commits_fail_as_the_script_says() {
    let shim = shim();
    let mut reader = shim.reader("g", &["t".to_owned()]).unwrap();
    let mut writer = shim.writer(Some("o")).unwrap();
    let mut other = shim.writer(Some("other")).unwrap();
    for (after, fault) in [
        (1, CommitFault::Retry),
        (0, CommitFault::UnknownWritten),
        (0, CommitFault::UnknownUnwritten),
        (1, CommitFault::Fenced),
    ] {
        shim.on_commit("o", after, fault);
    }
    let table = [
        (1, Commit::Done, 1),
        (2, Commit::Retry, 1),
        (3, Commit::Unknown, 3),
        (4, Commit::Unknown, 3),
        (5, Commit::Done, 5),
        (6, Commit::Fenced, 5),
        (7, Commit::Fenced, 5),
    ];
    for (position, expected, stands) in table {
        assert_eq!(writer.commit(&transaction(position)).unwrap(), expected);
        assert_eq!(reader.committed(&at(0)).unwrap(), Some(upto(stands)), "after {position}");
        let last = shim.scan(&at(1), 0, 100).unwrap().pop().unwrap().value;
        assert_eq!(last, stands.to_string().into_bytes());
    }
    assert_eq!(other.commit(&transaction(8)).unwrap(), Commit::Done);
    let mut next = shim.writer(Some("o")).unwrap();
    assert_eq!(next.commit(&transaction(9)).unwrap(), Commit::Done, "a new one is not fenced");
    assert_eq!(shim.waiting(), 0);
}

#[test]
fn appends_fail_before_between_and_after() {
    let shim = shim();
    let mut writer = shim.writer(None).unwrap();
    for (after, written) in [(1, 0), (0, 1), (0, 9)] {
        shim.on_append("t", after, written);
    }
    let mut end = 0;
    for (expected, ok) in [(2, true), (2, false), (3, false), (5, false), (7, true)] {
        let result = writer.append(vec![record(0, "a"), record(0, "b")]);
        assert_eq!(result.is_ok(), ok);
        end = shim.scan(&at(0), 0, 100).unwrap().len();
        assert_eq!(end, expected);
    }
    assert_eq!((end, shim.waiting()), (7, 0));
}
