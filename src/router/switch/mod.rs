//! A model's versions: what is asked of them, how they do, and the plan that follows.

use std::fmt;

use super::breaker::{Breaker, Moved};
use super::checks::Checks;
use super::plan::{Candidate, Eligibility};
use super::{
    CheckRules, Forced, RequestEnd, RequestStats, Route, RouteError, RoutePlan, VersionIndex,
    Weight,
};
use crate::model::{BreakerRules, BreakerState, SampleRole, Span, VersionId};

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
        place: VersionIndex,
        /// Live or shadow; a shadow's says nothing of how users are served.
        role: SampleRole,
        /// How.
        request_end: RequestEnd,
        /// After so long.
        took_us: u64,
        /// It was the one that tried the version.
        trial: bool,
    },
    /// A version was asked for its health.
    Checked {
        /// Which.
        place: VersionIndex,
        /// What it said.
        ok: bool,
    },
    /// Time passed.
    Tick,
}

/// What is to be told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SwitchEvent {
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
pub enum RouteRefusal {
    /// It is invalid.
    Route(RouteError),
    /// Nobody who is up would be asked.
    Down {
        /// Who would be.
        asked: String,
        /// Who is up.
        up: String,
    },
}

impl fmt::Display for RouteRefusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Route(why) => write!(f, "{why}"),
            Self::Down { asked, up } => write!(
                f,
                "all requests would go to {asked}, which would be down or shut, although {up} is \
                 up; fix {asked} first, or leave a version that is up open and with a share"
            ),
        }
    }
}

impl std::error::Error for RouteRefusal {}

#[derive(Debug, Clone)]
struct Member {
    version: VersionId,
    breaker: Breaker,
    checks: Checks,
    live: RequestStats,
    shadow: RequestStats,
}

/// The state of a version.
#[derive(Debug, Clone, Copy)]
pub struct VersionView<'a> {
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
    pub live: &'a RequestStats,
    /// What was mirrored.
    pub shadow: &'a RequestStats,
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
            live: RequestStats::default(),
            shadow: RequestStats::default(),
        };
        Ok(Self { rules, route, members: versions.iter().map(member).collect() })
    }

    /// What is in force.
    #[must_use]
    pub fn route(&self) -> &Route {
        &self.route
    }

    /// The places of all versions.
    pub fn places(&self) -> impl Iterator<Item = VersionIndex> + use<> {
        (0..self.members.len()).map(VersionIndex)
    }

    /// Whether a route may be set as things stand: never one under which nobody who is up is
    /// asked while another is, nor one that shuts out the last.
    ///
    /// # Errors
    /// Why not.
    pub fn may(&self, route: &Route) -> Result<(), RouteRefusal> {
        let versions: Vec<_> = self.members.iter().map(|member| member.version.clone()).collect();
        route.check(&versions).map_err(RouteRefusal::Route)?;
        let up = |member: &&Member, route: &Route| {
            matches!(eligibility(member, route), Eligibility::Open | Eligibility::Trial)
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
        Err(RouteRefusal::Down { asked, up: names(able) })
    }

    /// Sets a route that [`Self::may`] be set.
    pub fn set(&mut self, route: Route) {
        self.route = route;
    }

    /// Asks for the place of the single request that tries a version.
    pub fn begin_trial(&mut self, place: VersionIndex) -> bool {
        self.members.get_mut(place.0).is_some_and(|member| member.breaker.begin_trial())
    }

    /// Takes what happened. Whether the plan is another one now.
    pub fn step(&mut self, now: Span, input: Input, out: &mut Vec<SwitchEvent>) -> bool {
        match input {
            Input::Ended { place, role, request_end, took_us, trial } => {
                let Some(member) = self.members.get_mut(place.0) else { return false };
                if role == SampleRole::Shadow {
                    member.shadow.take(request_end, took_us);
                    return false;
                }
                member.live.take(request_end, took_us);
                let moved =
                    member.breaker.ended(request_end.sound(), trial, now, &self.rules.breaker);
                said(member, moved, out)
            }
            Input::Checked { place, ok } => {
                let Some(member) = self.members.get_mut(place.0) else { return false };
                let Some(up) = member.checks.take(ok, self.rules.checks) else { return false };
                out.push(SwitchEvent::Health { version: member.version.clone(), up });
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
    pub fn plan(&self) -> RoutePlan {
        let candidate = |member: &Member| Candidate {
            version: member.version.clone(),
            weight: self.route.weight(&member.version).hundredths(),
            eligibility: eligibility(member, &self.route),
            shadow: self.route.shadow.contains(&member.version),
        };
        RoutePlan { candidates: self.members.iter().map(candidate).collect() }
    }

    /// The state of each version, in the order of the settings.
    pub fn views(&self) -> impl Iterator<Item = VersionView<'_>> {
        self.members.iter().map(|member| VersionView {
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

fn eligibility(member: &Member, route: &Route) -> Eligibility {
    match route.forced.get(&member.version) {
        Some(Forced::Open) => return Eligibility::Shut,
        Some(Forced::Closed) => return Eligibility::Open,
        None => {}
    }
    match member.breaker.state() {
        _ if !member.checks.is_up() => Eligibility::Down,
        BreakerState::Closed => Eligibility::Open,
        BreakerState::Open => Eligibility::Down,
        BreakerState::HalfOpen => Eligibility::Trial,
    }
}

fn said(member: &Member, moved: Option<Moved>, out: &mut Vec<SwitchEvent>) -> bool {
    let Some(Moved { to, why }) = moved else { return false };
    out.push(SwitchEvent::Breaker { version: member.version.clone(), to, why });
    true
}

#[cfg(test)]
mod tests;
