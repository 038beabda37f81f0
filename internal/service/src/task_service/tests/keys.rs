//! Forgetting callers' keys.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use taskwire_domain::{AnsweredClaim, KeyClaim};
use tokio_util::sync::CancellationToken;
use tracing::span;

use super::*;
use crate::keep_forgetting_keys;

const DAY_BEFORE: &str = "2026-04-30T13:00:00.000Z";
const JUST_EXPIRED: &str = "2026-04-30T12:59:59.999Z";

fn claimed(key: String, time: &str) -> AnsweredClaim {
    let claim = KeyClaim {
        scope: "POST /tasks",
        key,
        fingerprint: [0; 32],
        claimed_at: at(time),
    };
    claim.answered(Bytes::new())
}

/// 120 keys that are just too old, and one of exactly a day.
fn holding_keys() -> MemoryRepository {
    let repository = MemoryRepository::default();
    let expired = (0..120).map(|number| claimed(number.to_string(), JUST_EXPIRED));
    let all = expired.chain([claimed("kept".to_owned(), DAY_BEFORE)]);
    let all = all.map(|claim| ((claim.claim.scope, claim.claim.key.clone()), claim));
    repository.state.lock().unwrap().claims.extend(all);
    repository
}

#[tokio::test]
async fn keys_older_than_a_day_are_forgotten_in_rounds_until_none_is_left() {
    let repository = Arc::new(holding_keys());
    let service = service_at(LATER, &repository);
    assert_eq!(service.forget_expired_keys().await.unwrap(), 120);
    assert_eq!(repository.attempts(), 3);
    let kept: Vec<_> = repository.state().claims.into_keys().collect();
    assert_eq!(kept, [("POST /tasks", "kept".to_owned())]);
    assert_eq!(service.forget_expired_keys().await.unwrap(), 0);
}

#[tokio::test(start_paused = true)]
async fn keys_are_forgotten_after_a_minute_and_every_ten_until_the_process_stops() {
    let repository = Arc::new(holding_keys());
    let stopping = CancellationToken::new();
    let service = Arc::new(service_at(LATER, &repository));
    let forgetting = keep_forgetting_keys(service, stopping.clone());
    let observed = async {
        tokio::time::sleep(Duration::from_secs(59)).await;
        assert_eq!(repository.attempts(), 0);
        tokio::time::sleep(Duration::from_secs(2)).await;
        assert_eq!(repository.state().claims.len(), 1);
        tokio::time::sleep(Duration::from_secs(1_200)).await;
        assert_eq!(repository.attempts(), 3 + 2);
        stopping.cancel();
    };
    tokio::join!(forgetting, observed);
}

#[tokio::test(start_paused = true)]
async fn an_outage_is_logged_once_however_long_it_lasts() {
    let repository = Arc::new(MemoryRepository {
        answer_lost: true,
        ..MemoryRepository::default()
    });
    let warnings = Arc::new(AtomicUsize::new(0));
    let _listening = tracing::subscriber::set_default(Warnings(warnings.clone()));
    let stopping = CancellationToken::new();
    let service = Arc::new(service_at(LATER, &repository));
    let forgetting = keep_forgetting_keys(service, stopping.clone());
    let observed = async {
        tokio::time::sleep(Duration::from_secs(3_001)).await;
        stopping.cancel();
    };
    tokio::join!(forgetting, observed);
    assert_eq!((repository.attempts(), warnings.load(Ordering::SeqCst)), (5, 1));
}

/// Counts warnings.
struct Warnings(Arc<AtomicUsize>);

impl tracing::Subscriber for Warnings {
    fn enabled(&self, metadata: &tracing::Metadata<'_>) -> bool {
        *metadata.level() == tracing::Level::WARN
    }

    fn event(&self, _: &tracing::Event<'_>) {
        self.0.fetch_add(1, Ordering::SeqCst);
    }

    fn new_span(&self, _: &span::Attributes<'_>) -> span::Id {
        span::Id::from_u64(1)
    }

    fn record(&self, _: &span::Id, _: &span::Record<'_>) {}

    fn record_follows_from(&self, _: &span::Id, _: &span::Id) {}

    fn enter(&self, _: &span::Id) {}

    fn exit(&self, _: &span::Id) {}
}
