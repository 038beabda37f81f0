//! A search server from Maven Central: Elasticsearch, or OpenSearch, which is run in the same way.

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
    java::Java,
    ports::Ports,
    process::{Signal, Signature},
    release::{Product, Release},
};

/// Its name on the command line and its folder.
const NAME: &str = "elasticsearch";
const PROBE_TIMEOUT: Duration = Duration::from_secs(3);

/// A private search server.
pub(crate) struct Elasticsearch {
    account: Account,
    release: Release,
    java: Java,
    home: PathBuf,
    stack: PathBuf,
    ports: Ports,
}

impl Elasticsearch {
    pub(crate) fn new(
        account: Account,
        release: Release,
        java: Java,
        home: PathBuf,
        stack: &Path,
        ports: Ports,
    ) -> Self {
        Self {
            account,
            release,
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
        let own = self.home.join("config");
        fs::copy(own.join("log4j2.properties"), settings.join("log4j2.properties"))
            .context("cannot copy the server's own log4j2.properties")?;
        let options = fs::read_to_string(own.join("jvm.options"))
            .context("cannot read the server's own jvm.options")?;
        engine::write(&settings.join("jvm.options"), &without_files(&options))?;
        engine::write(
            &settings.join("jvm.options.d/heap.options"),
            "-Xms768m\n-Xmx768m\n",
        )?;
        engine::write(
            &settings.join(format!("{}.yml", self.release.product.program())),
            &server_settings(self.release.product, &self.stack.join(NAME), self.ports),
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
        let product = self.release.product;
        let mut command = self
            .account
            .command(self.home.join("bin").join(product.program()));
        // Detached (-d), the launcher leaves once the server is up: then the server is the one process to stop.
        if self.release.detaches() {
            command.arg("-d");
        }
        command.arg("-p").arg(pid_file(&folder)).current_dir(&folder);
        let own = |name: &str| format!("{}_{name}", product.variables());
        command
            .env(own("JAVA_HOME"), &self.java.home)
            .env(own("PATH_CONF"), folder.join("config"));
        command.env(own("TMPDIR"), scratch(&folder)).env("HOME", &folder);
        command
            .env_remove(own("JAVA_OPTS"))
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

/// The server's own options without those that name files: older launchers mean them to lie beside the programs.
fn without_files(options: &str) -> String {
    let is_kept = |line: &&str| {
        !["-XX:HeapDumpPath=", "-XX:ErrorFile=", "-Xlog", "-Xloggc"]
            .iter()
            .any(|option| line.contains(option))
    };
    let kept: Vec<&str> = options.lines().filter(is_kept).collect();
    kept.join("\n") + "\n"
}

fn server_settings(product: Product, folder: &Path, ports: Ports) -> String {
    let Ports {
        elasticsearch,
        elasticsearch_transport,
        ..
    } = ports;
    let security = match product {
        Product::Elasticsearch => "xpack.security.enabled: false\n",
        Product::OpenSearch => "",
    };
    format!(
        "\
cluster.name: taskwire-stack
discovery.type: single-node
network.host: 127.0.0.1
http.port: {elasticsearch}
transport.port: {elasticsearch_transport}
path.data: {data}
path.logs: {logs}
{security}cluster.routing.allocation.disk.threshold_enabled: false
cluster.max_shards_per_node: 5000
",
        data = folder.join("data").display(),
        logs = folder.join("logs").display(),
    )
}

#[cfg(test)]
mod tests {
    use super::{version_in, without_files};

    #[test]
    fn the_version_is_the_nodes_own() {
        let answer = r#"{"nodes":{"kQ3k":{"version":"9.2.4"}}}"#;
        assert_eq!(version_in(answer).as_deref(), Some("9.2.4"));
        assert_eq!(version_in("{}"), None);
    }

    #[test]
    fn nothing_is_written_beside_the_programs() {
        let options = "# heap\n-XX:+UseG1GC\n9-:-Xlog:gc*:file=logs/gc.log\n-XX:HeapDumpPath=data\n";
        assert_eq!(without_files(options), "# heap\n-XX:+UseG1GC\n");
    }
}
