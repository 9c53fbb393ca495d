//! Halves of calls that wait for each other: what was asked, and what was answered.
//!
//! Law: whether two halves meet depends on their times, not on what came first. One that nothing
//! meets within its time is a call of its own, at the end of that time: one that was asked and not
//! answered has failed, where its mapping says so. What its other half would have said is not
//! known.

use std::collections::BTreeMap;
use std::collections::hash_map::Entry;

use super::merge;
use super::names::{ByHash, KeyHash, text_key};
use crate::model::{EventTime, Half, HalfSide, Prediction};

/// Halves that wait; `P`: what is known of where each comes from.
#[derive(Debug)]
pub struct Halves<P> {
    waiting: ByHash<KeyHash, WaitingHalf<P>>,
    /// Calls that are over, and until when a half that is sent again is known as such.
    over: ByHash<KeyHash, CallOver>,
    /// When each has waited long enough, or is no longer known.
    due: BTreeMap<EventTime, Vec<KeyHash>>,
    most: usize,
}

#[derive(Debug)]
struct WaitingHalf<P> {
    half: Half<'static>,
    until: EventTime,
    place: P,
}

/// A call that was counted.
#[derive(Debug, Clone, Copy)]
struct CallOver {
    until: EventTime,
    /// The half that it had, if that was alone.
    alone: Option<HalfSide>,
}

/// The result for a half.
#[derive(Debug, PartialEq)]
pub enum Met<P> {
    /// It waits for the other one.
    Waits,
    /// It is there already.
    Repeated,
    /// Its other half has waited too short a time for it.
    TooLate,
    /// As many wait as may.
    Full,
    /// Both are there: the calls that they make, and where the first came from.
    Both(Vec<Prediction<'static>>, P),
}

impl<P> Halves<P> {
    /// None waits, and no more than `most` may.
    #[must_use]
    pub fn new(most: usize) -> Self {
        Self { waiting: ByHash::default(), over: ByHash::default(), due: BTreeMap::new(), most }
    }

    /// How many wait.
    #[must_use]
    pub fn len(&self) -> usize {
        self.waiting.len()
    }

    /// Whether none waits.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.waiting.is_empty()
    }

    /// Where those that wait come from, in no order.
    pub fn places(&self) -> impl Iterator<Item = &P> {
        self.waiting.values().map(|waiting| &waiting.place)
    }

    /// Takes a half.
    pub fn take(&mut self, half: Half<'static>, place: P) -> Met<P> {
        let (key, full) = (text_key(&half.by), self.waiting.len() >= self.most);
        if let Some(over) = self.over.get(&key) {
            let too_late = over.alone.is_some_and(|side| side != half.side);
            return if too_late { Met::TooLate } else { Met::Repeated };
        }
        match self.waiting.entry(key) {
            Entry::Vacant(_) if full => Met::Full,
            Entry::Vacant(entry) => {
                let until = half.ts + half.within;
                self.due.entry(until).or_default().push(key);
                entry.insert(WaitingHalf { half, until, place });
                Met::Waits
            }
            Entry::Occupied(entry) if entry.get().half.side == half.side => Met::Repeated,
            Entry::Occupied(entry) => {
                let first = entry.get();
                let (asked, answered) = match half.side {
                    HalfSide::Asked => (half.ts, first.half.ts),
                    HalfSide::Answered => (first.half.ts, half.ts),
                };
                if answered > asked + half.within {
                    return Met::TooLate;
                }
                let WaitingHalf { half: first, place, .. } = entry.remove();
                self.end(key, CallOver { until: asked.max(answered) + half.within, alone: None });
                let both = match half.side {
                    HalfSide::Asked => merge::calls(half, first),
                    HalfSide::Answered => merge::calls(first, half),
                };
                Met::Both(both, place)
            }
        }
    }

    /// Those that have waited long enough at `mark`: the calls that each is by itself, none if it
    /// is left out, and where it came from.
    pub fn due(&mut self, mark: EventTime) -> Vec<(Vec<Prediction<'static>>, P)> {
        let mut all = Vec::new();
        while let Some(first) = self.due.first_entry().filter(|first| *first.key() <= mark) {
            let (until, keys) = first.remove_entry();
            for key in keys {
                // Another half of this name may wait by now.
                if self.over.get(&key).is_some_and(|over| over.until == until) {
                    self.over.remove(&key);
                }
                let Entry::Occupied(entry) = self.waiting.entry(key) else { continue };
                if entry.get().until == until {
                    let WaitingHalf { half, place, .. } = entry.remove();
                    let alone = Some(half.side);
                    self.end(key, CallOver { until: until + half.within, alone });
                    all.push((merge::alone(half, until), place));
                }
            }
        }
        all
    }
}

impl<P> Halves<P> {
    /// A call is counted; halves of it that are sent again are known for a while.
    fn end(&mut self, key: KeyHash, over: CallOver) {
        if self.over.len() < self.most {
            self.over.insert(key, over);
            self.due.entry(over.until).or_default().push(key);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{LostField, LostFields, PredictionStatus, SampleRole, Span, Value};

    fn half(side: HalfSide, by: &'static str, ms: i64, answers: &[f64]) -> Half<'static> {
        let call = |answer: &f64| Prediction {
            id: by.into(),
            model: if side == HalfSide::Asked { "m" } else { "" }.into(),
            version: if side == HalfSide::Asked { "" } else { "v" }.into(),
            ts: EventTime::from_ms(ms),
            request: None,
            status: PredictionStatus::Ok,
            prediction: (side == HalfSide::Answered).then_some(Value::Number(*answer)),
            score: None,
            latency_us: None,
            features: Vec::new(),
            role: SampleRole::Unstated,
            actual: None,
            lost: LostFields::default(),
        };
        Half {
            by: by.into(),
            side,
            ts: EventTime::from_ms(ms),
            model: "".into(),
            predictions: answers.iter().map(call).collect(),
            timed: true,
            within: Span::from_s(30),
            missing_is_error: true,
        }
    }

    #[test]
    fn halves_meet_in_either_order_and_fill_each_other() {
        for first in [HalfSide::Asked, HalfSide::Answered] {
            let mut halves = Halves::new(10);
            let asked = half(HalfSide::Asked, "a", 1_000, &[0.0, 0.0, 0.0]);
            let answered = half(HalfSide::Answered, "a", 1_250, &[1.0, 2.0]);
            let (one, other) = match first {
                HalfSide::Asked => (asked, answered),
                HalfSide::Answered => (answered, asked),
            };
            assert_eq!(halves.take(one.clone(), 1), Met::Waits);
            assert_eq!(halves.take(one, 2), Met::Repeated);
            let Met::Both(calls, 1) = halves.take(other, 3) else { panic!("{first:?}") };
            let told: Vec<_> = calls
                .iter()
                .map(|call| {
                    (&*call.model, &*call.version, call.prediction.clone(), call.latency_us)
                })
                .collect();
            let number = |number| Some(Value::Number(number));
            let expected = [
                ("m", "v", number(1.0), Some(250_000)),
                ("m", "v", number(2.0), None),
                ("m", "v", None, None),
            ];
            assert_eq!(told, expected);
            assert!(calls[2].lost.has(LostField::Prediction));
            assert!(halves.is_empty());
            // Both are sent again.
            for side in [HalfSide::Asked, HalfSide::Answered] {
                assert_eq!(halves.take(half(side, "a", 1_000, &[0.0]), 4), Met::Repeated);
            }
        }
    }

    #[test]
    fn what_nothing_meets_is_due_at_the_end_of_its_time() {
        let mut halves = Halves::new(2);
        assert_eq!(halves.take(half(HalfSide::Asked, "a", 0, &[0.0]), 1), Met::Waits);
        assert_eq!(halves.take(half(HalfSide::Answered, "b", 5, &[1.0]), 2), Met::Waits);
        assert_eq!(halves.take(half(HalfSide::Asked, "c", 6, &[0.0]), 3), Met::Full);
        let late = half(HalfSide::Answered, "a", 30_001, &[1.0]);
        assert_eq!(halves.take(late.clone(), 4), Met::TooLate);
        assert_eq!(halves.due(EventTime::from_ms(29_999)), []);
        let due = halves.due(EventTime::from_ms(30_005));
        let told: Vec<_> =
            due.iter().map(|(calls, at)| (*at, calls[0].status, calls[0].ts.as_ms())).collect();
        let expected = [(1, PredictionStatus::Error, 30_000), (2, PredictionStatus::Ok, 30_005)];
        assert_eq!(told, expected);
        assert!(halves.is_empty());
        // It was counted: an answer that comes now is too late, and a question is there twice.
        assert_eq!(halves.take(late, 5), Met::TooLate);
        assert_eq!(halves.take(half(HalfSide::Asked, "a", 0, &[0.0]), 6), Met::Repeated);
        assert_eq!(halves.due(EventTime::from_ms(60_005)), []);
        assert_eq!(halves.take(half(HalfSide::Asked, "a", 70_000, &[0.0]), 7), Met::Waits);
    }

    #[test]
    fn a_call_of_which_only_some_are_logged_is_left_out() {
        let mut halves = Halves::new(2);
        let mut asked = half(HalfSide::Asked, "a", 0, &[0.0]);
        asked.missing_is_error = false;
        halves.take(asked, 1);
        assert_eq!(halves.due(EventTime::from_ms(30_000)), [(Vec::new(), 1)]);
    }
}
