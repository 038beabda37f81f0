//! Writing documents.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use elasticsearch::http::Method;
use futures::StreamExt;
use futures::stream::FuturesUnordered;
use taskwire_domain::{IndexFault, IndexOperation, ItemOutcome, TaskIndex};
use tokio::sync::Mutex;

use crate::bulk_answer;
use crate::bulk_body;
use crate::bulk_delivery::{Delivery, Part, Tasks};
use crate::bulk_metrics::BulkMetrics;
use crate::bulk_window::Window;
use crate::classify::{self, Meaning};
use crate::client::{Client, NDJSON, Request};
use crate::{Generation, IndexSettings};

/// The index of one generation, written through its write alias.
///
/// A batch is sent as one bulk request or, when it is large, as several, some of them at the same time: as much as the
/// server bears, which the next batch begins with. Clones share that knowledge, and apply one batch after the other, so
/// that the bodies on their way stay within the setting's bytes.
///
/// Trouble of a whole request ends the sending of its batch. What was answered until then has its outcome, the rest is
/// [`ItemOutcome::Retry`]; what of it was applied nevertheless is superseded when it is sent again.
#[derive(Debug, Clone)]
pub struct ElasticsearchIndex {
    client: Client,
    write_alias: String,
    path: String,
    server_limit: String,
    limit: Duration,
    window: Arc<Mutex<Window>>,
    metrics: BulkMetrics,
}

impl ElasticsearchIndex {
    /// Writes to this generation. Connects to nothing yet.
    pub fn new(client: Client, generation: &Generation, settings: &IndexSettings) -> Self {
        let limit = settings.write_limit();
        Self {
            client,
            write_alias: generation.write_alias.clone(),
            path: format!("{}/_bulk", generation.write_alias),
            // Shorter than ours, so that the server's own word ("shards not available") arrives instead of silence.
            server_limit: format!("{}ms", limit.as_millis() / 2),
            limit,
            window: Arc::new(Mutex::new(settings.bulk_window())),
            metrics: BulkMetrics::new(),
        }
    }

    async fn deliver(&self, delivery: &mut Delivery<'_>, window: &mut Window) -> Result<(), IndexFault> {
        let mut under_way = FuturesUnordered::new();
        let mut in_flight = 0;
        loop {
            while let Some(max_bytes) = window.room(in_flight)
                && let Some(Part {
                    positions,
                    tasks,
                    body,
                }) = delivery.next(max_bytes)
            {
                let (bytes, width) = (body.len(), window.width());
                let sent = self.send(body, tasks);
                under_way.push(async move { (positions, bytes, width, sent.await) });
                in_flight += bytes;
                self.metrics.requests.add(1, &[]);
            }
            self.metrics.in_flight.record(under_way.len() as u64, &[]);
            self.metrics.window.record(window.bytes() as u64, &[]);
            let Some((positions, bytes, width, sent)) = under_way.next().await else {
                return Ok(());
            };
            in_flight -= bytes;
            match sent {
                Ok(Sent::Answered(outcomes)) => {
                    match outcomes.iter().any(|it| matches!(it, ItemOutcome::Retry { .. })) {
                        true => window.trouble(width),
                        false => window.success(bytes),
                    }
                    delivery.answered(positions, outcomes);
                }
                Ok(Sent::NotAsAWhole { detail, is_too_large }) => {
                    if positions.len() > 1 {
                        self.split(positions.len(), bytes, &detail);
                        if is_too_large {
                            window.too_large(bytes);
                        }
                    }
                    delivery.refused(positions, detail)?;
                }
                Err(halt @ IndexFault::Halt { .. }) => return Err(halt),
                Err(trouble @ IndexFault::Retry { .. }) => {
                    window.trouble(width);
                    delivery.stop(trouble);
                }
            }
        }
    }

    fn split(&self, operations: usize, bytes: usize, detail: &str) {
        self.metrics.splits.add(1, &[]);
        tracing::debug!(
            bulk.operations = operations,
            bulk.bytes = bytes,
            error = detail,
            "a bulk request was refused as a whole and is sent again in halves"
        );
    }

    /// Sends one body with these tasks' operations in it.
    async fn send(&self, body: Bytes, tasks: Tasks<'_>) -> Result<Sent, IndexFault> {
        let request = Request {
            method: Method::Post,
            path: &self.path,
            parameters: &[
                // Without it a missing alias would be created as an index with guessed types.
                ("require_alias", "true"),
                ("timeout", &self.server_limit),
                ("filter_path", bulk_answer::FILTER),
            ],
            content_type: NDJSON,
            body: Some(body),
            limit: self.limit,
        };
        let answer = self.client.send(request).await.map_err(classify::unanswered)?;
        if answer.is_success() {
            return bulk_answer::read(&self.write_alias, &answer.body, tasks.ids()).map(Sent::Answered);
        }
        let error = answer.error();
        match classify::meaning(answer.status, error.as_ref()) {
            Meaning::TooLarge => Ok(Sent::NotAsAWhole {
                detail: "it is larger than Elasticsearch takes (413)".to_owned(),
                is_too_large: true,
            }),
            // One operation that is refused before any is looked at refuses all that came with it.
            Meaning::Refused => Ok(Sent::NotAsAWhole {
                detail: error.map_or_else(String::new, |error| error.to_string()),
                is_too_large: false,
            }),
            Meaning::Passing => Err(classify::passing(answer.status, error)),
            Meaning::Done | Meaning::Superseded | Meaning::NotUnderstood => {
                Err(classify::halt(&self.write_alias, answer.status, error))
            }
        }
    }
}

/// What became of one request.
enum Sent {
    /// One outcome an operation.
    Answered(Vec<ItemOutcome>),
    /// Refused as a whole; in smaller parts some of it may pass.
    NotAsAWhole { detail: String, is_too_large: bool },
}

#[async_trait]
impl TaskIndex for ElasticsearchIndex {
    async fn apply(&self, operations: &[IndexOperation]) -> Result<Vec<ItemOutcome>, IndexFault> {
        let is_sound = |position: &usize| bulk_body::is_sound(&operations[*position]);
        let sound: Vec<usize> = (0..operations.len()).filter(is_sound).collect();
        let mut delivery = Delivery::new(operations, &sound);
        let mut window = self.window.lock().await;
        let delivered = self.deliver(&mut delivery, &mut window).await;
        self.metrics.in_flight.record(0, &[]);
        let finished = delivered.and_then(|()| delivery.finish());
        let again = match &finished {
            Ok(outcomes) => outcomes
                .iter()
                .filter(|outcome| matches!(outcome, ItemOutcome::Retry { .. }))
                .count(),
            Err(IndexFault::Retry { .. }) => operations.len(),
            Err(IndexFault::Halt { .. }) => 0,
        };
        self.metrics.retries.add(again as u64, &[]);
        finished
    }
}
