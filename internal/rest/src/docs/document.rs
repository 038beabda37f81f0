//! The whole OpenAPI document.

use std::sync::LazyLock;

use utoipa::openapi::info::{ContactBuilder, InfoBuilder, LicenseBuilder};
use utoipa::openapi::path::Paths;
use utoipa::openapi::tag::TagBuilder;
use utoipa::openapi::{Components, Info, OpenApi, OpenApiBuilder, SecurityRequirement, Server};

use super::endpoint::problem_answers;
use super::routes::Documented;
use super::{Component, Header, Parameter, Tag};
use crate::body_limit::{MAX_BODY_BYTES, MAX_BULK_BYTES};
use crate::head_limit::{MAX_HEADER_BYTES, MAX_TARGET_BYTES};
use crate::time_limit::MAX_REQUEST_TIME;
use crate::{router, serve};

static DOCUMENT: LazyLock<String> = LazyLock::new(|| text(&document(router::routes().into_endpoints())));

/// The OpenAPI 3.1 document of the service as JSON, indented, with a line feed at its end: what `GET /openapi.json`
/// answers and `docs/openapi.json` holds.
pub fn openapi_document() -> &'static str {
    &DOCUMENT
}

fn text(document: &OpenApi) -> String {
    // Strings, numbers and lists under string keys: writing them as JSON cannot fail.
    document.to_pretty_json().unwrap_or_default() + "\n"
}

fn document(endpoints: Vec<Documented>) -> OpenApi {
    let components = components(&endpoints);
    let mut paths = Paths::new();
    for Documented {
        path,
        method,
        endpoint,
    } in endpoints
    {
        paths.add_path_operation(path, vec![method], endpoint.operation());
    }
    OpenApiBuilder::new()
        .info(info())
        .servers(Some([Server::new("/")]))
        .paths(paths)
        .components(Some(components))
        // Said, rather than left out: nobody has to identify themselves.
        .security(Some(Vec::<SecurityRequirement>::new()))
        .tags(Some(Tag::ALL.map(|tag| {
            TagBuilder::new().name(tag.name()).description(Some(tag.description())).build()
        })))
        .build()
}

fn components(endpoints: &[Documented]) -> Components {
    let mut components = Components::new();
    for component in Component::ALL {
        components
            .schemas
            .insert(component.name(), component.schema().into());
    }
    for parameter in Parameter::ALL {
        components
            .parameters
            .insert(parameter.key(), parameter.build().into());
    }
    for header in Header::ALL {
        components.headers.insert(header.key(), header.build().into());
    }
    let failures = endpoints.iter().map(|documented| documented.endpoint.failures());
    for (name, answer) in problem_answers(failures) {
        components.responses.insert(name, answer.into());
    }
    components
}

fn info() -> Info {
    InfoBuilder::new()
        .title("Taskwire")
        .version(env!("CARGO_PKG_VERSION"))
        .description(Some(description()))
        .contact(Some(ContactBuilder::new().name(Some("Taskwire")).build()))
        .license(Some(
            LicenseBuilder::new()
                .name("MIT OR Apache-2.0")
                .identifier(Some("MIT OR Apache-2.0"))
                .build(),
        ))
        .build()
}

fn description() -> String {
    let time = MAX_REQUEST_TIME.as_secs();
    let (body, bulk) = (MAX_BODY_BYTES / 1024, MAX_BULK_BYTES / 1024);
    let (headers, target) = (MAX_HEADER_BYTES / 1024, MAX_TARGET_BYTES / 1024);
    let patience = serve::HEADER_TIME.as_secs();
    let (head, count) = (serve::MAX_HEAD_BYTES / 1024, serve::MAX_HEADERS);
    format!(
        "\
A task service whose search is right.

**Times** are RFC 3339, kept and answered in UTC with milliseconds; finer input is truncated. **Ids** are UUIDs, \
version 7.

**Bodies** are JSON. A name that stands twice in an object is refused, and so is a field that is not in the schema. \
Under `/tasks` the same holds for the parameters of a query. Answers hold every field; later releases may add some, so \
ignore those you do not know.

**Problems** are `application/problem+json` (RFC 9457). Branch on `code`, which never changes its meaning. A 400 names \
every wrong value at once, each with a code of those that the operation lists. A 503 was certainly not applied and may be sent again. A 504 with the code \
`outcome-unknown` may have been applied or not: send it again under the same `Idempotency-Key` where one is taken, and \
read the task first where none is.

**Judged in this order**: what is wrong with the request (400), a missing `If-Match` where the operator demands one \
(428), whether the task exists (404), whether `If-Match` and `If-None-Match` allow the task's version (412), whether other tasks \
allow it (409; 400 `too-deep`).

**Everywhere.** HEAD is answered wherever GET is. A method that a path does not have, OPTIONS among them, is answered \
405 with `Allow`, an unknown path 404, both as problems. Large answers are packed with gzip for those who accept it, \
except those with an `ETag`.

**Limits.** A request may take {time} seconds, its body {body} KiB ({bulk} KiB in a bulk), its path and query {target} \
KiB, its headers {headers} KiB. What nobody can read is answered without a document: a malformed head with 400, a head \
beyond {head} KiB or {count} headers with 431 or 414; and a head that takes longer than {patience} seconds, with nothing. \
There may be a limit to the rate of each client: every answer then says in `RateLimit` where the client stands, and a \
429 in `Retry-After` how long to wait. A 503 with the code `overloaded` says that there is too much to do at all."
    )
}
