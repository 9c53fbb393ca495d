//! Everything that touches the world: logs, files, sockets, processes, clocks.
//!
//! Law: it decides nothing. It does not know measure, judge, undo or shard; app joins them.

pub(crate) mod chain;
pub mod clock;
pub mod diagnostics;
pub(crate) mod fence;
pub(crate) mod files;
pub mod http;
pub mod log;
pub mod parent;
pub mod router;
pub mod terminal;
