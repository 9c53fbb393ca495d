//! Each fault alone, and often: so that a seed that fails among many has its fault by name.

use crate::fault::{Fault, Faults};
use crate::oracle;
use crate::world::{Defect, World};

#[test]
fn each_fault_alone_changes_nothing_that_matters() {
    let only = std::env::var("RIPCORD_FAULT").ok();
    for (nth, (fault, name)) in Fault::ALL.into_iter().enumerate() {
        if only.as_ref().is_some_and(|only| only != name) {
            continue;
        }
        let seed = 7000 + nth as u64;
        let mut world = World::with(seed, Defect::None, Faults::only(seed, fault));
        world.run();
        let struck = world.tally().get(&fault).copied().unwrap_or(0);
        println!("{struck:>6}  {name}");
        oracle::check(&world);
        // Only a rollback asks the target.
        let asks = matches!(fault, Fault::TargetUnknownDone | Fault::TargetUnknownUndone);
        let rolled = world.models.iter().any(|model| model.bad_from_ms.is_some());
        assert!(struck > 0 || (asks && !rolled), "{name} never struck");
    }
}
