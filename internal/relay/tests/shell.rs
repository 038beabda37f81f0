//! What the shell does at the ports, call by call, when it is stopped and when its session dies.

#![allow(clippy::unwrap_used, reason = "a test may unwrap")]

use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use taskwire_domain::{
    EncodedEvent, EventPublisher, Outbox, OutboxFault, OutboxRecord, OutboxSession, PublishFault, TaskId,
    Version,
};
use taskwire_relay::{RelaySettings, run};
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

/// Both ports: what was called, in order, and what they do.
#[derive(Default)]
struct Script {
    calls: Mutex<Vec<&'static str>>,
    called: Notify,
    acknowledged: Notify,
    heartbeats_fail: bool,
}

impl Script {
    fn note(&self, call: &'static str) {
        self.calls.lock().unwrap().push(call);
        self.called.notify_one();
    }

    fn calls(&self) -> Vec<&'static str> {
        self.calls.lock().unwrap().clone()
    }

    async fn until_called(&self, call: &str, times: usize) {
        while self.calls().iter().filter(|made| **made == call).count() < times {
            self.called.notified().await;
        }
    }
}

struct Ports(Arc<Script>);

#[async_trait]
impl Outbox for Ports {
    async fn elect(&self) -> Result<Option<Box<dyn OutboxSession>>, OutboxFault> {
        self.0.note("elect");
        Ok(Some(Box::new(Ports(self.0.clone()))))
    }
}

#[async_trait]
impl OutboxSession for Ports {
    async fn read(&mut self, _: u32, _: &[TaskId]) -> Result<Vec<OutboxRecord>, OutboxFault> {
        self.0.note("read");
        let event = EncodedEvent {
            task_id: "00000000-0000-7000-8000-000000000001".parse().unwrap(),
            version: Version::FIRST,
            payload: Default::default(),
            headers: Vec::new(),
        };
        Ok(vec![OutboxRecord { id: 7, event }])
    }

    async fn delete(&mut self, ids: &[i64]) -> Result<(), OutboxFault> {
        assert_eq!(ids, [7]);
        self.0.note("delete");
        Ok(())
    }

    async fn heartbeat(&mut self) -> Result<(), OutboxFault> {
        if !self.0.heartbeats_fail {
            return Ok(());
        }
        self.0.note("heartbeat fails");
        Err(OutboxFault {
            action: "send a heartbeat",
            cause: "the session is gone".into(),
        })
    }

    async fn resign(self: Box<Self>) -> Result<(), OutboxFault> {
        self.0.note("resign");
        Ok(())
    }
}

#[async_trait]
impl EventPublisher for Ports {
    async fn publish(&self, _: &[OutboxRecord]) -> Result<(), PublishFault> {
        self.0.note("publish");
        self.0.acknowledged.notified().await;
        self.0.note("acknowledged");
        Ok(())
    }

    async fn purge(&self) {
        self.0.note("purge");
    }
}

/// Runs a relay on the script beside `plot`, until the relay ends.
async fn play(script: &Arc<Script>, stopping: CancellationToken, plot: impl Future<Output = ()>) {
    let settings = RelaySettings {
        batch_size: 10,
        poll_ms: 50,
        election_ms: 1_000,
    };
    let ports = Arc::new(Ports(script.clone()));
    let relay = run(ports.clone(), ports, Arc::default(), settings, stopping);
    tokio::join!(relay, plot);
}

#[tokio::test(start_paused = true)]
async fn a_stop_waits_for_the_acknowledgements_under_way_and_deletes_what_they_are_for() {
    let (script, stopping) = (Arc::new(Script::default()), CancellationToken::new());
    play(&script, stopping.clone(), async {
        script.until_called("publish", 1).await;
        stopping.cancel();
        tokio::time::sleep(Duration::from_secs(4)).await;
        script.acknowledged.notify_one();
    })
    .await;
    assert_eq!(
        script.calls(),
        ["elect", "read", "publish", "acknowledged", "delete", "resign"]
    );
}

#[tokio::test(start_paused = true)]
async fn a_stop_without_acknowledgements_leaves_nothing_in_the_publisher_and_deletes_nothing() {
    let (script, stopping) = (Arc::new(Script::default()), CancellationToken::new());
    let began = tokio::time::Instant::now();
    play(&script, stopping.clone(), async {
        script.until_called("publish", 1).await;
        stopping.cancel();
    })
    .await;
    assert_eq!(script.calls(), ["elect", "read", "publish", "purge", "resign"]);
    assert!(began.elapsed() < Duration::from_secs(6), "{:?}", began.elapsed());
}

#[tokio::test(start_paused = true)]
async fn one_whose_session_dies_while_the_broker_is_silent_purges_before_it_stands_again() {
    let script = Arc::new(Script {
        heartbeats_fail: true,
        ..Script::default()
    });
    let stopping = CancellationToken::new();
    play(&script, stopping.clone(), async {
        script.until_called("elect", 2).await;
        stopping.cancel();
    })
    .await;
    assert_eq!(
        script.calls()[..6],
        ["elect", "read", "publish", "heartbeat fails", "purge", "elect"]
    );
    assert!(!script.calls().contains(&"delete"));
}
