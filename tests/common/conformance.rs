//! What every log must do, whatever carries it. Each check makes topics and groups of its own
//! under the name it is given, so that all of them can run on one log, again and again.
//!
//! Over 300 lines: one suite, for every log the same.

use std::collections::BTreeMap;
use std::time::Duration;

use ripcord::edge::clock::Stopwatch;
use ripcord::edge::log::{
    Commit, Committed, Log, LogError, Outgoing, Partition, Read, Reader, Record, Transaction,
};
use ripcord::model::{LogTime, Span};

/// Longer than any log may take.
const WAIT: Duration = Duration::from_secs(20);

type Check = fn(&dyn Log, &str);

const SUITE: &[(&str, Check)] = &[
    ("topics", topics),
    ("order", order),
    ("content", content),
    ("groups", groups),
    ("transactions", transactions),
    ("refusals", refusals),
    ("fencing", fencing),
    ("latest", latest),
    ("times", times),
    ("bounds", bounds),
    ("ends", ends),
    ("seeking", seeking),
    ("appenders", appenders),
    ("waiting", waiting),
];

/// Runs all of it on a log, under names that begin with `run`.
pub fn run(log: &dyn Log, run: &str) {
    for (name, check) in SUITE {
        let watch = Stopwatch::start();
        check(log, &format!("{run}.{name}"));
        println!("{name}: {} ms", watch.elapsed().as_ms());
    }
}

fn part(topic: &str, partition: u32) -> Partition {
    Partition { topic: topic.to_owned(), partition }
}

fn keyed(to: &Partition, key: &str, value: &str) -> Outgoing {
    let key = Some(key.as_bytes().to_vec());
    Outgoing { to: to.clone(), key, headers: Vec::new(), value: value.as_bytes().to_vec() }
}

fn plain(to: &Partition, value: &str) -> Outgoing {
    Outgoing { key: None, ..keyed(to, "", value) }
}

fn value(record: &Record) -> String {
    String::from_utf8(record.value.clone()).unwrap()
}

fn values(records: &[Record]) -> Vec<String> {
    records.iter().map(value).collect()
}

/// A reader that knows its partitions and sought none.
fn joined(log: &dyn Log, group: &str, topic: &str) -> Box<dyn Reader> {
    let mut reader = log.reader(group, &[topic.to_owned()]).unwrap();
    let Some(Read::Assigned(mut mine)) = reader.read(WAIT).unwrap() else {
        panic!("the first thing a reader says is what it was assigned")
    };
    mine.sort();
    let all = log.partitions(topic).unwrap().unwrap();
    assert_eq!(mine, (0..all).map(|index| part(topic, index)).collect::<Vec<_>>());
    reader
}

/// A reader of everything from the start.
fn reading(log: &dyn Log, group: &str, topic: &str) -> Box<dyn Reader> {
    let mut reader = joined(log, group, topic);
    for index in 0..log.partitions(topic).unwrap().unwrap() {
        reader.seek(&part(topic, index), 0).unwrap();
    }
    reader
}

/// Reads until the ends of `partitions` partitions were said: what came of each, and its end.
fn to_end(reader: &mut dyn Reader, partitions: usize) -> BTreeMap<u32, (Vec<Record>, i64)> {
    let mut found: BTreeMap<u32, (Vec<Record>, i64)> = BTreeMap::new();
    let mut ended = 0;
    while ended < partitions {
        match reader.read(WAIT).unwrap().expect("the end was never said") {
            Read::Records(of, records) => {
                assert!(!records.is_empty());
                found.entry(of.partition).or_default().0.extend(records);
            }
            Read::End(of, at) => {
                found.entry(of.partition).or_default().1 = at;
                ended += 1;
            }
            other @ (Read::Assigned(_)
            | Read::Revoking(_)
            | Read::Lost(_)
            | Read::Gone(..)
            | Read::Blocked(_)) => panic!("{other:?}"),
        }
    }
    found
}

fn one(reader: &mut dyn Reader) -> Vec<Record> {
    to_end(reader, 1).remove(&0).unwrap().0
}

fn topics(log: &dyn Log, name: &str) {
    assert_eq!(log.partitions(name).unwrap(), None);
    assert_eq!(log.create(name, 3, false).unwrap(), 3);
    assert_eq!(log.create(name, 5, false).unwrap(), 3, "what is there stays");
    assert_eq!(log.partitions(name).unwrap(), Some(3));
}

pub fn order(log: &dyn Log, name: &str) {
    log.create(name, 3, false).unwrap();
    let mut writer = log.writer(None).unwrap();
    let mut acknowledged: BTreeMap<u32, Vec<(i64, String)>> = BTreeMap::new();
    for batch in 0..3 {
        let records: Vec<Outgoing> =
            (0..600).map(|i| plain(&part(name, i % 3), &format!("{batch}/{i}"))).collect();
        let positions = writer.append(records.clone()).unwrap();
        assert_eq!(positions.len(), records.len());
        for (record, position) in records.iter().zip(positions) {
            let value = String::from_utf8(record.value.clone()).unwrap();
            acknowledged.entry(record.to.partition).or_default().push((position, value));
        }
    }
    let found = to_end(&mut *reading(log, name, name), 3);
    for (partition, expected) in acknowledged {
        let (records, end) = &found[&partition];
        let read: Vec<_> = records.iter().map(|r| (r.position, value(r))).collect();
        assert_eq!(read, expected);
        assert!(read.windows(2).all(|pair| pair[0].0 < pair[1].0));
        assert!(*end > read.last().unwrap().0);
    }
}

fn content(log: &dyn Log, name: &str) {
    log.create(name, 1, false).unwrap();
    let to = part(name, 0);
    let header = |name: &str, value: &[u8]| (name.to_owned(), value.to_vec());
    let sent = [
        plain(&to, "no key"),
        keyed(&to, "", "an empty key"),
        Outgoing { value: vec![0, 255, 10], ..keyed(&to, "bytes", "") },
        keyed(&to, "empty value", ""),
        Outgoing {
            headers: vec![header("b", b"1"), header("a", b""), header("b", &[0, 255])],
            ..plain(&to, "headers keep their order")
        },
        plain(&to, &"x".repeat(900_000)),
        plain(&to, &"y".repeat(900_000)),
    ];
    log.writer(None).unwrap().append(sent.to_vec()).unwrap();
    let read = one(&mut *reading(log, name, name));
    assert_eq!(read.len(), sent.len());
    for (record, sent) in read.iter().zip(&sent) {
        assert_eq!((&record.key, &record.headers), (&sent.key, &sent.headers));
        assert!(record.value == sent.value, "value of {:?}", sent.key);
    }
    assert!(read.windows(2).all(|pair| pair[0].time <= pair[1].time));
    assert!(log.now() >= read.last().unwrap().time);
    assert!(log.scan(&to, 0, 100).unwrap() == read);
    assert!(log.scan(&to, read[1].position, 2).unwrap() == read[1..3]);
    assert_eq!(log.scan(&to, read[6].position + 1, 100).unwrap(), []);
}

pub fn groups(log: &dyn Log, name: &str) {
    log.create(name, 2, false).unwrap();
    let to = part(name, 0);
    let positions =
        log.writer(None).unwrap().append(["a", "b", "c"].map(|v| plain(&to, v)).into()).unwrap();
    let (one, two) = (format!("{name}.one"), format!("{name}.two"));
    let mut first = reading(log, &one, name);
    let mut second = reading(log, &two, name);
    for reader in [&mut first, &mut second] {
        assert_eq!(values(&to_end(&mut **reader, 2)[&0].0), ["a", "b", "c"]);
        assert_eq!(reader.committed(&to).unwrap(), None);
    }
    let upto = Committed { position: positions[1], metadata: "epoch 3".to_owned() };
    assert_eq!(first.commit(&to, &upto).unwrap(), Commit::Done);
    assert_eq!(first.committed(&to).unwrap(), Some(upto.clone()));
    assert_eq!(first.committed(&part(name, 1)).unwrap(), None);
    assert_eq!(second.committed(&to).unwrap(), None);
    drop(first);
    let mut again = joined(log, &one, name);
    assert_eq!(again.committed(&to).unwrap(), Some(upto.clone()));
    again.seek(&to, upto.position).unwrap();
    assert_eq!(values(&to_end(&mut *again, 1)[&0].0), ["b", "c"]);
}

/// The topics of a shard: what it reads, what it writes, what it remembers.
struct Shard {
    input: Partition,
    output: Partition,
    state: Partition,
    group: String,
}

impl Shard {
    fn new(log: &dyn Log, name: &str) -> Self {
        let topic = |kind: &str, compacted| {
            let topic = format!("{name}.{kind}");
            log.create(&topic, 1, compacted).unwrap();
            part(&topic, 0)
        };
        let (input, output) = (topic("in", false), topic("out", false));
        Self { input, output, state: topic("state", true), group: format!("{name}.group") }
    }

    fn transaction(&self, position: i64) -> Transaction {
        let value = position.to_string();
        Transaction {
            outputs: vec![
                plain(&self.output, &value),
                keyed(&self.state, "state", &value),
                plain(&self.output, &value),
            ],
            group: self.group.clone(),
            input: self.input.clone(),
            position,
            metadata: format!("at {position}"),
        }
    }

    /// What is on the log: outputs, state, position with metadata.
    fn stands(&self, log: &dyn Log) -> (Vec<String>, Vec<String>, Option<Committed>) {
        let mut reader = log.reader(&self.group, std::slice::from_ref(&self.input.topic)).unwrap();
        (
            values(&log.scan(&self.output, 0, 100).unwrap()),
            values(&log.latest(&self.state, "").unwrap()),
            reader.committed(&self.input).unwrap(),
        )
    }

    /// What is committed may take a moment to be seen, on each partition another one.
    fn stands_at(&self, log: &dyn Log, positions: &[i64]) {
        let twice = positions.iter().flat_map(|p| [p.to_string(), p.to_string()]).collect();
        let state = positions.last().map(i64::to_string).into_iter().collect();
        let committed =
            positions.last().map(|p| Committed { position: *p, metadata: format!("at {p}") });
        let expected = (twice, state, committed);
        let watch = Stopwatch::start();
        while self.stands(log) != expected && watch.elapsed() < Span::from_s(20) {}
        assert_eq!(self.stands(log), expected);
    }
}

fn transactions(log: &dyn Log, name: &str) {
    let shard = Shard::new(log, name);
    log.writer(None).unwrap().append(vec![plain(&shard.input, "x"); 9]).unwrap();
    shard.stands_at(log, &[]);
    let mut writer = log.writer(Some(name)).unwrap();
    assert_eq!(writer.commit(&shard.transaction(3)).unwrap(), Commit::Done);
    shard.stands_at(log, &[3]);
    assert_eq!(writer.commit(&shard.transaction(5)).unwrap(), Commit::Done);
    shard.stands_at(log, &[3, 5]);
    let only = Transaction { outputs: Vec::new(), ..shard.transaction(6) };
    assert_eq!(writer.commit(&only).unwrap(), Commit::Done, "a position alone");
    assert_eq!(shard.stands(log).2.unwrap().position, 6);
    let read = one(&mut *reading(log, &format!("{name}.other"), &shard.output.topic));
    assert_eq!(values(&read), ["3", "3", "5", "5"]);
}

fn refusals(log: &dyn Log, name: &str) {
    let shard = Shard::new(log, name);
    let nowhere = part(&format!("{name}.nowhere"), 0);
    let beyond = Partition { partition: 1, ..shard.output.clone() };
    let group = format!("{name}.group");
    assert!(matches!(
        log.reader(&group, std::slice::from_ref(&nowhere.topic)),
        Err(LogError::NoSuchPartition(_))
    ));
    let mut writer = log.writer(Some(name)).unwrap();
    for bad in [&nowhere, &beyond] {
        assert!(matches!(log.latest(bad, ""), Err(LogError::NoSuchPartition(of)) if of == *bad));
        assert!(matches!(log.scan(bad, 0, 1), Err(LogError::NoSuchPartition(of)) if of == *bad));
        let records = vec![plain(&shard.output, "first"), plain(bad, "second")];
        let error = writer.append(records).unwrap_err();
        let expected = format!("{bad} does not exist on the log; create it first");
        assert_eq!(error.to_string(), expected);
        let mut transaction = shard.transaction(1);
        transaction.outputs.push(plain(bad, "x"));
        assert_eq!(writer.commit(&transaction).unwrap_err().to_string(), expected);
        let transaction = Transaction { input: bad.clone(), ..shard.transaction(1) };
        assert_eq!(writer.commit(&transaction).unwrap_err().to_string(), expected);
    }
    let mut transaction = shard.transaction(1);
    transaction.outputs.push(plain(&shard.state, "no key"));
    assert!(matches!(writer.commit(&transaction), Err(LogError::NoKey(_))));
    let record = plain(&shard.state, "no key");
    assert!(matches!(writer.append(vec![record]), Err(LogError::NoKey(_))));
    let mut nobody = log.writer(None).unwrap();
    assert!(matches!(nobody.commit(&shard.transaction(1)), Err(LogError::NoOwner)));
    assert_eq!(writer.append(Vec::new()).unwrap(), Vec::<i64>::new());
    let (outputs, state, committed) = shard.stands(log);
    assert!(outputs.iter().all(|value| value == "first"), "an append may be there in part");
    assert_eq!((state, committed), (Vec::new(), None), "a transaction never");
}

fn fencing(log: &dyn Log, name: &str) {
    let shard = Shard::new(log, name);
    let mut other = log.writer(Some(&format!("{name}.other"))).unwrap();
    let mut first = log.writer(Some(name)).unwrap();
    assert_eq!(first.commit(&shard.transaction(1)).unwrap(), Commit::Done);
    let mut second = log.writer(Some(name)).unwrap();
    assert_eq!(first.commit(&shard.transaction(2)).unwrap(), Commit::Fenced);
    shard.stands_at(log, &[1]);
    assert_eq!(second.commit(&shard.transaction(3)).unwrap(), Commit::Done);
    assert_eq!(first.commit(&shard.transaction(4)).unwrap(), Commit::Fenced);
    shard.stands_at(log, &[1, 3]);
    assert_eq!(other.commit(&shard.transaction(5)).unwrap(), Commit::Done);
    shard.stands_at(log, &[1, 3, 5]);
}

fn latest(log: &dyn Log, name: &str) {
    let sent = [("a", "1"), ("b", "1"), ("a", "2"), ("c", "1"), ("b", ""), ("a", "3"), ("d", "")];
    for (compacted, expected) in
        [(true, &["c=1", "a=3"][..]), (false, &["c=1", "b=", "a=3", "d="][..])]
    {
        let topic = format!("{name}.{compacted}");
        log.create(&topic, 2, compacted).unwrap();
        let mut writer = log.writer(None).unwrap();
        for (key, value) in sent {
            writer.append(vec![keyed(&part(&topic, 1), key, value)]).unwrap();
        }
        let found = log.latest(&part(&topic, 1), "").unwrap();
        let found: Vec<_> = found
            .iter()
            .map(|r| format!("{}={}", String::from_utf8_lossy(r.key.as_ref().unwrap()), value(r)))
            .collect();
        assert_eq!(found, expected);
        assert_eq!(log.latest(&part(&topic, 0), "").unwrap(), []);
        let read = to_end(&mut *reading(log, &topic, &topic), 2);
        let last = read[&1].0.last().unwrap();
        assert_eq!((last.key.as_deref(), last.value.len()), (Some(&b"d"[..]), 0));
    }
}

fn times(log: &dyn Log, name: &str) {
    log.create(name, 1, false).unwrap();
    let to = part(name, 0);
    let mut writer = log.writer(None).unwrap();
    for i in 0..20 {
        writer.append(vec![plain(&to, &i.to_string())]).unwrap();
    }
    let mut reader = reading(log, name, name);
    let read = one(&mut *reader);
    let (_, end) = reader.bounds(&to).unwrap();
    for time in read.iter().flat_map(|r| [r.time - Span::from_ms(1), r.time]) {
        let expected = read.iter().find(|r| r.time >= time).map_or(end, |r| r.position);
        assert_eq!(reader.position_at(&to, time).unwrap(), expected);
    }
    let after = read.last().unwrap().time + Span::from_ms(1);
    assert_eq!(reader.position_at(&to, after).unwrap(), end);
    assert_eq!(reader.position_at(&to, LogTime::from_ms(0)).unwrap(), read[0].position);
}

fn bounds(log: &dyn Log, name: &str) {
    log.create(name, 1, false).unwrap();
    let to = part(name, 0);
    let mut reader = log.reader(name, &[name.to_owned()]).unwrap();
    assert_eq!(reader.bounds(&to).unwrap(), (0, 0));
    let positions = log.writer(None).unwrap().append(vec![plain(&to, "x"); 3]).unwrap();
    let (first, end) = reader.bounds(&to).unwrap();
    assert_eq!(first, positions[0]);
    assert!(end > positions[2]);
}

fn ends(log: &dyn Log, name: &str) {
    log.create(name, 1, false).unwrap();
    let to = part(name, 0);
    let mut writer = log.writer(None).unwrap();
    let mut reader = reading(log, name, name);
    assert_eq!(reader.read(WAIT).unwrap(), Some(Read::End(to.clone(), 0)));
    assert_eq!(reader.read(Duration::ZERO).unwrap(), None, "said once");
    for round in 0..3 {
        writer.append(vec![plain(&to, "x"), plain(&to, "y")]).unwrap();
        let read = one(&mut *reader);
        assert_eq!(values(&read), ["x", "y"], "round {round}");
        assert_eq!(reader.read(Duration::ZERO).unwrap(), None, "said once");
    }
}

pub fn seeking(log: &dyn Log, name: &str) {
    log.create(name, 2, false).unwrap();
    let (to, other) = (part(name, 0), part(name, 1));
    let mut writer = log.writer(None).unwrap();
    let positions = writer.append(["a", "b", "c"].map(|v| plain(&to, v)).into()).unwrap();
    writer.append(vec![plain(&other, "d")]).unwrap();
    let mut reader = joined(log, name, name);
    assert_eq!(reader.read(Duration::ZERO).unwrap(), None, "nothing was sought yet");
    for (from, expected) in [(positions[1], &["b", "c"][..]), (0, &["a", "b", "c"]), (99, &[])] {
        reader.seek(&to, from).unwrap();
        assert_eq!(values(&one(&mut *reader)), expected, "from {from}");
    }
    writer.append(vec![plain(&to, "e")]).unwrap();
    assert_eq!(values(&one(&mut *reader)), ["e"], "past the end is at the end");
    reader.seek(&other, 0).unwrap();
    assert_eq!(values(&to_end(&mut *reader, 1)[&1].0), ["d"]);
    let error = reader.seek(&part("elsewhere", 0), 0).unwrap_err();
    let expected =
        "elsewhere[0] is not assigned to this reader; wait for the assignment before you seek";
    assert_eq!(error.to_string(), expected);
}

fn appenders(log: &dyn Log, name: &str) {
    const EACH: usize = 60;
    log.create(name, 1, false).unwrap();
    let to = part(name, 0);
    let mut acknowledged: BTreeMap<i64, String> = BTreeMap::new();
    std::thread::scope(|scope| {
        let append = |thread: usize| {
            let mut writer = log.writer(None).unwrap();
            let values = (0..EACH).map(|i| format!("{thread}/{i}"));
            let append =
                |value: String| (writer.append(vec![plain(&to, &value)]).unwrap()[0], value);
            values.map(append).collect::<Vec<_>>()
        };
        let threads: Vec<_> = (0..4).map(|i| scope.spawn(move || append(i))).collect();
        acknowledged.extend(threads.into_iter().flat_map(|thread| thread.join().unwrap()));
    });
    assert_eq!(acknowledged.len(), 4 * EACH, "each has a position of its own");
    let read = one(&mut *reading(log, name, name));
    let read: BTreeMap<i64, String> = read.iter().map(|r| (r.position, value(r))).collect();
    assert_eq!(read, acknowledged);
}

fn waiting(log: &dyn Log, name: &str) {
    log.create(name, 1, false).unwrap();
    let mut reader = reading(log, name, name);
    assert_eq!(one(&mut *reader), []);
    std::thread::scope(|scope| {
        let waits = scope.spawn(move || reader.read(WAIT).unwrap());
        log.writer(None).unwrap().append(vec![plain(&part(name, 0), "woken")]).unwrap();
        let Some(Read::Records(_, records)) = waits.join().unwrap() else {
            panic!("a waiting reader was not woken")
        };
        assert_eq!(values(&records), ["woken"]);
    });
}
