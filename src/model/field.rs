//! Fields of samples.

/// A field of a sample that holds one value.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum SampleField {
    /// The kind of sample.
    Type,
    /// What is unique among the model's predictions.
    Id,
    /// What joins predictions and outcomes.
    Request,
    /// The model.
    Model,
    /// The version.
    Version,
    /// The time.
    Ts,
    /// How it ended.
    Status,
    /// Whether a user saw it.
    Role,
    /// The answer.
    Prediction,
    /// The model's own confidence.
    Score,
    /// The duration in milliseconds.
    LatencyMs,
    /// The true answer.
    Actual,
    /// The share of processors in use.
    CpuRatio,
    /// The memory in use.
    MemoryBytes,
    /// The kind of a run.
    Kind,
}

impl SampleField {
    /// All of them, each at its number.
    pub const ALL: [Self; 15] = [
        Self::Type,
        Self::Id,
        Self::Request,
        Self::Model,
        Self::Version,
        Self::Ts,
        Self::Status,
        Self::Role,
        Self::Prediction,
        Self::Score,
        Self::LatencyMs,
        Self::Actual,
        Self::CpuRatio,
        Self::MemoryBytes,
        Self::Kind,
    ];

    /// Its name in a record.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Type => "type",
            Self::Id => "id",
            Self::Request => "request",
            Self::Model => "model",
            Self::Version => "version",
            Self::Ts => "ts",
            Self::Status => "status",
            Self::Role => "role",
            Self::Prediction => "prediction",
            Self::Score => "score",
            Self::LatencyMs => "latency_ms",
            Self::Actual => "actual",
            Self::CpuRatio => "cpu_ratio",
            Self::MemoryBytes => "memory_bytes",
            Self::Kind => "kind",
        }
    }

    /// The field of this name.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        Some(match name {
            "type" => Self::Type,
            "id" => Self::Id,
            "request" => Self::Request,
            "model" => Self::Model,
            "version" => Self::Version,
            "ts" => Self::Ts,
            "status" => Self::Status,
            "role" => Self::Role,
            "prediction" => Self::Prediction,
            "score" => Self::Score,
            "latency_ms" => Self::LatencyMs,
            "actual" => Self::Actual,
            "cpu_ratio" => Self::CpuRatio,
            "memory_bytes" => Self::MemoryBytes,
            "kind" => Self::Kind,
            _ => return None,
        })
    }

    /// Whether its value is a name, which a header's text is never taken for a number.
    #[must_use]
    pub const fn is_name(self) -> bool {
        matches!(self, Self::Id | Self::Request | Self::Model | Self::Version)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_have_the_number_of_their_place() {
        for (nth, field) in SampleField::ALL.into_iter().enumerate() {
            assert_eq!(field as usize, nth);
            assert_eq!(SampleField::named(field.name()), Some(field));
        }
    }
}
