//! Settings, each a flag and an environment variable.

use std::fmt;
use std::str::FromStr;

use clap::Args;
use rdkafka::ClientConfig;

/// Where Kafka is and which topic holds the events.
#[derive(Debug, Clone, Args)]
pub struct KafkaSettings {
    /// Brokers to start from, `host:port[,host:port]`; the others are found through them
    #[arg(long, env = "KAFKA_BROKERS", value_name = "HOST:PORT,…", value_parser = parse_brokers)]
    pub kafka_brokers: String,

    /// Topic of the task events
    #[arg(long, env = "KAFKA_TOPIC", default_value = "tasks", value_name = "NAME", value_parser = parse_topic)]
    pub kafka_topic: String,

    /// Further settings of librdkafka, for instance `security.protocol=sasl_plaintext,sasl.mechanism=PLAIN,…`.
    /// Those that the delivery guarantees rest on cannot be changed
    #[arg(
        long,
        env = "KAFKA_CLIENT_OPTIONS",
        value_name = "KEY=VALUE,…",
        value_delimiter = ',',
        hide_env_values = true
    )]
    pub kafka_client_options: Vec<ClientOption>,
}

/// How the topic of the events is created when it does not exist; an existing one is left as it is.
#[derive(Debug, Clone, Args)]
pub struct TopicSettings {
    /// Partitions of a new topic. It cannot be changed later without a new topic and a reindex
    #[arg(long, env = "KAFKA_TOPIC_PARTITIONS", default_value_t = 6, value_name = "N",
          value_parser = clap::value_parser!(i32).range(1..=10_000))]
    pub kafka_topic_partitions: i32,

    /// Copies of each partition of a new topic; -1 is the brokers' default
    #[arg(long, env = "KAFKA_TOPIC_REPLICATION", default_value_t = -1, value_name = "N",
          allow_hyphen_values = true, value_parser = parse_replication)]
    pub kafka_topic_replication: i32,

    /// Milliseconds for which a new topic keeps events; -1 is for ever, from which a lost index can be rebuilt
    #[arg(long, env = "KAFKA_TOPIC_RETENTION_MS", default_value_t = -1, value_name = "MS",
          allow_hyphen_values = true, value_parser = clap::value_parser!(i64).range(-1..))]
    pub kafka_topic_retention_ms: i64,
}

/// Who reads the events, and where those go that can never be applied.
#[derive(Debug, Clone, Args)]
pub struct ConsumerSettings {
    /// Prefix of the consumer group's name; each index generation has a group of its own
    #[arg(long, env = "KAFKA_GROUP", default_value = "search-indexer", value_name = "NAME", value_parser = parse_group)]
    pub kafka_group: String,

    /// Topic of the dead letters
    #[arg(long, env = "KAFKA_DLQ_TOPIC", default_value = "tasks.dlq", value_name = "NAME", value_parser = parse_topic)]
    pub kafka_dlq_topic: String,

    /// Partitions of a new dead-letter topic
    #[arg(long, env = "KAFKA_DLQ_PARTITIONS", default_value_t = 1, value_name = "N",
          value_parser = clap::value_parser!(i32).range(1..=10_000))]
    pub kafka_dlq_partitions: i32,

    /// Copies of each partition of a new dead-letter topic; -1 is the brokers' default
    #[arg(long, env = "KAFKA_DLQ_REPLICATION", default_value_t = -1, value_name = "N",
          allow_hyphen_values = true, value_parser = parse_replication)]
    pub kafka_dlq_replication: i32,
}

impl KafkaSettings {
    /// What every client has in common; what a client needs of its own comes on top and wins.
    pub(crate) fn client(&self) -> ClientConfig {
        let mut config = ClientConfig::new();
        for option in &self.kafka_client_options {
            config.set(&option.key, &option.value);
        }
        config
            .set("bootstrap.servers", &self.kafka_brokers)
            .set("client.id", "taskwire")
            // Producers create topics by default, with whatever number of partitions the brokers like.
            .set("allow.auto.create.topics", "false")
            .set("socket.keepalive.enable", "true")
            // The default of 10 s is a long time to stay away from a broker that is back.
            .set("reconnect.backoff.max.ms", "2000");
        config
    }
}

/// One setting of librdkafka. Its value may be a secret and is not printed.
#[derive(Clone, PartialEq, Eq)]
pub struct ClientOption {
    /// As in librdkafka's `CONFIGURATION.md`.
    pub key: String,
    /// As given.
    pub value: String,
}

impl fmt::Debug for ClientOption {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}=…", self.key)
    }
}

/// What the code sets itself because correctness depends on it.
const FIXED: [&str; 15] = [
    "acks",
    "allow.auto.create.topics",
    "auto.offset.reset",
    "bootstrap.servers",
    "delivery.timeout.ms",
    "enable.auto.commit",
    "enable.auto.offset.store",
    "enable.gapless.guarantee",
    "enable.idempotence",
    "group.id",
    "message.timeout.ms",
    "partition.assignment.strategy",
    "partitioner",
    "request.required.acks",
    "transactional.id",
];

impl FromStr for ClientOption {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let Some((key, value)) = text.split_once('=').filter(|(key, _)| !key.trim().is_empty()) else {
            return Err("must be key=value pairs separated by commas".to_owned());
        };
        let key = key.trim();
        if FIXED.contains(&key) {
            return Err(format!(
                "`{key}` cannot be changed: delivery guarantees rest on it"
            ));
        }
        // Now, with the setting's name, rather than later, when a client cannot be made or never connects.
        ClientConfig::new()
            .set(key, value)
            .create_native_config()
            .map_err(|error| format!("librdkafka does not take `{key}`: {error}"))?;
        Ok(Self {
            key: key.to_owned(),
            value: value.to_owned(),
        })
    }
}

fn parse_brokers(text: &str) -> Result<String, String> {
    for broker in text.split(',') {
        let Some((host, port)) = broker.rsplit_once(':') else {
            return Err(format!("`{broker}` has no port: write host:port[,host:port]"));
        };
        let host_is_sound = !host.is_empty() && !host.contains(|c: char| c.is_whitespace() || c == '/');
        if !host_is_sound || (host.contains(':') && !host.starts_with('[')) {
            return Err(format!(
                "`{broker}` is not host:port (an IPv6 address stands in brackets, no scheme)"
            ));
        }
        if !port.parse::<u16>().is_ok_and(|port| port > 0) {
            return Err(format!(
                "`{port}` is not a port: it must be a number from 1 to 65535"
            ));
        }
    }
    Ok(text.to_owned())
}

/// Kafka's own rules for topic names (`org.apache.kafka.common.internals.Topic`).
fn parse_topic(text: &str) -> Result<String, String> {
    let allowed = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-');
    if text.is_empty() || text.len() > 249 || text == "." || text == ".." || !text.chars().all(allowed) {
        return Err(
            "a topic's name has 1 to 249 letters, digits, `.`, `_` and `-`, and is neither `.` nor `..`"
                .to_owned(),
        );
    }
    Ok(text.to_owned())
}

fn parse_group(text: &str) -> Result<String, String> {
    if text.trim().is_empty() || text.len() > 200 || text.chars().any(char::is_control) {
        return Err("a group's name has 1 to 200 printable characters".to_owned());
    }
    Ok(text.to_owned())
}

fn parse_replication(text: &str) -> Result<i32, String> {
    let copies = text
        .parse::<i32>()
        .ok()
        .filter(|copies| *copies == -1 || (1..=100).contains(copies));
    copies.ok_or_else(|| "must be 1 to 100, or -1 for the brokers' default".to_owned())
}

#[cfg(test)]
mod tests {
    use clap::{CommandFactory, Parser};

    use super::*;

    #[derive(Debug, Parser)]
    struct Everything {
        #[command(flatten)]
        kafka: KafkaSettings,
        #[command(flatten)]
        topic: TopicSettings,
        #[command(flatten)]
        consumer: ConsumerSettings,
    }

    fn parse(arguments: &[&str]) -> Result<Everything, String> {
        let arguments = ["test", "--kafka-brokers=b1:9092,[::1]:9093"]
            .iter()
            .chain(arguments);
        Everything::try_parse_from(arguments).map_err(|error| error.to_string())
    }

    #[test]
    fn the_defaults_are_those_of_the_contract() {
        Everything::command().debug_assert();
        let settings = parse(&[]).unwrap();
        assert_eq!(settings.kafka.kafka_topic, "tasks");
        assert_eq!(settings.topic.kafka_topic_partitions, 6);
        assert_eq!(settings.topic.kafka_topic_replication, -1);
        assert_eq!(settings.topic.kafka_topic_retention_ms, -1);
        assert_eq!(settings.consumer.kafka_group, "search-indexer");
        assert_eq!(settings.consumer.kafka_dlq_topic, "tasks.dlq");
    }

    #[test]
    fn a_wrong_value_is_an_error_that_names_the_setting() {
        let long = "x".repeat(250);
        for (flag, value) in [
            ("--kafka-brokers", "localhost"),
            ("--kafka-brokers", "localhost:0"),
            ("--kafka-brokers", "a:1,,b:2"),
            ("--kafka-brokers", "http://a:1"),
            ("--kafka-brokers", "::1:9092"),
            ("--kafka-topic", "a b"),
            ("--kafka-topic", ".."),
            ("--kafka-topic", ""),
            ("--kafka-topic", long.as_str()),
            ("--kafka-dlq-topic", "a/b"),
            ("--kafka-group", " "),
            ("--kafka-topic-partitions", "0"),
            ("--kafka-topic-replication", "0"),
            ("--kafka-topic-retention-ms", "-2"),
            ("--kafka-client-options", "security.protocol"),
            ("--kafka-client-options", "socket.timeout.ms=1,acks=0"),
        ] {
            let error = Everything::try_parse_from(["test", &format!("{flag}={value}")])
                .unwrap_err()
                .to_string();
            assert!(error.contains(flag), "{flag} {value}: {error}");
            assert!(!error.contains("required arguments"), "{flag} {value}: {error}");
        }
    }

    #[test]
    fn a_client_option_that_librdkafka_does_not_take_is_refused_and_named() {
        for wrong in ["no.such.setting=1", "socket.timeout.ms=soon"] {
            let arguments = ["x", "--kafka-brokers", "k:9092", "--kafka-client-options", wrong];
            let error = Everything::try_parse_from(arguments).unwrap_err();
            let (text, key) = (error.to_string(), wrong.split('=').next().unwrap());
            assert!(
                text.contains("--kafka-client-options") && text.contains(key),
                "{text}"
            );
            assert_eq!(error.exit_code(), 2);
        }
    }

    #[test]
    fn client_options_are_passed_on_and_their_values_not_printed() {
        let settings = parse(&["--kafka-client-options=sasl.username=me,sasl.password=a=b"]).unwrap();
        assert_eq!(settings.kafka.client().get("sasl.password"), Some("a=b"));
        assert!(!format!("{:?}", settings.kafka).contains("a=b"));
    }
}
