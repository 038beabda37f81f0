//! `search-indexer`: reads task events from Kafka and keeps the Elasticsearch index equal to the database.

use std::process::ExitCode;

#[tokio::main]
async fn main() -> ExitCode {
    taskwire_search_indexer::program(|_, _, ports| ports).await
}
