//! Whether requests for tasks would succeed.

use async_trait::async_trait;
use taskwire_domain::{Dependency, Error, Unreachable};

use crate::SqliteDatabase;
use crate::error::DEPENDENCY;
use crate::upkeep::Probe;

/// Reads a row and asks the writing thread, so it fails when the queue of writes is full. After a failed write it
/// writes as well, so it goes on failing while the disk is full and recovers without anybody's help.
pub struct SqliteHealth {
    database: SqliteDatabase,
}

impl SqliteHealth {
    /// The health of this database.
    pub fn new(database: SqliteDatabase) -> Self {
        Self { database }
    }

    async fn ask(&self) -> Result<(), Error> {
        let read = self
            .database
            .readers()
            .read("a row could not be read", |connection| {
                let mut select = connection.prepare_cached("select exists (select 1 from tasks)")?;
                select.query_row([], |row| row.get::<_, bool>(0))
            });
        read.await?;
        self.database.write(Probe).await
    }
}

#[async_trait]
impl Dependency for SqliteHealth {
    fn name(&self) -> &'static str {
        DEPENDENCY
    }

    async fn check(&self) -> Result<(), Unreachable> {
        self.ask().await.map_err(|error| Unreachable {
            dependency: DEPENDENCY,
            cause: error.into(),
        })
    }
}
