//! What the system says that a process uses. Linux alone tells it in this way.

use std::fs;
use std::time::Duration;

use anyhow::{Context, Result};

/// The unit of the times in `/proc`, which Linux gives every program, whatever its own clock does.
pub(crate) const TICKS_PER_SECOND: f64 = 100.0;

/// Memory of a process that is in RAM, in bytes.
#[derive(Debug, Clone, Copy)]
pub struct Resident {
    /// All of it: `VmRSS`.
    pub all: u64,
    /// Of it, what belongs to no file: the system cannot take it back when memory is short.
    pub anonymous: u64,
    /// The most there has been since the process began: `VmHWM`.
    pub peak: u64,
}

/// The memory of a process.
///
/// # Errors
/// When there is no such process, or no Linux.
pub fn resident(process: u32) -> Result<Resident> {
    let path = format!("/proc/{process}/status");
    let status = fs::read_to_string(&path).with_context(|| format!("cannot read {path}"))?;
    let field = |name| kibibytes(&status, name).with_context(|| format!("{path} has no {name}"));
    Ok(Resident {
        all: field("VmRSS")? * 1024,
        anonymous: field("RssAnon")? * 1024,
        peak: field("VmHWM")? * 1024,
    })
}

fn kibibytes(status: &str, name: &str) -> Option<u64> {
    let mut lines = status.lines();
    let value = lines.find_map(|line| line.strip_prefix(name)?.strip_prefix(':'))?;
    value.trim().strip_suffix(" kB")?.parse().ok()
}

/// How long the processors have worked for a process so far.
///
/// # Errors
/// When there is no such process, or no Linux.
pub fn processor_time(process: u32) -> Result<Duration> {
    let path = format!("/proc/{process}/stat");
    let stat = fs::read_to_string(&path).with_context(|| format!("cannot read {path}"))?;
    ticks(&stat)
        .map(|ticks| Duration::from_secs_f64(ticks as f64 / TICKS_PER_SECOND))
        .with_context(|| format!("{path} has another shape than expected"))
}

/// User and system time, fields 14 and 15; the name, field 2, is in parentheses and may contain anything.
fn ticks(stat: &str) -> Option<u64> {
    let (_, after_name) = stat.rsplit_once(") ")?;
    let mut fields = after_name.split(' ').skip(11);
    let user: u64 = fields.next()?.parse().ok()?;
    let system: u64 = fields.next()?.parse().ok()?;
    Some(user + system)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_system_writes_is_read() {
        let status = "Name:\ttaskwire\nVmHWM:\t  123456 kB\nVmRSS:\t  100000 kB\nRssAnon:\t 7 kB\n";
        assert_eq!(kibibytes(status, "VmRSS"), Some(100_000));
        assert_eq!(kibibytes(status, "RssAnon"), Some(7));
        let stat = "12 (a ) b) S 1 2 3 4 5 6 7 8 9 10 300 45 0 0 20 0";
        assert_eq!(ticks(stat), Some(345));
    }
}
