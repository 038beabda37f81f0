//! One native engine: how it is prepared, started, asked whether it is up, and stopped.

use std::{
    fs::{self, File},
    os::unix::process::CommandExt,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use anyhow::{Context, Result, bail};

use super::{
    process::{self, Signal, Signature},
    urls::is_listening,
};
use crate::progress;

const POLL: Duration = Duration::from_millis(100);
/// A two-core machine with nothing else to do needs a thirtieth of this.
const START_LIMIT: Duration = Duration::from_secs(300);
const STOP_LIMIT: Duration = Duration::from_secs(30);

/// What one engine of a stack leaves on the machine; known without its programs being there.
pub(crate) struct Footprint {
    /// `postgres`, `kafka` or `elasticsearch`.
    pub(crate) name: &'static str,
    /// Its data and settings: removed on `down`.
    pub(crate) folder: PathBuf,
    /// What its processes are recognised by.
    pub(crate) signature: Signature,
    /// The signal on which it stops without waiting for its clients.
    pub(crate) stop_signal: Signal,
}

impl Footprint {
    /// Stops the engine, if it runs, and keeps its data.
    pub(crate) fn stop(&self, kill: bool) -> Result<()> {
        let signal = if kill { Signal::Kill } else { self.stop_signal };
        process::end(&self.signature, signal, STOP_LIMIT)
            .with_context(|| format!("cannot stop {}", self.name))
    }

    /// Lets it neither work nor end, or lets it go on.
    pub(crate) fn freeze(&self, frozen: bool) -> Result<()> {
        let signal = if frozen { Signal::Freeze } else { Signal::Thaw };
        process::signal(&self.signature, signal).with_context(|| format!("cannot signal {}", self.name))
    }
}

/// One of the three engines, run from its own programs.
pub(crate) trait Engine {
    /// What it leaves on the machine.
    fn footprint(&self) -> Footprint;
    /// The port its clients use.
    fn port(&self) -> u16;
    /// Makes its data and settings if they are not there yet. Called before every start.
    fn prepare(&self) -> Result<()>;
    /// The command that runs it.
    fn command(&self) -> Command;
    /// Whether it answers its own protocol.
    fn answers(&self) -> bool;
    /// What is left to do once it answers.
    fn finish(&self) -> Result<()> {
        Ok(())
    }
    /// The release that runs.
    fn version(&self) -> Result<String>;
}

/// Whether the engine runs and answers.
pub(crate) fn is_up(engine: &dyn Engine) -> bool {
    !engine.footprint().signature.find().is_empty() && engine.answers()
}

/// Starts those that are not up, all at once, and waits until each one answers. Returns the names of those started.
pub(crate) fn start(engines: &[&dyn Engine], logs: &Path) -> Result<Vec<&'static str>> {
    let mut starting = Vec::new();
    for engine in engines.iter().filter(|engine| !is_up(**engine)) {
        let footprint = engine.footprint();
        // A process that runs but does not answer is a start that was interrupted, or a wreck: begin anew.
        footprint.stop(false)?;
        if is_listening(&format!("127.0.0.1:{}", engine.port())) {
            bail!(
                "port {} of {} was taken by another program: `cargo xtask stack down`, then `up`, picks other ports",
                engine.port(),
                footprint.name
            );
        }
        engine
            .prepare()
            .with_context(|| format!("cannot prepare {}", footprint.name))?;
        let log = logs.join(format!("{}.log", footprint.name));
        starting.push((*engine, footprint.name, spawn(*engine, &log)?, log));
    }
    let mut started = Vec::new();
    for (engine, name, mut child, log) in starting {
        progress::step(&format!("starting {name}"), || {
            wait_until_up(engine, &mut child).with_context(|| {
                format!(
                    "{name} does not start; the end of {}:\n{}",
                    log.display(),
                    process::tail(&log)
                )
            })?;
            engine.finish()
        })?;
        // Should it end while this tool runs, somebody has to take note, or its number stays taken.
        thread::spawn(move || child.wait());
        started.push(name);
    }
    Ok(started)
}

fn spawn(engine: &dyn Engine, path: &Path) -> Result<Child> {
    let log = File::options().create(true).append(true).open(path);
    let log = log.with_context(|| format!("cannot write {}", path.display()))?;
    let errors = log.try_clone().context("cannot share the log file")?;
    let mut command = engine.command();
    // A process group of its own: Ctrl-C in the terminal is meant for this tool, not for the engine.
    command
        .stdin(Stdio::null())
        .stdout(log)
        .stderr(errors)
        .process_group(0);
    command
        .spawn()
        .with_context(|| format!("cannot run {}", command.get_program().to_string_lossy()))
}

fn wait_until_up(engine: &dyn Engine, child: &mut Child) -> Result<()> {
    let started = Instant::now();
    while !engine.answers() {
        // A launcher that detaches its server leaves with success.
        if let Some(status) = child.try_wait().context("cannot watch it")?
            && !status.success()
        {
            bail!("it ended with {status}");
        }
        if started.elapsed() > START_LIMIT {
            bail!("it does not answer after {} s", START_LIMIT.as_secs());
        }
        thread::sleep(POLL);
    }
    Ok(())
}

/// Builds a folder's content by `fill` under another name and moves it into place when it is complete, so that a run
/// killed half-way leaves nothing that looks finished.
pub(crate) fn fill_once(folder: &Path, fill: impl FnOnce(&Path) -> Result<()>) -> Result<()> {
    if folder.exists() {
        return Ok(());
    }
    let mut draft = folder.as_os_str().to_owned();
    draft.push(".partial");
    let draft = PathBuf::from(draft);
    if draft.exists() {
        fs::remove_dir_all(&draft).with_context(|| format!("cannot remove {}", draft.display()))?;
    }
    fs::create_dir_all(&draft).with_context(|| format!("cannot create {}", draft.display()))?;
    fill(&draft)?;
    fs::rename(&draft, folder).with_context(|| format!("cannot put {} in place", folder.display()))
}

/// Writes a file, naming it when that fails.
pub(crate) fn write(path: &Path, content: &str) -> Result<()> {
    fs::write(path, content).with_context(|| format!("cannot write {}", path.display()))
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::fill_once;

    #[test]
    fn a_folder_that_could_not_be_filled_is_filled_by_the_next_run() {
        let place = std::env::temp_dir().join(format!("xtask-fill-{}", std::process::id()));
        let folder = place.join("data");
        let failed = fill_once(&folder, |draft| {
            fs::write(draft.join("half"), "")?;
            anyhow::bail!("killed")
        });
        assert!(failed.is_err());
        assert!(!folder.exists());
        fill_once(&folder, |draft| Ok(fs::write(draft.join("whole"), "")?)).unwrap();
        assert!(folder.join("whole").exists());
        assert!(!folder.join("half").exists());
        fill_once(&folder, |_| anyhow::bail!("a filled folder is not filled again")).unwrap();
        fs::remove_dir_all(&place).unwrap();
    }
}
