//! The place of one name: how long it is kept, and how refusals are told.

use hashbrown::HashTable;

use crate::model::{EventTime, NameError, NameKind, PLACE_KEPT, Span};

/// The least time between two searches for places that are free.
const SEARCH_EVERY: Span = Span::from_s(1);

/// Why a name has no number.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Unplaced {
    /// It cannot be a name.
    Bad(NameError),
    /// No place is free.
    Full(NameKind),
}

impl From<NameError> for Unplaced {
    fn from(why: NameError) -> Self {
        Self::Bad(why)
    }
}

/// When a name was last heard of, and until when something may need it.
#[derive(Debug, Clone, Copy)]
pub(super) struct KeptPlace {
    pub(super) heard: EventTime,
    pub(super) needed: EventTime,
}

impl KeptPlace {
    pub(super) fn touch(&mut self, now: EventTime, needed: EventTime) {
        *self = Self { heard: self.heard.max(now), needed: self.needed.max(needed) };
    }

    pub(super) fn is_free(self, now: EventTime, passed: EventTime) -> bool {
        now - self.heard >= PLACE_KEPT && self.needed <= passed
    }
}

/// A model that has a place.
#[derive(Debug)]
pub(super) struct PlacedModel {
    pub(super) place: KeptPlace,
    pub(super) versions: usize,
    pub(super) full: FullSince,
}

/// A version that has a place.
#[derive(Debug)]
pub(super) struct PlacedVersion {
    pub(super) place: KeptPlace,
    pub(super) features: HashTable<(u32, KeptPlace)>,
    pub(super) full: FullSince,
}

/// When a name was last refused, and when a search for a free place is next worth its time.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct FullSince {
    last: Option<EventTime>,
    search_at: Option<EventTime>,
}

impl FullSince {
    /// One more. Whether that begins: nothing was refused for as long as a place is kept.
    pub(super) fn begins(&mut self, now: EventTime) -> bool {
        let before = self.last.replace(now);
        before.is_none_or(|before| now - before >= PLACE_KEPT)
    }

    pub(super) fn search(&mut self, now: EventTime) -> bool {
        let due = self.search_at.is_none_or(|at| now >= at);
        if due {
            self.search_at = Some(now + SEARCH_EVERY);
        }
        due
    }
}

/// A refusal that must be told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct FullPlaces {
    pub(super) kind: NameKind,
    /// The first name that found no place, with its owners.
    pub(super) name: String,
}
