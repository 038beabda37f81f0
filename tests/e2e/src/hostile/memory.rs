//! How much memory a process has in use.

use std::fs;

/// What of its memory is resident, in bytes.
///
/// # Panics
/// When the system does not tell, as only Linux does in this form.
pub(super) fn resident(process: u32) -> i64 {
    let path = format!("/proc/{process}/status");
    let status = fs::read_to_string(&path).unwrap_or_else(|error| panic!("{path}: {error}"));
    let kilobytes = status.lines().find_map(|line| {
        line.strip_prefix("VmRSS:")?
            .strip_suffix("kB")?
            .trim()
            .parse::<i64>()
            .ok()
    });
    kilobytes.unwrap_or_else(|| panic!("no VmRSS in {path}")) * 1024
}
