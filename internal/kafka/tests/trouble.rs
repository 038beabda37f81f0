//! Brokers that break down or refuse, played by librdkafka's own mock cluster, so no engine is needed.

#![allow(clippy::unwrap_used, reason = "a test may unwrap")]

mod support;

use std::collections::BTreeMap;
use std::time::Duration;

use rdkafka::mocking::MockCluster;
use rdkafka::producer::DefaultProducerContext;
use rdkafka::types::{RDKafkaApiKey, RDKafkaRespErr};
use support::{assigned, limits, next, position, read, records, until};
use taskwire_domain::{EventPublisher, EventSource, SourceEvent};
use taskwire_kafka::{ClientOption, KafkaPublisher, KafkaSettings, KafkaSource};

type Cluster = MockCluster<'static, DefaultProducerContext>;

fn cluster(partitions: i32) -> (Cluster, KafkaSettings) {
    let cluster = MockCluster::new(1).unwrap();
    cluster.create_topic("tasks", partitions, 1).unwrap();
    let settings = KafkaSettings {
        kafka_brokers: cluster.bootstrap_servers(),
        kafka_topic: "tasks".to_owned(),
        kafka_client_options: Vec::new(),
    };
    (cluster, settings)
}

fn start(settings: &KafkaSettings) -> Box<KafkaSource> {
    Box::new(KafkaSource::start(settings, "group", limits()).unwrap())
}

#[tokio::test]
async fn partitions_whose_start_cannot_be_found_out_are_assigned_when_the_brokers_answer_again() {
    let (cluster, settings) = cluster(2);
    KafkaPublisher::new(&settings)
        .publish(&records(20, 10))
        .await
        .unwrap();
    // Two questions a partition: its beginning and its end. The first attempt fails at once, the second in between.
    let broken = RDKafkaRespErr::RD_KAFKA_RESP_ERR_UNKNOWN;
    let fine = RDKafkaRespErr::RD_KAFKA_RESP_ERR_NO_ERROR;
    cluster.request_errors(
        RDKafkaApiKey::ListOffsets,
        &[broken, broken, fine, fine, broken, broken],
    );
    let mut source = start(&settings);
    let mut ours = assigned(&mut source).await;
    let mut found = Vec::new();
    while ours.len() < 2 || found.len() < 20 {
        match next(&mut source).await {
            SourceEvent::Assigned(more) => ours.extend(more),
            SourceEvent::Records(records) => found.extend(records),
            other => panic!("{other:?}"),
        }
    }
    ours.sort();
    assert_eq!(
        ours,
        [taskwire_domain::Partition(0), taskwire_domain::Partition(1)]
    );
    source.close().await.unwrap();
}

#[tokio::test]
async fn a_group_that_may_not_be_read_is_a_failure_that_says_what_to_do() {
    let (cluster, settings) = cluster(1);
    let refused = RDKafkaRespErr::RD_KAFKA_RESP_ERR_GROUP_AUTHORIZATION_FAILED;
    cluster.request_errors(RDKafkaApiKey::JoinGroup, &[refused]);
    let mut source = start(&settings);
    let SourceEvent::Failed(fault) = next(&mut source).await else {
        panic!("the group may not be read")
    };
    assert!(fault.detail.contains("grant this client's user"), "{fault}");
    source.close().await.unwrap();
}

/// librdkafka gives up for good when a member is told that another one has taken its place.
#[tokio::test]
async fn a_fatal_error_of_the_client_ends_the_reader() {
    let (cluster, settings) = cluster(1);
    KafkaPublisher::new(&settings)
        .publish(&records(10, 1))
        .await
        .unwrap();
    let mut source = start(&settings);
    read(&mut source, 10).await;
    let fenced = RDKafkaRespErr::RD_KAFKA_RESP_ERR_FENCED_INSTANCE_ID;
    cluster.request_errors(RDKafkaApiKey::Heartbeat, &[fenced]);
    let fault = support::failure(&mut source).await;
    assert!(
        fault.detail.contains("cannot be read") && fault.detail.to_lowercase().contains("fenced"),
        "{fault}"
    );
    // Whether the client notices that it cannot commit any more depends on how far it has got with its end.
    drop(source.close().await);
}

#[tokio::test]
async fn a_broker_that_is_away_for_a_while_is_waited_for_by_reader_and_publisher() {
    let (cluster, settings) = cluster(1);
    let publisher = KafkaPublisher::new(&settings);
    publisher.publish(&records(10, 1)).await.unwrap();
    let mut source = start(&settings);
    read(&mut source, 10).await;
    source.store(&[position(0, 10)]).unwrap();

    cluster.broker_down(1).unwrap();
    let more = records(10, 1);
    let mut publishing = Box::pin(publisher.publish(&more));
    assert!(
        tokio::time::timeout(Duration::from_secs(2), &mut publishing)
            .await
            .is_err(),
        "it waits"
    );
    let silence = tokio::time::timeout(Duration::from_millis(100), source.next()).await;
    assert!(silence.is_err(), "a broker that is away is no event: {silence:?}");

    cluster.broker_up(1).unwrap();
    publishing.await.unwrap();
    read(&mut source, 10).await;
    let lag = source.lag();
    until("the lag of what was not stored", || lag.group_lag() == 10).await;
    source.close().await.unwrap();
}

/// Each request is given up and sent again before its answer comes, so that the broker has taken what its client thinks
/// is lost. The client has to wait for the late word, and repeat nothing out of order.
#[tokio::test]
async fn a_broker_that_answers_too_late_is_awaited_and_the_order_kept() {
    let (cluster, mut settings) = cluster(1);
    let option = ClientOption {
        key: "socket.timeout.ms".to_owned(),
        value: "1000".to_owned(),
    };
    settings.kafka_client_options = vec![option];
    let publisher = KafkaPublisher::new(&settings);
    let batch = records(50, 2);
    publisher.publish(&batch[..10]).await.unwrap();
    cluster
        .broker_round_trip_time(1, Duration::from_millis(2_500))
        .unwrap();
    let mut publishing = Box::pin(publisher.publish(&batch[10..]));
    let early = tokio::time::timeout(Duration::from_secs(6), &mut publishing).await;
    assert!(early.is_err(), "nothing is acknowledged in time: {early:?}");
    cluster.broker_round_trip_time(1, Duration::ZERO).unwrap();
    tokio::time::timeout(Duration::from_secs(60), publishing)
        .await
        .unwrap()
        .unwrap();
    let mut source = start(&settings);
    let found = read(&mut source, 50).await;
    let mut versions: BTreeMap<Vec<u8>, i64> = BTreeMap::new();
    for record in found {
        let version = record.headers.iter().find(|(name, _)| name == "ce_taskversion");
        let version = version.and_then(|(_, value)| value.as_deref()).unwrap();
        let version: i64 = std::str::from_utf8(version).unwrap().parse().unwrap();
        let last = versions.entry(record.key.unwrap().to_vec()).or_default();
        assert!(version <= *last + 1, "{version} stands before {}", *last + 1);
        *last = version.max(*last);
    }
    assert!(versions.values().all(|last| *last == 25), "{versions:?}");
    source.close().await.unwrap();
}

#[tokio::test]
async fn a_session_that_timed_out_is_reported_as_lost_and_the_partitions_come_back() {
    let (cluster, settings) = cluster(1);
    KafkaPublisher::new(&settings)
        .publish(&records(10, 1))
        .await
        .unwrap();
    let mut source = start(&settings);
    read(&mut source, 10).await;
    let expired = RDKafkaRespErr::RD_KAFKA_RESP_ERR_UNKNOWN_MEMBER_ID;
    cluster.request_errors(RDKafkaApiKey::Heartbeat, &[expired]);
    let SourceEvent::Lost(partitions) = next(&mut source).await else {
        panic!("the session has expired")
    };
    assert_eq!(partitions.len(), 1);
    assert_eq!(assigned(&mut source).await, partitions);
    assert_eq!(
        read(&mut source, 10).await[0].position.offset,
        0,
        "nothing was stored"
    );
    source.close().await.unwrap();
}
