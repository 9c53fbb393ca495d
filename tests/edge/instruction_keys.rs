//! Instructions and rules on the log: decide folds only those that are signed, and says why not.
//!
//! Over 300 lines: one world, and each way around a signature.
#![expect(clippy::unwrap_used, reason = "helpers of tests may, as tests may")]

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use ripcord::config::{Config, InstructionKeys, rules_hash, written_key};
use ripcord::edge::clock::{Clock, SimulatedClock, Uptime};
use ripcord::edge::log::local::LocalLog;
use ripcord::edge::log::{Log as _, Outgoing, Record, Topic};
use ripcord::model::{Ask, Instruction, LogTime, Mode, Namespace, RuleSet, Scope, Span};
use ripcord::roles::decide::Decide;
use ripcord::shard::{Inbox, Shard};
use ripcord::topics::{RoleError, Topics};
use ripcord::undo::Reply;

const START: i64 = 1_767_225_600_000;

/// A clock that somebody sets back, and the monotonic one, which nobody does.
struct HostClock(SimulatedClock, AtomicI64);

impl Clock for HostClock {
    fn now(&self) -> LogTime {
        self.0.now() - Span::from_ms(self.1.load(Ordering::SeqCst))
    }

    fn uptime(&self) -> Uptime {
        self.0.uptime()
    }
}

struct World {
    clock: Arc<HostClock>,
    log: LocalLog,
    rules: RuleSet,
}

fn keys(text: &str) -> InstructionKeys {
    InstructionKeys::parse(text).unwrap()
}

fn key(id: &str, fill: u8) -> String {
    written_key(id, &[fill; 32])
}

fn ours() -> InstructionKeys {
    keys(&key("a", 1))
}

fn freeze(id: &str) -> Inbox {
    let ask = Ask::Freeze { scope: Scope::All };
    let [id, by, reason] = [id, "ann", "a test"].map(str::to_owned);
    Inbox::Instruction(Instruction { id, by, reason, ask })
}

impl World {
    fn new() -> Self {
        let clock = SimulatedClock::new(LogTime::from_ms(START));
        let clock = Arc::new(HostClock(clock, AtomicI64::new(0)));
        let log = LocalLog::in_memory(Arc::clone(&clock) as _).unwrap();
        let rules = Config::load(&[], &[].into()).unwrap().rules;
        Self { clock, log, rules }
    }

    /// The topics as a process with these keys has them.
    fn topics(&self, keys: InstructionKeys) -> Topics {
        let (log, namespace) = (Arc::new(self.log.clone()), self.rules.namespace.clone());
        Topics { log, namespace, shards: 1, keys }
    }

    fn made(keys: InstructionKeys) -> Self {
        let world = Self::new();
        world.topics(keys).create(&world.rules).unwrap();
        world
    }

    fn decide(&self, keys: InstructionKeys) -> Decide {
        let mut decide = Decide::new(self.topics(keys)).unwrap();
        settle(&mut decide);
        decide
    }

    fn pass(&self, seconds: i64) {
        let clock = &self.clock.0;
        clock.advance_to(clock.now() + Span::from_ms(1000 * seconds));
    }

    fn give(&self, keys: InstructionKeys, record: &Inbox) {
        let topics = self.topics(keys);
        topics.publish(topics.log.writer(None).unwrap().as_mut(), None, record).unwrap();
    }

    /// Appends a record as it lies elsewhere, or as somebody changed it.
    fn append(&self, topic: Topic, record: Record) {
        let Record { key, headers, value, .. } = record;
        let to = self.topics(ours()).partition(topic, 0);
        self.log.writer(None).unwrap().append(vec![Outgoing { to, key, headers, value }]).unwrap();
    }

    fn records(&self, topic: Topic) -> Vec<Record> {
        self.log.scan(&self.topics(ours()).partition(topic, 0), 0, 10_000).unwrap()
    }

    fn last(&self) -> Record {
        self.records(Topic::Inbox).pop().unwrap()
    }

    fn reply(&self, id: &str) -> Option<Reply> {
        let key = format!("reply/{id}").into_bytes();
        let mut records = self.records(Topic::Status).into_iter().rev();
        let found = records.find(|record| record.key.as_ref() == Some(&key))?;
        Some(serde_json::from_slice(&found.value).unwrap())
    }

    fn refused(&self, id: &str) -> String {
        let reply = self.reply(id).unwrap();
        assert!(!reply.accepted && reply.incident.is_none(), "{reply:?}");
        assert!(reply.detail.starts_with("nothing was done: "), "{reply:?}");
        reply.detail
    }

    /// Rules that act, of a revision.
    fn acting(&self, revision: u64) -> Inbox {
        let mut rules = RuleSet { revision, ..self.rules.clone() };
        rules.default.mode = Mode::Act;
        rules.hash = rules_hash(&rules);
        Inbox::Rules(rules)
    }
}

fn settle(decide: &mut Decide) {
    while !decide.turn(Duration::ZERO).unwrap().idle {}
}

fn shard(decide: &Decide) -> &Shard {
    decide.shards().next().unwrap().1
}

fn frozen(decide: &Decide) -> bool {
    shard(decide).undo_state().frozen(&"m".parse().unwrap()).is_some()
}

fn revision(decide: &Decide) -> Option<u64> {
    shard(decide).rule_set().map(|rules| rules.revision)
}

#[test]
fn what_is_signed_is_obeyed_and_what_is_not_is_refused() {
    let world = World::made(ours());
    let mut decide = world.decide(ours());
    assert_eq!(revision(&decide), Some(1), "the first rules are signed");
    world.give(InstructionKeys::default(), &freeze("plain"));
    world.give(InstructionKeys::default(), &world.acting(7));
    world.give(keys(&key("b", 2)), &freeze("stranger"));
    world.give(keys(&key("a", 2)), &freeze("impostor"));
    world.give(keys(&key("a", 2)), &world.acting(8));
    settle(&mut decide);
    assert!(!frozen(&decide) && revision(&decide) == Some(1));
    assert!(world.refused("plain").contains("it is not signed; set the variable of kafka."));
    assert!(world.refused("stranger").contains("signed with key \"b\", which this process does"));
    assert!(world.refused("impostor").contains("its signature is wrong"));
    assert_eq!(shard(&decide).status().unreadable, 0);
    world.give(ours(), &freeze("ours"));
    world.give(ours(), &world.acting(2));
    settle(&mut decide);
    assert!(frozen(&decide) && revision(&decide) == Some(2));
    assert!(world.reply("ours").unwrap().accepted);
    let page = {
        let mut page = ripcord::edge::diagnostics::metrics::Page::new("1");
        ripcord::edge::diagnostics::counters::page(&mut page);
        page.text()
    };
    let counted = "ripcord_instructions_refused_total{reason=\"wrong_signature\"} ";
    assert!(page.contains(counted), "{page}");
}

#[test]
fn a_record_counts_only_where_it_was_sent() {
    let world = World::made(ours());
    let mut decide = world.decide(ours());
    let elsewhere = Topics { namespace: Namespace::new("other").unwrap(), ..world.topics(ours()) };
    elsewhere.create(&world.rules).unwrap();
    let mut writer = elsewhere.log.writer(None).unwrap();
    elsewhere.publish(writer.as_mut(), None, &freeze("i")).unwrap();
    let copied = elsewhere.log.scan(&elsewhere.partition(Topic::Inbox, 0), 0, 10).unwrap();
    world.append(Topic::Inbox, copied.last().unwrap().clone());
    settle(&mut decide);
    assert!(!frozen(&decide));
    assert!(world.refused("i").contains("changed or copied from elsewhere"));
}

#[test]
fn a_changed_copy_is_refused_and_takes_no_reply_away() {
    let world = World::made(ours());
    let mut decide = world.decide(ours());
    world.give(ours(), &freeze("i"));
    settle(&mut decide);
    let good = world.last();
    let text = String::from_utf8(good.value.clone()).unwrap();
    let changed = text.replace("\"freeze\"", "\"unfreeze\"");
    assert_ne!(text, changed);
    world.append(Topic::Inbox, Record { value: changed.into(), ..good.clone() });
    // The very same record once more is the same instruction.
    world.append(Topic::Inbox, good);
    settle(&mut decide);
    assert!(frozen(&decide));
    assert!(world.reply("i").unwrap().accepted, "what was refused replaced the reply");
    // Nor does a forged one keep the id from the one that is signed later.
    world.give(InstructionKeys::default(), &freeze("j"));
    settle(&mut decide);
    world.refused("j");
    world.give(ours(), &freeze("j"));
    settle(&mut decide);
    assert!(world.reply("j").unwrap().accepted);
}

#[test]
fn only_the_times_of_the_record_make_it_void() {
    let world = World::made(ours());
    let mut decide = world.decide(ours());
    world.give(ours(), &freeze("held"));
    let held = world.last();
    settle(&mut decide);
    world.give(ours(), &Inbox::Tick);
    let unfreeze = |id: &str| {
        let ask = Ask::Unfreeze { scope: Scope::All };
        let [id, by, reason] = [id, "ann", "a test"].map(str::to_owned);
        Inbox::Instruction(Instruction { id, by, reason, ask })
    };
    world.give(ours(), &unfreeze("while it was down"));
    drop(decide);
    world.pass(3600);
    decide = world.decide(ours());
    assert!(!frozen(&decide), "a decide that was down obeys what was sent in time");
    assert!(world.reply("while it was down").unwrap().accepted);

    // Somebody kept a record that was never appended, and appends it when it is old.
    let elsewhere = World::made(ours());
    elsewhere.give(ours(), &freeze("kept"));
    let kept = elsewhere.last();
    world.append(Topic::Inbox, kept);
    world.append(Topic::Inbox, held);
    settle(&mut decide);
    assert!(!frozen(&decide));
    assert!(world.refused("kept").contains("3600 s after it was signed, and 300 s are allowed"));
    assert!(world.reply("held").unwrap().accepted, "it has had its reply");
    let ahead = World::made(ours());
    ahead.pass(7200);
    ahead.give(ours(), &freeze("ahead"));
    world.append(Topic::Inbox, ahead.last());
    settle(&mut decide);
    assert!(world.refused("ahead").contains("signed 3600 s after it reached the log"));
}

#[test]
fn a_clock_that_is_set_back_makes_nothing_void() {
    let world = World::made(ours());
    let mut decide = world.decide(ours());
    world.clock.1.store(3_600_000, Ordering::SeqCst);
    world.pass(1);
    world.give(ours(), &freeze("i"));
    let record = world.last();
    assert!(record.time - record.appended > Span::from_s(1800), "{record:?}");
    settle(&mut decide);
    assert!(world.reply("i").unwrap().accepted);
}

#[test]
fn an_id_that_no_caller_could_choose_gets_no_reply() {
    let world = World::made(ours());
    let mut decide = world.decide(ours());
    let long = "i".repeat(129);
    world.give(InstructionKeys::default(), &freeze(&long));
    world.give(InstructionKeys::default(), &freeze(&long[1..]));
    settle(&mut decide);
    assert!(world.reply(&long).is_none() && world.reply(&long[1..]).is_some());
}

#[test]
fn an_old_key_counts_until_it_is_removed() {
    let world = World::made(ours());
    let (old, new) = (key("a", 1), key("b", 2));
    let both = keys(&format!("{new},{old}"));
    let mut decide = world.decide(both.clone());
    world.give(ours(), &freeze("old"));
    world.give(both, &world.acting(2));
    settle(&mut decide);
    assert!(frozen(&decide) && revision(&decide) == Some(2));
    drop(decide);
    let mut decide = world.decide(keys(&new));
    world.give(ours(), &freeze("gone"));
    settle(&mut decide);
    assert!(world.refused("gone").contains("signed with key \"a\""));
}

#[test]
fn the_inbox_folded_again_gives_the_same() {
    let world = World::made(ours());
    let mut decide = world.decide(ours());
    for (nth, keys) in [ours(), InstructionKeys::default(), keys(&key("a", 9))].iter().enumerate() {
        world.give(keys.clone(), &freeze(&format!("i-{nth}")));
        world.give(keys.clone(), &world.acting(2 + nth as u64));
    }
    settle(&mut decide);
    let told = |decide: &Decide| {
        let shard = shard(decide);
        (shard.undo_state().clone(), shard.rule_set().cloned(), shard.next(), shard.log_time())
    };
    let before = told(&decide);
    assert_eq!(before.1.as_ref().map(|rules| rules.revision), Some(2));
    drop(decide);
    world.pass(30);
    assert_eq!(told(&world.decide(ours())), before);
}

#[test]
fn keys_that_come_later_leave_what_was_taken_before() {
    let world = World::made(InstructionKeys::default());
    let mut decide = world.decide(InstructionKeys::default());
    world.give(InstructionKeys::default(), &world.acting(2));
    world.give(InstructionKeys::default(), &freeze("before"));
    settle(&mut decide);
    drop(decide);
    for round in 0..2 {
        let mut decide = world.decide(ours());
        assert_eq!(revision(&decide), Some(2), "round {round}");
        assert!(frozen(&decide));
        world.give(InstructionKeys::default(), &world.acting(9));
        world.give(InstructionKeys::default(), &freeze(&format!("after-{round}")));
        world.give(ours(), &freeze(&format!("signed-{round}")));
        settle(&mut decide);
        assert_eq!(revision(&decide), Some(2), "round {round}");
        world.refused(&format!("after-{round}"));
        assert!(world.reply(&format!("signed-{round}")).unwrap().accepted);
    }
    // Somebody forgot the keys: the shard does not go back to taking anything.
    let mut without = Decide::new(world.topics(InstructionKeys::default())).unwrap();
    let failed = loop {
        match without.turn(Duration::ZERO) {
            Ok(turn) => assert!(!turn.idle, "it begins without keys"),
            Err(failed) => break failed,
        }
    };
    assert!(matches!(failed, RoleError::NoKeys { shard: 0, .. }), "{failed}");
    assert!(failed.to_string().contains("set it to \"unsigned\""), "{failed}");
    drop(without);
    let mut given_up = world.decide(keys("unsigned"));
    world.give(InstructionKeys::default(), &freeze("given up"));
    settle(&mut given_up);
    assert!(world.reply("given up").unwrap().accepted);
    drop(given_up);
    // And so it stays, without the word.
    world.decide(InstructionKeys::default());
}

#[test]
fn an_inbox_that_was_created_again_is_checked_from_its_end_on() {
    let old = World::made(InstructionKeys::default());
    let mut decide = old.decide(InstructionKeys::default());
    for nth in 0..9 {
        old.give(InstructionKeys::default(), &freeze(&format!("i-{nth}")));
    }
    settle(&mut decide);
    drop(decide);
    let mut decide = old.decide(ours());
    old.give(ours(), &freeze("signed"));
    settle(&mut decide);
    drop(decide);
    let mut states = old.records(Topic::State).into_iter().rev();
    let state = states.find(|record| record.key.as_deref() == Some(b"undo")).unwrap();
    assert!(state.headers.contains(&("ripcord-signed-from".to_owned(), b"11".to_vec())));

    let world = World::made(ours());
    world.append(Topic::State, state);
    let mut decide = world.decide(ours());
    world.give(InstructionKeys::default(), &freeze("plain"));
    assert!(world.last().position < 11);
    settle(&mut decide);
    world.refused("plain");
}

#[test]
fn rules_that_were_made_without_keys_are_made_again_with_them() {
    let world = World::made(InstructionKeys::default());
    let mut decide = world.decide(ours());
    assert_eq!(revision(&decide), None);
    world.topics(ours()).create(&world.rules).unwrap();
    settle(&mut decide);
    assert_eq!(revision(&decide), Some(1));
    decide.publish_status().unwrap();
    let end = world.last().position;
    world.topics(ours()).create(&world.rules).unwrap();
    assert_eq!(world.last().position, end, "rules that are in force are not written again");
}

#[test]
fn a_forged_copy_of_the_rules_is_not_put_in_force() {
    for forged in [false, true] {
        let world = World::made(ours());
        let mut decide = world.decide(ours());
        world.give(ours(), &world.acting(2));
        world.give(ours(), &freeze("i"));
        settle(&mut decide);
        decide.publish_status().unwrap();
        drop(decide);
        world.pass(40 * 86_400);
        let inbox = world.topics(ours()).partition(Topic::Inbox, 0);
        assert!(world.log.retain(&inbox, Span::from_s(86_400), None).unwrap() >= 3);
        if forged {
            let mut records = world.records(Topic::Status).into_iter().rev();
            let copy = records.find(|record| record.key.as_deref() == Some(b"rules")).unwrap();
            let text = String::from_utf8(copy.value.clone()).unwrap();
            let value = text.replace("\"revision\":2", "\"revision\":3").into_bytes();
            assert_ne!(value, copy.value);
            world.append(Topic::Status, Record { value, ..copy });
        }
        let decide = world.decide(ours());
        let expected = if forged { None } else { Some(2) };
        assert_eq!(revision(&decide), expected, "forged: {forged}");
    }
}
