//! A warning that most of a recording is missing from the numbers.

use crate::phrases::count;
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
