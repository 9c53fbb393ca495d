//! What a lane leaves to its next owner, in the metadata of a committed position.
//!
//! A mark says: every record of the topic before this position is at most so new. So the position
//! from which predictions must be read again is known exactly, whatever the log's clock says of
//! records that were appended late, ahead of their time, or all at once.

use serde::{Deserialize, Serialize};

use crate::edge::log::Committed;
use crate::measure::{Resume, TopicResume};
use crate::model::{EventTime, LogTime, Source};
use crate::wire::json::{self, JsonError};

/// Bytes that Kafka takes as metadata of a position.
const FITS: usize = 4096;

/// The event time of a mark before which nothing was read.
const NOTHING: i64 = i64::MIN;

/// Marks in a label horizon: a re-read goes back too far by one of these parts at most.
const PARTS: i64 = 8;

/// Everything of a lane's that outlives a process.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub(super) struct Memory {
    /// Who spoke for the lane.
    pub(super) epoch: u64,
    /// The source's topics, in the order of all that follows.
    topics: Vec<String>,
    /// Where measuring goes on; none: nothing was flushed yet.
    pub(super) resume: Option<Resume>,
    /// By topic: newest event time in ms before the position, and the position.
    marks: Vec<Vec<(i64, i64)>>,
}

impl Memory {
    /// The memory of a lane that nobody has measured.
    pub(super) fn new(source: &Source) -> Self {
        let topics: Vec<_> = source.topics.iter().map(|topic| topic.name.clone()).collect();
        let marks = vec![Vec::new(); topics.len()];
        Self { epoch: 0, topics, resume: None, marks }
    }

    /// The newest of what was committed for the lane's topics, in the order that the source has
    /// them now. The second: why something there could not be read. Where nothing is remembered,
    /// the time serves as epoch: it is higher than any that was counted.
    pub(super) fn recall(
        source: &Source,
        committed: &[Option<Committed>],
        now: LogTime,
    ) -> (Self, Option<String>) {
        let epoch = u64::try_from(now.as_ms()).unwrap_or(0);
        let mut newest: Option<Self> = None;
        let mut trouble = None;
        for found in committed.iter().flatten().filter(|found| !found.metadata.is_empty()) {
            match json::decode::<Self>("lane memory", found.metadata.as_bytes()) {
                Ok(memory) if newest.as_ref().is_none_or(|known| memory.epoch > known.epoch) => {
                    newest = Some(memory);
                }
                Ok(_) => {}
                Err(why) => trouble = Some(why.to_string()),
            }
        }
        match newest {
            Some(memory) => (memory.aligned(source), trouble),
            // Nobody measured it; or the log has forgotten how far a group came that was away.
            None if committed.iter().all(Option::is_none) => {
                (Self { epoch, ..Self::new(source) }, None)
            }
            None => {
                let why = trouble.unwrap_or_else(|| "it is empty".to_owned());
                (Self { epoch, ..Self::new(source) }, Some(why))
            }
        }
    }

    /// In the source's order: topics that it no longer has are dropped, new ones begin.
    fn aligned(mut self, source: &Source) -> Self {
        let mut new = Self::new(source);
        new.epoch = self.epoch;
        let old = |topic: &String| self.topics.iter().position(|name| name == topic);
        let places: Vec<_> = new.topics.iter().map(old).collect();
        for (marks, place) in new.marks.iter_mut().zip(&places) {
            *marks = place.and_then(|place| self.marks.get(place).cloned()).unwrap_or_default();
        }
        new.resume = self.resume.take().map(|resume| {
            let of = |place: &Option<usize>| -> TopicResume {
                place.and_then(|place| resume.topics.get(place).cloned()).unwrap_or_default()
            };
            Resume { topics: places.iter().map(of).collect(), ..resume.clone() }
        });
        new
    }

    /// The first position of a topic that was not read.
    pub(super) fn next(&self, topic: usize) -> Option<i64> {
        self.resume.as_ref()?.topics.get(topic)?.next
    }

    /// What was remembered of a topic holds no more.
    pub(super) fn forget(&mut self, topic: usize) {
        if let Some(place) = self.resume.as_mut().and_then(|r| r.topics.get_mut(topic)) {
            *place = TopicResume::default();
        }
        if let Some(marks) = self.marks.get_mut(topic) {
            marks.clear();
        }
    }

    /// A topic is read from this position on, unless it was read before: what lies before it need
    /// not be read again.
    pub(super) fn begins(&mut self, topic: usize, position: i64) {
        if let Some(marks) = self.marks.get_mut(topic).filter(|marks| marks.is_empty()) {
            marks.push((NOTHING, position));
        }
    }

    /// Takes the resume point of the last acknowledged flush. Returns whether it changed.
    pub(super) fn flushed(&mut self, resume: Resume, source: &Source) -> bool {
        if self.resume.as_ref() == Some(&resume) {
            return false;
        }
        let part = (source.label_horizon.as_ms() / PARTS).max(1);
        let wanted = resume.reread_from(source).map_or(i64::MIN, EventTime::as_ms);
        for (marks, topic) in self.marks.iter_mut().zip(&resume.topics) {
            let Some((newest, position)) = topic.newest.zip(topic.commit) else { continue };
            if marks.last().is_none_or(|last| newest.as_ms() >= last.0.saturating_add(part)) {
                marks.push((newest.as_ms(), position));
            }
            let useful = marks.iter().rposition(|mark| mark.0 < wanted).unwrap_or(0);
            marks.drain(..useful);
        }
        self.resume = Some(resume);
        true
    }

    /// From where to where each topic must be read again.
    pub(super) fn reread(&self, source: &Source) -> Vec<Option<(i64, i64)>> {
        let Some(resume) = &self.resume else { return vec![None; self.topics.len()] };
        let wanted = resume.reread_from(source).map_or(i64::MIN, EventTime::as_ms);
        let span = |(topic, marks): (&TopicResume, &Vec<(i64, i64)>)| {
            let next = topic.next?;
            let old = |mark: &&(i64, i64)| mark.0 < wanted || mark.0 == NOTHING;
            let mark = marks.iter().rev().find(old);
            let from = mark.map_or(0, |mark| mark.1);
            Some((from.min(topic.commit.unwrap_or(next)), next))
        };
        resume.topics.iter().zip(&self.marks).map(span).collect()
    }

    /// As it is committed. What does not fit loses marks first: a successor reads again from
    /// further back, and nothing else changes.
    pub(super) fn encode(&self) -> Result<String, JsonError> {
        let mut fitting = self.clone();
        loop {
            let bytes = json::encode("lane memory", &fitting)?;
            if bytes.len() <= FITS || !fitting.thin() {
                return Ok(String::from_utf8_lossy(&bytes).into_owned());
            }
        }
    }

    /// Drops every other mark of the topic that has the most; whether there was one to drop. The
    /// first of a topic stays, since all that was wanted lies behind it.
    fn thin(&mut self) -> bool {
        let most = self.marks.iter_mut().max_by_key(|marks| marks.len());
        let Some(marks) = most.filter(|marks| marks.len() > 1) else { return false };
        let mut kept = false;
        marks.retain(|_| {
            kept = !kept;
            kept
        });
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{NameLimits, SourceId, Span, TopicRule, UnknownModels};

    const HOUR: i64 = 3_600_000;

    fn source(topics: &[&str]) -> Source {
        let rule = |name: &&str| TopicRule {
            name: (*name).to_owned(),
            allowed_disorder: Span::ZERO,
            mapping: None,
        };
        Source {
            id: SourceId::new("s").unwrap(),
            topics: topics.iter().map(rule).collect(),
            pane: Span::from_s(10),
            label_horizon: Span::from_ms(8 * HOUR),
            max_waiting: 10,
            max_jump: Span::from_s(300),
            jump_confirmations: 20,
            max_skew: Span::from_s(120),
            max_categories: 10,
            oldest: EventTime::from_ms(0),
            max_record_bytes: 1000,
            unknown_models: UnknownModels::Learn,
            limits: NameLimits::before_settings(),
        }
    }

    /// A flush an hour: 100 records each, the last ten of them feed an open pane.
    fn hour(hour: i64) -> Resume {
        let newest = Some(EventTime::from_ms(hour * HOUR));
        let (commit, next) = (Some(hour * 100 - 10), Some(hour * 100));
        let topic = TopicResume { commit, next, newest, ..TopicResume::default() };
        Resume { topics: vec![topic], watermark: newest, ..Resume::default() }
    }

    #[test]
    fn predictions_of_the_label_horizon_are_read_again_and_little_more() {
        let source = source(&["t"]);
        let mut memory = Memory::new(&source);
        assert_eq!(memory.reread(&source), [None]);
        for (now, from) in [(1, 0), (8, 0), (9, 0), (10, 90), (20, 1090), (21, 1190)] {
            (1..=now).for_each(|n| {
                memory.flushed(hour(n), &source);
            });
            assert_eq!(memory.reread(&source), [Some((from, now * 100))], "hour {now}");
        }
        assert!(memory.marks[0].len() <= 11, "{:?}", memory.marks);
        let mut longer = source;
        longer.label_horizon = Span::from_ms(80 * HOUR);
        assert_eq!(memory.reread(&longer), [Some((0, 2100))], "all there is");
    }

    #[test]
    fn it_fits_beside_a_position_and_still_reads_again_from_far_enough_back() {
        let names: Vec<String> = (0..12).map(|n| format!("{n}{}", "x".repeat(120))).collect();
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        let source = source(&names);
        let mut memory = Memory::new(&source);
        for n in 1..=20 {
            let one = hour(n).topics[0].clone();
            let topics = vec![one; names.len()];
            memory.flushed(Resume { topics, ..hour(n) }, &source);
        }
        let whole = json::encode("lane memory", &memory).unwrap();
        assert!(whole.len() > FITS, "{}", whole.len());
        let text = memory.encode().unwrap();
        assert!(text.len() <= FITS, "{}", text.len());
        let found = Some(Committed { position: 0, metadata: text });
        let (recalled, trouble) = Memory::recall(&source, &[found], LogTime::from_ms(0));
        assert_eq!((trouble, &recalled.resume), (None, &memory.resume));
        for (less, all) in recalled.reread(&source).iter().zip(memory.reread(&source)) {
            assert!(less.unwrap().0 <= all.unwrap().0 && less.unwrap().1 == all.unwrap().1);
        }
    }

    #[test]
    fn it_is_recalled_by_the_names_of_topics() {
        let mut memory = Memory::new(&source(&["a"]));
        memory.epoch = 4;
        memory.flushed(hour(1), &source(&["a"]));
        let found = Committed { position: 90, metadata: memory.encode().unwrap() };
        let now = LogTime::from_ms(77);
        let (recalled, trouble) = Memory::recall(&source(&["b", "a"]), &[None, Some(found)], now);
        assert_eq!((recalled.epoch, trouble), (4, None));
        assert_eq!(recalled.reread(&source(&["b", "a"])), [None, Some((0, 100))]);

        let nobody = Memory::recall(&source(&["a"]), &[None], now);
        assert_eq!(nobody, (Memory { epoch: 77, ..Memory::new(&source(&["a"])) }, None));
        for metadata in ["", "{"] {
            let moved = Committed { position: 3, metadata: metadata.to_owned() };
            let (recalled, trouble) = Memory::recall(&source(&["a"]), &[Some(moved)], now);
            assert_eq!((recalled.epoch, recalled.resume), (77, None));
            assert!(trouble.is_some(), "{metadata:?}");
        }
    }
}
