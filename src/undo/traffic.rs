//! Which versions answered users lately, according to telemetry.
//!
//! It covers the last minute, or longer if that holds too few answers to mean anything: a model
//! that answers twice a minute has a production version, too. Nothing older than an hour counts.

use std::collections::{BTreeMap, VecDeque};

use serde::{Deserialize, Serialize};

use crate::model::{EventTime, Span, VersionId};
use crate::sums::LiveTraffic;

/// The fewest panes that shares are computed over.
const PANES: usize = 6;
/// More panes are added until they hold this many answers.
const ANSWERS: u64 = 20;
/// Panes in a row that must contradict the facts.
pub(super) const AGAINST: u32 = 6;
/// What is older says nothing.
pub(super) const LATELY: Span = Span::from_s(3600);

/// The last panes of live traffic.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub(super) struct Traffic {
    recent: VecDeque<LiveTraffic>,
    /// An answer was stated to be live, ever: then unstated ones are not.
    pub(super) states_roles: bool,
    /// Panes in a row in which it contradicted the facts.
    pub(super) against: u32,
}

impl Traffic {
    /// A pane closed.
    pub(super) fn take(&mut self, pane: &LiveTraffic) {
        self.states_roles |= pane.versions.iter().any(|(_, live, _)| *live > 0);
        if answers(pane) > 0 {
            self.recent.push_back(pane.clone());
        }
        let mut held: u64 = self.recent.iter().map(answers).sum();
        while let Some(first) = self.recent.front() {
            let rest = held.saturating_sub(answers(first));
            let spare = self.recent.len() > PANES && rest >= ANSWERS;
            if !spare && pane.end - first.end <= LATELY {
                break;
            }
            held = rest;
            self.recent.pop_front();
        }
    }

    /// Another version serves: earlier answers say nothing about it.
    pub(super) fn restart(&mut self) {
        self.recent.clear();
        self.against = 0;
    }

    /// The version of most answers, if they are enough of all: stated to be live, or of any role
    /// where nothing is stated.
    pub(super) fn most_answers(&self, enough: impl Fn(u64, u64) -> bool) -> Option<VersionId> {
        let mut shares: BTreeMap<&VersionId, u64> = BTreeMap::new();
        for (version, live, unstated) in self.recent.iter().flat_map(|pane| &pane.versions) {
            *shares.entry(version).or_default() +=
                if self.states_roles { *live } else { *unstated };
        }
        let total: u64 = shares.values().sum();
        let (version, n) = shares.into_iter().max_by_key(|(_, n)| *n)?;
        (total >= ANSWERS && enough(n, total)).then(|| version.clone())
    }

    /// Whether a version was stated to answer users shortly before `event`.
    pub(super) fn live(&self, version: &VersionId, event: EventTime) -> bool {
        let lately = self.recent.iter().filter(|pane| event - pane.end <= LATELY);
        lately.flat_map(|pane| &pane.versions).any(|(of, live, _)| of == version && *live > 0)
    }
}

fn answers(pane: &LiveTraffic) -> u64 {
    pane.versions.iter().map(|(_, live, unstated)| live + unstated).sum()
}
