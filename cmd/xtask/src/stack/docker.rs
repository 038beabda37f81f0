//! The engines as containers of `compose.yaml`.

use std::{
    path::PathBuf,
    process::{Command, Stdio},
};

use anyhow::{Context, Result, bail};

use super::{
    EngineName, Report,
    elasticsearch::{self, Elasticsearch},
    kafka::Kafka,
    ports::Ports,
    postgres::{self, Postgres},
    process::run_to_end,
    state::State,
    urls::Urls,
};
use crate::{checkout::Checkout, progress};

/// This checkout's containers, under a project name of its own.
pub(crate) struct Docker {
    file: PathBuf,
    project: String,
}

impl Docker {
    pub(crate) fn open(checkout: &Checkout) -> Self {
        Self {
            file: checkout.root().join("compose.yaml"),
            project: format!("taskwire-{}", checkout.fingerprint()),
        }
    }

    /// Whether a Docker engine answers and its client can compose.
    pub(crate) fn is_usable() -> bool {
        let succeeds = |arguments: &[&str]| {
            let mut docker = Command::new("docker");
            docker
                .args(arguments)
                .stdin(Stdio::null())
                .stdout(Stdio::null())
                .stderr(Stdio::null());
            docker.status().is_ok_and(|status| status.success())
        };
        if !succeeds(&["info"]) {
            return false;
        }
        let composes = succeeds(&["compose", "version"]);
        if !composes {
            eprintln!(
                "a Docker engine answers, but its client has no `docker compose`: starting without Docker"
            );
        }
        composes
    }

    pub(crate) fn up(&self, ports: Ports) -> Result<()> {
        progress::step("starting the engines with docker compose", || {
            self.compose(
                ports,
                &["up", "--detach", "--wait", "postgres", "kafka", "elasticsearch"],
            )
        })
    }

    pub(crate) fn down(&self, ports: Ports) -> Result<()> {
        self.compose(ports, &["down", "--volumes", "--remove-orphans"])
    }

    pub(crate) fn stop(&self, ports: Ports, name: EngineName, kill: bool) -> Result<()> {
        self.compose(ports, &[if kill { "kill" } else { "stop" }, name.name()])
    }

    pub(crate) fn freeze(&self, ports: Ports, name: EngineName, frozen: bool) -> Result<()> {
        self.compose(ports, &[if frozen { "pause" } else { "unpause" }, name.name()])
    }

    pub(crate) fn start(&self, ports: Ports, name: EngineName) -> Result<()> {
        self.compose(ports, &["up", "--detach", "--wait", name.name()])
    }

    pub(crate) fn report(&self, state: &State) -> [Report; 3] {
        let reached = Self::urls(state.ports).reached();
        EngineName::ALL.map(|name| {
            let container = self.container(state.ports, name);
            let version = container.as_ref().map(|container| {
                let version = self.version(state, name, container);
                version.unwrap_or_else(|error| format!("unknown ({error:#})"))
            });
            let process = container
                .as_ref()
                .map(|id| format!("container {}", id.get(..12).unwrap_or(id)));
            Report {
                up: container.is_some() && reached[name as usize],
                version,
                process,
            }
        })
    }

    pub(crate) fn urls(ports: Ports) -> Urls {
        Urls {
            database: Postgres::url(ports.postgres),
            kafka: Kafka::brokers(ports.kafka),
            elasticsearch: Elasticsearch::url(ports.elasticsearch),
        }
    }

    /// The id of the engine's container, if it runs.
    fn container(&self, ports: Ports, name: EngineName) -> Option<String> {
        let mut command = self.command(ports);
        command.args(["ps", "--quiet", "--status", "running", name.name()]);
        let printed = run_to_end("looking for the container", &mut command).ok()?;
        printed
            .lines()
            .next()
            .map(|id| id.trim().to_owned())
            .filter(|id| !id.is_empty())
    }

    fn version(&self, state: &State, name: EngineName, container: &str) -> Result<String> {
        match name {
            EngineName::Postgres => {
                let mut command = self.command(state.ports);
                command.args([
                    "exec",
                    "-T",
                    "postgres",
                    "psql",
                    "-U",
                    "taskwire",
                    "-Atc",
                    "show server_version",
                ]);
                Ok(postgres::short_version(&run_to_end(
                    "asking PostgreSQL",
                    &mut command,
                )?))
            }
            EngineName::Kafka => {
                let mut command = Command::new("docker");
                command.args(["inspect", "--format", "{{.Config.Image}}", container]);
                let image = run_to_end("asking Docker for Kafka's image", &mut command)?;
                let (_, tag) = image
                    .trim()
                    .rsplit_once(':')
                    .context("Kafka's image has no tag")?;
                Ok(tag.to_owned())
            }
            EngineName::Elasticsearch => {
                elasticsearch::version_of(&Elasticsearch::url(state.ports.elasticsearch))
            }
        }
    }

    fn compose(&self, ports: Ports, arguments: &[&str]) -> Result<()> {
        let mut command = self.command(ports);
        let status = command.args(arguments).status().context("cannot run docker")?;
        if !status.success() {
            bail!("docker compose {} ended with {status}", arguments.join(" "));
        }
        Ok(())
    }

    fn command(&self, ports: Ports) -> Command {
        let mut command = Command::new("docker");
        command
            .args(["compose", "--project-name", &self.project, "--file"])
            .arg(&self.file);
        command.env("POSTGRES_PORT", ports.postgres.to_string());
        command.env("KAFKA_PORT", ports.kafka.to_string());
        command.env("ELASTICSEARCH_PORT", ports.elasticsearch.to_string());
        command
    }
}
