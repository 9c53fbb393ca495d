//! How a silence is told: as stale verdicts of the triggers that read what no longer comes.

use std::collections::BTreeSet;

use super::silence::Missed;
use super::state::ModelJudge;
use crate::model::{
    EventTime, Limit, ModelId, ModelRules, Signal, Span, Trigger, Verdict, VersionId,
};
use crate::sums::Assessment;

impl ModelJudge {
    /// Tells what has become silent of the version in production.
    pub(super) fn tell_silences(
        &mut self,
        rules: &ModelRules,
        id: &ModelId,
        (now, ahead): (EventTime, Span),
        out: &mut Vec<Assessment>,
    ) {
        let Some(version) = self.standing.production.clone() else { return };
        for (missed, _) in self.silences.found(&version, now, ahead) {
            self.tell_silence(rules, id, &version, missed, now, out);
        }
    }

    /// Nothing comes from any source of the model.
    pub(super) fn source_silent(
        &mut self,
        rules: &ModelRules,
        id: &ModelId,
        at: EventTime,
        out: &mut Vec<Assessment>,
    ) {
        let Some(version) = self.standing.production.clone() else { return };
        if self.silences.source_silent(&version).is_some() {
            self.tell_silence(rules, id, &version, Missed::Source, at, out);
        }
    }

    /// A source of the model is heard again: what was stale for its silence no longer is.
    pub(super) fn source_is_back(
        &mut self,
        rules: &ModelRules,
        id: &ModelId,
        at: EventTime,
        out: &mut Vec<Assessment>,
    ) {
        for version in self.silences.source_is_back() {
            let stale = |trigger: &&Trigger| {
                let key = (trigger.id.clone(), version.clone(), None);
                self.said.get(&key) == Some(&Verdict::Stale)
            };
            let triggers: Vec<_> = rules.triggers.iter().filter(stale).cloned().collect();
            for trigger in triggers {
                let mut assessment = self.assess(rules, id, &trigger, &version, false);
                if assessment.verdict != Verdict::Stale {
                    assessment.at = at;
                    self.emit(assessment, out);
                }
            }
        }
    }

    fn tell_silence(
        &mut self,
        rules: &ModelRules,
        id: &ModelId,
        version: &VersionId,
        missed: Missed,
        at: EventTime,
        out: &mut Vec<Assessment>,
    ) {
        let reads = |trigger: &&Trigger| match missed {
            Missed::Source | Missed::Answers => true,
            Missed::Labels | Missed::Types => trigger.signal == Signal::Accuracy,
        };
        let inputs = |trigger: &Trigger| matches!(trigger.limit, Limit::Psi { .. });
        let fed: BTreeSet<_> = self
            .said
            .iter()
            .filter(|((_, of, feature), verdict)| {
                of == version && feature.is_none() && **verdict != Verdict::Stale
            })
            .map(|((trigger, ..), _)| trigger.clone())
            .collect();
        let fed = |trigger: &&Trigger| fed.contains(&trigger.id) && !inputs(trigger);
        let triggers: Vec<_> = rules.triggers.iter().filter(reads).filter(fed).collect();
        // One word for all: the triggers that would speak next.
        let soonest = triggers.iter().map(|trigger| trigger.bucket).min();
        for trigger in triggers.into_iter().filter(|trigger| Some(trigger.bucket) == soonest) {
            let mut assessment = self.assess(rules, id, trigger, version, false);
            if assessment.verdict != Verdict::Stale {
                continue;
            }
            assessment.at = at;
            assessment.changed = true;
            self.emit(assessment, out);
        }
    }
}
