//! What used to come of a model and no longer does: answers and labels.
//!
//! Law: silence is told only against what went on meanwhile. A version is silent if it answered
//! often enough to be missed, and others of its source answer on. Labels are missed only while
//! their version answers. At night, when nobody answers, nobody is silent.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::gaps::Gaps;
use super::panes::Pane;
use crate::model::{EventTime, Reason, Signal, Span, VersionId};

/// Seconds for which labels may be missing beyond twice their usual delay.
const DELAY_SLACK_S: i64 = 60;

/// Panes that are kept for a source that is behind: a day of panes of ten seconds. Of what lies
/// further back, those that are heard decide.
const MOST_OPEN: usize = 8640;

/// What is missed of a model's versions.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub(super) struct Silences {
    /// Panes that not every source has passed.
    open: BTreeMap<EventTime, OpenPane>,
    answers: BTreeMap<VersionId, Gaps>,
    labels: BTreeMap<VersionId, LabelGaps>,
    /// What is silent, and since when.
    #[serde(with = "crate::sums::entries")]
    silent: BTreeMap<(VersionId, Missed), EventTime>,
}

/// When labels came, and how long after their answers in all.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
struct LabelGaps {
    gaps: Gaps,
    delay_s: u64,
    /// Since the last one, some came that cannot be compared.
    types: bool,
}

/// What no longer comes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub(super) enum Missed {
    /// Any record of its sources.
    Source,
    Answers,
    Labels,
    /// Labels come, and none can be compared with the answers.
    Types,
}

impl Missed {
    fn reason(self) -> Reason {
        match self {
            Self::Source | Self::Answers => Reason::Silent,
            Self::Labels => Reason::NoLabels,
            Self::Types => Reason::LabelTypes,
        }
    }
}

impl LabelGaps {
    fn usual_delay(&self) -> Span {
        let mean_s = self.delay_s / self.gaps.n().max(1);
        let twice = i64::try_from(mean_s.saturating_mul(2)).unwrap_or(i64::MAX);
        Span::from_s(twice.min(i64::from(u32::MAX)).saturating_add(DELAY_SLACK_S))
    }
}

/// A pane as far as the sources of the model have passed it.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
struct OpenPane {
    length: Span,
    came: BTreeMap<VersionId, Came>,
    /// Other models of a source answered.
    others: bool,
}

/// What a version did in a pane.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
struct Came {
    answers: u64,
    labels: u64,
    types: u64,
    delay_s: u64,
}

impl Silences {
    /// Keeps what is missed of these versions only.
    pub(super) fn retain(&mut self, stays: impl Fn(&VersionId) -> bool) {
        self.answers.retain(|version, _| stays(version));
        self.labels.retain(|version, _| stays(version));
        self.silent.retain(|(version, _), _| stays(version));
    }

    /// Takes a closed pane of a source, in which every lane was heard.
    pub(super) fn take(&mut self, start: EventTime, length: Span, pane: &Pane) {
        let open = self.open(start, length);
        for (version, _, sums) in pane.versions() {
            let came = open.came.entry(version.clone()).or_default();
            came.answers += sums.answers.n + sums.lost.answers;
            came.labels += sums.labels.n + sums.lost.labels;
            came.types += sums.lost.types;
            came.delay_s += sums.label_delay_s;
        }
        self.bound();
    }

    /// Other models of a source answered in a pane in which this one did not.
    pub(super) fn others_went_on(&mut self, start: EventTime, length: Span) {
        self.open(start, length).others = true;
        self.bound();
    }

    fn bound(&mut self) {
        while self.open.len() > MOST_OPEN
            && let Some((start, open)) = self.open.pop_first()
        {
            self.close_pane(start, &open);
        }
    }

    fn open(&mut self, start: EventTime, length: Span) -> &mut OpenPane {
        let open = self.open.entry(start).or_default();
        open.length = open.length.max(length);
        open
    }

    /// Every source that is heard has passed this: what came before is all that will.
    pub(super) fn close(&mut self, watermark: EventTime) {
        while let Some(first) = self.open.first_entry()
            && *first.key() + first.get().length <= watermark
        {
            let (start, open) = first.remove_entry();
            self.close_pane(start, &open);
        }
    }

    fn close_pane(&mut self, start: EventTime, open: &OpenPane) {
        let (from, to) = (start.as_ms(), (start + open.length).as_ms());
        let came = &open.came;
        for (version, came) in came {
            self.answers.entry(version.clone()).or_default().take(from, to, came.answers);
            let labels = self.labels.entry(version.clone()).or_default();
            labels.gaps.take(from, to, came.labels);
            labels.delay_s = labels.delay_s.saturating_add(came.delay_s);
            if came.labels > 0 {
                labels.types = false;
            } else if came.answers + came.types > 0 {
                labels.gaps.miss(from, to);
                labels.types |= came.types > 0;
            }
            self.silent.retain(|(of, missed), _| {
                let back = match missed {
                    Missed::Source | Missed::Answers => came.answers > 0,
                    Missed::Labels | Missed::Types => came.labels > 0,
                };
                of != version || !back
            });
        }
        if came.values().any(|came| came.answers > 0) {
            let answered = |version: &VersionId| came.get(version).is_some_and(|c| c.answers > 0);
            let missing = self.answers.iter_mut().filter(|(version, _)| !answered(version));
            missing.for_each(|(_, gaps)| gaps.miss(from, to));
        } else if open.others {
            self.answers.values_mut().for_each(|gaps| gaps.miss(from, to));
        }
    }

    /// What has become silent of a version, if the clocks of the others are at most `ahead` of its
    /// own.
    pub(super) fn found(
        &mut self,
        version: &VersionId,
        now: EventTime,
        ahead: Span,
    ) -> Vec<(Missed, EventTime)> {
        let answers = self.answers.get(version);
        let answers = answers.filter(|gaps| gaps.silent(now.as_ms(), Span::ZERO, ahead));
        let labels = self.labels.get(version);
        let labels = labels
            .filter(|labels| labels.gaps.silent(now.as_ms(), labels.usual_delay(), Span::ZERO));
        let found = answers.and_then(|gaps| Some((Missed::Answers, gaps.last()?)));
        let found = found.into_iter();
        let found = found.chain(labels.and_then(|of| {
            let missed = if of.types { Missed::Types } else { Missed::Labels };
            Some((missed, of.gaps.last()?))
        }));
        let found: Vec<_> = found
            .map(|(missed, last)| (missed, EventTime::from_ms(last)))
            .filter(|(missed, _)| !self.silent.contains_key(&(version.clone(), *missed)))
            .collect();
        let mark = |(missed, since): &(Missed, EventTime)| ((version.clone(), *missed), *since);
        self.silent.extend(found.iter().map(mark));
        found
    }

    /// Whether and since when nothing comes that a signal of a version reads.
    pub(super) fn of(&self, version: &VersionId, signal: Signal) -> Option<(Reason, EventTime)> {
        let of = |missed: Missed| {
            let since = self.silent.get(&(version.clone(), missed))?;
            Some((missed.reason(), *since))
        };
        let labels = || of(Missed::Labels).or_else(|| of(Missed::Types));
        let labels = || labels().filter(|_| signal == Signal::Accuracy);
        of(Missed::Answers).or_else(|| of(Missed::Source)).or_else(labels)
    }

    /// The whole source is silent: its model's version, too.
    pub(super) fn source_silent(&mut self, version: &VersionId) -> Option<EventTime> {
        let last = self.answers.get(version).filter(|gaps| gaps.rest().is_some())?.last()?;
        let since = EventTime::from_ms(last);
        let known = self.silent.contains_key(&(version.clone(), Missed::Answers));
        let news = self.silent.insert((version.clone(), Missed::Source), since).is_none();
        (news && !known).then_some(since)
    }

    /// The source is heard again. Returns the versions that were silent with it; whether they
    /// answer is another question.
    pub(super) fn source_is_back(&mut self) -> Vec<VersionId> {
        let back = self.silent.extract_if(.., |(_, missed), _| *missed == Missed::Source);
        back.map(|((version, _), _)| version).collect()
    }
}
