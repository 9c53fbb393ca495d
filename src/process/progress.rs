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
    /// The next position: after the last record, or the end, past marks of transactions.
    next: Option<i64>,
    /// Since when it is known to be behind; otherwise, when something was last heard of it.
    since: Uptime,
    /// When the last record that was read was appended.
    read: Option<LogTime>,
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
        let fresh = || PartitionProgress { next: None, since: now, read: None };
        match read {
            Read::Assigned(given) => {
                self.0.extend(given.iter().map(|given| (given.clone(), fresh())));
            }
            Read::Revoking(gone) | Read::Lost(gone) => {
                self.0.retain(|partition, _| !gone.contains(partition));
            }
            Read::Records(of, records) => {
                if let Some(known) = self.0.get_mut(of) {
                    known.since = now;
                    if let Some(last) = records.last() {
                        (known.next, known.read) = (Some(last.position + 1), Some(last.appended));
                    }
                }
            }
            Read::End(of, end) => {
                if let Some(known) = self.0.get_mut(of) {
                    (known.next, known.since) = (Some(*end), now);
                }
            }
            Read::Gone(..) | Read::Blocked(_) => {}
        }
    }

    /// The role reads on from here.
    pub(super) fn sought(&mut self, partition: &Partition, position: i64) {
        if let Some(known) = self.0.get_mut(partition) {
            known.next = Some(position);
        }
    }

    /// How far the role is behind. `end`: where a partition ends, if that is known.
    pub(super) fn lag(
        &mut self,
        (now, log_now): (Uptime, LogTime),
        end: impl Fn(&Partition) -> Option<i64>,
    ) -> Lag {
        let mut all = Lag::default();
        for (partition, known) in &mut self.0 {
            let unread = end(partition).zip(known.next).map_or(0, |(end, next)| end - next);
            let Ok(unread @ 1..) = u64::try_from(unread) else {
                known.since = now;
                continue;
            };
            all.records += unread;
            let silent = now - known.since;
            all.behind = all.behind.max(known.read.map_or(silent, |read| log_now - read));
            if silent >= STUCK && all.stuck.is_none() {
                all.stuck = Some(format!(
                    "{partition} has {} unread records and none came for {}; is the leader of \
                     this partition well?",
                    count(unread),
                    span(silent)
                ));
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
        let look = |progress: &mut ReadProgress, s: i64, end: i64| {
            let end = |of: &Partition| (of.partition == 0).then_some(end);
            progress.lag((at(s), LogTime::from_ms(s * 1000)), end)
        };
        progress.take(&Read::Assigned(vec![place(0), place(1)]), at(0));
        assert_eq!(look(&mut progress, 90, 5), Lag::default(), "it has not begun");
        progress.sought(&place(0), 0);
        assert_eq!(look(&mut progress, 91, 5).records, 5);
        progress.take(&records(95), at(100));
        let lag = look(&mut progress, 129, 5);
        assert_eq!(lag, Lag { records: 4, behind: Span::from_s(34), stuck: None });
        let said = look(&mut progress, 130, 5).stuck.unwrap();
        assert!(said.starts_with("t[0] has 4 unread records and none came for 30 s"), "{said}");
        // The last position is a mark of a transaction, which no record fills.
        progress.take(&Read::End(place(0), 5), at(131));
        assert_eq!(look(&mut progress, 500, 5), Lag::default());
        // What comes after an hour of silence is not stuck at once.
        assert_eq!(look(&mut progress, 4000, 5), Lag::default());
        assert_eq!(look(&mut progress, 4001, 6).stuck, None);
        assert!(look(&mut progress, 4030, 6).stuck.is_some());
        progress.take(&Read::Revoking(vec![place(0)]), at(4031));
        assert_eq!(look(&mut progress, 9000, 6), Lag::default(), "it is another's");
    }
}
