//! `ripcord status`: the models at a glance.

mod head;
mod lanes;
mod rows;

use std::time::Duration;

use anyhow::Result;

use self::head::{head, seconds};
use self::rows::{baselines, row, shown};
use super::Session;
use crate::cli::{DONE, NO};
use crate::edge::http::client::ClientError;
use crate::edge::terminal;
use crate::edge::terminal::table::{Look, table};
use crate::model::{ModelId, Role, TriggerId, VersionId};
use crate::phrases::{clock_off, incident_state, percent, role, short, visible};
use crate::shard::{ModelStatus, VersionStatus};
use crate::show::WIDTH;
use crate::wire::api::{Overview, RulesView};

/// Time between two looks.
const AGAIN: Duration = Duration::from_secs(1);
const HEAD: [&str; 6] = ["TRIGGER", "VALUE", "LIMIT", "EVIDENCE", "STATE", "SEES"];

impl Session {
    pub(super) async fn status(&self, model: Option<&ModelId>, watch: bool) -> Result<u8> {
        if watch {
            // Waited for next to the whole loop, so that a request that hangs does not delay it.
            return tokio::select! {
                asked = tokio::signal::ctrl_c() => Ok(asked.map(|()| DONE)?),
                ended = self.watch(model) => ended,
            };
        }
        let Some(now) = self.now(model).await? else { return Ok(NO) };
        terminal::line(&now.text);
        Ok(if now.well { DONE } else { NO })
    }

    /// Shows it again whenever it changes, forever.
    async fn watch(&self, model: Option<&ModelId>) -> Result<u8> {
        let mut shown = String::new();
        loop {
            let (text, news) = match self.now(model).await {
                Ok(Some(now)) => (now.text, now.news),
                Ok(None) => return Ok(NO),
                // A server that was there may be restarting.
                Err(error) if !shown.is_empty() && is_away(&error) => {
                    let text = format!("{error}; trying again");
                    (text.clone(), text)
                }
                Err(error) => return Err(error),
            };
            let drawn = self.look.drawn && !self.json;
            if drawn && text != shown {
                terminal::page(&text);
                shown = text;
            } else if !drawn && news != shown {
                terminal::line(&text);
                shown = news;
            }
            tokio::time::sleep(AGAIN).await;
        }
    }

    /// Everything now; `None` if there is no such model, which has been reported.
    async fn now(&self, model: Option<&ModelId>) -> Result<Option<Now>> {
        let (overview, json) = self.read::<Overview>("/api/status").await?;
        if let Some(model) = model.filter(|model| !overview.models.contains_key(model.as_str())) {
            let known: Vec<_> = overview.models.keys().map(ModelId::as_str).collect();
            let known = if known.is_empty() { "none yet".to_owned() } else { known.join(", ") };
            let said = format!("ripcord: there is no model {model}; known models: {known}");
            terminal::complain(&said);
            return Ok(None);
        }
        let well = overview.stopped.is_empty();
        if !self.json {
            let text = page(&overview, model, self.look);
            return Ok(Some(Now { text, news: page(&timeless(overview), model, self.look), well }));
        }
        // As the server wrote it.
        let of = |model: &ModelId| json.get("models")?.get(model.as_str());
        let text = match model.and_then(of) {
            Some(one) => terminal::json(one)?,
            None => terminal::json(&json)?,
        };
        Ok(Some(Now { news: text.clone(), text, well }))
    }
}

/// What is shown.
struct Now {
    text: String,
    /// The same without what changes with every look.
    news: String,
    /// Nothing has stopped.
    well: bool,
}

/// Without clocks and ages.
fn timeless(mut overview: Overview) -> Overview {
    overview.clock.host = overview.now;
    overview.clock.log_ahead_seconds = 0.0;
    overview.record_age_seconds.clear();
    overview.roles.clear();
    overview.stopped.iter_mut().for_each(String::clear);
    overview
}

/// Whether nobody answers, as during a server's restart.
fn is_away(error: &anyhow::Error) -> bool {
    matches!(error.downcast_ref(), Some(ClientError::NoAnswer { .. }))
}

/// The whole page.
fn page(overview: &Overview, only: Option<&ModelId>, look: Look) -> String {
    let wanted = |model: &&ModelId| only.is_none_or(|only| only == *model);
    let mut out = head(overview, overview.models.iter().filter(|(id, _)| wanted(id)), look);
    out.extend(overview.rules.as_ref().map(rules));
    let silent = overview.shards.iter().filter(|view| view.told_at.is_none()).count();
    if silent > 0 {
        let all = overview.shards.len();
        out.push(format!(
            "{silent} of {all} shards have not reported yet; is the decide role running?"
        ));
    }
    let trouble = overview.trouble.iter();
    out.extend(
        trouble
            .map(|(target, why)| format!("TARGET {target} cannot be observed: {}", visible(why))),
    );
    out.extend(lanes::lines(&overview.lanes, overview.now));
    let keys = overview.keys.iter();
    out.extend(keys.map(|(source, why)| format!("KEYS of {source}: {}", visible(why))));
    for (model, status) in overview.models.iter().filter(|(id, _)| wanted(id)) {
        out.push(String::new());
        one(&mut out, (model, status), overview.record_age_seconds.get(model), look);
    }
    if overview.models.is_empty() {
        let measured = overview.records.values().any(|counters| counters.measured > 0);
        let why = if measured {
            "No bucket is closed yet; the first one closes when later records arrive."
        } else {
            "No telemetry yet; send the first record to POST /api/telemetry."
        };
        out.push(why.to_owned());
    }
    out.join("\n")
}

/// Which rules are in force, who put them there and why.
fn rules(rules: &RulesView) -> String {
    let who = match &rules.by {
        Some(by) => format!("by {by}"),
        None => "from the first start".to_owned(),
    };
    let why = rules.reason.as_ref().map_or(String::new(), |reason| format!(": {reason}"));
    short(&visible(&format!("rules revision {} {who}{why}", rules.revision)), WIDTH)
}

fn one(
    out: &mut Vec<String>,
    (model, status): (&ModelId, &ModelStatus),
    age: Option<&f64>,
    look: Look,
) {
    let production = status.production.as_ref().map_or("unknown", VersionId::as_str);
    let mode = status.mode.name();
    let newest = age.map_or(String::new(), |age| format!(" · newest record {} ago", seconds(*age)));
    out.push(format!("{model} · mode {mode} · production {production}{newest}"));
    out.push(format!("would roll back to: {}", status.would_roll_back_to));
    if let Some(why) = &status.frozen {
        out.push(format!("FROZEN, no automatic action: {}", visible(why)));
    }
    if !status.not_fed.is_empty() {
        let rules: Vec<_> = status.not_fed.iter().map(TriggerId::as_str).collect();
        let text = format!("not fed, no sample in a day of production: {}", rules.join(", "));
        out.push(short(&text, WIDTH));
    }
    for incident in &status.open_incidents {
        let state = incident_state(incident.state);
        let version = &incident.version;
        out.push(format!("incident {} of {version}: {state}", incident.id));
    }
    let warm = status.warm;
    for (version, status) in &status.versions {
        out.push(format!("  {}", title(version, status)));
        out.extend(baselines(&status.signals).map(|line| format!("  {line}")));
        if !status.signals.is_empty() {
            let rows = shown(&status.signals).map(|signal| row(signal, warm)).collect();
            let text = table(&HEAD, &[1, 2, 3], rows, look);
            out.extend(text.lines().map(|line| format!("  {line}")));
        }
    }
}

fn title(version: &VersionId, status: &VersionStatus) -> String {
    let is = match status.role {
        // It was judged lately, and no longer answers anything.
        Some(Role::Shadow) if status.label_coverage.is_none() => role(Role::Idle),
        Some(known) => role(known),
        None => "unknown role",
    };
    let mut parts = vec![version.to_string(), is.to_owned()];
    if status.proven {
        parts.push("proven".to_owned());
    }
    if status.quarantined {
        parts.push("in quarantine".to_owned());
    }
    match status.label_coverage {
        Some(share) => parts.push(format!("{} labelled", percent(share))),
        None => parts.push("no recent answers".to_owned()),
    }
    parts.extend(status.clock_ahead_seconds.map(clock_off));
    parts.join(" · ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Signal;

    #[test]
    fn accuracy_warms_while_ingest_reads_again_and_the_others_go_on() {
        let example = include_str!("../../../schemas/status.v1.example.json");
        let mut overview: Overview = serde_json::from_str(example).unwrap();
        let look = Look { drawn: false, colours: false };
        let rows = |overview: &Overview| {
            let page = page(overview, None, look);
            page.lines().filter(|line| line.contains("warming")).count()
        };
        assert_eq!(rows(&overview), 0);
        overview.models.values_mut().for_each(|model| model.warm = Some(0.379));
        assert_eq!(rows(&overview), 0, "the example has no trigger on accuracy");
        let models = overview.models.values_mut();
        let versions = models.flat_map(|model| model.versions.values_mut());
        let mut signals = versions.flat_map(|version| &mut version.signals);
        signals.next().unwrap().signal = Signal::Accuracy;
        assert_eq!(rows(&overview), 1);
        assert!(page(&overview, None, look).contains("warming 37 %"));
    }
}
