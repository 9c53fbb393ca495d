//! The health of a process's roles, for monitoring: `/livez`, `/readyz`, `/metrics`.
//!
//! Law: health is observed from what the log answers to each role's reader, so no role reports it;
//! and these pages are read-only.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use axum::extract::State;
use axum::http::StatusCode;
use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Json, Router};
use serde_json::json;
use tokio::net::TcpListener;
use tokio::sync::watch;

use crate::config::HttpLimits;
use crate::edge::diagnostics::counters;
use crate::edge::diagnostics::metrics::{self, Page};
use crate::edge::http::{Guard, Problem, Routes, framed, run};
use crate::shard::BUILD;

/// The state of each role.
#[derive(Clone, Default)]
pub(super) struct HealthBoard(Arc<Mutex<BTreeMap<String, RoleStanding>>>);

/// The state of a role.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum RoleStanding {
    /// It is starting or restarting, and its group has not assigned it anything yet.
    Joining,
    /// It reads what its group assigned to it. With more processes than partitions that may be
    /// nothing: the role is on standby.
    Reads,
    /// It has joined, but the log cannot be read.
    Blocked(String),
    /// It failed and restarts after a pause.
    Failed(String),
}

impl HealthBoard {
    fn all(&self) -> MutexGuard<'_, BTreeMap<String, RoleStanding>> {
        // Nothing panics while it holds it.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn set(&self, role: &str, standing: RoleStanding) {
        self.all().insert(role.to_owned(), standing);
    }

    /// Notes why a role restarts, if its state is observed. It counts as failed until it reads
    /// again.
    pub(super) fn failed(&self, role: &str, why: String) {
        if let Some(standing) = self.all().get_mut(role) {
            *standing = RoleStanding::Failed(why);
        }
    }

    /// Which roles are not ready, and why; `None` if all are.
    pub(super) fn unready(&self) -> Option<String> {
        self.reasons(|role, standing| match standing {
            RoleStanding::Joining => Some(format!("{role} has not joined its group yet")),
            RoleStanding::Blocked(why) => Some(format!("{role} cannot read: {why}")),
            RoleStanding::Failed(why) => Some(format!("{role} waits after a failure: {why}")),
            RoleStanding::Reads => None,
        })
    }

    /// Which roles have failed and wait, and why.
    pub(super) fn failing(&self) -> Option<String> {
        self.reasons(|role, standing| match standing {
            RoleStanding::Failed(why) => Some(format!("{role} waits after a failure: {why}")),
            RoleStanding::Joining | RoleStanding::Blocked(_) | RoleStanding::Reads => None,
        })
    }

    fn reasons(&self, reason: impl Fn(&str, &RoleStanding) -> Option<String>) -> Option<String> {
        let all = self.all();
        let reasons: Vec<_> =
            all.iter().filter_map(|(role, standing)| reason(role, standing)).collect();
        (!reasons.is_empty()).then(|| reasons.join("; "))
    }

    /// Answers until `stop` says true.
    pub(super) async fn answer(
        self,
        listener: TcpListener,
        limits: HttpLimits,
        stop: watch::Receiver<bool>,
    ) -> std::io::Result<()> {
        let guard = Guard::new(&[], listener.local_addr()?);
        let free = Router::new()
            .route("/livez", get(live))
            .route("/readyz", get(ready))
            .route("/metrics", get(page))
            .with_state(self);
        let routes = framed(Routes { free, ..Routes::default() }, guard, limits);
        run(listener, routes, limits, stop).await;
        Ok(())
    }
}

async fn live() -> Response {
    Json(json!({"live": true})).into_response()
}

async fn ready(State(health): State<HealthBoard>) -> Result<Response, Problem> {
    match health.unready() {
        None => Ok(Json(json!({"ready": true})).into_response()),
        Some(why) => {
            Err(Problem::new(StatusCode::SERVICE_UNAVAILABLE, "not-ready", why).again_in(1))
        }
    }
}

async fn page(State(health): State<HealthBoard>) -> Response {
    let mut page = Page::new(BUILD);
    let reads = |standing: &RoleStanding| f64::from(u8::from(*standing == RoleStanding::Reads));
    let roles = health.all();
    let roles = roles.iter().map(|(role, how)| (vec![("role", role.clone())], reads(how)));
    page.gauge(metrics::ROLE_READY, roles.collect::<Vec<_>>());
    counters::page(&mut page);
    ([(CONTENT_TYPE, metrics::CONTENT_TYPE)], page.text()).into_response()
}
