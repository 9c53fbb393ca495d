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
        let world = |seed: u64| World::with(seed, Defect::None, Faults::only(seed, fault));
        let bad = |world: &World| world.models.iter().any(|model| model.bad_from_ms.is_some());
        // Without a rollback nobody asks the target.
        let mut world = (100 * nth as u64..).map(world).find(bad).unwrap();
        world.run();
        let struck = world.tally().get(&fault).copied().unwrap_or(0);
        println!("{struck:>6}  {name}");
        oracle::check(&world);
        assert!(struck > 0, "{name} never struck");
    }
}
