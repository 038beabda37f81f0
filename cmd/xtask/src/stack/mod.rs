//! The real engines, up and down.
//!
//! `source` decides where they come from, `native` and `docker` run them, `state` remembers what was started.

mod account;
mod docker;
mod elasticsearch;
mod engine;
mod env_file;
mod guard;
mod java;
mod kafka;
mod maven;
mod native;
mod packages;
mod ports;
mod postgres;
mod process;
mod release;
mod search_server;
mod source;
mod state;
mod urls;

use std::{
    env,
    fs::{self, File},
    path::PathBuf,
    process::Command as Program,
};

use anyhow::{Context, Result, bail};
use clap::{Subcommand, ValueEnum};

use self::{
    docker::Docker,
    guard::Guard,
    native::Native,
    ports::Ports,
    source::Source,
    state::State,
    urls::{Urls, without_password},
};
pub(crate) use self::{
    release::Release,
    search_server::{Serving, while_serving},
};
use crate::checkout::Checkout;

/// The engines' addresses, by the names of the variables that the programs read.
pub(crate) type Variables = Vec<(&'static str, String)>;

/// Tells of the further ways into Kafka, as `<listener's port>:<advertised port>,...`.
const KAFKA_WAYS: &str = "TASKWIRE_KAFKA_WAYS";

/// `cargo xtask stack ...`
#[derive(Subcommand)]
pub(crate) enum Command {
    /// Start the engines, or what of them is down, and write target/stack/env.
    ///
    /// DATABASE_URL, KAFKA_BROKERS and ELASTICSEARCH_URL in the environment are used as they are; else a Docker engine
    /// that answers runs compose.yaml's; else they run as processes of this machine.
    Up {
        /// Start them this way, whatever else is there.
        #[arg(long)]
        only: Option<Kind>,
    },
    /// Stop the engines and remove their data. Downloads are kept.
    Down,
    /// Show each engine; fails when one is down.
    Status,
    /// Stop one engine and keep its data.
    Stop {
        engine: EngineName,
        /// Cut it off, as a power failure would.
        #[arg(long)]
        kill: bool,
    },
    /// Start one engine again, on its old port and data.
    Start { engine: EngineName },
    /// Let one engine neither work nor end (SIGSTOP); it keeps its connections.
    Freeze { engine: EngineName },
    /// Let a frozen engine go on (SIGCONT).
    Thaw { engine: EngineName },
    /// Take the stack down when whoever holds the other end of standard input dies.
    #[command(hide = true)]
    Guard,
}

/// How the engines are run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Kind {
    Native,
    Docker,
}

impl Kind {
    const ALL: [Self; 2] = [Self::Native, Self::Docker];

    fn name(self) -> &'static str {
        match self {
            Self::Native => "native",
            Self::Docker => "docker",
        }
    }
}

/// One of the three engines, under the name that compose.yaml and the command line use.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum EngineName {
    Postgres,
    Kafka,
    Elasticsearch,
}

impl EngineName {
    pub(crate) const ALL: [Self; 3] = [Self::Postgres, Self::Kafka, Self::Elasticsearch];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Postgres => "postgres",
            Self::Kafka => "kafka",
            Self::Elasticsearch => "elasticsearch",
        }
    }
}

/// What can be said about one engine now.
pub(crate) struct Report {
    up: bool,
    /// The release that runs; absent while it is down.
    pub(crate) version: Option<String>,
    /// Its pid or container.
    process: Option<String>,
}

/// Carries out one `stack` command.
pub(crate) fn run(checkout: &Checkout, command: &Command) -> Result<()> {
    match command {
        Command::Up { only } => up(checkout, *only).map(drop),
        Command::Down => down(checkout),
        Command::Status => status(checkout),
        Command::Stop { engine, kill } => stop(checkout, *engine, *kill),
        Command::Start { engine } => start(checkout, *engine),
        Command::Freeze { engine } => freeze(checkout, *engine, true),
        Command::Thaw { engine } => freeze(checkout, *engine, false),
        Command::Guard => guard::watch(checkout),
    }
}

/// Brings up what is not up, and returns the addresses as variables.
pub(crate) fn up(checkout: &Checkout, only: Option<Kind>) -> Result<Variables> {
    bring_up(checkout, only, false)
}

fn bring_up(checkout: &Checkout, only: Option<Kind>, with_kafka_ways: bool) -> Result<Variables> {
    let folder = checkout.stack_folder();
    let _lock = lock(checkout)?;
    let urls = match decide(checkout, only)? {
        Source::Given(urls) => {
            urls.check_reachable()?;
            println!("using the engines that the environment names");
            urls
        }
        Source::Ours(kind) => {
            let mut state = match State::load(&folder) {
                Some(state) => state,
                None => State {
                    kind,
                    ports: Ports::pick(&checkout.fingerprint(), with_kafka_ways)?,
                    programs: None,
                },
            };
            state.save(&folder)?;
            let started = match kind {
                Kind::Native => Native::open(checkout)?.up(&mut state)?,
                Kind::Docker => Docker::open(checkout)
                    .up(state.ports)
                    .map(|()| vec!["docker compose"])?,
            };
            match started.as_slice() {
                [] => println!("already up ({})", kind.name()),
                names => println!("up ({}): started {}", kind.name(), names.join(", ")),
            }
            urls_of(&state)
        }
    };
    env_file::write(&folder, &urls)?;
    for (name, value) in urls.variables() {
        println!("{name}={}", without_password(value));
    }
    Ok(urls
        .variables()
        .map(|(name, value)| (name, value.to_owned()))
        .to_vec())
}

/// Works with the engines up. A stack that was up before stays up; one that was not is taken down again, whatever
/// happens.
pub(crate) fn while_up(checkout: &Checkout, work: impl FnOnce(Variables) -> Result<()>) -> Result<()> {
    if is_any_up(checkout)? {
        return work(up(checkout, None)?);
    }
    let guard = Guard::post(checkout)?;
    let outcome = up(checkout, None).and_then(work);
    let dismissed = guard.dismiss();
    let removed = down(checkout);
    outcome.and(removed).and(dismissed)
}

/// Works with new engines that nobody else uses, as processes of this machine, with further ways into Kafka. They are
/// taken down again, whatever happens, unless they are to be kept for a look; whatever an earlier run kept goes first.
pub(crate) fn while_alone(
    checkout: &Checkout,
    keep: bool,
    work: impl FnOnce(Variables) -> Result<()>,
) -> Result<()> {
    down(checkout)?;
    let guard = Guard::post(checkout)?;
    let outcome = bring_up(checkout, Some(Kind::Native), true).and_then(|mut variables| {
        let ways = State::load(&checkout.stack_folder()).and_then(|state| state.ports.kafka_ways);
        let ways = ways.into_iter().flatten();
        let ways: Vec<_> = ways
            .map(|way| format!("{}:{}", way.listener, way.advertised))
            .collect();
        variables.push((KAFKA_WAYS, ways.join(",")));
        work(variables)
    });
    let dismissed = guard.dismiss();
    let removed = if keep { Ok(()) } else { down(checkout) };
    outcome.and(removed).and(dismissed)
}

/// Takes down whatever this checkout started, and nothing else.
pub(crate) fn down(checkout: &Checkout) -> Result<()> {
    let was_up = take_down(checkout)?;
    println!(
        "{}",
        if was_up {
            "down"
        } else {
            "nothing of this checkout was up"
        }
    );
    Ok(())
}

/// The same, without a word; tells whether there was anything.
fn take_down(checkout: &Checkout) -> Result<bool> {
    let folder = checkout.stack_folder();
    let _lock = lock(checkout)?;
    let state = State::load(&folder);
    if let Some(state) = state.as_ref().filter(|state| state.kind == Kind::Docker) {
        Docker::open(checkout).down(state.ports)?;
    }
    // Looked for in any case: the state may have been lost.
    let found = cfg!(target_os = "linux") && Native::open(checkout)?.down()?;
    env_file::remove(&folder)?;
    State::retire(&folder)?;
    Ok(found || state.is_some())
}

/// Whether an engine that this tool would use is up already, so that it is not ours to take down.
pub(crate) fn is_any_up(checkout: &Checkout) -> Result<bool> {
    Ok(match decide(checkout, None)? {
        Source::Given(_) => true,
        Source::Ours(_) => State::load(&checkout.stack_folder())
            .map(|state| reports(checkout, &state))
            .transpose()?
            .is_some_and(|reports| reports.iter().any(|report| report.up)),
    })
}

/// Whether the engines are this tool's own, to stop and start at will.
pub(crate) fn is_ours(checkout: &Checkout) -> Result<bool> {
    Ok(matches!(decide(checkout, None)?, Source::Ours(_)))
}

/// Whether engines would be run as processes of this machine.
pub(crate) fn can_be_native(checkout: &Checkout) -> Result<bool> {
    Ok(matches!(decide(checkout, None)?, Source::Ours(Kind::Native)))
}

/// Each engine's release, in the order of `EngineName::ALL`.
pub(crate) fn versions(checkout: &Checkout) -> Result<[String; 3]> {
    let reports = match decide(checkout, None)? {
        Source::Given(urls) => given_reports(&urls),
        Source::Ours(_) => {
            let state = State::load(&checkout.stack_folder()).context("no stack is up")?;
            reports(checkout, &state)?
        }
    };
    Ok(reports.map(|report| report.version.unwrap_or_else(|| "down".to_owned())))
}

fn status(checkout: &Checkout) -> Result<()> {
    let source = decide(checkout, None)?;
    let ours = matches!(source, Source::Ours(_));
    let (kind, urls, reports) = match source {
        Source::Given(urls) => ("given", urls.clone(), given_reports(&urls)),
        Source::Ours(_) => {
            let Some(state) = State::load(&checkout.stack_folder()) else {
                bail!("no stack is up: `cargo xtask stack up`");
            };
            (state.kind.name(), urls_of(&state), reports(checkout, &state)?)
        }
    };
    for ((name, (_, url)), report) in EngineName::ALL.iter().zip(urls.variables()).zip(&reports) {
        println!(
            "{:<14} {:<5} {:<7} {:<52} {:<12} {}",
            name.name(),
            if report.up { "up" } else { "down" },
            kind,
            without_password(url),
            report.version.as_deref().unwrap_or("-"),
            report.process.as_deref().unwrap_or("-"),
        );
    }
    if reports.iter().all(|report| report.up) {
        return Ok(());
    }
    bail!("not everything is up: {}", remedy(ours))
}

/// What helps when an engine is down: only our own are ours to start.
fn remedy(ours: bool) -> &'static str {
    if ours {
        "`cargo xtask stack up` starts what is down"
    } else {
        "start what is down yourself, or unset DATABASE_URL, KAFKA_BROKERS and ELASTICSEARCH_URL to have engines \
         started for you"
    }
}

fn stop(checkout: &Checkout, engine: EngineName, kill: bool) -> Result<()> {
    let _locks = lock_engine(checkout, engine)?;
    let state = own_state(checkout)?;
    match state.kind {
        Kind::Native => Native::open(checkout)?.stop(engine, kill)?,
        Kind::Docker => Docker::open(checkout).stop(state.ports, engine, kill)?,
    }
    println!("{} {}", engine.name(), if kill { "killed" } else { "stopped" });
    Ok(())
}

fn freeze(checkout: &Checkout, engine: EngineName, frozen: bool) -> Result<()> {
    let _locks = lock_engine(checkout, engine)?;
    let state = own_state(checkout)?;
    match state.kind {
        Kind::Native => Native::open(checkout)?.freeze(engine, frozen)?,
        Kind::Docker => Docker::open(checkout).freeze(state.ports, engine, frozen)?,
    }
    println!("{} {}", engine.name(), if frozen { "frozen" } else { "thawed" });
    Ok(())
}

fn start(checkout: &Checkout, engine: EngineName) -> Result<()> {
    let _locks = lock_engine(checkout, engine)?;
    let state = own_state(checkout)?;
    match state.kind {
        Kind::Native => Native::open(checkout)?.start(&state, engine)?,
        Kind::Docker => Docker::open(checkout).start(state.ports, engine)?,
    }
    println!("{} is up", engine.name());
    Ok(())
}

fn own_state(checkout: &Checkout) -> Result<State> {
    State::load(&checkout.stack_folder()).context(
        "single engines can be stopped and started only in a stack that `cargo xtask stack up` started",
    )
}

fn decide(checkout: &Checkout, only: Option<Kind>) -> Result<Source> {
    let given = match only {
        Some(_) => None,
        None => Urls::from_variables(|name| env::var(name).ok())?,
    };
    let folder = checkout.stack_folder();
    let (started, previous) = (State::load(&folder), State::load_previous(&folder));
    let own: Vec<Urls> = started.iter().chain(&previous).map(urls_of).collect();
    let started = started.map(|state| state.kind);
    source::choose(only, given, started, &own, source::docker_is_usable)
}

fn urls_of(state: &State) -> Urls {
    match state.kind {
        Kind::Native => Native::urls(state),
        Kind::Docker => Docker::urls(state.ports),
    }
}

fn reports(checkout: &Checkout, state: &State) -> Result<[Report; 3]> {
    Ok(match state.kind {
        Kind::Native => Native::open(checkout)?.report(state),
        Kind::Docker => Docker::open(checkout).report(state),
    })
}

/// What can be learnt about engines that somebody else runs.
fn given_reports(urls: &Urls) -> [Report; 3] {
    let reached = urls.reached();
    let versions = [
        postgres_version(&urls.database),
        Some("given by KAFKA_BROKERS".to_owned()),
        elasticsearch::version_of(&urls.elasticsearch).ok(),
    ];
    let mut versions = versions.into_iter();
    reached.map(|up| {
        let version = versions.next().flatten();
        Report {
            up,
            version: up.then(|| version.unwrap_or_else(|| "unknown".to_owned())),
            process: None,
        }
    })
}

fn postgres_version(url: &str) -> Option<String> {
    let mut psql = Program::new(postgres::find_psql()?);
    psql.args(["-X", "-Atq", "-d", url, "-c", "show server_version"]);
    process::run_to_end("asking PostgreSQL", &mut psql)
        .ok()
        .map(|answer| answer.trim().to_owned())
}

/// Held while the stack is changed, so that two commands in one checkout do not get in each other's way. The kernel
/// lets go of it when this process ends, however it ends.
fn lock(checkout: &Checkout) -> Result<File> {
    let (file, path) = lock_file(checkout, "lock")?;
    if file.try_lock().is_err() {
        eprintln!("waiting for another `cargo xtask stack` in this checkout ...");
        file.lock()
            .with_context(|| format!("cannot lock {}", path.display()))?;
    }
    Ok(file)
}

/// Held while one engine is stopped or started: the others can be at the same time, the stack as a whole cannot.
fn lock_engine(checkout: &Checkout, engine: EngineName) -> Result<[File; 2]> {
    let (stack, path) = lock_file(checkout, "lock")?;
    stack
        .lock_shared()
        .with_context(|| format!("cannot lock {}", path.display()))?;
    let (own, path) = lock_file(checkout, &format!("lock.{}", engine.name()))?;
    own.lock()
        .with_context(|| format!("cannot lock {}", path.display()))?;
    Ok([stack, own])
}

fn lock_file(checkout: &Checkout, name: &str) -> Result<(File, PathBuf)> {
    let folder = checkout.stack_folder();
    fs::create_dir_all(&folder).with_context(|| format!("cannot create {}", folder.display()))?;
    let path = folder.join(name);
    let file = File::create(&path).with_context(|| format!("cannot write {}", path.display()))?;
    Ok((file, path))
}
