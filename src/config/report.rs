//! The meaning of the settings in words: the output of `check-config`.

use std::fmt;

use serde::Serialize;
use serde_json::Value as Json;

use crate::model::{
    Action, Budget, Limit, Mode, ModelRules, RuleSet, Signal, Span, Statistic, Tolerance, Trigger,
};
use crate::phrases::grouped;

/// The settings in effect.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ConfigReport {
    /// The environment served.
    pub namespace: String,
    /// Hash of the rules.
    pub rules_hash: String,
    /// The rules in words: the default first, then every model with its own.
    pub rules: Vec<RulesInWords>,
    /// Every setting by its name in `config.toml`, null if not set, without secrets.
    pub settings: Json,
}

/// The rules of a model in words.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct RulesInWords {
    /// The model. `None` for every model without rules of its own.
    pub model: Option<String>,
    /// What to do on a breach.
    pub mode: Mode,
    /// The triggers in order, one or two sentences each.
    pub triggers: Vec<String>,
    /// The workers in a plan, in their order.
    pub plan: Vec<String>,
}

impl fmt::Display for ConfigReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "namespace {}, rules {}", self.namespace, self.rules_hash)?;
        for meaning in &self.rules {
            let who = meaning.model.as_deref().unwrap_or("every other model");
            writeln!(f, "\n{who}: mode {}", meaning.mode.name())?;
            meaning.triggers.iter().try_for_each(|trigger| writeln!(f, "  {trigger}"))?;
            writeln!(f, "  a rollback asks: {}", meaning.plan.join(", "))?;
        }
        Ok(())
    }
}

/// The report on these rules and settings.
pub(super) fn report(rules: &RuleSet, settings: Json) -> ConfigReport {
    let own = rules.models.iter().map(|(model, rules)| meaning(Some(model.to_string()), rules));
    ConfigReport {
        namespace: rules.namespace.to_string(),
        rules_hash: rules.hash.clone(),
        rules: std::iter::once(meaning(None, &rules.default)).chain(own).collect(),
        settings,
    }
}

fn meaning(model: Option<String>, rules: &ModelRules) -> RulesInWords {
    RulesInWords {
        model,
        mode: rules.mode,
        triggers: rules.triggers.iter().map(|trigger| words(trigger, &rules.budget)).collect(),
        plan: rules.targets.iter().map(|target| target.id.to_string()).collect(),
    }
}

/// A trigger in words.
fn words(trigger: &Trigger, budget: &Budget) -> String {
    let mut text = format!("{}: {}", trigger.id, limit(trigger));
    let action = match trigger.action {
        Action::Alert => "alert",
        Action::Rollback => "rollback",
    };
    let how = match trigger.statistic {
        Statistic::EDetector => {
            let share = budget.false_rollbacks * trigger.weight;
            let days = budget.period.as_s() / 86_400.0 / share;
            let odds = budget.period.as_s() / trigger.bucket.as_s() / share;
            format!(
                "; at most one false {action} per {} days of steady traffic, so it fires at odds \
                 of {} over buckets of {}",
                round(days),
                thousands(odds),
                span(trigger.bucket)
            )
        }
        Statistic::Window { window, breaches } => format!(
            " over the last {}, {breaches} {} of {} in a row; {action}, with no bound on false \
             alarms",
            span(window),
            if breaches == 1 { "bucket" } else { "buckets" },
            span(trigger.bucket)
        ),
    };
    text.push_str(&how);
    if let Some(mode) = trigger.mode {
        text.push_str("; at most ");
        text.push_str(mode.name());
    }
    text
}

fn limit(trigger: &Trigger) -> String {
    match (trigger.limit, trigger.signal) {
        (Limit::Baseline(Tolerance::Points(points)), _) => {
            format!("accuracy is more than {} points below its baseline", percent(points))
        }
        (Limit::Baseline(Tolerance::Relative(part)), _) => {
            format!("accuracy is below its baseline by more than {} % of it", percent(part))
        }
        (Limit::Paired(points), _) => format!(
            "accuracy is more than {} points below another version's on the same requests",
            percent(points)
        ),
        (Limit::Rate(rate), Signal::ErrorRate) => {
            format!("more than {} % of predictions fail", percent(rate))
        }
        (Limit::Rate(rate), Signal::Accuracy | Signal::Latency | Signal::FeatureDrift) => {
            format!("more than {} % of samples are bad", percent(rate))
        }
        (Limit::MeanMs { limit, timeout }, _) => format!(
            "answers take more than {} ms on average, each counted as {} ms at most",
            amount(limit),
            amount(timeout)
        ),
        (Limit::Psi { limit, bins, learn }, _) => format!(
            "the population stability index of a feature is above {limit}, on {bins} bins learned \
             from {} samples",
            thousands(learn as f64)
        ),
    }
}

/// A share in percent, without rounding noise.
fn percent(part: f64) -> String {
    round(part * 100.0)
}

/// At most two decimals.
fn round(x: f64) -> String {
    let text = format!("{x:.2}");
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

/// A whole number with its thousands apart, any other with its decimals.
fn amount(x: f64) -> String {
    if x.fract() == 0.0 { thousands(x) } else { x.to_string() }
}

fn thousands(x: f64) -> String {
    grouped(&format!("{x:.0}"))
}

fn span(span: Span) -> String {
    let seconds = span.as_ms() / 1000;
    match seconds {
        s if s % 3600 == 0 => format!("{} h", s / 3600),
        s if s % 60 == 0 => format!("{} min", s / 60),
        s => format!("{s} s"),
    }
}
