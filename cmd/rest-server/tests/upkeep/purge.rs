//! A whole round.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use async_trait::async_trait;
use reqwest::Method;
use serde_json::json;
use taskwire_domain::{
    Error, EventTopic, IndexedStates, PurgeLedger, PurgeStage, PurgeSurvey, TaskId, Timestamp, TopicExtent,
};
use taskwire_postgres::PostgresTombstones;
use taskwire_purge::{Advanced, PurgePorts, PurgeSettings, Swept, advance};

use crate::system::{System, until};

const SECOND: i64 = 1_000;
const HOUR: i64 = 3_600 * SECOND;
const DAY: i64 = 24 * HOUR;

/// The database's clock, put forward.
struct Ahead {
    ledger: PostgresTombstones,
    by: Arc<AtomicI64>,
}

#[async_trait]
impl PurgeLedger for Ahead {
    async fn survey(&self) -> Result<PurgeSurvey, Error> {
        let survey = self.ledger.survey().await?;
        let now = survey.now.unix_millis() + self.by.load(Ordering::Relaxed);
        Ok(PurgeSurvey {
            now: Timestamp::from_unix_millis(now).unwrap(),
            ..survey
        })
    }

    async fn save(&self, revision: i64, stage: &PurgeStage) -> Result<bool, Error> {
        self.ledger.save(revision, stage).await
    }
}

/// A server whose clock is put forward; each is a new process as far as the round is concerned.
struct Server {
    ports: PurgePorts,
}

impl Server {
    fn of(system: &System, by: &Arc<AtomicI64>) -> Self {
        let pool = system.pool();
        let ledger = PostgresTombstones::new(pool.clone());
        let ports = PurgePorts {
            ledger: Arc::new(Ahead {
                ledger,
                by: by.clone(),
            }),
            topic: system.topic(),
            rows: Arc::new(PostgresTombstones::new(pool)),
            documents: system.documents(),
        };
        Self { ports }
    }

    async fn advance(&self) -> Advanced {
        advance(&self.ports, PurgeSettings { days: 1 }).await.unwrap().1
    }

    async fn waits(&self, why: &str) {
        assert_eq!(self.advance().await, Advanced::Waits, "{why}");
    }
}

fn forward(by: &AtomicI64, millis: i64) {
    by.fetch_add(millis, Ordering::Relaxed);
}

async fn extent(system: &System) -> TopicExtent {
    system.topic().extent().await.unwrap()
}

/// 16 tasks through the real programs, half of them deleted, everything published and indexed; the programs have ended,
/// for from here on the clock is the test's. The first deletion is of another history than its document.
async fn prepare(system: &System) -> Vec<String> {
    let (mut server, mut indexer) = (system.start_rest().await, system.start_indexer().await);
    let mut ids = Vec::new();
    for number in 0..16 {
        ids.push(system.create(&format!("task number {number}")).await);
    }
    for id in &ids[..8] {
        system.delete(id).await;
    }
    system.await_count(8, 8).await;
    until("everything is published", || async {
        (system.database.number("select count(*) from outbox").await == 0).then_some(())
    })
    .await;
    server.terminate();
    indexer.terminate();
    assert_eq!(
        (server.ended().await.code(), indexer.ended().await.code()),
        (Some(0), Some(0))
    );
    let newer = format!(
        "/{}-v1-000001/_doc/{}?version=99&version_type=external&refresh=true",
        system.index.name(),
        ids[0]
    );
    let live =
        json!({ "id": ids[0], "deleted": false, "updatedAt": "2026-05-01T09:00:00.000Z", "version": 99 });
    system.index.request(Method::PUT, &newer, Some(live)).await;
    ids
}

/// Up to where the ends are noted.
async fn note_the_ends(system: &System, by: &Arc<AtomicI64>) {
    let server = Server::of(system, by);
    server.waits("too young").await;
    forward(by, DAY);
    let waiting = "insert into outbox (task_id, version, payload, headers, created_at)
                   select id, 1, '', '{}', recorded_at from deleted_tasks order by recorded_at limit 1";
    system.database.run(waiting).await;
    server.waits("an event as old waits in the outbox").await;
    system.database.run("delete from outbox").await;
    let entered = server.advance().await;
    assert!(
        matches!(entered, Advanced::Entered(PurgeStage::Published { .. })),
        "{entered:?}"
    );
    forward(by, HOUR - 30 * SECOND);
    server.waits("a relay may still be sending").await;
    forward(by, 30 * SECOND);
    let entered = server.advance().await;
    assert!(
        matches!(entered, Advanced::Entered(PurgeStage::Readable { .. })),
        "{entered:?}"
    );
    server.waits("everything can be read").await;
}

/// Up to a moment before the tombstones go, with a new process at each step.
async fn let_retention_take_the_events(system: &System, by: &Arc<AtomicI64>) {
    let before = extent(system).await;
    let ends: Vec<i64> = before.partitions.iter().map(|partition| partition.high).collect();
    assert!(
        ends.len() == 2 && ends.iter().all(|end| *end > 0),
        "both partitions hold events: {before:?}"
    );
    system.topics.delete_records(0, ends[0]).await;
    system.topics.delete_records(1, ends[1] - 1).await;
    forward(by, 30 * DAY);
    Server::of(system, by)
        .waits("one record of one partition can be read")
        .await;
    system.topics.delete_records(1, ends[1]).await;
    let entered = Server::of(system, by).advance().await;
    assert!(
        matches!(entered, Advanced::Entered(PurgeStage::Unreadable { .. })),
        "{entered:?}"
    );
    forward(by, DAY - 30 * SECOND);
    Server::of(system, by).waits("the day is not over").await;
}

#[tokio::test]
async fn a_round_takes_the_tombstones_and_not_one_step_earlier() {
    let system = System::new().await;
    let ids = prepare(&system).await;
    let by = Arc::new(AtomicI64::new(0));
    note_the_ends(&system, &by).await;
    let_retention_take_the_events(&system, &by).await;
    assert_eq!(system.count().await, (9, 7), "nothing went until now");
    assert_eq!(
        system.database.number("select count(*) from deleted_tasks").await,
        8
    );

    forward(&by, 30 * SECOND);
    let (one, other) = (Server::of(&system, &by), Server::of(&system, &by));
    let (first, second) = tokio::join!(one.advance(), other.advance());
    let swept = [first, second].map(|advanced| match advanced {
        Advanced::Purged(swept) => swept,
        // Later than the other: the deletion that is kept may begin a round of its own.
        _ => Swept::default(),
    });
    assert_eq!(swept[0].purged + swept[1].purged, 7);
    let live = "live documents stay, and so does what is newer than its deletion";
    assert_eq!(system.count().await, (9, 0), "{live}");
    assert_eq!(
        system.database.number("select count(*) from deleted_tasks").await,
        1
    );
    let gone: Vec<TaskId> = ids[1..8].iter().map(|id| id.parse().unwrap()).collect();
    assert_eq!(system.documents().present(&gone).await.unwrap(), []);
    for partition in extent(&system).await.partitions {
        assert_eq!(
            partition.low, partition.high,
            "no event of the purged tasks can be read"
        );
    }
}
