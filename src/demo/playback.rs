//! A stretch of the recording that is played: the whole of it first, then a healthy week again and
//! again, later in time and under other names.

use super::flights::Flight;
use crate::model::{EventTime, Span};

/// A healthy week of the recording.
const WEEK: (&str, &str) = ("2013-06-02T00:00:00Z", "2013-06-09T00:00:00Z");

/// A stretch, and how far it was played.
pub(super) struct Playback {
    /// Added to the times of the recording.
    shift: Span,
    /// Which repetition; none: the recording itself.
    number: Option<u64>,
    /// The next flight to be asked for, and the one after the last.
    pub(super) asked: usize,
    end: usize,
    /// Flights in the order in which they land, and the next one to be told.
    landing: Vec<usize>,
    told: usize,
}

impl Playback {
    /// The whole recording.
    pub(super) fn whole(flights: &[Flight]) -> Self {
        Self::of(flights, (0, flights.len()), Span::ZERO, None)
    }

    /// The healthy week once more, from `start` on; and how long it is.
    pub(super) fn again(flights: &[Flight], start: EventTime, number: u64) -> (Self, Span) {
        // Both are moments.
        let [from, to] = [WEEK.0, WEEK.1].map(|at| at.parse().unwrap_or(EventTime::MIN));
        let at = |time| flights.partition_point(|flight| flight.asked_at < time);
        let playback = Self::of(flights, (at(from), at(to)), start - from, Some(number));
        (playback, to - from)
    }

    fn of(
        flights: &[Flight],
        (from, end): (usize, usize),
        shift: Span,
        number: Option<u64>,
    ) -> Self {
        let mut landing: Vec<usize> = (from..end).collect();
        landing.sort_by_key(|index| flights.get(*index).and_then(|flight| flight.landed));
        Self { shift, number, asked: from, end, landing, told: 0 }
    }

    /// When a flight is asked for.
    pub(super) fn at(&self, flight: &Flight) -> EventTime {
        flight.asked_at + self.shift
    }

    /// Under which name.
    pub(super) fn name(&self, flight: &Flight) -> String {
        match self.number {
            Some(number) => format!("{}~{number}", flight.id),
            None => flight.id.clone(),
        }
    }

    /// The flights that are asked for before `until` and were not yet.
    pub(super) fn due(&mut self, flights: &[Flight], until: EventTime) -> std::ops::Range<usize> {
        let before = flights.partition_point(|flight| self.at(flight) < until).min(self.end);
        let due = self.asked..before.max(self.asked);
        self.asked = due.end;
        due
    }

    /// The flights that land before `until` and were not told, with the records that tell of them.
    pub(super) fn landed(
        &mut self,
        flights: &[Flight],
        until: EventTime,
    ) -> (Vec<usize>, Vec<String>) {
        let (mut landed, mut lines) = (Vec::new(), Vec::new());
        while let Some(index) = self.landing.get(self.told) {
            let Some(flight) = flights.get(*index) else { break };
            if let Some((at, actual)) = flight.landed {
                if at + self.shift >= until {
                    break;
                }
                lines.push(flight.outcome(&self.name(flight), at + self.shift, actual));
                landed.push(*index);
            }
            self.told += 1;
        }
        (landed, lines)
    }
}
