//! The schema, embedded, and its application. How to add to it: `migrations/README.md`.

use std::time::Duration;

use sqlx::migrate::{Migrate as _, MigrateError, Migration, MigrationType, Migrator};
use sqlx::postgres::PgConnection;
use sqlx::{ConnectOptions as _, Connection as _, SqlSafeStr as _};

use crate::DatabaseUrl;
use crate::checkout::within;
use crate::error::{is_lock_timeout, is_refusal, went_away};

/// The schema is not, and was not made, what this version needs.
#[derive(Debug, thiserror::Error)]
pub enum MigrationError {
    /// Nothing could be learnt or done.
    #[error("the database could not be reached to look at its schema: check --database-url (DATABASE_URL)")]
    Unreachable(#[source] sqlx::Error),
    /// The server is there and will not have us.
    #[error(
        "the database refuses the user or the password, or does not exist: correct --database-url (DATABASE_URL)"
    )]
    Refused(#[source] sqlx::Error),
    /// A later version has been here.
    #[error(
        "the database has migration {applied}, which this version does not know (its last is {known}): a newer version \
         of Taskwire migrated the database; start that version, or a later one"
    )]
    Newer {
        /// The migration that this version does not know.
        applied: i64,
        /// The last one it knows.
        known: i64,
    },
    /// Nobody migrated, and this process was told not to.
    #[error("the database lacks migration {0}: run `rest-server migrate`, or start with --auto-migrate=true")]
    Pending(i64),
    /// A file was edited after its release.
    #[error(
        "migration {0} was applied to the database with another text than this version's: restore its file"
    )]
    Changed(i64),
    /// Another session uses a table, and the migration did not wait longer than its lock limit.
    #[error(
        "migration {migration} was not run, because another session kept a table locked; the ones before it stay: \
         start again when that session's transaction is over (docs/operations.md says how to find it)"
    )]
    Blocked {
        /// The migration that did not get its lock. It was rolled back, and is the next to run.
        migration: i64,
        /// What the server said.
        #[source]
        cause: sqlx::Error,
    },
    /// A migration failed and was rolled back.
    #[error("the database could not be migrated; nothing of the failed migration was applied")]
    Failed(#[source] MigrateError),
}

fn migrations() -> Migrator {
    let migration = |version, description: &'static str, sql: &'static str| {
        Migration::new(
            version,
            description.into(),
            MigrationType::Simple,
            sql.into_sql_str(),
            false,
        )
    };
    Migrator::with_migrations(vec![
        migration(
            1,
            "tasks and outbox",
            include_str!("../../../migrations/postgres/0001_tasks_and_outbox.sql"),
        ),
        migration(
            2,
            "lists and idempotency",
            include_str!("../../../migrations/postgres/0002_lists_and_idempotency.sql"),
        ),
        migration(
            3,
            "one index of parents",
            include_str!("../../../migrations/postgres/0003_one_index_of_parents.sql"),
        ),
        migration(
            4,
            "tombstone purge",
            include_str!("../../../migrations/postgres/0004_tombstone_purge.sql"),
        ),
    ])
}

/// How long to wait for a connection.
const CONNECT_LIMIT: Duration = Duration::from_secs(10);

/// Brings the schema up to date. Several processes may do so at once: they wait for one another's lock, without a
/// limit, and all but the first find nothing to do.
///
/// # Errors
/// See [`MigrationError`]; each says what to do.
pub async fn migrate(url: &DatabaseUrl) -> Result<(), MigrationError> {
    let migrations = migrations();
    let mut connection = connect(url).await?;
    // Not `run`, whose future the compiler cannot prove to be `Send`; it does the same.
    let migrated = migrations.run_direct(None, &mut connection, false).await;
    // Closing also releases the lock, which a migration that failed leaves behind.
    let _ = connection.close().await;
    migrated.map_err(|error| refused(error, &migrations))
}

/// Makes sure that the schema is up to date, without changing anything.
///
/// # Errors
/// See [`MigrationError`]; each says what to do.
pub async fn ensure_migrated(url: &DatabaseUrl) -> Result<(), MigrationError> {
    let migrations = migrations();
    let mut connection = connect(url).await?;
    let applied = applied(&mut connection, &migrations)
        .await
        .map_err(|error| refused(error, &migrations))?;
    let _ = connection.close().await;
    compare(&migrations, &applied)
}

async fn connect(url: &DatabaseUrl) -> Result<PgConnection, MigrationError> {
    let settings = [
        // Other processes' waiting, or a large table, may take as long as it takes, whatever the server's default is.
        ("statement_timeout", "0".to_owned()),
        // A process that is gone without a word must not keep the lock that the others wait for.
        ("tcp_keepalives_idle", "10".to_owned()),
        ("tcp_keepalives_interval", "5".to_owned()),
        ("tcp_keepalives_count", "3".to_owned()),
        // "The relation exists already" is no news.
        ("client_min_messages", "warning".to_owned()),
    ];
    let options = url.connect_options("taskwire-migrate", settings);
    within(CONNECT_LIMIT, options.connect()).await.map_err(|error| {
        if is_refusal(&error) {
            MigrationError::Refused(error)
        } else {
            MigrationError::Unreachable(error)
        }
    })
}

/// Numbers and checksums of the migrations that the database has.
async fn applied(
    connection: &mut PgConnection,
    migrations: &Migrator,
) -> Result<Vec<(i64, Vec<u8>)>, MigrateError> {
    let is_new: bool = sqlx::query_scalar("select to_regclass($1) is null")
        .bind(&*migrations.table_name)
        .fetch_one(&mut *connection)
        .await?;
    if is_new {
        return Ok(Vec::new());
    }
    let applied = connection.list_applied_migrations(&migrations.table_name).await?;
    Ok(applied
        .into_iter()
        .map(|migration| (migration.version, migration.checksum.into_owned()))
        .collect())
}

fn compare(migrations: &Migrator, applied: &[(i64, Vec<u8>)]) -> Result<(), MigrationError> {
    if let Some((version, _)) = applied
        .iter()
        .find(|(version, _)| !migrations.version_exists(*version))
    {
        return Err(refused(MigrateError::VersionMissing(*version), migrations));
    }
    for migration in migrations.iter() {
        match applied.iter().find(|(version, _)| *version == migration.version) {
            None => return Err(MigrationError::Pending(migration.version)),
            Some((version, checksum)) if *checksum != *migration.checksum => {
                return Err(MigrationError::Changed(*version));
            }
            Some(_) => {}
        }
    }
    Ok(())
}

fn refused(error: MigrateError, migrations: &Migrator) -> MigrationError {
    match error {
        MigrateError::VersionMissing(applied) => MigrationError::Newer {
            applied,
            known: migrations
                .iter()
                .map(|migration| migration.version)
                .max()
                .unwrap_or(0),
        },
        MigrateError::VersionMismatch(version) => MigrationError::Changed(version),
        MigrateError::ExecuteMigration(cause, migration) if is_lock_timeout(&cause) => {
            MigrationError::Blocked { migration, cause }
        }
        // What was under way was rolled back, or is seen to be there when it is looked at anew.
        MigrateError::Execute(error) | MigrateError::ExecuteMigration(error, _) if went_away(&error) => {
            MigrationError::Unreachable(error)
        }
        other => MigrationError::Failed(other),
    }
}
