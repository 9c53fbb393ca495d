//! The stage on Kafka: every role a process of its own, on brokers that keep their own time.
//!
//! Law: only event time is driven here. Callers stay a little ahead of what has been measured and
//! judged, as in real life.

use std::sync::Arc;
use std::time::Duration;

use reqwest::Client;
use tokio::runtime::Runtime;

use super::callers::client;
use super::children::{Children, Launch};
use super::folder::Folder;
use super::settings::{Places, telemetry};
use super::telemetry_ends::TelemetryEnds;
use super::{DemoError, Reach, Stage};
use crate::config::{Config, InstructionKeys, KafkaSettings};
use crate::edge::clock::SystemClock;
use crate::edge::log::Topic;
use crate::edge::log::kafka::KafkaLog;
use crate::model::{EventTime, Span};
use crate::topics::{RoleError, Topics};

/// How far in event time callers may be ahead of what lanes have measured …
const AHEAD_OF_LANES: Span = Span::from_s(3 * 3600);
/// … and of what the shard has judged, which it reports once a second.
const AHEAD_OF_SHARD: Span = Span::from_s(12 * 3600);
/// Records that are not on the log by then were lost.
const PUBLISHED_WITHIN: Span = Span::from_s(5);
/// A process that was killed is back by then.
const BACK_WITHIN: Span = Span::from_s(60);
const LOOK: Duration = Duration::from_millis(5);

/// The stage.
pub(super) struct Kafka {
    log: KafkaLog,
    topics: Topics,
    children: Option<Children>,
    /// The topic of telemetry.
    telemetry: String,
    telemetry_ends: TelemetryEnds,
    /// Telemetry records that never reached the log.
    lost: u64,
    http: Client,
    runtime: Runtime,
    places: Places,
    opening: EventTime,
}

impl Kafka {
    /// Makes the topics and starts the processes. `file`: their config.
    ///
    /// # Errors
    /// Brokers that cannot be used, a process that does not begin.
    pub(super) fn start(
        folder: &Folder,
        (config, kafka, file): (&Config, &KafkaSettings, &std::path::Path),
        places: Places,
        opening: EventTime,
    ) -> Result<Self, DemoError> {
        let log = KafkaLog::open(kafka, Arc::new(SystemClock))?;
        if let Some(before) = folder.before() {
            let topics = Topics {
                log: Arc::new(log.clone()),
                namespace: before.clone(),
                shards: 1,
                keys: InstructionKeys::default(),
            };
            delete(&log, &topics, telemetry(before.as_str()))?;
        }
        let launch = Launch::new(file, folder.file("logs"))?;
        launch.run(&["topics", "create", "--telemetry"])?;
        let topics = Topics {
            log: Arc::new(log.clone()),
            namespace: config.rules.namespace.clone(),
            shards: config.settings.log.shards,
            keys: InstructionKeys::default(),
        };
        let sources = config.settings.sources.first();
        let telemetry = sources.and_then(|source| source.topics.first());
        let telemetry = telemetry.map(|topic| topic.name.clone()).unwrap_or_default();
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        let runtime = runtime.map_err(DemoError::Machine)?;
        let http = client(Duration::from_secs(2))?;
        let (telemetry_ends, lost, children) = (TelemetryEnds::open(&topics, config)?, 0, None);
        let mut stage = Self {
            log,
            topics,
            children,
            telemetry,
            telemetry_ends,
            lost,
            http,
            runtime,
            places,
            opening,
        };
        match Children::start(launch) {
            Ok(children) => {
                stage.children = Some(children);
                Ok(stage)
            }
            Err(error) => {
                Box::new(stage).stop()?;
                Err(error)
            }
        }
    }

    fn answers(&self, at: std::net::SocketAddr) -> bool {
        let url = format!("http://{at}/readyz");
        let asked = self.runtime.block_on(async { self.http.get(url).send().await });
        asked.is_ok_and(|answer| answer.status().is_success())
    }
}

impl Stage for Kafka {
    fn topics(&self) -> &Topics {
        &self.topics
    }

    fn is_ready(&mut self) -> Result<bool, DemoError> {
        let Some(children) = &self.children else { return Ok(false) };
        let mut all = children.health().to_vec();
        all.extend([self.places.router, self.places.server]);
        Ok(all.into_iter().all(|at| self.answers(at)))
    }

    fn tend(&mut self, say: &mut dyn FnMut(String)) -> Result<(), DemoError> {
        self.children.as_ref().map_or(Ok(()), |children| children.check_exits(say))
    }

    fn patience(&self) -> Span {
        BACK_WITHIN
    }

    fn arrive(&mut self, _: EventTime) {}

    fn pass(&mut self, _: Span) {}

    /// A router that is killed loses what it had not published; that is not waited for again.
    fn logged(&mut self, records: u64) -> Result<(), DemoError> {
        let published =
            self.telemetry_ends.reach(records.saturating_sub(self.lost), PUBLISHED_WITHIN)?;
        self.lost = self.lost.max(records.saturating_sub(published));
        Ok(())
    }

    fn rests(&mut self, reach: &Reach, until: EventTime) -> bool {
        let near =
            |reached: Option<EventTime>, ahead| until - reached.unwrap_or(self.opening) <= ahead;
        let rests = near(reach.measured, AHEAD_OF_LANES) && near(reach.judged, AHEAD_OF_SHARD);
        if !rests {
            std::thread::sleep(LOOK);
        }
        rests
    }

    fn stop(mut self: Box<Self>) -> Result<(), DemoError> {
        self.children = None;
        delete(&self.log, &self.topics, std::mem::take(&mut self.telemetry))
    }
}

/// Deletes all topics of a run.
fn delete(log: &KafkaLog, topics: &Topics, telemetry: String) -> Result<(), DemoError> {
    let mut names: Vec<_> = Topic::ALL.iter().map(|topic| topics.topic(*topic)).collect();
    names.push(telemetry);
    Ok(log.delete(&names).map_err(RoleError::from)?)
}
