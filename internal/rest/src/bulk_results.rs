//! The answer to a bulk: one result an operation, in their order.

use axum::http::StatusCode;
use serde::Serialize;
use taskwire_domain::{Receipt, Task};
use taskwire_service::BulkResults;

use crate::bulk_operations::Verb;
use crate::kept_answer::KeptAnswer;
use crate::problem::{self, Document, MAX_WRONG_FIELDS};

#[derive(Serialize)]
struct BulkAnswer<'a> {
    results: Vec<OneResult<'a>>,
}

#[derive(Serialize)]
#[serde(untagged)]
enum OneResult<'a> {
    #[serde(rename_all = "camelCase")]
    Done {
        status: u16,
        task: &'a Task,
        consistency_token: String,
    },
    Refused {
        status: u16,
        problem: Document<'a>,
    },
}

/// The answer to operations that did this, in this order.
pub(crate) fn answer(verbs: &[Verb], results: &BulkResults) -> KeptAnswer {
    // All results together name no more wrong values than one document would, or one each.
    let mut named = 0;
    let results = verbs.iter().zip(results).map(|(verb, result)| match result {
        Ok(receipt) => done(*verb, receipt),
        Err(error) => {
            let room = MAX_WRONG_FIELDS.saturating_sub(named).max(1);
            let problem = problem::part_document(error, room);
            named += problem.wrong_values();
            refused(problem)
        }
    });
    let results = results.collect();
    KeptAnswer::new(StatusCode::OK, &BulkAnswer { results })
}

fn done(verb: Verb, receipt: &Receipt) -> OneResult<'_> {
    let status = match verb {
        Verb::Create => StatusCode::CREATED,
        Verb::Update | Verb::Delete => StatusCode::OK,
    };
    OneResult::Done {
        status: status.as_u16(),
        task: &receipt.task,
        consistency_token: receipt.token.to_string(),
    }
}

fn refused(problem: Document<'_>) -> OneResult<'_> {
    OneResult::Refused {
        status: problem.status(),
        problem,
    }
}
