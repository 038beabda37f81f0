//! A private database and topic, tasks that are written, and relays.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use taskwire_conformance::tasks::{created, described, fields, new_task, updated};
use taskwire_domain::{EventPublisher, Outbox, Task, TaskId, TaskRepository};
use taskwire_e2e::until;
use taskwire_kafka::{KafkaPublisher, KafkaSettings};
use taskwire_oracle::System;
use taskwire_postgres::{PostgresOutbox, PostgresPool, PostgresSettings, PostgresTasks, migrate};
use taskwire_relay::RelaySettings;
use taskwire_testkit::{Database, Topics};
use tokio::sync::{Mutex, Notify};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

/// Longer than a session may be silent, and time to catch up.
const PATIENCE: Duration = Duration::from_secs(60);

/// A migrated database, a topic, and what was written.
pub struct Ground {
    /// The database.
    pub database: Database,
    /// The topic.
    pub topics: Topics,
    tasks: PostgresTasks,
    written: Mutex<BTreeMap<TaskId, Task>>,
}

/// A relay that runs until this value is dropped or it is stopped.
pub struct RunningRelay {
    running: JoinSet<()>,
    stopping: CancellationToken,
}

impl Ground {
    /// Nothing is written yet.
    pub async fn new() -> Self {
        let database = Database::create().await;
        let url = database.url().parse().unwrap();
        migrate(&url).await.unwrap();
        let settings = PostgresSettings {
            url,
            pool_size: 10,
            acquire_timeout_ms: 2_500,
            statement_timeout_ms: 5_000,
            outbox_limit: 0,
        };
        let tasks = PostgresTasks::new(PostgresPool::new(&settings), Arc::default());
        Self {
            topics: Topics::create(3).await,
            database,
            tasks,
            written: Mutex::default(),
        }
    }

    /// A new task.
    pub async fn create(&self) -> TaskId {
        let task = new_task(fields("new"));
        self.tasks.create(&task, &created(&task)).await.unwrap();
        let id = task.id;
        self.written.lock().await.insert(id, task);
        id
    }

    /// The next version of a task.
    pub async fn change(&self, id: TaskId) {
        let mut written = self.written.lock().await;
        let task = written.get_mut(&id).unwrap();
        let changed = described(task, &format!("after version {}", task.version));
        self.tasks
            .update(&changed, task.version, &updated(&changed))
            .await
            .unwrap();
        *task = changed;
    }

    /// Some tasks, each changed so often, all interleaved.
    pub async fn write(&self, tasks: usize, changes: usize) {
        let mut ids = Vec::new();
        for _ in 0..tasks {
            ids.push(self.create().await);
        }
        for _ in 0..changes {
            for id in &ids {
                self.change(*id).await;
            }
        }
    }

    /// The outbox as it is.
    pub fn outbox(&self) -> Arc<dyn Outbox> {
        self.outbox_at(self.database.url())
    }

    /// The same through a proxy.
    pub fn outbox_at(&self, url: &str) -> Arc<dyn Outbox> {
        Arc::new(PostgresOutbox::new(&url.parse().unwrap()))
    }

    /// The publisher as it is.
    pub fn publisher(&self) -> Arc<dyn EventPublisher> {
        Arc::new(KafkaPublisher::new(&KafkaSettings {
            kafka_brokers: self.topics.brokers().to_owned(),
            kafka_topic: self.topics.tasks().to_owned(),
            kafka_client_options: Vec::new(),
        }))
    }

    /// Starts a relay with small batches, so that there are many.
    pub fn relay(&self, outbox: Arc<dyn Outbox>, publisher: Arc<dyn EventPublisher>) -> RunningRelay {
        let stopping = CancellationToken::new();
        let mut running = JoinSet::new();
        running.spawn(taskwire_relay::run(
            outbox,
            publisher,
            Arc::new(Notify::new()),
            relay_settings(),
            stopping.clone(),
        ));
        RunningRelay { running, stopping }
    }

    /// Waits until nothing is left to publish.
    pub async fn emptied(&self) {
        let system = self.system();
        until("the outbox empties", PATIENCE, || async {
            (system.outbox_length().await.unwrap() == 0).then_some(())
        })
        .await;
    }

    /// Asserts that every version of every task stands in the topic, the first occurrences in order; how many records
    /// are repetitions.
    pub async fn assert_whole_and_in_order(&self) -> usize {
        self.emptied().await;
        let mut versions: BTreeMap<String, i64> = BTreeMap::new();
        let mut repeated = 0;
        for record in self.system().records().await.unwrap() {
            let key = String::from_utf8(record.key.clone().unwrap()).unwrap();
            let version: i64 = record.header("ce_taskversion").unwrap().parse().unwrap();
            let last = versions.entry(key.clone()).or_default();
            assert!(
                version <= *last + 1,
                "task {key}: {version} stands before {}",
                *last + 1
            );
            repeated += usize::from(version <= *last);
            *last = version.max(*last);
        }
        let written = self.written.lock().await;
        let wanted: BTreeMap<String, i64> = written
            .iter()
            .map(|(id, task)| (id.to_string(), task.version.get()))
            .collect();
        assert_eq!(versions, wanted, "an event was lost");
        repeated
    }

    fn system(&self) -> System {
        System {
            database_url: self.database.url().to_owned(),
            brokers: self.topics.brokers().to_owned(),
            topic: self.topics.tasks().to_owned(),
            dead_letter_topic: self.topics.dead_letters().to_owned(),
            group: self.topics.group().to_owned(),
            elasticsearch_url: String::new(),
            index: String::new(),
        }
    }
}

/// What the relays here run with.
pub fn relay_settings() -> RelaySettings {
    RelaySettings {
        batch_size: 7,
        poll_ms: 10,
        election_ms: 100,
    }
}

impl RunningRelay {
    /// Asks it to stop and waits for its end.
    pub async fn stop(mut self) {
        self.stopping.cancel();
        let ended = tokio::time::timeout(PATIENCE, self.running.join_next()).await;
        ended
            .expect("a relay that is asked to stop ends")
            .unwrap()
            .unwrap();
    }
}
