//! What metrics learn about the outbox.

use std::time::Duration;

use taskwire_postgres::Backlog;

use crate::fixture::{Fixture, execute};

#[tokio::test]
async fn the_backlog_counts_events_and_tells_the_age_of_the_oldest() {
    let fixture = Fixture::new().await;
    let nothing = Backlog {
        events: 0,
        oldest: Duration::ZERO,
    };
    assert_eq!(fixture.tasks.backlog().await.unwrap(), nothing);

    fixture.stored().await;
    let hour_ago = "update outbox set created_at = created_at - interval '1 hour'";
    execute(&mut fixture.database.connect().await, hour_ago).await;
    fixture.stored().await;
    let backlog = fixture.tasks.backlog().await.unwrap();
    assert_eq!(backlog.events, 2);
    let hour = Duration::from_secs(3_600);
    assert!(backlog.oldest >= hour && backlog.oldest < hour * 2, "{backlog:?}");
}

#[tokio::test]
async fn a_long_backlog_is_not_counted_to_its_end() {
    let fixture = Fixture::new().await;
    let fill = "insert into outbox (task_id, version, payload, headers)
                select gen_random_uuid(), 1, '', '{}' from generate_series(1, 100002)";
    execute(&mut fixture.database.connect().await, fill).await;
    assert_eq!(fixture.tasks.backlog().await.unwrap().events, Backlog::COUNTED);
}
