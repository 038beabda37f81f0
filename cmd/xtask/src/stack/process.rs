//! Finding, signalling and outwaiting the processes that belong to one stack.
//!
//! A process is recognised by what the kernel says it was started with, never by a number written down earlier: a
//! recorded pid may have passed to somebody else, and a run killed half-way records nothing.

use std::{
    fs,
    path::Path,
    process::Command,
    thread,
    time::{Duration, Instant},
};

use anyhow::{Context, Result, bail};

const POLL: Duration = Duration::from_millis(50);
/// How long a process that was sent SIGKILL may take to disappear.
const KILL_LIMIT: Duration = Duration::from_secs(10);
/// How long the dead may wait for their parent before they are taken for gone.
const BURIAL_LIMIT: Duration = Duration::from_secs(3);

/// What makes a process one of ours: the program it runs, and one argument that only this stack passes.
#[derive(Clone, Debug)]
pub(crate) struct Signature {
    programs: &'static [&'static str],
    arguments: Vec<String>,
}

impl Signature {
    /// A process running one of `programs` (file names) with one of `arguments`, spelled exactly so.
    pub(crate) fn new(programs: &'static [&'static str], arguments: Vec<String>) -> Self {
        Self { programs, arguments }
    }

    /// The processes that bear this signature now.
    pub(crate) fn find(&self) -> Vec<u32> {
        all_pids()
            .filter(|pid| command_line(*pid).is_some_and(|line| self.matches(&line)))
            .collect()
    }

    fn matches(&self, command_line: &[String]) -> bool {
        let Some((program, arguments)) = command_line.split_first() else {
            return false;
        };
        let name = Path::new(program)
            .file_name()
            .and_then(|name| name.to_str())
            .unwrap_or_default();
        self.programs.contains(&name) && arguments.iter().any(|argument| self.arguments.contains(argument))
    }
}

/// How a process is asked to end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Signal {
    /// SIGTERM
    Terminate,
    /// SIGINT: to PostgreSQL, "do not wait for clients"
    Interrupt,
    /// SIGKILL: as a power cut would
    Kill,
    /// SIGSTOP: it stays as it is and does nothing
    Freeze,
    /// SIGCONT: it goes on where it was
    Thaw,
}

/// Ends every process with the signature and waits until all are gone; what outlives `limit` is killed.
///
/// With `Signal::Kill` their children go too, at once: PostgreSQL's would otherwise linger and keep it from starting.
pub(crate) fn end(signature: &Signature, signal: Signal, limit: Duration) -> Result<()> {
    let mut pids = signature.find();
    if signal == Signal::Kill {
        pids.extend(descendants(&pids));
    }
    send(signal, &pids);
    if gone_within(&pids, if signal == Signal::Kill { KILL_LIMIT } else { limit })
        && signature.find().is_empty()
    {
        return Ok(());
    }
    pids = signature.find();
    pids.extend(descendants(&pids));
    send(Signal::Kill, &pids);
    if gone_within(&pids, KILL_LIMIT) {
        return Ok(());
    }
    bail!(
        "processes {pids:?} do not end, not even on SIGKILL: /proc/{}/status says what the first one waits for",
        pids[0]
    )
}

/// Signals every process with the signature and their children, and waits for nothing.
pub(crate) fn signal(signature: &Signature, signal: Signal) -> Result<()> {
    let mut pids = signature.find();
    if pids.is_empty() {
        bail!("it does not run");
    }
    pids.extend(descendants(&pids));
    send(signal, &pids);
    Ok(())
}

/// Signals through the shell's own `kill`: a bare machine has no program of that name.
///
/// A process that is already gone is no failure; what counts is checked afterwards.
fn send(signal: Signal, pids: &[u32]) {
    let name = match signal {
        Signal::Terminate => "TERM",
        Signal::Interrupt => "INT",
        Signal::Kill => "KILL",
        Signal::Freeze => "STOP",
        Signal::Thaw => "CONT",
    };
    for pid in pids {
        let script = format!("kill -s {name} {pid} 2>/dev/null");
        let _ = Command::new("sh").args(["-c", &script]).status();
    }
}

fn gone_within(pids: &[u32], limit: Duration) -> bool {
    let started = Instant::now();
    while pids
        .iter()
        .any(|pid| is_alive(*pid, started.elapsed() > BURIAL_LIMIT))
    {
        if started.elapsed() > limit {
            return false;
        }
        thread::sleep(POLL);
    }
    true
}

/// Whether the process still holds anything, its number included: PostgreSQL will not start while the one it finds in
/// its lock file exists, and a process that is being torn down may hold its port for a while.
///
/// Where the first process of a container buries nobody, the dead keep their number for good; `buried_late` allows
/// for that.
fn is_alive(pid: u32, buried_late: bool) -> bool {
    match stat(pid) {
        Some(stat) if stat.state == 'Z' && buried_late => thread_count(pid) > 1,
        Some(_) => true,
        None => false,
    }
}

fn thread_count(pid: u32) -> usize {
    fs::read_dir(format!("/proc/{pid}/task")).map_or(0, Iterator::count)
}

/// The children of these processes, and theirs.
fn descendants(pids: &[u32]) -> Vec<u32> {
    let parents: Vec<(u32, u32)> = all_pids()
        .filter_map(|pid| stat(pid).map(|stat| (pid, stat.parent)))
        .collect();
    let mut found: Vec<u32> = Vec::new();
    let mut generation = pids.to_vec();
    while !generation.is_empty() {
        let born = parents
            .iter()
            .filter(|(_, parent)| generation.contains(parent))
            .map(|(pid, _)| *pid);
        generation = born.collect();
        found.extend(&generation);
    }
    found
}

fn all_pids() -> impl Iterator<Item = u32> {
    let entries = fs::read_dir("/proc").into_iter().flatten().flatten();
    entries.filter_map(|entry| entry.file_name().to_str()?.parse().ok())
}

fn command_line(pid: u32) -> Option<Vec<String>> {
    let raw = fs::read(format!("/proc/{pid}/cmdline")).ok()?;
    let words = raw
        .split(|byte| *byte == 0)
        .map(|word| String::from_utf8_lossy(word).into_owned());
    Some(words.collect())
}

struct Stat {
    state: char,
    parent: u32,
}

fn stat(pid: u32) -> Option<Stat> {
    parse_stat(&fs::read_to_string(format!("/proc/{pid}/stat")).ok()?)
}

/// `pid (name) state parent ...`, where the name may hold blanks and brackets of its own (proc(5)).
fn parse_stat(line: &str) -> Option<Stat> {
    let (_, rest) = line.rsplit_once(')')?;
    let mut fields = rest.split_whitespace();
    Some(Stat {
        state: fields.next()?.chars().next()?,
        parent: fields.next()?.parse().ok()?,
    })
}

/// The end of a log, for an error that has to say why a program did not start.
pub(crate) fn tail(log: &Path) -> String {
    let text = fs::read(log)
        .map(|raw| String::from_utf8_lossy(&raw).into_owned())
        .unwrap_or_default();
    let lines: Vec<&str> = text.lines().filter(|line| !line.trim().is_empty()).collect();
    lines[lines.len().saturating_sub(15)..].join("\n")
}

/// Runs a program to its end; on failure the error holds what it printed.
pub(crate) fn run_to_end(what: &str, command: &mut Command) -> Result<String> {
    let program = command.get_program().to_string_lossy().into_owned();
    let output = command
        .output()
        .with_context(|| format!("{what}: cannot run {program}"))?;
    let printed = String::from_utf8_lossy(&output.stdout).into_owned();
    if output.status.success() {
        return Ok(printed);
    }
    let complaint = String::from_utf8_lossy(&output.stderr).into_owned();
    bail!(
        "{what}: {program} ended with {}\n{}{}",
        output.status,
        printed,
        complaint
    )
}

#[cfg(test)]
mod tests {
    use std::{os::unix::process::ExitStatusExt, process::Command, time::Duration};

    use super::{Signal, Signature, descendants, end, is_alive, parse_stat};

    fn words(line: &[&str]) -> Vec<String> {
        line.iter().map(|word| (*word).to_owned()).collect()
    }

    #[test]
    fn only_the_right_program_with_the_exact_argument_is_ours() {
        let signature = Signature::new(&["java"], words(&["/a/kafka/server.properties"]));
        assert!(signature.matches(&words(&[
            "/usr/bin/java",
            "kafka.Kafka",
            "/a/kafka/server.properties"
        ])));
        assert!(
            !signature.matches(&words(&["vim", "/a/kafka/server.properties"])),
            "an editor is not the engine"
        );
        assert!(!signature.matches(&words(&["java", "kafka.Kafka", "/b/a/kafka/server.properties"])));
        assert!(!signature.matches(&words(&["java"])));
        assert!(!signature.matches(&[]));
    }

    #[test]
    fn a_program_name_with_brackets_does_not_confuse_its_parent() {
        let stat = parse_stat("17 (a) b (c)) S 4 17 17 0").unwrap();
        assert_eq!((stat.state, stat.parent), ('S', 4));
    }

    #[test]
    fn what_ignores_a_polite_signal_is_killed_with_its_children() {
        let marker = format!("xtask-process-test-{}", std::process::id());
        let script = "trap '' TERM; sleep 600 & wait; wait";
        let mut child = Command::new("sh").args(["-c", script, &marker]).spawn().unwrap();
        let pid = child.id();
        let ended = std::thread::spawn(move || child.wait().unwrap());
        let signature = Signature::new(&["sh"], vec![marker]);
        while signature.find().is_empty() || descendants(&[pid]).is_empty() {
            std::thread::yield_now();
        }
        assert_eq!(signature.find(), [pid]);
        let children = descendants(&[pid]);
        end(&signature, Signal::Terminate, Duration::from_millis(200)).unwrap();
        assert!(signature.find().is_empty());
        assert!(children.iter().all(|child| !is_alive(*child, true)));
        assert_eq!(ended.join().unwrap().signal(), Some(9));
    }
}
