//! When this server last saw something new in partitions, by its own monotonic clock: the clocks of
//! two machines are never compared.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use super::{App, locked};
use crate::edge::clock::Uptime;
use crate::edge::log::{LogError, Topic};
use crate::model::Span;
use crate::topics::STATUS;

/// Time between two looks.
const LOOK_EVERY: Duration = Duration::from_secs(1);

/// Records that a look reads at most; what decide says comes again soon.
const MOST_READ: usize = 1000;

/// What was seen, and since when somebody looks.
#[derive(Debug)]
pub(super) struct Seen {
    started: Uptime,
    ends: Mutex<BTreeMap<(Topic, u32), SeenEnd>>,
}

/// A partition.
#[derive(Debug)]
struct SeenEnd {
    /// Where it ended.
    at: i64,
    /// When something that counts was last appended; none: not since the first look.
    moved: Option<Uptime>,
}

impl Seen {
    pub(super) fn new(started: Uptime) -> Self {
        Self { started, ends: Mutex::default() }
    }

    /// The partition ends there now. Answers where it ended before, if that has changed.
    fn end(&self, topic: Topic, shard: u32, end: i64) -> Option<i64> {
        let mut ends = locked(&self.ends);
        let seen = ends.entry((topic, shard)).or_insert(SeenEnd { at: end, moved: None });
        let before = std::mem::replace(&mut seen.at, end);
        (before != end).then_some(before)
    }

    /// Something was appended that counts.
    fn moved(&self, topic: Topic, shard: u32, now: Uptime) {
        if let Some(seen) = locked(&self.ends).get_mut(&(topic, shard)) {
            seen.moved = Some(now);
        }
    }

    /// How long ago something was appended; none: not since this server started.
    pub(super) fn age(&self, topic: Topic, shard: u32, now: Uptime) -> Option<Span> {
        let ends = locked(&self.ends);
        Some(now - ends.get(&(topic, shard))?.moved?)
    }

    /// How long this server has been up.
    pub(super) fn up_for(&self, now: Uptime) -> Span {
        now - self.started
    }

    /// For how long nothing was appended; at least, if it was before this server started.
    pub(super) fn silence(&self, topic: Topic, shard: u32, now: Uptime) -> Span {
        self.age(topic, shard, now).unwrap_or_else(|| self.up_for(now))
    }
}

impl App {
    /// Looks whether decide has reported, and whether anybody has written to an inbox.
    pub(super) fn look(&self) -> Result<(), LogError> {
        for shard in 0..self.topics.shards {
            for topic in [Topic::Status, Topic::Inbox] {
                let (_, end) = self.bounds(topic, shard)?;
                let Some(before) = self.seen.end(topic, shard, end) else { continue };
                if topic == Topic::Inbox || self.reported(shard, before, end)? {
                    self.seen.moved(topic, shard, self.topics.log.uptime());
                }
            }
        }
        Ok(())
    }

    /// Whether decide reported on a shard between these positions: others write there, too.
    fn reported(&self, shard: u32, from: i64, to: i64) -> Result<bool, LogError> {
        let status = self.topics.partition(Topic::Status, shard);
        let most = usize::try_from(to - from).unwrap_or(0).min(MOST_READ);
        let records = self.topics.log.scan(&status, from, most)?;
        Ok(records.iter().any(|record| record.key.as_deref() == Some(STATUS.as_bytes())))
    }
}

/// Looks again and again, also while nobody asks.
pub(super) async fn look_on(app: Arc<App>) {
    loop {
        let app = Arc::clone(&app);
        // A log that cannot be read shows nothing new, so ages grow; who asks is told why.
        let looked = tokio::task::spawn_blocking(move || app.look()).await;
        drop(looked);
        tokio::time::sleep(LOOK_EVERY).await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ages_count_from_what_was_seen() {
        let at = |s| Uptime::new(Span::from_s(s));
        let seen = Seen::new(at(100));
        let told = |now| {
            let (age, silence) =
                (seen.age(Topic::Inbox, 0, at(now)), seen.silence(Topic::Inbox, 0, at(now)));
            (age.map(|age| age.as_ms() / 1000), silence.as_ms() / 1000)
        };
        assert_eq!(told(103), (None, 3), "nobody has looked yet");
        for (now, end, expected) in [
            (104, 7, (None, 4)),
            (106, 7, (None, 6)),
            (107, 8, (Some(0), 0)),
            (110, 8, (Some(3), 3)),
        ] {
            if seen.end(Topic::Inbox, 0, end).is_some() {
                seen.moved(Topic::Inbox, 0, at(now));
            }
            assert_eq!(told(now), expected, "at {now}");
        }
        assert_eq!(seen.age(Topic::Status, 0, at(110)), None);
    }
}
