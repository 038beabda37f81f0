//! Where a reader begins, and when it must not.

#![allow(clippy::unwrap_used, reason = "a test may unwrap")]

mod support;

use std::time::Duration;

use support::{assigned, commit, consumer, delete_before, failure, kafka, publish, read, start};
use taskwire_domain::EventSource;
use taskwire_kafka::{KafkaSource, TopicPlan, TopicSettings, create_topic};
use taskwire_testkit::Topics;

#[tokio::test]
async fn a_new_group_on_a_topic_whose_beginning_is_gone_needs_a_reindex() {
    let topics = Topics::create(1).await;
    publish(&topics, 10, 1).await;
    delete_before(&topics, 0, 4).await;
    let mut source = start(&topics);
    let fault = failure(&mut source).await;
    assert!(
        fault
            .detail
            .contains("records before 4 have been deleted; reindex needed"),
        "{fault}"
    );
    let silence = tokio::time::timeout(Duration::from_millis(500), source.next()).await;
    assert!(silence.is_err(), "no event follows a failure");
    source.close().await.unwrap();
}

#[tokio::test]
async fn a_group_whose_next_record_is_gone_needs_a_reindex() {
    let topics = Topics::create(1).await;
    publish(&topics, 10, 1).await;
    commit(&topics, 0, 3).await;
    delete_before(&topics, 0, 4).await;
    let mut source = start(&topics);
    let fault = failure(&mut source).await;
    assert!(fault.detail.contains("the group has read up to 3"), "{fault}");
    assert!(fault.detail.contains("reindex needed"), "{fault}");
    source.close().await.unwrap();
}

#[tokio::test]
async fn a_group_that_is_beyond_the_end_needs_a_reindex() {
    let topics = Topics::create(1).await;
    publish(&topics, 10, 1).await;
    commit(&topics, 0, 11).await;
    let mut source = start(&topics);
    let fault = failure(&mut source).await;
    assert!(
        fault
            .detail
            .contains("but the partition ends at 10: records were lost; reindex needed"),
        "{fault}"
    );
    source.close().await.unwrap();
}

#[tokio::test]
async fn records_that_vanish_while_they_are_waited_for_need_a_reindex() {
    let topics = Topics::create(1).await;
    publish(&topics, 10, 1).await;
    let mut source = start(&topics);
    read(&mut source, 10).await;
    source.pause().unwrap();
    tokio::time::sleep(Duration::from_millis(200)).await;
    publish(&topics, 10, 1).await;
    delete_before(&topics, 0, 15).await;
    source.resume().unwrap();
    let fault = failure(&mut source).await;
    assert!(fault.detail.contains("reindex needed"), "{fault}");
    source.close().await.unwrap();
}

#[tokio::test]
async fn a_group_whose_read_records_are_gone_goes_on() {
    let topics = Topics::create(1).await;
    publish(&topics, 10, 1).await;
    commit(&topics, 0, 4).await;
    delete_before(&topics, 0, 4).await;
    let mut source = start(&topics);
    assert_eq!(read(&mut source, 6).await[0].position.offset, 4);
    source.close().await.unwrap();
}

#[tokio::test]
async fn a_topic_that_does_not_exist_yet_is_waited_for() {
    let topics = Topics::named();
    let mut source = start(&topics);
    let nothing = tokio::time::timeout(Duration::from_secs(4), source.next()).await;
    assert!(nothing.is_err(), "a missing topic is no event: {nothing:?}");
    let settings = TopicSettings {
        kafka_topic_partitions: 2,
        kafka_topic_replication: -1,
        kafka_topic_retention_ms: -1,
    };
    create_topic(&kafka(&topics), &TopicPlan::events(&kafka(&topics), &settings))
        .await
        .unwrap();
    let created = std::time::Instant::now();
    assert_eq!(assigned(&mut source).await.len(), 2);
    assert!(
        created.elapsed() < Duration::from_secs(8),
        "found after {:?}",
        created.elapsed()
    );
    publish(&topics, 10, 3).await;
    read(&mut source, 10).await;
    source.close().await.unwrap();
}

#[tokio::test]
async fn brokers_that_are_away_at_the_start_are_waited_for_and_closing_does_not_wait_for_them() {
    let topics = Topics::named();
    let port = std::net::TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap()
        .port();
    let mut nowhere = kafka(&topics);
    nowhere.kafka_brokers = format!("127.0.0.1:{port}");
    let group = consumer(&topics).kafka_group;
    let mut source = Box::new(KafkaSource::start(&nowhere, &group, support::limits()).unwrap());
    let nothing = tokio::time::timeout(Duration::from_secs(2), source.next()).await;
    assert!(
        nothing.is_err(),
        "brokers that are away are no event: {nothing:?}"
    );
    tokio::time::timeout(Duration::from_secs(20), source.close())
        .await
        .expect("it ends")
        .unwrap();
}
