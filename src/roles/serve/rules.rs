//! `/api/rules`: shows the rules in force, and puts others in force.

use axum::body::Bytes;
use axum::extract::{Extension, State};
use axum::http::StatusCode;
use axum::http::header::LOCATION;
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use serde_json::Value;

use super::request::{body, fit_the_record, who};
use super::{App, Shared, locked};
use crate::config::rules_hash;
use crate::edge::diagnostics;
use crate::edge::http::{Caller, Problem};
use crate::model::{RuleProblem, RuleSet, Span};
use crate::shard::Inbox;

/// The most problems that an answer lists.
const SHOWN: usize = 10;

/// Rules that are on their way to the shards.
#[derive(Debug, Serialize)]
struct Applied {
    revision: u64,
    hash: String,
}

pub(super) async fn show(State(app): Shared) -> Result<axum::Json<RuleSet>, Problem> {
    let rule_set = app.blocking(|app| Ok(app.topics.rules()?)).await?;
    rule_set.map(axum::Json).ok_or_else(|| {
        let detail = "no shard has reported its rules yet; is the decide role running?";
        Problem::new(StatusCode::SERVICE_UNAVAILABLE, "no-status", detail).again_in(1)
    })
}

pub(super) async fn apply(
    State(app): Shared,
    Extension(caller): Extension<Caller>,
    bytes: Bytes,
) -> Result<Response, Problem> {
    let given: Value = body(&bytes)?;
    let rule_set: RuleSet = body(&bytes)?;
    let known = serde_json::to_value(&rule_set).map_err(|why| Problem::bad(why.to_string()))?;
    if let Some(key) = unknown_key(&given, &known) {
        let detail = format!("unknown key {key}; GET /api/rules shows the keys that rules have");
        return Err(Problem::bad(detail));
    }
    let applied = app.blocking(move |app| put(app, rule_set, &caller)).await?;
    Ok((StatusCode::ACCEPTED, [(LOCATION, "/api/rules")], axum::Json(applied)).into_response())
}

/// The first key of `given` that `known`, which was read from it, does not have.
fn unknown_key(given: &Value, known: &Value) -> Option<String> {
    match (given, known) {
        (Value::Object(given), Value::Object(known)) => given
            .iter()
            .filter(|(_, value)| !value.is_null())
            .find_map(|(key, value)| match known.get(key) {
                Some(known) => unknown_key(value, known).map(|below| format!("{key}.{below}")),
                None => Some(key.clone()),
            }),
        (Value::Array(given), Value::Array(known)) => {
            let mut pairs = given.iter().zip(known).enumerate();
            pairs.find_map(|(nth, (given, known))| {
                unknown_key(given, known).map(|below| format!("{nth}.{below}"))
            })
        }
        _ => None,
    }
}

fn put(app: &App, mut rule_set: RuleSet, caller: &Caller) -> Result<Applied, Problem> {
    if rule_set.namespace != app.topics.namespace {
        return Err(Problem::refused(format!(
            "the rules are for namespace {}, but this is {}; apply them there",
            rule_set.namespace, app.topics.namespace
        )));
    }
    if rule_set.hash != rules_hash(&rule_set) {
        let detail = "hash does not match the rules; use `ripcord config apply`, which computes it \
                      from a config file";
        return Err(Problem::bad(detail));
    }
    // A shard keeps rules for ever and cannot ask back.
    let panes: Vec<Span> = app.sources.iter().map(|source| source.pane).collect();
    let problems = rule_set.check(&panes);
    if !problems.is_empty() {
        let all: Vec<_> = problems.iter().take(SHOWN).map(RuleProblem::to_string).collect();
        return Err(Problem::bad(format!("the rules are refused: {}", all.join("; "))));
    }
    fit_the_record(rule_set.reason.as_deref(), rule_set.by.as_deref())?;
    rule_set.by = Some(who(caller, rule_set.by));
    // Held until they are appended, so that no two get one revision from here.
    let mut given = locked(&app.revision);
    let known = app.topics.rules()?.map_or(0, |rule_set| rule_set.revision);
    rule_set.revision = known.max(*given) + 1;
    let applied = Applied { revision: rule_set.revision, hash: rule_set.hash.clone() };
    let (by, reason) = (rule_set.by.clone(), rule_set.reason.clone());
    app.topics.publish(locked(&app.orders).as_mut(), None, &Inbox::Rules(rule_set))?;
    let (by, reason) = (by.as_deref(), reason.as_deref());
    diagnostics::rules_applied(applied.revision, &applied.hash, by, reason);
    *given = applied.revision;
    Ok(applied)
}
