//! The fastest way to put many tasks into an index that the service made: as bulks of what it would write itself, with
//! external versions, through its write alias.

use std::cell::RefCell;
use std::fmt::Write;
use std::net::SocketAddr;

use anyhow::{Result, ensure};
use futures::try_join;
use serde_json::{Map, Value};
use taskwire_bench::http::Connection;
use uuid::Uuid;

/// Documents in one bulk.
const AT_ONCE: usize = 1_000;

/// Writes them, two bulks at a time.
pub(crate) async fn load(
    elasticsearch: SocketAddr,
    write_alias: &str,
    documents: impl Iterator<Item = (Uuid, Map<String, Value>)>,
) -> Result<()> {
    let path = format!("/{write_alias}/_bulk?require_alias=true&filter_path=errors,items.*.error");
    let documents = RefCell::new(documents);
    let work = async || {
        let mut connection = Connection::open(elasticsearch).await?;
        loop {
            let bulk = bulk(documents.borrow_mut().by_ref().take(AT_ONCE));
            if bulk.is_empty() {
                return anyhow::Ok(());
            }
            let answer = connection.post(&path, bulk.as_bytes()).await?;
            answer.expect(200)?;
            let told = String::from_utf8_lossy(answer.body);
            ensure!(
                told.contains("\"errors\":false"),
                "not every task was taken: {told:.1000}"
            );
        }
    };
    try_join!(work(), work())?;
    Ok(())
}

fn bulk(documents: impl Iterator<Item = (Uuid, Map<String, Value>)>) -> String {
    let mut lines = String::new();
    for (id, document) in documents {
        // Writing to a string cannot fail.
        let _ = writeln!(
            lines,
            r#"{{"index":{{"_id":"{id}","version":1,"version_type":"external"}}}}"#
        );
        let _ = writeln!(lines, "{}", Value::Object(document));
    }
    lines
}
