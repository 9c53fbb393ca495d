//! What a machine lacks, so that a test cannot say what it is for.

use std::io::Write as _;

/// Says that something is not tested and why. Where everything must be (`RIPCORD_TEST_ALL`), the
/// test fails instead: what is passed over proves nothing.
#[track_caller]
pub fn skipped(what: &str) {
    assert!(std::env::var_os("RIPCORD_TEST_ALL").is_none(), "RIPCORD_TEST_ALL is set, but {what}");
    absent(what);
}

/// Says that something is not tested, which no machine is expected to have.
pub fn absent(what: &str) {
    // Not by a macro, since what those print in a test that passes nobody sees.
    writeln!(std::io::stderr(), "SKIPPED: {what}").ok();
}
