//! The flights recording: the story that the README tells through the binary, and what would
//! have happened had the world been otherwise.
//!
//! Over 300 lines: one recording, and each line of the claim about it.

#![expect(clippy::unwrap_used, reason = "tests")]

use std::process::{Child, Command, Stdio};

use ripcord::judge::design::Moments;
use ripcord::judge::edetector::EDetector;
use ripcord::judge::tally;
use ripcord::model::{Limit, Span, Statistic, Verdict, VersionId};
use ripcord::replay::Replayed;
use ripcord::sums::Evidence;
use serde_json::Value as Json;

use crate::common::files::{in_tree, lines};
use crate::common::length::whole;
use crate::common::random::Random;
use crate::common::replay::{self, FLIGHTS, REGISTRY, decisions, line, summary};

const FAULT: &str = "2013-06-20T06:00:00Z";

/// What is decided on this recording, with the shipped registry. A change of it is a change of
/// decisions: say in the commit which and why. It is never blind.
const DECIDED: &str = "6e286d0c8ad195554ec03c7c8e0f6bed71b59512b2ec1bb37a122a45d6e3e55b";
/// The same with `--production v2 --previous v3`.
const DECIDED_OF_V2: &str = "74390bda8b8ee1b1e86c2daa6f67e78b99a126beb2f5683591a2c81bcad65629";

fn started(args: &[&str]) -> Child {
    Command::new(env!("CARGO_BIN_EXE_ripcord"))
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .args(args)
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap()
}

#[test]
fn v3_is_rolled_back_once_and_verified_and_three_replays_are_the_same_bytes() {
    let args = ["replay", FLIGHTS, "--registry", REGISTRY, "--json"];
    let children = [started(&args), started(&args), started(&args)];
    let printed = children.map(|child| {
        let output = child.wait_with_output().unwrap();
        let errors = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{errors}");
        output.stdout
    });
    let [first, second, third] = &printed;
    let summary: Json = serde_json::from_slice(first).unwrap();
    let rollbacks = summary["rollbacks"].as_array().unwrap();
    assert_eq!(rollbacks.len(), 1, "{rollbacks:#?}");
    let rollback = &rollbacks[0];
    assert_eq!((&rollback["from"], &rollback["to"]), (&"v3".into(), &"v2".into()));
    assert_eq!((&rollback["outcome"], &rollback["proof"]), (&"verified".into(), &"L4".into()));
    let decided = rollback["decided_at"].as_str().unwrap();
    assert!((FAULT.."2013-06-25T06:00:00Z").contains(&decided), "{decided}");
    let trigger = rollback["trigger"].as_str().unwrap();
    assert!(["worse-than-reference", "accuracy-drop"].contains(&trigger), "{trigger}");

    let records = &summary["records"];
    assert_eq!((&records["read"], &records["measured"]), (&98_991.into(), &98_991.into()));
    let model = &summary["models"]["flight-delay"];
    assert_eq!(model["production_at_end"], "v2");
    assert_eq!(model["versions"]["v3"]["quarantined"], true);
    assert_eq!(model["versions"]["v3"]["role"], "shadow", "its answers go on, to nobody");
    let served = model["accuracy_served"].as_f64().unwrap();
    let without = model["accuracy_without"].as_f64().unwrap();
    assert!(served > 0.88 && without < 0.84, "{served} {without}");

    storms_and_drift_are_told_as_what_they_are(&summary);
    assert_eq!(summary["would_have"], serde_json::json!([]), "what was done was not wished");

    // The hashes are over every command, incident and decision: their bytes, and what they decide.
    assert_eq!(summary["outputs_hash"].as_str().map(str::len), Some(64));
    assert_eq!(summary["decisions_hash"], DECIDED);
    assert_eq!(second, first, "a second replay differs");
    assert_eq!(third, first, "a third replay differs");
}

fn storms_and_drift_are_told_as_what_they_are(summary: &Json) {
    let incidents = summary["incidents"].as_array().unwrap();
    let of = |trigger: &str, verdict: &str, day: &str| {
        let mut of = incidents.iter().filter(|i| i["trigger"] == trigger);
        of.any(|i| i["verdict"] == verdict && i["opened_at"].as_str().unwrap().starts_with(day))
    };
    for day in ["2013-06-13", "2013-06-17", "2013-06-18", "2013-06-19"] {
        for trigger in ["accuracy-drop", "worse-than-reference", "error-rate", "mean-latency"] {
            assert!(!of(trigger, "breach", day), "{trigger} on {day}: {incidents:#?}");
        }
    }
    assert!(of("accuracy-drop", "systemic", "2013-06-13"), "{incidents:#?}");
    let drifts = incidents.iter().filter(|i| {
        i["feature"] == "dep_delay" && i["verdict"] == "breach" && i["version"] == "v3"
    });
    let opened: Vec<_> = drifts.map(|i| i["opened_at"].as_str().unwrap()).collect();
    assert!((FAULT.."2013-06-21T00:00:00Z").contains(opened.first().unwrap()), "{opened:?}");
}

#[test]
fn in_observe_mode_it_is_told_what_would_have_been_done() {
    let args = ["replay", FLIGHTS, "--registry", REGISTRY, "--json", "--mode", "observe"];
    let output = started(&args).wait_with_output().unwrap();
    let summary: Json = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(
        (&summary["mode"], &summary["rollbacks"]),
        (&"observe".into(), &Json::Array(Vec::new()))
    );
    // Nobody takes v3 back, so its breaches go on.
    let wishes = summary["would_have"].as_array().unwrap();
    assert!(wishes.iter().all(|w| w["from"] == "v3" && w["to"] == "v2"), "{wishes:#?}");
    assert_eq!(wishes[0]["trigger"], "accuracy-drop");
    let opened = wishes[0]["opened_at"].as_str().unwrap();
    assert!((FAULT.."2013-06-25T06:00:00Z").contains(&opened), "{opened}");
    let model = &summary["models"]["flight-delay"];
    assert_eq!(model["production_at_end"], "v3");
    assert_eq!(model["accuracy_served"], model["accuracy_without"]);
}

fn flights() -> Replayed {
    let mut flights = replay::of(&in_tree(FLIGHTS));
    flights.registry = replay::registry(&replay::flights_registry());
    flights.run(|_| {}).unwrap()
}

/// One run serves all: what was said on the way to the rollback.
#[test]
fn every_verdict_on_the_way_is_right_and_can_be_computed_again() {
    let replayed = flights();
    let decisions = decisions(&replayed);
    common_causes_are_no_breach(&decisions);
    drift_is_blamed_on_v3_after_the_fault_and_on_nobody_before(&decisions);
    the_evidence_gives_its_statistic_again(&decisions);
}

type Decisions<'a> = [&'a ripcord::shard::Decision];

fn common_causes_are_no_breach(decisions: &Decisions<'_>) {
    for day in ["2013-06-13", "2013-06-17", "2013-06-18", "2013-06-19"] {
        let wrong = decisions.iter().filter(|decision| {
            let a = &decision.assessment;
            a.verdict == Verdict::Breach
                && a.version.as_str() == "v3"
                && a.at.to_string().starts_with(day)
                && a.feature.is_none()
        });
        let wrong: Vec<_> = wrong.map(|decision| line(decision)).collect();
        assert_eq!(wrong, Vec::<String>::new(), "on {day}");
    }
    // The storm was seen, and told as what it is.
    let told = decisions.iter().any(|decision| {
        let a = &decision.assessment;
        a.verdict == Verdict::Systemic
            && a.trigger.as_str() == "accuracy-drop"
            && a.version.as_str() == "v3"
            && a.at.to_string().starts_with("2013-06-13")
    });
    assert!(told, "the storm of June 13 was not told as a common cause");
}

fn drift_is_blamed_on_v3_after_the_fault_and_on_nobody_before(decisions: &Decisions<'_>) {
    let of_delay = |decision: &&&ripcord::shard::Decision| {
        decision.assessment.feature.as_ref().is_some_and(|f| f.as_str() == "dep_delay")
    };
    let alerts = decisions
        .iter()
        .filter(of_delay)
        .filter(|decision| matches!(decision.assessment.verdict, Verdict::Breach));
    let (mut blamed, mut wrong) = (Vec::new(), Vec::new());
    for alert in alerts {
        let a = &alert.assessment;
        let at = a.at.to_string();
        if a.version.as_str() == "v3" && at.as_str() >= FAULT {
            blamed.push(at);
        } else {
            wrong.push(line(alert));
        }
    }
    assert_eq!(wrong, Vec::<String>::new(), "before the fault, or on v2");
    let first = blamed.first().unwrap();
    assert!(first.as_str() < "2013-06-21T00:00:00Z", "{blamed:?}");
}

/// The statistic of a piece of evidence, computed from nothing but itself.
fn recompute(evidence: &Evidence) -> Option<f64> {
    let null = evidence.null?;
    if matches!(evidence.rule, Statistic::Window { .. }) {
        let mut sums = Moments::default();
        evidence.buckets.iter().for_each(|bucket| sums.add(tally::moments(&bucket.tally)));
        return sums.mean();
    }
    let mut detector = EDetector::from_carried(&evidence.before);
    for bucket in &evidence.buckets {
        let growth = tally::growth(null, &bucket.tally, bucket.lost);
        detector.update(bucket.start, &growth, bucket.design_effect, evidence.threshold);
    }
    Some(detector.statistic())
}

fn the_evidence_gives_its_statistic_again(decisions: &Decisions<'_>) {
    let mut computed = 0;
    for decision in decisions {
        let evidence = &decision.assessment.evidence;
        if evidence.buckets.is_empty() {
            continue;
        }
        let again = recompute(evidence).unwrap();
        let off = (again - evidence.statistic).abs() / evidence.statistic.abs().max(1e-300);
        assert!(off <= 1e-9, "{again} for {}: {}", evidence.statistic, line(decision));
        computed += 1;
    }
    assert!(computed > 10, "only {computed} decisions had evidence");
}

fn telemetry() -> Vec<String> {
    lines(&in_tree(FLIGHTS))
}

fn ts(line: &str) -> chrono::DateTime<chrono::Utc> {
    let (_, rest) = line.split_once(r#""ts":""#).unwrap();
    rest.split_once('"').unwrap().0.parse().unwrap()
}

/// Ten orders in which records may arrive within an hour of their time: the same rollback. In
/// debug two of them, unless `RIPCORD_LONG` is set; the recording ends a day after the rollback.
#[test]
fn the_order_of_arrival_changes_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let until = "2013-06-25T06:00:00Z".parse::<chrono::DateTime<chrono::Utc>>().unwrap();
    let lines: Vec<_> = telemetry().into_iter().filter(|line| ts(line) < until).collect();
    let run = |name: &str, lines: &[String]| {
        let file = replay::write(folder.path(), name, lines);
        let mut flights = replay::of(&file);
        flights.registry = replay::registry(&replay::flights_registry());
        flights.source.topics[0].allowed_disorder = Span::from_s(3600);
        let summary = summary(&flights.run(|_| {}).unwrap());
        assert_eq!(summary["records"]["late"], 0, "{name}");
        assert_eq!(summary["records"]["measured"], lines.len(), "{name}");
        let rollbacks = summary["rollbacks"].as_array().unwrap();
        let told = ["from", "to", "trigger", "breach_from"];
        rollbacks.iter().map(|r| told.map(|key| r[key].clone())).collect::<Vec<_>>()
    };
    let in_order = run("in-order", &lines);
    assert_eq!(in_order.len(), 1, "{in_order:?}");
    let seeds = 1..=if whole() { 10 } else { 2 };
    println!("seeds {seeds:?}: {in_order:?}");
    for seed in seeds {
        let mut random = Random::new(seed);
        let mut arrivals: Vec<_> = lines
            .iter()
            .map(|line| (ts(line).timestamp_millis() + (random.share() * 3.6e6) as i64, line))
            .collect();
        arrivals.sort_by_key(|(arrival, _)| *arrival);
        let lines: Vec<_> = arrivals.into_iter().map(|(_, line)| line.clone()).collect();
        assert_eq!(run(&format!("seed-{seed}"), &lines), in_order, "seed {seed}");
    }
}

/// The shipped registry with other words in some places.
fn registry_with(change: impl Fn(&str, &mut Json)) -> String {
    let mut registry: Json = serde_json::from_str(&replay::flights_registry()).unwrap();
    for entry in registry["models"].as_array_mut().unwrap() {
        let version = entry["version"].as_str().unwrap().to_owned();
        change(&version, entry);
    }
    registry.to_string()
}

#[test]
fn v2_in_production_is_never_rolled_back() {
    let mut flights = replay::of(&in_tree(FLIGHTS));
    // v3 is vouched for, so that a rollback would have somewhere to go.
    flights.registry = replay::registry(&registry_with(|version, entry| {
        entry["is_production"] = (version == "v2").into();
        entry["proven_good"] = true.into();
    }));
    let replayed = flights.run(|_| {}).unwrap();
    let summary = summary(&replayed);
    let told: Vec<_> = decisions(&replayed).into_iter().map(line).collect();
    let told: Vec<_> = told.iter().filter(|line| line.contains("v2 accuracy")).collect();
    assert_eq!(summary["rollbacks"], serde_json::json!([]), "{told:#?}");
    let model = &summary["models"]["flight-delay"];
    assert_eq!(model["production_at_end"], "v2");
    assert_eq!(model["accuracy_served"], model["accuracy_without"]);
}

#[test]
fn what_is_decided_with_v2_in_production_stays_the_same() {
    let mut flights = replay::of(&in_tree(FLIGHTS));
    let version = |name| VersionId::new(name).unwrap();
    flights.versions = Some((version("v2"), Some(version("v3"))));
    let summary = summary(&flights.run(|_| {}).unwrap());
    assert_eq!(summary["decisions_hash"], DECIDED_OF_V2);
}

#[test]
fn without_a_reference_a_person_is_asked_unless_the_rules_take_the_risk() {
    let folder = tempfile::tempdir().unwrap();
    let alone = telemetry().into_iter().filter(|line| !line.contains(r#""version":"v2""#));
    let file = replay::write(folder.path(), "alone.jsonl", &alone.collect::<Vec<_>>());
    let run = |act_without_reference: bool| {
        let mut flights = replay::of(&file);
        flights.registry = replay::registry(&replay::flights_registry());
        let triggers = &mut flights.rules.default.triggers;
        let drop = triggers.iter_mut().find(|trigger| trigger.id.as_str() == "accuracy-drop");
        let drop = drop.unwrap();
        assert!(matches!((drop.limit, drop.statistic), (Limit::Baseline(_), Statistic::EDetector)));
        drop.act_without_reference = act_without_reference;
        flights.run(|_| {}).unwrap()
    };

    let asked = run(false);
    let summary_of_asked = summary(&asked);
    assert_eq!(summary_of_asked["rollbacks"], serde_json::json!([]));
    let seen = summary_of_asked["incidents"].as_array().unwrap();
    let seen = seen.iter().filter(|incident| incident["trigger"] == "accuracy-drop");
    let seen: Vec<_> = seen.map(|incident| incident["opened_at"].as_str().unwrap()).collect();
    assert!(seen.iter().any(|at| at.starts_with("2013-06-13")), "{seen:?}");
    assert_eq!(summary_of_asked["models"]["flight-delay"]["production_at_end"], "v3");

    let acted = run(true);
    let summary = summary(&acted);
    let rollbacks = summary["rollbacks"].as_array().unwrap();
    assert_eq!(rollbacks.len(), 1, "{rollbacks:#?}");
    let rollback = &rollbacks[0];
    assert_eq!((&rollback["from"], &rollback["to"]), (&"v3".into(), &"v2".into()));
    assert_eq!(rollback["trigger"], "accuracy-drop");
    let decided = rollback["decided_at"].as_str().unwrap();
    assert!(("2013-06-13".."2013-06-15").contains(&decided), "{decided}");
    assert_eq!(rollback["verified_at"], Json::Null);
    assert_ne!(rollback["outcome"], "verified");
    let because = rollback["because"].as_str().unwrap();
    assert!(because.contains("no traffic of v2"), "{because}");
}
