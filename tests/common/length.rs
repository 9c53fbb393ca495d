//! How long a test is that could go on for ever: short in `./test`, whole in `./test full`.

/// Whether it runs at its whole length: in release, or where `RIPCORD_LONG` is set.
pub fn whole() -> bool {
    cfg!(not(debug_assertions)) || std::env::var_os("RIPCORD_LONG").is_some()
}

/// How many random worlds: `few`, at the whole length fifty times as many.
pub fn cases(few: u32) -> u32 {
    if whole() { 50 * few } else { few }
}
