//! Everything that touches the world: logs, files, sockets, processes, clocks.
//!
//! Law: it decides nothing, and does not know measure, judge, undo or shard. Inside, clock,
//! terminal, diagnostics, chain, files, fence and memory_limit use none of the others; http uses
//! only these; log and router use these and http, and never one another.

pub(crate) mod chain;
pub mod clock;
pub mod diagnostics;
pub(crate) mod fence;
pub(crate) mod files;
pub mod http;
pub mod log;
pub mod memory_limit;
pub mod parent;
pub mod router;
pub mod terminal;
