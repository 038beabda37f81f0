//! What one of all the servers sees to now and then: tombstones that have served, and a database that was put back.

use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use anyhow::Context;
use taskwire_domain::Dependency;
use taskwire_elasticsearch::{Client, ElasticsearchUpkeep};
use taskwire_kafka::KafkaExtent;
use taskwire_lifecycle::Lifecycle;
use taskwire_postgres::{PostgresPool, PostgresStates, PostgresTombstones};
use taskwire_purge::PurgePorts;
use taskwire_restoration::{Doubted, Examination, keep_looking};

use crate::settings::ServeSettings;

/// Starts both. `search` is the search engine's health; what comes back says also whether its documents are of another
/// history than the database.
pub(crate) fn start(
    lifecycle: &mut Lifecycle,
    settings: &ServeSettings,
    pool: PostgresPool,
    client: Client,
    search: Arc<dyn Dependency>,
) -> anyhow::Result<Arc<dyn Dependency>> {
    let index = Arc::new(ElasticsearchUpkeep::new(client, &settings.elasticsearch));
    let topic = KafkaExtent::new(&settings.kafka).context("the Kafka client cannot be made")?;
    let tombstones = Arc::new(PostgresTombstones::new(pool.clone()));
    let ports = PurgePorts {
        ledger: tombstones.clone(),
        topic: Arc::new(topic),
        rows: tombstones,
        documents: index.clone(),
    };
    let (purge, stopping) = (settings.purge, lifecycle.stopping());
    lifecycle.spawn("tombstone purge", async move {
        taskwire_purge::run(ports, purge, stopping).await;
        Ok(())
    });
    let is_restored = Arc::new(AtomicBool::new(false));
    let examination = Examination::new(index, Arc::new(PostgresStates::new(pool)));
    let (told, stopping) = (is_restored.clone(), lifecycle.stopping());
    lifecycle.spawn("comparison of index and database", async move {
        keep_looking(examination, told, stopping).await;
        Ok(())
    });
    Ok(Arc::new(Doubted::new(search, is_restored)))
}
