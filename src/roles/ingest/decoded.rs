//! Records of a lane, read but not yet measured.

use crate::model::{EventTime, LogTime, Reject, Sample, Source, TopicRule};
use crate::wire::telemetry::{self, Raw, Rejected, Repeats, Samples, TextArena};

/// A record as it is fed.
#[derive(Debug, Clone, Copy)]
pub struct RawRecord<'a> {
    /// The topic's place in the source.
    pub topic: usize,
    /// Its position.
    pub position: i64,
    /// When the broker took it, where that is known.
    pub appended: Option<LogTime>,
    /// Its bytes; none: it is larger than the limit.
    pub raw: Option<Raw<'a>>,
}

/// A record that was read: its samples, or why there is none.
#[derive(Debug)]
pub struct Decoded<'a> {
    pub(super) topic: usize,
    pub(super) position: i64,
    pub(super) appended: Option<LogTime>,
    pub(super) following: Option<&'a [EventTime]>,
    pub(super) samples: Samples<'a>,
}

impl<'a> Decoded<'a> {
    /// The same, with the times of the records that follow it.
    #[must_use]
    pub fn before(self, following: &'a [EventTime]) -> Self {
        Self { following: Some(following), ..self }
    }

    /// What it says first.
    #[must_use]
    pub fn sample(&self) -> Option<&Sample<'a>> {
        self.samples.first()
    }

    /// Leaves out samples; false if that leaves nothing of it.
    pub fn keep(&mut self, keep: impl FnMut(&Sample<'_>) -> bool) -> bool {
        self.samples.keep(keep)
    }
}

/// Reads a record by the rules of a topic. None: the source has no such topic.
pub(super) fn decoded<'a>(
    source: &Source,
    rules: Option<&TopicRule>,
    repeats: &mut Repeats,
    fed: RawRecord<'a>,
    texts: &'a TextArena,
) -> Decoded<'a> {
    let RawRecord { topic, position, appended, raw } = fed;
    let samples = match (raw, rules) {
        (Some(raw), Some(rules)) => {
            let mut samples = telemetry::decode(&raw, rules, source, texts);
            repeats.number(rules, &mut samples);
            samples
        }
        (None, _) | (_, None) => Samples::One(Err(Rejected::new(
            Reject::TooLarge,
            format!(
                "the record has more than {} bytes; send less or raise max_record_bytes",
                source.max_record_bytes
            ),
        ))),
    };
    Decoded { topic, position, appended, following: None, samples }
}
