//! Creates topics, because brokers must not do so by themselves: with the wrong number of partitions, say.

use std::time::Duration;

use rdkafka::admin::{AdminClient, AdminOptions, NewTopic, TopicReplication};
use rdkafka::client::DefaultClientContext;
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use taskwire_domain::BoxError;
use tokio::task::spawn_blocking;
use tracing::{info, warn};

use crate::config::{ConsumerSettings, KafkaSettings, TopicSettings};
use crate::diagnosis::{code, describe, is_refusal};

/// A call to the brokers takes no longer than this.
const CALL_LIMIT: Duration = Duration::from_secs(10);

/// A record with the headers of a dead letter is larger than it was; twice the brokers' default leaves room.
pub(crate) const DEAD_LETTER_BYTES: &str = "2097152";

/// What a topic is to be like, should it have to be created.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TopicPlan {
    name: String,
    partitions: i32,
    replication: i32,
    retention_ms: i64,
    max_message_bytes: Option<&'static str>,
}

impl TopicPlan {
    /// The topic of the task events.
    pub fn events(kafka: &KafkaSettings, topic: &TopicSettings) -> Self {
        Self {
            name: kafka.kafka_topic.clone(),
            partitions: topic.kafka_topic_partitions,
            replication: topic.kafka_topic_replication,
            retention_ms: topic.kafka_topic_retention_ms,
            max_message_bytes: None,
        }
    }

    /// The topic of the dead letters, which are kept for ever: somebody has to look at them.
    pub fn dead_letters(consumer: &ConsumerSettings) -> Self {
        Self {
            name: consumer.kafka_dlq_topic.clone(),
            partitions: consumer.kafka_dlq_partitions,
            replication: consumer.kafka_dlq_replication,
            retention_ms: -1,
            max_message_bytes: Some(DEAD_LETTER_BYTES),
        }
    }
}

/// A topic could not be created.
#[derive(Debug, thiserror::Error)]
pub enum TopicFault {
    /// The brokers did not answer in time; try again later.
    #[error("the topic `{topic}` could not be created yet: {detail}")]
    Unreachable {
        /// The topic.
        topic: String,
        /// What was said.
        detail: String,
        /// Why, for the log.
        #[source]
        cause: BoxError,
    },
    /// The brokers refused; trying again does not help.
    #[error("the topic `{topic}` could not be created: {detail}")]
    Refused {
        /// The topic.
        topic: String,
        /// What was said and what to do.
        detail: String,
        /// Why, for the log.
        #[source]
        cause: BoxError,
    },
}

/// Creates the topic unless it exists. Any number of processes may do so at once. An existing topic with another
/// number of partitions is left alone, with a warning. Takes 20 s at most.
///
/// # Errors
/// [`TopicFault::Unreachable`] if it may work later, [`TopicFault::Refused`] if it will not.
pub async fn create_topic(kafka: &KafkaSettings, plan: &TopicPlan) -> Result<(), TopicFault> {
    let admin: AdminClient<DefaultClientContext> =
        kafka.client().create().map_err(|error| plan.fault(error))?;
    let created = create(&admin, plan).await;
    let plan = plan.clone();
    // Reading metadata blocks, and so does the client's destructor.
    let finished = spawn_blocking(move || match created {
        Ok(true) => {
            info!(kafka.topic = plan.name, "kafka topic created");
            Ok(())
        }
        Ok(false) => {
            compare(&admin, &plan);
            Ok(())
        }
        // One who may not create topics is refused before anybody looks whether there is anything to create.
        Err(TopicFault::Refused { detail, .. }) if partitions(&admin, &plan).is_ok_and(|count| count > 0) => {
            warn!(
                kafka.topic = plan.name,
                error = detail,
                "kafka topic exists, which is as well: creating it was refused"
            );
            Ok(())
        }
        Err(fault) => Err(fault),
    });
    // The task can only fail by a panic, which is passed on.
    finished
        .await
        .unwrap_or_else(|error| std::panic::resume_unwind(error.into_panic()))
}

/// `true` if it was created, `false` if it was there.
async fn create(admin: &AdminClient<DefaultClientContext>, plan: &TopicPlan) -> Result<bool, TopicFault> {
    let retention = plan.retention_ms.to_string();
    let mut topic = NewTopic::new(
        &plan.name,
        plan.partitions,
        TopicReplication::Fixed(plan.replication),
    )
    .set("cleanup.policy", "delete")
    .set("retention.ms", &retention);
    if let Some(bytes) = plan.max_message_bytes {
        topic = topic.set("max.message.bytes", bytes);
    }
    let options = AdminOptions::new()
        .request_timeout(Some(CALL_LIMIT))
        .operation_timeout(Some(CALL_LIMIT));
    let answers = admin
        .create_topics([&topic], &options)
        .await
        .map_err(|error| plan.fault(error))?;
    match answers.into_iter().next() {
        Some(Ok(_)) | None => Ok(true),
        Some(Err((_, RDKafkaErrorCode::TopicAlreadyExists))) => Ok(false),
        Some(Err((_, code))) => Err(plan.fault(KafkaError::AdminOp(code))),
    }
}

/// Warns when the topic that is there has not the partitions that were asked for.
fn compare(admin: &AdminClient<DefaultClientContext>, plan: &TopicPlan) {
    match partitions(admin, plan) {
        Ok(count) if i32::try_from(count) == Ok(plan.partitions) => {}
        Ok(count) => warn!(
            kafka.topic = plan.name,
            kafka.partitions = count,
            kafka.wanted_partitions = plan.partitions,
            "kafka topic has another number of partitions than the settings say, which is left as it is"
        ),
        Err(error) => {
            warn!(kafka.topic = plan.name, error = %error, "kafka topic could not be compared with the settings");
        }
    }
}

/// How many partitions the topic has; 0 when it does not exist.
fn partitions(admin: &AdminClient<DefaultClientContext>, plan: &TopicPlan) -> Result<usize, KafkaError> {
    let metadata = admin.inner().fetch_metadata(Some(&plan.name), CALL_LIMIT)?;
    Ok(metadata
        .topics()
        .first()
        .map_or(0, |topic| topic.partitions().len()))
}

impl TopicPlan {
    fn fault(&self, error: KafkaError) -> TopicFault {
        let detail = describe(&error);
        let topic = self.name.clone();
        match code(&error) {
            Some(code) if is_permanent(code) => TopicFault::Refused {
                topic,
                detail,
                cause: error.into(),
            },
            None => TopicFault::Refused {
                topic,
                detail,
                cause: error.into(),
            },
            Some(_) => TopicFault::Unreachable {
                topic,
                detail,
                cause: error.into(),
            },
        }
    }
}

fn is_permanent(code: RDKafkaErrorCode) -> bool {
    use RDKafkaErrorCode as E;
    is_refusal(code)
        || matches!(
            code,
            E::InvalidTopic
                | E::InvalidPartitions
                | E::InvalidReplicationFactor
                | E::InvalidConfig
                | E::PolicyViolation
        )
}
