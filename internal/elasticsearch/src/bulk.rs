//! Writing documents.

use std::collections::VecDeque;
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use elasticsearch::http::Method;
use serde::Deserialize;
use taskwire_domain::{IndexFault, IndexOperation, ItemOutcome, TaskIndex};

use crate::bulk_body;
use crate::classify::{self, Meaning};
use crate::client::{Answer, Client, NDJSON, Request};
use crate::engine_error::EngineError;
use crate::{Generation, IndexSettings};

/// The index of one generation, written through its write alias.
///
/// A batch is sent as one bulk request, or as several one after the other when it is too large for one. If a later one
/// fails, the fault stands for the whole batch: what was applied already is superseded when it is sent again.
#[derive(Debug, Clone)]
pub struct ElasticsearchIndex {
    client: Client,
    write_alias: String,
    path: String,
    server_limit: String,
    limit: Duration,
    max_bytes: usize,
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
            max_bytes: usize::try_from(settings.bulk_bytes).unwrap_or(usize::MAX),
        }
    }

    /// Sends one body with `count` operations in it.
    async fn send(&self, body: Bytes, count: usize) -> Result<Sent, IndexFault> {
        let request = Request {
            method: Method::Post,
            path: &self.path,
            parameters: &[
                // Without it a missing alias would be created as an index with guessed types.
                ("require_alias", "true"),
                ("timeout", &self.server_limit),
                // Every item has a status, so positions are kept.
                ("filter_path", "errors,items.*.status,items.*.error,error,status"),
            ],
            content_type: NDJSON,
            body: Some(body),
            limit: self.limit,
        };
        let answer = self.client.send(request).await.map_err(classify::unanswered)?;
        if answer.is_success() {
            return self.outcomes(&answer, count).map(Sent::Answered);
        }
        let error = answer.error();
        match classify::meaning(answer.status, error.as_ref()) {
            Meaning::TooLarge => Ok(Sent::NotAsAWhole(
                "it is larger than Elasticsearch takes (413)".to_owned(),
            )),
            // One operation that is refused before any is looked at refuses all that came with it.
            Meaning::Refused => Ok(Sent::NotAsAWhole(
                error.map_or_else(String::new, |error| error.to_string()),
            )),
            Meaning::Passing => Err(classify::passing(answer.status, error)),
            Meaning::Done | Meaning::Superseded | Meaning::NotUnderstood => {
                Err(classify::halt(&self.write_alias, answer.status, error))
            }
        }
    }

    fn outcomes(&self, answer: &Answer, count: usize) -> Result<Vec<ItemOutcome>, IndexFault> {
        let parsed: Result<BulkAnswer, _> = serde_json::from_slice(&answer.body);
        match parsed {
            Ok(BulkAnswer { items }) if items.len() == count => {
                items.into_iter().map(|item| self.outcome(item.index)).collect()
            }
            // Whoever wrote this answer did not read our request; sending it again would not change that.
            Ok(BulkAnswer { items }) => Err(IndexFault::Halt {
                detail: format!(
                    "a bulk request of {count} operations was answered with {} items; see that ELASTICSEARCH_URL is an \
                     Elasticsearch server with nothing in between that changes answers, and restart",
                    items.len()
                ),
                cause: None,
            }),
            Err(cause) => Err(IndexFault::Halt {
                detail: "the answer to a bulk request is not Elasticsearch's; correct ELASTICSEARCH_URL and restart".to_owned(),
                cause: Some(cause.into()),
            }),
        }
    }

    fn outcome(&self, item: ItemAnswer) -> Result<ItemOutcome, IndexFault> {
        let ItemAnswer { status, error } = item;
        let detail = |error: Option<EngineError>| {
            error.map_or_else(|| format!("status {status}"), |error| error.to_string())
        };
        match classify::meaning(status, error.as_ref()) {
            Meaning::Done | Meaning::Superseded => Ok(ItemOutcome::Done),
            Meaning::Passing => Ok(ItemOutcome::Retry {
                detail: detail(error),
            }),
            Meaning::Refused | Meaning::TooLarge => Ok(ItemOutcome::Rejected {
                detail: detail(error),
            }),
            Meaning::NotUnderstood => Err(classify::halt(&self.write_alias, status, error)),
        }
    }
}

/// What became of one request.
enum Sent {
    /// One outcome an operation.
    Answered(Vec<ItemOutcome>),
    /// Refused as a whole, for this reason; in smaller parts some of it may pass.
    NotAsAWhole(String),
}

#[derive(Deserialize)]
struct BulkAnswer {
    items: Vec<BulkItem>,
}

#[derive(Deserialize)]
struct BulkItem {
    index: ItemAnswer,
}

#[derive(Deserialize)]
struct ItemAnswer {
    status: u16,
    error: Option<EngineError>,
}

#[async_trait]
impl TaskIndex for ElasticsearchIndex {
    async fn apply(&self, operations: &[IndexOperation]) -> Result<Vec<ItemOutcome>, IndexFault> {
        let refused = ItemOutcome::Rejected {
            detail: "the task is not a JSON object with fields".to_owned(),
        };
        let mut outcomes = vec![refused; operations.len()];
        let sound: Vec<usize> = (0..operations.len())
            .filter(|&n| bulk_body::is_sound(&operations[n]))
            .collect();
        let mut waiting = VecDeque::from([sound.as_slice()]);
        while let Some(positions) = waiting.pop_front() {
            if positions.is_empty() {
                continue;
            }
            let (body, taken) = bulk_body::encode(operations, positions, self.max_bytes);
            let (now, later) = positions.split_at(taken);
            waiting.push_front(later);
            match (self.send(body, taken).await?, now) {
                (Sent::Answered(answered), _) => {
                    for (&position, outcome) in now.iter().zip(answered) {
                        outcomes[position] = outcome;
                    }
                }
                (Sent::NotAsAWhole(detail), [position]) => {
                    outcomes[*position] = ItemOutcome::Rejected { detail }
                }
                (Sent::NotAsAWhole(_), _) => {
                    let (first, second) = now.split_at(taken / 2);
                    waiting.push_front(second);
                    waiting.push_front(first);
                }
            }
        }
        Ok(outcomes)
    }
}
