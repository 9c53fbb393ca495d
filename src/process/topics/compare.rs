//! What a topic must be, compared with what it is: a table of rules, without I/O.

use super::tools::Tools;
use crate::edge::log::Topic;
use crate::edge::log::kafka::{Described, MAX_RECORD_BYTES};
use crate::model::Span;
use crate::show::data::TopicFinding;

/// Copies that survive the loss of a broker while another one is down.
const COPIES: u16 = 3;

/// The setting that says who stamps records: the producer or the broker.
pub(super) const TIME: &str = "message.timestamp.type";

/// What a topic must be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Need {
    /// Its name.
    pub topic: String,
    /// Which of Ripcord's own topics; `None` for a source's.
    pub own: Option<Topic>,
    /// Its partitions; `None` if any number will do.
    pub partitions: Option<u32>,
    /// Records are kept at least so long, unless it is compacted.
    pub keep: Span,
    /// Copies that the settings ask for.
    pub copies: Option<u16>,
}

/// All that must or should be changed. `described` is the topic; `None` if it does not exist.
#[must_use]
pub fn compare(need: &Need, described: Option<&Described>, tools: &Tools) -> Vec<TopicFinding> {
    let Some(described) = described else { return vec![missing(need)] };
    let compare = Compare { need, described, tools };
    [
        compare.partitions(),
        compare.policy(),
        compare.retention(),
        compare.bytes(),
        compare.record_bytes(),
        compare.time(),
        compare.copies(),
        compare.in_step(),
        compare.unclean(),
    ]
    .into_iter()
    .flatten()
    .collect()
}

fn missing(need: &Need) -> TopicFinding {
    let (why, mend) = match need.own {
        Some(_) => ("no Ripcord process can start", "ripcord topics create"),
        None => ("the source cannot be measured", "ripcord topics create --telemetry"),
    };
    TopicFinding {
        setting: "topic",
        stands: "missing".to_owned(),
        needed: "exists".to_owned(),
        must: true,
        why,
        mend: mend.to_owned(),
    }
}

struct Compare<'a> {
    need: &'a Need,
    described: &'a Described,
    tools: &'a Tools,
}

impl Compare<'_> {
    /// The value of a setting, if the brokers give one.
    fn says(&self, setting: &str) -> Option<&str> {
        self.described.settings.get(setting).map(String::as_str)
    }

    fn compacted(&self) -> bool {
        self.need.own.is_some_and(Topic::compacted)
    }

    /// A setting that needs another value.
    fn found(
        &self,
        setting: &'static str,
        needed: &str,
        value: &str,
        must: bool,
        why: &'static str,
    ) -> TopicFinding {
        TopicFinding {
            setting,
            stands: self.says(setting).unwrap_or_default().to_owned(),
            needed: needed.to_owned(),
            must,
            why,
            mend: self.tools.set(&self.need.topic, setting, value),
        }
    }

    fn partitions(&self) -> Option<TopicFinding> {
        let (found, needed) = (self.described.partitions, self.need.partitions?);
        let (why, mend) = match self.need.own {
            _ if found == needed => return None,
            Some(Topic::Inbox) => (
                "models would move to other shards, and their state would be lost",
                format!("set log.shards = {found}"),
            ),
            Some(_) if found > needed => (
                "no Ripcord process can start; a topic cannot shrink",
                "choose another namespace, then ripcord topics create".to_owned(),
            ),
            Some(_) => (
                "some shards have no partition to write to",
                self.tools.partitions(&self.need.topic, needed),
            ),
            None => (
                "records that join would be in different partitions of the source's topics",
                self.tools.partitions(&self.need.topic, needed),
            ),
        };
        Some(TopicFinding {
            setting: "partitions",
            stands: found.to_string(),
            needed: needed.to_string(),
            must: true,
            why,
            mend,
        })
    }

    fn policy(&self) -> Option<TopicFinding> {
        const POLICY: &str = "cleanup.policy";
        let (needed, why) = match (self.need.own, self.compacted()) {
            (_, true) => ("compact", "the state of shards would be deleted when it is old"),
            (Some(_), false) => ("delete", "only the last record of each key would be kept"),
            (None, false) => {
                ("delete", "an outcome would replace its prediction, which has the same key")
            }
        };
        let says = self.says(POLICY)?;
        (says != needed).then(|| self.found(POLICY, needed, needed, true, why))
    }

    fn retention(&self) -> Option<TopicFinding> {
        const RETENTION: &str = "retention.ms";
        let says = self.says(RETENTION)?.parse::<i64>().ok()?;
        let needed = self.need.keep.as_ms();
        if self.compacted() || says < 0 || says >= needed {
            return None;
        }
        let why = match self.need.own {
            Some(_) => "a shard that restarts could not read again the records it needs",
            None => {
                "after a restart, predictions that wait for their outcomes could not be read again"
            }
        };
        let value = needed.to_string();
        Some(self.found(RETENTION, &format!("{value} or more"), &value, true, why))
    }

    fn bytes(&self) -> Option<TopicFinding> {
        const BYTES: &str = "retention.bytes";
        let limited = self.says(BYTES)?.parse::<i64>().is_ok_and(|bytes| bytes >= 0);
        let why = "a burst would delete records before their retention ends";
        (limited && !self.compacted()).then(|| self.found(BYTES, "-1", "-1", false, why))
    }

    /// A record must fit as Ripcord writes it: a frame has up to 1 MiB, the state of a shard more.
    fn record_bytes(&self) -> Option<TopicFinding> {
        const LARGEST: &str = "max.message.bytes";
        let says = self.says(LARGEST)?.parse::<u64>().ok()?;
        let small = self.need.own.is_some() && says < MAX_RECORD_BYTES;
        let why = "the brokers would refuse a large record, such as the state of a shard, and the \
                   role that writes it would stop there";
        let value = MAX_RECORD_BYTES.to_string();
        small.then(|| self.found(LARGEST, &format!("{value} or more"), &value, true, why))
    }

    fn time(&self) -> Option<TopicFinding> {
        const APPENDED: &str = "LogAppendTime";
        let why = match self.need.own {
            Some(_) => "deadlines and expiry would depend on the clocks of many machines",
            None => {
                "Ripcord cannot tell a producer with a fast clock at once; append times that the \
                     broker sets let it"
            }
        };
        let must = self.need.own.is_some();
        let says = self.says(TIME)?;
        (says != APPENDED).then(|| self.found(TIME, APPENDED, APPENDED, must, why))
    }

    fn copies(&self) -> Option<TopicFinding> {
        let needed = self.need.copies.unwrap_or(COPIES);
        let copies = self.described.replication;
        (copies < needed).then(|| TopicFinding {
            setting: "replication",
            stands: copies.to_string(),
            needed: format!("{needed} or more"),
            must: false,
            why: "a broker failure could lose acknowledged records, or stop writes",
            mend: self.tools.reassign(),
        })
    }

    /// Copies that must have a record before it counts as written.
    fn in_step(&self) -> Option<TopicFinding> {
        const IN_STEP: &str = "min.insync.replicas";
        let says = self.says(IN_STEP)?.parse::<u16>().ok()?;
        let copies = self.described.replication;
        let (most, why) = match says {
            _ if copies < COPIES => return None,
            0 | 1 => (2, "an acknowledged record may exist on one broker only"),
            _ if says >= copies => (copies - 1, "if one broker fails, nothing can be written"),
            _ => return None,
        };
        let value = most.to_string();
        Some(self.found(IN_STEP, &value, &value, false, why))
    }

    fn unclean(&self) -> Option<TopicFinding> {
        const UNCLEAN: &str = "unclean.leader.election.enable";
        let why = "a broker that lags may become leader, and acknowledged records are lost";
        let says = self.says(UNCLEAN)? == "true";
        says.then(|| self.found(UNCLEAN, "false", "false", false, why))
    }
}
