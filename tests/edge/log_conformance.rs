//! The logs that need no broker do what every log must; tests/kafka holds the one on Kafka to it.

use std::sync::Arc;

use ripcord::edge::clock::SystemClock;
use ripcord::edge::log::local::LocalLog;

use crate::common::conformance::run;

#[test]
fn the_log_in_a_file_conforms() {
    let folder = tempfile::tempdir().unwrap();
    for time in ["first", "second"] {
        let log = LocalLog::open(folder.path(), Arc::new(SystemClock)).unwrap();
        run(&log, time);
    }
}

#[test]
fn the_log_in_memory_conforms() {
    run(&LocalLog::in_memory(Arc::new(SystemClock)).unwrap(), "memory");
}
