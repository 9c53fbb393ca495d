//! Deletes old records of the local log, so that it does not grow for ever.
//!
//! Law: nothing is deleted that a group has not read. An inbox is kept from the newest snapshot of
//! its shard on, and always holds the rules in force, since a shard may be folded again
//! from what is left. The config ensures that telemetry is kept longer than the label horizon. Of
//! compacted topics only the marks of deleted keys are deleted.

use crate::edge::diagnostics;
use crate::edge::log::local::LocalLog;
use crate::edge::log::{Log, Partition, Topic};
use crate::model::{RuleSet, Source, Span};
use crate::shard::Inbox;
use crate::topics::snapshots::StoredSnapshots;
use crate::topics::{RoleError, Topics};
use crate::wire::json;

/// Inbox records that are looked at at once.
const BATCH: usize = 1000;

/// How a rules record begins: the kind is the key.
const RULES: &[u8] = br#"{"rules":"#;

/// Deletes what is older than `keep` and not needed.
///
/// # Errors
/// Storage.
pub fn retain(
    log: &LocalLog,
    topics: &Topics,
    sources: &[Source],
    keep: Span,
) -> Result<(), RoleError> {
    for topic in Topic::ALL {
        for partition in 0..topics.shards {
            let at = topics.partition(topic, partition);
            let from =
                if topic == Topic::Inbox { inbox(log, topics, partition, keep)? } else { None };
            if topic != Topic::Inbox || from.is_some() {
                delete(log, &at, keep, from)?;
            }
        }
    }
    for source in sources {
        for topic in &source.topics {
            for partition in 0..log.partitions(&topic.name)?.unwrap_or(0) {
                let at = Partition { topic: topic.name.clone(), partition };
                delete(log, &at, keep, None)?;
            }
        }
    }
    Ok(())
}

fn delete(log: &LocalLog, at: &Partition, keep: Span, from: Option<i64>) -> Result<(), RoleError> {
    let deleted = log.retain(at, keep, from)?;
    if deleted > 0 {
        diagnostics::retained(&at.topic, at.partition, deleted);
    }
    Ok(())
}

/// From where on a shard's inbox must be kept; none: all of it. Where rules would be lost, they
/// are appended again first; a shard that has them takes no notice.
fn inbox(
    log: &LocalLog,
    topics: &Topics,
    shard: u32,
    keep: Span,
) -> Result<Option<i64>, RoleError> {
    let at = topics.partition(Topic::Inbox, shard);
    let oldest = log.scan(&at, 0, 1)?;
    let old = oldest.first().is_some_and(|record| record.time < log.now() - keep);
    let stored = if old { Some(StoredSnapshots::read(topics, shard)?) } else { None };
    let folded = stored.and_then(|stored| stored.restore(shard, i64::MAX));
    let Some((from, rule_set)) =
        folded.and_then(|shard| Some((shard.next(), shard.rule_set()?.clone())))
    else {
        return Ok(None);
    };
    if !holds_rules(log, &at, from)? {
        again(topics, shard, rule_set)?;
    }
    Ok(Some(from))
}

fn holds_rules(log: &LocalLog, at: &Partition, from: i64) -> Result<bool, RoleError> {
    let mut position = from;
    loop {
        let records = log.scan(at, position, BATCH)?;
        let Some(last) = records.last() else { return Ok(false) };
        position = last.position + 1;
        if records.iter().any(|record| record.value.starts_with(RULES)) {
            return Ok(true);
        }
    }
}

fn again(topics: &Topics, shard: u32, rule_set: RuleSet) -> Result<(), RoleError> {
    let records = [Inbox::Format { shards: topics.shards }, Inbox::Rules(rule_set)];
    let records = records.iter().map(|record| topics.inbox(shard, None, record));
    let records = records.collect::<Result<_, json::JsonError>>()?;
    topics.log.writer(None)?.append(records)?;
    Ok(())
}
