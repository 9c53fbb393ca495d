//! Clients that read outside any group, kept for the next scan, and the compacted views they fill.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use rdkafka::consumer::BaseConsumer;

use super::clients::Quiet;
use crate::edge::log::{Partition, Record};

/// Clients that read what they are assigned by hand.
#[derive(Default)]
pub(super) struct Scanners(pub(super) Mutex<Vec<Scanner>>);

/// One of them.
pub(super) struct Scanner {
    pub(super) consumer: BaseConsumer<Quiet>,
    /// Where it continues without a new assignment.
    pub(super) at: Option<(Partition, i64)>,
    /// The end as last asked for; it may have moved on.
    pub(super) end: i64,
}

/// The last record of each key of a partition, as far as it was read.
#[derive(Default)]
pub(super) struct CompactedView {
    pub(super) next: i64,
    pub(super) records: BTreeMap<Vec<u8>, Record>,
}

/// The views that were asked for.
pub(super) type Views = Mutex<BTreeMap<Partition, Arc<Mutex<CompactedView>>>>;
