//! Records that could not be used, by file and line.

use super::recording::{Files, NextRecord};
use crate::measure::Lane;
use crate::roles::ingest::pipeline::UnmeasuredRecord;
use crate::wire::telemetry::RecordAt;

/// Records of one code that are kept with file and line.
const KEPT: usize = 5;

/// A record that may still be refused: its position, its file, its place there.
type RecordPosition = (i64, usize, RecordAt);

/// Where records come from, and those that were refused.
#[derive(Default)]
pub(super) struct Refusals {
    places: Vec<RecordPosition>,
    /// The first refusal, in words for an error message; empty without one.
    pub(super) first: String,
    /// The first few of each code.
    pub(super) kept: Vec<(String, UnmeasuredRecord)>,
}

impl Refusals {
    /// Remembers where a record comes from.
    pub(super) fn place(&mut self, next: &NextRecord) {
        self.places.push((next.position, next.file, next.at));
    }

    /// Takes refused records, and calls `tell` with each, its position replaced by its line.
    pub(super) fn take(
        &mut self,
        refused: Vec<UnmeasuredRecord>,
        files: &Files,
        mut tell: impl FnMut(&UnmeasuredRecord),
    ) {
        for mut refused in refused {
            let place = self.places.iter().find(|(position, ..)| *position == refused.position);
            let (_, file, at) = place.copied().unwrap_or_default();
            let file = files.name(file);
            if self.first.is_empty() {
                self.first = format!(" ({file} {at}: {})", refused.detail);
            }
            refused.position = i64::try_from(at.line).unwrap_or(i64::MAX);
            refused.detail = at.within_line(refused.detail);
            tell(&refused);
            let same = self.kept.iter().filter(|(_, other)| other.code == refused.code);
            if same.count() < KEPT {
                self.kept.push((file.to_owned(), refused));
            }
        }
    }

    /// Forgets where records come from that the lane no longer holds.
    pub(super) fn forget(&mut self, lane: &Lane) {
        self.places.retain(|(position, ..)| lane.held().any(|held| held == *position));
    }
}
