//! Stopping an engine and starting it again, through the tool that started it.

use std::process::{Command, Stdio};

use taskwire_testkit::binary;

/// An engine of the stack that `cargo xtask` started.
#[derive(Debug, Clone, Copy)]
pub enum Engine {
    /// The database.
    Postgres,
    /// The broker.
    Kafka,
    /// The search engine.
    Elasticsearch,
}

impl Engine {
    /// Stops it as an operator would.
    pub fn stop(self) {
        self.command("stop");
    }

    /// Starts it again on the same address with the same data, and returns when it answers.
    pub fn start(self) {
        self.command("start");
    }

    fn command(self, command: &str) {
        let name = match self {
            Self::Postgres => "postgres",
            Self::Kafka => "kafka",
            Self::Elasticsearch => "elasticsearch",
        };
        let mut xtask = Command::new(binary("xtask"));
        // The stack is the checkout's own: addresses from outside would be refused.
        for variable in ["DATABASE_URL", "KAFKA_BROKERS", "ELASTICSEARCH_URL"] {
            xtask.env_remove(variable);
        }
        let done = xtask
            .args(["stack", command, name])
            .stdin(Stdio::null())
            .output()
            .expect("xtask runs");
        let text = String::from_utf8_lossy(&done.stderr);
        assert!(done.status.success(), "xtask stack {command} {name}: {text}");
    }
}
