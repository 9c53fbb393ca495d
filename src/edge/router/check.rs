//! Checks the health of the versions, and passes the time to the pure room.

use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use axum::http::{Method, Request};
use tokio::sync::watch;
use tokio::time::{MissedTickBehavior, interval, sleep, timeout};

use super::served::Served;
use crate::config::HealthSettings;
use crate::router::{Input, VersionIndex};

/// With no breaker open there is nothing to wait for but a change.
const LONG: Duration = Duration::from_secs(3600);

/// Begins both, until the shutdown.
pub(super) fn start(served: &Arc<Served>, shutdown: &watch::Receiver<bool>) {
    let (of, stop) = (Arc::clone(served), shutdown.clone());
    tokio::spawn(until(stop, async move { ticks(&of).await }));
    let Some(health) = &served.settings.health else { return };
    let places: Vec<VersionIndex> = served.switch().places().collect();
    for place in places {
        let (of, health, stop) = (Arc::clone(served), health.clone(), shutdown.clone());
        tokio::spawn(until(stop, async move { asks(&of, place, &health).await }));
    }
}

async fn until(mut stop: watch::Receiver<bool>, work: impl Future<Output = ()>) {
    tokio::select! {
        () = work => {}
        _stop = stop.wait_for(|stop| *stop) => {}
    }
}

async fn ticks(served: &Served) {
    loop {
        let pause = served.next_wakeup().unwrap_or(LONG);
        tokio::select! {
            () = sleep(pause) => served.step(Input::Tick),
            () = served.woken.notified() => {}
        }
    }
}

async fn asks(served: &Served, place: VersionIndex, health: &HealthSettings) {
    let mut every = interval(health.every);
    every.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        every.tick().await;
        let asked = timeout(health.within, is_well(served, place, &health.path)).await;
        served.step(Input::Checked { place, ok: asked.unwrap_or(false) });
    }
}

async fn is_well(served: &Served, place: VersionIndex, path: &str) -> bool {
    let uri = served.backend(place).and_then(|backend| backend.uri(path.trim_start_matches('/')));
    let Some(uri) = uri else { return false };
    let request = Request::builder().method(Method::GET).uri(uri).body(Body::empty());
    let Ok(request) = request else { return false };
    served.client.request(request).await.is_ok_and(|answer| answer.status().is_success())
}
