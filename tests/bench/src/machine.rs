//! What the figures were taken on, and what else went on there.

use std::fs::{self, File};
use std::io::Write;
use std::path::Path;
use std::time::Instant;

use anyhow::{Context, Result};

use crate::latencies::Latencies;
use crate::usage::{TICKS_PER_SECOND, processor_time};

/// One line on processors, memory and kernel.
///
/// # Errors
/// When the system is no Linux.
pub fn description() -> Result<String> {
    let read = |path: &str| fs::read_to_string(path).with_context(|| format!("cannot read {path}"));
    let (processors, memory) = (read("/proc/cpuinfo")?, read("/proc/meminfo")?);
    let model = field(&processors, "model name").unwrap_or("a processor without a name");
    let memory = field(&memory, "MemTotal").and_then(|value| value.strip_suffix(" kB")?.parse::<f64>().ok());
    Ok(format!(
        "{} × {model}, {:.0} GiB, Linux {}",
        std::thread::available_parallelism()?,
        memory.unwrap_or_default() / 1024.0 / 1024.0,
        read("/proc/sys/kernel/osrelease")?.trim()
    ))
}

fn field<'a>(text: &'a str, name: &str) -> Option<&'a str> {
    text.lines()
        .filter_map(|line| line.split_once(':'))
        .find(|(key, _)| key.trim() == name)
        .map(|(_, value)| value.trim())
}

/// How many programs wanted a processor, on average over the last minute. Well below the number of processors, nobody else
/// was at work.
///
/// # Errors
/// When the system is no Linux.
pub fn load_average() -> Result<f64> {
    let text = fs::read_to_string("/proc/loadavg").context("cannot read /proc/loadavg")?;
    let first = text.split(' ').next().and_then(|number| number.parse().ok());
    first.context("/proc/loadavg has another shape than expected")
}

/// What others took of the processors in a span of time: figures of which the machine had no part left for us are
/// provisional.
#[derive(Debug)]
pub struct Others {
    ours: Vec<u32>,
    began: Instant,
    before: f64,
}

impl Others {
    /// Begins to count. This process and these are not others; all of them have to live until the end.
    ///
    /// # Errors
    /// When one does not live, or the system is no Linux.
    pub fn watch(ours: &[u32]) -> Result<Self> {
        let ours = [ours, &[std::process::id()]].concat();
        let before = theirs(&ours)?;
        Ok(Self {
            ours,
            began: Instant::now(),
            before,
        })
    }

    /// Their part of all processors since then, from 0 to 1.
    ///
    /// # Errors
    /// When one of ours does not live any more.
    pub fn share(&self) -> Result<f64> {
        let took = theirs(&self.ours)? - self.before;
        let there_was =
            self.began.elapsed().as_secs_f64() * std::thread::available_parallelism()?.get() as f64;
        Ok((took / there_was).clamp(0.0, 1.0))
    }
}

/// Seconds that the processors have worked for others than these processes.
fn theirs(ours: &[u32]) -> Result<f64> {
    let text = fs::read_to_string("/proc/stat").context("cannot read /proc/stat")?;
    let all = busy(&text).context("/proc/stat has another shape than expected")?;
    let mut theirs = all;
    for process in ours {
        theirs -= processor_time(*process)?.as_secs_f64();
    }
    Ok(theirs)
}

/// All of the first line but what was idle or waited for a disk (fields 4 and 5); what a guest took (9 and 10) is in the
/// others already. Time stolen by the host of a virtual machine counts as work for others.
fn busy(stat: &str) -> Option<f64> {
    let fields = stat.lines().next()?.strip_prefix("cpu ")?.split_whitespace();
    let ticks: Vec<u64> = fields.map(str::parse).collect::<Result<_, _>>().ok()?;
    let is_work = |(index, _): &(usize, &u64)| !matches!(index, 3 | 4 | 8 | 9);
    let work: u64 = ticks
        .iter()
        .enumerate()
        .filter(is_work)
        .map(|(_, ticks)| ticks)
        .sum();
    Some(work as f64 / TICKS_PER_SECOND)
}

/// How long the disk of this folder takes to make 4 KiB at the end of a file durable, 200 times.
///
/// # Errors
/// When the folder cannot be written.
pub fn sync_times(folder: &Path) -> Result<Latencies> {
    let path = folder.join("sync-times");
    let mut file = File::create(&path)?;
    let mut times = Latencies::default();
    for _ in 0..200 {
        let began = Instant::now();
        file.write_all(&[7; 4096])?;
        file.sync_data()?;
        times.push(began.elapsed());
    }
    fs::remove_file(path)?;
    Ok(times)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn time_without_work_does_not_count() {
        let stat = "cpu  100 10 50 5000 700 0 5 35 3 2\ncpu0 1 1 1 1 1 1 1 1 1 1\n";
        assert_eq!(busy(stat), Some(2.0));
    }
}
