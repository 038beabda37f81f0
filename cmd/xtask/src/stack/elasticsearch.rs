//! Elasticsearch from Maven Central: the true server with a short list of modules.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
    time::Duration,
};

use anyhow::{Context, Result};
use serde_json::Value;

use super::{
    account::Account,
    engine::{self, Engine, Footprint},
    java::{self, Java},
    maven::{self, Artifact, Layout},
    ports::Ports,
    process::{Signal, Signature},
};

/// On Java 21 or newer.
const VERSION: &str = "9.2.4";
/// On Java 17, where nothing newer is to be had.
const FALLBACK: &str = "8.19.0";
/// Its name on the command line and its folder.
const NAME: &str = "elasticsearch";
const PROBE_TIMEOUT: Duration = Duration::from_secs(3);

/// A private Elasticsearch.
pub(crate) struct Elasticsearch {
    account: Account,
    java: Java,
    home: PathBuf,
    stack: PathBuf,
    ports: Ports,
}

impl Elasticsearch {
    pub(crate) fn new(account: Account, java: Java, home: PathBuf, stack: &Path, ports: Ports) -> Self {
        Self {
            account,
            java,
            home,
            stack: stack.to_owned(),
            ports,
        }
    }

    pub(crate) fn url(port: u16) -> String {
        format!("http://127.0.0.1:{port}")
    }

    fn initialise(&self, folder: &Path) -> Result<()> {
        let settings = folder.join("config");
        for part in ["config/jvm.options.d", "data", "logs", "tmp"] {
            let part = folder.join(part);
            fs::create_dir_all(&part).with_context(|| format!("cannot create {}", part.display()))?;
        }
        for file in ["jvm.options", "log4j2.properties"] {
            fs::copy(self.home.join("config").join(file), settings.join(file))
                .with_context(|| format!("cannot copy Elasticsearch's own {file}"))?;
        }
        engine::write(
            &settings.join("jvm.options.d/heap.options"),
            "-Xms768m\n-Xmx768m\n",
        )?;
        engine::write(
            &settings.join("elasticsearch.yml"),
            &server_settings(&self.stack.join(NAME), self.ports),
        )?;
        self.account.hand_over(folder)
    }
}

impl Engine for Elasticsearch {
    fn footprint(&self) -> Footprint {
        footprint(&self.stack)
    }

    fn port(&self) -> u16 {
        self.ports.elasticsearch
    }

    fn prepare(&self) -> Result<()> {
        engine::fill_once(&self.stack.join(NAME), |draft| self.initialise(draft))
    }

    fn command(&self) -> Command {
        let folder = self.stack.join(NAME);
        let mut command = self.account.command(self.home.join("bin/elasticsearch"));
        // Detached (-d), the launcher leaves once the server is up: then the server is the one process to stop.
        command
            .args(["-d", "-p"])
            .arg(pid_file(&folder))
            .current_dir(&folder);
        command
            .env("ES_JAVA_HOME", &self.java.home)
            .env("ES_PATH_CONF", folder.join("config"));
        command.env("ES_TMPDIR", scratch(&folder)).env("HOME", &folder);
        command
            .env_remove("ES_JAVA_OPTS")
            .env_remove("JAVA_HOME")
            .env_remove("CLI_JAVA_OPTS");
        command
    }

    fn answers(&self) -> bool {
        is_healthy(&Self::url(self.ports.elasticsearch))
    }

    fn version(&self) -> Result<String> {
        version_of(&Self::url(self.ports.elasticsearch))
    }
}

/// Recognises the launching shell and the launcher by the pid file they were told of, the server by its scratch folder.
pub(crate) fn footprint(stack: &Path) -> Footprint {
    let folder = stack.join(NAME);
    let arguments = vec![
        pid_file(&folder).display().to_string(),
        format!("-Djava.io.tmpdir={}", scratch(&folder).display()),
    ];
    let signature = Signature::new(&["bash", "java"], arguments);
    Footprint {
        name: NAME,
        folder,
        signature,
        stop_signal: Signal::Terminate,
    }
}

fn pid_file(folder: &Path) -> PathBuf {
    folder.join("server.pid")
}

fn scratch(folder: &Path) -> PathBuf {
    folder.join("tmp")
}

/// The folder of the release that this Java can run.
pub(crate) fn fetch(account: &Account, java: &Java, dist: &Path) -> Result<PathBuf> {
    let version = if java.release >= java::PREFERRED {
        VERSION
    } else {
        FALLBACK
    };
    let artifact = Artifact {
        group: "org.elasticsearch.distribution.integ-test-zip",
        name: "elasticsearch",
        version,
        kind: "zip",
    };
    let name = format!("elasticsearch-{version}");
    let unpacked = maven::fetch(account, dist, &name, &[artifact], Layout::Unpacked)?;
    // The zip holds one folder, named with a suffix that differs between releases.
    let mut inner = fs::read_dir(&unpacked)?.flatten().map(|entry| entry.path());
    inner
        .find(|path| path.join("bin/elasticsearch").is_file())
        .with_context(|| {
            format!(
                "no Elasticsearch in {}: remove it and try again",
                unpacked.display()
            )
        })
}

/// The release a server reports. `GET /` is no use: the build from Maven Central answers it with 405.
pub(crate) fn version_of(url: &str) -> Result<String> {
    let answer = get(url, "/_nodes/_local?filter_path=nodes.*.version")?;
    version_in(&answer).with_context(|| format!("no version in the answer of {url}: {answer}"))
}

fn version_in(answer: &str) -> Option<String> {
    let answer: Value = serde_json::from_str(answer).ok()?;
    let node = answer.get("nodes")?.as_object()?.values().next()?;
    Some(node.get("version")?.as_str()?.to_owned())
}

fn is_healthy(url: &str) -> bool {
    get(url, "/_cluster/health?wait_for_status=yellow&timeout=1s").is_ok()
}

fn get(url: &str, path: &str) -> Result<String> {
    let agent = ureq::Agent::config_builder()
        .timeout_global(Some(PROBE_TIMEOUT))
        .build()
        .new_agent();
    let address = format!("{}{path}", url.trim_end_matches('/'));
    let mut answer = agent
        .get(&address)
        .call()
        .with_context(|| format!("cannot get {path} of Elasticsearch"))?;
    answer
        .body_mut()
        .read_to_string()
        .context("cannot read Elasticsearch's answer")
}

fn server_settings(folder: &Path, ports: Ports) -> String {
    let Ports {
        elasticsearch,
        elasticsearch_transport,
        ..
    } = ports;
    format!(
        "\
cluster.name: taskwire-stack
discovery.type: single-node
network.host: 127.0.0.1
http.port: {elasticsearch}
transport.port: {elasticsearch_transport}
path.data: {data}
path.logs: {logs}
xpack.security.enabled: false
cluster.routing.allocation.disk.threshold_enabled: false
cluster.max_shards_per_node: 5000
",
        data = folder.join("data").display(),
        logs = folder.join("logs").display(),
    )
}

#[cfg(test)]
mod tests {
    use super::version_in;

    #[test]
    fn the_version_is_the_nodes_own() {
        let answer = r#"{"nodes":{"kQ3k":{"version":"9.2.4"}}}"#;
        assert_eq!(version_in(answer).as_deref(), Some("9.2.4"));
        assert_eq!(version_in("{}"), None);
    }
}
