//! What a lane puts out apart from frames: it is told, or laid aside.

use super::ClaimedLane;
use crate::edge::diagnostics;
use crate::edge::log::Record;
use crate::measure::{Output, WaitingLimit};
use crate::phrases;
use crate::roles::ingest::pipeline::UnmeasuredRecord;
use crate::roles::ingest::unmeasured::{self, Sampler};
use crate::topics::{RoleError, Topics};

impl ClaimedLane {
    /// The pipeline's outputs other than frames.
    pub(super) fn sort_out(
        &mut self,
        topics: &Topics,
        sampler: &mut Sampler,
        batch: Option<(usize, &[Record])>,
    ) -> Result<(), RoleError> {
        for join in self.feed.joins() {
            let source = &self.id.source;
            match join {
                Output::JoinStopped { model, waiting, limit } => match limit {
                    WaitingLimit::Requests(cap) => {
                        diagnostics::join_stopped(source, &model, waiting, cap);
                    }
                    WaitingLimit::Bytes(most) => {
                        diagnostics::joins_full(source, &model, &phrases::bytes(most));
                    }
                },
                Output::JoinResumed { model, waiting } => {
                    diagnostics::join_resumed(source, &model, waiting);
                }
                Output::NamesFull { kind, name } => {
                    diagnostics::names_full(&self.id, kind.word(), &name);
                }
                Output::Frame(_) | Output::Rejected { .. } | Output::Late { .. } => {}
            }
        }
        for refused in self.feed.refused() {
            self.send_aside(&refused, topics, sampler, batch)?;
        }
        Ok(())
    }

    /// Lays a refused record aside for its topic. One that waited for others to confirm its
    /// clock is no longer in the batch, and read once more.
    fn send_aside(
        &mut self,
        refused: &UnmeasuredRecord,
        topics: &Topics,
        sampler: &mut Sampler,
        batch: Option<(usize, &[Record])>,
    ) -> Result<(), RoleError> {
        let Some(place) = self.places.get(refused.topic) else { return Ok(()) };
        let at = &place.partition;
        let sampled = sampler.take(refused.code, topics.log.uptime());
        if sampled.logged {
            let code = unmeasured::reason(refused);
            let (topic, detail) = (&at.topic, &refused.detail);
            diagnostics::record_rejected(topic, at.partition, refused.position, &code, detail);
        }
        if !sampled.kept {
            return Ok(());
        }
        let known = batch.filter(|(topic, _)| *topic == refused.topic).and_then(|(_, records)| {
            let found = records.binary_search_by_key(&refused.position, |record| record.position);
            found.ok().and_then(|index| records.get(index))
        });
        let scanned = match known {
            Some(_) => Vec::new(),
            None => topics.log.scan(at, refused.position, 1)?,
        };
        let earlier = scanned.first().filter(|record| record.position == refused.position);
        if let Some(record) = known.or(earlier) {
            let to = |topic| topics.partition(topic, self.id.lane % topics.shards.max(1));
            self.refused.push(unmeasured::outgoing(refused, at, record, to));
        }
        Ok(())
    }
}
