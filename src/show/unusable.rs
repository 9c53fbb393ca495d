//! What of a recording is missing from the numbers.

use crate::phrases::{count, lost_field};
use crate::sums::Counters;

/// The warning, if most records could not be used.
#[must_use]
pub fn mostly_lost(records: &Counters) -> Option<String> {
    let rejected: u64 = records.rejected.values().sum();
    ((records.late + rejected) * 2 > records.read).then(|| {
        format!(
            "Most of the recording could not be used: of {} records {} were late and {} rejected. \
             The results are based on the rest; `ripcord check-source` shows how to fix it.",
            count(records.read),
            count(records.late),
            count(rejected)
        )
    })
}

/// The values that could not be used in records that could, if there are any.
#[must_use]
pub fn lost_values(records: &Counters) -> Option<String> {
    let each =
        records.lost.iter().map(|(field, n)| format!("{} ({})", lost_field(*field), count(*n)));
    let each: Vec<_> = each.collect();
    (!each.is_empty()).then(|| {
        format!(
            "Values that could not be used, in records that were measured: {}. `ripcord \
             check-source` shows why.",
            each.join(", ")
        )
    })
}

/// That many records came too late, if more than one in a hundred did.
#[must_use]
pub fn many_late(records: &Counters) -> Option<String> {
    (records.late * 100 > records.read).then(|| {
        format!(
            "{} of {} records came after their pane was closed. If they stand out of order in a \
             file, sort it by time, or split it: files are merged by time. If such records are \
             usual, raise allowed_disorder_seconds. If one producer sends them, set its clock.",
            count(records.late),
            count(records.read)
        )
    })
}
