//! What the kernel says of this process: processor time, memory, open files.

use std::fs::{read_dir, read_to_string};

use rustix::param::{clock_ticks_per_second, page_size};
use rustix::process::{Resource, getrlimit};

use super::metrics::{self, Metric, Page};

/// Puts what this process takes on a page. A number that the kernel does not tell is left out.
pub(super) fn page(page: &mut Page) {
    let (cpu, others) = numbers();
    if let Some(cpu) = cpu {
        page.seconds(metrics::PROCESS_CPU, cpu);
    }
    for (metric, value) in others {
        page.gauge(metric, value.map(|value| (Vec::new(), value)));
    }
}

/// Processor time in seconds, and the rest.
fn numbers() -> (Option<f64>, [(Metric, Option<f64>); 4]) {
    let stat = read_to_string("/proc/self/stat").ok();
    let times = stat.and_then(|text| times(&text, clock_ticks_per_second() as f64));
    let boot = read_to_string("/proc/stat").ok().and_then(|text| booted_s(&text));
    let statm = read_to_string("/proc/self/statm").ok();
    let pages = statm.and_then(|text| text.split(' ').nth(1)?.parse::<f64>().ok());
    let others = [
        (metrics::PROCESS_START, times.zip(boot).map(|((_, after), boot)| boot + after)),
        (metrics::PROCESS_MEMORY, pages.map(|pages| pages * page_size() as f64)),
        // The folder is itself open while it is read.
        (metrics::PROCESS_FDS, read_dir("/proc/self/fd").ok().map(|fds| fds.count() as f64 - 1.0)),
        (metrics::PROCESS_MOST_FDS, getrlimit(Resource::Nofile).current.map(|most| most as f64)),
    ];
    (times.map(|(cpu, _)| cpu), others)
}

/// Processor time, and the start after that of the machine, in seconds.
fn times(stat: &str, ticks_per_s: f64) -> Option<(f64, f64)> {
    // The name of the program may hold anything, a parenthesis included.
    let (_, after_name) = stat.rsplit_once(") ")?;
    let fields: Vec<_> = after_name.split(' ').collect();
    let ticks = |nth: usize| fields.get(nth)?.trim().parse::<f64>().ok();
    Some(((ticks(11)? + ticks(12)?) / ticks_per_s, ticks(19)? / ticks_per_s))
}

/// When the machine started, in seconds since 1970.
fn booted_s(stat: &str) -> Option<f64> {
    stat.lines().find_map(|line| line.strip_prefix("btime ")?.trim().parse().ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_program_with_an_odd_name_is_read() {
        let stat = "17 (a) b (c) S 1 17 17 0 -1 4194560 150 0 0 0 250 50 0 0 20 0 3 0 9000 1 2 3\n";
        assert_eq!(times(stat, 100.0), Some((3.0, 90.0)));
        assert_eq!(times("17 (x", 100.0), None);
        assert_eq!(booted_s("cpu 1 2\nbtime 1700000000\nprocesses 5\n"), Some(1_700_000_000.0));
    }

    #[test]
    #[cfg(target_os = "linux")]
    fn this_process_takes_something() {
        let (cpu, told) = numbers();
        assert!(cpu.is_some_and(|cpu| cpu >= 0.0), "{cpu:?}");
        let told = told.map(|(metric, value)| (metric, value.unwrap_or_default()));
        let of =
            |metric| told.iter().find(|(of, _)| *of == metric).map_or(0.0, |(_, value)| *value);
        assert!(of(metrics::PROCESS_MEMORY) > 1e6, "{told:?}");
        assert!(of(metrics::PROCESS_FDS) >= 3.0, "{told:?}");
        assert!(of(metrics::PROCESS_MOST_FDS) > of(metrics::PROCESS_FDS), "{told:?}");
        assert!(of(metrics::PROCESS_START) > 1.7e9, "{told:?}");
    }
}
