//! The health of a process's roles, for monitoring: `/livez`, `/readyz`, `/metrics`.
//!
//! Law: health is observed, from what the log answers to each role's reader and from what its turns
//! leave, so no role reports it; and these pages are read-only.

use std::collections::{BTreeMap, BTreeSet};
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
use crate::edge::clock::Stopwatch;
use crate::edge::diagnostics::counters;
use crate::edge::diagnostics::metrics::{self, Page};
use crate::edge::http::{Guard, Problem, Routes, framed, run};
use crate::model::{ModelId, Span};
use crate::phrases;
use crate::shard::BUILD;

/// A role that failed twice or more in a row must read for this long before it counts as ready: one
/// that fails at each record reads for a moment between two failures.
const SETTLED: Span = Span::from_s(10);

/// Models named in a reason.
const NAMED: usize = 3;

/// The state of each role.
#[derive(Clone, Default)]
pub(super) struct HealthBoard(Arc<Mutex<BTreeMap<String, RoleHealth>>>);

/// A role: how it is, and how often it failed before.
#[derive(Debug, Clone)]
struct RoleHealth {
    standing: RoleStanding,
    /// Since when it reads.
    reads: Option<Stopwatch>,
    /// Failures in a row, and the last one.
    failures: u32,
    why: String,
    /// Models whose labels it does not count.
    uncounted: BTreeSet<ModelId>,
}

impl RoleHealth {
    fn set(&mut self, standing: RoleStanding) {
        match standing {
            RoleStanding::Reads => _ = self.reads.get_or_insert_with(Stopwatch::start),
            RoleStanding::Joining | RoleStanding::Blocked(_) => self.reads = None,
            RoleStanding::Failed(ref why) => {
                let failures = if self.settled() { 0 } else { self.failures };
                (self.failures, self.why, self.reads) = (failures + 1, why.clone(), None);
            }
        }
        self.standing = standing;
    }

    /// It has read for long enough to believe that it goes on.
    fn settled(&self) -> bool {
        self.reads.as_ref().is_some_and(|reads| reads.elapsed() >= SETTLED)
    }

    fn is_ready(&self) -> bool {
        let reads = self.standing == RoleStanding::Reads && self.uncounted.is_empty();
        reads && (self.failures < 2 || self.settled())
    }

    /// Why it is not ready.
    fn trouble(&self, role: &str) -> Option<String> {
        match &self.standing {
            _ if self.is_ready() => None,
            RoleStanding::Joining => Some(format!("{role} has not joined its group yet")),
            RoleStanding::Blocked(why) => Some(format!("{role} cannot read: {why}")),
            RoleStanding::Failed(why) => Some(format!("{role} waits after a failure: {why}")),
            RoleStanding::Reads if !self.uncounted.is_empty() => {
                let named: Vec<_> =
                    self.uncounted.iter().take(NAMED).map(ModelId::as_str).collect();
                let more = self.uncounted.len().saturating_sub(NAMED);
                let more = if more > 0 { format!(" and {more} more") } else { String::new() };
                Some(format!(
                    "{role} does not count the labels of {}{more}, because too many of its \
                     requests wait; its log says which limit it met",
                    named.join(", ")
                ))
            }
            RoleStanding::Reads => Some(format!(
                "{role} was started again and failed {} times in a row, the last time because \
                 {}; it counts as ready once it has read for {}",
                self.failures,
                self.why,
                phrases::span(SETTLED)
            )),
        }
    }
}

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
    fn all(&self) -> MutexGuard<'_, BTreeMap<String, RoleHealth>> {
        // Nothing panics while it holds it.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn set(&self, role: &str, standing: RoleStanding) {
        let mut all = self.all();
        let new = || RoleHealth {
            standing: RoleStanding::Joining,
            reads: None,
            failures: 0,
            why: String::new(),
            uncounted: BTreeSet::new(),
        };
        all.entry(role.to_owned()).or_insert_with(new).set(standing);
    }

    /// Notes the models whose labels a role does not count.
    pub(super) fn uncounted(&self, role: &str, models: &BTreeSet<ModelId>) {
        if let Some(health) = self.all().get_mut(role).filter(|known| known.uncounted != *models) {
            health.uncounted.clone_from(models);
        }
    }

    /// Notes why a role restarts, if its state is observed. It counts as failed until it reads
    /// again.
    pub(super) fn failed(&self, role: &str, why: String) {
        if let Some(health) = self.all().get_mut(role) {
            health.set(RoleStanding::Failed(why));
        }
    }

    /// Which roles are not ready, and why; `None` if all are.
    pub(super) fn unready(&self) -> Option<String> {
        self.reasons(|role, health| health.trouble(role))
    }

    /// Which roles have failed and wait, and why.
    pub(super) fn failing(&self) -> Option<String> {
        self.reasons(|role, health| match health.standing {
            RoleStanding::Failed(_) | RoleStanding::Reads => health.trouble(role),
            RoleStanding::Joining | RoleStanding::Blocked(_) => None,
        })
    }

    fn reasons(&self, reason: impl Fn(&str, &RoleHealth) -> Option<String>) -> Option<String> {
        let all = self.all();
        let reasons: Vec<_> =
            all.iter().filter_map(|(role, health)| reason(role, health)).collect();
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
    let ready = |health: &RoleHealth| f64::from(u8::from(health.is_ready()));
    let roles = health.all();
    let roles = roles.iter().map(|(role, how)| (vec![("role", role.clone())], ready(how)));
    page.gauge(metrics::ROLE_READY, roles.collect::<Vec<_>>());
    counters::page(&mut page);
    ([(CONTENT_TYPE, metrics::CONTENT_TYPE)], page.text()).into_response()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_role_that_fails_again_and_again_is_not_ready_while_it_reads_in_between() {
        let board = HealthBoard::default();
        let fail = |why: &str| {
            board.failed("ingest web", why.to_owned());
            board.set("ingest web", RoleStanding::Joining);
            board.set("ingest web", RoleStanding::Reads);
        };
        board.set("ingest web", RoleStanding::Reads);
        assert_eq!(board.unready(), None);
        fail("the broker went away");
        assert_eq!(board.unready(), None, "one failure may happen");
        fail("the frame is too large");
        let said = board.unready().unwrap();
        assert!(said.contains("failed 2 times in a row"), "{said}");
        assert!(said.contains("because the frame is too large"), "{said}");
        assert_eq!(board.failing().as_ref(), Some(&said), "the server of `up` says so, too");
    }

    #[test]
    fn a_role_that_does_not_count_labels_is_not_ready_and_says_of_which_models() {
        let board = HealthBoard::default();
        board.set("ingest web", RoleStanding::Reads);
        let models =
            |names: &[&str]| names.iter().map(|name| ModelId::new(name).unwrap()).collect();
        board.uncounted("ingest web", &models(&["a", "b", "c", "d", "e"]));
        let said = board.unready().unwrap();
        assert!(said.contains("the labels of a, b, c and 2 more, because"), "{said}");
        board.uncounted("ingest web", &models(&[]));
        assert_eq!(board.unready(), None);
    }
}
