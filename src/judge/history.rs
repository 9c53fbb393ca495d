//! How a version did on its last days in production.

use std::collections::VecDeque;

use serde::{Deserialize, Serialize};

use super::design::Moments;
use crate::model::{EventTime, Span};

const DAY: Span = Span::from_s(24 * 3600);

/// Days that are kept.
const DAYS: usize = 7;

/// Sums of the last days.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct ProductionDays {
    days: VecDeque<(EventTime, Moments)>,
}

impl ProductionDays {
    /// Takes a bucket.
    pub fn take(&mut self, start: EventTime, sums: Moments) {
        let day = start.floor(DAY);
        match self.days.back_mut() {
            Some((last, moments)) if *last == day => moments.add(sums),
            _ => self.days.push_back((day, sums)),
        }
        if self.days.len() > DAYS {
            self.days.pop_front();
        }
    }

    /// All of them together.
    #[must_use]
    pub fn sums(&self) -> Moments {
        let mut sums = Moments::default();
        self.days.iter().for_each(|(_, day)| sums.add(*day));
        sums
    }
}
