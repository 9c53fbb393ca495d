//! Undo in pieces, each of one model, so that what did not change need not be written again.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use super::Undo;
use super::models::KnownModels;
use super::state::ModelState;
use crate::model::{ModelId, VersionId};
use crate::sums::SharedPart;

/// What undo knows of one model.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct UndoPiece(ModelId, SharedPart<ModelState>);

impl UndoPiece {
    /// Which model.
    #[must_use]
    pub fn model(&self) -> &ModelId {
        &self.0
    }
}

impl Undo {
    /// The pieces of all models. What is large is shared, not copied.
    #[must_use]
    pub fn pieces(&self) -> Vec<UndoPiece> {
        self.models.names().filter_map(|model| self.piece(model)).collect()
    }

    /// The piece of one model.
    #[must_use]
    pub fn piece(&self, model: &ModelId) -> Option<UndoPiece> {
        Some(UndoPiece(model.clone(), self.models.shared(model)?))
    }

    /// Puts a piece in its place.
    pub fn put(&mut self, piece: UndoPiece) {
        self.models.put(piece.0, piece.1);
    }

    /// All but what it knows of models.
    #[must_use]
    pub fn without_models(&self) -> Self {
        Self {
            models: KnownModels::default(),
            every: self.every.clone(),
            replies: self.replies.clone(),
            ignored: self.ignored,
            anomalies: self.anomalies,
            clock: self.clock,
            born: self.born,
        }
    }

    /// What a question about one model needs: no replies, and no other model.
    #[must_use]
    pub fn only(&self, model: &ModelId) -> Self {
        let mut only = Self { replies: Default::default(), ..self.without_models() };
        self.piece(model).into_iter().for_each(|piece| only.put(piece));
        only
    }

    /// Forgets a model of which telemetry alone told, and that has lost its place there.
    pub fn forget_model(&mut self, model: &ModelId) {
        if self.models.get(model).is_some_and(|state| !state.named()) {
            self.models.remove(model);
        }
    }

    /// Forgets a version that has lost its place, if nothing else needs it.
    pub fn forget_version(&mut self, model: &ModelId, version: &VersionId) {
        if self.models.contains(model) {
            self.models.change(model, |state| state.forget_version(version));
        }
    }

    /// Whether something is known of a model.
    #[must_use]
    pub fn knows(&self, model: &ModelId) -> bool {
        self.models.contains(model)
    }

    /// The models that changed since this was last asked.
    pub fn take_changed(&mut self) -> BTreeSet<ModelId> {
        self.models.take_changed()
    }
}
