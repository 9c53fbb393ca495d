//! A model's versions: what is asked of them, how they do, and the plan that follows.
//!
//! Over 300 lines: one machine with its words, and its tables.

use std::fmt;

use super::breaker::{Breaker, Moved};
use super::checks::Checks;
use super::plan::{Gate, Seat};
use super::{
    BreakerRules, CheckRules, Ended, Forced, Place, Plan, Route, RouteError, Tally, Weight,
};
use crate::model::{BreakerState, SampleRole, Span, VersionId};

/// When a version counts as down.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Rules {
    /// By its answers.
    pub breaker: BreakerRules,
    /// By its own word.
    pub checks: CheckRules,
}

/// What happened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Input {
    /// A request ended.
    Ended {
        /// Whose.
        place: Place,
        /// Live or shadow; a shadow's says nothing of how users are served.
        role: SampleRole,
        /// How.
        how: Ended,
        /// After so long.
        took_us: u64,
        /// It was the one that tried the version.
        trial: bool,
    },
    /// A version was asked for its health.
    Checked {
        /// Which.
        place: Place,
        /// What it said.
        ok: bool,
    },
    /// Time passed.
    Tick,
}

/// What is to be told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Said {
    /// A breaker moved.
    Breaker {
        /// Whose.
        version: VersionId,
        /// To which state.
        to: BreakerState,
        /// Why.
        why: String,
    },
    /// A version's own word turned.
    Health {
        /// Whose.
        version: VersionId,
        /// To which.
        up: bool,
    },
}

/// Why a route is not taken.
#[derive(Debug, Clone, PartialEq)]
pub enum Refusal {
    /// It is none.
    Route(RouteError),
    /// Nobody who is up would be asked.
    Down {
        /// Who would be.
        asked: String,
        /// Who is up.
        up: String,
    },
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Route(why) => write!(f, "{why}"),
            Self::Down { asked, up } => write!(
                f,
                "all requests would go to {asked}, down or shut, while {up} is up; mend the \
                 former first, or leave the latter a share"
            ),
        }
    }
}

impl std::error::Error for Refusal {}

#[derive(Debug, Clone)]
struct Member {
    version: VersionId,
    breaker: Breaker,
    checks: Checks,
    live: Tally,
    shadow: Tally,
}

/// How a version stands.
#[derive(Debug, Clone, Copy)]
pub struct View<'a> {
    /// Which.
    pub version: &'a VersionId,
    /// Its share.
    pub weight: Weight,
    /// Its own word; none: not asked yet, or never.
    pub up: Option<bool>,
    /// What its answers say.
    pub breaker: BreakerState,
    /// What a person says.
    pub forced: Option<Forced>,
    /// What users were answered.
    pub live: &'a Tally,
    /// What was mirrored.
    pub shadow: &'a Tally,
}

/// One model's versions.
#[derive(Debug, Clone)]
pub struct Switch {
    rules: Rules,
    route: Route,
    members: Vec<Member>,
}

impl Switch {
    /// The versions, under a route.
    ///
    /// # Errors
    /// It is no route over these.
    pub fn new(rules: Rules, versions: &[VersionId], route: Route) -> Result<Self, RouteError> {
        route.check(versions)?;
        let member = |version: &VersionId| Member {
            version: version.clone(),
            breaker: Breaker::new(&rules.breaker),
            checks: Checks::default(),
            live: Tally::default(),
            shadow: Tally::default(),
        };
        Ok(Self { rules, route, members: versions.iter().map(member).collect() })
    }

    /// What is in force.
    #[must_use]
    pub fn route(&self) -> &Route {
        &self.route
    }

    /// The places of all versions.
    pub fn places(&self) -> impl Iterator<Item = Place> + use<> {
        (0..self.members.len()).map(Place)
    }

    /// Whether a route may be set as things stand: never one under which nobody who is up is
    /// asked while another is, nor one that shuts out the last.
    ///
    /// # Errors
    /// Why not.
    pub fn may(&self, route: &Route) -> Result<(), Refusal> {
        let versions: Vec<_> = self.members.iter().map(|member| member.version.clone()).collect();
        route.check(&versions).map_err(Refusal::Route)?;
        let up = |member: &&Member, route: &Route| {
            matches!(gate(member, route), Gate::Open | Gate::Trial)
        };
        let asked = |route: &Route, member: &&Member| route.weight(&member.version).is_some();
        let members = || self.members.iter();
        if members().any(|member| asked(route, &member) && up(&member, route)) {
            return Ok(());
        }
        let names = |members: Vec<&Member>| {
            members.iter().map(|member| member.version.as_str()).collect::<Vec<_>>().join(", ")
        };
        // Who is up under either route could be asked instead.
        let able: Vec<_> = members().filter(|m| up(m, route) || up(m, &self.route)).collect();
        if able.is_empty() {
            return Ok(());
        }
        let asked = names(members().filter(|member| asked(route, member)).collect());
        Err(Refusal::Down { asked, up: names(able) })
    }

    /// Sets a route that [`Self::may`] be set.
    pub fn set(&mut self, route: Route) {
        self.route = route;
    }

    /// Asks for the place of the single request that tries a version.
    pub fn begin_trial(&mut self, place: Place) -> bool {
        self.members.get_mut(place.0).is_some_and(|member| member.breaker.begin_trial())
    }

    /// Takes what happened. Whether the plan is another one now.
    pub fn step(&mut self, now: Span, input: Input, out: &mut Vec<Said>) -> bool {
        match input {
            Input::Ended { place, role, how, took_us, trial } => {
                let Some(member) = self.members.get_mut(place.0) else { return false };
                if role == SampleRole::Shadow {
                    member.shadow.take(how, took_us);
                    return false;
                }
                member.live.take(how, took_us);
                let moved = member.breaker.ended(how.sound(), trial, now, &self.rules.breaker);
                said(member, moved, out)
            }
            Input::Checked { place, ok } => {
                let Some(member) = self.members.get_mut(place.0) else { return false };
                let Some(up) = member.checks.take(ok, self.rules.checks) else { return false };
                out.push(Said::Health { version: member.version.clone(), up });
                true
            }
            Input::Tick => {
                let mut changed = false;
                for member in &mut self.members {
                    let moved = member.breaker.tick(now);
                    changed |= said(member, moved, out);
                }
                changed
            }
        }
    }

    /// When time alone will move something.
    #[must_use]
    pub fn next_wakeup(&self) -> Option<Span> {
        self.members.iter().filter_map(|member| member.breaker.next_wakeup()).min()
    }

    /// Who may answer now.
    #[must_use]
    pub fn plan(&self) -> Plan {
        let seat = |member: &Member| Seat {
            version: member.version.clone(),
            weight: self.route.weight(&member.version).hundredths(),
            gate: gate(member, &self.route),
            shadow: self.route.shadow.contains(&member.version),
        };
        Plan { seats: self.members.iter().map(seat).collect() }
    }

    /// How each version stands, in the order of the settings.
    pub fn views(&self) -> impl Iterator<Item = View<'_>> {
        self.members.iter().map(|member| View {
            version: &member.version,
            weight: self.route.weight(&member.version),
            up: member.checks.up,
            breaker: member.breaker.state(),
            forced: self.route.forced.get(&member.version).copied(),
            live: &member.live,
            shadow: &member.shadow,
        })
    }
}

fn gate(member: &Member, route: &Route) -> Gate {
    match route.forced.get(&member.version) {
        Some(Forced::Open) => return Gate::Shut,
        Some(Forced::Closed) => return Gate::Open,
        None => {}
    }
    match member.breaker.state() {
        _ if !member.checks.is_up() => Gate::Down,
        BreakerState::Closed => Gate::Open,
        BreakerState::Open => Gate::Down,
        BreakerState::HalfOpen => Gate::Trial,
    }
}

fn said(member: &Member, moved: Option<Moved>, out: &mut Vec<Said>) -> bool {
    let Some(Moved { to, why }) = moved else { return false };
    out.push(Said::Breaker { version: member.version.clone(), to, why });
    true
}

#[cfg(test)]
mod tests {
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

    fn fail(switch: &mut Switch, place: usize, at_s: i64) -> Vec<Said> {
        let (mut out, now) = (Vec::new(), Span::from_s(at_s));
        let (place, role) = (Place(place), SampleRole::Live);
        let input = Input::Ended { place, role, how: Ended::Error, took_us: 5, trial: false };
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
            (0..20).map(of).filter(|choice| choice.place == Place(1)).count()
        };
        assert_eq!(asked(&mut switch), 10);
        let said = fail(&mut switch, 1, 0);
        let expected =
            "[Breaker { version: \"v2\", to: Open, why: \"2 requests in a row failed\" }]";
        assert_eq!(format!("{said:?}"), expected);
        assert_eq!((asked(&mut switch), switch.next_wakeup()), (0, Some(Span::from_s(5))));
        let mut out = Vec::new();
        assert!(!switch.step(Span::from_s(4), Input::Tick, &mut out));
        assert!(switch.step(Span::from_s(5), Input::Tick, &mut out));
        assert_eq!(asked(&mut switch), 1, "a single one");
        let (role, how) = (SampleRole::Live, Ended::Ok);
        let ended = Input::Ended { place: Place(1), role, how, took_us: 1, trial: true };
        assert!(switch.step(Span::from_s(6), ended, &mut out));
        assert_eq!((asked(&mut switch), out.len()), (10, 2));
    }

    #[test]
    fn a_shadow_that_fails_is_counted_and_changes_nothing() {
        let mut switch = switch("v1 100, v2 0");
        let (role, how) = (SampleRole::Shadow, Ended::Timeout);
        let ended = Input::Ended { place: Place(1), role, how, took_us: 1, trial: false };
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
            let input = Input::Checked { place: Place(0), ok };
            assert_eq!(switch.step(Span::ZERO, input, &mut out), changed);
            let gate = switch.plan().seats[0].gate;
            assert_eq!(gate, if ok { Gate::Open } else { Gate::Down });
        }
    }
}
