//! Raw rules into the rules of the pure rooms.

use std::collections::BTreeMap;

use super::check::{Checker, DAY, MINUTE, SECOND, Within, checked};
use super::policy::policy;
use super::problem::Path;
use super::raw;
use crate::model::{
    Action, Budget, Limit, ModelRules, Signal, Span, Statistic, TargetRule, Tolerance, Trigger,
    TriggerId,
};

/// The rules that stand at `at`.
pub(super) fn rules(
    check: &mut Checker<'_>,
    at: &Path,
    raw: &raw::Rules,
    panes: &[Span],
    targets: Vec<TargetRule>,
) -> ModelRules {
    let budget_at = at.key("budget");
    let some = Within::new("a number of rollbacks", 0.0, 1000.0).above();
    let budget = Budget {
        false_rollbacks: check.number(
            &budget_at.key("false_rollbacks"),
            raw.budget.false_rollbacks,
            &some,
        ),
        period: check.span(&budget_at.key("period_days"), raw.budget.period_days, DAY, 1..=3650),
    };
    let triggers = triggers(check, &at.key("triggers"), &raw.triggers, panes);
    rare(check, &budget_at.key("false_rollbacks"), budget, &triggers);
    ModelRules {
        mode: raw.mode,
        budget,
        triggers,
        policy: policy(check, &at.key("policy"), &raw.policy),
        targets,
    }
}

/// A false alarm every few buckets is no promise.
fn rare(check: &mut Checker<'_>, at: &Path, budget: Budget, triggers: &[Trigger]) {
    /// Buckets to a false alarm, at least.
    const RARE: f64 = 10.0;
    let by_bets = triggers.iter().filter(|rule| rule.statistic == Statistic::EDetector);
    let buckets = |rule: &Trigger| budget.period.as_s() / rule.bucket.as_s() / rule.weight;
    let least =
        by_bets.filter(|rule| rule.weight > 0.0).min_by(|a, b| buckets(a).total_cmp(&buckets(b)));
    if let Some(rule) = least
        && budget.false_rollbacks.min(budget.period.as_s()) > 0.0
        && buckets(rule) / budget.false_rollbacks < RARE
    {
        let would_do = format!(
            "{} would fire falsely more than once in {RARE} of its buckets; in this period at \
             most {:.1} are possible",
            rule.id,
            buckets(rule) / RARE
        );
        check.refuse(at, would_do);
    }
}

fn triggers(
    check: &mut Checker<'_>,
    at: &Path,
    raw: &raw::ByName<raw::Trigger>,
    panes: &[Span],
) -> Vec<Trigger> {
    let mut by_order: BTreeMap<u64, (&str, Trigger)> = BTreeMap::new();
    let shares = Shares::new(raw);
    for (name, raw) in raw.iter().filter(|(_, raw)| raw.enabled) {
        let at = at.key(name);
        let weight = shares.of(raw);
        let trigger = trigger(check, &at, name, raw, weight, panes);
        let order = checked!(check.count, at, raw.order, 0..=1000);
        if let Some((other, _)) = by_order.get(&order) {
            let would_do = format!("{other} has this order already; give each trigger its own");
            check.refuse(&at.key("order"), would_do);
        } else if let Some(trigger) = trigger {
            by_order.insert(order, (name, trigger));
        }
    }
    if shares.given > 1.0 + 1e-9 {
        let would_do = format!(
            "the weights of its triggers add up to {}; together they are 1 at most",
            shares.given
        );
        check.refuse(at, would_do);
    } else if shares.left() <= 0.0 && shares.open > 0 {
        let would_do = "the weights given leave nothing for the triggers without one; lower them, \
                        or give every trigger a weight";
        check.refuse(at, would_do);
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

    /// A rule without a promise has no share; an alert has a whole budget of its own.
    fn of(&self, raw: &raw::Trigger) -> f64 {
        if raw.rule != raw::Rule::EDetector {
            return 0.0;
        }
        match (raw.weight, raw.action) {
            (Some(weight), _) => weight,
            (None, Action::Rollback) => self.left() / f64::from(self.open.max(1)),
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
    panes: &[Span],
) -> Option<Trigger> {
    let id = check.name(at, name, TriggerId::new);
    let bucket = bucket(check, &at.key("bucket_seconds"), raw.bucket_seconds, panes);
    if let Some(weight) = raw.weight {
        let share = Within::new("a share of the budget", 0.0, 1.0).above();
        check.number(&at.key("weight"), weight, &share);
    }
    let share = Within::new("a share of lanes", 0.0, 1.0);
    let effect = Within::new("a design effect", 1.0, 1000.0);
    Some(Trigger {
        signal: raw.signal,
        limit: limit(check, at, raw)?,
        statistic: statistic(check, at, raw, bucket),
        action: raw.action,
        mode: raw.mode,
        bucket,
        weight,
        minimum_samples: checked!(check.count, at, raw.minimum_samples, 1..=1_000_000),
        completeness: checked!(check.number, at, raw.completeness, &share),
        design_effect: checked!(check.number, at, raw.design_effect, &effect),
        provisional: raw.provisional,
        act_without_reference: raw.act_without_reference,
        id: id?,
    })
}

fn bucket(check: &mut Checker<'_>, at: &Path, seconds: u64, panes: &[Span]) -> Span {
    let bucket = check.span(at, seconds, SECOND, 1..=86_400);
    for pane in panes.iter().filter(|pane| pane.as_ms() > 0) {
        if bucket.as_ms() % pane.as_ms() != 0 {
            let would_do =
                format!("a bucket is a multiple of every source's pane; one has {} s", pane.as_s());
            check.refuse(at, would_do);
        }
    }
    bucket
}

fn statistic(check: &mut Checker<'_>, at: &Path, raw: &raw::Trigger, bucket: Span) -> Statistic {
    let drift = raw.signal == Signal::FeatureDrift;
    match (raw.rule, drift) {
        (raw::Rule::EDetector, true) => {
            let would_do = "feature-drift has no e-detector; write \"psi\"";
            check.refuse(&at.key("rule"), would_do);
        }
        (raw::Rule::Psi, false) => {
            let would_do = "only feature-drift is a psi; write \"e-detector\" or \"window\"";
            check.refuse(&at.key("rule"), would_do);
        }
        (raw::Rule::EDetector, false) => return Statistic::EDetector,
        (raw::Rule::Window | raw::Rule::Psi, true) | (raw::Rule::Window, false) => {}
    }
    let window_at = at.key("window_minutes");
    let window = check.span(&window_at, raw.window_minutes, MINUTE, 1..=43_200);
    if bucket.as_ms() > 0 && window.as_ms() % bucket.as_ms() != 0 {
        let would_do =
            format!("a window is a multiple of the trigger's bucket of {} s", bucket.as_s());
        check.refuse(&window_at, would_do);
    }
    let breaches = checked!(check.small, at, raw.breaches_to_fire, 1..=1000);
    Statistic::Window { window, breaches }
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
            let would_do =
                format!("it does not fit this trigger's signal, which takes {}", takes.join(", "));
            check.refuse(&at.key(key), would_do);
        }
    }
    match raw.signal {
        Signal::Accuracy => accuracy_limit(check, at, raw),
        Signal::ErrorRate => {
            let percent = needed(check, at, "limit_percent", raw.limit_percent)?;
            Some(Limit::Rate(check.percent(&at.key("limit_percent"), percent)))
        }
        Signal::Latency => {
            let limit = needed(check, at, "limit_milliseconds", raw.limit_milliseconds)?;
            let timeout = needed(check, at, "timeout_milliseconds", raw.timeout_milliseconds)?;
            let mean = Within::new("a mean in milliseconds", 0.0, 60_000.0).above();
            let longest = Within::new("a time-out", limit, 60_000.0).above();
            Some(Limit::MeanMs {
                limit: check.number(&at.key("limit_milliseconds"), limit, &mean),
                timeout: check.number(&at.key("timeout_milliseconds"), timeout, &longest),
            })
        }
        Signal::FeatureDrift => {
            let limit = needed(check, at, "limit_psi", raw.limit_psi)?;
            let bins = needed(check, at, "bins", raw.bins)?;
            let learn = needed(check, at, "learn_samples", raw.learn_samples)?;
            let index = Within::new("an index", 0.0, 100.0).above();
            Some(Limit::Psi {
                limit: check.number(&at.key("limit_psi"), limit, &index),
                bins: check.small(&at.key("bins"), bins, 2..=100),
                learn: check.count(&at.key("learn_samples"), learn, 100..=10_000_000),
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
            check.refuse(&relative_at, "a paired comparison has no baseline; use tolerance_points");
        }
        if raw.tolerance_points.is_some() && check.said(&points_at) {
            check.refuse(&points_at, "tolerance_relative_percent is set too; keep one of the two");
        }
        let tolerance = Tolerance::Relative(check.percent(&relative_at, percent));
        return Some(Limit::Baseline(tolerance));
    }
    let points = needed(check, at, "tolerance_points", raw.tolerance_points)?;
    let points = check.percent(&points_at, points);
    Some(match compare {
        raw::Compare::Baseline => Limit::Baseline(Tolerance::Points(points)),
        raw::Compare::Paired => Limit::Paired(points),
    })
}

fn needed<T>(check: &mut Checker<'_>, at: &Path, key: &str, value: Option<T>) -> Option<T> {
    if value.is_none() {
        check.refuse(&at.key(key), "it is missing; this trigger's signal needs it");
    }
    value
}
