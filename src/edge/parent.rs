//! A process that ends when the one that started it ends, even by a kill.

/// The variable that asks a process for that.
pub const WITH_PARENT: &str = "RIPCORD_WITH_PARENT";

/// Asks the system for it. Where the system has no such thing, the process outlives its parent.
pub fn end_with_parent() {
    #[cfg(target_os = "linux")]
    {
        use rustix::process::{Signal, set_parent_process_death_signal};
        // It is refused for programs with special rights only.
        let _refused = set_parent_process_death_signal(Some(Signal::TERM));
    }
}
