//! Which processes still hold the pipes of a program that has ended.

use std::fmt;
use std::fs::{self, File};
use std::os::fd::AsFd;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

/// How many are named.
const NAMED: usize = 3;

/// The number of a pipe, as `/proc` shows it; `None` if the system does not say.
pub(super) fn pipe(end: Option<&impl AsFd>) -> Option<u64> {
    let own = end?.as_fd().try_clone_to_owned().ok()?;
    File::from(own).metadata().ok().map(|about| about.ino())
}

/// A process that holds a pipe.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Holder {
    id: u32,
    name: String,
}

impl fmt::Display for Holder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "process {} ({})", self.id, self.name)
    }
}

/// The processes, but this one, that hold one of these pipes. Empty where the system does not say.
pub(super) fn holders(pipes: &[u64]) -> Vec<Holder> {
    let wanted: Vec<_> = pipes.iter().map(|number| format!("pipe:[{number}]")).collect();
    let Ok(processes) = fs::read_dir("/proc") else { return Vec::new() };
    let ids = processes.flatten().filter_map(|entry| entry.file_name().to_str()?.parse().ok());
    let others = ids.filter(|id: &u32| *id != std::process::id());
    let holding = others.filter(|id| holds(Path::new(&format!("/proc/{id}/fd")), &wanted));
    let named = holding.map(|id| {
        let name = fs::read_to_string(format!("/proc/{id}/comm")).unwrap_or_default();
        Holder { id, name: name.trim().to_owned() }
    });
    named.take(NAMED).collect()
}

fn holds(folder: &Path, wanted: &[String]) -> bool {
    let Ok(open) = fs::read_dir(folder) else { return false };
    let mut links = open.flatten().filter_map(|entry| fs::read_link(entry.path()).ok());
    links.any(|link| wanted.iter().any(|pipe| link.as_os_str() == pipe.as_str()))
}
