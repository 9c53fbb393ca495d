//! How far a role is behind in what it reads, and whether it goes on.

use std::collections::BTreeMap;

use crate::edge::clock::Uptime;
use crate::edge::log::{Partition, Read};
use crate::model::{LogTime, Span};
use crate::phrases::{count, span};

/// A partition with unread records of which none comes for this long does not go on.
const STUCK: Span = Span::from_s(30);

/// The partitions that a role was given.
#[derive(Debug, Default)]
pub(super) struct ReadProgress(BTreeMap<Partition, PartitionProgress>);

#[derive(Debug)]
struct PartitionProgress {
    /// When something was last heard of it.
    heard: Uptime,
    /// When the last record that was read was appended.
    read: Option<LogTime>,
    /// The last that was heard was its end.
    ended: bool,
}

/// How far a role is behind.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Lag {
    /// Records that it has not read, of all partitions, as far as it is known.
    pub(super) records: u64,
    /// Age of the last record read of the partition that is furthest behind.
    pub(super) behind: Span,
    /// Why it does not go on.
    pub(super) stuck: Option<String>,
}

impl ReadProgress {
    /// Whether the role has partitions.
    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Takes what the role reads.
    pub(super) fn take(&mut self, read: &Read, now: Uptime) {
        let fresh = || PartitionProgress { heard: now, read: None, ended: false };
        match read {
            Read::Assigned(given) => {
                self.0.extend(given.iter().map(|given| (given.clone(), fresh())));
            }
            Read::Revoking(gone) | Read::Lost(gone) => {
                self.0.retain(|partition, _| !gone.contains(partition));
            }
            Read::Records(of, records) => {
                if let Some(known) = self.0.get_mut(of) {
                    let last = records.last().map(|record| record.appended);
                    (known.heard, known.ended) = (now, false);
                    known.read = last.or(known.read);
                }
            }
            Read::End(of, _) | Read::Gone(of, _) => {
                if let Some(known) = self.0.get_mut(of) {
                    (known.heard, known.ended) = (now, matches!(read, Read::End(..)));
                }
            }
            Read::Blocked(_) => {}
        }
    }

    /// How far the role is behind. `lag`: unread records of a partition, if it is known.
    pub(super) fn lag(
        &self,
        (now, log_now): (Uptime, LogTime),
        lag: impl Fn(&Partition) -> Option<u64>,
    ) -> Lag {
        let mut all = Lag::default();
        for (partition, known) in &self.0 {
            let unread = lag(partition);
            all.records += unread.unwrap_or(0);
            if unread.is_some_and(|unread| unread > 0) {
                let behind = known.read.map_or(now - known.heard, |read| log_now - read);
                all.behind = all.behind.max(behind);
            }
            let waits = unread.map_or(!known.ended, |unread| unread > 0);
            if waits && all.stuck.is_none() && now - known.heard >= STUCK {
                let silent = span(now - known.heard);
                all.stuck = Some(match unread {
                    Some(unread) => format!(
                        "{partition} has {} unread records and none came for {silent}; is the \
                         leader of this partition well?",
                        count(unread)
                    ),
                    None => format!(
                        "nothing was heard of {partition} for {silent}, since it was assigned; is \
                         the leader of this partition well?"
                    ),
                });
            }
        }
        all
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::edge::log::Record;

    fn at(s: i64) -> Uptime {
        Uptime::new(Span::from_s(s))
    }

    fn place(partition: u32) -> Partition {
        Partition { topic: "t".to_owned(), partition }
    }

    fn records(s: i64) -> Read {
        let time = LogTime::from_ms(s * 1000);
        let record = Record {
            position: 0,
            time,
            appended: time,
            vouched: true,
            key: None,
            headers: Vec::new(),
            value: Vec::new(),
        };
        Read::Records(place(0), vec![record])
    }

    #[test]
    fn what_is_not_read_is_lag_and_what_does_not_go_on_is_named() {
        let mut progress = ReadProgress::default();
        let look = |progress: &ReadProgress, s: i64, unread: Option<u64>| {
            progress.lag((at(s), LogTime::from_ms(s * 1000)), |of| {
                if of.partition == 0 { unread } else { Some(0) }
            })
        };
        progress.take(&Read::Assigned(vec![place(0), place(1)]), at(0));
        assert_eq!(look(&progress, 29, None), Lag::default());
        let said = look(&progress, 30, None).stuck.unwrap();
        assert!(said.starts_with("nothing was heard of t[0] for 30 s"), "{said}");
        progress.take(&records(40), at(41));
        let lag = look(&progress, 70, Some(5));
        assert_eq!(lag, Lag { records: 5, behind: Span::from_s(30), stuck: None });
        let said = look(&progress, 71, Some(5)).stuck.unwrap();
        assert!(said.starts_with("t[0] has 5 unread records and none came for 30 s"), "{said}");
        assert_eq!(look(&progress, 500, Some(0)), Lag::default(), "it is at its end");
        progress.take(&Read::End(place(0), 6), at(72));
        assert_eq!(look(&progress, 500, None), Lag::default());
        progress.take(&Read::Revoking(vec![place(0)]), at(73));
        assert_eq!(look(&progress, 900, Some(5)), Lag::default(), "it is another's");
    }
}
