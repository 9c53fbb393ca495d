//! The raw rules as the rules of the pure rooms.

use std::collections::BTreeMap;

use super::check::{Checker, checked};
use super::policy::policy;
use super::problem::Path;
use super::raw;
use super::units::{DAY, MINUTE, SECOND, span};
use crate::model::{
    Action, Budget, Limit, ModelRules, Signal, Span, Statistic, TargetRule, Tolerance, Trigger,
    TriggerId,
};

/// The rules at `at`. [`ModelRules::check`] refuses impossible values here as it does everywhere;
/// what only a file can get wrong is refused on the way.
pub(super) fn rules(
    check: &mut Checker<'_>,
    at: &Path,
    raw: &raw::Rules,
    panes: &[Span],
    targets: Vec<TargetRule>,
) -> ModelRules {
    let rules = ModelRules {
        mode: raw.mode,
        budget: Budget {
            false_rollbacks: raw.budget.false_rollbacks,
            period: span(raw.budget.period_days, DAY),
        },
        triggers: triggers(check, &at.key("triggers"), &raw.triggers),
        policy: policy(&raw.policy),
        targets,
    };
    for problem in rules.check(panes) {
        check.refuse(&written_at(at, &problem.path), problem.why);
    }
    rules
}

/// Where the rules and the file use different names.
const KEYS: [(&str, &str); 26] = [
    ("period", "period_days"),
    ("bucket", "bucket_seconds"),
    ("limit.baseline.points", "tolerance_points"),
    ("limit.baseline.relative", "tolerance_relative_percent"),
    ("limit.paired", "tolerance_points"),
    ("limit.rate", "limit_percent"),
    ("limit.mean_ms.limit", "limit_milliseconds"),
    ("limit.mean_ms.timeout", "timeout_milliseconds"),
    ("limit.psi.limit", "limit_psi"),
    ("limit.psi.bins", "bins"),
    ("limit.psi.learn", "learn_samples"),
    ("statistic", "rule"),
    ("statistic.window.window", "window_minutes"),
    ("statistic.window.breaches", "breaches_to_fire"),
    ("proving_period", "proving_hours"),
    ("cooldown", "cooldown_minutes"),
    ("rollbacks_period", "rollbacks_period_hours"),
    ("quarantine", "quarantine_days"),
    ("answer_within", "answer_within_seconds"),
    ("command_expires", "command_expires_minutes"),
    ("mitigate_within", "mitigate_within_minutes"),
    ("verify_within", "verify_within_days"),
    ("resolve_after", "resolve_after_hours"),
    ("stall_after", "stall_after_seconds"),
    ("hand_over", "hand_over_seconds"),
    ("forget_after", "forget_after_days"),
];

/// The place in the file of a value of the rules.
fn written_at(at: &Path, path: &[String]) -> Path {
    let above = if path.first().is_some_and(|part| part == "triggers") { 2 } else { 1 };
    let (table, value) = path.split_at(above.min(path.len()));
    let table = table.iter().fold(at.clone(), |at, part| at.key(part));
    let name = value.join(".");
    match KEYS.iter().find(|(rule, _)| *rule == name) {
        Some((_, key)) => table.key(key),
        None if name.is_empty() => table,
        None => table.key(&name),
    }
}

fn triggers(check: &mut Checker<'_>, at: &Path, raw: &raw::ByName<raw::Trigger>) -> Vec<Trigger> {
    let mut by_order: BTreeMap<u64, (&str, Trigger)> = BTreeMap::new();
    let shares = Shares::new(raw);
    for (name, raw) in raw.iter().filter(|(_, raw)| raw.enabled) {
        let at = at.key(name);
        let weight = shares.of(raw);
        let trigger = trigger(check, &at, name, raw, weight);
        let order = checked!(check.count, at, raw.order, 0..=1000);
        if let Some((other, _)) = by_order.get(&order) {
            let why = format!("{other} has this order too; give each trigger its own");
            check.refuse(&at.key("order"), why);
        } else if let Some(trigger) = trigger {
            by_order.insert(order, (name, trigger));
        }
    }
    if shares.left() <= 0.0 && shares.open > 0 && shares.given <= 1.0 {
        let why = "the weights leave nothing for the triggers without one; lower them, or give \
                   every trigger a weight";
        check.refuse(at, why);
    }
    by_order.into_values().map(|(_, trigger)| trigger).collect()
}

/// How the budget for rollbacks is shared out.
struct Shares {
    given: f64,
    open: u32,
}

impl Shares {
    fn new(triggers: &raw::ByName<raw::Trigger>) -> Self {
        let mut shares = Self { given: 0.0, open: 0 };
        for raw in triggers.values().filter(|raw| raw.enabled && spends(raw)) {
            match raw.weight {
                Some(weight) => shares.given += weight,
                None => shares.open += 1,
            }
        }
        shares
    }

    fn left(&self) -> f64 {
        1.0 - self.given
    }

    /// A window has no share; an alert has a whole budget for itself.
    fn of(&self, raw: &raw::Trigger) -> f64 {
        if raw.rule != raw::Rule::EDetector {
            return 0.0;
        }
        match (raw.weight, raw.action) {
            (Some(weight), _) => weight,
            // Where nothing is left that is refused already, and once is enough.
            (None, Action::Rollback) => {
                self.left().max(f64::MIN_POSITIVE) / f64::from(self.open.max(1))
            }
            (None, Action::Alert) => 1.0,
        }
    }
}

/// Whether it takes from the budget for rollbacks.
fn spends(raw: &raw::Trigger) -> bool {
    raw.rule == raw::Rule::EDetector && raw.action == Action::Rollback
}

fn trigger(
    check: &mut Checker<'_>,
    at: &Path,
    name: &str,
    raw: &raw::Trigger,
    weight: f64,
) -> Option<Trigger> {
    let id = check.name(at, name, TriggerId::new);
    if raw.rule == raw::Rule::Psi && raw.signal != Signal::FeatureDrift {
        let why = "\"psi\" is for feature-drift only; write \"e-detector\" or \"window\"";
        check.refuse(&at.key("rule"), why);
    }
    // It does not reach the rules, and may be meant for another rule.
    let ignored = raw.weight.filter(|_| raw.rule != raw::Rule::EDetector);
    if ignored.is_some_and(|weight| !(weight > 0.0 && weight <= 1.0)) {
        check.refuse(&at.key("weight"), "must be above 0 and at most 1");
    }
    Some(Trigger {
        signal: raw.signal,
        limit: limit(check, at, raw)?,
        statistic: match raw.rule {
            raw::Rule::EDetector => Statistic::EDetector,
            raw::Rule::Window | raw::Rule::Psi => Statistic::Window {
                window: span(raw.window_minutes, MINUTE),
                breaches: u32::try_from(raw.breaches_to_fire).unwrap_or(u32::MAX),
            },
        },
        action: raw.action,
        mode: raw.mode,
        bucket: span(raw.bucket_seconds, SECOND),
        weight,
        minimum_samples: raw.minimum_samples,
        completeness: raw.completeness,
        design_effect: raw.design_effect,
        provisional: raw.provisional,
        act_without_reference: raw.act_without_reference,
        id: id?,
    })
}

/// The keys of a limit, each for the signals that it fits.
const LIMITS: [(&str, Signal); 9] = [
    ("compare", Signal::Accuracy),
    ("tolerance_points", Signal::Accuracy),
    ("tolerance_relative_percent", Signal::Accuracy),
    ("limit_percent", Signal::ErrorRate),
    ("limit_milliseconds", Signal::Latency),
    ("timeout_milliseconds", Signal::Latency),
    ("limit_psi", Signal::FeatureDrift),
    ("bins", Signal::FeatureDrift),
    ("learn_samples", Signal::FeatureDrift),
];

fn limit(check: &mut Checker<'_>, at: &Path, raw: &raw::Trigger) -> Option<Limit> {
    let given = [
        raw.compare.is_some(),
        raw.tolerance_points.is_some(),
        raw.tolerance_relative_percent.is_some(),
        raw.limit_percent.is_some(),
        raw.limit_milliseconds.is_some(),
        raw.timeout_milliseconds.is_some(),
        raw.limit_psi.is_some(),
        raw.bins.is_some(),
        raw.learn_samples.is_some(),
    ];
    for ((key, signal), given) in LIMITS.into_iter().zip(given) {
        if given && signal != raw.signal {
            let takes: Vec<&str> =
                LIMITS.iter().filter(|(_, of)| *of == raw.signal).map(|(key, _)| *key).collect();
            let why =
                format!("does not fit the trigger's signal, which takes {}", takes.join(", "));
            check.refuse(&at.key(key), why);
        }
    }
    match raw.signal {
        Signal::Accuracy => accuracy_limit(check, at, raw),
        Signal::ErrorRate => {
            let percent = needed(check, at, "limit_percent", raw.limit_percent)?;
            Some(Limit::Rate(percent / 100.0))
        }
        Signal::Latency => Some(Limit::MeanMs {
            limit: needed(check, at, "limit_milliseconds", raw.limit_milliseconds)?,
            timeout: needed(check, at, "timeout_milliseconds", raw.timeout_milliseconds)?,
        }),
        Signal::FeatureDrift => {
            let bins = needed(check, at, "bins", raw.bins)?;
            Some(Limit::Psi {
                limit: needed(check, at, "limit_psi", raw.limit_psi)?,
                bins: u32::try_from(bins).unwrap_or(u32::MAX),
                learn: needed(check, at, "learn_samples", raw.learn_samples)?,
            })
        }
    }
}

fn accuracy_limit(check: &mut Checker<'_>, at: &Path, raw: &raw::Trigger) -> Option<Limit> {
    let (points_at, relative_at) =
        (at.key("tolerance_points"), at.key("tolerance_relative_percent"));
    let compare = needed(check, at, "compare", raw.compare)?;
    if let Some(percent) = raw.tolerance_relative_percent {
        if compare == raw::Compare::Paired {
            check.refuse(
                &relative_at,
                "needs a baseline, which a paired comparison does not have; use tolerance_points",
            );
        }
        if raw.tolerance_points.is_some() && check.is_set(&points_at) {
            check.refuse(&points_at, "tolerance_relative_percent is also set; keep one of the two");
        }
        let tolerance = Tolerance::Relative(percent / 100.0);
        return Some(Limit::Baseline(tolerance));
    }
    let points = needed(check, at, "tolerance_points", raw.tolerance_points)? / 100.0;
    Some(match compare {
        raw::Compare::Baseline => Limit::Baseline(Tolerance::Points(points)),
        raw::Compare::Paired => Limit::Paired(points),
    })
}

fn needed<T>(check: &mut Checker<'_>, at: &Path, key: &str, value: Option<T>) -> Option<T> {
    if value.is_none() {
        check.refuse(&at.key(key), "missing; the trigger's signal needs it");
    }
    value
}
