//! An answer in a form that can be kept under an idempotency key and given again, byte for byte.

use axum::http::{HeaderName, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use serde::{Deserialize, Serialize};
use serde_json::value::{RawValue, to_raw_value};
use taskwire_domain::Error;
use taskwire_service::Answered;

use crate::failure::Failure;

const IDEMPOTENCY_REPLAYED: HeaderName = HeaderName::from_static("idempotency-replayed");

/// A status, the headers that belong to the write, and a JSON body. What belongs to one request alone, its id
/// above all, is not in it.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct KeptAnswer {
    status: u16,
    headers: Vec<(String, String)>,
    body: Box<RawValue>,
}

impl KeptAnswer {
    /// An answer with this body.
    pub(crate) fn new(status: StatusCode, body: &impl Serialize) -> Self {
        Self {
            status: status.as_u16(),
            headers: Vec::new(),
            // Tasks and problems, strings and numbers under string keys: writing them as JSON cannot fail.
            body: to_raw_value(body).unwrap_or_else(|_| RawValue::NULL.to_owned()),
        }
    }

    /// It has this header too.
    pub(crate) fn with(mut self, name: &HeaderName, value: String) -> Self {
        self.headers.push((name.as_str().to_owned(), value));
        self
    }

    /// What is kept.
    pub(crate) fn to_bytes(&self) -> Bytes {
        // As above; and what could not be read again would be a fault of ours that `read` reports.
        serde_json::to_vec(self).unwrap_or_default().into()
    }

    fn read(bytes: &[u8]) -> Result<Self, Error> {
        serde_json::from_slice(bytes).map_err(|cause| Error::Internal {
            context: "a kept answer could not be read",
            cause: cause.into(),
        })
    }
}

impl IntoResponse for KeptAnswer {
    fn into_response(self) -> Response {
        let status = StatusCode::from_u16(self.status).unwrap_or(StatusCode::OK);
        let json = [(header::CONTENT_TYPE, "application/json")];
        let body: Box<str> = self.body.into();
        let mut response = (status, json, String::from(body)).into_response();
        for (name, value) in &self.headers {
            // Written by us from ids, versions and paths, which are header values.
            if let (Ok(name), Ok(value)) = (HeaderName::try_from(name), HeaderValue::try_from(value)) {
                response.headers_mut().insert(name, value);
            }
        }
        response
    }
}

/// The answer of a request under a key: made now, or the one of the request that came first.
pub(crate) fn respond<T>(
    answered: Answered<T>,
    answer: impl FnOnce(&T) -> KeptAnswer,
) -> Result<Response, Failure> {
    match answered {
        Answered::First(value) => Ok(answer(&value).into_response()),
        Answered::Replayed(bytes) => {
            let mut response = KeptAnswer::read(&bytes)?.into_response();
            let replayed = HeaderValue::from_static("true");
            response.headers_mut().insert(IDEMPOTENCY_REPLAYED, replayed);
            Ok(response)
        }
    }
}

#[cfg(test)]
mod tests {
    use http_body_util::BodyExt;
    use serde_json::json;

    use super::*;

    async fn whole(response: Response) -> (u16, Vec<(String, String)>, Bytes) {
        let (parts, body) = response.into_parts();
        let headers = parts.headers.iter();
        let headers = headers.map(|(name, value)| (name.to_string(), value.to_str().unwrap().to_owned()));
        let mut headers: Vec<_> = headers.collect();
        headers.sort();
        (
            parts.status.as_u16(),
            headers,
            body.collect().await.unwrap().to_bytes(),
        )
    }

    #[tokio::test]
    async fn what_is_given_again_differs_by_one_header() {
        let make = || {
            KeptAnswer::new(StatusCode::CREATED, &json!({"task": {"description": "ж \" 1.0"}}))
                .with(&header::ETAG, "\"1\"".to_owned())
        };
        let kept = make().to_bytes();
        let first = whole(respond(Answered::First(()), |()| make()).unwrap()).await;
        let mut again = whole(respond::<()>(Answered::Replayed(kept), |()| make()).unwrap()).await;
        assert_eq!(first.0, 201);
        assert_eq!(first.2, r#"{"task":{"description":"ж \" 1.0"}}"#);
        let mark = ("idempotency-replayed".to_owned(), "true".to_owned());
        let at = again.1.iter().position(|header| *header == mark).unwrap();
        again.1.remove(at);
        assert_eq!(again, first);
    }

    #[test]
    fn what_cannot_be_read_again_is_a_fault_of_ours() {
        let answer = respond::<()>(Answered::Replayed(Bytes::from_static(b"{")), |()| unreachable!());
        assert!(matches!(answer, Err(Failure::Domain(Error::Internal { .. }))));
    }
}
