//! The whole OpenAPI document.

use std::sync::LazyLock;

use utoipa::openapi::info::{ContactBuilder, InfoBuilder, LicenseBuilder};
use utoipa::openapi::path::Paths;
use utoipa::openapi::tag::TagBuilder;
use utoipa::openapi::{Components, Info, OpenApi, OpenApiBuilder, SecurityRequirement, Server};

use super::endpoint::problem_answers;
use super::routes::Documented;
use super::{Component, Header, Parameter, Tag};
use crate::body_limit::MAX_BODY_BYTES;
use crate::header_limit::MAX_HEADER_BYTES;
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
    let (body, headers) = (MAX_BODY_BYTES / 1024, MAX_HEADER_BYTES / 1024);
    let (head, count) = (serve::MAX_HEAD_BYTES / 1024, serve::MAX_HEADERS);
    format!(
        "\
A task service whose search is right.

**Times** are RFC 3339, kept and answered in UTC with milliseconds; finer input is truncated. **Ids** are UUIDs, \
version 7.

**Bodies** are JSON. A name that stands twice in an object is refused, and so is a field that is not in the schema. \
Answers hold every field; later releases may add some, so ignore those you do not know.

**Problems** are `application/problem+json` (RFC 9457). Branch on `code`, which never changes its meaning. A 400 names \
every wrong value at once. A 503 was certainly not applied and may be sent again. A 504 with the code \
`outcome-unknown` may have been applied or not: read before sending it again.

**Everywhere.** HEAD is answered wherever GET is. A method that a path does not have is answered 405 with `Allow`, an \
unknown path 404, both as problems. A request may take {time} seconds, its body {body} KiB, its headers {headers} KiB; \
a head beyond {head} KiB or {count} headers is answered 431 without a document, because nobody read it."
    )
}
