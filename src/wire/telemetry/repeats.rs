//! Records that share an id and are samples of their own: the rows of a batch.

use std::collections::{BTreeMap, VecDeque};

use xxhash_rust::xxh3::xxh3_128;

use super::Samples;
use crate::model::{Sample, TopicRule};

/// Ids that are remembered.
const MOST: usize = 10_000;

/// How often each of the last ids came.
#[derive(Debug, Default)]
pub struct Repeats {
    times: BTreeMap<u128, usize>,
    order: VecDeque<u128>,
}

impl Repeats {
    /// Gives the second record of an id the id `id#1`, where the mapping says so.
    pub fn number(&mut self, topic: &TopicRule, samples: &mut Samples<'_>) {
        let wanted = topic.mapping.as_ref().is_some_and(|mapping| mapping.numbers_repeats);
        if let Samples::One(Ok(sample @ Sample::Prediction(_))) = samples
            && wanted
        {
            let Sample::Prediction(prediction) = &*sample else { return };
            let nth = self.seen(&prediction.model, &prediction.id);
            if nth > 0 {
                sample.number(nth, true, true);
            }
        }
    }

    /// How often this id was there before.
    fn seen(&mut self, model: &str, id: &str) -> usize {
        let key = xxh3_128([model, "\0", id].concat().as_bytes());
        if let Some(times) = self.times.get_mut(&key) {
            *times += 1;
            return *times;
        }
        self.times.insert(key, 0);
        self.order.push_back(key);
        if self.order.len() > MOST
            && let Some(oldest) = self.order.pop_front()
        {
            self.times.remove(&oldest);
        }
        0
    }
}
