//! The host that a request is for. We serve every name alike; but one who sends none, or two, may be smuggling a
//! request past a proxy that reads another one than we do, and is to be refused (RFC 9112, section 3.2).

use axum::extract::Request;
use axum::http::uri::Authority;
use axum::http::{HeaderValue, Version, header};
use taskwire_domain::{FieldError, Location, Violation};

/// Refuses a request of HTTP/1.1 that does not name its host once, and any that names what is no host. HTTP/1.0 knew no
/// hosts. An empty one is that of a target without a host.
pub(crate) fn check(request: &Request) -> Result<(), Vec<FieldError>> {
    let mut hosts = request.headers().get_all(header::HOST).iter();
    let violation = match (hosts.next(), hosts.next()) {
        (None, _) if request.version() >= Version::HTTP_11 => Violation::new("missing", "is required"),
        (Some(_), Some(_)) => Violation::new("repeated", "may stand only once"),
        (Some(host), None) if !is_host(host) => {
            Violation::new("malformed-host", "must be a host, with its port or without")
        }
        _ => return Ok(()),
    };
    Err(vec![FieldError {
        location: Location::Header("host".to_owned()),
        violation,
    }])
}

/// A comma is allowed in a name, but is what a proxy puts between two hosts that it found.
fn is_host(value: &HeaderValue) -> bool {
    let name_and_port = |byte: &u8| !matches!(byte, b'@' | b',');
    value.is_empty()
        || value.as_bytes().iter().all(name_and_port) && Authority::try_from(value.as_bytes()).is_ok()
}
