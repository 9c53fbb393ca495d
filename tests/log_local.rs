//! x
use ripcord::edge::clock::*;
use ripcord::edge::log::local::LocalLog;
use ripcord::edge::log::*;
use std::sync::Arc;
use std::time::Duration;

#[test]
#[ignore = "a measurement, not a claim"]
fn what_an_append_and_a_read_cost() {
    let folder = tempfile::tempdir().unwrap();
    for (kind, log, n) in [
        ("memory", LocalLog::in_memory(Arc::new(SystemClock)).unwrap(), 60_000),
        ("file", LocalLog::open(folder.path(), Arc::new(SystemClock)).unwrap(), 2_000),
    ] {
        log.create("t", 8, false).unwrap();
        let topics = ["t".to_owned()];
        let mut reader = log.reader("g", &topics).unwrap();
        reader.read(Duration::ZERO).unwrap();
        for partition in 0..8 {
            reader.seek(&Partition { topic: "t".into(), partition }, 0).unwrap();
        }
        let mut writer = log.writer(None).unwrap();
        let watch = Stopwatch::start();
        let mut seen = 0;
        let mut calls = 0;
        for i in 0..n {
            let to = Partition { topic: "t".into(), partition: i % 8 };
            writer
                .append(vec![Outgoing {
                    to,
                    key: None,
                    headers: vec![("a".into(), b"b".to_vec())],
                    value: vec![7; 400],
                }])
                .unwrap();
            while let Some(read) = reader.read(Duration::ZERO).unwrap() {
                calls += 1;
                if let Read::Records(_, records) = read {
                    seen += records.len();
                }
            }
        }
        assert_eq!(seen, n as usize);
        println!(
            "{kind}: {:.2} us per append and read, {calls}",
            watch.elapsed().as_s() * 1e6 / f64::from(n)
        );
    }
}
