//! Records that can never be applied, put into the topic behind the service's back.

use std::time::Duration;

use fastrand::Rng;
use rdkafka::ClientConfig;
use rdkafka::message::{Header, OwnedHeaders};
use rdkafka::producer::{FutureProducer, FutureRecord};
use taskwire_oracle::System;
use tokio::sync::watch;
use tokio::time::timeout;

/// The header that tells our records from the service's.
pub(crate) const MARK: &str = "faults-poison";
/// Its value on what has to be parked.
pub(crate) const PARKED: &str = "parked";
/// Its value on what has to be passed over: a record without a value says nothing.
pub(crate) const PASSED: &str = "passed";

/// Puts in a record every few seconds until `end` says so. How many are in the topic is for the oracle to count: a
/// record whose acknowledgement was lost may be there too.
pub(crate) async fn inject(system: &System, seed: u64, mut end: watch::Receiver<bool>) -> anyhow::Result<()> {
    let producer: FutureProducer = ClientConfig::new()
        .set("bootstrap.servers", &system.brokers)
        .set("enable.idempotence", "true")
        .set("message.timeout.ms", "60000")
        .create()?;
    let mut rng = Rng::with_seed(seed);
    while !*end.borrow_and_update() {
        let pause = Duration::from_millis(rng.u64(3_000..12_000));
        if timeout(pause, end.changed()).await.is_ok() {
            continue;
        }
        let (value, fate) = value(&mut rng);
        let headers = OwnedHeaders::new().insert(Header {
            key: MARK,
            value: Some(fate),
        });
        let key = format!("poison-{}", rng.u64(..));
        let mut record = FutureRecord::to(&system.topic).key(&key).headers(headers);
        record.payload = value.as_deref();
        // Whether it arrived is read from the topic.
        let _ = producer.send(record, Duration::from_secs(10)).await;
    }
    Ok(())
}

fn value(rng: &mut Rng) -> (Option<Vec<u8>>, &'static str) {
    let text = match rng.u8(..7) {
        0 => r#"{"type":"Task.Created","value":{"#.to_owned(),
        1 => r#"{"type":"Task.Exploded","value":{"id":"x"}}"#.to_owned(),
        2 => r#"{"type":"Task.Updated","value":{"id":"no uuid"}}"#.to_owned(),
        3 => "x".repeat(900_000),
        4 => return (Some(vec![0xff, 0xfe, 0, 1]), PARKED),
        5 => r#"{"type":"Task.Deleted"}"#.to_owned(),
        _ => return (None, PASSED),
    };
    (Some(text.into_bytes()), PARKED)
}
