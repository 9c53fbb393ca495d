//! The log: records with positions, in topics of partitions.
//!
//! Law: both logs keep one contract, and one conformance suite tests it. Records of a partition are
//! read in the order of their positions; an acknowledged append is never lost; a transaction is
//! visible as a whole or not at all; a fenced owner commits nothing.
//!
//! Over 300 lines: the three traits and their types belong together.

pub mod gap;
pub mod kafka;
pub mod local;
mod lock;
mod log_clock;
pub mod right;

use std::fmt;
use std::time::Duration;

use self::gap::Gap;
pub use self::log_clock::LogClock;
use self::right::AccessRight;
use crate::edge::clock::Uptime;
use crate::model::{LogTime, Namespace};

/// Ripcord's own topics. Those of telemetry belong to the users, who name them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Topic {
    /// Everything a shard may react to; one partition per shard.
    Inbox,
    /// What workers act on.
    Commands,
    /// Incidents; the last record of a key counts.
    Incidents,
    /// The evidence for each verdict that changed.
    Decisions,
    /// Live numbers; the last record of a key counts.
    Status,
    /// The state of shards; the last record of a key counts.
    State,
    /// Records that could not be used.
    Rejected,
    /// Records that came too late.
    Late,
}

impl Topic {
    /// All of them.
    pub const ALL: [Self; 8] = [
        Self::Inbox,
        Self::Commands,
        Self::Incidents,
        Self::Decisions,
        Self::Status,
        Self::State,
        Self::Rejected,
        Self::Late,
    ];

    /// The name on the log: `ripcord.prod.inbox`.
    #[must_use]
    pub fn name(self, namespace: &Namespace) -> String {
        let kind = match self {
            Self::Inbox => "inbox",
            Self::Commands => "commands",
            Self::Incidents => "incidents",
            Self::Decisions => "decisions",
            Self::Status => "status",
            Self::State => "state",
            Self::Rejected => "rejected",
            Self::Late => "late",
        };
        format!("ripcord.{namespace}.{kind}")
    }

    /// Whether only the last record of a key need be kept.
    #[must_use]
    pub fn compacted(self) -> bool {
        matches!(self, Self::Incidents | Self::Status | Self::State)
    }
}

/// One partition of a topic.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Partition {
    /// The topic's name on the log.
    pub topic: String,
    /// Which of its partitions.
    pub partition: u32,
}

impl fmt::Display for Partition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}[{}]", self.topic, self.partition)
    }
}

/// A record on the log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Record {
    /// Its place in the partition, ascending, not always without gaps.
    pub position: i64,
    /// Its log time. On Kafka, when a broker appended it, which may be earlier than for the record
    /// before it.
    pub time: LogTime,
    /// What the clock of the machine that appended it showed then; differs from its log time where
    /// that was ahead.
    pub appended: LogTime,
    /// Whether the log set these times. If not, the producer did.
    pub vouched: bool,
    /// Its key.
    pub key: Option<Vec<u8>>,
    /// Its headers, in order.
    pub headers: Vec<(String, Vec<u8>)>,
    /// Its value; on a compacted topic, an empty one deletes the key.
    pub value: Vec<u8>,
}

/// Bytes in one answer of a reader, past which it adds no record.
const ANSWER_BYTES: usize = 1 << 20;

impl Record {
    /// Bytes of its key, headers and value.
    #[must_use]
    pub fn bytes(&self) -> usize {
        let headers = self.headers.iter().map(|(name, value)| name.len() + value.len());
        self.key.as_ref().map_or(0, Vec::len) + headers.sum::<usize>() + self.value.len()
    }
}

/// A record on its way to the log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outgoing {
    /// Where to.
    pub to: Partition,
    /// Its key.
    pub key: Option<Vec<u8>>,
    /// Its headers, in order.
    pub headers: Vec<(String, Vec<u8>)>,
    /// Its value.
    pub value: Vec<u8>,
}

/// What a reader yields.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Read {
    /// Records of one partition, in order.
    Records(Partition, Vec<Record>),
    /// The reader is at the end of the partition; the next record will have this position or a
    /// later one. Reported once each time the end is reached.
    End(Partition, i64),
    /// These are this reader's from now on. It must seek each before records of it come.
    Assigned(Vec<Partition>),
    /// These are about to go to another reader; the next call of `read` lets them go.
    Revoking(Vec<Partition>),
    /// These went to another reader already; nothing may be committed for them.
    Lost(Vec<Partition>),
    /// What would come next is no longer on the log, so reading goes on at the first record that
    /// is. Holes behind that one, from compaction or transactions, are not reported: nothing was
    /// lost there.
    Gone(Partition, Gap),
    /// The log cannot be read now; reading continues by itself when it can.
    Blocked(String),
}

/// How far a group has come in a partition.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Committed {
    /// The next position to read.
    pub position: i64,
    /// What the committer stored with it.
    pub metadata: String,
}

/// The result of a commit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Commit {
    /// It is committed.
    Done,
    /// Not committed; trying again may succeed.
    Retry,
    /// Not committed; another process owns this now. Stop.
    Fenced,
    /// Perhaps committed; only reading back tells.
    Unknown,
}

/// Outputs, state and the input's position: all of it or nothing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Transaction {
    /// What is written, state included.
    pub outputs: Vec<Outgoing>,
    /// The group that read the input.
    pub group: String,
    /// The partition that was read.
    pub input: Partition,
    /// The next position to read of it.
    pub position: i64,
    /// What is stored with the position.
    pub metadata: String,
}

/// Why a log could not do what it was asked. Faults that pass within a minute are not reported.
#[derive(Debug, thiserror::Error)]
pub enum LogError {
    /// A topic or partition that does not exist.
    #[error("{0} does not exist on the log; create it first")]
    NoSuchPartition(Partition),
    /// A seek in a partition that is not assigned to the reader.
    #[error("{0} is not assigned to this reader; wait for the assignment before you seek")]
    NotAssigned(Partition),
    /// A compacted topic keeps records by key.
    #[error("{0} is a compacted topic, which keeps records by key; give the record a key")]
    NoKey(Partition),
    /// A commit through a writer that was opened without an owner.
    #[error("this writer was opened without an owner, so it cannot commit; open it with one")]
    NoOwner,
    /// Another process uses it.
    #[error("another process uses {what}; stop that process or choose another {choose}")]
    InUse {
        /// What is in use.
        what: String,
        /// What could be chosen instead.
        choose: &'static str,
    },
    /// Stored data cannot be read.
    #[error("{what} is damaged: {why}")]
    Damaged {
        /// Which file or topic.
        what: String,
        /// What is wrong with it.
        why: String,
    },
    /// The brokers do not let this user do it.
    #[error(
        "{doing}: the brokers refuse this user the right {right}; `ripcord topics acls` prints the \
         commands that give each role its rights"
    )]
    Denied {
        /// What was tried.
        doing: String,
        /// The right that is missing.
        right: AccessRight,
    },
    /// The storage below failed.
    #[error("{doing} failed")]
    Storage {
        /// What was tried.
        doing: String,
        /// Why.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
}

/// Reads partitions as a member of a group, which it joins with its first `read`; that yields
/// what was assigned. `committed` has a group's position, also before that; nothing is read
/// of a partition until it was sought. The partitions take turns.
pub trait Reader: Send {
    /// What came next; none: nothing within `wait`. Without a `wait` it never blocks.
    ///
    /// # Errors
    /// Only what waiting cannot mend.
    fn read(&mut self, wait: Duration) -> Result<Option<Read>, LogError>;

    /// Reads on from `position`, or from the nearest bound if that lies outside.
    ///
    /// # Errors
    /// A partition that is not assigned.
    fn seek(&mut self, partition: &Partition, position: i64) -> Result<(), LogError>;

    /// How far this reader's group has come; none: it has not begun.
    ///
    /// # Errors
    /// Storage.
    fn committed(&mut self, partition: &Partition) -> Result<Option<Committed>, LogError>;

    /// Writes down how far this reader's group has come; fenced if another member has the
    /// partition by now.
    ///
    /// # Errors
    /// Storage.
    fn commit(&mut self, partition: &Partition, upto: &Committed) -> Result<Commit, LogError>;

    /// The position of the first record that the log took at `time` or later; the end if none.
    ///
    /// # Errors
    /// Storage.
    fn position_at(&mut self, partition: &Partition, time: LogTime) -> Result<i64, LogError>;

    /// The first position still there, and the end.
    ///
    /// # Errors
    /// Storage.
    fn bounds(&mut self, partition: &Partition) -> Result<(i64, i64), LogError>;

    /// The end of a partition, as far as it is known without asking; it may be a little old.
    fn known_end(&self, partition: &Partition) -> Option<i64> {
        let _unknown = partition;
        None
    }
}

/// Writes to the log.
pub trait Writer: Send {
    /// Appends; on return every record is durable. Answers their positions. Appends are never
    /// fenced: who appends must bear that a predecessor still does.
    ///
    /// # Errors
    /// A partition that is not there, a missing key; storage, and then some may have been
    /// appended.
    fn append(&mut self, records: Vec<Outgoing>) -> Result<Vec<i64>, LogError>;

    /// Writes a transaction.
    ///
    /// # Errors
    /// Only errors that a retry cannot fix. After a storage error, only reading back shows whether
    /// the transaction was written.
    fn commit(&mut self, transaction: &Transaction) -> Result<Commit, LogError>;
}

/// A log: opens readers and writers, knows the time.
pub trait Log: Send + Sync {
    /// A reader of all partitions of `topics`, as a member of `group`.
    ///
    /// # Errors
    /// A topic that is not there.
    fn reader(&self, group: &str, topics: &[String]) -> Result<Box<dyn Reader>, LogError>;

    /// A writer. With `owner` it can commit, and fences the one opened before it under the same
    /// name.
    ///
    /// # Errors
    /// Storage.
    fn writer(&self, owner: Option<&str>) -> Result<Box<dyn Writer>, LogError>;

    /// Makes a topic of `partitions` unless it is there; answers how many it has.
    ///
    /// # Errors
    /// Storage.
    fn create(&self, topic: &str, partitions: u32, compacted: bool) -> Result<u32, LogError>;

    /// How many partitions a topic has; none: it is not there.
    ///
    /// # Errors
    /// Storage.
    fn partitions(&self, topic: &str) -> Result<Option<u32>, LogError>;

    /// The last record of each key of a partition that begins with `beginning`, ordered by
    /// position; without the keys that are gone: on a compacted topic, those whose last value is
    /// empty.
    ///
    /// # Errors
    /// Storage.
    fn latest(&self, partition: &Partition, beginning: &str) -> Result<Vec<Record>, LogError>;

    /// Records of a partition from `position` on, at most `most`, outside any group.
    ///
    /// # Errors
    /// Storage.
    fn scan(
        &self,
        partition: &Partition,
        position: i64,
        most: usize,
    ) -> Result<Vec<Record>, LogError>;

    /// Its clock.
    fn clock(&self) -> &LogClock;

    /// The log's time, never less than that of its newest record. It governs deadlines.
    fn now(&self) -> LogTime {
        self.clock().now()
    }

    /// The monotonic clock. It paces what a role does again and again.
    fn uptime(&self) -> Uptime {
        self.clock().uptime()
    }
}
