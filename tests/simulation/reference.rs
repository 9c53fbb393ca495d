//! What the telemetry of a world comes to, measured at once and without a fault.

use std::collections::BTreeMap;

use ripcord::edge::clock::Uptime;
use ripcord::edge::log::Topic;
use ripcord::measure::Lane;
use ripcord::model::{EventTime, LaneId, SampleRole, Span};
use ripcord::roles::ingest::pipeline::{LanePipeline, RawRecord};
use ripcord::shard::Inbox;
use ripcord::sums::{Counters, VersionPartial, VersionSums};
use ripcord::wire::telemetry::Raw;

use crate::producers::TELEMETRY;
use crate::world::World;

/// Lane, pane, model, version and role.
type Cell = (u32, EventTime, String, String, String);

/// Counters of all lanes, and the sums of each cell.
#[derive(Debug, Default, PartialEq)]
pub(crate) struct Measured {
    pub(crate) counters: Counters,
    pub(crate) cells: BTreeMap<Cell, VersionSums>,
}

impl Measured {
    fn take(&mut self, lane: u32, versions: &[VersionPartial]) {
        for VersionPartial { pane, model, version, role, sums } in versions {
            let cell = (lane, *pane, model.to_string(), version.to_string(), format!("{role:?}"));
            self.cells.insert(cell, sums.clone());
        }
    }
}

/// The telemetry on the log, each lane read from its start to its end.
pub(crate) fn expected(world: &World) -> Measured {
    let mut measured = Measured::default();
    let source = &world.makings.source;
    let mut lanes: BTreeMap<u32, Vec<_>> = BTreeMap::new();
    for (at, record) in world.site.broker.all(TELEMETRY) {
        lanes.entry(at.partition).or_default().push(record);
    }
    for (lane, records) in lanes {
        let id = LaneId { source: source.id.clone(), lane };
        let topics = world.outside();
        let feed = Lane::new(source, id, 1);
        let mut feed = LanePipeline::new(topics, source.clone(), feed);
        for record in &records {
            let raw = Raw {
                key: None,
                headers: &[],
                value: &record.value,
                log_time: Some(EventTime::from_ms(record.appended.as_ms())),
                path: None,
            };
            let appended = Some(record.appended);
            let raw = RawRecord { topic: 0, position: record.position, appended, raw: Some(raw) };
            feed.take(raw, |_, _| SampleRole::Unstated);
        }
        feed.flush(Uptime::new(Span::from_s(10_000_000)));
        for frame in feed.pending() {
            measured.take(lane, &frame.versions);
        }
        let last = feed.pending().last().map(|frame| frame.counters.clone());
        measured.counters.merge(&last.unwrap_or_default());
    }
    measured
}

/// What the inboxes say of it: of each cell, the last frame that counts.
pub(crate) fn told(world: &World) -> Measured {
    let mut measured = Measured::default();
    let mut epochs: BTreeMap<(u32, u32), u64> = BTreeMap::new();
    // By shard and lane: up to where panes were said for the last time, and the cells.
    let mut marks: BTreeMap<(u32, u32), EventTime> = BTreeMap::new();
    let mut said: BTreeMap<(u32, u32), Measured> = BTreeMap::new();
    let inbox = world.makings.topics.topic(Topic::Inbox);
    let pane = world.makings.source.pane;
    for (at, record) in world.site.broker.all(&inbox) {
        let (lane, epoch, frame) = match serde_json::from_slice(&record.value).unwrap() {
            Inbox::Claim { lane, epoch } => (lane.lane, epoch, None),
            Inbox::Frame(frame) => (frame.lane.lane, frame.epoch, Some(frame)),
            _ => continue,
        };
        let newest = epochs.entry((at.partition, lane)).or_default();
        if epoch < *newest {
            continue;
        }
        let (claimed, of) = (epoch > *newest, (at.partition, lane));
        *newest = epoch;
        let told = said.entry(of).or_default();
        if claimed {
            // Its successor says again what it had open.
            let mark = marks.get(&of).copied().unwrap_or(EventTime::MIN);
            told.cells.retain(|(_, start, ..), _| *start + pane <= mark);
        }
        if let Some(frame) = frame {
            told.take(lane, &frame.versions);
            if !frame.more {
                marks.insert(of, frame.watermark);
            }
        }
    }
    said.into_values().for_each(|told| measured.cells.extend(told.cells));
    measured
}
