//! The host that a request is for. We serve every name alike; but one who sends none, or two, may be smuggling a
//! request past a proxy that reads another one than we do, and is to be refused (RFC 9112, section 3.2).

use axum::extract::Request;
use axum::http::{Version, header};
use taskwire_domain::{FieldError, Location, Violation};

/// Refuses a request of HTTP/1.1 that does not name its host once. HTTP/1.0 knew no hosts.
pub(crate) fn check(request: &Request) -> Result<(), Vec<FieldError>> {
    let mut hosts = request.headers().get_all(header::HOST).iter();
    let violation = match (hosts.next(), hosts.next()) {
        (None, _) if request.version() >= Version::HTTP_11 => Violation::new("missing", "is required"),
        (Some(_), Some(_)) => Violation::new("repeated", "may stand only once"),
        _ => return Ok(()),
    };
    Err(vec![FieldError {
        location: Location::Header("host".to_owned()),
        violation,
    }])
}
