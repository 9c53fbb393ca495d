//! Live numbers of a shard's models, as `status` and the API show them.
//!
//! Over 300 lines: what is told, field by field, and where it comes from.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use super::Shard;
use crate::judge::design::Moments;
use crate::judge::power::{Detectable, Measure, Power};
use crate::judge::recent::RecentSums;
use crate::judge::tally;
use crate::model::{
    Baseline, Benefit, EventTime, FeatureName, Incident, IncidentState, Limit, LogTime, Mode,
    ModelId, Reason, Reference, Role, Signal, SourceId, Span, Standing, Statistic, TriggerId,
    Verdict, VersionId,
};
use crate::sums::{Assessment, Counters, SharedPart};

/// A change that is not seen by then counts as not seen.
const IN_TIME: Span = Span::from_s(7 * 24 * 3600);

/// What a trigger speaks of.
type Subject = (VersionId, TriggerId, Option<FeatureName>);

/// The last word on each version, trigger and feature, by model.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub(super) struct Latest {
    said: BTreeMap<ModelId, SharedPart<OfModel>>,
}

#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
struct OfModel(
    #[serde(with = "crate::sums::entries")] BTreeMap<Subject, (SignalStatus, RecentSums)>,
);

/// Everything a shard can tell.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Status {
    /// The next position of the inbox.
    pub next: i64,
    /// The newest event time read. `None` before the first record.
    pub read_to: Option<EventTime>,
    /// Hash of the rules in force.
    pub rules: Option<String>,
    /// Counts of every record by result, by source.
    pub records: BTreeMap<SourceId, Counters>,
    /// Cells that came after their pane was closed.
    pub after_close: u64,
    /// Sums that were not taken, because their names have no place.
    #[serde(default)]
    pub refused_names: u64,
    /// Gaps in positions: data was lost before Ripcord read it.
    pub gaps: u64,
    /// Records of the inbox that could not be read.
    pub unreadable: u64,
    /// Answers of workers that nothing waited for.
    pub ignored_answers: u64,
    /// Moves that incidents do not have: each is a defect of Ripcord.
    #[serde(default)]
    pub illegal_moves: u64,
    /// Generations reported by targets that are too high to be true.
    #[serde(default)]
    pub refused_fences: u64,
    /// The log time of the last record.
    pub log_time: Option<LogTime>,
    /// How far that is ahead of the clock that stamps the inbox.
    #[serde(default)]
    pub log_ahead: Span,
    /// For how long records have been read without log time growing, as decide saw it.
    #[serde(default)]
    pub log_stopped: Span,
    /// The log time of the last word of each source's ingest.
    #[serde(default)]
    pub sources_heard: BTreeMap<SourceId, LogTime>,
    /// By model. On the log each has a record of its own, written when it changed.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub models: BTreeMap<ModelId, ModelStatus>,
}

/// One model.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ModelStatus {
    /// The mode in force.
    pub mode: Mode,
    /// Why automatic action is stopped.
    pub frozen: Option<String>,
    /// The version in production.
    pub production: Option<VersionId>,
    /// Where a rollback would go, and what makes that version fit; or why nowhere.
    pub would_roll_back_to: String,
    /// Rules that had no sample during the last day that the version in production served: they
    /// watch nothing.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub not_fed: Vec<TriggerId>,
    /// Its versions.
    pub versions: BTreeMap<VersionId, VersionStatus>,
    /// Incidents that are not over.
    pub open_incidents: Vec<Incident>,
    /// The log time of its newest sums.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub heard: Option<LogTime>,
    /// The rules, a target or a person named it: it always has a place.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub named: bool,
    /// How much of the label horizon ingest has read again after a restart, 0 to 1; no labels are
    /// counted before it has read all. `None`: it has.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub warm: Option<f64>,
}

/// One version.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct VersionStatus {
    /// What it is.
    pub role: Option<Role>,
    /// Fit to roll back to.
    pub proven: bool,
    /// May not be promoted.
    pub quarantined: bool,
    /// The share of its answers of the last days that labels came for, 0 to 1.
    pub label_coverage: Option<f64>,
    /// Seconds that its clock is ahead of the others', behind if negative. `None`: not by more
    /// than the allowed disorder.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub clock_ahead_seconds: Option<f64>,
    /// What each trigger last said.
    pub signals: Vec<SignalStatus>,
}

/// What a trigger last said of a version.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SignalStatus {
    /// Which rule.
    pub trigger: TriggerId,
    /// What it reads.
    pub signal: Signal,
    /// Which input.
    pub feature: Option<FeatureName>,
    /// What was said.
    pub verdict: Verdict,
    /// Why.
    pub reason: Reason,
    /// Event time up to which it holds.
    pub at: EventTime,
    /// The value since the likely change.
    pub value: Option<f64>,
    /// Where the tolerated ends.
    pub null: Option<f64>,
    /// The baseline it is compared with. `None` if unknown or not needed.
    pub baseline: Option<Baseline>,
    /// The limit as configured.
    pub limit: Limit,
    /// How evidence is gathered.
    pub rule: Statistic,
    /// The statistic: odds of an e-detector, the value itself of a window.
    pub evidence: f64,
    /// What fires: odds that are reached, or the limit that a window's value is past.
    pub threshold: f64,
    /// By how much dependence thins the samples.
    pub design_effect: f64,
    /// Healthy blocks so far, and how many make an estimate.
    pub calibration: (u32, u32),
    /// Samples since the likely change.
    pub samples: u64,
    /// The likely start of what is seen.
    #[serde(default)]
    pub since: Option<EventTime>,
    /// What a comparison rests on.
    pub reference: Reference,
    /// How the others would do.
    pub better: Vec<(VersionId, Benefit)>,
    /// Samples per second of event time, lately.
    pub per_s: f64,
    /// The smallest change that it sees within 7 days at this rate; none: it sees nothing, or
    /// its rule makes no such promise.
    pub sees: Option<Detectable>,
}

impl Latest {
    pub(super) fn take(&mut self, assessment: &Assessment) {
        let Assessment { model, version, trigger, feature, .. } = assessment;
        let key = (version.clone(), trigger.clone(), feature.clone());
        let evidence = &assessment.evidence;
        let against = assessment.against.iter();
        let status = SignalStatus {
            trigger: assessment.trigger.clone(),
            signal: assessment.signal,
            feature: assessment.feature.clone(),
            verdict: assessment.verdict,
            reason: assessment.reason,
            at: assessment.at,
            value: evidence.estimate,
            null: evidence.null,
            baseline: evidence.baseline,
            limit: evidence.limit,
            rule: evidence.rule,
            evidence: evidence.statistic,
            threshold: evidence.threshold,
            design_effect: evidence.design_effect,
            calibration: evidence.calibration,
            samples: evidence.samples,
            since: evidence.since,
            reference: evidence.reference,
            better: against.map(|other| (other.version.clone(), other.better)).collect(),
            per_s: 0.0,
            sees: None,
        };
        let said = &mut self.said.entry(model.clone()).or_default().0;
        let mut recent = said.get(&key).map(|(_, recent)| *recent).unwrap_or_default();
        let sums = assessment.closed.iter().map(|bucket| (bucket, tally::moments(&bucket.tally)));
        if let Some((bucket, sums)) = sums.max_by(|(_, a), (_, b)| a.n.total_cmp(&b.n)) {
            recent.take(bucket.start, bucket.end, sums);
        }
        said.insert(key, (status, recent));
    }

    /// Forgets what was said of versions that are no longer known.
    pub(super) fn keep(&mut self, model: &ModelId, standing: &Standing) {
        let known = |(version, ..): &Subject| standing.versions.contains_key(version);
        if let Some(said) = self.said.get_mut(model)
            && !said.0.keys().all(known)
        {
            said.0.retain(|subject, _| known(subject));
        }
    }

    /// Forgets a model.
    pub(super) fn forget(&mut self, model: &ModelId) {
        self.said.remove(model);
    }

    /// Forgets a feature of a version, or the whole version.
    pub(super) fn forget_part(
        &mut self,
        model: &ModelId,
        version: &VersionId,
        feature: Option<&FeatureName>,
    ) {
        let part = |name: Option<&FeatureName>| feature.is_none() || name == feature;
        let gone = |(of, _, name): &Subject| of == version && part(name.as_ref());
        let said = self.said.get_mut(model);
        said.into_iter().for_each(|said| said.0.retain(|subject, _| !gone(subject)));
    }

    /// What was said of each model.
    pub(super) fn pieces(&self) -> Vec<Self> {
        let one = |(model, said): (&ModelId, &SharedPart<OfModel>)| Self {
            said: BTreeMap::from([(model.clone(), said.clone())]),
        };
        self.said.iter().map(one).collect()
    }

    pub(super) fn put(&mut self, piece: Self) {
        self.said.extend(piece.said);
    }
}

impl Shard {
    /// Live numbers.
    #[must_use]
    pub fn status(&self) -> Status {
        let models = self.models().into_iter().map(|model| {
            let status = self.model_status(&model);
            (model, status)
        });
        Status { models: models.collect(), ..self.status_without_models() }
    }

    /// The models that something is known of.
    #[must_use]
    pub fn models(&self) -> BTreeSet<ModelId> {
        self.undo.models().into_iter().chain(self.latest.said.keys().cloned()).collect()
    }

    /// Whether something is known of a model.
    #[must_use]
    pub fn knows(&self, model: &ModelId) -> bool {
        self.undo.knows(model) || self.latest.said.contains_key(model)
    }

    /// Live numbers of the shard as a whole.
    #[must_use]
    pub fn status_without_models(&self) -> Status {
        let (after_close, gaps) = self.judge.losses();
        Status {
            next: self.next,
            read_to: self.judge.newest(),
            rules: self.rule_set.as_ref().map(|rule_set| rule_set.hash.clone()),
            records: self.judge.counters(),
            after_close,
            refused_names: self.judge.refused().cells,
            gaps,
            unreadable: self.unreadable,
            ignored_answers: self.undo.ignored_answers(),
            illegal_moves: self.undo.illegal_moves(),
            refused_fences: self.undo.refused_fences(),
            log_time: Some(self.log.now()).filter(|now| *now > LogTime::MIN),
            log_ahead: self.log.ahead(),
            log_stopped: Span::ZERO,
            sources_heard: self.heard.sources.clone(),
            models: BTreeMap::new(),
        }
    }

    fn label_coverage(&self, model: &ModelId, version: &VersionId) -> Option<f64> {
        self.judge.model(model)?.label_coverage(version)
    }

    fn not_fed(&self, model: &ModelId) -> Vec<TriggerId> {
        let judged = self.judge.model(model).zip(self.rule_set.as_ref());
        judged.map_or_else(Vec::new, |(judge, rule_set)| judge.not_fed(rule_set.of(model)))
    }

    /// Live numbers of a model.
    #[must_use]
    pub fn model_status(&self, model: &ModelId) -> ModelStatus {
        let mut status = self.standing_status(model);
        let said = self.latest.said.get(model).into_iter().flat_map(|said| &said.0);
        for ((version, ..), (signal, recent)) in said {
            let version = status.versions.entry(version.clone()).or_insert_with(|| VersionStatus {
                role: None,
                proven: false,
                quarantined: false,
                label_coverage: self.label_coverage(model, version),
                clock_ahead_seconds: self.judge.skew(model, version).map(Span::as_s),
                signals: Vec::new(),
            });
            version.signals.push(SignalStatus {
                per_s: recent.per_s(),
                sees: sees(signal, recent),
                ..signal.clone()
            });
        }
        status
    }

    fn standing_status(&self, model: &ModelId) -> ModelStatus {
        let standing = self.undo.standing(model);
        let versions = standing.versions.into_iter().map(|(version, known)| {
            let status = VersionStatus {
                role: Some(known.role),
                proven: known.proven,
                quarantined: self.undo.quarantined(model, &version),
                label_coverage: self.label_coverage(model, &version),
                clock_ahead_seconds: self.judge.skew(model, &version).map(Span::as_s),
                signals: Vec::new(),
            };
            (version, status)
        });
        let over = |incident: &&Incident| incident.state == IncidentState::Resolved;
        let open = self.undo.incidents_of(model).filter(|incident| !over(incident));
        let target =
            self.rule_set.as_ref().map(|rule_set| self.undo.would_roll_back_to(rule_set, model));
        ModelStatus {
            mode: self
                .rule_set
                .as_ref()
                .map_or(Mode::Observe, |rule_set| self.undo.mode(rule_set, model)),
            frozen: self.undo.frozen(model).map(str::to_owned),
            production: standing.production,
            would_roll_back_to: match target {
                Some(Ok((version, how))) => format!("{version} ({})", how.words()),
                Some(Err(why)) => format!("no version, because {why}"),
                None => "no version, because no rules were read yet".to_owned(),
            },
            not_fed: self.not_fed(model),
            versions: versions.collect(),
            open_incidents: open.cloned().collect(),
            heard: self.heard.models.get(model).copied(),
            warm: self.judge.warm(model),
            named: standing.named
                || self.rule_set.as_ref().is_some_and(|rules| rules.models.contains_key(model)),
        }
    }
}

/// The smallest change that an e-detector sees in time.
fn sees(signal: &SignalStatus, recent: &RecentSums) -> Option<Detectable> {
    if signal.rule != Statistic::EDetector {
        return None;
    }
    let variance = Moments::variance(recent.sums());
    let measure = match signal.limit {
        Limit::Baseline(_) | Limit::Rate(_) => Measure::Rate,
        Limit::Paired(_) => Measure::Mean { variance, most: 1.0 },
        Limit::MeanMs { timeout, .. } => Measure::Mean { variance, most: timeout },
        Limit::Psi { .. } => return None,
    };
    let power = Power {
        measure,
        null: signal.null?,
        threshold: signal.threshold,
        design_effect: signal.design_effect,
        per_s: recent.per_s(),
    };
    power.smallest(IN_TIME)
}
