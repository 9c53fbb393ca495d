//! One model: its versions' backends, the plan that requests take, and what changes it.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use arc_swap::ArcSwap;
use axum::body::Body;
use axum::http::uri::{Authority, PathAndQuery, Scheme};
use axum::http::{HeaderValue, Uri};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::{TokioExecutor, TokioTimer};
use tokio::sync::{Notify, Semaphore};

use super::RouterError;
use super::state::StoredRoute;
use crate::config::RoutedModel;
use crate::edge::clock::Stopwatch;
use crate::edge::diagnostics;
use crate::edge::fence::AcceptedCommands;
use crate::model::VersionId;
use crate::router::{
    CheckRules, Draw, IdRepeats, IdUse, Input, Route, RouteError, RoutePlan, RouteRefusal, Rules,
    Switch, SwitchEvent, VersionIndex, Weight, hash,
};

/// A connection that rested so long is not used again: servers close theirs after five seconds or
/// more, and a request that crosses with that is lost.
const REST: Duration = Duration::from_secs(4);

/// Where a version answers.
pub(super) struct Backend {
    pub(super) version: VersionId,
    /// The same, as a header has it.
    pub(super) name: HeaderValue,
    pub(super) url: String,
    authority: Authority,
    /// Before every path.
    base: String,
}

/// One model.
pub(super) struct Served {
    pub(super) settings: Arc<RoutedModel>,
    pub(super) client: Client<HttpConnector, Body>,
    /// Places for copies.
    pub(super) shadows: Arc<Semaphore>,
    /// Copies that found none.
    pub(super) busy: AtomicU64,
    /// Copies of what was too large to be held.
    pub(super) large: AtomicU64,
    pub(super) woken: Notify,
    backends: Vec<Backend>,
    plan: ArcSwap<RoutePlan>,
    switch: Mutex<Switch>,
    kept: Mutex<StoredRoute>,
    turn: AtomicU64,
    since: Stopwatch,
    repeats: Mutex<IdRepeats>,
    /// Predictions whose id was that of many others.
    pub(super) constant_ids: AtomicU64,
}

impl Served {
    /// A model as it was left, or as the settings have it.
    pub(super) fn new(
        settings: &RoutedModel,
        kept: Option<&StoredRoute>,
        since: Stopwatch,
        place: &str,
    ) -> Result<Self, RouterError> {
        let versions: Vec<_> = settings.versions.iter().map(|(v, _)| v.clone()).collect();
        let refused = |why| {
            let (model, place) = (settings.model.clone(), place.to_owned());
            RouterError::Route { model, place, why }
        };
        let kept = match kept {
            Some(kept) => {
                let mut kept = kept.clone();
                forget(&mut kept.route, &versions);
                kept
            }
            None => {
                let (route, fence) =
                    (initial(settings).map_err(refused)?, AcceptedCommands::default());
                StoredRoute { revision: 0, route, fence }
            }
        };
        let switch = Switch::new(rules(settings), &versions, kept.route.clone());
        let switch = switch.map_err(refused)?;
        let backends = settings.versions.iter().map(|(version, url)| backend(version, url));
        let mut connector = HttpConnector::new();
        connector.set_nodelay(true);
        connector.set_connect_timeout(Some(settings.connect));
        let client = Client::builder(TokioExecutor::new())
            .pool_timer(TokioTimer::new())
            .pool_idle_timeout(REST)
            .build(connector);
        Ok(Self {
            client,
            shadows: Arc::new(Semaphore::new(settings.shadows)),
            busy: AtomicU64::new(0),
            large: AtomicU64::new(0),
            woken: Notify::new(),
            backends: backends.collect::<Result<_, _>>()?,
            plan: ArcSwap::from_pointee(switch.plan()),
            switch: Mutex::new(switch),
            kept: Mutex::new(kept),
            turn: AtomicU64::new(0),
            repeats: Mutex::default(),
            constant_ids: AtomicU64::new(0),
            since,
            settings: Arc::new(settings.clone()),
        })
    }

    /// Who may answer now.
    pub(super) fn plan(&self) -> Arc<RoutePlan> {
        self.plan.load_full()
    }

    /// A draw for a request without a key.
    pub(super) fn turn(&self) -> Draw {
        Draw::Turn(self.turn.fetch_add(1, Ordering::Relaxed))
    }

    /// Whether many requests had this id before, so that it says nothing. Counts it.
    pub(super) fn is_constant(&self, id: &str) -> bool {
        let mut repeats = self.repeats.lock().unwrap_or_else(PoisonError::into_inner);
        match repeats.seen(hash(id.as_bytes())) {
            IdUse::Single => return false,
            IdUse::Constant => {}
            IdUse::FirstConstant => diagnostics::router_constant_id(&self.settings.model, id),
        }
        self.constant_ids.fetch_add(1, Ordering::Relaxed);
        true
    }

    /// Where a version answers.
    pub(super) fn backend(&self, place: VersionIndex) -> Option<&Backend> {
        self.backends.get(place.index())
    }

    /// All backends.
    pub(super) fn backends(&self) -> &[Backend] {
        &self.backends
    }

    /// The state of the versions.
    pub(super) fn switch(&self) -> MutexGuard<'_, Switch> {
        self.switch.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What is in force.
    pub(super) fn kept(&self) -> StoredRoute {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Whether a route may be set now.
    pub(super) fn may(&self, route: &Route) -> Result<(), RouteRefusal> {
        self.switch().may(route)
    }

    /// Puts a route that is on the disk in force, for every request from now on.
    pub(super) fn set(&self, kept: StoredRoute) {
        let mut switch = self.switch();
        switch.set(kept.route.clone());
        self.plan.store(Arc::new(switch.plan()));
        *self.kept.lock().unwrap_or_else(PoisonError::into_inner) = kept;
    }

    /// Passes on what happened.
    pub(super) fn step(&self, input: Input) {
        let mut said = Vec::new();
        let mut switch = self.switch();
        if !switch.step(self.since.elapsed(), input, &mut said) {
            return;
        }
        self.plan.store(Arc::new(switch.plan()));
        drop(switch);
        self.woken.notify_one();
        let model = &self.settings.model;
        for said in said {
            match said {
                SwitchEvent::Breaker { version, to, why } => {
                    diagnostics::router_breaker(model, &version, to.name(), &why);
                }
                SwitchEvent::Health { version, up } => {
                    diagnostics::router_health(model, &version, up)
                }
            }
        }
    }

    /// How long until time alone moves something.
    pub(super) fn next_wakeup(&self) -> Option<Duration> {
        let at = self.switch().next_wakeup()?;
        let left = at.as_ms() - self.since.elapsed().as_ms();
        Some(Duration::from_millis(left.max(0).unsigned_abs()))
    }
}

impl Backend {
    /// The address of a path and query below this backend.
    pub(super) fn uri(&self, path: &str) -> Option<Uri> {
        let path: PathAndQuery = format!("{}/{path}", self.base).parse().ok()?;
        let uri = Uri::builder().scheme(Scheme::HTTP).authority(self.authority.clone());
        uri.path_and_query(path).build().ok()
    }
}

fn backend(version: &VersionId, url: &str) -> Result<Backend, RouterError> {
    let none = || RouterError::Backend(url.to_owned());
    let rest = url.strip_prefix("http://").ok_or_else(none)?;
    let (authority, base) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
    let authority = authority.parse().map_err(|_| none())?;
    let name = HeaderValue::from_str(version.as_str());
    let name = name.or_else(|_| HeaderValue::from_bytes(version.as_str().as_bytes()));
    Ok(Backend {
        name: name.map_err(|_| none())?,
        version: version.clone(),
        url: url.to_owned(),
        authority,
        base: base.trim_end_matches('/').to_owned(),
    })
}

/// Takes out versions that are gone from the settings and got no request anyway.
fn forget(route: &mut Route, versions: &[VersionId]) {
    route.weights_percent.retain(|version, weight| weight.is_some() || versions.contains(version));
    route.shadow.retain(|version| versions.contains(version));
    route.forced.retain(|version, _| versions.contains(version));
}

/// The route that the settings begin with.
fn initial(settings: &RoutedModel) -> Result<Route, RouteError> {
    let mut route = Route { shadow: settings.shadow.clone(), ..Route::default() };
    for (version, percent) in &settings.weights_percent {
        route.weights_percent.insert(version.clone(), Weight::from_percent(*percent)?);
    }
    Ok(route)
}

fn rules(settings: &RoutedModel) -> Rules {
    let (fall, rise) = settings.health.as_ref().map_or((1, 1), |h| (h.fall, h.rise));
    Rules { breaker: settings.breaker, checks: CheckRules { fall, rise } }
}
