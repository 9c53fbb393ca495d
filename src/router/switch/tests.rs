//! Tables: what a route may be, and how versions come and go.

use super::*;
use crate::router::Draw;

const RULES: Rules = Rules {
    breaker: BreakerRules {
        in_a_row: 2,
        share: 0.5,
        minimum: 20,
        window: Span::from_s(10),
        pause: Span::from_s(5),
        longest_pause: Span::from_s(60),
    },
    checks: CheckRules { fall: 1, rise: 1 },
};

fn version(name: &str) -> VersionId {
    VersionId::new(name).unwrap()
}

/// `v1 100, v2 0 shut`.
fn route(line: &str) -> Route {
    let mut route = Route::default();
    for words in line.split(", ").map(|words| words.split(' ').collect::<Vec<_>>()) {
        let weight = Weight::from_percent(words[1].parse().unwrap()).unwrap();
        route.weights_percent.insert(version(words[0]), weight);
        let forced = match words.get(2) {
            Some(&"shut") => Some(Forced::Open),
            Some(&"held") => Some(Forced::Closed),
            _ => None,
        };
        route.forced.extend(forced.map(|forced| (version(words[0]), forced)));
    }
    route
}

fn switch(line: &str) -> Switch {
    Switch::new(RULES, &["v1", "v2"].map(version), route(line)).unwrap()
}

fn fail(switch: &mut Switch, place: usize, at_s: i64) -> Vec<SwitchEvent> {
    let (mut out, now) = (Vec::new(), Span::from_s(at_s));
    let (place, role) = (VersionIndex(place), SampleRole::Live);
    let input =
        Input::Ended { place, role, request_end: RequestEnd::Error, took_us: 5, trial: false };
    for _ in 0..2 {
        switch.step(now, input, &mut out);
    }
    out
}

#[test]
fn nothing_takes_away_the_last_that_is_up() {
    // What is in force, who failed, what is asked for; whether it is taken.
    for (now, failed, wanted, taken) in [
        ("v1 100, v2 0", None, "v1 0, v2 100", true),
        ("v1 100, v2 0", Some(1), "v1 0, v2 100", false),
        ("v1 100, v2 0", Some(1), "v1 1, v2 99", true),
        ("v1 100, v2 0", Some(1), "v1 0, v2 100 held", true),
        ("v1 100, v2 0", Some(0), "v1 0, v2 100", true),
        ("v1 100, v2 0", None, "v1 100 shut, v2 0", false),
        ("v1 50, v2 50", None, "v1 50 shut, v2 50", true),
        ("v1 50, v2 50", None, "v1 50 shut, v2 50 shut", false),
        ("v1 50, v2 50", Some(0), "v1 50, v2 50 shut", false),
        ("v1 100, v2 0 shut", None, "v1 0, v2 100", true),
        ("v1 100, v2 0", None, "v1 0, v2 100 shut", false),
    ] {
        let mut switch = switch(now);
        if let Some(place) = failed {
            fail(&mut switch, place, 0);
        }
        let may = switch.may(&route(wanted));
        assert_eq!(may.is_ok(), taken, "{now}, {failed:?} failed, {wanted}: {may:?}");
    }
    let mut switch = switch("v1 100, v2 0");
    fail(&mut switch, 0, 0);
    fail(&mut switch, 1, 0);
    assert!(switch.may(&route("v1 0, v2 100")).is_ok(), "all are down; no choice is worse");
}

#[test]
fn a_version_that_fails_is_left_and_tried_again() {
    let mut switch = switch("v1 50, v2 50");
    let asked = |switch: &mut Switch| {
        let plan = switch.plan();
        let of = |turn| plan.choose(Draw::Turn(turn), &[], |p| switch.begin_trial(p)).unwrap();
        (0..20).map(of).filter(|choice| choice.place == VersionIndex(1)).count()
    };
    assert_eq!(asked(&mut switch), 10);
    let said = fail(&mut switch, 1, 0);
    let expected = "[Breaker { version: \"v2\", to: Open, why: \"2 requests in a row failed\" }]";
    assert_eq!(format!("{said:?}"), expected);
    assert_eq!((asked(&mut switch), switch.next_wakeup()), (0, Some(Span::from_s(5))));
    let mut out = Vec::new();
    assert!(!switch.step(Span::from_s(4), Input::Tick, &mut out));
    assert!(switch.step(Span::from_s(5), Input::Tick, &mut out));
    assert_eq!(asked(&mut switch), 1, "a single one");
    let (role, request_end) = (SampleRole::Live, RequestEnd::Ok);
    let ended = Input::Ended { place: VersionIndex(1), role, request_end, took_us: 1, trial: true };
    assert!(switch.step(Span::from_s(6), ended, &mut out));
    assert_eq!((asked(&mut switch), out.len()), (10, 2));
}

#[test]
fn a_shadow_that_fails_is_counted_and_changes_nothing() {
    let mut switch = switch("v1 100, v2 0");
    let (role, request_end) = (SampleRole::Shadow, RequestEnd::Timeout);
    let ended =
        Input::Ended { place: VersionIndex(1), role, request_end, took_us: 1, trial: false };
    let mut out = Vec::new();
    for _ in 0..100 {
        assert!(!switch.step(Span::ZERO, ended, &mut out));
    }
    let view = switch.views().nth(1).unwrap();
    assert_eq!((view.breaker, view.shadow.total()), (BreakerState::Closed, 100));
    assert_eq!((view.live.total(), out), (0, vec![]));
}

#[test]
fn a_version_that_says_it_is_down_is_left_until_it_says_it_is_up() {
    let mut switch = switch("v1 50, v2 50");
    let mut out = Vec::new();
    for (ok, changed) in [(true, false), (false, true), (false, false), (true, true)] {
        let input = Input::Checked { place: VersionIndex(0), ok };
        assert_eq!(switch.step(Span::ZERO, input, &mut out), changed);
        let eligibility = switch.plan().candidates[0].eligibility;
        assert_eq!(eligibility, if ok { Eligibility::Open } else { Eligibility::Down });
    }
}
