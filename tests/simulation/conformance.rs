//! The log of a simulated world does what every log must, where no fault strikes.

use std::sync::Arc;

use crate::common::conformance::run;
use crate::fault::Faults;
use crate::process::{Process, Site};

#[test]
fn the_log_of_a_world_conforms() {
    let log = Arc::new(Process::new(&Site::new(1_767_225_600_000, Faults::none()), 1));
    run(&*log, "first");
    run(&*log, "second");
}
