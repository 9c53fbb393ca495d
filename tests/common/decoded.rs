//! One sample of one record, without the record.

use ripcord::config::WrittenMapping;
use ripcord::measure::owned;
use ripcord::model::{Mapping, Sample, Source, TopicRule};
use ripcord::wire::telemetry::{self, Loss, Raw, Rejected, TextArena, Told};

/// The sample that a record is.
pub(crate) fn decode(
    record: &Raw<'_>,
    topic: &TopicRule,
    source: &Source,
) -> Result<Sample<'static>, Rejected> {
    telemetry::decode(record, topic, source, &TextArena::new()).one().map(owned)
}

/// The same, and which of its fields could not be used.
pub(crate) fn decode_explained(
    record: &Raw<'_>,
    topic: &TopicRule,
    source: &Source,
    losses: &mut Vec<Loss>,
) -> Result<Sample<'static>, Rejected> {
    let mut told = Told::default();
    let texts = TextArena::new();
    let read = telemetry::decode_explained(record, topic, source, &texts, &mut told).one();
    losses.append(&mut told.losses);
    read.map(owned)
}

/// Every sample of a record.
pub(crate) fn decode_all(
    record: &Raw<'_>,
    topic: &TopicRule,
    source: &Source,
) -> Vec<Result<Sample<'static>, Rejected>> {
    let texts = TextArena::new();
    let samples = telemetry::decode(record, topic, source, &texts);
    samples.into_iter().map(|read| read.map(owned)).collect()
}

/// A mapping as a config would write it.
pub(crate) fn mapped(written: serde_json::Value) -> Mapping {
    try_mapped(written).unwrap()
}

/// The same. `None` if a config refuses it.
pub(crate) fn try_mapped(written: serde_json::Value) -> Option<Mapping> {
    let written: WrittenMapping = serde_json::from_value(written).unwrap();
    ripcord::config::mapping(written).ok().flatten()
}
