//! Records that were not measured: a sample of them goes to the rejected and late topics, with
//! the original bytes and the reason. Counters count them all.

use std::collections::BTreeMap;

use crate::edge::clock::Uptime;
use crate::edge::log::{Outgoing, Partition, Record};
use crate::model::{Reject, Span};
use crate::roles::ingest::pipeline::{UnmeasuredRecord, topic_of};

/// Records of each code that are sent in a minute; after that, one in this many.
const IN_FULL: u64 = 100;
/// The minute.
const WINDOW: Span = Span::from_s(60);
/// Records of each code that are logged in a minute.
const LOGGED: u64 = 1;

/// Says which refused records go out.
#[derive(Debug, Default)]
pub(super) struct Sampler {
    seen: BTreeMap<Option<Reject>, (Uptime, u64)>,
}

/// What happens to a refused record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Sampled {
    /// It goes to its topic.
    pub(super) kept: bool,
    /// It is logged.
    pub(super) logged: bool,
}

impl Sampler {
    /// One more of this code.
    pub(super) fn take(&mut self, code: Option<Reject>, now: Uptime) -> Sampled {
        let (since, seen) = self.seen.entry(code).or_insert((now, 0));
        if now - *since >= WINDOW {
            (*since, *seen) = (now, 0);
        }
        *seen += 1;
        Sampled { kept: *seen <= IN_FULL || seen.is_multiple_of(IN_FULL), logged: *seen <= LOGGED }
    }
}

/// The name of a reason, as counters have it.
pub(super) fn reason(refused: &UnmeasuredRecord) -> String {
    refused.code.map_or_else(|| "late".to_owned(), |code| code.to_string())
}

/// A refused record on its way to its topic.
pub(super) fn outgoing(
    refused: &UnmeasuredRecord,
    read: &Partition,
    record: &Record,
    to: impl FnOnce(crate::edge::log::Topic) -> Partition,
) -> Outgoing {
    let mut headers = record.headers.clone();
    let mut say = |name: &str, text: String| headers.push((name.to_owned(), text.into_bytes()));
    // The names that tools for dead letters know (KIP-1191), and our code for the reason.
    say("__dlq.errors.topic", read.topic.clone());
    say("__dlq.errors.partition", read.partition.to_string());
    say("__dlq.errors.offset", record.position.to_string());
    say("__dlq.errors.message", refused.detail.clone());
    say("ripcord.error.code", reason(refused));
    let to = to(topic_of(refused));
    Outgoing { to, key: record.key.clone(), headers, value: record.value.clone() }
}
