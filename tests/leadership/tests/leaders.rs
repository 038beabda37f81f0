//! Leaders that are no longer, and leaders too many.

#![allow(
    clippy::expect_used,
    clippy::unwrap_used,
    reason = "everything here runs inside a test"
)]

use std::sync::Arc;
use std::time::{Duration, Instant};

use taskwire_leadership::{Counted, Frozen, Ground, Interrupted, SharedLock, relay_settings};
use taskwire_postgres::SESSION_IDLE_LIMIT;
use taskwire_testkit::Proxy;
use tokio::sync::Notify;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sessions_that_end_while_records_are_in_flight_lose_nothing() {
    let ground = Ground::new().await;
    let publisher = Arc::new(Interrupted::new(ground.publisher(), ground.database.url()));
    let relays = [
        ground.relay(ground.outbox(), publisher.clone()),
        ground.relay(ground.outbox(), publisher.clone()),
    ];
    ground.write(10, 20).await;
    let repeated = ground.assert_whole_and_in_order().await;
    assert!(publisher.interruptions() >= 3, "{}", publisher.interruptions());
    assert!(
        repeated > 0,
        "who lost the session after publishing deleted nothing"
    );
    for relay in relays {
        relay.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_who_both_lead_at_once_repeat_events_and_lose_none() {
    let ground = Ground::new().await;
    let outbox = Arc::new(SharedLock::new(ground.outbox()));
    let publishers = [0, 1].map(|_| Arc::new(Counted::new(ground.publisher())));
    let relays = publishers
        .clone()
        .map(|publisher| ground.relay(outbox.clone(), publisher));
    ground.write(10, 40).await;
    // One of them may be connected late.
    let both_publish = async {
        while publishers.iter().any(|publisher| publisher.batches() <= 10) {
            ground.write(2, 5).await;
        }
    };
    let both = tokio::time::timeout(Duration::from_secs(60), both_publish).await;
    both.expect("both publish");
    let repeated = ground.assert_whole_and_in_order().await;
    assert!(repeated > 0, "they publish the same");
    for relay in relays {
        relay.stop().await;
    }
}

/// The other side of the promise: how long after its leader's last sign of life the outbox stands still. Five seconds more
/// than a session may be silent, and ten for a machine that is busy; a leader that is not noticed would keep it for hours.
fn in_time(began: Instant) -> Duration {
    let took = began.elapsed();
    assert!(took < SESSION_IDLE_LIMIT + Duration::from_secs(15), "{took:?}");
    took
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_leader_that_thaws_after_its_successor_emptied_the_outbox_does_no_harm() {
    let ground = Ground::new().await;
    ground.write(5, 3).await;
    let is_frozen = Arc::new(Notify::new());
    let (publisher, thaw) = Frozen::new(ground.publisher(), is_frozen.clone());
    let publisher = Arc::new(publisher);
    let (outbox, its_publisher) = (ground.outbox(), publisher.clone());
    let stopping = tokio_util::sync::CancellationToken::new();
    let its_stopping = stopping.clone();
    let leader = std::thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .unwrap();
        runtime.block_on(taskwire_relay::run(
            outbox,
            its_publisher,
            Arc::new(Notify::new()),
            relay_settings(),
            its_stopping,
        ));
    });
    is_frozen.notified().await;
    let began = Instant::now();
    let successor = ground.relay(ground.outbox(), ground.publisher());
    ground.emptied().await;
    println!("frozen: the successor led after {:?}", in_time(began));
    ground.write(3, 2).await;
    ground.emptied().await;

    thaw.send(()).unwrap();
    while !publisher.has_published() {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    ground.write(3, 2).await;
    let repeated = ground.assert_whole_and_in_order().await;
    assert_eq!(repeated, 7, "the batch that the frozen one held");
    stopping.cancel();
    successor.stop().await;
    tokio::task::spawn_blocking(move || leader.join().unwrap())
        .await
        .unwrap();
}

/// Nothing reaches the other end, either way, and nobody is told: no reset, no end.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_leader_on_a_line_that_went_dead_is_followed() {
    let ground = Ground::new().await;
    ground.write(2, 1).await;
    let proxy = Proxy::in_front_of(ground.database.url()).await;
    let cut_off = ground.relay(ground.outbox_at(proxy.url()), ground.publisher());
    ground.emptied().await;
    proxy.hold_everything();
    let began = Instant::now();
    ground.write(2, 1).await;
    let successor = ground.relay(ground.outbox(), ground.publisher());
    ground.emptied().await;
    println!("cut off: the successor led after {:?}", in_time(began));
    proxy.resume();
    ground.write(2, 1).await;
    ground.assert_whole_and_in_order().await;
    successor.stop().await;
    cut_off.stop().await;
}
