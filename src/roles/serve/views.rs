//! What there is to see: status, models, incidents, decisions.
//!
//! Over 300 lines: one list of what can be seen.

use std::collections::BTreeMap;

use axum::Json;
use axum::extract::rejection::QueryRejection;
use axum::extract::{Query, State};
use axum::http::StatusCode;
use serde::{Deserialize, Serialize};

use super::{App, Name, Shared, StoredValue, by_key};
use crate::edge::http::Problem;
use crate::edge::log::Topic;
use crate::model::{
    EventTime, Incident, IncidentState, LogTime, ModelId, Namespace, RuleSet, SourceId, VersionId,
};
use crate::shard::{BUILD, Decision, ModelStatus, Status};
use crate::sums::Counters;
use crate::topics::TROUBLE;
use crate::wire::json;

/// Decisions read back at once, and at most in one shard for one answer.
const BATCH: i64 = 500;
const MOST_READ: i64 = 50_000;
/// Records of an answer, unless asked otherwise, and at most.
const LIMIT: usize = 100;
const MOST: usize = 1000;

/// `GET /api/status`: everything at a glance.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Overview {
    /// `ripcord.status/1`.
    pub schema: String,
    /// Of the program that answers.
    pub version: String,
    /// The environment.
    pub namespace: Namespace,
    /// On what terms writing works: `token` or `loopback-only`.
    pub writing: String,
    /// The log's time.
    pub now: LogTime,
    /// What became of every record, by source.
    pub records: BTreeMap<SourceId, Counters>,
    /// The rules of the highest revision that a shard has; none: no shard said anything yet.
    pub rules: Option<RulesView>,
    /// Why a target cannot be observed, by target; one that can is not here.
    pub trouble: BTreeMap<String, String>,
    /// Each shard.
    pub shards: Vec<ShardView>,
    /// Each model.
    pub models: BTreeMap<ModelId, ModelStatus>,
}

/// Which rules are in force, and who put them there.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RulesView {
    /// It grows with each `config apply`.
    pub revision: u64,
    /// Of the rules.
    pub hash: String,
    /// Who put them in force; none: the first start did, with its config.
    pub by: Option<String>,
    /// Why, in their words.
    pub reason: Option<String>,
}

/// One shard.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ShardView {
    /// Which.
    pub shard: u32,
    /// When it last said how it stands; none: never.
    pub told_at: Option<LogTime>,
    /// Records of its inbox that are not folded yet, as far as it said.
    pub lag: Option<u64>,
    /// The newest event time read.
    pub read_to: Option<EventTime>,
    /// Hash of the rules in force.
    pub rules: Option<String>,
    /// Cells that came after their pane was closed.
    pub after_close: u64,
    /// Gaps in positions.
    pub gaps: u64,
    /// Records of the inbox that could not be read.
    pub unreadable: u64,
    /// Answers of workers that nothing waited for.
    pub ignored_answers: u64,
    /// Moves that incidents do not have: each is a defect of Ripcord.
    #[serde(default)]
    pub illegal_moves: u64,
    /// Generations reported by targets that are too high to be true.
    #[serde(default)]
    pub refused_fences: u64,
}

#[derive(Debug, Serialize)]
pub(super) struct Models {
    models: BTreeMap<ModelId, ModelStatus>,
}

#[derive(Debug, Serialize)]
pub(super) struct Incidents {
    incidents: Vec<Incident>,
}

#[derive(Debug, Serialize)]
pub(super) struct Decisions {
    decisions: Vec<Decision>,
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
    found.remove(name.as_str()).map(Json).ok_or_else(|| {
        Problem::missing(format!("nothing is known of a model {name}; known are: {known}"))
    })
}

pub(super) async fn incidents(
    State(app): Shared,
    wanted: Result<Query<Wanted>, QueryRejection>,
) -> Result<Json<Incidents>, Problem> {
    let Query(wanted) = wanted?;
    let mut incidents = app.blocking(all_incidents).await?;
    incidents.retain(|incident| {
        wanted.model.as_ref().is_none_or(|model| *model == incident.model)
            && wanted.version.as_ref().is_none_or(|version| *version == incident.version)
            && wanted.open.is_none_or(|open| open == (incident.state != IncidentState::Resolved))
    });
    incidents.truncate(wanted.limit());
    Ok(Json(Incidents { incidents }))
}

pub(super) async fn incident(
    State(app): Shared,
    Name(id): Name,
) -> Result<Json<Incident>, Problem> {
    let mut found = app.blocking(all_incidents).await?;
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
        (None, _) => Err(Problem::missing(format!("no incident's id begins with {id}"))),
    }
}

pub(super) async fn decisions(
    State(app): Shared,
    wanted: Result<Query<Wanted>, QueryRejection>,
) -> Result<Json<Decisions>, Problem> {
    let Query(wanted) = wanted?;
    let decisions = app.blocking(move |app| {
        let mut found = Vec::new();
        for shard in 0..app.topics.shards {
            found.extend(last_decisions(app, shard, wanted.limit(), |of| wanted.takes(of))?);
        }
        found.sort_by(|a, b| {
            b.logged_at.cmp(&a.logged_at).then_with(|| b.position.cmp(&a.position))
        });
        found.truncate(wanted.limit());
        Ok(found)
    });
    Ok(Json(Decisions { decisions: decisions.await? }))
}

pub(super) async fn decision(
    State(app): Shared,
    Name(id): Name,
) -> Result<Json<Decision>, Problem> {
    let of = id.split('-').next().and_then(|shard| shard.parse::<u32>().ok());
    let missing = || {
        Problem::missing(format!("no decision {id} is kept; /api/decisions lists the last ones"))
    };
    let shard = of.filter(|shard| *shard < app.topics.shards).ok_or_else(missing)?;
    let wanted = id.clone();
    let found = app.blocking(move |app| last_decisions(app, shard, 1, |d| d.id == wanted));
    found.await?.pop().map(Json).ok_or_else(missing)
}

/// What every shard last said, put together.
pub(super) fn overview(app: &App) -> Result<Overview, Problem> {
    let mut overview = Overview {
        schema: "ripcord.status/1".to_owned(),
        version: BUILD.to_owned(),
        namespace: app.topics.namespace.clone(),
        writing: app.writing.words().to_owned(),
        now: app.topics.log.now(),
        records: BTreeMap::new(),
        rules: None,
        trouble: BTreeMap::new(),
        shards: Vec::new(),
        models: BTreeMap::new(),
    };
    for shard in 0..app.topics.shards {
        let mut kept = by_key(app, Topic::Status, shard)?;
        overview.trouble.extend(trouble(&kept));
        let told = kept.remove("status");
        let mut view = ShardView {
            shard,
            told_at: told.as_ref().map(|told| told.time),
            lag: None,
            read_to: None,
            rules: None,
            after_close: 0,
            gaps: 0,
            unreadable: 0,
            ignored_answers: 0,
            illegal_moves: 0,
            refused_fences: 0,
        };
        if let Some(told) = told {
            let status: Status = json::decode("status", &told.value)?;
            let (_, end) = app.bounds(Topic::Inbox, shard)?;
            view.lag = Some(u64::try_from(end - status.next).unwrap_or(0));
            view.read_to = status.read_to;
            view.rules = status.rules;
            view.after_close = status.after_close;
            view.gaps = status.gaps;
            view.unreadable = status.unreadable;
            view.ignored_answers = status.ignored_answers;
            view.illegal_moves = status.illegal_moves;
            view.refused_fences = status.refused_fences;
            // Every shard hears the counts of every lane: the one that read most knows best.
            for (source, counters) in status.records {
                let known = overview.records.entry(source).or_default();
                if counters.read >= known.read {
                    *known = counters;
                }
            }
            overview.models.extend(status.models);
        }
        overview.shards.push(view);
    }
    overview.rules = app.topics.rules()?.map(|rule_set| {
        let RuleSet { revision, hash, by, reason, .. } = rule_set;
        RulesView { revision, hash, by, reason }
    });
    Ok(overview)
}

/// What workers said of targets that they cannot observe.
fn trouble(kept: &BTreeMap<String, StoredValue>) -> impl Iterator<Item = (String, String)> + '_ {
    kept.iter().filter_map(|(key, kept)| {
        let target = key.strip_prefix(TROUBLE)?.to_owned();
        let why = String::from_utf8_lossy(&kept.value).into_owned();
        (!why.is_empty()).then_some((target, why))
    })
}

/// The last record of every incident, the newest opening first.
pub(super) fn all_incidents(app: &App) -> Result<Vec<Incident>, Problem> {
    let mut incidents: Vec<Incident> = Vec::new();
    for shard in 0..app.topics.shards {
        for kept in by_key(app, Topic::Incidents, shard)?.into_values() {
            incidents.push(json::decode("incident", &kept.value)?);
        }
    }
    incidents.sort_by(|a, b| b.opened_at.cmp(&a.opened_at).then_with(|| a.id.cmp(&b.id)));
    Ok(incidents)
}

/// The last decisions of a shard that are wanted, read backwards so that an old log costs nothing.
fn last_decisions(
    app: &App,
    shard: u32,
    limit: usize,
    wanted: impl Fn(&Decision) -> bool,
) -> Result<Vec<Decision>, Problem> {
    let (first, end) = app.bounds(Topic::Decisions, shard)?;
    let partition = app.topics.partition(Topic::Decisions, shard);
    let mut found = Vec::new();
    let mut to = end;
    while to > first && end - to < MOST_READ && found.len() < limit {
        let from = (to - BATCH).max(first);
        let records =
            app.topics.log.scan(&partition, from, usize::try_from(to - from).unwrap_or(0))?;
        for record in records.iter().rev().filter(|record| record.position < to) {
            let decision: Decision = json::decode("decision", &record.value)?;
            if found.len() < limit && wanted(&decision) {
                found.push(decision);
            }
        }
        to = from;
    }
    Ok(found)
}

/// Whether every shard said something lately; else what is wrong.
pub(super) fn unready(overview: &Overview, most: crate::model::Span) -> Option<Problem> {
    let silent: Vec<_> = overview
        .shards
        .iter()
        .filter(|view| view.told_at.is_none_or(|told| overview.now - told > most))
        .map(|view| match view.told_at {
            Some(told) => format!("{} since {told}", view.shard),
            None => format!("{} always", view.shard),
        })
        .collect();
    if silent.is_empty() {
        return None;
    }
    let detail = format!(
        "shards that have been silent: {}; nothing is decided for their models: is the decide \
         role running?",
        silent.join(", ")
    );
    Some(Problem::new(StatusCode::SERVICE_UNAVAILABLE, "not-ready", detail).again_in(1))
}
