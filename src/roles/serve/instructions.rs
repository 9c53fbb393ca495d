//! Instructions of people: into the inbox, and their replies from the status topic.

use std::collections::VecDeque;

use axum::body::Bytes;
use axum::extract::{Extension, State};
use axum::http::header::LOCATION;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use serde::Deserialize;

use super::plan::dry_run;
use super::request::{NO_REASON, Name, body, fit_the_record, who};
use super::{App, Shared, locked};
use crate::edge::clock::Uptime;
use crate::edge::http::{Caller, Problem, client, fresh_id};
use crate::edge::log::Topic;
use crate::model::{Ask, Instruction, Mode, ModelId, Scope, VersionId};
use crate::phrases::closest;
use crate::shard::Inbox;
use crate::topics::reply_key;
use crate::undo::Reply;
use crate::wire::api::{AcceptedInstruction, InstructionState};
use crate::wire::json;

/// How many instructions are remembered while they wait for their reply.
const REMEMBERED: usize = 4096;
/// The longest id of an instruction.
const LONGEST_ID: usize = 128;

/// Every action.
const ACTIONS: [&str; 10] = [
    "rollback",
    "abort",
    "approve",
    "mode",
    "freeze",
    "unfreeze",
    "promoted",
    "vouch",
    "quarantine",
    "release",
];

/// Instructions that may have no reply yet, oldest first.
pub(super) type Pending = VecDeque<Waiting>;

/// An instruction on its way.
#[derive(Debug)]
pub(super) struct Waiting {
    instruction: Instruction,
    /// Shards that must read it.
    shards: u32,
    at: Uptime,
}

/// The body of every action; which fields an action takes is checked later.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Body {
    model: Option<ModelId>,
    #[serde(default)]
    all: bool,
    to: Option<VersionId>,
    version: Option<VersionId>,
    mode: Option<Mode>,
    reason: Option<String>,
    by: Option<String>,
    #[serde(default)]
    dry_run: bool,
}

pub(super) async fn ask(
    State(app): Shared,
    Name(name): Name,
    Extension(caller): Extension<Caller>,
    headers: HeaderMap,
    bytes: Bytes,
) -> Result<Response, Problem> {
    let body: Body = body(&bytes)?;
    let ask = read(&name, &body)?;
    if let (Ask::Rollback { model, to }, true) = (&ask, body.dry_run) {
        let (model, to) = (model.clone(), to.clone());
        let plan = app.blocking(move |app| dry_run(app, &model, to.as_ref())).await?;
        return Ok(axum::Json(plan).into_response());
    }
    let instruction = Instruction {
        id: id(&headers)?,
        by: who(&caller, body.by),
        reason: body.reason.unwrap_or_else(|| "not stated".to_owned()),
        ask,
    };
    let asked = app.blocking(move |app| submit(app, instruction)).await?;
    let location = asked.location.clone();
    Ok((StatusCode::ACCEPTED, [(LOCATION, location)], axum::Json(asked)).into_response())
}

/// The action of that name, with the values of the body.
fn read(name: &str, body: &Body) -> Result<Ask, Problem> {
    let model = || body.model.clone().ok_or_else(|| missing(name, "model"));
    let version = || body.version.clone().ok_or_else(|| missing(name, "version"));
    let scope = || match (&body.model, body.all) {
        (Some(model), false) => Ok(Scope::Model(model.clone())),
        (None, true) => Ok(Scope::All),
        (None, false) | (Some(_), true) => {
            Err(Problem::bad(format!("{name} needs either a \"model\" or \"all\": true")))
        }
    };
    let ask = match name {
        "rollback" => Ask::Rollback { model: model()?, to: body.to.clone() },
        "abort" => Ask::Abort { model: model()? },
        "approve" => Ask::Approve { model: model()? },
        "mode" => {
            let mode = body.mode.ok_or_else(|| missing(name, "mode"))?;
            Ask::Mode { scope: scope()?, mode }
        }
        "freeze" => Ask::Freeze { scope: scope()? },
        "unfreeze" => Ask::Unfreeze { scope: scope()? },
        "promoted" => Ask::Promoted { model: model()?, version: version()? },
        "vouch" => Ask::Vouch { model: model()?, version: version()? },
        "quarantine" => Ask::Quarantine { model: model()?, version: version()? },
        "release" => Ask::Release { model: model()?, version: version()? },
        unknown => return Err(Problem::missing(unknown_action(unknown))),
    };
    let takes = match &ask {
        Ask::Rollback { .. } => ["to", "dry_run"].as_slice(),
        Ask::Mode { .. } => &["all", "mode"],
        Ask::Freeze { .. } | Ask::Unfreeze { .. } => &["all"],
        Ask::Promoted { .. } | Ask::Vouch { .. } | Ask::Quarantine { .. } | Ask::Release { .. } => {
            &["version"]
        }
        Ask::Abort { .. } | Ask::Approve { .. } => &[],
    };
    let given = [
        ("all", body.all),
        ("to", body.to.is_some()),
        ("version", body.version.is_some()),
        ("mode", body.mode.is_some()),
        ("dry_run", body.dry_run),
    ];
    if let Some((field, _)) = given.iter().find(|(field, given)| *given && !takes.contains(field)) {
        return Err(Problem::bad(format!("{name} does not take {field}; remove it")));
    }
    if body.reason.is_none() && matches!(ask, Ask::Rollback { .. }) {
        return Err(Problem::bad(NO_REASON));
    }
    fit_the_record(body.reason.as_deref(), body.by.as_deref())?;
    Ok(ask)
}

/// Names the actions, and the one that was probably meant.
fn unknown_action(name: &str) -> String {
    let meant = closest(name, &ACTIONS);
    let meant = meant.map_or(String::new(), |meant| format!(" (did you mean '{meant}'?)"));
    format!("unknown action '{name}'{meant}; expected one of {}", ACTIONS.join(", "))
}

fn missing(name: &str, field: &str) -> Problem {
    Problem::bad(format!("{name} needs \"{field}\"; add it to the body"))
}

/// The instruction's id: the caller's, so that a retry is not a second instruction, or a new one.
fn id(headers: &HeaderMap) -> Result<String, Problem> {
    let Some(key) = headers.get("idempotency-key") else { return Ok(fresh_id()) };
    let fits = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.:".contains(&byte);
    let text = key.to_str().unwrap_or_default().trim_matches('"');
    if text.is_empty() || text.len() > LONGEST_ID || !text.bytes().all(fits) {
        return Err(Problem::bad(format!(
            "the Idempotency-Key is invalid; use 1 to {LONGEST_ID} letters, digits, - _ . and :"
        )));
    }
    Ok(text.to_owned())
}

fn submit(app: &App, instruction: Instruction) -> Result<AcceptedInstruction, Problem> {
    // Held to the end, so that of two requests with one id the second sees the first.
    let mut asked = locked(&app.asked);
    let earlier = asked.iter().rev().find(|waiting| waiting.instruction.id == instruction.id);
    if earlier.is_some_and(|earlier| earlier.instruction != instruction) {
        let detail = format!(
            "the Idempotency-Key {} was already used for another request; use a new key for each \
             request",
            instruction.id
        );
        return Err(Problem::new(StatusCode::UNPROCESSABLE_ENTITY, "key-taken", detail));
    }
    let model = instruction.ask.model().cloned();
    let shards = if model.is_some() { 1 } else { app.topics.shards };
    let record = Inbox::Instruction(instruction.clone());
    app.topics.publish(locked(&app.orders).as_mut(), model.as_ref(), &record)?;
    let id = instruction.id.clone();
    asked.push_back(Waiting { instruction, shards, at: app.topics.log.uptime() });
    if asked.len() > REMEMBERED {
        asked.pop_front();
    }
    let location = format!("/api/instructions/{}", client::part(&id));
    Ok(AcceptedInstruction { id, location })
}

pub(super) async fn fate(
    State(app): Shared,
    Name(id): Name,
) -> Result<axum::Json<InstructionState>, Problem> {
    app.blocking(move |app| instruction_state(app, id)).await.map(axum::Json)
}

/// From how many shards an instruction waits for a reply. Old instructions have had theirs and are
/// forgotten.
fn waiting(app: &App, id: &str) -> Option<u32> {
    let now = app.topics.log.uptime();
    let mut asked = locked(&app.asked);
    asked.retain(|waiting| now - waiting.at < app.keep_replies);
    asked.iter().rev().find(|waiting| waiting.instruction.id == id).map(|waiting| waiting.shards)
}

fn instruction_state(app: &App, id: String) -> Result<InstructionState, Problem> {
    let asked = waiting(app, &id);
    let key = reply_key(&id);
    let mut replies: Vec<Reply> = Vec::new();
    for shard in 0..app.topics.shards {
        if let Some(record) = app.topics.latest(Topic::Status, shard, &key)? {
            replies.push(json::decode("reply", &record.value)?);
        }
    }
    if replies.is_empty() && asked.is_none() {
        return Err(Problem::missing(format!(
            "no instruction {id} is known: it was never sent, or more than {} h ago, or another \
             process took it and no shard has read it yet",
            app.keep_replies.as_s() / 3600.0
        )));
    }
    if replies.is_empty() || asked.is_some_and(|shards| replies.len() < shards as usize) {
        return Ok(InstructionState::Pending { id });
    }
    let accepted = replies.iter().all(|reply| reply.accepted);
    let incident = replies.iter().find_map(|reply| reply.incident.clone());
    let mut details: Vec<_> = replies
        .into_iter()
        .filter(|reply| reply.accepted == accepted)
        .map(|reply| reply.detail)
        .collect();
    details.dedup();
    let detail = details.join("; ");
    Ok(match accepted {
        true => InstructionState::Accepted { id, detail, incident },
        false => InstructionState::Refused { id, detail },
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_unknown_action_names_what_was_meant() {
        let said = unknown_action("freez");
        let start = "unknown action 'freez' (did you mean 'freeze'?); expected one of rollback, ";
        assert!(said.starts_with(start), "{said}");
        assert!(unknown_action("launch").starts_with("unknown action 'launch'; expected one of"));
    }
}
