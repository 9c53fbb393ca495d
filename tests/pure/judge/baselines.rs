//! What a version is held against.

use super::world::{World, check};

fn null_of(world: &World, name: &str) -> Option<f64> {
    let mut said = world.said.iter().rev();
    let last =
        said.find(|said| said.version.as_str() == name && said.trigger.as_str() == "accuracy-drop");
    last.unwrap().evidence.null
}

#[test]
fn the_registry_comes_first_and_its_upper_bound_counts() {
    let mut world = World::new();
    world.line("stand production=v3 v3.accuracy=0.9115/28000");
    world.line("h v3:labels=100/10 x2");
    // Wilson's upper bound of 0.0885 on 28,000, and five points.
    assert!((null_of(&world, "v3").unwrap() - 0.141_332).abs() < 1e-6);
    world.line("stand v3.accuracy=0.9115/200");
    world.line("h v3:labels=100/10 x2");
    assert!(null_of(&world, "v3").unwrap() > 0.16, "few samples tolerate more");
}

#[test]
fn a_version_that_is_not_proven_borrows_from_the_one_that_is() {
    let mut world = World::new();
    world.line("stand production=v3 proven=v2 v2.accuracy=0.9115/28000");
    // It is bad from its first answer on: its own samples must not become its measure.
    world.line("h v3:labels=500/200 x20");
    assert!((null_of(&world, "v3").unwrap() - 0.141_332).abs() < 1e-6);
    assert!(world.said.iter().any(|said| said.reason != ripcord::model::Reason::NoBaseline));
}

#[test]
fn without_any_a_version_learns_its_own() {
    check(
        "rules only=accuracy-drop,worse-than-reference baseline_samples=1000
         stand production=v3
         h v3:labels=100/10 x20",
        "1:00 v3 accuracy-drop Insufficient: NoBaseline
         11:00 v3 accuracy-drop Healthy: UnderThreshold",
    );
}

#[test]
fn what_is_learned_is_frozen() {
    let mut world = World::new();
    world.line("rules baseline_samples=1000");
    world.line("stand production=v3");
    world.line("h v3:labels=100/10 x12");
    let learned = null_of(&world, "v3");
    assert!(learned.is_some());
    world.line("h v3:labels=100/14 x60");
    assert_eq!(null_of(&world, "v3"), learned);
}
