//! Tells people when the keys of a source are placed so that records of one request do not meet.

use crate::edge::diagnostics;
use crate::edge::log::{Outgoing, Topic};
use crate::model::{Source, SourceId};
use crate::topics::placement::Placement;
use crate::topics::{KEYS, Topics};

/// The sample of this process, and what was said of it.
#[derive(Debug)]
pub(super) struct KeyWatch {
    sample: Placement,
    /// What was published last; empty: nothing is wrong. `None`: nothing was published yet.
    told: Option<String>,
    /// It was logged that something is wrong, since it was last well.
    warned: bool,
}

impl KeyWatch {
    pub(super) fn new(source: &Source, lanes: u32) -> Self {
        Self { sample: Placement::new(source, lanes), told: None, warned: false }
    }

    /// The source has another number of lanes.
    pub(super) fn widen(&mut self, source: &Source, lanes: u32) {
        self.sample = Placement::new(source, lanes);
    }

    pub(super) fn sample(&mut self) -> &mut Placement {
        &mut self.sample
    }

    /// What is wrong, or is no longer wrong, if that is news. It is logged once.
    pub(super) fn news(&mut self, topics: &Topics, source: &SourceId) -> Option<Outgoing> {
        let trouble = self.sample.trouble()?;
        if self.told.as_ref() == Some(&trouble) {
            return None;
        }
        if !trouble.is_empty() && !self.warned {
            diagnostics::keys_misplaced(source, &trouble);
        }
        self.warned = !trouble.is_empty();
        self.told = Some(trouble.clone());
        Some(topics.plain(Topic::Status, 0, &format!("{KEYS}{source}"), trouble.into_bytes()))
    }
}
