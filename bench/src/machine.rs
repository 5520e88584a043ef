//! The machine: which core does what, who else uses it, how fast its disk syncs.

use std::fs::{self, File};
use std::io::Write;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use anyhow::Result;
use tokio::time::Instant;

/// The core of the server that is measured.
const SERVER_CORE: usize = 0;
/// The core of the load and the receiver: this process.
const LOAD_CORE: usize = 1;

/// Whether processes are kept on their cores.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Pinning {
    Pinned,
    Free,
}

impl Pinning {
    /// Puts this process on its core, if there are two cores and a `taskset`.
    pub(crate) fn of_this_machine() -> Self {
        let enough = std::thread::available_parallelism().is_ok_and(|cores| cores.get() > LOAD_CORE);
        let mut command = Command::new("taskset");
        command.args(["-a", "-p", "-c", &LOAD_CORE.to_string(), &std::process::id().to_string()]);
        let moved = command.stdout(Stdio::null()).stderr(Stdio::null()).status();
        if enough && moved.is_ok_and(|status| status.success()) { Self::Pinned } else { Self::Free }
    }

    /// A command that runs `program` on the server's core.
    pub(crate) fn command(self, program: &Path) -> Command {
        match self {
            Self::Free => Command::new(program),
            Self::Pinned => {
                let mut command = Command::new("taskset");
                command.args(["-c", &SERVER_CORE.to_string()]).arg(program);
                command
            }
        }
    }

    pub(crate) fn warning(self) -> Option<String> {
        let text = "server and load are not pinned to cores of their own (that takes two cores and taskset): \
                    rates are too low, CPU per operation still holds";
        (self == Self::Free).then(|| String::from(text))
    }
}

/// Says so if the machine was busy before the first row.
pub(crate) fn load_warning() -> Option<String> {
    let text = fs::read_to_string("/proc/loadavg").ok()?;
    let load: f64 = text.split(' ').next()?.parse().ok()?;
    (load > 0.5).then(|| format!("the load average was {load} before the first row"))
}

/// The median time for 4 KiB to be appended and synced in `folder`.
pub(crate) fn sync_time(folder: &Path) -> Result<Duration> {
    const SYNCS: usize = 101;
    let path = folder.join("sync");
    let mut file = File::create(&path)?;
    let mut times = Vec::with_capacity(SYNCS);
    for _ in 0..SYNCS {
        let begun = Instant::now();
        file.write_all(&[7; 4_096])?;
        file.sync_data()?;
        times.push(begun.elapsed());
    }
    fs::remove_file(path)?;
    times.sort_unstable();
    Ok(times[SYNCS / 2])
}

/// Processor time up to a moment.
pub(crate) struct Use {
    at: Instant,
    machine: Duration,
    /// This process and those that it started and that have ended.
    bench: Duration,
}

/// Processor time that went to neither the bench nor what it measured, as a share of one core.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Others(pub(crate) f64);

impl Use {
    pub(crate) fn now() -> Self {
        Self { at: Instant::now(), machine: machine_time(), bench: own_time() }
    }

    pub(crate) fn others_since(&self) -> Others {
        let now = Self::now();
        let others = (now.machine - self.machine).saturating_sub(now.bench - self.bench);
        Others(others.as_secs_f64() / (now.at - self.at).as_secs_f64())
    }
}

impl Others {
    pub(crate) fn warning(self) -> Option<String> {
        let percent = 100.0 * self.0;
        (self.0 > 0.1).then(|| {
            format!("something else used {percent:.0} % of a core during the run: the figures are doubtful")
        })
    }
}

/// User and system time of a running process; zero where there is no `/proc`.
pub(crate) fn cpu_time(process: u32) -> Duration {
    let stat = fs::read_to_string(format!("/proc/{process}/stat")).unwrap_or_default();
    sum_of_fields(&stat, 2)
}

fn own_time() -> Duration {
    sum_of_fields(&fs::read_to_string("/proc/self/stat").unwrap_or_default(), 4)
}

/// Sums `count` fields from `utime` on: user and system time, then those of children. The name before them may hold
/// anything.
fn sum_of_fields(stat: &str, count: usize) -> Duration {
    let after_name = stat.rsplit_once(')').map_or("", |(_, rest)| rest);
    ticks(after_name.split_whitespace().skip(11).take(count))
}

/// What all cores did but wait: the first line of `/proc/stat` without `idle` and `iowait`; guests are counted in `user`.
fn machine_time() -> Duration {
    let stat = fs::read_to_string("/proc/stat").unwrap_or_default();
    let fields: Vec<&str> =
        stat.lines().next().unwrap_or_default().split_whitespace().skip(1).take(8).collect();
    let busy = fields.iter().enumerate().filter(|(place, _)| !matches!(place, 3 | 4));
    ticks(busy.map(|(_, field)| *field))
}

/// Linux tells processor time in hundredths of a second.
fn ticks<'a>(fields: impl Iterator<Item = &'a str>) -> Duration {
    Duration::from_millis(fields.filter_map(|field| field.parse::<u64>().ok()).sum::<u64>() * 10)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn processor_time_is_read_behind_any_name() {
        let stat = "17 (a) b (c) S 1 2 3 4 5 6 7 8 9 10 150 50 7 3 20 0";
        assert_eq!(sum_of_fields(stat, 2), Duration::from_secs(2));
        assert_eq!(sum_of_fields(stat, 4), Duration::from_millis(2_100));
        assert_eq!(sum_of_fields("", 2), Duration::ZERO);
    }
}
