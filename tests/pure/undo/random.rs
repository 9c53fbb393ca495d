//! Random worlds: whatever comes, in whatever order, some things never happen.

use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;
use ripcord::model::{Ask, Incident, IncidentState, Instruction, Proof, Scope, StepResult, Want};
use ripcord::undo::{Input, Moment, Output};

use super::world::{World, model, version};
use crate::common::length::cases;

fn versions() -> impl Strategy<Value = &'static str> {
    prop::sample::select(vec!["v1", "v2", "v3", "v4"])
}

fn lines() -> impl Strategy<Value = String> {
    let triggers = prop::sample::select(vec![
        "worse-than-reference",
        "accuracy-drop",
        "error-rate",
        "mean-latency",
        "feature-drift feature=f",
    ]);
    let verdicts =
        prop::sample::select(vec!["breach", "breach", "breach", "healthy", "systemic", "stale"]);
    let assess = (versions(), triggers, verdicts, versions(), any::<bool>()).prop_map(
        |(version, trigger, verdict, better, closed)| {
            let (trigger, feature) = trigger.split_once(' ').unwrap_or((trigger, ""));
            let closed = match (closed, trigger) {
                (false, _) => String::new(),
                (true, "worse-than-reference") => format!("pair={better}:400/5/5"),
                (true, "mean-latency") => "mean=400/90000".to_owned(),
                (true, _) => "closed=400/10".to_owned(),
            };
            format!("assess {version} {trigger} {verdict} better={better} {feature} {closed}")
        },
    );
    let targets = || prop::sample::select(vec!["router", "registry", "notice"]);
    let fact = (prop::sample::select(vec!["registry", "router"]), versions()).prop_map(
        |(target, version)| format!("fact {target} production={version} versions=v4,v3*,v2*,v1"),
    );
    let traffic = (versions(), 0..40u32, versions(), any::<bool>(), 1..8u32).prop_map(
        |(a, n, b, stated, times)| match stated {
            true => format!("traffic {a}={n} {b}=1 x{times}"),
            false => format!("traffic {a}=~{n} x{times}"),
        },
    );
    let outcomes =
        prop::sample::select(vec!["done", "done", "done", "failed", "unknown", "refused"]);
    let answer = (targets(), outcomes, prop::sample::select(WORDS.to_vec()))
        .prop_map(|(target, outcome, word)| format!("answer {target} {outcome} {word}"));
    let asks = prop::sample::select(vec![
        "rollback",
        "abort",
        "approve",
        "approve",
        "mode act",
        "mode recommend",
        "mode all act",
        "freeze",
        "unfreeze",
        "freeze all",
        "unfreeze all",
        "id=same abort",
    ]);
    let about =
        prop::sample::select(vec!["rollback", "promoted", "vouch", "quarantine", "release"]);
    let ask = prop_oneof![
        asks.prop_map(|ask| format!("ask {ask}")),
        (about, versions()).prop_map(|(ask, version)| format!("ask {ask} {version}")),
    ];
    let time = prop::sample::select(vec!["+1s", "+10s", "+1m", "+10m", "+1h", "+25h", "+8d"]);
    let most = (1..=STORY.len()).prop_map(|n| STORY[..n].join(";"));
    prop_oneof![
        1 => most,
        6 => assess,
        2 => fact,
        4 => traffic,
        6 => answer,
        2 => ask,
        3 => time.prop_map(str::to_owned),
    ]
}

const WORDS: [&str; 6] =
    ["", "", "code=expired", "old", "fence=4294967296", "fence=18446744073709551615"];

/// Pure chance seldom goes the whole way, so the start of a good story is one of the lines.
const STORY: [&str; 9] = [
    "ask mode act",
    "ask unfreeze all;ask unfreeze",
    "fact registry production=v4 versions=v4,v3*,v2*,v1",
    "assess v4 error-rate breach better=v3 better=v2",
    "answer router done",
    "answer registry done",
    "traffic v3=30;traffic v2=30",
    "+2h",
    "assess v3 error-rate healthy closed=600/9;assess v2 error-rate healthy closed=600/9",
];

fn rules() -> impl Strategy<Value = String> {
    let targets = prop::sample::select(vec!["registry", "router,registry,notice", "notice"]);
    (targets, 1..4u32, any::<bool>()).prop_map(|(targets, max, both)| {
        let authority = if both { "registry,router" } else { "registry" };
        format!("rules mode=act targets={targets} authority={authority} max={max}")
    })
}

/// What must hold after every line.
struct Watch {
    generations: BTreeMap<String, u64>,
    newest: u64,
}

impl Watch {
    fn holds(&mut self, world: &World, new: &[Output]) {
        let incidents: Vec<&Incident> = world.undo.incidents().collect();
        let under_way = incidents.iter().filter(|i| i.state == IncidentState::Mitigating).count();
        assert!(under_way <= 1, "{under_way} rollbacks are under way for one model");
        for incident in &incidents {
            sound(incident);
        }
        let recorded: BTreeSet<&str> =
            world.incidents.values().map(|incident| incident.id.as_str()).collect();
        for output in new {
            match output {
                Output::Incident(incident) => self.grows(incident),
                Output::Command(command) => {
                    assert!(recorded.contains(command.incident.as_str()), "no incident");
                    if let Want::Production { version, instead_of } = &command.want {
                        assert_ne!(version, instead_of);
                        assert!(command.expires_at > command.issued_at, "void when issued");
                    }
                }
                Output::Ruling(_) | Output::Reply(_) => {}
            }
        }
        if under_way == 1 {
            let wakeup = world.undo.next_wakeup().expect("a rollback has a deadline");
            assert!(wakeup > world.log, "a deadline was missed");
        }
    }

    fn grows(&mut self, incident: &Incident) {
        let Some(generation) = incident.generation else { return };
        let known = self.generations.insert(incident.id.to_string(), generation);
        if known != Some(generation) {
            assert!(generation > self.newest, "generation {generation} was used before");
            self.newest = generation;
        }
    }
}

fn sound(incident: &Incident) {
    let (proof, state) = (incident.proof, incident.state);
    match state {
        IncidentState::Mitigated | IncidentState::MitigatedUnverified => {
            assert_eq!(proof, Some(Proof::L3));
            assert!(incident.mitigated_at.is_some());
        }
        IncidentState::Verified => {
            assert_eq!(proof, Some(Proof::L4));
            assert!(incident.verified_at >= incident.mitigated_at);
        }
        IncidentState::Mitigating => {
            assert!(!incident.plan.is_empty() && incident.to.is_some());
            let done = |step: &ripcord::model::Step| step.outcome == Some(StepResult::Done);
            assert!(incident.switched_at.is_none() || incident.plan.iter().any(done));
        }
        IncidentState::Open
        | IncidentState::Frozen
        | IncidentState::Stuck
        | IncidentState::Resolved => {}
    }
    assert!(!incident.because.is_empty(), "{incident:?} says nothing");
    assert_ne!(incident.to.as_ref(), Some(&incident.version));
    assert_eq!(incident.closed_at.is_some(), state == IncidentState::Resolved);
}

/// What a person is told to type is taken by Ripcord at that moment.
fn accepted(world: &World, next: &str) {
    let words: Vec<&str> = next.split(' ').collect();
    let scope = || Scope::Model(model());
    let ask = match (words[0], words[1], &words[2..]) {
        ("ripcord", "approve", ["m"]) => Ask::Approve { model: model() },
        ("ripcord", "unfreeze", ["m"]) => Ask::Unfreeze { scope: scope() },
        ("ripcord", "unfreeze", ["--all"]) => Ask::Unfreeze { scope: Scope::All },
        ("ripcord", "vouch", ["m", of]) => Ask::Vouch { model: model(), version: version(of) },
        ("ripcord", "release", ["m", of]) => Ask::Release { model: model(), version: version(of) },
        ("ripcord", "rollback", ["m", "--to", to, "--reason", "'…'"]) => {
            Ask::Rollback { model: model(), to: Some(version(to)) }
        }
        ("ripcord", "status", ["m"]) | ("ripcord", "promoted", ["m", "VERSION"]) => return,
        _ => panic!("no such command: {next}"),
    };
    let (id, by, reason) = ("next".to_owned(), "ann".to_owned(), "told so".to_owned());
    let instruction = Instruction { id, by, reason, ask };
    let now = Moment { log: world.log, event: world.event, reply_to: 0 };
    let (mut undo, mut out) = (world.undo.clone(), Vec::new());
    undo.step(now, &world.rules, Input::Instruction(&instruction), &mut out);
    let reply = out.iter().find_map(|output| match output {
        Output::Reply(reply) => Some(reply),
        Output::Command(_) | Output::Incident(_) | Output::Ruling(_) => None,
    });
    let reply = reply.expect("an instruction is answered");
    assert!(reply.accepted, "{next}: {}", reply.detail);
}

fn said(rules: &str, lines: &[String], forgetful: bool) -> Vec<Output> {
    let mut world = World::new();
    world.forgetful = forgetful;
    world.line(rules);
    let mut watch = Watch { generations: BTreeMap::new(), newest: 0 };
    for line in lines.iter().flat_map(|line| line.split(';')) {
        let asked_nobody = line.strip_prefix("answer ").is_some_and(|rest| {
            let target = rest.split(' ').next().unwrap();
            !world.commands.iter().any(|command| command.target.as_str() == target)
        });
        if asked_nobody {
            continue;
        }
        let from = world.outputs.len();
        world.line(line);
        let new = world.outputs[from..].to_vec();
        watch.holds(&world, &new);
        for output in &new {
            if let Output::Incident(incident) = output
                && world.incidents[incident.id.as_str()] == *incident
                && let Some(next) = &incident.next
            {
                accepted(&world, next);
            }
        }
    }
    world.outputs
}

proptest! {
    #![proptest_config(ProptestConfig { cases: cases(200), ..ProptestConfig::default() })]

    #[test]
    fn whatever_comes(rules in rules(), lines in prop::collection::vec(lines(), 1..120)) {
        let once = said(&rules, &lines, false);
        prop_assert_eq!(&once, &said(&rules, &lines, false));
        prop_assert_eq!(&once, &said(&rules, &lines, true));
    }
}

/// The random worlds must reach what they are to guard.
#[test]
fn random_worlds_reach_every_state() {
    use proptest::strategy::ValueTree as _;
    let mut runner = proptest::test_runner::TestRunner::deterministic();
    let mut reached = BTreeSet::new();
    for _ in 0..600 {
        let rules = rules().new_tree(&mut runner).unwrap().current();
        let lines = prop::collection::vec(lines(), 100).new_tree(&mut runner).unwrap().current();
        for output in said(&rules, &lines, false) {
            if let Output::Incident(incident) = output {
                reached.insert(incident.state);
            }
        }
    }
    assert_eq!(reached.len(), 8, "only {reached:?}");
}

#[test]
fn memory_is_bounded_whatever_is_said() {
    let mut world = World::new();
    world.line("rules targets=registry");
    world.line("fact registry production=v0 versions=v0");
    for n in 0..600 {
        world.line(&format!("assess v0 feature-drift breach feature=f{n}"));
        world.line(&format!("traffic w{n}=1"));
        world.line(&format!("ask vouch w{n}"));
        world.line(&format!("assess w{n} error-rate breach"));
        world.line(&format!("assess w{n} error-rate healthy"));
    }
    assert!(world.undo.incidents().count() <= 64 + 32);
    let standing = world.undo.standing(&model());
    assert!(standing.versions.len() <= 257, "{}", standing.versions.len());
}
