//! Log times at which a shard last heard of each source and model.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::Inbox;
use crate::model::{LogTime, ModelId, SourceId};

/// The last word of each source's ingest, and the newest sums of each model.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub(super) struct Heard {
    pub(super) sources: BTreeMap<SourceId, LogTime>,
    pub(super) models: BTreeMap<ModelId, LogTime>,
}

impl Heard {
    /// A record came at `now`.
    pub(super) fn take(&mut self, now: LogTime, record: &Inbox) {
        match record {
            Inbox::Source { source, .. } => note(&mut self.sources, source, now),
            Inbox::Claim { lane, .. } => note(&mut self.sources, &lane.source, now),
            Inbox::Heartbeat { lanes, .. } => {
                lanes.iter().for_each(|lane| note(&mut self.sources, &lane.source, now));
            }
            Inbox::Frame(frame) => note(&mut self.sources, &frame.lane.source, now),
            Inbox::Format { .. }
            | Inbox::Rules(_)
            | Inbox::Tick
            | Inbox::Fact(_)
            | Inbox::Answer(_)
            | Inbox::Instruction(_) => {}
        }
    }
}

impl Heard {
    /// New sums of a model came.
    pub(super) fn note(&mut self, model: &ModelId, now: LogTime) {
        note(&mut self.models, model, now);
    }
}

/// Most are known already, and need no copy of their name.
fn note<K: Ord + Clone>(heard: &mut BTreeMap<K, LogTime>, who: &K, now: LogTime) {
    match heard.get_mut(who) {
        Some(last) => *last = now,
        None => {
            heard.insert(who.clone(), now);
        }
    }
}
