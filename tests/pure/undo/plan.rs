//! The plan and the ids of its commands, deadlines, and what judge is told.

use std::collections::BTreeSet;

use ripcord::model::{
    Ask, Command, CommandId, EventTime, Instruction, LogTime, Scope, Span, Stage, Want,
};
use ripcord::undo::{Fitness, Input};

use super::world::{World, model, version};

fn world(lines: &[&str]) -> World {
    let mut world = World::new();
    for line in lines {
        world.line(line);
    }
    world
}

const TARGETS: &str = "rules targets=notice,config,registry,router";
const FACT: &str = "fact registry production=v3 versions=v3,v2*,v1";
const BREACH: &str = "assess v3 error-rate breach better=v2";

#[test]
fn a_dry_run_names_every_step_in_the_order_of_its_stages_and_changes_nothing() {
    let world = world(&[TARGETS, FACT]);
    let before = world.undo.clone();
    let plan = world.undo.plan_for(&world.rules, &model(), None).unwrap();
    assert_eq!(world.undo, before);
    let stages: Vec<Stage> = plan.steps.iter().map(|step| step.stage).collect();
    assert_eq!(stages, [Stage::Traffic, Stage::Registry, Stage::Config, Stage::Notice]);
    assert_eq!((plan.from, plan.to), (version("v3"), version("v2")));
    assert_eq!((plan.how, plan.generation), (Some(Fitness::Registry), 1));

    let named = world.undo.plan_for(&world.rules, &model(), Some(&version("v1"))).unwrap();
    assert_eq!((named.to, named.how), (version("v1"), None));
    let refused = world.undo.plan_for(&world.rules, &model(), Some(&version("v9")));
    assert_eq!(refused.unwrap_err(), "v9 is not known; register it, or check the name");
}

#[test]
fn what_is_done_is_what_the_dry_run_named() {
    let mut world = world(&[TARGETS, FACT]);
    let plan = world.undo.plan_for(&world.rules, &model(), None).unwrap();
    for line in [BREACH, "answer router done", "answer registry done", "answer config done"] {
        world.line(line);
    }
    let moves = |want: &Want| matches!(want, Want::Production { .. });
    let planned: Vec<_> =
        plan.steps.iter().filter(|s| moves(&s.want)).map(|s| (&s.target, &s.want)).collect();
    let done: Vec<_> =
        world.commands.iter().filter(|c| moves(&c.want)).map(|c| (&c.target, &c.want)).collect();
    assert_eq!(done, planned);
}

#[test]
fn a_command_is_known_by_what_it_stands_for() {
    let lines = [FACT, BREACH, "+10s", "answer registry failed no", "ask approve"];
    let (once, again) = (world(&lines), world(&lines));
    let ids: Vec<&str> = once.commands.iter().map(|c| c.id.as_str()).collect();
    assert_eq!(ids.len(), 3);
    assert_eq!(ids[0], ids[1], "asked again is the same command");
    assert_ne!(ids[0], ids[2], "another generation is another command");
    assert_eq!(once.commands, again.commands);
    // A change of how ids are made would make replayed commands look new to live workers.
    assert_eq!(ids[0], "0e0d4677-c1ce-5b05-809d-e12fa9b39c69");
}

#[test]
fn a_notice_is_known_by_what_it_is_about_and_not_by_its_words() {
    let notices = |reason: &str| {
        let mut world = world(&["rules targets=notice,registry", FACT]);
        let (id, by, reason) = (reason.to_owned(), "ann".to_owned(), reason.to_owned());
        let ask = Ask::Freeze { scope: Scope::Model(model()) };
        world.step(Input::Instruction(&Instruction { id, by, reason, ask }));
        for line in [BREACH, "ask unfreeze", BREACH, "answer registry failed no", "ask approve"] {
            world.line(line);
        }
        let notice = |command: &Command| match &command.want {
            Want::Notice { summary, .. } => Some((command.id.clone(), summary.clone())),
            Want::Production { .. } => None,
        };
        world.commands.iter().filter_map(notice).collect::<Vec<_>>()
    };
    let (one, other) = (notices("it is noon"), notices("it is midnight"));
    assert_ne!(one[0].1, other[0].1, "the sentences differ");
    let ids = |told: &[(CommandId, String)]| -> Vec<CommandId> {
        told.iter().map(|(id, _)| id.clone()).collect()
    };
    assert_eq!(ids(&one), ids(&other));
    // Held, begun, stuck, begun again: four events, four notices.
    assert_eq!(ids(&one).into_iter().collect::<BTreeSet<_>>().len(), 4, "{one:?}");
}

#[test]
fn no_copy_of_a_command_outlives_the_rollback() {
    let mut world = world(&[FACT, BREACH]);
    let end = world.log + world.rules.default.policy.mitigate_within;
    for _ in 0..59 {
        world.line("+10s");
    }
    assert_eq!(world.commands.len(), 60);
    assert!(world.commands.iter().all(|command| command.expires_at <= end));
}

#[test]
fn the_next_wakeup_is_the_earliest_deadline() {
    let mut world = world(&[FACT]);
    assert_eq!(world.undo.next_wakeup(), None);
    world.line(BREACH);
    let policy = world.rules.default.policy.clone();
    assert_eq!(world.undo.next_wakeup(), Some(world.log + policy.answer_within));
    let begun = world.log;
    world.line("answer registry done");
    assert_eq!(world.undo.next_wakeup(), Some(begun + policy.mitigate_within));
    world.line("traffic v2=20");
    assert_eq!(world.undo.next_wakeup(), Some(world.log + policy.verify_within));
    world.line("+8d");
    assert_eq!(world.undo.next_wakeup(), Some(world.log + policy.resolve_after));
    world.line("+8d");
    assert_eq!(world.undo.next_wakeup(), None);
}

#[test]
fn judge_is_told_when_a_version_went_into_production() {
    let mut world = world(&[FACT]);
    assert_eq!(world.undo.standing(&model()).promoted_at, None, "it served already");
    world.pass(Span::from_s(90));
    let now: EventTime = world.event;
    world.line("fact registry production=v4 versions=v4,v3,v2*,v1");
    let standing = world.undo.standing(&model());
    assert_eq!((standing.production, standing.promoted_at), (Some(version("v4")), Some(now)));
    world.pass(Span::from_s(90));
    world.line("fact registry production=v4 versions=v4,v3,v2*,v1");
    assert_eq!(world.undo.standing(&model()).promoted_at, Some(now), "said twice is once");
}

#[test]
fn before_any_telemetry_the_log_tells_the_time_and_no_two_logs_share_an_id() {
    let rolled_back = |log: i64| {
        let mut world = World::new();
        (world.log, world.event) = (LogTime::from_ms(log), EventTime::MIN);
        world.line("fact registry production=v3 versions=v3,v2*");
        world.line("ask rollback");
        let command = world.commands[0].id.clone();
        (world.incidents.into_values().next().unwrap(), command)
    };
    let ((one, first), (other, second)) = (rolled_back(1000), rolled_back(2000));
    assert_eq!((one.opened_at.as_ms(), one.decided_at.unwrap().as_ms()), (1000, 1000));
    assert_ne!(one.id, other.id);
    assert_ne!(first, second);
}
