//! How lanes are taken over, and begun again where the log no longer has what they have read.

use super::Ingest;
use super::claimed::ClaimedLane;
use super::memory::Memory;
use super::news::LaneNews;
use crate::edge::diagnostics;
use crate::edge::log::gap::{Gap, Missing};
use crate::edge::log::{Commit, Committed, Partition};
use crate::measure::Input;
use crate::model::LaneId;
use crate::shard::Inbox;
use crate::topics::RoleError;
use crate::wire::lanes::GapCause;

/// A partition of a lane, and from where it is read unless something is remembered.
type Start = (Partition, i64);

impl Ingest {
    /// Takes over the lanes that are new here.
    pub(super) fn claim(&mut self) -> Result<(), RoleError> {
        for lane in std::mem::take(&mut self.unclaimed) {
            let id = LaneId { source: self.source.id.clone(), lane };
            let places: Vec<_> = self.places(lane).collect();
            let mut committed = Vec::new();
            for place in &places {
                committed.push(self.reader.committed(place)?);
            }
            let now = self.topics.log.now();
            let (mut memory, trouble) = Memory::recall(&self.source, &committed, now);
            memory.epoch += 1;
            let mut news = LaneNews::recall(&self.topics, &self.source, &id)?;
            let (mut starts, mut lost) = (Vec::new(), Vec::new());
            for (topic, (place, upto)) in places.into_iter().zip(&committed).enumerate() {
                let known = KnownPositions {
                    committed: upto.as_ref().map(|upto| upto.position),
                    moved: upto.as_ref().is_some_and(|upto| upto.metadata.is_empty()),
                    remembered: memory.next(topic),
                    reported: news.next(topic),
                };
                let (start, from) = known.start(self.reader.bounds(&place)?);
                if let Some((from, cause)) = from {
                    memory.forget(topic);
                    lost.push((topic, (from, start), cause));
                }
                memory.begins(topic, start);
                starts.push((place, start));
            }
            let Some((first, start)) = starts.first() else { continue };
            if let Some(why) = trouble {
                diagnostics::lane_memory_unreadable(&id, *start, &why);
            }
            let upto = Committed { position: *start, metadata: memory.encode()? };
            match self.reader.commit(first, &upto)? {
                Commit::Done => {
                    for (topic, positions, cause) in lost {
                        news.tell(topic, positions, cause, now);
                    }
                    self.hold(id, memory, news, starts)?;
                }
                Commit::Retry | Commit::Unknown => {
                    self.unclaimed.insert(lane);
                }
                Commit::Fenced => diagnostics::lane_released(&id, true),
            }
        }
        Ok(())
    }

    /// The lane is this process's: every shard must know before its first frame.
    fn hold(
        &mut self,
        id: LaneId,
        memory: Memory,
        news: LaneNews,
        starts: Vec<Start>,
    ) -> Result<(), RoleError> {
        let epoch = memory.epoch;
        if !self.announced {
            let topics = self.source.topics.iter().map(|topic| topic.name.clone()).collect();
            let (source, lanes) = (self.source.id.clone(), self.lanes);
            let (pane, known) = (self.source.pane, self.settings.known.clone());
            let known = Inbox::Source { source, topics, lanes, pane, known };
            self.topics.publish(self.writer.as_mut(), None, &known)?;
            self.announced = true;
        }
        let claim = Inbox::Claim { lane: id.clone(), epoch };
        self.topics.publish(self.writer.as_mut(), None, &claim)?;
        let mut held = ClaimedLane::new(&self.topics, &self.source, id, memory, news);
        held = held.places(starts, self.settings.reread_first, &self.topics);
        let named = self.names.named();
        held.feeds_mut().for_each(|feed| feed.step(Input::Named(named)));
        let behind = held.behind();
        diagnostics::lane_claimed(held.id(), epoch, behind);
        if behind > 0 {
            diagnostics::warming(held.id(), behind);
        }
        self.held.insert(held.id().lane, held);
        Ok(())
    }

    /// A lane has read everything again, as far as the one that goes ahead of it: it speaks from
    /// here on.
    pub(super) fn succeed(&mut self, lane: u32) -> Result<(), RoleError> {
        self.flush(&[lane])?;
        let Some(held) = self.held.get_mut(&lane) else { return Ok(()) };
        self.writer.append(held.last_records()?)?;
        match held.succeed(self.reader.as_mut(), &self.topics)? {
            (Commit::Fenced, _) => self.lose(lane),
            // It is tried again in the next turn.
            (Commit::Retry | Commit::Unknown, _) | (Commit::Done, None) => {}
            (Commit::Done, Some(epoch)) => {
                let claim = Inbox::Claim { lane: held.id().clone(), epoch };
                self.topics.publish(self.writer.as_mut(), None, &claim)?;
            }
        }
        Ok(())
    }

    /// What a lane was about to read is gone. Where a partition was created again, the lane begins
    /// again, too: what it says of the old one is said and committed, and it is claimed again.
    pub(super) fn gone(&mut self, partition: &Partition, gap: Gap) -> Result<(), RoleError> {
        let (lane, now) = (partition.partition, self.topics.log.now());
        let Some(held) = self.held.get_mut(&lane) else { return Ok(()) };
        match gap.missing {
            Missing::Deleted => {
                held.lose(partition, gap, now);
                return Ok(());
            }
            Missing::BehindEnd => {}
        }
        self.flush(&[lane])?;
        let Some(mut held) = self.held.remove(&lane) else { return Ok(()) };
        held.forget(partition, gap, now);
        self.writer.append(vec![held.report(&self.topics)?])?;
        match held.commit(self.reader.as_mut(), self.topics.log.uptime())? {
            Commit::Fenced => diagnostics::lane_released(held.id(), true),
            Commit::Done | Commit::Retry | Commit::Unknown => {
                self.unclaimed.insert(lane);
            }
        }
        Ok(())
    }
}

/// What is known of how far a partition was read.
#[derive(Debug, Clone, Copy, Default)]
struct KnownPositions {
    /// By the group.
    committed: Option<i64>,
    /// It was not a lane that committed it.
    moved: bool,
    /// By the lane's memory, which is committed with each of its topics.
    remembered: Option<i64>,
    /// By what people were told; it may lie far back.
    reported: Option<i64>,
}

impl KnownPositions {
    /// From where the partition is read; and, where what is remembered of it holds no more, the
    /// position that it held for, and why.
    fn start(self, (first, end): (i64, i64)) -> (i64, Option<(i64, GapCause)>) {
        let known = self.remembered.max(self.committed).or(self.reported);
        let read = self.remembered.or(self.reported);
        match (known, self.committed) {
            (Some(from), _) if from > end => (first, Some((from, GapCause::CreatedAgain))),
            (Some(from), None) => (first, Some((from, GapCause::PositionLost))),
            (_, Some(to)) => {
                let from = read.filter(|from| self.moved && *from != to);
                (to, from.map(|from| (from, GapCause::Moved)))
            }
            (None, None) => (first, None),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_partition_is_read_on_where_it_was_left_or_it_is_said_why_not() {
        use GapCause::{CreatedAgain, Moved, PositionLost};
        let bounds = (10, 90);
        for (committed, moved, remembered, reported, expected) in [
            (None, false, None, None, (10, None)),
            (Some(20), false, None, None, (20, None)),
            (Some(20), false, Some(30), Some(5), (20, None)),
            // What was deleted is told when it is missed.
            (Some(5), false, Some(7), Some(5), (5, None)),
            (Some(90), false, Some(90), None, (90, None)),
            (Some(80), false, Some(91), None, (10, Some((91, CreatedAgain)))),
            (Some(91), true, None, None, (10, Some((91, CreatedAgain)))),
            (None, false, None, Some(91), (10, Some((91, CreatedAgain)))),
            (None, false, Some(95), Some(40), (10, Some((95, CreatedAgain)))),
            (None, false, None, Some(40), (10, Some((40, PositionLost)))),
            (None, false, Some(50), Some(40), (10, Some((50, PositionLost)))),
            (Some(60), true, None, Some(40), (60, Some((40, Moved)))),
            (Some(20), true, Some(50), Some(40), (20, Some((50, Moved)))),
            (Some(60), true, None, None, (60, None)),
        ] {
            let known = KnownPositions { committed, moved, remembered, reported };
            assert_eq!(known.start(bounds), expected, "{known:?}");
        }
    }
}
