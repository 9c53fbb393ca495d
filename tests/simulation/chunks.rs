//! A snapshot of many chunks, whose writer is killed between each two of them: what is restored is
//! the last whole one, and the state is the fold's.

use ripcord::edge::log::{Outgoing, Topic};
use ripcord::model::{LaneId, SourceId};
use ripcord::roles::decide::Decide;
use ripcord::shard::Inbox;

use crate::fault::Faults;
use crate::oracle::{fold, pieces, stored};
use crate::process::Process;
use crate::world::{Defect, World};

/// Lanes whose names do not compress, so that a snapshot takes several chunks.
fn lanes(state: &mut u64) -> Inbox {
    let lane = |lane| {
        *state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        let source = SourceId::new(&format!("{:016x}", state.reverse_bits())).unwrap();
        LaneId { source, lane }
    };
    let lanes = (0..40_000).map(lane).collect();
    Inbox::Heartbeat { process: "p".to_owned(), lanes }
}

/// A calm world of one shard, and nobody who works in it.
fn world() -> World {
    let seed = (0..).find(|seed| World::of(*seed, Defect::None).makings.topics.shards == 1);
    World::with(seed.unwrap(), Defect::None, Faults::none())
}

fn tell(world: &World, record: &Inbox) {
    let to = world.makings.topics.partition(Topic::Inbox, 0);
    let value = serde_json::to_vec(record).unwrap();
    let record = Outgoing { to, key: None, headers: Vec::new(), value };
    world.site.broker.append(vec![record]).unwrap();
}

/// The state at the end of the inbox, in bytes.
fn state(world: &World) -> Vec<Vec<u8>> {
    pieces(&fold(world, 0, i64::MAX).shard)
}

/// Turns until there is nothing left to do. Returns whether it lived.
fn rests(decide: &mut Decide) -> bool {
    let mut idle = 0;
    while idle < 3 {
        let Ok(turn) = decide.turn(std::time::Duration::ZERO) else { return false };
        idle = if turn.idle { idle + 1 } else { 0 };
    }
    true
}

/// Folds all there is, and then writes a snapshot, as far as so few records reach. Returns whether
/// it lived.
fn fold_and_write(world: &World, id: u64, records: Option<usize>, expected: &[Vec<u8>]) -> bool {
    let process = Process::new(&world.site, id);
    let mut topics = world.makings.topics.clone();
    topics.log = std::sync::Arc::new(process.clone());
    let mut decide = Decide::new(topics).unwrap();
    assert!(rests(&mut decide));
    let live = decide.shards().next().map(|(_, shard)| pieces(shard)).unwrap();
    assert!(live == expected, "process {id} restored another state");
    if let Some(records) = records {
        process.dies_after(records);
    }
    // A snapshot is due after a minute.
    world.site.clock.pass(61_000);
    let lived = rests(&mut decide);
    drop(decide);
    world.site.broker.lock().groups.bury(id);
    lived
}

#[test]
fn a_writer_killed_between_two_chunks_leaves_the_last_whole_snapshot() {
    let world = world();
    let mut random = 1;
    for _ in 0..5 {
        tell(&world, &lanes(&mut random));
    }
    assert!(fold_and_write(&world, 1, None, &state(&world)));
    let first = stored(&world, 0).pop().unwrap().next();
    let topics = world.outside();
    let at = topics.partition(Topic::State, 0);
    let chunks = topics.log.latest(&at, "snapshot/a/").unwrap().len();
    println!("{chunks} chunks");
    assert!(chunks > 2, "{chunks} chunks show nothing");

    tell(&world, &Inbox::Tick);
    let expected = state(&world);
    let (mut kills, mut lived) = (0, false);
    for (id, records) in (2..).zip(0..100) {
        lived = fold_and_write(&world, id, Some(records), &expected);
        let newest = stored(&world, 0).iter().map(ripcord::shard::Shard::next).max().unwrap();
        if lived {
            assert!(newest > first, "a whole one was written and is not found");
            break;
        }
        kills += 1;
        assert_eq!(newest, first, "after {records} records");
    }
    // Before the position is committed, before the old manifest is deleted, before each chunk and
    // before the new manifest.
    assert!(lived && kills >= chunks + 3, "{kills} places to kill it");
}
