//! Whether the clock goes on by which a log stamps its records.

use super::health::RoleStanding;
use crate::edge::clock::Uptime;
use crate::edge::log::Record;
use crate::model::{LogTime, Span};
use crate::phrases::{log_moment, span};

/// A clock that shows the same for this long, while records are stamped by it, has stopped.
const STOPPED: Span = Span::from_s(10);

/// What was read of these stamps.
#[derive(Debug, Default)]
pub(super) struct Stamps {
    /// The last stamp, and when it was first read.
    last: Option<(LogTime, Uptime)>,
    stopped: bool,
}

impl Stamps {
    /// Whether they have not changed for too long.
    pub(super) fn stopped(&self) -> bool {
        self.stopped
    }

    /// The state of a role that has read these.
    pub(super) fn look(&mut self, records: &[Record], now: Uptime) -> RoleStanding {
        for record in records.iter().filter(|record| record.vouched) {
            if self.last.is_none_or(|(last, _)| last != record.time) {
                self.last = Some((record.time, now));
            }
        }
        let stopped = self.last.filter(|(_, since)| {
            records.iter().any(|record| record.vouched) && now - *since > STOPPED
        });
        self.stopped = stopped.is_some();
        stopped.map_or(RoleStanding::Reads, |(at, since)| {
            RoleStanding::Blocked(format!(
                "for {} every record has been stamped {}, so no deadline passes; look at the clock \
                 of the machine that holds the log",
                span(now - since),
                log_moment(at)
            ))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clock_that_has_stopped_is_named() {
        let at = |s| Uptime::new(Span::from_s(s));
        let record = |time, vouched| Record {
            position: 0,
            time: LogTime::from_ms(time),
            appended: LogTime::from_ms(time),
            vouched,
            key: None,
            headers: Vec::new(),
            value: Vec::new(),
        };
        let mut stamps = Stamps::default();
        for (now, time, vouched, well) in [
            (0, 0, true, true),
            (60, 1, true, true),
            (70, 1, true, true),
            (71, 1, true, false),
            // Set back is not stopped.
            (72, 0, true, true),
            // What producers stamp says nothing of the log.
            (80, 0, false, true),
            (81, 0, false, true),
        ] {
            let standing = stamps.look(&[record(time, vouched)], at(now));
            assert_eq!(standing == RoleStanding::Reads, well, "at {now} s: {standing:?}");
        }
    }
}
