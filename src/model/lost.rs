//! What of a record could not be used, though the record could.

use serde::{Deserialize, Serialize};

/// A field of a sample.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LostField {
    /// Whether an answer failed.
    Status,
    /// Whether a user saw it.
    Role,
    /// The answer, or the request that joins it to its label.
    Prediction,
    /// The model's confidence.
    Score,
    /// The duration.
    Latency,
    /// The true answer.
    Actual,
    /// At least one input.
    Features,
    /// Processors in use.
    Cpu,
    /// Resident memory.
    Memory,
}

impl LostField {
    /// All of them.
    pub const ALL: [Self; 9] = [
        Self::Status,
        Self::Role,
        Self::Prediction,
        Self::Score,
        Self::Latency,
        Self::Actual,
        Self::Features,
        Self::Cpu,
        Self::Memory,
    ];
}

/// The fields of one sample that could not be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct LostFields(u16);

impl LostFields {
    /// Adds a field.
    pub fn add(&mut self, field: LostField) {
        self.0 |= 1 << field as u16;
    }

    /// Whether the field could not be used.
    #[must_use]
    pub const fn has(self, field: LostField) -> bool {
        self.0 & (1 << field as u16) != 0
    }

    /// Whether all could be used.
    #[must_use]
    pub const fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// The fields, in a fixed order.
    pub fn iter(self) -> impl Iterator<Item = LostField> {
        LostField::ALL.into_iter().filter(move |field| self.has(*field))
    }
}
