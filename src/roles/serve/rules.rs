//! `/api/rules`: what is in force, and putting others in force.

use axum::body::Bytes;
use axum::extract::State;
use axum::http::StatusCode;
use axum::http::header::LOCATION;
use axum::response::{IntoResponse, Response};
use serde::Serialize;

use super::{App, Shared, body, fit_the_record, locked, who};
use crate::config::rules_hash;
use crate::edge::diagnostics;
use crate::edge::http::Problem;
use crate::model::{Limit, ModelRules, RuleSet, Span, Statistic, Tolerance, Trigger};
use crate::shard::Inbox;

/// Rules that are on their way to the shards.
#[derive(Debug, Serialize)]
struct Applied {
    revision: u64,
    hash: String,
}

pub(super) async fn show(State(app): Shared) -> Result<axum::Json<RuleSet>, Problem> {
    let rule_set = app.blocking(|app| Ok(app.topics.rules()?)).await?;
    rule_set.map(axum::Json).ok_or_else(|| {
        let detail = "no shard has said which rules it has; is the decide role running?";
        Problem::new(StatusCode::SERVICE_UNAVAILABLE, "no-status", detail).again_in(1)
    })
}

pub(super) async fn apply(State(app): Shared, bytes: Bytes) -> Result<Response, Problem> {
    let rule_set: RuleSet = body(&bytes)?;
    let applied = app.blocking(move |app| put(app, rule_set)).await?;
    Ok((StatusCode::ACCEPTED, [(LOCATION, "/api/rules")], axum::Json(applied)).into_response())
}

fn put(app: &App, mut rule_set: RuleSet) -> Result<Applied, Problem> {
    if rule_set.namespace != app.topics.namespace {
        return Err(Problem::refused(format!(
            "the rules are of namespace {}, this is {}; apply them where they belong",
            rule_set.namespace, app.topics.namespace
        )));
    }
    if rule_set.hash != rules_hash(&rule_set) {
        let detail = "hash is not that of the rules; send what `ripcord config apply` makes of a \
                      config file";
        return Err(Problem::bad(detail));
    }
    if let Some(why) = impossible(&rule_set) {
        return Err(Problem::bad(why));
    }
    fit_the_record(rule_set.reason.as_deref(), rule_set.by.as_deref())?;
    rule_set.by = Some(who(rule_set.by));
    // Held until they are appended, so that no two get one revision from here.
    let mut given = locked(&app.revision);
    let known = app.topics.rules()?.map_or(0, |rule_set| rule_set.revision);
    rule_set.revision = known.max(*given) + 1;
    let applied = Applied { revision: rule_set.revision, hash: rule_set.hash.clone() };
    let (by, reason) = (rule_set.by.clone(), rule_set.reason.clone());
    app.topics.publish(locked(&app.writer).as_mut(), None, &Inbox::Rules(rule_set))?;
    let (by, reason) = (by.as_deref(), reason.as_deref());
    diagnostics::rules_applied(applied.revision, &applied.hash, by, reason);
    *given = applied.revision;
    Ok(applied)
}

/// What no config file could have become. A shard keeps rules for ever and cannot ask back, so
/// nothing that it could not fold may reach it.
fn impossible(rule_set: &RuleSet) -> Option<String> {
    let models = rule_set.models.iter().map(|(model, rules)| (model.as_str(), rules));
    std::iter::once(("default", &rule_set.default))
        .chain(models)
        .find_map(|(of, rules)| wrong(of, rules))
}

fn wrong(of: &str, rules: &ModelRules) -> Option<String> {
    let budget = rules.budget;
    if !(budget.false_rollbacks > 0.0 && budget.false_rollbacks.is_finite()) {
        return Some(format!("{of}: budget.false_rollbacks must be over 0"));
    }
    if budget.period < Span::from_s(1) {
        return Some(format!("{of}: budget.period must be a second or more"));
    }
    rules.triggers.iter().find_map(|trigger| {
        let what = unusable(trigger)?;
        Some(format!("{of}: trigger {}: {what}", trigger.id))
    })
}

fn unusable(trigger: &Trigger) -> Option<&'static str> {
    let share = |value: f64| (0.0..=1.0).contains(&value);
    let inside = |value: f64| value > 0.0 && value < 1.0;
    let positive = |value: f64| value > 0.0 && value.is_finite();
    let limit = match trigger.limit {
        Limit::Baseline(Tolerance::Points(part) | Tolerance::Relative(part)) => share(part),
        Limit::Rate(rate) => inside(rate),
        Limit::Paired(tolerance) => share(tolerance) && tolerance < 1.0,
        Limit::MeanMs { limit, timeout } => positive(limit) && positive(timeout) && timeout > limit,
        Limit::Psi { limit, bins, .. } => positive(limit) && (2..=1000).contains(&bins),
    };
    let window = match trigger.statistic {
        Statistic::EDetector => true,
        Statistic::Window { window, breaches } => window >= trigger.bucket && breaches > 0,
    };
    [
        (limit, "its limit is out of range"),
        (window, "its window is shorter than its bucket, or it counts no breaches"),
        (trigger.bucket >= Span::from_s(1), "its bucket must be a second or more"),
        (share(trigger.weight), "its weight must be 0 to 1"),
        (share(trigger.completeness), "its completeness must be 0 to 1"),
        (
            trigger.design_effect >= 1.0 && trigger.design_effect.is_finite(),
            "its design_effect must be 1 or more",
        ),
    ]
    .into_iter()
    .find_map(|(fits, what)| (!fits).then_some(what))
}
