//! Settings of the database.

use std::time::Duration;

use crate::DatabaseUrl;
use crate::url::DatabaseUrlParser;

/// The database of tasks.
#[derive(Debug, Clone, clap::Args)]
#[command(next_help_heading = "PostgreSQL")]
pub struct PostgresSettings {
    /// The database, as postgres://user:password@host:port/database?sslmode=…, reached directly: a pooler in between
    /// breaks the relay's lock, or drops the settings of the session
    #[arg(id = "postgres_url", long = "database-url", env = "DATABASE_URL", hide_env_values = true, value_parser = DatabaseUrlParser, value_name = "URL")]
    pub url: DatabaseUrl,

    /// Most connections for requests; the relay has one more
    #[arg(id = "postgres_pool_size", long = "database-pool-size", env = "DATABASE_POOL_SIZE", default_value_t = 10, value_parser = clap::value_parser!(u32).range(1..=1_000), value_name = "CONNECTIONS")]
    pub pool_size: u32,

    /// How long a request waits for a connection before it is answered 503, in milliseconds; with the time of a
    /// statement it stays below the request's own limit of 10 s, so that the database's word arrives first
    #[arg(id = "postgres_acquire_timeout_ms", long = "database-acquire-timeout-ms", env = "DATABASE_ACQUIRE_TIMEOUT_MS", default_value_t = 2_500, value_parser = clap::value_parser!(u64).range(100..=4_000), value_name = "MS")]
    pub acquire_timeout_ms: u64,

    /// How long the database may work on one statement, waiting for locks included, in milliseconds
    #[arg(id = "postgres_statement_timeout_ms", long = "database-statement-timeout-ms", env = "DATABASE_STATEMENT_TIMEOUT_MS", default_value_t = 5_000, value_parser = clap::value_parser!(u64).range(100..=5_000), value_name = "MS")]
    pub statement_timeout_ms: u64,

    /// Events that may wait to be published before writes are refused with 503, so that a broker which is away for long
    /// does not fill the database's disk; 0 is no limit. An event takes about 1 kB, with the longest texts 60 kB
    #[arg(
        id = "postgres_outbox_limit",
        long = "outbox-limit",
        env = "OUTBOX_LIMIT",
        default_value_t = 1_000_000,
        value_name = "EVENTS"
    )]
    pub outbox_limit: u64,
}

impl PostgresSettings {
    pub(crate) fn acquire_timeout(&self) -> Duration {
        Duration::from_millis(self.acquire_timeout_ms)
    }

    pub(crate) fn statement_timeout(&self) -> Duration {
        Duration::from_millis(self.statement_timeout_ms)
    }
}

#[cfg(test)]
mod tests {
    use clap::{CommandFactory, Parser};

    use super::*;

    #[derive(Debug, Parser)]
    struct Program {
        #[command(flatten)]
        postgres: PostgresSettings,
    }

    #[test]
    fn the_arguments_are_sound() {
        Program::command().debug_assert();
    }

    #[test]
    fn the_database_is_required_and_the_rest_has_defaults() {
        let program =
            Program::try_parse_from(["program", "--database-url", "postgresql://u@db:5433/tasks"]).unwrap();
        assert_eq!(program.postgres.pool_size, 10);
        assert_eq!(program.postgres.acquire_timeout(), Duration::from_millis(2_500));
        assert_eq!(program.postgres.statement_timeout(), Duration::from_secs(5));
    }

    #[test]
    fn a_wrong_url_is_refused_by_the_settings_name_and_without_its_password() {
        for wrong in [
            "postgres://user:hunter2@host:port/tasks",
            "mysql://user:hunter2@host/tasks",
            "postgres://user:hunter2@host/tasks?sslmode=hunter",
            "hunter2",
            "",
        ] {
            let error = Program::try_parse_from(["program", "--database-url", wrong]).unwrap_err();
            let message = error.to_string();
            assert_eq!(error.exit_code(), 2, "{wrong}");
            assert!(
                message.contains("--database-url <URL>") && message.contains("DATABASE_URL"),
                "{message}"
            );
            assert!(!message.contains("hunter2"), "{message}");
        }
    }

    #[test]
    fn debug_output_shows_no_password() {
        let program =
            Program::try_parse_from(["program", "--database-url", "postgres://user:hunter2@host/tasks"])
                .unwrap();
        let shown = format!("{program:?}");
        assert!(shown.contains("host") && !shown.contains("hunter2"), "{shown}");
    }
}
