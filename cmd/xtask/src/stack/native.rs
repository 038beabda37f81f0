//! The engines as plain processes of this machine, all under `target/stack`.

use std::{
    fs,
    path::{Path, PathBuf},
};

use anyhow::{Context, Result, bail};

use super::{
    EngineName, Report,
    account::{self, Account},
    elasticsearch::{self, Elasticsearch},
    engine::{self, Engine, Footprint},
    java,
    kafka::{self, Kafka},
    maven, packages,
    postgres::{self, Postgres},
    release::Release,
    state::{Programs, State},
    urls::Urls,
};
use crate::checkout::Checkout;

/// This checkout's native stack.
pub(crate) struct Native {
    account: Account,
    /// Data, logs and fetched programs.
    folder: PathBuf,
    /// `target/stack`, or the other stack's folder, where the state is.
    home: PathBuf,
    /// Fetched programs: those of the usual stack, whichever this is.
    dist: PathBuf,
}

impl Native {
    pub(crate) fn open(checkout: &Checkout) -> Result<Self> {
        if !cfg!(target_os = "linux") {
            bail!(
                "engines without Docker are started on Linux only: start Docker, or give the URLs of your own"
            );
        }
        let account = Account::choose()?;
        let folder = account.engine_folder(checkout)?;
        let dist = account.engine_folder(&checkout.with_usual_stack())?.join("dist");
        Ok(Self {
            account,
            folder,
            home: checkout.stack_folder(),
            dist,
        })
    }

    /// Fetches what is missing and starts what is not running. Returns the names of the engines it started.
    pub(crate) fn up(&self, state: &mut State) -> Result<Vec<&'static str>> {
        if self.folder != self.home {
            account::claim(&self.folder)?;
            let (folder, home) = (self.folder.display(), self.home.display());
            eprintln!(
                "the engines' account cannot reach {home}: their programs, data and logs are in {folder}"
            );
        }
        let programs = match state.programs.take().filter(Programs::are_there) {
            Some(programs) => programs,
            None => self.provide()?,
        };
        state.programs = Some(programs.clone());
        state.save(&self.home)?;
        let logs = self.folder.join("logs");
        fs::create_dir_all(&logs).with_context(|| format!("cannot create {}", logs.display()))?;
        let engines = self.engines(state, &programs);
        engine::start(&engines.each_ref().map(AsRef::as_ref), &logs)
    }

    /// Ends every process and removes the data; fetched programs and logs stay.
    pub(crate) fn down(&self) -> Result<bool> {
        let mut found = false;
        for footprint in self.footprints() {
            found |= !footprint.signature.find().is_empty();
            footprint.stop(false)?;
            let mut draft = footprint.folder.clone().into_os_string();
            draft.push(".partial");
            for folder in [footprint.folder, draft.into()] {
                if folder.exists() {
                    fs::remove_dir_all(&folder)
                        .with_context(|| format!("cannot remove {}", folder.display()))?;
                }
            }
        }
        Ok(found)
    }

    pub(crate) fn stop(&self, name: EngineName, kill: bool) -> Result<()> {
        self.footprints()[name as usize].stop(kill)
    }

    pub(crate) fn freeze(&self, name: EngineName, frozen: bool) -> Result<()> {
        self.footprints()[name as usize].freeze(frozen)
    }

    pub(crate) fn start(&self, state: &State, name: EngineName) -> Result<()> {
        let programs = state
            .programs
            .as_ref()
            .context("the stack never was up: `cargo xtask stack up`")?;
        let engine = &self.engines(state, programs)[name as usize];
        engine::start(&[engine.as_ref()], &self.folder.join("logs")).map(drop)
    }

    pub(crate) fn report(&self, state: &State) -> [Report; 3] {
        let engines = state
            .programs
            .as_ref()
            .map(|programs| self.engines(state, programs));
        let footprints = self.footprints();
        EngineName::ALL.map(|name| {
            let index = name as usize;
            let engine = engines.as_ref().map(|engines| engines[index].as_ref());
            let up = engine.is_some_and(engine::is_up);
            let version = engine.filter(|_| up).map(engine_version);
            Report {
                up,
                version,
                process: footprints[index]
                    .signature
                    .find()
                    .first()
                    .map(|pid| format!("pid {pid}")),
            }
        })
    }

    pub(crate) fn urls(state: &State) -> Urls {
        Urls {
            database: Postgres::url(state.ports.postgres),
            kafka: Kafka::brokers(state.ports.kafka),
            elasticsearch: Elasticsearch::url(state.ports.elasticsearch),
        }
    }

    /// In the order of `EngineName::ALL`.
    fn engines(&self, state: &State, programs: &Programs) -> [Box<dyn Engine>; 3] {
        let (account, folder, ports) = (self.account, self.folder.as_path(), state.ports);
        let Programs {
            postgres,
            java,
            kafka,
            elasticsearch,
        } = programs.clone();
        [
            Box::new(Postgres::new(account, postgres, folder, ports.postgres)),
            Box::new(Kafka::new(account, java.clone(), kafka, folder, ports)),
            Box::new(Elasticsearch::new(
                account,
                Release::for_java(&java),
                java,
                elasticsearch,
                folder,
                ports,
            )),
        ]
    }

    /// In the order of `EngineName::ALL`.
    fn footprints(&self) -> [Footprint; 3] {
        let folder: &Path = &self.folder;
        [
            postgres::footprint(folder),
            kafka::footprint(folder),
            elasticsearch::footprint(folder),
        ]
    }

    fn provide(&self) -> Result<Programs> {
        let dist = &self.dist;
        if let Some(usual) = dist.parent().filter(|usual| !usual.exists()) {
            account::claim(usual)?;
        }
        fs::create_dir_all(dist).with_context(|| format!("cannot create {}", dist.display()))?;
        let missing = [
            postgres::missing(),
            java::missing(&self.account)?,
            maven::missing(),
        ];
        packages::install(&missing.into_iter().flatten().collect::<Vec<_>>())?;
        let postgres = postgres::find()
            .context("PostgreSQL was installed, and yet neither /usr/lib/postgresql nor PATH has `initdb`")?;
        let java =
            java::find(&self.account).context("Java was installed, and yet none was found that runs")?;
        let kafka = kafka::fetch(&self.account, dist)?;
        let elasticsearch = Release::for_java(&java).fetch(&self.account, dist)?;
        Ok(Programs {
            postgres,
            java,
            kafka,
            elasticsearch,
        })
    }
}

fn engine_version(engine: &dyn Engine) -> String {
    engine
        .version()
        .unwrap_or_else(|error| format!("unknown ({error:#})"))
}
