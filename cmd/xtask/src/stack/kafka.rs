//! Kafka from Maven Central: one node that is broker and controller, started as plain Java.

use std::{
    fs,
    io::{Read, Write},
    net::{SocketAddr, TcpStream},
    path::{Path, PathBuf},
    process::Command,
    time::Duration,
};

use anyhow::{Context, Result};

use super::{
    account::Account,
    engine::{self, Engine, Footprint},
    java::Java,
    maven::{self, Artifact, Layout},
    ports::{KafkaWay, Ports},
    process::{Signal, Signature, run_to_end},
};

const VERSION: &str = "4.1.1";
/// Its name on the command line and its folder.
const NAME: &str = "kafka";
/// Sixteen bytes in base64; one node has nobody to differ from.
const CLUSTER_ID: &str = "dGFza3dpcmUtc3RhY2stMQ";
const PROBE_TIMEOUT: Duration = Duration::from_secs(2);

/// A private Kafka.
pub(crate) struct Kafka {
    account: Account,
    java: Java,
    jars: PathBuf,
    stack: PathBuf,
    folder: PathBuf,
    ports: Ports,
}

impl Kafka {
    pub(crate) fn new(account: Account, java: Java, jars: PathBuf, stack: &Path, ports: Ports) -> Self {
        Self {
            account,
            java,
            jars,
            stack: stack.to_owned(),
            folder: stack.join(NAME),
            ports,
        }
    }

    pub(crate) fn brokers(port: u16) -> String {
        format!("127.0.0.1:{port}")
    }

    fn initialise(&self, folder: &Path) -> Result<()> {
        engine::write(&settings(folder), &server_properties(&self.folder, self.ports))?;
        engine::write(&folder.join("log4j2.properties"), LOG_SETTINGS)?;
        self.account.hand_over(folder)
    }

    /// Gives the data folder its identity; doing it again changes nothing.
    fn format(&self) -> Result<()> {
        if self.folder.join("data/meta.properties").exists() {
            return Ok(());
        }
        let mut format = self.account.command(self.java.program());
        format
            .current_dir(&self.folder)
            .arg("-cp")
            .arg(self.jars.join("*"));
        format.args([
            "kafka.tools.StorageTool",
            "format",
            "--ignore-formatted",
            "-t",
            CLUSTER_ID,
            "-c",
        ]);
        format.arg(settings(&self.folder));
        run_to_end("formatting Kafka's storage", &mut format).map(drop)
    }
}

impl Engine for Kafka {
    fn footprint(&self) -> Footprint {
        footprint(&self.stack)
    }

    fn port(&self) -> u16 {
        self.ports.kafka
    }

    fn prepare(&self) -> Result<()> {
        engine::fill_once(&self.folder, |draft| self.initialise(draft))?;
        self.format()
    }

    fn command(&self) -> Command {
        let mut command = self.account.command(self.java.program());
        command
            .current_dir(&self.folder)
            .args(["-Xmx512m", "-XX:+ExitOnOutOfMemoryError"]);
        command.arg(format!(
            "-Dlog4j2.configurationFile={}",
            self.folder.join("log4j2.properties").display()
        ));
        command
            .arg("-cp")
            .arg(self.jars.join("*"))
            .arg("kafka.Kafka")
            .arg(settings(&self.folder));
        command
    }

    fn answers(&self) -> bool {
        speaks_kafka(SocketAddr::from(([127, 0, 0, 1], self.ports.kafka))).unwrap_or(false)
    }

    fn version(&self) -> Result<String> {
        version_of_jars(&self.jars)
    }
}

/// Recognises the broker by the settings it was started with.
pub(crate) fn footprint(stack: &Path) -> Footprint {
    let folder = stack.join(NAME);
    let signature = Signature::new(&["java"], vec![settings(&folder).display().to_string()]);
    Footprint {
        name: NAME,
        folder,
        signature,
        stop_signal: Signal::Terminate,
    }
}

fn settings(folder: &Path) -> PathBuf {
    folder.join("server.properties")
}

/// The folder of Kafka's jars.
pub(crate) fn fetch(account: &Account, dist: &Path) -> Result<PathBuf> {
    let jar = |group, name, version| Artifact {
        group,
        name,
        version,
        kind: "jar",
    };
    let artifacts = [
        jar("org.apache.kafka", "kafka_2.13", VERSION),
        jar("org.apache.kafka", "kafka-tools", VERSION),
        // Without a binding for its logging facade the broker runs mute.
        jar("org.apache.logging.log4j", "log4j-slf4j-impl", "2.24.3"),
    ];
    maven::fetch(
        account,
        dist,
        &format!("kafka-{VERSION}"),
        &artifacts,
        Layout::Jars,
    )
}

/// The release the jars that run are named with.
fn version_of_jars(jars: &Path) -> Result<String> {
    let names = fs::read_dir(jars).with_context(|| format!("cannot read {}", jars.display()))?;
    let names = names
        .flatten()
        .filter_map(|entry| entry.file_name().into_string().ok());
    let version = |name: String| Some(name.strip_prefix("kafka_2.13-")?.strip_suffix(".jar")?.to_owned());
    names
        .filter_map(version)
        .next()
        .with_context(|| format!("no Kafka jar in {}", jars.display()))
}

/// Sends an `ApiVersions` request, version 0 (key 18, no client id), and looks for an answer without error.
fn speaks_kafka(broker: SocketAddr) -> std::io::Result<bool> {
    const REQUEST: [u8; 14] = [0, 0, 0, 10, 0, 18, 0, 0, 0, 0, 0, 7, 0xff, 0xff];
    let mut stream = TcpStream::connect_timeout(&broker, PROBE_TIMEOUT)?;
    stream.set_read_timeout(Some(PROBE_TIMEOUT))?;
    stream.write_all(&REQUEST)?;
    let mut head = [0; 10];
    stream.read_exact(&mut head)?;
    let [_, _, _, _, correlation @ .., error_high, error_low] = head;
    Ok(correlation == [0, 0, 0, 7] && [error_high, error_low] == [0, 0])
}

fn server_properties(folder: &Path, ports: Ports) -> String {
    let Ports {
        kafka,
        kafka_controller,
        kafka_ways,
        ..
    } = ports;
    let ways: Vec<_> = kafka_ways.into_iter().flatten().enumerate().collect();
    let each = |line: &dyn Fn(usize, KafkaWay) -> String| -> String {
        ways.iter().map(|(number, way)| line(*number, *way)).collect()
    };
    let listeners = each(&|number, way| format!(",WAY{number}://127.0.0.1:{}", way.listener));
    let advertised = each(&|number, way| format!(",WAY{number}://127.0.0.1:{}", way.advertised));
    let protocols = each(&|number, _| format!(",WAY{number}:PLAINTEXT"));
    format!(
        "\
process.roles=broker,controller
node.id=1
controller.quorum.voters=1@127.0.0.1:{kafka_controller}
listeners=PLAINTEXT://127.0.0.1:{kafka},CONTROLLER://127.0.0.1:{kafka_controller}{listeners}
advertised.listeners=PLAINTEXT://127.0.0.1:{kafka}{advertised}
inter.broker.listener.name=PLAINTEXT
controller.listener.names=CONTROLLER
listener.security.protocol.map=CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT{protocols}
log.dirs={}
offsets.topic.num.partitions=4
offsets.topic.replication.factor=1
transaction.state.log.num.partitions=4
transaction.state.log.replication.factor=1
transaction.state.log.min.isr=1
share.coordinator.state.topic.replication.factor=1
share.coordinator.state.topic.min.isr=1
auto.create.topics.enable=false
group.initial.rebalance.delay.ms=0
",
        folder.join("data").display()
    )
}

const LOG_SETTINGS: &str = "\
rootLogger.level=warn
rootLogger.appenderRef.console.ref=console
logger.server.name=kafka.server
logger.server.level=info
appender.console.name=console
appender.console.type=Console
appender.console.layout.type=PatternLayout
appender.console.layout.pattern=%d{ISO8601} %-5p %c{1} %m%n
";

#[cfg(test)]
mod tests {
    use std::{
        io::{Read, Write},
        net::{SocketAddr, TcpListener},
        thread,
    };

    use super::speaks_kafka;

    fn answer_once(answer: &'static [u8]) -> SocketAddr {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        thread::spawn(move || {
            let (mut stream, _) = listener.accept().unwrap();
            stream.read_exact(&mut [0; 14]).unwrap();
            stream.write_all(answer).unwrap();
        });
        address
    }

    #[test]
    fn only_a_broker_that_answers_without_error_counts_as_up() {
        assert!(speaks_kafka(answer_once(&[0, 0, 0, 6, 0, 0, 0, 7, 0, 0])).unwrap());
        assert!(!speaks_kafka(answer_once(&[0, 0, 0, 6, 0, 0, 0, 7, 0, 35])).unwrap());
        assert!(!speaks_kafka(answer_once(b"HTTP/1.1 400")).unwrap());
        assert!(speaks_kafka(answer_once(b"")).is_err());
    }
}
