//! What the logs below tell operators: gaps, keys, trouble of the Kafka client.

use tracing::{debug, info, warn};

use crate::model::SourceId;
use crate::wire::lanes::{GapCause, PositionGap};

/// A position that was to be read is not on the log.
pub fn position_gap(topic: &str, partition: u32, gap: &PositionGap) {
    let PositionGap { from, to, records, .. } = gap;
    match gap.cause {
        GapCause::Deleted => warn!(
            topic,
            partition,
            from,
            to,
            records,
            "records were deleted before they were read; keep them longer (retention.ms, \
             retention.bytes), or let ingest run without such pauses"
        ),
        GapCause::CreatedAgain => warn!(
            topic,
            partition,
            from,
            to,
            records,
            "the partition ends before the position to read on from: it was created again, lost \
             records, or the group was moved; reading begins at its start"
        ),
        GapCause::Moved => warn!(
            topic,
            partition,
            from,
            to,
            records,
            "somebody moved the group; what lies between the positions is not read, or read twice"
        ),
        GapCause::PositionLost => warn!(
            topic,
            partition,
            from,
            to,
            records,
            "the group has no position any more: the topic was created again, or the group was \
             away for too long (offsets.retention.minutes); reading begins at the start"
        ),
    }
}

/// Records that a lane had to read again are not on the log.
pub fn memory_gone(topic: &str, partition: u32, from: i64, to: i64) {
    warn!(
        topic,
        partition,
        from,
        to,
        "records that had to be read again are gone, so outcomes of predictions among them \
         stay unmatched; keep records longer than label_horizon_hours"
    );
}

/// Keys of a source's records are placed so that records of one request do not meet.
pub fn keys_misplaced(source: &SourceId, why: &str) {
    warn!(%source, why, "keys misplaced");
}

/// A role other than ingest wanted to read a position that is not on the log.
pub fn log_gone(role: &str, topic: &str, partition: u32, from: i64, to: i64) {
    warn!(
        role,
        topic,
        partition,
        from,
        to,
        "the position to read on from is not on the log; check who deletes records of this topic"
    );
}

/// A log cannot be read for now.
pub fn blocked(role: &str, why: &str) {
    warn!(role, why, "log blocked");
}

/// A message of the Kafka client, by syslog's levels; much of it passes by itself.
pub fn kafka_client(level: i32, text: &str) {
    match level {
        ..=3 => warn!(text, "kafka client"),
        4 | 5 => info!(text, "kafka client"),
        _ => debug!(text, "kafka client"),
    }
}

/// Kafka could not do something now; it is retried.
pub fn kafka_trouble(doing: &str, why: &str) {
    info!(doing, why, "kafka trouble");
}
