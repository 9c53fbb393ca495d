//! From raw records of one lane to frames in the inboxes: decode, stamp, measure, split.
//!
//! Over 300 lines: why a record was refused is worded where it is sorted out.

use super::decoded::decoded;
pub use super::decoded::{Decoded, RawRecord};
use crate::edge::clock::Uptime;
use crate::edge::log::{Outgoing, Topic};
use crate::measure::{Input, Lane, Output, Resume, SamplePart};
use crate::model::{
    EventTime, LogTime, NameKind, Prediction, Reject, Sample, SampleRole, Source, Span, TopicRule,
};
use crate::phrases;
use crate::roles::ingest::parts::Parts;
use crate::shard::Inbox;
use crate::sums::Frame;
use crate::topics::{RoleError, Topics};
use crate::wire::telemetry::{Rejected, Repeats, TextArena};

/// Why the lane refuses a clock.
const FROM_FUTURE: &str =
    "ts is far ahead of the records that came after it; set the producer's clock";

/// Why the lane refuses names that have no place.
const TOO_MANY_MODELS: &str = "as many models of the source have a place as ingest.max_models \
                               allows; name the model in the config, or raise it";
const TOO_MANY_VERSIONS: &str = "as many versions of the model have a place as \
                                 ingest.max_versions allows; send fewer, or raise it";

/// Why the lane refuses what the decoder took: names and times.
const NO_NAME: &str = "a name or a time in the record is out of range; names have 1 to 249 bytes, \
                       are not blank and have no hidden characters";

/// One lane of a source.
pub struct LanePipeline {
    topics: Topics,
    source: Source,
    lane: Lane,
    outputs: Vec<Output>,
    frames: Vec<Frame>,
    parts: Parts,
    flushed: Uptime,
    /// What is told of the label horizon in place of what the lane knows of it.
    warm: Option<f64>,
    refused: Vec<UnmeasuredRecord>,
    joins: Vec<Output>,
    repeats: Repeats,
}

/// A record that was not measured.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UnmeasuredRecord {
    /// The topic's place in the source.
    pub topic: usize,
    /// The record's position.
    pub position: i64,
    /// Why; none: it came too late.
    pub code: Option<Reject>,
    /// In words.
    pub detail: String,
}

impl LanePipeline {
    /// A new lane, or one that resumes where another process stopped.
    #[must_use]
    pub fn new(topics: Topics, source: Source, lane: Lane) -> Self {
        let (outputs, frames, refused, joins, repeats) = Default::default();
        let (parts, flushed, warm) = (Parts::new(topics.shards), Uptime::MIN, None);
        Self {
            topics,
            source,
            lane,
            outputs,
            frames,
            parts,
            flushed,
            warm,
            refused,
            joins,
            repeats,
        }
    }

    /// Reads and measures a record. `role` is asked where the record does not state one.
    pub fn take(&mut self, fed: RawRecord<'_>, role: impl FnMut(&str, &str) -> SampleRole) {
        let RawRecord { topic, position, raw, .. } = fed;
        match raw {
            Some(raw) if raw.value.is_empty() => self.step(Input::Tombstone { topic, position }),
            Some(_) | None => {
                let texts = TextArena::new();
                let decoded = self.decode(fed, &texts);
                self.measure(decoded, role);
            }
        }
    }

    /// Reads a record; `texts` holds what it holds in texts within texts.
    #[must_use]
    pub fn decode<'a>(&mut self, fed: RawRecord<'a>, texts: &'a TextArena) -> Decoded<'a> {
        let Self { source, repeats, .. } = self;
        decoded(source, source.topics.get(fed.topic), repeats, fed, texts)
    }

    /// Reads a record by other rules than those of its topic: files form one topic, and each may
    /// have rules of its own.
    #[must_use]
    pub fn decode_by<'a>(
        &mut self,
        rules: &TopicRule,
        fed: RawRecord<'a>,
        texts: &'a TextArena,
    ) -> Decoded<'a> {
        decoded(&self.source, Some(rules), &mut self.repeats, fed, texts)
    }

    /// Measures what was read.
    pub fn measure(
        &mut self,
        decoded: Decoded<'_>,
        mut role: impl FnMut(&str, &str) -> SampleRole,
    ) {
        let Decoded { topic, position, appended, following, samples } = decoded;
        let count = samples.len();
        if count == 0 {
            return self.step(Input::NotOurs { topic, position });
        }
        for (nth, read) in samples.into_iter().enumerate() {
            let part = SamplePart { first: nth == 0, last: nth + 1 == count };
            self.sample((topic, position, part), (appended, following), read, &mut role);
        }
    }

    fn sample(
        &mut self,
        (topic, position, part): (usize, i64, SamplePart),
        (appended, following): (Option<LogTime>, Option<&[EventTime]>),
        read: Result<Sample<'_>, Rejected>,
        role: &mut impl FnMut(&str, &str) -> SampleRole,
    ) {
        let rejected;
        let (read, detail) = match read {
            Ok(mut sample) => {
                stamp(&mut sample, role);
                (Ok(sample), String::new())
            }
            Err(why) => {
                rejected = why;
                (Err(rejected.unread()), rejected.detail.clone())
            }
        };
        let input = Input::Record { topic, position, appended, following, part, read };
        self.lane.step(input, &mut self.outputs);
        self.sort(detail);
    }

    /// Tells the lane something that is no record.
    pub fn step(&mut self, input: Input<'_>) {
        self.lane.step(input, &mut self.outputs);
        self.sort(String::new());
    }

    /// Makes the frame that is due. The lane asks for the time only to send no cell too often, so
    /// that is the time it is told.
    pub fn flush(&mut self, now: Uptime) {
        self.flushed = now;
        self.step(Input::Flush { now: LogTime::from_ms(now.since_the_start().as_ms()) });
    }

    /// `detail`: why the decoder could not use the present record. Records that a former life
    /// has refused come again on a re-read, and then the lane says nothing of them.
    fn sort(&mut self, mut detail: String) {
        for output in self.outputs.drain(..) {
            match output {
                Output::Frame(frame) => self.frames.push(*frame),
                Output::Rejected { topic, position, code } => {
                    let detail = if !detail.is_empty() {
                        std::mem::take(&mut detail)
                    } else {
                        why(code).to_owned()
                    };
                    self.refused.push(UnmeasuredRecord {
                        topic,
                        position,
                        code: Some(code),
                        detail,
                    });
                }
                Output::Late { topic, position, behind } => {
                    let detail = late(behind, self.source.max_skew);
                    self.refused.push(UnmeasuredRecord { topic, position, code: None, detail });
                }
                join @ (Output::JoinStopped { .. }
                | Output::JoinResumed { .. }
                | Output::NamesFull { .. }) => {
                    self.joins.push(join);
                }
            }
        }
    }

    /// Joins that stopped or went on since the last call.
    pub fn joins(&mut self) -> Vec<Output> {
        std::mem::take(&mut self.joins)
    }

    /// When a flush would send what the last one held back. `None` if nothing is held back.
    #[must_use]
    pub fn next_wakeup(&self) -> Option<Uptime> {
        let lane = self.lane.next_wakeup().map(|at| Uptime::new(Span::from_ms(at.as_ms())));
        lane.into_iter().chain(self.parts.next_wakeup()).min()
    }

    /// The frames made so far, in parts for the shards that are to know of them now.
    ///
    /// # Errors
    /// A number that JSON cannot hold.
    pub fn frames_due(&mut self) -> Result<Vec<Outgoing>, RoleError> {
        let mut parts = self.cut();
        parts.extend(self.parts.due(self.flushed));
        self.records(parts)
    }

    /// The frames made so far, in parts, and all that shards do not know yet.
    ///
    /// # Errors
    /// A number that JSON cannot hold.
    pub fn frames(&mut self) -> Result<Vec<Outgoing>, RoleError> {
        let mut parts = self.cut();
        parts.extend(self.parts.rest(self.flushed));
        self.records(parts)
    }

    fn cut(&mut self) -> Vec<(u32, Frame)> {
        let warm = self.warm;
        let frames = std::mem::take(&mut self.frames).into_iter();
        let frames = frames.map(|frame| Frame { warm: warm.unwrap_or(frame.warm), ..frame });
        frames.flat_map(|frame| self.parts.cut(frame, self.flushed)).collect()
    }

    fn records(&self, parts: Vec<(u32, Frame)>) -> Result<Vec<Outgoing>, RoleError> {
        let records = parts
            .into_iter()
            .map(|(shard, part)| Ok(self.topics.inbox(shard, None, &Inbox::Frame(part))?));
        records.collect()
    }

    /// What is told of the label horizon from now on: this share of it is remembered, by the lane
    /// that will succeed this one.
    pub fn tell_warm(&mut self, warm: f64) {
        self.warm = Some(warm);
    }

    /// Another lane has told of these records: which were refused, and the sums of the panes that
    /// are closed by now.
    pub fn was_told(&mut self) {
        self.refused.clear();
        self.lane.was_told();
        drop(self.lane.take_refused());
    }

    /// The frames made so far, as they are.
    #[must_use]
    pub fn pending(&self) -> &[Frame] {
        &self.frames
    }

    /// The records that were not measured since the last call.
    pub fn refused(&mut self) -> Vec<UnmeasuredRecord> {
        std::mem::take(&mut self.refused)
    }

    /// Where a successor goes on, once the frames so far are acknowledged.
    #[must_use]
    pub fn resume_point(&self) -> Resume {
        self.lane.resume_point()
    }

    /// Records and values whose names found no place since this was last asked.
    pub fn take_refused(&mut self) -> impl Iterator<Item = (NameKind, u64)> + use<> {
        self.lane.take_refused()
    }

    /// Answers whose inputs were dropped early, since this was last asked.
    pub fn take_dropped_inputs(&mut self) -> u64 {
        self.lane.take_dropped_inputs()
    }

    /// The lane that it feeds.
    #[must_use]
    pub fn lane(&self) -> &Lane {
        &self.lane
    }

    /// The source it belongs to.
    #[must_use]
    pub fn source(&self) -> &Source {
        &self.source
    }
}

/// Why the lane refuses what the decoder took, in words.
fn why(code: Reject) -> &'static str {
    if code == Reject::FromFuture {
        FROM_FUTURE
    } else if code == Reject::TooManyModels {
        TOO_MANY_MODELS
    } else if code == Reject::TooManyVersions {
        TOO_MANY_VERSIONS
    } else {
        NO_NAME
    }
}

/// Why a record is late, in words.
fn late(behind: Span, max_skew: Span) -> String {
    let far = phrases::span(behind);
    let advice = if behind > max_skew {
        "set the clock of its producer, or send sooner"
    } else {
        "if such records are usual, raise allowed_disorder_seconds; decisions then wait that long"
    };
    format!("it came {far} behind the newest record of its topic, after its pane closed; {advice}")
}

fn stamp(sample: &mut Sample<'_>, role: &mut impl FnMut(&str, &str) -> SampleRole) {
    let stamp = |prediction: &mut Prediction<'_>| {
        if prediction.role == SampleRole::Unstated && !prediction.version.is_empty() {
            prediction.role = role(&prediction.model, &prediction.version);
        }
    };
    match sample {
        Sample::Prediction(prediction) => std::iter::once(prediction).for_each(stamp),
        Sample::Half(half) => half.predictions.iter_mut().for_each(stamp),
        Sample::Outcome(_) | Sample::Latency(_) | Sample::Health(_) | Sample::Run(_) => {}
    }
}

/// The topic that refused records go to.
#[must_use]
pub fn topic_of(refused: &UnmeasuredRecord) -> Topic {
    if refused.code.is_some() { Topic::Rejected } else { Topic::Late }
}
