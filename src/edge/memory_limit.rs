//! How much memory this process may use.

use std::fs::read_to_string;

/// Where the kernel says what the container may use, the newer interface first.
const LIMITS: [&str; 2] =
    ["/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes"];

/// The bytes of the container's limit, or of the machine if it has none. `None`: nobody says.
#[must_use]
pub fn memory_limit() -> Option<u64> {
    let limits = LIMITS.iter().filter_map(|path| read_to_string(path).ok()?.trim().parse().ok());
    let machine = read_to_string("/proc/meminfo").ok().and_then(|text| total(&text));
    limits.chain(machine).min()
}

/// The bytes of a machine, from the kernel's table of its memory.
fn total(table: &str) -> Option<u64> {
    let line = table.lines().find_map(|line| line.strip_prefix("MemTotal:"))?;
    let kibibytes: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    kibibytes.checked_mul(1024)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_machine_has_memory() {
        assert_eq!(total("MemTotal:       24594312 kB\nMemFree: 1 kB\n"), Some(25_184_575_488));
        assert_eq!(total("MemFree: 1 kB\n"), None);
    }
}
