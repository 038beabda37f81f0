//! PostgreSQL from the system's packages: a data folder and a port of our own.

use std::{
    env, fs,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use anyhow::{Context, Result};

use super::{
    account::Account,
    engine::{self, Engine, Footprint},
    maven::find_on_path,
    packages::{self, Missing},
    process::{Signal, Signature, run_to_end},
};

const HOST: &str = "127.0.0.1";
/// The owner of everything, and the database that `DATABASE_URL` leads to.
const NAME: &str = "taskwire";

/// A private PostgreSQL.
pub(crate) struct Postgres {
    account: Account,
    programs: PathBuf,
    stack: PathBuf,
    folder: PathBuf,
    port: u16,
}

impl Postgres {
    pub(crate) fn new(account: Account, programs: PathBuf, stack: &Path, port: u16) -> Self {
        Self {
            account,
            programs,
            stack: stack.to_owned(),
            folder: stack.join("postgres"),
            port,
        }
    }

    pub(crate) fn url(port: u16) -> String {
        format!("postgres://{NAME}@{HOST}:{port}/{NAME}")
    }

    fn initialise(&self, folder: &Path) -> Result<()> {
        self.account.hand_over(folder)?;
        let data = data(folder);
        let mut initdb = self.account.command(self.programs.join("initdb"));
        initdb
            .current_dir(folder)
            .arg("-D")
            .arg(&data)
            .args(["-U", NAME, "-A", "trust"]);
        initdb.args(["--encoding=UTF8", "--locale=C.UTF-8"]);
        run_to_end("creating the database folder", &mut initdb)?;
        let settings = data.join("postgresql.conf");
        let defaults =
            fs::read_to_string(&settings).with_context(|| format!("cannot read {}", settings.display()))?;
        // Sockets in the file system are off: their path may be 107 bytes at most, and a checkout's may be longer.
        let ours = format!(
            "\n# This stack's own. fsync stays on: tests are to see what production sees.\n\
             listen_addresses = '{HOST}'\nport = {}\nunix_socket_directories = ''\nmax_connections = 300\n\
             timezone = 'UTC'\n",
            self.port
        );
        engine::write(&settings, &(defaults + &ours))
    }

    fn query(&self, database: &str, statement: &str) -> Result<String> {
        let mut psql = Command::new(self.programs.join("psql"));
        psql.args([
            "-X",
            "-A",
            "-t",
            "-q",
            "-v",
            "ON_ERROR_STOP=1",
            "-h",
            HOST,
            "-U",
            NAME,
            "-d",
            database,
        ]);
        psql.args(["-p", &self.port.to_string(), "-c", statement]);
        Ok(run_to_end("asking PostgreSQL", &mut psql)?.trim().to_owned())
    }
}

impl Engine for Postgres {
    fn footprint(&self) -> Footprint {
        footprint(&self.stack)
    }

    fn port(&self) -> u16 {
        self.port
    }

    fn prepare(&self) -> Result<()> {
        engine::fill_once(&self.folder, |draft| self.initialise(draft))
    }

    fn command(&self) -> Command {
        let mut command = self.account.command(self.programs.join("postgres"));
        command
            .arg("-D")
            .arg(data(&self.folder))
            .current_dir(&self.folder);
        command
    }

    fn answers(&self) -> bool {
        let mut probe = Command::new(self.programs.join("pg_isready"));
        probe.args([
            "-q",
            "-t",
            "2",
            "-h",
            HOST,
            "-p",
            &self.port.to_string(),
            "-U",
            NAME,
            "-d",
            "postgres",
        ]);
        probe
            .stderr(Stdio::null())
            .status()
            .is_ok_and(|status| status.success())
    }

    fn finish(&self) -> Result<()> {
        let found = self.query(
            "postgres",
            &format!("select 1 from pg_database where datname = '{NAME}'"),
        )?;
        if found.is_empty() {
            self.query("postgres", &format!("create database {NAME}"))?;
        }
        Ok(())
    }

    fn version(&self) -> Result<String> {
        let answer = self.query(NAME, "show server_version")?;
        Ok(short_version(&answer))
    }
}

/// Recognises the server by its data folder. SIGTERM would wait until its last client has left.
pub(crate) fn footprint(stack: &Path) -> Footprint {
    let folder = stack.join("postgres");
    let signature = Signature::new(
        &["postgres", "postmaster"],
        vec![data(&folder).display().to_string()],
    );
    Footprint {
        name: "postgres",
        folder,
        signature,
        stop_signal: Signal::Interrupt,
    }
}

fn data(folder: &Path) -> PathBuf {
    folder.join("data")
}

/// What has to be installed first, if anything.
pub(crate) fn missing() -> Option<Missing> {
    find().is_none().then_some(Missing {
        what: "the PostgreSQL server",
        package: packages::POSTGRES,
    })
}

/// The folder of the newest server programs. Debian keeps them off `PATH`, one folder a release.
pub(crate) fn find() -> Option<PathBuf> {
    let releases = fs::read_dir("/usr/lib/postgresql")
        .into_iter()
        .flatten()
        .flatten();
    let debian = releases.map(|release| release.path().join("bin"));
    let path = env::var_os("PATH").unwrap_or_default();
    let candidates: Vec<PathBuf> = debian.chain(env::split_paths(&path)).collect();
    let complete = candidates.into_iter().filter(|folder| {
        ["initdb", "postgres", "psql", "pg_isready"]
            .iter()
            .all(|program| folder.join(program).is_file())
    });
    complete.max_by_key(|folder| release_of(folder))
}

/// A `psql` to ask servers with that are not ours.
pub(crate) fn find_psql() -> Option<PathBuf> {
    find_on_path("psql").or_else(|| find().map(|folder| folder.join("psql")))
}

/// The number alone: Debian's builds add their own to it.
pub(crate) fn short_version(answer: &str) -> String {
    answer.split_whitespace().next().unwrap_or_default().to_owned()
}

fn release_of(folder: &Path) -> u32 {
    let output = Command::new(folder.join("postgres")).arg("--version").output();
    output
        .ok()
        .and_then(|output| parse_release(&String::from_utf8_lossy(&output.stdout)))
        .unwrap_or(0)
}

/// The major release in `postgres (PostgreSQL) 15.18 (Debian 15.18-0+deb12u1)`.
fn parse_release(answer: &str) -> Option<u32> {
    let (_, version) = answer.split_once("(PostgreSQL) ")?;
    let digits: String = version.chars().take_while(char::is_ascii_digit).collect();
    digits.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::parse_release;

    #[test]
    fn the_major_release_is_read_from_the_servers_own_words() {
        assert_eq!(
            parse_release("postgres (PostgreSQL) 15.18 (Debian 15.18-0+deb12u1)\n"),
            Some(15)
        );
        assert_eq!(parse_release("postgres (PostgreSQL) 18beta1"), Some(18));
        assert_eq!(parse_release(""), None);
    }
}
