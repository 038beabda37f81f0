//! What a topic holds, and how far a group has committed it.

use std::time::{Duration, Instant};

use anyhow::{Context, bail};
use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::error::KafkaError;
use rdkafka::message::{Headers, Message};
use rdkafka::types::RDKafkaErrorCode;
use rdkafka::{ClientConfig, Offset, TopicPartitionList};

const LIMIT: Duration = Duration::from_secs(10);

/// One record.
#[derive(Debug, Clone)]
pub struct Record {
    /// Which partition it stands in.
    pub partition: i32,
    /// At which offset.
    pub offset: i64,
    /// Its key.
    pub key: Option<Vec<u8>>,
    /// Its value.
    pub value: Option<Vec<u8>>,
    /// Its headers, in order; a header without value is empty here.
    pub headers: Vec<(String, String)>,
}

impl Record {
    /// The first header of this name.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers
            .iter()
            .find(|(header, _)| header == name)
            .map(|(_, value)| value.as_str())
    }
}

/// Every record, partition by partition in order of offset.
pub(crate) async fn read(brokers: &str, topic: &str) -> anyhow::Result<Vec<Record>> {
    let (brokers, topic) = (brokers.to_owned(), topic.to_owned());
    tokio::task::spawn_blocking(move || {
        let consumer = consumer(&brokers, "taskwire-oracle")?;
        let mut records = Vec::new();
        for partition in partitions(&consumer, &topic)? {
            read_partition(&consumer, &topic, partition, &mut records)?;
        }
        Ok(records)
    })
    .await?
}

/// High watermarks less committed offsets, summed; without a group or a commit, from the partition's beginning.
pub(crate) async fn lag(brokers: &str, topic: &str, group: Option<&str>) -> anyhow::Result<i64> {
    let (brokers, topic, group) = (brokers.to_owned(), topic.to_owned(), group.map(str::to_owned));
    tokio::task::spawn_blocking(move || {
        let consumer = consumer(&brokers, group.as_deref().unwrap_or("taskwire-oracle"))?;
        let mut lag = 0;
        for partition in partitions(&consumer, &topic)? {
            let (low, high) = consumer.fetch_watermarks(&topic, partition, LIMIT)?;
            let committed = if group.is_some() {
                committed(&consumer, &topic, partition)?
            } else {
                None
            };
            lag += high - committed.unwrap_or(low);
        }
        Ok(lag)
    })
    .await?
}

fn committed(consumer: &BaseConsumer, topic: &str, partition: i32) -> anyhow::Result<Option<i64>> {
    let mut asked = TopicPartitionList::new();
    asked.add_partition(topic, partition);
    // The answer must not outlive this function: a list alive when the consumer is dropped hangs the drop.
    let answer = consumer.committed_offsets(asked, LIMIT)?;
    let offset = answer.elements().first().map(|element| element.offset());
    Ok(match offset {
        Some(Offset::Offset(offset)) => Some(offset),
        _ => None,
    })
}

fn read_partition(
    consumer: &BaseConsumer,
    topic: &str,
    partition: i32,
    records: &mut Vec<Record>,
) -> anyhow::Result<()> {
    let (low, high) = consumer.fetch_watermarks(topic, partition, LIMIT)?;
    if low == high {
        return Ok(());
    }
    let mut start = TopicPartitionList::new();
    start.add_partition_offset(topic, partition, Offset::Offset(low))?;
    consumer.assign(&start)?;
    let deadline = Instant::now() + Duration::from_secs(60);
    loop {
        if Instant::now() > deadline {
            bail!("partition {partition} of {topic} could not be read to its end, offset {high}");
        }
        let Some(message) = consumer.poll(Duration::from_millis(200)) else {
            continue;
        };
        let message = match message {
            Ok(message) => message,
            // A line that breaks is connected anew; the deadline says when that has not helped.
            Err(KafkaError::MessageConsumption(
                RDKafkaErrorCode::AllBrokersDown | RDKafkaErrorCode::BrokerTransportFailure,
            )) => continue,
            Err(error) => return Err(error.into()),
        };
        let headers = message
            .headers()
            .into_iter()
            .flat_map(Headers::iter)
            .map(|header| {
                (
                    header.key.to_owned(),
                    String::from_utf8_lossy(header.value.unwrap_or_default()).into_owned(),
                )
            });
        records.push(Record {
            partition,
            offset: message.offset(),
            key: message.key().map(<[u8]>::to_vec),
            value: message.payload().map(<[u8]>::to_vec),
            headers: headers.collect(),
        });
        if message.offset() + 1 >= high {
            return Ok(());
        }
    }
}

fn partitions(consumer: &BaseConsumer, topic: &str) -> anyhow::Result<Vec<i32>> {
    let metadata = consumer.fetch_metadata(Some(topic), LIMIT)?;
    let topic = metadata
        .topics()
        .first()
        .context("the broker does not know the topic")?;
    Ok(topic
        .partitions()
        .iter()
        .map(rdkafka::metadata::MetadataPartition::id)
        .collect())
}

fn consumer(brokers: &str, group: &str) -> anyhow::Result<BaseConsumer> {
    let consumer = ClientConfig::new()
        .set("bootstrap.servers", brokers)
        .set("group.id", group)
        .set("enable.auto.commit", "false")
        .set("enable.auto.offset.store", "false")
        .set("allow.auto.create.topics", "false")
        .set("fetch.wait.max.ms", "50")
        .create()?;
    Ok(consumer)
}
