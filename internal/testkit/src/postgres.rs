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
