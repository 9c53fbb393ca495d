//! What a lane remembers of requests, for those who limit it.

use super::Lane;
use crate::model::ModelId;

impl Lane {
    /// Requests that wait for their answer or their outcome, by model.
    pub fn waiting(&self) -> impl Iterator<Item = (&ModelId, usize)> {
        self.join.waiting().map(|(model, waiting)| (self.names.model_name(model), waiting))
    }

    /// The models whose labels are not counted, because too many requests wait.
    pub fn stopped_joins(&self) -> impl Iterator<Item = &ModelId> {
        self.join.stopped_models().map(|model| self.names.model_name(model))
    }

    /// Bytes that all remembered requests take.
    #[must_use]
    pub fn waiting_bytes(&self) -> usize {
        self.join.bytes()
    }

    /// Bytes that the inputs of recent requests take.
    #[must_use]
    pub fn input_bytes(&self) -> usize {
        self.inputs.bytes()
    }

    /// Answers whose inputs were dropped early, since this was last asked.
    pub fn take_dropped_inputs(&mut self) -> u64 {
        self.inputs.take_dropped()
    }
}
