//! Creating topics on real brokers.

#![allow(clippy::unwrap_used, reason = "a test may unwrap")]

mod support;

use rdkafka::admin::{AdminOptions, ResourceSpecifier};
use support::{LIMIT, admin, consumer, kafka};
use taskwire_kafka::{TopicFault, TopicPlan, TopicSettings, create_topic};
use taskwire_testkit::Topics;

const SETTINGS: TopicSettings = TopicSettings {
    kafka_topic_partitions: 4,
    kafka_topic_replication: -1,
    kafka_topic_retention_ms: -1,
};

fn partitions(topics: &Topics, topic: &str) -> usize {
    let metadata = admin(topics).inner().fetch_metadata(Some(topic), LIMIT).unwrap();
    metadata.topics()[0].partitions().len()
}

#[tokio::test]
async fn a_topic_is_created_with_its_partitions_and_kept_for_ever() {
    let topics = Topics::named();
    create_topic(&kafka(&topics), &TopicPlan::events(&kafka(&topics), &SETTINGS))
        .await
        .unwrap();
    create_topic(&kafka(&topics), &TopicPlan::dead_letters(&consumer(&topics)))
        .await
        .unwrap();
    assert_eq!(partitions(&topics, topics.tasks()), 4);
    assert_eq!(partitions(&topics, topics.dead_letters()), 1);
    let resource = [ResourceSpecifier::Topic(topics.tasks())];
    let described = admin(&topics)
        .describe_configs(&resource, &AdminOptions::new())
        .await
        .unwrap();
    let topic = described.into_iter().next().unwrap().unwrap();
    let retention = topic
        .entries
        .iter()
        .find(|entry| entry.name == "retention.ms")
        .unwrap();
    assert_eq!(retention.value.as_deref(), Some("-1"));
}

#[tokio::test]
async fn a_topic_that_exists_is_left_as_it_is() {
    let topics = Topics::create(3).await;
    create_topic(&kafka(&topics), &TopicPlan::events(&kafka(&topics), &SETTINGS))
        .await
        .unwrap();
    assert_eq!(partitions(&topics, topics.tasks()), 3);
}

#[tokio::test]
async fn several_may_create_the_same_topic_at_once() {
    let topics = Topics::named();
    let (settings, plan) = (kafka(&topics), TopicPlan::events(&kafka(&topics), &SETTINGS));
    let outcomes = futures::future::join_all((0..5).map(|_| create_topic(&settings, &plan))).await;
    assert!(outcomes.iter().all(Result::is_ok), "{outcomes:?}");
    assert_eq!(partitions(&topics, topics.tasks()), 4);
}

#[tokio::test]
async fn a_plan_that_the_brokers_refuse_is_told_apart_from_brokers_that_are_away() {
    let topics = Topics::named();
    let too_many_copies = TopicSettings {
        kafka_topic_replication: 99,
        ..SETTINGS
    };
    let plan = TopicPlan::events(&kafka(&topics), &too_many_copies);
    let refused = create_topic(&kafka(&topics), &plan).await.unwrap_err();
    assert!(matches!(&refused, TopicFault::Refused { .. }), "{refused}");
    assert!(refused.to_string().contains("lower the replication"), "{refused}");

    let port = std::net::TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap()
        .port();
    let mut nowhere = kafka(&topics);
    nowhere.kafka_brokers = format!("127.0.0.1:{port}");
    let away = create_topic(&nowhere, &TopicPlan::events(&kafka(&topics), &SETTINGS))
        .await
        .unwrap_err();
    assert!(matches!(&away, TopicFault::Unreachable { .. }), "{away}");
}
