//! Values of compacted topics, and records that cannot be read.

use std::collections::BTreeMap;

use serde::de::DeserializeOwned;

use super::{App, locked};
use crate::edge::diagnostics;
use crate::edge::http::Problem;
use crate::edge::log::{Record, Topic};
use crate::model::LogTime;
use crate::wire::json;

/// The values of a compacted topic of one shard, by key.
pub(super) fn by_key(
    app: &App,
    topic: Topic,
    shard: u32,
) -> Result<BTreeMap<String, StoredValue>, Problem> {
    let records = app.topics.kept(topic, shard, "")?;
    let stored = |(key, record): (String, Record)| {
        let Record { time, position, value, .. } = record;
        (key, StoredValue { time, position, value })
    };
    Ok(records.into_iter().map(stored).collect())
}

/// Unreadable records that are named in the log, each once however often somebody asks.
const NAMED_UNREADABLE: usize = 1000;

/// A record's value. One that cannot be read is logged, so that it hides no other one.
pub(super) fn decoded<T: DeserializeOwned>(
    app: &App,
    (topic, shard): (Topic, u32),
    position: i64,
    value: &[u8],
) -> Option<T> {
    let at = app.topics.partition(topic, shard);
    let read = json::decode("record", value);
    read.inspect_err(|why| {
        let mut named = locked(&app.unreadable);
        if named.len() < NAMED_UNREADABLE && named.insert((topic, shard, position)) {
            diagnostics::record_unreadable(&at.topic, shard, position, &why.to_string());
        }
    })
    .ok()
}

/// A value and when it was written.
pub(super) struct StoredValue {
    pub(super) time: LogTime,
    pub(super) position: i64,
    pub(super) value: Vec<u8>,
}
