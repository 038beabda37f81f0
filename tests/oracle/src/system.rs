//! The system under test, and whether it has come to rest.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use anyhow::bail;
use serde_json::Value;

use crate::compare::{Findings, compare};
use crate::{Record, database, index, topic};

/// Where the parts of one running Taskwire are.
#[derive(Debug, Clone)]
pub struct System {
    /// As `DATABASE_URL`, straight to the server.
    pub database_url: String,
    /// As `KAFKA_BROKERS`.
    pub brokers: String,
    /// As `KAFKA_TOPIC`.
    pub topic: String,
    /// As `KAFKA_DLQ_TOPIC`.
    pub dead_letter_topic: String,
    /// As `KAFKA_GROUP`, without the generation's own suffix.
    pub group: String,
    /// As `ELASTICSEARCH_URL`, straight to the server.
    pub elasticsearch_url: String,
    /// As `ELASTICSEARCH_INDEX`.
    pub index: String,
}

impl System {
    /// Waits until the outbox is empty and the group has committed everything in the topic. An engine that does not
    /// answer yet, or a topic that is just being made, is not at rest.
    ///
    /// # Errors
    /// When that is not so within `limit`, with what was seen last.
    pub async fn settle(&self, limit: Duration) -> anyhow::Result<()> {
        let deadline = Instant::now() + limit;
        loop {
            let seen = match self.open_work().await {
                Ok((0, 0)) => return Ok(()),
                Ok((outbox, lag)) => format!("{outbox} events in the outbox, {lag} records not committed"),
                Err(error) => format!("{error:#}"),
            };
            if Instant::now() > deadline {
                bail!("not at rest after {limit:?}: {seen}");
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    }

    async fn open_work(&self) -> anyhow::Result<(i64, i64)> {
        Ok((self.outbox_length().await?, self.lag().await?))
    }

    /// The consumer group of the generation that the index's name stands for; `None` while there is no index.
    ///
    /// # Errors
    /// When the search engine does not answer.
    pub async fn group_in_use(&self) -> anyhow::Result<Option<String>> {
        let suffix = index::group_suffix(&self.elasticsearch_url, &self.index).await?;
        Ok(suffix.map(|suffix| format!("{}.{suffix}", self.group)))
    }

    /// How many records the group has still to commit; without an index, and so without a group, all of them.
    ///
    /// # Errors
    /// When an engine does not answer.
    pub async fn lag(&self) -> anyhow::Result<i64> {
        let group = self.group_in_use().await?;
        topic::lag(&self.brokers, &self.topic, group.as_deref()).await
    }

    /// Compares everything with everything. Call it at rest.
    ///
    /// # Errors
    /// When an engine does not answer.
    pub async fn compare(&self) -> anyhow::Result<Findings> {
        let rows = database::live_rows(&self.database_url).await?;
        let deletions = database::deletions(&self.database_url).await?;
        let documents = index::documents(&self.elasticsearch_url, &self.index).await?;
        let records = self.records().await?;
        Ok(compare(&rows, &deletions, &documents, &records))
    }

    /// Every row of `tasks` by id, in the shape of the contract.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn tasks(&self) -> anyhow::Result<BTreeMap<String, Value>> {
        database::live_rows(&self.database_url).await
    }

    /// Every row of `deleted_tasks` by id, in the shape of `Task.Deleted`.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn deletions(&self) -> anyhow::Result<BTreeMap<String, Value>> {
        database::deletions(&self.database_url).await
    }

    /// How many documents the index has, tombstones included.
    ///
    /// # Errors
    /// When the index does not exist.
    pub async fn documents(&self) -> anyhow::Result<usize> {
        Ok(index::documents(&self.elasticsearch_url, &self.index)
            .await?
            .len())
    }

    /// Every record of the topic, partition by partition.
    ///
    /// # Errors
    /// When the broker does not answer.
    pub async fn records(&self) -> anyhow::Result<Vec<Record>> {
        topic::read(&self.brokers, &self.topic).await
    }

    /// How many events wait to be published.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn outbox_length(&self) -> anyhow::Result<i64> {
        database::outbox_length(&self.database_url).await
    }

    /// Everything in the dead-letter queue.
    ///
    /// # Errors
    /// When the broker does not answer.
    pub async fn dead_letters(&self) -> anyhow::Result<Vec<Record>> {
        topic::read(&self.brokers, &self.dead_letter_topic).await
    }
}
