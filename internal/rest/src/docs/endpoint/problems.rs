//! Answers that are problem documents, written by the code that writes them for callers.

use std::collections::BTreeMap;

use axum::http::StatusCode;
use serde_json::Value;
use utoipa::openapi::content::ContentBuilder;
use utoipa::openapi::{Response, ResponseBuilder};

use super::{Header, Refusals};
use crate::docs::{Component, FailureKind, examples};
use crate::failure::Failure;
use crate::failure_table::Row;
use crate::media_type::BodyKind;
use crate::problem::Repeats;
use crate::{failure_table, problem};

const REQUEST_ID: &str = "0199c5a0-8a11-7f02-b0d4-6a1f7f1c2e33";

const OF_EVERY_PROBLEM: [Header; 4] = [
    Header::RequestId,
    Header::CacheControl,
    Header::RateLimit,
    Header::RateLimitPolicy,
];

/// The name of a shared answer: the codes that can stand in it, as `ParentCycleOrContended`.
type Name = String;

/// These kinds of failure by the status they have, and for each status the name of the answer.
pub(super) fn by_answer(kinds: &[FailureKind]) -> BTreeMap<(StatusCode, Name), Vec<FailureKind>> {
    let mut by_status: BTreeMap<StatusCode, Vec<FailureKind>> = BTreeMap::new();
    let mut kinds = kinds.to_vec();
    kinds.sort();
    kinds.dedup();
    for kind in kinds {
        let status = failure_table::row(&kind.specimen()).status;
        by_status.entry(status).or_default().push(kind);
    }
    by_status
        .into_iter()
        .map(|(status, kinds)| {
            let names: Vec<_> = kinds.iter().map(|kind| kind.name()).collect();
            ((status, names.join("Or")), kinds)
        })
        .collect()
}

/// Every answer that these groups of failures need, by its name.
pub(in crate::docs) fn answers<'a>(
    groups: impl Iterator<Item = &'a [FailureKind]>,
) -> BTreeMap<Name, Response> {
    groups
        .flat_map(by_answer)
        .map(|((_, name), kinds)| (name, answer(&kinds)))
        .collect()
}

/// The answer to wrong values, with the codes that it can name.
pub(super) fn refusal(refusals: &Refusals) -> Response {
    let specimen = Specimen::of(&refusals.specimen().into(), Repeats::UnderKey);
    let description = format!(
        "{}\n\n`errors` names every wrong value at once, each with one of these codes:\n\n{}",
        specimen.sentence(),
        refusals.list()
    );
    response(description, vec![specimen], &[])
}

fn answer(kinds: &[FailureKind]) -> Response {
    let specimens = kinds.iter().map(|kind| {
        let repeats = if *kind == FailureKind::ChangeUnknown {
            Repeats::AfterRead
        } else {
            Repeats::UnderKey
        };
        Specimen::of(&kind.specimen(), repeats)
    });
    let specimens: Vec<_> = specimens.collect();
    let sentences: Vec<_> = specimens.iter().map(Specimen::sentence).collect();
    let headers: &[Header] = match kinds {
        [
            FailureKind::Unavailable | FailureKind::Overloaded | FailureKind::RateLimited,
            ..,
        ] => &[Header::RetryAfter],
        [FailureKind::UnsupportedMediaType(BodyKind::Post), ..] => {
            &[Header::AcceptPost, Header::AcceptEncoding]
        }
        [FailureKind::UnsupportedMediaType(BodyKind::Put), ..] => &[Header::Accept, Header::AcceptEncoding],
        [FailureKind::UnsupportedMediaType(BodyKind::Patch), ..] => {
            &[Header::AcceptPatch, Header::AcceptEncoding]
        }
        _ => &[],
    };
    response(sentences.join("\n\n"), specimens, headers)
}

/// One problem document of a kind.
struct Specimen {
    row: Row,
    document: Value,
}

impl Specimen {
    fn of(failure: &Failure, repeats: Repeats) -> Self {
        let document = problem::document(failure, REQUEST_ID, repeats);
        Self {
            row: failure_table::row(failure),
            // Strings and numbers under string keys: they always have a form in JSON.
            document: serde_json::to_value(document).unwrap_or_default(),
        }
    }

    fn sentence(&self) -> String {
        let Row { code, title, .. } = self.row;
        format!("`{code}`: {title}.")
    }
}

fn response(description: String, specimens: Vec<Specimen>, headers: &[Header]) -> Response {
    let specimens = specimens
        .into_iter()
        .map(|Specimen { row, document }| (row.code, row.title, document));
    let content = ContentBuilder::new()
        .schema(Some(Component::Problem.reference()))
        .examples_from_iter(examples::to_openapi(specimens.collect()))
        .build();
    let response = ResponseBuilder::new()
        .description(description)
        .content("application/problem+json", content);
    OF_EVERY_PROBLEM
        .iter()
        .chain(headers)
        .fold(response, |response, header| {
            let key = format!("#/components/headers/{}", header.key());
            response.header_ref(header.name(), utoipa::openapi::Ref::new(key))
        })
        .build()
}
