//! `ripcord incidents` and `ripcord explain`.

use anyhow::Result;
use serde::Deserialize;

use super::Session;
use crate::cli::DONE;
use crate::edge::http::client::{ClientError, part};
use crate::edge::terminal;
use crate::edge::terminal::table::{TableCell, Tone, table};
use crate::model::{Incident, IncidentState};
use crate::phrases::{incident_state, minute, short, signal};
use crate::shard::Decision;
use crate::show;

#[derive(Deserialize)]
struct Incidents {
    incidents: Vec<Incident>,
}

#[derive(Deserialize)]
struct Decisions {
    decisions: Vec<Decision>,
}

impl Session {
    pub(super) async fn incidents(&self) -> Result<u8> {
        let (Incidents { incidents }, json) = self.read("/api/incidents").await?;
        if self.json {
            return self.print_json(&json);
        }
        if incidents.is_empty() {
            terminal::line("No incidents so far.");
            return Ok(DONE);
        }
        let rows = incidents.iter().map(row).collect();
        let head = ["ID", "OPENED (UTC)", "MODEL", "VERSION", "SIGNAL", "STATE"];
        terminal::line(&table(&head, &[], rows, self.look));
        Ok(DONE)
    }

    /// An incident's story, or else a decision's.
    pub(super) async fn explain(&self, id: &str) -> Result<u8> {
        let found = self.read::<Incident>(&format!("/api/incidents/{}", part(id))).await;
        let (incident, json) = match found {
            Ok(found) => found,
            Err(error) if is_missing(&error) => {
                return self.explain_decision(id).await;
            }
            Err(error) => return Err(error),
        };
        let path = format!("/api/decisions?incident={}&limit=1000", part(incident.id.as_str()));
        let (Decisions { mut decisions }, of) = self.read(&path).await?;
        if self.json {
            let decisions = of.get("decisions").cloned().unwrap_or_default();
            return self.print_json(&serde_json::json!({"incident": json, "decisions": decisions}));
        }
        decisions.reverse();
        terminal::line(&show::explain::incident(&incident, &decisions, self.screen));
        Ok(DONE)
    }

    async fn explain_decision(&self, id: &str) -> Result<u8> {
        let found = self.read::<Decision>(&format!("/api/decisions/{}", part(id))).await;
        let (decision, json) = match found {
            Ok(found) => found,
            Err(error) if is_missing(&error) => {
                let detail = format!(
                    "no incident or decision has an id that begins with {id}; `ripcord incidents` \
                     lists them"
                );
                let status = reqwest::StatusCode::NOT_FOUND;
                return Err(ClientError::Problem { status, detail }.into());
            }
            Err(error) => return Err(error),
        };
        if self.json {
            return self.print_json(&json);
        }
        terminal::line(&show::explain::decision(&decision, self.screen));
        Ok(DONE)
    }
}

/// Whether there is no such thing; otherwise there may be one, or several.
fn is_missing(error: &anyhow::Error) -> bool {
    let missing = reqwest::StatusCode::NOT_FOUND;
    matches!(error.downcast_ref(), Some(ClientError::Problem { status, .. }) if *status == missing)
}

fn row(incident: &Incident) -> Vec<TableCell> {
    let read = incident.signal.map_or("requested", signal);
    let to = incident.to.as_ref().map_or("-".to_owned(), ToString::to_string);
    let id: String = incident.id.as_str().chars().take(8).collect();
    vec![
        id.into(),
        minute(incident.opened_at).into(),
        short(incident.model.as_str(), 14).into(),
        short(&format!("{} → {to}", incident.version), 12).into(),
        read.into(),
        TableCell::toned(incident_state(incident.state), tone(incident.state)),
    ]
}

fn tone(state: IncidentState) -> Tone {
    match state {
        IncidentState::Verified | IncidentState::Resolved => Tone::Good,
        IncidentState::Open | IncidentState::Mitigating | IncidentState::Mitigated => {
            Tone::Doubtful
        }
        IncidentState::MitigatedUnverified | IncidentState::Frozen | IncidentState::Stuck => {
            Tone::Bad
        }
    }
}
