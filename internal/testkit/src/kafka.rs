//! Private topics.

use rdkafka::admin::{AdminClient, AdminOptions, NewTopic, TopicReplication};
use rdkafka::client::DefaultClientContext;
use rdkafka::{ClientConfig, Offset, TopicPartitionList};

use crate::engines;

/// The names of a topic, its dead-letter queue and a consumer group that no other test has. The topics do not
/// exist until somebody creates them; they are deleted with this value.
pub struct Topics {
    brokers: String,
    tasks: String,
    dead_letters: String,
    group: String,
}

impl Topics {
    /// New names on the brokers of `KAFKA_BROKERS`.
    pub fn named() -> Self {
        let brokers = engines::take("kafka", "KAFKA_BROKERS");
        let tasks = engines::unique_name("tasks");
        Self {
            brokers,
            dead_letters: format!("{tasks}.dlq"),
            group: format!("{tasks}-indexer"),
            tasks,
        }
    }

    /// New names, both topics created: the tasks topic with so many partitions, the dead-letter queue with one.
    pub async fn create(partitions: i32) -> Self {
        let topics = Self::named();
        let wanted = [
            NewTopic::new(&topics.tasks, partitions, TopicReplication::Fixed(1)),
            NewTopic::new(&topics.dead_letters, 1, TopicReplication::Fixed(1)),
        ];
        let created = admin(&topics.brokers)
            .create_topics(&wanted, &AdminOptions::new())
            .await;
        for topic in created.expect("KAFKA_BROKERS answers") {
            topic.expect("the private topic is created");
        }
        topics
    }

    /// Deletes the records of a partition of the tasks topic below this offset, as retention would.
    pub async fn delete_records(&self, partition: i32, before: i64) {
        let mut offsets = TopicPartitionList::new();
        offsets
            .add_partition_offset(&self.tasks, partition, Offset::Offset(before))
            .expect("an offset is a number");
        let deleted = admin(&self.brokers)
            .delete_records(&offsets, &AdminOptions::new())
            .await
            .expect("KAFKA_BROKERS answers");
        for element in deleted.elements() {
            element.error().expect("the records are deleted");
        }
    }

    /// As `KAFKA_BROKERS`.
    pub fn brokers(&self) -> &str {
        &self.brokers
    }

    /// As `KAFKA_TOPIC`.
    pub fn tasks(&self) -> &str {
        &self.tasks
    }

    /// As `KAFKA_DLQ_TOPIC`.
    pub fn dead_letters(&self) -> &str {
        &self.dead_letters
    }

    /// As `KAFKA_GROUP`.
    pub fn group(&self) -> &str {
        &self.group
    }
}

impl Drop for Topics {
    fn drop(&mut self) {
        let (brokers, names) = (
            self.brokers.clone(),
            [self.tasks.clone(), self.dead_letters.clone()],
        );
        engines::clean_up(format!("topic {}", names[0]), move || async move {
            let names: Vec<&str> = names.iter().map(String::as_str).collect();
            let limit = Some(std::time::Duration::from_secs(10));
            let options = AdminOptions::new()
                .request_timeout(limit)
                .operation_timeout(limit);
            // A topic that nobody created is an error of its own item, which is fine.
            admin(&brokers).delete_topics(&names, &options).await?;
            Ok(())
        });
    }
}

fn admin(brokers: &str) -> AdminClient<DefaultClientContext> {
    ClientConfig::new()
        .set("bootstrap.servers", brokers)
        .create()
        .expect("the admin client's settings are right")
}
