//! What targets last said, with the versions that they list found by name and in order.
//!
//! A registry may list thousands of versions and is observed every few seconds. So what they list
//! is put in order once, when a target says something new, and not at every question.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use crate::model::{Fact, TargetId, VersionFact, VersionId};

/// The last fact of each target.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(from = "BTreeMap<TargetId, Fact>", into = "BTreeMap<TargetId, Fact>")]
pub(super) struct Facts {
    by_target: BTreeMap<TargetId, Fact>,
    listed: Listed,
}

/// The versions that the facts list.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
struct Listed {
    /// Newest first: by when they were made if all say so, else as listed.
    order: Vec<VersionId>,
    places: BTreeMap<VersionId, Places>,
    /// The places in the order of those that a registry calls good.
    proven: BTreeSet<usize>,
}

#[derive(Debug, Clone, PartialEq, Eq, Default)]
struct Places {
    /// In the order.
    rank: usize,
    /// In the facts: the target, and the place in its list.
    said: Vec<(TargetId, usize)>,
}

impl Facts {
    pub(super) fn get(&self, target: &TargetId) -> Option<&Fact> {
        self.by_target.get(target)
    }

    /// Replaces what a target said before.
    pub(super) fn insert(&mut self, fact: &Fact) {
        let old = self.by_target.insert(fact.target.clone(), fact.clone());
        if old.is_none_or(|old| old.versions != fact.versions) {
            self.listed = Listed::of(&self.by_target);
        }
    }

    /// Whether a target has said something.
    pub(super) fn any(&self) -> bool {
        !self.by_target.is_empty()
    }

    /// Takes all of them out.
    pub(super) fn take(&mut self) -> BTreeMap<TargetId, Fact> {
        std::mem::take(self).by_target
    }

    /// The versions listed, newest first.
    pub(super) fn versions(&self) -> &[VersionId] {
        &self.listed.order
    }

    /// Whether a target lists a version.
    pub(super) fn list(&self, version: &VersionId) -> bool {
        self.listed.places.contains_key(version)
    }

    /// The place of a version among those listed, newest first.
    pub(super) fn rank(&self, version: &VersionId) -> Option<usize> {
        self.listed.places.get(version).map(|places| places.rank)
    }

    /// The places of the versions that a registry calls good.
    pub(super) fn proven(&self) -> &BTreeSet<usize> {
        &self.listed.proven
    }

    /// What targets say of a version, in the order of the targets' names.
    pub(super) fn of(&self, version: &VersionId) -> impl Iterator<Item = &VersionFact> {
        let said = self.listed.places.get(version).into_iter().flat_map(|places| &places.said);
        said.filter_map(|(target, at)| self.by_target.get(target)?.versions.get(*at))
    }
}

impl Listed {
    fn of(by_target: &BTreeMap<TargetId, Fact>) -> Self {
        let mut listed = Self::default();
        let mut made = BTreeMap::new();
        for (target, fact) in by_target {
            for (at, of) in fact.versions.iter().enumerate() {
                let places = listed.places.entry(of.version.clone()).or_default();
                if places.said.is_empty() {
                    listed.order.push(of.version.clone());
                }
                places.said.push((target.clone(), at));
                if let Some(created_at) = of.created_at {
                    made.entry(&of.version).or_insert(created_at);
                }
            }
        }
        if made.len() == listed.order.len() {
            listed.order.sort_by_key(|version| std::cmp::Reverse(made.get(version)));
        }
        for (rank, version) in listed.order.iter().enumerate() {
            if let Some(places) = listed.places.get_mut(version) {
                places.rank = rank;
            }
        }
        let versions = by_target.values().flat_map(|fact| &fact.versions);
        let proven = versions.filter(|of| of.proven_good);
        let ranks = proven.filter_map(|of| Some(listed.places.get(&of.version)?.rank));
        listed.proven = ranks.collect();
        listed
    }
}

impl From<BTreeMap<TargetId, Fact>> for Facts {
    fn from(by_target: BTreeMap<TargetId, Fact>) -> Self {
        let listed = Listed::of(&by_target);
        Self { by_target, listed }
    }
}

impl From<Facts> for BTreeMap<TargetId, Fact> {
    fn from(facts: Facts) -> Self {
        facts.by_target
    }
}
