//! A private database.

use sqlx::{Connection, Executor, PgConnection};

use crate::engines;

/// An empty database of its own, dropped with this value.
pub struct Database {
    server_url: String,
    name: String,
    url: String,
}

impl Database {
    /// Creates it.
    pub async fn create() -> Self {
        let server_url = engines::take("postgres", "DATABASE_URL");
        let name = engines::unique_name("taskwire_test");
        let mut server = PgConnection::connect(&server_url)
            .await
            .expect("DATABASE_URL answers");
        let statement = sqlx::AssertSqlSafe(format!("create database {name}"));
        server
            .execute(statement)
            .await
            .expect("the user of DATABASE_URL may create databases");
        let url = with_database(&server_url, &name);
        Self {
            server_url,
            name,
            url,
        }
    }

    /// Its URL, as `DATABASE_URL` would hold it.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// A connection to look behind the adapter's back.
    pub async fn connect(&self) -> PgConnection {
        PgConnection::connect(&self.url)
            .await
            .expect("the private database answers")
    }

    /// Runs statements behind everybody's back.
    pub async fn run(&self, statements: &str) {
        let statements = sqlx::AssertSqlSafe(statements.to_owned());
        let mut connection = self.connect().await;
        let done = sqlx::raw_sql(statements).execute(&mut connection).await;
        done.expect("the statements are right");
    }

    /// The answer to a query for one number.
    pub async fn number(&self, query: &str) -> i64 {
        let query = sqlx::AssertSqlSafe(query.to_owned());
        let mut connection = self.connect().await;
        let number = sqlx::query_scalar(query).fetch_one(&mut connection).await;
        number.expect("the query is right")
    }
}

impl Drop for Database {
    fn drop(&mut self) {
        let (server_url, name) = (self.server_url.clone(), self.name.clone());
        engines::clean_up(format!("database {name}"), move || async move {
            let mut server = PgConnection::connect(&server_url).await?;
            let statement = sqlx::AssertSqlSafe(format!("drop database if exists {name} with (force)"));
            server.execute(statement).await?;
            Ok(())
        });
    }
}

/// The URL with another path: `postgres://user@host:port/<name>?options`.
fn with_database(url: &str, name: &str) -> String {
    let mut url = reqwest::Url::parse(url).expect("DATABASE_URL is a URL");
    url.set_path(name);
    url.into()
}
