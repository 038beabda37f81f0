//! Settings for a test's own topics, and a look at them behind the adapter's back.

#![allow(
    dead_code,
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "each test target uses its part of it"
)]

use std::time::Duration;

use rdkafka::admin::{AdminClient, AdminOptions};
use rdkafka::client::DefaultClientContext;
use rdkafka::consumer::{BaseConsumer, CommitMode, Consumer};
use rdkafka::message::{Headers, Message};
use rdkafka::{ClientConfig, Offset, TopicPartitionList};
use taskwire_domain::{
    EncodedEvent, EventPublisher, EventSource, IdSource, OutboxRecord, Partition, Position, Record,
    SourceEvent, SourceFault, SystemIds, TaskId, Version,
};
use taskwire_kafka::{ConsumerSettings, KafkaPublisher, KafkaSettings, KafkaSource, ReaderLimits};
use taskwire_testkit::Topics;

/// Nothing in these tests takes longer unless it is broken.
pub(crate) const LIMIT: Duration = Duration::from_secs(60);

pub(crate) fn kafka(topics: &Topics) -> KafkaSettings {
    KafkaSettings {
        kafka_brokers: topics.brokers().to_owned(),
        kafka_topic: topics.tasks().to_owned(),
        kafka_client_options: Vec::new(),
    }
}

pub(crate) fn consumer(topics: &Topics) -> ConsumerSettings {
    ConsumerSettings {
        kafka_group: topics.group().to_owned(),
        kafka_dlq_topic: topics.dead_letters().to_owned(),
        kafka_dlq_partitions: 1,
        kafka_dlq_replication: -1,
    }
}

pub(crate) fn outbox_record(id: i64, task_id: TaskId, version: i64, payload: Vec<u8>) -> OutboxRecord {
    let headers = vec![
        ("content-type".to_owned(), "application/json".to_owned()),
        ("ce_id".to_owned(), format!("{task_id}:{version}")),
        ("ce_taskversion".to_owned(), version.to_string()),
    ];
    let version = Version::new(version).expect("a version starts at 1");
    OutboxRecord {
        id,
        event: EncodedEvent {
            task_id,
            version,
            payload: payload.into(),
            headers,
        },
    }
}

/// So many records, dealt out to so many tasks in turn, versions from 1.
pub(crate) fn records(count: usize, tasks: usize) -> Vec<OutboxRecord> {
    let ids: Vec<TaskId> = (0..tasks).map(|_| SystemIds.next_id()).collect();
    let record = |n: usize| {
        let version = i64::try_from(n / tasks).unwrap() + 1;
        let payload = format!(r#"{{"type":"Task.Updated","value":{{"n":{n},"text":"ä\u0001\n"}}}}"#);
        outbox_record(
            i64::try_from(n).unwrap(),
            ids[n % tasks],
            version,
            payload.into_bytes(),
        )
    };
    (0..count).map(record).collect()
}

pub(crate) async fn publish(topics: &Topics, count: usize, tasks: usize) {
    KafkaPublisher::new(&kafka(topics))
        .publish(&records(count, tasks))
        .await
        .expect("the batch is published");
}

/// A record as it stands in a topic.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Stored {
    pub(crate) partition: i32,
    pub(crate) offset: i64,
    pub(crate) key: String,
    pub(crate) value: Vec<u8>,
    pub(crate) headers: Vec<(String, String)>,
}

/// Everything that stands in a topic, each partition in order.
pub(crate) async fn contents(topics: &Topics, topic: &str) -> Vec<Stored> {
    let (brokers, topic) = (topics.brokers().to_owned(), topic.to_owned());
    tokio::task::spawn_blocking(move || {
        let reader = raw_consumer(&brokers, "behind-the-back");
        let partitions = partitions_of(&reader, &topic);
        let mut wanted = TopicPartitionList::new();
        let mut missing = 0;
        for partition in partitions {
            let (low, high) = reader.fetch_watermarks(&topic, partition, LIMIT).unwrap();
            missing += high - low;
            wanted
                .add_partition_offset(&topic, partition, Offset::Offset(low))
                .unwrap();
        }
        reader.assign(&wanted).unwrap();
        let mut found = Vec::new();
        while missing > 0 {
            let message = reader
                .poll(LIMIT)
                .expect("the broker answers")
                .expect("the topic can be read");
            let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
            let headers = message.headers().into_iter().flat_map(Headers::iter);
            found.push(Stored {
                partition: message.partition(),
                offset: message.offset(),
                key: text(message.key().unwrap()),
                value: message.payload().unwrap().to_vec(),
                headers: headers
                    .map(|h| (h.key.to_owned(), text(h.value.unwrap())))
                    .collect(),
            });
            missing -= 1;
        }
        found
    })
    .await
    .unwrap()
}

/// The end of each partition.
pub(crate) async fn ends(topics: &Topics) -> Vec<Position> {
    let (brokers, topic) = (topics.brokers().to_owned(), topics.tasks().to_owned());
    tokio::task::spawn_blocking(move || {
        let reader = raw_consumer(&brokers, "behind-the-back");
        let end = |partition| reader.fetch_watermarks(&topic, partition, LIMIT).unwrap().1;
        let partitions = partitions_of(&reader, &topic);
        partitions
            .into_iter()
            .map(|partition| position(partition, end(partition)))
            .collect()
    })
    .await
    .unwrap()
}

/// What a group has committed, for the partitions that have a committed offset.
pub(crate) async fn committed(topics: &Topics) -> Vec<Position> {
    let (brokers, topic) = (topics.brokers().to_owned(), topics.tasks().to_owned());
    let group = topics.group().to_owned();
    tokio::task::spawn_blocking(move || {
        let reader = raw_consumer(&brokers, &group);
        let mut wanted = TopicPartitionList::new();
        for partition in partitions_of(&reader, &topic) {
            wanted.add_partition(&topic, partition);
        }
        let answer = reader.committed_offsets(wanted, LIMIT).unwrap();
        let found = answer
            .elements()
            .into_iter()
            .filter_map(|element| match element.offset() {
                Offset::Offset(offset) => Some(position(element.partition(), offset)),
                _ => None,
            });
        found.collect()
    })
    .await
    .unwrap()
}

/// Commits an offset in the name of a group that has no members.
pub(crate) async fn commit(topics: &Topics, partition: i32, offset: i64) {
    let (brokers, topic) = (topics.brokers().to_owned(), topics.tasks().to_owned());
    let group = topics.group().to_owned();
    tokio::task::spawn_blocking(move || {
        let member = raw_consumer(&brokers, &group);
        let mut offsets = TopicPartitionList::new();
        offsets
            .add_partition_offset(&topic, partition, Offset::Offset(offset))
            .unwrap();
        member.commit(&offsets, CommitMode::Sync).unwrap();
    })
    .await
    .unwrap();
}

/// Deletes the records of a partition before an offset, as retention does.
pub(crate) async fn delete_before(topics: &Topics, partition: i32, offset: i64) {
    let mut before = TopicPartitionList::new();
    before
        .add_partition_offset(topics.tasks(), partition, Offset::Offset(offset))
        .unwrap();
    let answer = admin(topics)
        .delete_records(&before, &AdminOptions::new())
        .await
        .unwrap();
    assert!(answer.elements().iter().all(|element| element.error().is_ok()));
}

pub(crate) fn admin(topics: &Topics) -> AdminClient<DefaultClientContext> {
    ClientConfig::new()
        .set("bootstrap.servers", topics.brokers())
        .create()
        .unwrap()
}

fn raw_consumer(brokers: &str, group: &str) -> BaseConsumer {
    let mut config = ClientConfig::new();
    config
        .set("bootstrap.servers", brokers)
        .set("group.id", group)
        .set("enable.auto.commit", "false");
    config.create().unwrap()
}

fn partitions_of(reader: &BaseConsumer, topic: &str) -> Vec<i32> {
    let metadata = reader.fetch_metadata(Some(topic), LIMIT).unwrap();
    metadata.topics()[0]
        .partitions()
        .iter()
        .map(|partition| partition.id())
        .collect()
}

pub(crate) fn position(partition: i32, offset: i64) -> Position {
    Position {
        partition: Partition(partition),
        offset,
    }
}

/// The shortest session that a broker allows by default.
pub(crate) fn limits() -> ReaderLimits {
    ReaderLimits {
        session_timeout: Duration::from_secs(6),
        ..ReaderLimits::default()
    }
}

pub(crate) fn start(topics: &Topics) -> Box<KafkaSource> {
    start_with(topics, limits())
}

pub(crate) fn start_with(topics: &Topics, limits: ReaderLimits) -> Box<KafkaSource> {
    Box::new(KafkaSource::start(&kafka(topics), topics.group(), limits).expect("the source starts"))
}

/// The next event, or a panic when there is none.
pub(crate) async fn next(source: &mut KafkaSource) -> SourceEvent {
    tokio::time::timeout(LIMIT, source.next())
        .await
        .expect("an event comes")
}

/// Takes events until so many records have come; no partition may be taken away meanwhile.
pub(crate) async fn read(source: &mut KafkaSource, count: usize) -> Vec<Record> {
    let mut found = Vec::new();
    while found.len() < count {
        match next(source).await {
            SourceEvent::Records(records) => found.extend(records),
            SourceEvent::Assigned(_) => {}
            other => panic!("expected records, got {other:?}"),
        }
    }
    found
}

/// What the source ends with; whatever comes before it is passed over.
pub(crate) async fn failure(source: &mut KafkaSource) -> SourceFault {
    loop {
        match next(source).await {
            SourceEvent::Failed(fault) => return fault,
            SourceEvent::Assigned(_) | SourceEvent::Records(_) | SourceEvent::Lost(_) => {}
            SourceEvent::Revoking(_, guard) => drop(guard),
        }
    }
}

/// The partitions given to a source that has just started.
pub(crate) async fn assigned(source: &mut KafkaSource) -> Vec<Partition> {
    match next(source).await {
        SourceEvent::Assigned(partitions) => partitions,
        other => panic!("expected partitions, got {other:?}"),
    }
}

/// Looks until the condition holds.
pub(crate) async fn until(what: &str, mut holds: impl FnMut() -> bool) {
    let looking = async {
        while !holds() {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    tokio::time::timeout(LIMIT, looking)
        .await
        .unwrap_or_else(|_| panic!("{what} never came about"));
}
