//! Instructions: sent, waited for, and their replies shown.

use std::time::Duration;

use anyhow::{Context, Result};
use serde::Deserialize;
use serde_json::{Value as Json, json};

use super::{Session, shown};
use crate::cli::{COULD_NOT, DONE, NO, Order};
use crate::edge::terminal;
use crate::model::{RuleSet, Scope};
use crate::phrases::changes::changes;
use crate::phrases::{command, visible, want};
use crate::wire::api::{AcceptedInstruction, InstructionState, Overview, PlanView};

/// How often to look for a reply, and the time between two looks.
const LOOKS: u32 = 100;
const AGAIN: Duration = Duration::from_millis(100);

impl Session {
    pub(super) async fn order(&self, order: &Order) -> Result<u8> {
        let (path, mut body) = request(order);
        if let Json::Object(fields) = &mut body {
            fields.retain(|_, value| !value.is_null());
            fields.insert("by".to_owned(), self.by.as_str().into());
        }
        let answer = self.client.post(path, &body).await?;
        if body.get("dry_run") == Some(&Json::Bool(true)) {
            return if self.json { self.print_json(&answer) } else { plan(&answer) };
        }
        let asked = AcceptedInstruction::deserialize(&answer).context(
            "the server accepted it with an answer that this version does not understand",
        )?;
        self.wait(&asked).await
    }

    async fn wait(&self, asked: &AcceptedInstruction) -> Result<u8> {
        for _ in 0..LOOKS {
            let (fate, json) = self.read::<InstructionState>(&asked.location).await?;
            let (code, text) = match fate {
                InstructionState::Pending { .. } => {
                    tokio::time::sleep(AGAIN).await;
                    continue;
                }
                InstructionState::Accepted { detail, incident: Some(incident), .. } => {
                    let next = format!("\nNext: {}", command("explain", &[incident.as_str()], &[]));
                    (DONE, format!("accepted: {detail}{next}"))
                }
                InstructionState::Accepted { detail, incident: None, .. } => {
                    (DONE, format!("accepted: {detail}"))
                }
                InstructionState::Refused { detail, .. } => (NO, format!("refused: {detail}")),
            };
            if self.json {
                self.print_json(&json)?;
            } else {
                terminal::line(&visible(&text));
            }
            return Ok(code);
        }
        terminal::complain(&format!(
            "ripcord: the instruction is in the inbox, but no shard has replied for 10 s; is the \
             decide role running? Look at {} later",
            asked.location
        ));
        Ok(COULD_NOT)
    }

    /// Puts rules in force, and waits until every shard has them. The differences are shown first;
    /// `yes`: even if fewer rollbacks act afterwards.
    pub(super) async fn apply(&self, rules: &RuleSet, yes: bool) -> Result<u8> {
        let (now, _) = self.read::<RuleSet>("/api/rules").await?;
        let changes = changes(&now, rules);
        if !self.json {
            changes.iter().for_each(|change| terminal::line(&change.text));
        }
        let losses = changes.iter().filter(|change| change.loses);
        let losses: Vec<&str> = losses.map(|change| change.text.as_str()).collect();
        if !(yes || losses.is_empty()) {
            terminal::complain(&format!(
                "ripcord: nothing was changed, because fewer rollbacks would take effect ({}); to \
                 apply the rules anyway, use `ripcord config apply --yes`, otherwise check \
                 --config",
                losses.join("; ")
            ));
            return Ok(NO);
        }
        let answer = self.client.post("/api/rules", &serde_json::to_value(rules)?).await?;
        for _ in 0..LOOKS {
            let (overview, _) = self.read::<Overview>("/api/status").await?;
            let mine = |hash: &Option<String>| hash.as_ref() == Some(&rules.hash);
            if overview.shards.iter().all(|view| mine(&view.rules)) {
                if self.json {
                    return self.print_json(&answer);
                }
                let revision = answer.get("revision").and_then(Json::as_u64).unwrap_or(0);
                let all = overview.shards.len();
                terminal::line(&format!("Revision {revision} is in force on all {all} shards."));
                return Ok(DONE);
            }
            tokio::time::sleep(AGAIN).await;
        }
        terminal::complain(
            "ripcord: the rules are in the inboxes, but not every shard has applied them after \
             10 s; `ripcord status --json` shows which",
        );
        Ok(COULD_NOT)
    }
}

/// Where an order is posted, and what.
fn request(order: &Order) -> (&'static str, Json) {
    let of = |scope: Scope| match scope {
        Scope::All => (Json::Null, Json::Bool(true)),
        Scope::Model(model) => (json!(model), Json::Null),
    };
    match order {
        Order::Rollback { model, to, why, dry_run } => (
            "/api/models/rollback",
            json!({"model": model, "to": to, "reason": why.reason, "dry_run": dry_run}),
        ),
        Order::Abort(of) => {
            ("/api/models/abort", json!({"model": of.model, "reason": of.why.reason}))
        }
        Order::Approve(of) => {
            ("/api/models/approve", json!({"model": of.model, "reason": of.why.reason}))
        }
        Order::Mode { scope, mode, why } => {
            let (model, all) = of(scope.scope());
            let body = json!({"model": model, "all": all, "mode": mode, "reason": why.reason});
            ("/api/models/mode", body)
        }
        Order::Freeze(it) => {
            let (model, all) = of(it.scope.scope());
            let body = json!({"model": model, "all": all, "reason": it.why.reason});
            ("/api/models/freeze", body)
        }
        Order::Unfreeze(it) => {
            let (model, all) = of(it.scope.scope());
            let body = json!({"model": model, "all": all, "reason": it.why.reason});
            ("/api/models/unfreeze", body)
        }
        Order::Promoted(of) => ("/api/models/promoted", versioned(of)),
        Order::Vouch(of) => ("/api/models/vouch", versioned(of)),
        Order::Quarantine(of) => ("/api/models/quarantine", versioned(of)),
        Order::Release(of) => ("/api/models/release", versioned(of)),
    }
}

fn versioned(of: &crate::cli::OfVersion) -> Json {
    json!({"model": of.model, "version": of.version, "reason": of.why.reason})
}

fn plan(answer: &Json) -> Result<u8> {
    let plan =
        PlanView::deserialize(shown(answer)).context("the plan cannot be read; update ripcord")?;
    let fit = plan.fit.as_deref().unwrap_or("unproven, on your word");
    let PlanView { model, from, to, generation, .. } = &plan;
    terminal::line(&format!("{model} would be rolled back from {from} to {to} ({fit})."));
    terminal::line(&format!("Generation {generation}. Steps, in order:"));
    for (number, step) in (1..).zip(&plan.steps) {
        let (stage, wanted) = (step.stage.name(), want(&step.want));
        terminal::line(&format!("  {number}. {stage} · {}: {wanted}", step.target));
    }
    terminal::line("Nothing was done. Leave out --dry-run to do it.");
    Ok(DONE)
}
