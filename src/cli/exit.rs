//! Exit codes.

/// Done.
pub const DONE: u8 = 0;
/// The answer is no, or the request was refused.
pub const NO: u8 = 1;
/// The command could not be carried out.
pub const COULD_NOT: u8 = 2;
