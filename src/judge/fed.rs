//! What a rule was given to judge since its version went into production.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::panes::Pane;
use crate::model::{EventTime, Span, Standing, Trigger, TriggerId, VersionId};

/// For how long a version must have served before a rule without samples is worth a note.
const DAY: Span = Span::from_s(24 * 3600);

/// The samples of the version in production.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub(super) struct Fed {
    version: Option<VersionId>,
    /// From its first answer in production to its last.
    served: Option<(EventTime, EventTime)>,
    /// When each rule last had samples, or else when it first judged.
    rules: BTreeMap<TriggerId, EventTime>,
}

impl Fed {
    /// Begins again where another version went into production.
    pub(super) fn set_standing(&mut self, standing: &Standing) {
        if standing.production != self.version {
            *self = Self { version: standing.production.clone(), ..Self::default() };
        }
    }

    /// The version in production.
    pub(super) fn version(&self) -> Option<&VersionId> {
        self.version.as_ref()
    }

    /// Takes a closed pane.
    pub(super) fn serve(&mut self, start: EventTime, end: EventTime, pane: &Pane) {
        let answered = |version: &VersionId| {
            pane.versions().any(|(of, _, sums)| of == version && sums.answers.n > 0)
        };
        if self.version.as_ref().is_some_and(answered) {
            let (first, last) = self.served.unwrap_or((start, end));
            self.served = Some((first, last.max(end)));
        }
    }

    /// A rule judged a bucket from `start` to `end`; `fed`: it had samples of the version.
    pub(super) fn judged(
        &mut self,
        rule: &TriggerId,
        (start, end): (EventTime, EventTime),
        fed: bool,
    ) {
        let since = self.rules.entry(rule.clone()).or_insert(start);
        *since = if fed { end } else { *since };
    }

    /// The rules that had no sample of it during the last day that it served.
    pub(super) fn not_fed(&self, rules: &[Trigger]) -> Vec<TriggerId> {
        let Some((first, last)) = self.served else { return Vec::new() };
        let missed = |since: &EventTime| last - first.max(*since) >= DAY;
        let not_fed = rules.iter().filter(|rule| self.rules.get(&rule.id).is_some_and(missed));
        not_fed.map(|rule| rule.id.clone()).collect()
    }
}
