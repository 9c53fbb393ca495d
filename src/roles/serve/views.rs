//! Status, models, incidents and decisions.

use std::collections::BTreeMap;

use axum::Json;
use axum::extract::rejection::QueryRejection;
use axum::extract::{Query, State};
use serde::{Deserialize, Serialize};

use super::overview::overview;
use super::request::Name;
use super::stored::{by_key, decoded};
use super::{App, Shared};
use crate::edge::http::Problem;
use crate::edge::log::Topic;
use crate::model::{Incident, IncidentState, ModelId, VersionId};
use crate::shard::{Decision, ModelStatus};
use crate::wire::api::Overview;

/// Decisions read at once, and at most in one shard for one answer.
const BATCH: i64 = 500;
const MOST_READ: i64 = 50_000;
/// Records of an answer: by default, and at most.
const LIMIT: usize = 100;
const MOST: usize = 1000;

#[derive(Debug, Serialize)]
pub(super) struct Models {
    models: BTreeMap<ModelId, ModelStatus>,
}

#[derive(Debug, Serialize)]
pub(super) struct Incidents {
    incidents: Vec<Incident>,
    /// Records that cannot be read; the log names them.
    #[serde(skip_serializing_if = "is_zero")]
    unreadable: usize,
}

#[derive(Debug, Serialize)]
pub(super) struct Decisions {
    decisions: Vec<Decision>,
    /// Records among those looked at that cannot be read; the log names them.
    #[serde(skip_serializing_if = "is_zero")]
    unreadable: usize,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes references")]
const fn is_zero(n: &usize) -> bool {
    *n == 0
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Wanted {
    model: Option<ModelId>,
    version: Option<VersionId>,
    incident: Option<String>,
    open: Option<bool>,
    limit: Option<usize>,
}

impl Wanted {
    fn limit(&self) -> usize {
        self.limit.unwrap_or(LIMIT).min(MOST)
    }

    fn takes(&self, decision: &Decision) -> bool {
        let said = &decision.assessment;
        let incident = decision.ruling.as_ref().and_then(|ruling| ruling.incident.as_ref());
        self.model.as_ref().is_none_or(|model| *model == said.model)
            && self.version.as_ref().is_none_or(|version| *version == said.version)
            && self.incident.as_deref().is_none_or(|id| incident.is_some_and(|i| i.as_str() == id))
    }
}

pub(super) async fn status(State(app): Shared) -> Result<Json<Overview>, Problem> {
    app.blocking(overview).await.map(Json)
}

pub(super) async fn models(State(app): Shared) -> Result<Json<Models>, Problem> {
    app.blocking(|app| Ok(Models { models: overview(app)?.models })).await.map(Json)
}

pub(super) async fn model(
    State(app): Shared,
    Name(name): Name,
) -> Result<Json<ModelStatus>, Problem> {
    let mut found = app.blocking(overview).await?.models;
    let known = found.keys().map(ToString::to_string).collect::<Vec<_>>().join(", ");
    found
        .remove(name.as_str())
        .map(Json)
        .ok_or_else(|| Problem::missing(format!("there is no model {name}; known models: {known}")))
}

pub(super) async fn incidents(
    State(app): Shared,
    wanted: Result<Query<Wanted>, QueryRejection>,
) -> Result<Json<Incidents>, Problem> {
    let Query(wanted) = wanted?;
    let AllIncidents { mut incidents, unreadable } = app.blocking(all_incidents).await?;
    incidents.retain(|incident| {
        wanted.model.as_ref().is_none_or(|model| *model == incident.model)
            && wanted.version.as_ref().is_none_or(|version| *version == incident.version)
            && wanted.open.is_none_or(|open| open == (incident.state != IncidentState::Resolved))
    });
    incidents.truncate(wanted.limit());
    Ok(Json(Incidents { incidents, unreadable }))
}

pub(super) async fn incident(
    State(app): Shared,
    Name(id): Name,
) -> Result<Json<Incident>, Problem> {
    let AllIncidents { incidents: mut found, unreadable } = app.blocking(all_incidents).await?;
    found.retain(|incident| incident.id.as_str().starts_with(&id));
    if let Some(exact) = found.iter().position(|incident| incident.id.as_str() == id) {
        return Ok(Json(found.swap_remove(exact)));
    }
    match (found.pop(), found.len()) {
        (Some(only), 0) => Ok(Json(only)),
        (Some(_), more) => Err(Problem::refused(format!(
            "{} incidents begin with {id}; write more of the id",
            more + 1
        ))),
        (None, _) if unreadable > 0 => Err(Problem::missing(format!(
            "no incident's id begins with {id}, and {unreadable} records of incidents cannot \
             be read; Ripcord's log says why"
        ))),
        (None, _) => Err(Problem::missing(format!(
            "no incident's id begins with {id}; /api/incidents lists them"
        ))),
    }
}

pub(super) async fn decisions(
    State(app): Shared,
    wanted: Result<Query<Wanted>, QueryRejection>,
) -> Result<Json<Decisions>, Problem> {
    let Query(wanted) = wanted?;
    let decisions = app.blocking(move |app| {
        let (mut found, mut unreadable) = (Vec::new(), 0);
        for shard in 0..app.topics.shards {
            let of = last_decisions(app, shard, wanted.limit(), |of| wanted.takes(of))?;
            found.extend(of.decisions);
            unreadable += of.unreadable;
        }
        found.sort_by(|a, b| {
            b.logged_at.cmp(&a.logged_at).then_with(|| b.position.cmp(&a.position))
        });
        found.truncate(wanted.limit());
        Ok(Decisions { decisions: found, unreadable })
    });
    decisions.await.map(Json)
}

pub(super) async fn decision(
    State(app): Shared,
    Name(id): Name,
) -> Result<Json<Decision>, Problem> {
    let of = id.split('-').next().and_then(|shard| shard.parse::<u32>().ok());
    let missing =
        || Problem::missing(format!("there is no decision {id}; /api/decisions lists the latest"));
    let shard = of.filter(|shard| *shard < app.topics.shards).ok_or_else(missing)?;
    let wanted = id.clone();
    let found = app.blocking(move |app| last_decisions(app, shard, 1, |d| d.id == wanted));
    found.await?.decisions.pop().map(Json).ok_or_else(missing)
}

/// The last record of every incident, the newest opening first.
pub(super) fn all_incidents(app: &App) -> Result<AllIncidents, Problem> {
    let (mut incidents, mut unreadable): (Vec<Incident>, _) = (Vec::new(), 0);
    for shard in 0..app.topics.shards {
        for kept in by_key(app, Topic::Incidents, shard)?.into_values() {
            match decoded(app, (Topic::Incidents, shard), kept.position, &kept.value) {
                Some(incident) => incidents.push(incident),
                None => unreadable += 1,
            }
        }
    }
    incidents.sort_by(|a, b| {
        let opened = b.opened_at.cmp(&a.opened_at);
        opened.then(b.changed_at.cmp(&a.changed_at)).then_with(|| a.id.cmp(&b.id))
    });
    Ok(AllIncidents { incidents, unreadable })
}

/// Every incident, and how many records of incidents cannot be read.
pub(super) struct AllIncidents {
    pub(super) incidents: Vec<Incident>,
    unreadable: usize,
}

/// The latest wanted decisions of a shard, read backwards so that an old log costs nothing.
fn last_decisions(
    app: &App,
    shard: u32,
    limit: usize,
    wanted: impl Fn(&Decision) -> bool,
) -> Result<Decisions, Problem> {
    let (first, end) = app.bounds(Topic::Decisions, shard)?;
    let partition = app.topics.partition(Topic::Decisions, shard);
    let (mut found, mut unreadable) = (Vec::new(), 0);
    let mut to = end;
    while to > first && end - to < MOST_READ && found.len() < limit {
        let from = (to - BATCH).max(first);
        let records =
            app.topics.log.scan(&partition, from, usize::try_from(to - from).unwrap_or(0))?;
        for record in records.iter().rev().filter(|record| record.position < to) {
            match decoded(app, (Topic::Decisions, shard), record.position, &record.value) {
                Some(decision) if found.len() < limit && wanted(&decision) => found.push(decision),
                Some(_) => {}
                None => unreadable += 1,
            }
        }
        to = from;
    }
    Ok(Decisions { decisions: found, unreadable })
}
