//! Deletions without their `deleted_tasks` row.

use std::sync::Arc;

use async_trait::async_trait;
use sqlx::{Connection as _, PgConnection};
use taskwire_domain::{
    AnsweredClaim, Decision, DeletedTask, EncodedEvent, Error, KeyClaim, ListQuery, Once, Receipt, Task,
    TaskId, TaskRepository, Timestamp, Version, Written,
};

use crate::choice::setting;

/// Forgets every deletion as soon as it is done, single or in a cascade.
pub(crate) struct Forgetful(pub(crate) Arc<dyn TaskRepository>);

impl Forgetful {
    async fn forget(&self) -> Result<(), Error> {
        let forgotten = async {
            let mut connection = PgConnection::connect(&setting("DATABASE_URL")).await?;
            let forget = sqlx::query("delete from deleted_tasks");
            forget.execute(&mut connection).await?;
            connection.close().await
        };
        forgotten.await.map_err(|cause| Error::Internal {
            context: "the mutation cannot forget a deletion",
            cause: cause.into(),
        })
    }
}

#[async_trait]
impl TaskRepository for Forgetful {
    async fn create(&self, task: &Task, event: &EncodedEvent) -> Result<(), Error> {
        self.0.create(task, event).await
    }

    async fn create_once(
        &self,
        task: &Task,
        event: &EncodedEvent,
        claim: &AnsweredClaim,
    ) -> Result<Once<()>, Error> {
        self.0.create_once(task, event, claim).await
    }

    async fn update(&self, task: &Task, expected: Version, event: &EncodedEvent) -> Result<Written, Error> {
        self.0.update(task, expected, event).await
    }

    async fn delete(
        &self,
        deleted: &DeletedTask,
        expected: Version,
        event: &EncodedEvent,
    ) -> Result<Written, Error> {
        let written = self.0.delete(deleted, expected, event).await?;
        self.forget().await?;
        Ok(written)
    }

    async fn find(&self, id: TaskId) -> Result<Option<Task>, Error> {
        self.0.find(id).await
    }

    async fn decide(
        &self,
        decision: Arc<dyn Decision>,
        claim: Option<&KeyClaim>,
    ) -> Result<Once<Vec<Result<Receipt, Error>>>, Error> {
        let decided = self.0.decide(decision, claim).await?;
        self.forget().await?;
        Ok(decided)
    }

    async fn list(&self, query: &ListQuery) -> Result<Vec<Task>, Error> {
        self.0.list(query).await
    }

    async fn signing_key(&self) -> Result<[u8; 32], Error> {
        self.0.signing_key().await
    }

    async fn forget_claims(&self, claimed_before: Timestamp, at_most: u32) -> Result<u64, Error> {
        self.0.forget_claims(claimed_before, at_most).await
    }
}
