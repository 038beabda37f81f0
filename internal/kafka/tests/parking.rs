//! The dead-letter queue against real brokers.

#![allow(clippy::unwrap_used, reason = "a test may unwrap")]

mod support;

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use support::{consumer, contents, kafka, position};
use taskwire_domain::{Clock, DeadLetter, DeadLetterQueue, ParkFault, Record, Timestamp};
use taskwire_kafka::KafkaDeadLetters;
use taskwire_testkit::Topics;

struct Noon;

impl Clock for Noon {
    fn now(&self) -> Timestamp {
        "2026-05-01T12:00:00Z".parse().unwrap()
    }
}

fn letter(value: Vec<u8>) -> DeadLetter {
    let header = |name: &str, value: &'static str| (name.to_owned(), Some(Bytes::from(value)));
    let record = Record {
        position: position(3, 41),
        key: Some(Bytes::from("some key")),
        value: Some(value.into()),
        headers: vec![
            header("ce_type", "Task.Created"),
            header("ce_type", "again"),
            header("x", ""),
        ],
        time: None,
    };
    DeadLetter {
        record,
        reason: "malformed-event",
        detail: "no `type` at line 1".to_owned(),
        attempts: 2,
    }
}

#[tokio::test]
async fn a_letter_has_the_records_key_value_and_headers_and_its_own_after_them() {
    let topics = Topics::create(1).await;
    let queue = KafkaDeadLetters::new(&kafka(&topics), &consumer(&topics), Arc::new(Noon));
    queue.park(&[letter(b"{\"oops\":".to_vec())]).await.unwrap();

    let parked = contents(&topics, topics.dead_letters()).await;
    assert_eq!(parked.len(), 1);
    assert_eq!(
        (parked[0].key.as_str(), parked[0].value.as_slice()),
        ("some key", b"{\"oops\":".as_slice())
    );
    let headers: Vec<_> = parked[0]
        .headers
        .iter()
        .map(|(name, value)| (name.as_str(), value.as_str()))
        .collect();
    let wanted = [
        ("ce_type", "Task.Created"),
        ("ce_type", "again"),
        ("x", ""),
        ("dlq.reason", "malformed-event"),
        ("dlq.detail", "no `type` at line 1"),
        ("dlq.topic", topics.tasks()),
        ("dlq.partition", "3"),
        ("dlq.offset", "41"),
        ("dlq.attempts", "2"),
        ("dlq.time", "2026-05-01T12:00:00.000Z"),
    ];
    assert_eq!(headers, wanted);
}

#[tokio::test]
async fn a_letter_that_is_refused_is_a_fault_and_the_next_one_is_taken() {
    let topics = Topics::create(1).await;
    let queue = KafkaDeadLetters::new(&kafka(&topics), &consumer(&topics), Arc::new(Noon));
    let fault = queue.park(&[letter(vec![b'x'; 1_500_000])]).await.unwrap_err();
    assert!(
        matches!(&fault, ParkFault::Refused { detail, .. } if detail.contains("max.message.bytes")),
        "{fault}"
    );
    queue
        .park(&[letter(b"1".to_vec()), letter(b"2".to_vec())])
        .await
        .unwrap();
    assert_eq!(contents(&topics, topics.dead_letters()).await.len(), 2);
}

#[tokio::test]
async fn brokers_that_are_away_are_a_fault_after_the_limit() {
    let topics = Topics::named();
    let port = std::net::TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap()
        .port();
    let mut nowhere = kafka(&topics);
    nowhere.kafka_brokers = format!("127.0.0.1:{port}");
    let limit = Duration::from_millis(300);
    let queue = KafkaDeadLetters::new(&nowhere, &consumer(&topics), Arc::new(Noon)).with_limit(limit);
    let fault = queue.park(&[letter(b"1".to_vec())]).await.unwrap_err();
    assert!(
        matches!(&fault, ParkFault::Retry { detail, .. } if detail.contains("within 0.3 s")),
        "{fault}"
    );
}
