//! Inboxes nobody would write: any records, in any order.

use std::collections::BTreeMap;

use proptest::prelude::*;
use ripcord::config::Config;
use ripcord::model::{
    Ask, CommandResult, EventTime, Fact, FeatureName, Instruction, LaneId, LogTime, Mode, ModelId,
    SampleRole, Scope, SourceId, Span, Stage, StepResult, TargetId, TargetRule, VersionFact,
    VersionId,
};
use ripcord::shard::{Inbox, Output, Shard};
use ripcord::sums::{
    Counters, Counts, FeatureGrids, FeaturesOf, FeaturesPartial, Frame, Grid, Latency, PairPartial,
    PairTable, VersionPartial, VersionSums,
};

use super::{Entry, fold, same_every_way};
use crate::common::length::cases;

const START: i64 = 1_767_225_600_000;
const PANE: Span = Span::from_s(60);

fn model() -> ModelId {
    ModelId::new("m").unwrap()
}

fn version() -> impl Strategy<Value = VersionId> {
    prop::sample::select(vec!["v1", "v2", "v3"]).prop_map(|name| VersionId::new(name).unwrap())
}

fn lane() -> impl Strategy<Value = LaneId> {
    (0..3_u32).prop_map(|lane| LaneId { source: SourceId::new("s").unwrap(), lane })
}

fn counts() -> impl Strategy<Value = Counts> {
    (0..400_u64, 0..100_u64).prop_map(|(n, share)| Counts { n, bad: n * share / 100 })
}

fn sums() -> impl Strategy<Value = (VersionSums, FeatureGrids)> {
    (counts(), counts(), 0..60_000_000_u64, 0..100_u32).prop_map(|(answers, labels, us, input)| {
        let mut latency = Latency::default();
        (0..answers.n.min(5)).for_each(|_| latency.record(us));
        let mut grid = Grid::default();
        (0..answers.n).for_each(|_| grid.number(f64::from(input)));
        let sums = VersionSums {
            answers,
            labels,
            latency: Some(Box::new(latency)),
            ..VersionSums::default()
        };
        (sums, BTreeMap::from([(FeatureName::new("f").unwrap(), grid)]))
    })
}

/// A frame whose panes lie around the given minute.
fn frame() -> impl Strategy<Value = (u32, Frame)> {
    let role =
        prop::sample::select(vec![SampleRole::Live, SampleRole::Shadow, SampleRole::Unstated]);
    let versions = prop::collection::vec((version(), role, sums(), 0..3_i64), 0..4);
    let pairs = prop::collection::vec((counts(), counts(), 0..3_i64), 0..2);
    let said = (any::<bool>(), prop::bool::weighted(0.2));
    (lane(), 0..3_u64, 0..4_u32, said, versions, pairs, 0..20_i64).prop_map(
        |(lane, epoch, skip, (idle, more), versions, pairs, jump)| {
            let pane = |back: i64| EventTime::from_ms(-back * PANE.as_ms());
            let mut features = Vec::new();
            let cell = |(version, role, (sums, inputs), back): (VersionId, _, _, _)| {
                features.push(FeaturesPartial {
                    pane: pane(back),
                    model: model(),
                    of: FeaturesOf::Version(version.clone(), role),
                    features: inputs,
                });
                VersionPartial { pane: pane(back), model: model(), version, role, sums }
            };
            let versions = versions.into_iter().map(cell).collect();
            let pair = |(x, y, back): (Counts, Counts, i64)| {
                let table = PairTable {
                    both: x.n - x.bad,
                    only_a: x.bad,
                    only_b: y.bad,
                    neither: y.n - y.bad,
                };
                let [a, b] = ["v2", "v3"].map(|name| VersionId::new(name).unwrap());
                PairPartial { pane: pane(back), model: model(), a, b, table }
            };
            let frame = Frame {
                lane,
                epoch,
                positions: vec![(jump, jump + 1)],
                watermark: pane(0),
                newest: pane(0) + Span::from_s(jump),
                idle,
                warm: 1.0,
                counters: Counters::default(),
                versions,
                pairs: pairs.into_iter().map(pair).collect(),
                features,
                unknown: Vec::new(),
                skews: Vec::new(),
                more,
            };
            (skip * skip * skip, frame)
        },
    )
}

fn ask() -> impl Strategy<Value = Ask> {
    let model = model();
    prop_oneof![
        version().prop_map(|to| Ask::Rollback { model: self::model(), to: Some(to) }),
        Just(Ask::Rollback { model: model.clone(), to: None }),
        Just(Ask::Abort { model: model.clone() }),
        Just(Ask::Approve { model }),
        Just(Ask::Mode { scope: Scope::All, mode: Mode::Recommend }),
        Just(Ask::Freeze { scope: Scope::All }),
        Just(Ask::Unfreeze { scope: Scope::All }),
        version().prop_map(|version| Ask::Vouch { model: self::model(), version }),
        version().prop_map(|version| Ask::Quarantine { model: self::model(), version }),
        version().prop_map(|version| Ask::Release { model: self::model(), version }),
        version().prop_map(|version| Ask::Promoted { model: self::model(), version }),
    ]
}

fn fact() -> impl Strategy<Value = Inbox> {
    (version(), any::<bool>()).prop_map(|(production, proven_good)| {
        let names = ["v3", "v2", "v1"].map(|name| VersionId::new(name).unwrap());
        let versions = names.into_iter().map(|version| VersionFact {
            version,
            archived: false,
            proven_good,
            artifact_present: None,
            created_at: None,
            baselines: BTreeMap::new(),
        });
        Inbox::Fact(Fact {
            routes: BTreeMap::new(),
            model: model(),
            target: TargetId::new("registry").unwrap(),
            production: Some(production),
            versions: versions.collect(),
            generation: 0,
        })
    })
}

/// A step: minutes that pass, and what comes.
#[derive(Debug, Clone)]
#[expect(clippy::large_enum_variant, reason = "a test makes few of them")]
enum Step {
    Record(u32, Inbox),
    /// The worker says so of the last command.
    Answered(StepResult),
}

fn step() -> impl Strategy<Value = Step> {
    let outcome = prop::sample::select(vec![
        StepResult::Done,
        StepResult::Done,
        StepResult::Failed,
        StepResult::Unknown,
        StepResult::Refused,
    ]);
    let instruction = (ask(), 0..50_u32).prop_map(|(ask, id)| {
        let (by, reason) = ("ada".to_owned(), "why not".to_owned());
        Inbox::Instruction(Instruction { id: id.to_string(), by, reason, ask })
    });
    prop_oneof![
        12 => frame().prop_map(|(skip, frame)| Step::Record(skip, Inbox::Frame(frame))),
        1 => (lane(), 0..4_u64)
            .prop_map(|(lane, epoch)| Step::Record(0, Inbox::Claim { lane, epoch })),
        1 => prop::collection::vec(lane(), 0..3).prop_map(|lanes| {
            Step::Record(0, Inbox::Heartbeat { process: "p".to_owned(), lanes })
        }),
        1 => fact().prop_map(|fact| Step::Record(0, fact)),
        2 => instruction.prop_map(|ask| Step::Record(0, ask)),
        2 => (0..120_u32).prop_map(|skip| Step::Record(skip, Inbox::Tick)),
        3 => outcome.prop_map(Step::Answered),
    ]
}

/// Puts steps on the clock, with the answers to what the shard asked for.
fn inbox(steps: Vec<Step>) -> Vec<Entry> {
    let mut book = Config::load(&[], &BTreeMap::new()).unwrap().rules;
    book.revision = 1;
    book.default.mode = Mode::Act;
    let id = TargetId::new("registry").unwrap();
    book.default.targets = vec![TargetRule { id, stage: Stage::Registry, authority: true }];
    book.default.triggers.iter_mut().for_each(|trigger| trigger.bucket = PANE);
    let mut now = LogTime::from_ms(START);
    let source = SourceId::new("s").unwrap();
    let mut entries = vec![
        (now, Inbox::Format { shards: 1 }),
        (now, Inbox::Rules(book)),
        (
            now,
            Inbox::Source {
                source,
                topics: vec!["t".to_owned()],
                lanes: 3,
                pane: PANE,
                known: Vec::new(),
            },
        ),
    ];
    let mut shard = Shard::new(0, 1);
    let mut commands = Vec::new();
    let mut folded = 0;
    for step in steps {
        for output in fold(&mut shard, &entries[folded..], false).into_iter().flatten() {
            if let Output::Command(command) = output {
                commands.push(command);
            }
        }
        folded = entries.len();
        match step {
            Step::Record(minutes, mut record) => {
                now = now + Span::from_s(i64::from(minutes) * 60 + 5);
                if let Inbox::Frame(frame) = &mut record {
                    let place =
                        |at: EventTime| EventTime::from_ms(now.as_ms() + at.as_ms()).floor(PANE);
                    frame.watermark = place(frame.watermark);
                    frame.newest = EventTime::from_ms(now.as_ms() + frame.newest.as_ms());
                    frame.versions.iter_mut().for_each(|cell| cell.pane = place(cell.pane));
                    frame.pairs.iter_mut().for_each(|cell| cell.pane = place(cell.pane));
                }
                entries.push((now, record));
            }
            Step::Answered(outcome) => {
                let Some(command) = commands.last() else { continue };
                entries.push((
                    now,
                    Inbox::Answer(CommandResult {
                        command: command.id.clone(),
                        incident: command.incident.clone(),
                        model: command.model.clone(),
                        target: command.target.clone(),
                        outcome,
                        proof: None,
                        detail: "so it went".to_owned(),
                        code: None,
                        fence: None,
                        took_us: None,
                    }),
                ));
            }
        }
    }
    entries
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: cases(24), failure_persistence: None, ..ProptestConfig::default()
    })]

    #[test]
    fn random_inboxes_fold_the_same_every_way(
        steps in prop::collection::vec(step(), 1..120),
        sizes in prop::collection::vec(1..40_usize, 1..6),
    ) {
        let entries = inbox(steps);
        let outputs = same_every_way(&Shard::new(0, 1), &entries);
        let in_batches = super::fold_in_batches(&mut Shard::new(0, 1), &entries, &sizes);
        assert_eq!(in_batches, outputs.concat(), "in batches of {sizes:?} it differs");
    }
}

#[test]
fn an_inbox_made_for_another_number_of_shards_is_refused_and_changes_nothing() {
    let mut shard = Shard::new(0, 1);
    let fresh = shard.clone();
    let mut out = Vec::new();
    let refused = shard.step(0, LogTime::from_ms(START), &Inbox::Format { shards: 8 }, &mut out);
    assert!(refused.unwrap_err().to_string().contains("log.shards = 8"));
    assert_eq!(shard, fresh);
}
