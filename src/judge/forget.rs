//! Versions that are over: what is known of them goes.
//!
//! Undo decides which: judge forgets what leaves the standing, since only undo knows which version
//! may still be gone back to.

use std::collections::BTreeSet;

use super::state::ModelJudge;
use crate::model::{FeatureName, Standing, VersionId};

impl ModelJudge {
    /// Forgets the versions that were in the standing and no longer are.
    pub(super) fn forget_what_left(&mut self, standing: &Standing) {
        let left = |version: &&VersionId| !standing.versions.contains_key(*version);
        let gone: BTreeSet<_> = self.standing.versions.keys().filter(left).cloned().collect();
        if !gone.is_empty() {
            self.forget(&gone);
        }
    }

    /// Forgets versions.
    pub(super) fn forget(&mut self, gone: &BTreeSet<VersionId>) {
        let stays = |version: &VersionId| !gone.contains(version);
        self.watches.retain(|(_, version), _| stays(version));
        self.pairs.retain(|(_, version, other), _| stays(version) && stays(other));
        self.live.retain(|(_, version, other), _| stays(version) && stays(other));
        self.levels.retain(|(_, version), _| stays(version));
        self.said.retain(|(_, version, _), _| stays(version));
        self.ahead.retain(|(_, version)| stays(version));
        self.heard.retain(|version, _| stays(version));
        self.learned.retain(stays);
        self.silences.retain(stays);
        self.inputs.values_mut().for_each(|inputs| inputs.retain(stays));
        self.buckets.retain(stays);
    }

    /// Forgets a feature of a version.
    pub(super) fn forget_feature(&mut self, version: &VersionId, feature: &FeatureName) {
        self.inputs.values_mut().for_each(|inputs| inputs.forget(version, feature));
        self.said.retain(|(_, of, name), _| of != version || name.as_ref() != Some(feature));
        self.buckets.forget_feature(version, feature);
    }
}
