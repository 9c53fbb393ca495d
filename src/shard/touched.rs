//! Which models have something new to tell. It is no part of the state: two shards are equal
//! whatever they have told.

use std::collections::BTreeSet;

use crate::model::ModelId;

/// Models with news, until somebody takes them.
#[derive(Debug, Clone, Default)]
pub struct Touched {
    /// What undo or judge knows of them changed.
    pub changed: BTreeSet<ModelId>,
    /// Only new sums came.
    pub heard: BTreeSet<ModelId>,
}

impl Touched {
    pub(super) fn change(&mut self, model: &ModelId) {
        note(&mut self.changed, model);
    }

    /// New sums came.
    pub(super) fn hear(&mut self, model: &ModelId) {
        note(&mut self.heard, model);
    }
}

impl PartialEq for Touched {
    fn eq(&self, _: &Self) -> bool {
        true
    }
}

/// Most are noted already, and need no copy of their name.
fn note(set: &mut BTreeSet<ModelId>, model: &ModelId) {
    if !set.contains(model) {
        set.insert(model.clone());
    }
}
