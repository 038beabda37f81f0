//! What remains of deleted tasks, and the round of its purge.
//!
//! Everything here is dated by the database's clock, at the beginning of the transaction: a deletion's `recorded_at` and
//! the `created_at` of its outbox row are the same moment.

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use taskwire_domain::{
    Error, NotedEnds, PurgeLedger, PurgeStage, PurgeSurvey, TaskId, Timestamp, Tombstone, TombstoneRows,
    Version,
};
use uuid::Uuid;

use crate::PostgresPool;
use crate::checkout::within;
use crate::error::{at_commit, internal, not_applied};

/// [`TombstoneRows`] and [`PurgeLedger`] over the connections that requests share.
pub struct PostgresTombstones {
    pool: PostgresPool,
}

impl PostgresTombstones {
    /// Over this pool.
    pub fn new(pool: PostgresPool) -> Self {
        Self { pool }
    }
}

/// By the key from where the chunk before ended, so that the whole table is walked once, without an index of times. An
/// outbox row of the same task keeps its tombstone, whatever the clocks say.
const READ: &str = "
    select id, version from deleted_tasks
    where recorded_at <= $1 and id > $2
      and not exists (select from outbox where outbox.task_id = deleted_tasks.id)
    order by id limit $3";

const DELETE: &str = "
    delete from deleted_tasks using unnest($1::uuid[], $2::bigint[]) as gone (id, version)
    where deleted_tasks.id = gone.id and deleted_tasks.version = gone.version";

/// The oldest event by its time, not by its id: a transaction may have begun before another and come later to its row.
const SURVEY: &str = "
    select now() as now, (select min(created_at) from outbox) as oldest_event,
           oldest_tombstone, tombstones, revision, stage, recorded_before, since, topic, ends
    from tombstone_purges,
         (select min(recorded_at) as oldest_tombstone, count(*) as tombstones from deleted_tasks) as deletions";

const SAVE: &str = "
    update tombstone_purges
    set revision = revision + 1, stage = $2, recorded_before = $3, since = $4, topic = $5, ends = $6
    where revision = $1";

#[async_trait]
impl TombstoneRows for PostgresTombstones {
    async fn read(
        &self,
        recorded_before: Timestamp,
        after: Option<TaskId>,
        limit: u32,
    ) -> Result<Vec<Tombstone>, Error> {
        const CONTEXT: &str = "the tombstones could not be read";
        let mut connection = self.pool.checkout().await?;
        let query = sqlx::query_as(READ)
            .bind(recorded_before.as_utc())
            // Below every id that there is.
            .bind(after.map_or(Uuid::nil(), TaskId::as_uuid))
            .bind(i64::from(limit));
        let outcome = within(connection.limit(), query.fetch_all(&mut *connection)).await;
        let rows: Vec<(Uuid, i64)> = connection
            .finish(outcome)
            .map_err(|error| not_applied(CONTEXT, error))?;
        rows.into_iter()
            .map(|(id, version)| {
                let version = Version::new(version)
                    .ok_or_else(|| internal(CONTEXT, format!("{id} has version {version}")))?;
                Ok(Tombstone {
                    id: TaskId::from_uuid(id),
                    version,
                })
            })
            .collect()
    }

    async fn delete(&self, tombstones: &[Tombstone]) -> Result<u64, Error> {
        if tombstones.is_empty() {
            return Ok(0);
        }
        let ids: Vec<Uuid> = tombstones
            .iter()
            .map(|tombstone| tombstone.id.as_uuid())
            .collect();
        let versions: Vec<i64> = tombstones
            .iter()
            .map(|tombstone| tombstone.version.get())
            .collect();
        let mut connection = self.pool.checkout().await?;
        let delete = sqlx::query(DELETE).bind(ids).bind(versions);
        let outcome = within(connection.limit(), delete.execute(&mut *connection)).await;
        let done = connection
            .finish(outcome)
            .map_err(|error| at_commit("tombstones could not be deleted", error))?;
        Ok(done.rows_affected())
    }
}

#[async_trait]
impl PurgeLedger for PostgresTombstones {
    async fn survey(&self) -> Result<PurgeSurvey, Error> {
        const CONTEXT: &str = "the purge of tombstones could not be looked at";
        let mut connection = self.pool.checkout().await?;
        let query = sqlx::query_as(SURVEY);
        let outcome = within(connection.limit(), query.fetch_one(&mut *connection)).await;
        let row: Row = connection
            .finish(outcome)
            .map_err(|error| not_applied(CONTEXT, error))?;
        let (
            now,
            oldest_event,
            oldest_tombstone,
            tombstones,
            revision,
            stage,
            recorded_before,
            since,
            topic,
            ends,
        ) = row;
        let columns = Columns {
            stage,
            recorded_before,
            since,
            topic,
            ends,
        };
        let stage = columns.stage();
        Ok(PurgeSurvey {
            now: Timestamp::from_utc(now),
            oldest_event: oldest_event.map(Timestamp::from_utc),
            oldest_tombstone: oldest_tombstone.map(Timestamp::from_utc),
            tombstones: tombstones.unsigned_abs(),
            stage: stage.ok_or_else(|| internal(CONTEXT, "tombstone_purges holds no stage of a round"))?,
            revision,
        })
    }

    async fn save(&self, revision: i64, stage: &PurgeStage) -> Result<bool, Error> {
        let columns = Columns::of(stage);
        let mut connection = self.pool.checkout().await?;
        let update = sqlx::query(SAVE)
            .bind(revision)
            .bind(columns.stage)
            .bind(columns.recorded_before)
            .bind(columns.since)
            .bind(columns.topic)
            .bind(columns.ends);
        let outcome = within(connection.limit(), update.execute(&mut *connection)).await;
        let done = connection
            .finish(outcome)
            .map_err(|error| at_commit("the purge of tombstones could not be saved", error))?;
        Ok(done.rows_affected() == 1)
    }
}

/// As [`SURVEY`] has it.
type Row = (
    DateTime<Utc>,
    Option<DateTime<Utc>>,
    Option<DateTime<Utc>>,
    i64,
    i64,
    String,
    Option<DateTime<Utc>>,
    Option<DateTime<Utc>>,
    Option<String>,
    Option<Vec<i64>>,
);

/// A stage as the table has it.
struct Columns {
    stage: String,
    recorded_before: Option<DateTime<Utc>>,
    since: Option<DateTime<Utc>>,
    topic: Option<String>,
    ends: Option<Vec<i64>>,
}

impl Columns {
    fn of(stage: &PurgeStage) -> Self {
        let (name, recorded_before, since, ends) = match stage {
            PurgeStage::Idle => ("idle", None, None, None),
            PurgeStage::Published {
                recorded_before,
                since,
            } => ("published", Some(recorded_before), Some(since), None),
            PurgeStage::Readable {
                recorded_before,
                ends,
            } => ("readable", Some(recorded_before), None, Some(ends)),
            PurgeStage::Unreadable {
                recorded_before,
                ends,
                since,
            } => ("unreadable", Some(recorded_before), Some(since), Some(ends)),
        };
        Self {
            stage: name.to_owned(),
            recorded_before: recorded_before.map(|time| time.as_utc()),
            since: since.map(|time| time.as_utc()),
            topic: ends.map(|noted| noted.topic.clone()),
            ends: ends.map(|noted| noted.ends.clone()),
        }
    }

    fn stage(self) -> Option<PurgeStage> {
        let recorded_before = self.recorded_before.map(Timestamp::from_utc);
        let since = self.since.map(Timestamp::from_utc);
        let ends = self
            .topic
            .zip(self.ends)
            .map(|(topic, ends)| NotedEnds { topic, ends });
        Some(match self.stage.as_str() {
            "idle" => PurgeStage::Idle,
            "published" => PurgeStage::Published {
                recorded_before: recorded_before?,
                since: since?,
            },
            "readable" => PurgeStage::Readable {
                recorded_before: recorded_before?,
                ends: ends?,
            },
            "unreadable" => PurgeStage::Unreadable {
                recorded_before: recorded_before?,
                ends: ends?,
                since: since?,
            },
            _ => return None,
        })
    }
}
