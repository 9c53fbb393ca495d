//! Which rules are possible: the one check behind `config.toml` and `POST /api/rules`.
//!
//! A shard keeps rules for ever and cannot ask back, so whatever it cannot fold, or folds without
//! keeping the promise of the budget, is refused before it gets there.

mod policy;

use std::collections::BTreeSet;
use std::fmt;
use std::ops::RangeInclusive;

use self::policy::policy;
use super::{
    Action, Budget, Limit, ModelRules, RuleSet, Signal, Span, Statistic, TargetRule, Tolerance,
    Trigger,
};

/// One impossible value in a set of rules.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct RuleProblem {
    /// Where it is, from the top of the rules: `triggers`, `error-rate`, `bucket`.
    pub path: Vec<String>,
    /// What is wrong and what is possible, in the units of `config.toml`.
    pub why: String,
}

impl fmt::Display for RuleProblem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.path.join("."), self.why)
    }
}

/// The shortest average distance of two false alarms, in buckets: more often is no promise.
const FALSE_ALARM_BUCKETS: f64 = 10.0;

/// How far a sum of shares may be off by rounding.
const ROUNDING: f64 = 1e-9;

impl RuleSet {
    /// Everything wrong with these rules, for sources with panes of these lengths.
    #[must_use]
    pub fn check(&self, panes: &[Span]) -> Vec<RuleProblem> {
        let models = self.models.iter().map(|(model, rules)| (Some(model), rules));
        let mut problems = Vec::new();
        for (model, rules) in std::iter::once((None, &self.default)).chain(models) {
            let prefix = match model {
                None => vec!["default".to_owned()],
                Some(model) => vec!["models".to_owned(), model.as_str().to_owned()],
            };
            problems.extend(rules.check(panes).into_iter().map(|problem| RuleProblem {
                path: prefix.iter().cloned().chain(problem.path).collect(),
                ..problem
            }));
        }
        problems
    }
}

impl ModelRules {
    /// Everything wrong with these rules, for sources with panes of these lengths.
    #[must_use]
    pub fn check(&self, panes: &[Span]) -> Vec<RuleProblem> {
        let mut found = Problems::default();
        budget(&mut found, self.budget);
        for rule in &self.triggers {
            let mut at = RuleTable { found: &mut found, above: vec!["triggers", rule.id.as_str()] };
            trigger(&mut at, rule, panes);
        }
        together(&mut found, &self.triggers);
        false_alarms(&mut found, self.budget, &self.triggers);
        policy(&mut RuleTable { found: &mut found, above: vec!["policy"] }, &self.policy);
        targets(&mut found, &self.targets);
        found.0
    }
}

/// The problems so far.
#[derive(Debug, Default)]
struct Problems(Vec<RuleProblem>);

impl Problems {
    fn add(&mut self, path: &[&str], why: impl Into<String>) {
        let path = path.iter().map(|&part| part.to_owned()).collect();
        self.0.push(RuleProblem { path, why: why.into() });
    }
}

/// A table of the rules, whose keys are checked one by one.
#[derive(Debug)]
struct RuleTable<'a> {
    found: &'a mut Problems,
    above: Vec<&'a str>,
}

impl RuleTable<'_> {
    fn refuse(&mut self, key: &str, why: impl Into<String>) {
        let parts = self.above.iter().copied().chain(key.split('.'));
        self.found.add(&parts.collect::<Vec<_>>(), why);
    }

    fn count(&mut self, key: &str, n: u64, range: RangeInclusive<u64>) {
        if !range.contains(&n) {
            self.refuse(key, format!("must be between {} and {}", range.start(), range.end()));
        }
    }

    /// A length of time; `unit` is its name and its length in milliseconds.
    fn span(&mut self, key: &str, span: Span, unit: Unit, range: RangeInclusive<i64>) {
        let (low, high) = range.into_inner();
        let (name, ms) = unit;
        if !(low.saturating_mul(ms)..=high.saturating_mul(ms)).contains(&span.as_ms()) {
            self.refuse(key, format!("must be between {low} and {high} {name}"));
        }
    }

    fn number(&mut self, key: &str, x: f64, range: RangeInclusive<f64>) {
        if !range.contains(&x) {
            self.refuse(key, format!("must be between {} and {}", range.start(), range.end()));
        }
    }

    /// A number above `low` and at most `high`.
    fn above(&mut self, key: &str, x: f64, low: f64, high: f64) {
        if !(x > low && x <= high) {
            self.refuse(key, format!("must be above {low} and at most {high}"));
        }
    }

    fn percent(&mut self, key: &str, share: f64) {
        if !(0.0..=1.0).contains(&share) {
            self.refuse(key, "must be between 0 and 100 %");
        }
    }
}

/// A unit of time: its plural, and its length in milliseconds.
type Unit = (&'static str, i64);
const SECONDS: Unit = ("seconds", 1000);
const MINUTES: Unit = ("minutes", 60_000);
const HOURS: Unit = ("hours", 3_600_000);
const DAYS: Unit = ("days", 86_400_000);

fn budget(found: &mut Problems, budget: Budget) {
    let mut at = RuleTable { found, above: vec!["budget"] };
    at.above("false_rollbacks", budget.false_rollbacks, 0.0, 1000.0);
    at.span("period", budget.period, DAYS, 1..=3650);
}

fn trigger(at: &mut RuleTable<'_>, rule: &Trigger, panes: &[Span]) {
    at.span("bucket", rule.bucket, SECONDS, 1..=86_400);
    for pane in panes.iter().filter(|pane| pane.as_ms() > 0) {
        if rule.bucket.as_ms() % pane.as_ms() != 0 {
            let of = pane.as_s();
            at.refuse("bucket", format!("must be a multiple of every source's pane of {of} s"));
        }
    }
    limit(at, rule);
    statistic(at, rule);
    match rule.statistic {
        Statistic::EDetector => at.above("weight", rule.weight, 0.0, 1.0),
        Statistic::Window { .. } if rule.weight != 0.0 => {
            at.refuse("weight", "must be 0: a window has no share of the budget");
        }
        Statistic::Window { .. } => {}
    }
    at.count("minimum_samples", rule.minimum_samples, 1..=1_000_000);
    at.number("completeness", rule.completeness, 0.0..=1.0);
    at.number("design_effect", rule.design_effect, 1.0..=1000.0);
}

fn limit(at: &mut RuleTable<'_>, rule: &Trigger) {
    match (rule.signal, rule.limit) {
        (Signal::Accuracy, Limit::Baseline(Tolerance::Points(points))) => {
            at.percent("limit.baseline.points", points);
        }
        (Signal::Accuracy, Limit::Baseline(Tolerance::Relative(share))) => {
            at.percent("limit.baseline.relative", share);
        }
        (Signal::Accuracy, Limit::Paired(points)) => at.percent("limit.paired", points),
        (Signal::ErrorRate, Limit::Rate(rate)) => at.percent("limit.rate", rate),
        (Signal::Latency, Limit::MeanMs { limit, timeout }) => {
            at.above("limit.mean_ms.limit", limit, 0.0, 60_000.0);
            at.above("limit.mean_ms.timeout", timeout, limit, 60_000.0);
        }
        (Signal::FeatureDrift, Limit::Psi { limit, bins, learn }) => {
            at.above("limit.psi.limit", limit, 0.0, 100.0);
            at.count("limit.psi.bins", u64::from(bins), 2..=100);
            at.count("limit.psi.learn", learn, 100..=10_000_000);
        }
        (
            Signal::Accuracy | Signal::ErrorRate | Signal::Latency | Signal::FeatureDrift,
            Limit::Baseline(_)
            | Limit::Rate(_)
            | Limit::Paired(_)
            | Limit::MeanMs { .. }
            | Limit::Psi { .. },
        ) => at.refuse("limit", "does not fit the trigger's signal"),
    }
}

fn statistic(at: &mut RuleTable<'_>, rule: &Trigger) {
    match rule.statistic {
        Statistic::EDetector if rule.signal == Signal::FeatureDrift => {
            at.refuse("statistic", "feature-drift has no e-detector; write \"psi\"");
        }
        Statistic::EDetector => {}
        Statistic::Window { window, breaches } => {
            at.span("statistic.window.window", window, MINUTES, 1..=43_200);
            if rule.bucket.as_ms() > 0 && window.as_ms() % rule.bucket.as_ms() != 0 {
                let bucket = rule.bucket.as_s();
                let why = format!("must be a multiple of the trigger's bucket of {bucket} s");
                at.refuse("statistic.window.window", why);
            }
            at.count("statistic.window.breaches", u64::from(breaches), 1..=1000);
        }
    }
}

/// Every trigger once, and no more of the budget than there is.
fn together(found: &mut Problems, triggers: &[Trigger]) {
    let mut seen = BTreeSet::new();
    for rule in triggers.iter().filter(|rule| !seen.insert(&rule.id)) {
        found.add(&["triggers", rule.id.as_str()], "is there twice; name each trigger once");
    }
    let spends =
        |rule: &&Trigger| rule.statistic == Statistic::EDetector && rule.action == Action::Rollback;
    let sum: f64 = triggers.iter().filter(spends).map(|rule| rule.weight).sum();
    if sum > 1.0 + ROUNDING {
        let sum = (sum * 1e4).round() / 1e4;
        found.add(
            &["triggers"],
            format!("the weights add up to {sum}; lower them to at most 1 in all"),
        );
    }
}

/// A budget that allows a false alarm every few buckets promises nothing.
fn false_alarms(found: &mut Problems, budget: Budget, triggers: &[Trigger]) {
    let buckets = |rule: &Trigger| budget.period.as_s() / rule.bucket.as_s() / rule.weight;
    let worst = triggers
        .iter()
        .filter(|rule| rule.statistic == Statistic::EDetector)
        .filter(|rule| rule.weight > 0.0 && rule.bucket > Span::ZERO)
        .min_by(|a, b| buckets(a).total_cmp(&buckets(b)));
    if let Some(rule) = worst
        && budget.false_rollbacks > 0.0
        && budget.period > Span::ZERO
        && buckets(rule) / budget.false_rollbacks < FALSE_ALARM_BUCKETS
    {
        let why = format!(
            "allows {} a false alarm more often than every {FALSE_ALARM_BUCKETS} buckets; set at \
             most {:.1} for this period",
            rule.id,
            buckets(rule) / FALSE_ALARM_BUCKETS
        );
        found.add(&["budget", "false_rollbacks"], why);
    }
}

/// A plan takes the targets as they are listed, each once.
fn targets(found: &mut Problems, targets: &[TargetRule]) {
    let mut seen = BTreeSet::new();
    for target in targets.iter().filter(|target| !seen.insert(&target.id)) {
        found.add(&["targets", target.id.as_str()], "is there twice; name each target once");
    }
    if !targets.is_sorted_by_key(|target| target.stage) {
        found.add(&["targets"], "must be in the order of their stages");
    }
}
