//! The address of the database, checked when settings are read.

use std::ffi::OsStr;
use std::fmt;
use std::str::FromStr;

use clap::builder::TypedValueParser;
use clap::error::ErrorKind;
use clap::{Arg, Command};
use sqlx::postgres::PgConnectOptions;

/// Where the database is and who we are there. Debug output shows neither user nor password.
#[derive(Clone)]
pub struct DatabaseUrl(PgConnectOptions);

/// The text is no address of a PostgreSQL database. Never quotes the text, which may hold a password.
#[derive(Debug, thiserror::Error)]
#[error("{0}; expected postgres://user:password@host:port/database")]
pub struct DatabaseUrlError(String);

impl DatabaseUrl {
    /// How to connect as `application`, the name an operator sees in `pg_stat_activity`, with these settings of the
    /// server's for the session. They win over those in the URL's own `options`.
    pub(crate) fn connect_options(
        &self,
        application: &str,
        settings: impl IntoIterator<Item = (&'static str, String)>,
    ) -> PgConnectOptions {
        self.0.clone().application_name(application).options(settings)
    }
}

impl FromStr for DatabaseUrl {
    type Err = DatabaseUrlError;

    fn from_str(text: &str) -> Result<Self, DatabaseUrlError> {
        let scheme = text.split_once("://").map(|(scheme, _)| scheme);
        if !matches!(scheme, Some("postgres" | "postgresql")) {
            return Err(DatabaseUrlError("not a postgres:// URL".to_owned()));
        }
        text.parse()
            .map(Self)
            .map_err(|error: sqlx::Error| DatabaseUrlError(reason(&error)))
    }
}

/// What the driver has against the URL, without its prefix.
fn reason(error: &sqlx::Error) -> String {
    match error {
        sqlx::Error::Configuration(cause) => cause.to_string(),
        other => other.to_string(),
    }
}

impl fmt::Debug for DatabaseUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DatabaseUrl")
            .field("host", &self.0.get_host())
            .field("port", &self.0.get_port())
            .field("database", &self.0.get_database())
            .finish_non_exhaustive()
    }
}

/// Reads the setting. clap's own parsers would print a wrong value, and with it the password.
#[derive(Clone)]
pub(crate) struct DatabaseUrlParser;

impl TypedValueParser for DatabaseUrlParser {
    type Value = DatabaseUrl;

    fn parse_ref(
        &self,
        command: &Command,
        argument: Option<&Arg>,
        value: &OsStr,
    ) -> Result<Self::Value, clap::Error> {
        let parsed = match value.to_str() {
            Some(text) => text.parse(),
            None => Err(DatabaseUrlError("not UTF-8".to_owned())),
        };
        parsed.map_err(|error| {
            let flag = argument.map(ToString::to_string).unwrap_or_default();
            let message = format!("invalid value for '{flag}' (or DATABASE_URL): {error}\n");
            clap::Error::raw(ErrorKind::ValueValidation, message).with_cmd(command)
        })
    }
}
