//! How a process is asked to stop, and how its roles see it.

use std::time::Duration;

use tokio::runtime::Runtime;
use tokio::sync::watch;

use crate::edge::diagnostics;

/// How late a pause notices a stop.
const SLICE: Duration = Duration::from_millis(50);

/// Listens for Ctrl-C and a supervisor's SIGTERM, from this call on.
pub(crate) fn asked_to_stop(
    runtime: &Runtime,
) -> std::io::Result<impl Future<Output = ()> + Send + use<>> {
    use tokio::signal::unix::{SignalKind, signal};
    let _inside = runtime.enter();
    let mut terminated = signal(SignalKind::terminate())?;
    let mut interrupted = signal(SignalKind::interrupt())?;
    Ok(async move {
        tokio::select! {
            _ = interrupted.recv() => {}
            _ = terminated.recv() => {}
        }
    })
}

/// Ends the process after this time, whatever still waits for the log. What was acknowledged is on
/// the log, and the next start reads the rest again.
pub(super) fn leave_within(most: Duration) {
    std::thread::spawn(move || {
        std::thread::sleep(most);
        diagnostics::left_behind(most);
        std::process::exit(0);
    });
}

/// Whether the process was asked to stop.
#[derive(Clone)]
pub(super) struct StopSignal(watch::Receiver<bool>);

impl StopSignal {
    pub(super) fn new(stop: watch::Receiver<bool>) -> Self {
        Self(stop)
    }

    pub(super) fn is_set(&self) -> bool {
        *self.0.borrow()
    }

    /// Waits, but not past a stop.
    pub(super) fn pause(&self, pause: Duration) {
        let mut left = pause;
        while !self.is_set() && !left.is_zero() {
            let slice = left.min(SLICE);
            std::thread::sleep(slice);
            left -= slice;
        }
    }
}
