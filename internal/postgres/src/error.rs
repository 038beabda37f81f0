//! What a fault of the driver or the server means to a caller. Everything we know about SQLSTATE codes
//! (<https://www.postgresql.org/docs/current/errcodes-appendix.html>) is here.

use std::time::Duration;

use sqlx::postgres::{PgDatabaseError, PgSeverity};
use taskwire_domain::{BoxError, Error};

/// The name in errors and in the health report.
pub(crate) const DEPENDENCY: &str = "postgresql";

/// A restart of the server takes about this long.
const RETRY_AFTER: Duration = Duration::from_secs(1);

/// A constraint that a caller's request can break.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Constraint {
    /// No two tasks have the same external id.
    ExternalIdUnique,
    /// A parent exists as long as it has sub-tasks.
    ParentExists,
}

/// Which constraint the statement broke, by the names in `migrations/postgres`.
pub(crate) fn broken_constraint(error: &sqlx::Error) -> Option<Constraint> {
    match error.as_database_error()?.constraint()? {
        "tasks_external_id_key" => Some(Constraint::ExternalIdUnique),
        "tasks_parent_id_fkey" => Some(Constraint::ParentExists),
        _ => None,
    }
}

/// Whether a statement was ended by its time limit while it waited for a request with the same idempotency key. The
/// server names the relation it waited at in the error's context, whatever the language of the rest.
pub(crate) fn waited_for_twin(error: &sqlx::Error) -> bool {
    let Some(error) = error.as_database_error() else {
        return false;
    };
    // query_canceled, which is what statement_timeout does; lock_not_available, what lock_timeout does.
    let by_time_limit = matches!(error.code().as_deref(), Some("57014" | "55P03"));
    by_time_limit
        && error
            .try_downcast_ref::<PgDatabaseError>()
            .and_then(PgDatabaseError::r#where)
            .is_some_and(|context| context.contains("idempotency_keys"))
}

/// Whether the server undid a transaction to end a deadlock: it may well succeed when sent again.
pub(crate) fn is_deadlock(error: &sqlx::Error) -> bool {
    has_code(error, "40P01")
}

/// Whether a statement gave up waiting for a lock: lock_not_available.
pub(crate) fn is_lock_timeout(error: &sqlx::Error) -> bool {
    has_code(error, "55P03")
}

/// Whether a transaction of many writes failed for what others did after it had looked: deadlock_detected,
/// serialization_failure, or a constraint that it had seen to be kept.
pub(crate) fn is_lost_race(error: &sqlx::Error) -> bool {
    is_deadlock(error) || has_code(error, "40001") || broken_constraint(error).is_some()
}

fn has_code(error: &sqlx::Error, wanted: &str) -> bool {
    let code = error.as_database_error().and_then(|error| error.code());
    code.is_some_and(|code| code == wanted)
}

/// What a fault says about the statement that met it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Meaning {
    /// The server rolled it back; it may well succeed later.
    Away,
    /// The connection broke: it may have been applied or not.
    AnswerLost,
    /// It will not succeed by waiting.
    Unforeseen,
}

fn meaning(error: &sqlx::Error) -> Meaning {
    match error {
        sqlx::Error::Database(error) => error.code().map_or(Meaning::Unforeseen, |code| of_code(&code)),
        sqlx::Error::Io(_)
        | sqlx::Error::Tls(_)
        | sqlx::Error::Protocol(_)
        | sqlx::Error::PoolTimedOut
        | sqlx::Error::PoolClosed
        | sqlx::Error::WorkerCrashed => Meaning::AnswerLost,
        _ => Meaning::Unforeseen,
    }
}

/// Whether the server went away: the connection broke, or the server said that it is stopping or starting.
pub(crate) fn went_away(error: &sqlx::Error) -> bool {
    let code = error.as_database_error().and_then(|error| error.code());
    meaning(error) == Meaning::AnswerLost || code.is_some_and(|code| code.starts_with("57P"))
}

/// An error that the server reports was raised before it committed: while it commits, it does not react to
/// cancellation or shutdown. The exceptions say themselves that they do not know.
fn of_code(code: &str) -> Meaning {
    match code {
        // statement_completion_unknown; crash_shutdown, which is sent at any moment.
        "40003" | "57P02" => Meaning::AnswerLost,
        // lock_not_available; read_only_sql_transaction (a standby, or a primary that became one);
        // idle_in_transaction_session_timeout; undefined_table (a server that started before the schema was made).
        "55P03" | "25006" | "25P03" | "42P01" => Meaning::Away,
        _ => match code.get(..2) {
            // Connection exceptions, which only a pooler between us and the server can report.
            Some("08") => Meaning::AnswerLost,
            // Transaction rollback (deadlock, serialization); insufficient resources (disk, memory, connections);
            // operator intervention (cancellation, time limit, shutdown, starting up).
            Some("40" | "53" | "57") => Meaning::Away,
            _ => Meaning::Unforeseen,
        },
    }
}

/// No connection could be had, so nothing was sent.
pub(crate) fn unreachable(cause: impl Into<BoxError>) -> Error {
    Error::Unavailable {
        dependency: DEPENDENCY,
        retry_after: RETRY_AFTER,
        cause: cause.into(),
    }
}

/// A fault of a read, or of a transaction before its `commit` was sent: nothing was applied.
pub(crate) fn not_applied(context: &'static str, error: sqlx::Error) -> Error {
    match meaning(&error) {
        Meaning::Away | Meaning::AnswerLost => unreachable(error),
        Meaning::Unforeseen => internal(context, error),
    }
}

/// A fault of a statement that commits itself, or of `commit`.
pub(crate) fn at_commit(context: &'static str, error: sqlx::Error) -> Error {
    match meaning(&error) {
        Meaning::Away => unreachable(error),
        Meaning::AnswerLost => Error::OutcomeUnknown { cause: error.into() },
        Meaning::Unforeseen => internal(context, error),
    }
}

/// A fault nobody foresaw.
pub(crate) fn internal(context: &'static str, cause: impl Into<BoxError>) -> Error {
    Error::Internal {
        context,
        cause: cause.into(),
    }
}

/// Whether the server is there and will not have us: a wrong user, password or database (class 28, and 3D000
/// invalid_catalog_name). Waiting does not help.
pub(crate) fn is_refusal(error: &sqlx::Error) -> bool {
    let code = error.as_database_error().and_then(|error| error.code());
    code.is_some_and(|code| code.starts_with("28")) || has_code(error, "3D000")
}

/// Whether a connection is fit for further use after this error: the server answered, and goes on listening.
pub(crate) fn leaves_connection_usable(error: &sqlx::Error) -> bool {
    error
        .as_database_error()
        .and_then(|error| error.try_downcast_ref::<PgDatabaseError>())
        .is_some_and(|error| error.severity() == PgSeverity::Error)
}

#[cfg(test)]
mod tests {
    use std::borrow::Cow;
    use std::error::Error as StdError;
    use std::{fmt, io};

    use sqlx::error::{DatabaseError, ErrorKind};

    use super::*;

    #[derive(Debug)]
    struct Reported(&'static str);

    impl fmt::Display for Reported {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str(self.0)
        }
    }

    impl StdError for Reported {}

    impl DatabaseError for Reported {
        fn message(&self) -> &str {
            self.0
        }
        fn code(&self) -> Option<Cow<'_, str>> {
            Some(self.0.into())
        }
        fn as_error(&self) -> &(dyn StdError + Send + Sync + 'static) {
            self
        }
        fn as_error_mut(&mut self) -> &mut (dyn StdError + Send + Sync + 'static) {
            self
        }
        fn into_error(self: Box<Self>) -> Box<dyn StdError + Send + Sync + 'static> {
            self
        }
        fn kind(&self) -> ErrorKind {
            ErrorKind::Other
        }
    }

    fn reported(code: &'static str) -> sqlx::Error {
        sqlx::Error::Database(Box::new(Reported(code)))
    }

    fn broken_pipe() -> sqlx::Error {
        sqlx::Error::Io(io::ErrorKind::BrokenPipe.into())
    }

    #[test]
    fn what_the_server_rolled_back_is_unavailable_even_at_commit() {
        for code in [
            "57P01", "57P03", "57P05", "57014", "53300", "53100", "40001", "40P01", "55P03", "25006",
            "25P03", "42P01",
        ] {
            for error in [at_commit("", reported(code)), not_applied("", reported(code))] {
                assert!(
                    matches!(
                        error,
                        Error::Unavailable {
                            dependency: "postgresql",
                            ..
                        }
                    ),
                    "{code}: {error:?}"
                );
            }
        }
    }

    #[test]
    fn a_lost_answer_leaves_the_outcome_of_a_commit_unknown() {
        let lost = [
            broken_pipe(),
            sqlx::Error::Protocol("unexpected end".into()),
            reported("08006"),
            reported("40003"),
            reported("57P02"),
        ];
        for error in lost {
            let shown = error.to_string();
            assert!(
                matches!(at_commit("", error), Error::OutcomeUnknown { .. }),
                "{shown}"
            );
        }
    }

    #[test]
    fn wrong_credentials_are_told_from_a_server_that_is_away() {
        for code in ["28P01", "28000", "3D000"] {
            assert!(is_refusal(&reported(code)), "{code}");
        }
        assert!(!is_refusal(&reported("57P03")) && !is_refusal(&broken_pipe()));
    }

    #[test]
    fn a_server_that_stops_or_starts_went_away_and_a_wrong_statement_did_not() {
        for error in [
            broken_pipe(),
            reported("57P01"),
            reported("57P03"),
            reported("08006"),
        ] {
            assert!(went_away(&error), "{error}");
        }
        for code in ["42P01", "25006", "42601", "55P03"] {
            assert!(!went_away(&reported(code)), "{code}");
        }
    }

    #[test]
    fn a_lost_answer_before_commit_is_unavailable() {
        for error in [broken_pipe(), reported("08006"), reported("57P02")] {
            let shown = error.to_string();
            assert!(
                matches!(not_applied("", error), Error::Unavailable { .. }),
                "{shown}"
            );
        }
    }

    #[test]
    fn what_waiting_cannot_cure_is_internal() {
        for code in ["42703", "42501", "23514", "XX000"] {
            assert!(
                matches!(at_commit("", reported(code)), Error::Internal { .. }),
                "{code}"
            );
            assert!(
                matches!(not_applied("", reported(code)), Error::Internal { .. }),
                "{code}"
            );
        }
        assert!(matches!(
            not_applied("", sqlx::Error::RowNotFound),
            Error::Internal { .. }
        ));
    }
}
