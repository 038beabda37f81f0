//! Commits that come late: rows whose outbox ids are older than those of rows that were committed before them.

use std::time::Duration;

use anyhow::ensure;
use sqlx::{Connection, Executor, PgConnection};
use tokio::time::{Instant, sleep};

/// A description that begins like this is committed late.
pub(crate) const TEXT: &str = "commits late";

/// At the commit itself, when all numbers were given out: some seconds for those that ask for it, and a part of a second
/// for one write in fifty.
const TRIGGER: &str = "
    create function faults_commit_late() returns trigger language plpgsql as $$
    begin
        if position('\"description\":\"commits late' in convert_from(new.payload, 'UTF8')) > 0 then
            perform pg_sleep(2.5);
        elsif random() < 0.02 then
            perform pg_sleep(random() * 0.4);
        end if;
        return null;
    end $$;
    create constraint trigger faults_commit_late after insert on outbox
        deferrable initially deferred for each row execute function faults_commit_late();";

/// Makes commits late from now on. The schema has to be there.
pub(crate) async fn arrange(database_url: &str) -> anyhow::Result<()> {
    let mut connection = PgConnection::connect(database_url).await?;
    connection.execute(TRIGGER).await?;
    connection.close().await?;
    Ok(())
}

/// Waits until so many commits are on their way.
pub(crate) async fn await_sleeping(database_url: &str, wanted: i64) -> anyhow::Result<()> {
    let sleeping = "select count(*) from pg_stat_activity
        where wait_event = 'PgSleep' and application_name = 'taskwire' and datname = current_database()";
    let mut connection = PgConnection::connect(database_url).await?;
    let began = Instant::now();
    loop {
        let (count,): (i64,) = sqlx::query_as(sleeping).fetch_one(&mut connection).await?;
        if count >= wanted {
            connection.close().await?;
            return Ok(());
        }
        ensure!(
            began.elapsed() < Duration::from_secs(2),
            "the commits that should be late are not under way"
        );
        sleep(Duration::from_millis(10)).await;
    }
}
