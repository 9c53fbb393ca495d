//! Recordings, only measured: what `baseline` writes down.

use super::recording::{Files, FilesError, NextRecord, TOPIC};
use super::{DailyAnswers, ReplayError};
use crate::measure::{Input, Lane, Output, SamplePart};
use crate::model::RecordingFile;
use crate::model::{EventTime, LaneId, LogTime, Reject, Source};
use crate::show::data::Days;
use crate::sums::Counters;
use crate::wire::telemetry::{self, Raw, Rejected, Repeats, Samples, TextArena};

/// What recordings contain.
#[derive(Debug)]
pub struct Measured {
    /// Sums by day, version and role.
    pub days: Days,
    /// How every record was counted.
    pub records: Counters,
    /// The oldest and newest event time.
    pub times: (EventTime, EventTime),
    /// What is odd about the files.
    pub notes: Vec<String>,
}

/// Measures recordings without judging.
///
/// # Errors
/// Files that cannot be read, records none of which is a sample.
pub fn measure(recordings: &[RecordingFile], source: &Source) -> Result<Measured, ReplayError> {
    let mut files = Files::open(recordings, source)?;
    let source = files.source().clone();
    let lane = Lane::new(&source, LaneId { source: source.id.clone(), lane: 0 }, 1);
    let mut pass = Pass {
        lane,
        ledger: DailyAnswers::new(source.pane),
        records: Counters::default(),
        said: Vec::new(),
        repeats: Repeats::default(),
    };
    let (mut flushed_at, mut first) = (EventTime::MIN, None);
    let mut refusal = String::new();
    while let Some(next) = files.next()? {
        if let Err(detail) = pass.record(&next, &source, &mut files)? {
            if refusal.is_empty() {
                let file = files.name(next.file);
                refusal = format!(" ({file} {}: {detail})", next.at);
            }
            continue;
        }
        let Some(newest) = pass.lane.newest() else { continue };
        first = first.or(Some(newest));
        if newest - flushed_at >= source.pane {
            flushed_at = newest;
            pass.step(Input::Flush { now: LogTime::from_ms(newest.as_ms()) });
        }
    }
    pass.step(Input::End);
    pass.step(Input::Flush { now: LogTime::from_ms(flushed_at.as_ms()) });
    match first {
        Some(first) => {
            let times = (first, flushed_at);
            let (days, records, notes) = (pass.ledger.closed(), pass.records, files.notes());
            Ok(Measured { days, records, times, notes })
        }
        None => Err(ReplayError::NothingUnderstood(pass.records.read, refusal)),
    }
}

struct Pass {
    lane: Lane,
    ledger: DailyAnswers,
    records: Counters,
    said: Vec<Output>,
    repeats: Repeats,
}

impl Pass {
    /// Measures a record, or returns why it cannot be read.
    fn record(
        &mut self,
        next: &NextRecord,
        source: &Source,
        files: &mut Files,
    ) -> Result<Result<(), String>, FilesError> {
        let (texts, name) = (TextArena::new(), files.name(next.file).to_owned());
        let read = match (next.bytes.as_deref(), files.rules(next.file)) {
            (Some(bytes), Some(rules)) => {
                let (path, log_time) = (Some(&*name), next.log_time);
                let raw = Raw { path, log_time, ..Raw::line(bytes) };
                let mut samples = telemetry::decode(&raw, rules, source, &texts);
                self.repeats.number(rules, &mut samples);
                samples
            }
            (None, _) | (_, None) => {
                Samples::One(Err(Rejected::new(Reject::TooLarge, "it is too large")))
            }
        };
        let (topic, position, appended) = (TOPIC, next.position, None);
        let count = read.len();
        if count == 0 {
            self.step(Input::NotOurs { topic, position });
        }
        let mut refusal = Ok(());
        for (nth, read) in read.into_iter().enumerate() {
            let part = SamplePart { first: nth == 0, last: nth + 1 == count };
            match read {
                Ok(sample) => {
                    let following = files.following(self.lane.asks(TOPIC, sample.ts()))?;
                    let following = Some(following.as_slice());
                    let read = Ok(sample);
                    self.step(Input::Record { topic, position, appended, following, part, read });
                }
                Err(rejected) => {
                    let (read, following) = (Err(rejected.unread()), None);
                    self.step(Input::Record { topic, position, appended, following, part, read });
                    refusal = Err(rejected.detail);
                }
            }
        }
        Ok(refusal)
    }

    fn step(&mut self, input: Input<'_>) {
        self.lane.step(input, &mut self.said);
        for output in self.said.drain(..) {
            if let Output::Frame(frame) = output {
                self.ledger.take(&frame);
                self.records = frame.counters;
            }
        }
    }
}
