//! A topic that becomes another one while it is read: each time the reader ends with a sentence that says what to do.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test may unwrap")]

mod support;

use rdkafka::admin::{AdminOptions, NewPartitions, NewTopic, TopicReplication};
use rdkafka::error::RDKafkaErrorCode;
use support::{LIMIT, admin, assigned, failure, next, position, publish, read, start};
use taskwire_domain::{EventSource, SourceEvent};
use taskwire_testkit::Topics;

async fn delete(topics: &Topics) {
    let answer = admin(topics)
        .delete_topics(&[topics.tasks()], &AdminOptions::new())
        .await;
    answer.unwrap().remove(0).unwrap();
}

/// Creates the topic again, as soon as the brokers have forgotten the old one.
async fn create_anew(topics: &Topics, partitions: i32) {
    let wanted = NewTopic::new(topics.tasks(), partitions, TopicReplication::Fixed(1));
    let creating = async {
        loop {
            let answer = admin(topics).create_topics([&wanted], &AdminOptions::new()).await;
            match answer.unwrap().remove(0) {
                Ok(_) => return,
                Err((_, RDKafkaErrorCode::TopicAlreadyExists)) => {}
                Err(other) => panic!("{other:?}"),
            }
        }
    };
    tokio::time::timeout(LIMIT, creating)
        .await
        .expect("the topic is created anew");
}

#[tokio::test]
async fn partitions_that_are_added_end_the_reader() {
    let topics = Topics::create(2).await;
    publish(&topics, 10, 5).await;
    let mut source = start(&topics);
    assert_eq!(assigned(&mut source).await.len(), 2);
    read(&mut source, 10).await;
    let more = NewPartitions::new(topics.tasks(), 3);
    let answer = admin(&topics)
        .create_partitions([&more], &AdminOptions::new())
        .await;
    answer.unwrap().remove(0).unwrap();
    // The new partition may be assigned before it is noticed.
    let fault = failure(&mut source).await;
    assert!(
        fault.detail.contains("had 2 partitions and has 3 now") && fault.detail.contains("restart"),
        "{fault}"
    );
    source.close().await.unwrap();
}

/// The new topic has more records than the old one had, so that no offset is out of range.
#[tokio::test]
async fn a_topic_that_is_created_anew_at_once_ends_the_reader_before_it_reads_on() {
    let topics = Topics::create(1).await;
    publish(&topics, 10, 1).await;
    let mut source = start(&topics);
    read(&mut source, 10).await;
    source.store(&[position(0, 10)]).unwrap();
    delete(&topics).await;
    create_anew(&topics, 1).await;
    publish(&topics, 100, 1).await;
    match next(&mut source).await {
        // "deleted and created anew", or only "deleted" if it looked in between.
        SourceEvent::Failed(fault) => assert!(
            fault.detail.contains("while it was read") && fault.detail.contains("reindex needed"),
            "{fault}"
        ),
        other => panic!("the reader went on with the new topic: {other:?}"),
    }
    source.close().await.unwrap();
}

#[tokio::test]
async fn a_topic_that_is_deleted_ends_the_reader() {
    let topics = Topics::create(1).await;
    publish(&topics, 10, 1).await;
    let mut source = start(&topics);
    read(&mut source, 10).await;
    delete(&topics).await;
    let fault = failure(&mut source).await;
    assert!(
        fault.detail.contains("was deleted while it was read") && fault.detail.contains("reindex needed"),
        "{fault}"
    );
    source.close().await.unwrap();
}
