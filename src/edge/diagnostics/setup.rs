//! Where events go: standard error, or a file; and what is told of the settings at the start.

use std::fs::File;
use std::path::Path;
use std::sync::Mutex;

use tracing::{debug, warn};
use tracing_subscriber::EnvFilter;

use crate::edge::terminal::EventLines;

/// The variable that chooses what is logged: `info`, `ripcord=debug`, …
pub const FILTER: &str = "RIPCORD_LOG";

/// Logs to standard error from now on, as text or as one JSON object per line. The second call
/// changes nothing.
pub fn init(json: bool) {
    let filter = EnvFilter::try_from_env(FILTER).unwrap_or_else(|_| EnvFilter::new("info"));
    let log = tracing_subscriber::fmt().with_env_filter(filter);
    let log = log.with_writer(move || EventLines::new(std::io::stderr(), json));
    let set = if json {
        log.json().flatten_event(true).try_init()
    } else {
        log.with_target(false).with_ansi(false).try_init()
    };
    if set.is_err() {
        debug!("logging is set up already");
    }
}

/// Logs to a file instead, for a command that uses the terminal itself.
pub fn init_to(file: File) {
    let filter = EnvFilter::try_from_env(FILTER).unwrap_or_else(|_| EnvFilter::new("info"));
    let log = tracing_subscriber::fmt().with_env_filter(filter).with_target(false);
    let set = log.with_ansi(false).with_writer(Mutex::new(EventLines::new(file, false))).try_init();
    if set.is_err() {
        debug!("logging is set up already");
    }
}

/// A file with a secret, which every user of the machine may read.
pub fn secret_exposed(setting: &str, file: &Path) {
    let file = tracing::field::display(file.display());
    warn!(setting, file, "every user of this machine can read this secret, chmod o-r its file");
}
