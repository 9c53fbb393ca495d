//! Two models on the Elec2 electricity stream: the one that learns on stays, the one that was
//! frozen goes. Its rows say neither `type` nor `request`; a mapping does.

#![expect(clippy::unwrap_used, reason = "tests")]

use std::collections::BTreeSet;

use ripcord::model::{Incident, Verdict, VersionId};
use ripcord::replay::Replayed;
use ripcord::shard::Output;

use crate::common::decoded::mapped;
use crate::common::files;
use crate::common::replay::{self, decisions, line, summary};

const LEARNS: &str = "v7-online-lr";
const FROZEN: &str = "v8-hgb-frozen";
/// When live traffic showed the switch, and when the statistic did.
/// What is decided with each of them in production. A change of it is a change of decisions: say
/// in the commit which and why.
const DECIDED_OF_LEARNS: &str = "860e0c1d6465b0ddb7854eb476ea70a12f628502499ec4955c30e37c098e3453";
const DECIDED_OF_FROZEN: &str = "b91e8301ce4bb67d4b4f8caa813349fdf657bce16684617535c45c5fa86bf99e";
const DAYS: (&str, &str) = ("1996-11-21", "1996-12-02");

fn run(production: &str, previous: &str) -> Option<Replayed> {
    let file = files::shared("elec2_telemetry.jsonl.gz")?;
    let mut elec2 = replay::of(&file);
    elec2.source.topics[0].mapping = Some(mapped(serde_json::json!({
        "type": "prediction",
        "fields": { "id": "/prediction_id", "request": "/ts" },
    })));
    let version = |name| VersionId::new(name).unwrap();
    elec2.versions = Some((version(production), Some(version(previous))));
    Some(elec2.run(|_| {}).unwrap())
}

/// What was said of the version in production when it was not healthy.
fn told(replayed: &Replayed, version: &str) -> String {
    let of = decisions(replayed).into_iter().filter(|decision| {
        decision.assessment.version.as_str() == version
            && decision.assessment.feature.is_none()
            && !matches!(decision.assessment.verdict, Verdict::Healthy)
    });
    of.map(line).collect::<Vec<_>>().join("\n")
}

/// Every record of an incident, in order.
fn incidents(replayed: &Replayed) -> impl Iterator<Item = &Incident> {
    replayed.outputs.iter().filter_map(|output| match output {
        Output::Incident(incident) => Some(&**incident),
        Output::Command(_) | Output::Decision(_) | Output::Reply(_) => None,
    })
}

#[test]
fn the_model_that_learns_is_never_rolled_back() {
    let Some(replayed) = run(LEARNS, FROZEN) else { return };
    let summary = summary(&replayed);
    assert_eq!(summary["records"]["measured"], 73_344);
    assert_eq!(summary["decisions_hash"], DECIDED_OF_LEARNS);
    assert_eq!(summary["rollbacks"], serde_json::json!([]), "{}", told(&replayed, LEARNS));
    let model = &summary["models"]["elec2-price-direction"];
    assert_eq!(model["production_at_end"], LEARNS);
    let served = model["accuracy_served"].as_f64().unwrap();
    assert!((served - 0.8603).abs() < 5e-5, "{served}");
}

#[test]
fn the_frozen_model_is_rolled_back_by_july_1997() {
    let Some(replayed) = run(FROZEN, LEARNS) else { return };
    let summary = summary(&replayed);
    println!("{:#}", summary["rollbacks"]);
    println!("{:#}", summary["models"]);
    let told = told(&replayed, FROZEN);
    let rollbacks = summary["rollbacks"].as_array().unwrap();
    let first = rollbacks.first().unwrap_or_else(|| panic!("no rollback:\n{told}"));
    assert_eq!((&first["from"], &first["to"]), (&FROZEN.into(), &LEARNS.into()));
    let decided = first["decided_at"].as_str().unwrap();
    assert!(decided < "1997-07-01", "{decided}\n{told}");
    assert_eq!(summary["decisions_hash"], DECIDED_OF_FROZEN);
    // After it the model that learns stays: there is no way back to the one that fell.
    assert_eq!(rollbacks.len(), 1, "{rollbacks:#?}");
    // 500 samples take ten days, three more than the statistic has: it is given its time again.
    assert_eq!((&first["outcome"], &first["proof"]), (&"verified".into(), &"L4".into()));
    let day = |at: &str| first[at].as_str().unwrap()[..10].to_owned();
    assert_eq!((day("mitigated_at").as_str(), day("verified_at").as_str()), DAYS);
    let prolonged: BTreeSet<_> = incidents(&replayed)
        .filter_map(|incident| Some(incident.because.split_once(" (extension ")?.1))
        .collect();
    assert_eq!(prolonged.into_iter().collect::<Vec<_>>(), ["1 of 3)."]);
    let model = &summary["models"]["elec2-price-direction"];
    assert_eq!(model["production_at_end"], LEARNS);
    let served = model["accuracy_served"].as_f64().unwrap();
    assert!(served > 0.83 && served < 0.87, "{served}");
}
