//! The past once more: a consumer group set back to the beginning, as an operator might; records sent again, as a relay
//! might that was away while another one took over.

use std::time::Duration;

use anyhow::Context;
use rdkafka::consumer::{BaseConsumer, CommitMode, Consumer};
use rdkafka::message::{Header, OwnedHeaders};
use rdkafka::producer::{FutureProducer, FutureRecord};
use rdkafka::{ClientConfig, Offset, TopicPartitionList};
use taskwire_oracle::{Record, System};
use tokio::task::spawn_blocking;

const LIMIT: Duration = Duration::from_secs(10);

/// Commits offset 0 of every partition for the generation's group, which must have no members.
pub(crate) async fn rewind(system: &System) -> anyhow::Result<()> {
    let group = system
        .group_in_use()
        .await?
        .context("there is no index, and so no group")?;
    let (brokers, topic) = (system.brokers.clone(), system.topic.clone());
    spawn_blocking(move || {
        let consumer: BaseConsumer = ClientConfig::new()
            .set("bootstrap.servers", &brokers)
            .set("group.id", &group)
            .set("enable.auto.commit", "false")
            .create()?;
        let metadata = consumer.fetch_metadata(Some(&topic), LIMIT)?;
        let partitions = metadata
            .topics()
            .first()
            .context("the topic is gone")?
            .partitions();
        let mut offsets = TopicPartitionList::new();
        for partition in partitions {
            offsets.add_partition_offset(&topic, partition.id(), Offset::Offset(0))?;
        }
        consumer
            .commit(&offsets, CommitMode::Sync)
            .with_context(|| format!("the group {group} cannot be set back"))
    })
    .await?
}

/// Sends these records again, as they are, to the partitions they stand in.
pub(crate) async fn send_again(system: &System, records: &[Record]) -> anyhow::Result<()> {
    let producer: FutureProducer = ClientConfig::new()
        .set("bootstrap.servers", &system.brokers)
        .create()?;
    for record in records {
        let headers = record.headers.iter();
        let headers = headers.fold(OwnedHeaders::new(), |headers, (key, value)| {
            headers.insert(Header {
                key,
                value: Some(value),
            })
        });
        let mut again = FutureRecord::<[u8], [u8]>::to(&system.topic)
            .partition(record.partition)
            .headers(headers);
        (again.key, again.payload) = (record.key.as_deref(), record.value.as_deref());
        let sent = producer.send(again, LIMIT).await;
        sent.map_err(|(error, _)| error)
            .context("a record cannot be sent again")?;
    }
    Ok(())
}
