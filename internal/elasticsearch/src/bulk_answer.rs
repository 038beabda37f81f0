//! The answer to a bulk request, operation by operation.

use std::borrow::Cow;

use serde::Deserialize;
use taskwire_domain::{IndexFault, ItemOutcome, TaskId};

use crate::classify::{self, Meaning};
use crate::engine_error::EngineError;

/// The parts of the answer that are asked for. Every item has a status and an id, so positions are kept.
pub(crate) const FILTER: &str = "items.*.status,items.*._id,items.*.error,error,status";

#[derive(Deserialize)]
struct Answer<'a> {
    #[serde(borrow)]
    items: Vec<Item<'a>>,
}

#[derive(Deserialize)]
struct Item<'a> {
    #[serde(borrow)]
    index: ItemAnswer<'a>,
}

#[derive(Deserialize)]
struct ItemAnswer<'a> {
    #[serde(borrow, rename = "_id")]
    id: Cow<'a, str>,
    status: u16,
    error: Option<EngineError>,
}

/// Reads the answer to a request with these operations to `target`.
///
/// # Errors
/// [`IndexFault::Retry`] for an answer that breaks off: any part of the request may have been applied.
/// [`IndexFault::Halt`] for one that is not an answer to this request (whoever wrote it did not read the request, and
/// sending it again would not change that), and for an item that is not understood.
pub(crate) fn read(
    target: &str,
    body: &[u8],
    sent: impl ExactSizeIterator<Item = TaskId>,
) -> Result<Vec<ItemOutcome>, IndexFault> {
    let answer: Answer<'_> = serde_json::from_slice(body).map_err(|cause| unreadable(body, cause))?;
    if answer.items.len() != sent.len() {
        let (sent, items) = (sent.len(), answer.items.len());
        return Err(foreign(&format!(
            "a bulk request of {sent} operations was answered with {items} items"
        )));
    }
    let outcomes = answer.items.into_iter().zip(sent).map(|(item, id)| {
        if item.index.id.parse() != Ok(id) {
            return Err(foreign(
                "the items of the answer to a bulk request are not those of the request",
            ));
        }
        outcome(target, item.index)
    });
    outcomes.collect()
}

fn outcome(target: &str, item: ItemAnswer<'_>) -> Result<ItemOutcome, IndexFault> {
    let ItemAnswer { status, error, .. } = item;
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
        Meaning::NotUnderstood => Err(classify::halt(target, status, error)),
    }
}

fn unreadable(body: &[u8], cause: serde_json::Error) -> IndexFault {
    if cause.is_eof() && !body.is_empty() {
        return IndexFault::Retry {
            detail: "the answer to a bulk request breaks off in the middle".to_owned(),
            cause: Some(cause.into()),
        };
    }
    IndexFault::Halt {
        detail: "the answer to a bulk request is not Elasticsearch's; correct ELASTICSEARCH_URL and restart"
            .to_owned(),
        cause: Some(cause.into()),
    }
}

fn foreign(what: &str) -> IndexFault {
    IndexFault::Halt {
        detail: format!(
            "{what}; see that ELASTICSEARCH_URL is an Elasticsearch server with nothing in between that changes answers, \
             and restart"
        ),
        cause: None,
    }
}
