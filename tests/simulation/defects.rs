//! The oracle can fail: worlds with a defect that no fault explains.

use std::panic::{AssertUnwindSafe, catch_unwind};

use crate::oracle;
use crate::world::{Defect, World};

/// What the oracle says of a world with this defect.
fn said(defect: Defect) -> String {
    let mut world = World::of(11, defect);
    world.run();
    let caught = catch_unwind(AssertUnwindSafe(|| oracle::check(&world)));
    let words = caught.expect_err("the oracle has seen nothing");
    words.downcast_ref::<String>().cloned().unwrap_or_default()
}

#[test]
fn a_target_that_acts_twice_is_caught() {
    assert!(said(Defect::AppliesTwice).contains("acts of the target"));
}

#[test]
fn a_log_that_loses_a_record_it_acknowledged_is_caught() {
    let said = said(Defect::LosesTelemetry);
    assert!(said.contains("what shard") || said.contains("sums of"), "{said}");
}

#[test]
fn a_log_that_loses_part_of_a_transaction_is_caught() {
    let said = said(Defect::LosesOutput);
    assert!(said.contains("decisions of shard"), "{said}");
}

#[test]
fn a_world_without_a_defect_is_not_caught() {
    let mut world = World::of(11, Defect::None);
    world.run();
    oracle::check(&world);
}
