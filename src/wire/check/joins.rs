//! Which requests were answered, by how many versions, and how many were labelled.

use std::collections::{BTreeMap, VecDeque};

use xxhash_rust::xxh3::Xxh3;

use super::report::{LabelCounts, PairCounts};
use crate::model::Value;

/// Requests by a hash of model and request; the oldest is forgotten past the limit.
#[derive(Debug)]
pub(super) struct Joins {
    max: usize,
    seen: BTreeMap<u128, RequestVersions>,
    order: VecDeque<u128>,
    requests: u64,
    labelled: u64,
    several: u64,
    outcomes: u64,
    matched: u64,
    /// Numbers that were compared with the truth, how many were equal, and whether any had a
    /// fraction.
    compared: (u64, u64, bool),
}

#[derive(Debug)]
struct RequestVersions {
    /// A hash of the first version that answered.
    version: u64,
    several: bool,
    labelled: bool,
    /// Its answer, if that is a number.
    number: Option<f64>,
}

/// Answers that tell whether any is ever equal to the truth.
const ENOUGH: u64 = 20;

fn number(value: &Value<'_>) -> Option<f64> {
    match value {
        Value::Number(number) => Some(*number),
        Value::Text(_) => None,
    }
}

fn hash(model: &str, request: &str) -> u128 {
    let mut hasher = Xxh3::new();
    hasher.update(model.as_bytes());
    // No name holds a NUL, so none runs into the other.
    hasher.update(&[0]);
    hasher.update(request.as_bytes());
    hasher.digest128()
}

impl Joins {
    pub(super) fn new(max: usize) -> Self {
        Self {
            max: max.max(1),
            seen: BTreeMap::new(),
            order: VecDeque::new(),
            requests: 0,
            labelled: 0,
            several: 0,
            outcomes: 0,
            matched: 0,
            compared: (0, 0, false),
        }
    }

    /// A version answered a request.
    pub(super) fn predicted(
        &mut self,
        model: &str,
        request: &str,
        version: &str,
        answer: Option<&Value<'_>>,
    ) {
        let key = hash(model, request);
        let version = xxhash_rust::xxh3::xxh3_64(version.as_bytes());
        if let Some(seen) = self.seen.get_mut(&key) {
            if seen.version != version && !seen.several {
                seen.several = true;
                self.several += 1;
            }
            return;
        }
        self.requests += 1;
        let number = answer.and_then(number);
        let (several, labelled) = (false, false);
        self.seen.insert(key, RequestVersions { version, several, labelled, number });
        self.order.push_back(key);
        if self.order.len() > self.max
            && let Some(oldest) = self.order.pop_front()
        {
            self.seen.remove(&oldest);
        }
    }

    /// The truth about a request came by itself.
    pub(super) fn outcome(&mut self, model: &str, request: &str, actual: Option<&Value<'_>>) {
        self.outcomes += 1;
        if self.labelled(model, request, actual) {
            self.matched += 1;
        }
    }

    /// The truth about a request is known; whether the request is.
    pub(super) fn labelled(
        &mut self,
        model: &str,
        request: &str,
        actual: Option<&Value<'_>>,
    ) -> bool {
        let Some(seen) = self.seen.get_mut(&hash(model, request)) else {
            return false;
        };
        self.labelled += u64::from(!std::mem::replace(&mut seen.labelled, true));
        if let Some((answer, truth)) = seen.number.zip(actual.and_then(number)) {
            let (compared, equal, fractions) = &mut self.compared;
            *compared += 1;
            *equal += u64::from(answer == truth);
            *fractions |= answer.fract() != 0.0 || truth.fract() != 0.0;
        }
        true
    }

    /// Whether answers are numbers that never equal the truth: then nobody meant them to.
    pub(super) fn is_regression(&self) -> bool {
        let (compared, equal, fractions) = self.compared;
        compared >= ENOUGH && equal == 0 && fractions
    }

    pub(super) fn labels(&self, carried: u64, inline: u64) -> LabelCounts {
        let share = self.labelled as f64 / self.requests as f64;
        LabelCounts {
            outcomes: self.outcomes + carried,
            matched: self.matched,
            carried,
            inline,
            coverage: (self.requests > 0).then_some(share),
            forgotten: self.requests - self.seen.len() as u64,
        }
    }

    pub(super) fn pairs(&self) -> PairCounts {
        PairCounts { requests: self.requests, several: self.several }
    }
}
