//! One request to the server.

use std::fmt;
use std::time::Duration;

use bytes::Bytes;
use elasticsearch::auth::Credentials;
use elasticsearch::http::Method;
use elasticsearch::http::headers::{ACCEPT_ENCODING, CONNECTION, CONTENT_TYPE, HeaderMap, HeaderValue};
use elasticsearch::http::transport::{BuildError, SingleNodeConnectionPool, Transport, TransportBuilder};

use crate::ElasticsearchSettings;
use crate::engine_error::EngineError;

/// A connection pool to one address. Cheap to clone; clones share the pool.
#[derive(Clone)]
pub struct Client {
    transport: Transport,
    /// A pool that is always empty.
    fresh: Transport,
}

impl fmt::Debug for Client {
    /// Nothing of what is inside: the transport's own would show the password.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Client")
    }
}

/// The client could not be built, which only a broken TLS set-up causes.
#[derive(Debug, thiserror::Error)]
#[error("the Elasticsearch client could not be built")]
pub struct ClientError(#[source] BuildError);

/// A request. The path has no leading slash and needs no escaping: it is made of an [`IndexName`](crate::IndexName)
/// and constants.
pub(crate) struct Request<'a> {
    pub(crate) method: Method,
    pub(crate) path: &'a str,
    pub(crate) parameters: &'a [(&'a str, &'a str)],
    pub(crate) content_type: &'static str,
    pub(crate) body: Option<Bytes>,
    /// From connecting to the end of the answer.
    pub(crate) limit: Duration,
}

pub(crate) const JSON: &str = "application/json";
pub(crate) const NDJSON: &str = "application/x-ndjson";

/// A complete answer, whatever its status.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) body: Bytes,
}

impl Answer {
    pub(crate) fn is_success(&self) -> bool {
        (200..300).contains(&self.status)
    }

    /// What the server says went wrong, if it says so in its own way.
    pub(crate) fn error(&self) -> Option<EngineError> {
        EngineError::of_body(&self.body)
    }
}

/// There is no complete answer.
#[derive(Debug, thiserror::Error)]
pub(crate) enum NoAnswer {
    #[error("Elasticsearch did not answer within {} ms", limit.as_millis())]
    Timeout {
        limit: Duration,
        #[source]
        cause: elasticsearch::Error,
    },
    #[error("Elasticsearch cannot be reached, or broke the connection")]
    Broken(#[source] elasticsearch::Error),
}

impl Client {
    /// Connects to nothing yet.
    ///
    /// Proxies of the environment are not used: like the database and the broker, the index is reached directly.
    ///
    /// # Errors
    /// [`ClientError`] if TLS cannot be set up.
    pub fn new(settings: &ElasticsearchSettings) -> Result<Self, ClientError> {
        let transport = || {
            let pool = SingleNodeConnectionPool::new(settings.url.address().clone());
            let mut builder = TransportBuilder::new(pool).disable_proxy();
            if let Some((user, password)) = settings.url.credentials() {
                builder = builder.auth(Credentials::Basic(user.clone(), password.clone()));
            }
            builder.build().map_err(ClientError)
        };
        Ok(Self {
            transport: transport()?,
            fresh: transport()?,
        })
    }

    /// Sends it once.
    pub(crate) async fn send(&self, request: Request<'_>) -> Result<Answer, NoAnswer> {
        send(&self.transport, HeaderMap::new(), request).await
    }

    /// Sends it once, on a connection of its own: those of the pool may be dead without anybody having noticed.
    pub(crate) async fn send_afresh(&self, request: Request<'_>) -> Result<Answer, NoAnswer> {
        let headers = HeaderMap::from_iter([(CONNECTION, HeaderValue::from_static("close"))]);
        send(&self.fresh, headers, request).await
    }
}

async fn send(
    transport: &Transport,
    mut headers: HeaderMap,
    request: Request<'_>,
) -> Result<Answer, NoAnswer> {
    let limit = request.limit;
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(request.content_type));
    // Compressing an answer takes the server longer than sending it, and us time to undo.
    headers.insert(ACCEPT_ENCODING, HeaderValue::from_static("identity"));
    let sent = transport.send(
        request.method,
        request.path,
        headers,
        Some(request.parameters),
        request.body,
        // The transport has no limit of its own. This one spans the body of the answer too.
        Some(limit),
    );
    let no_answer = |cause: elasticsearch::Error| match cause.is_timeout() {
        true => NoAnswer::Timeout { limit, cause },
        false => NoAnswer::Broken(cause),
    };
    let response = sent.await.map_err(no_answer)?;
    let status = response.status_code().as_u16();
    let body = response.bytes().await.map_err(no_answer)?;
    Ok(Answer { status, body })
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::net::TcpListener;

    use super::*;

    #[tokio::test]
    async fn answers_are_asked_for_as_they_are() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap())
            .parse()
            .unwrap();
        let index = "tasks".parse().unwrap();
        let client = Client::new(&ElasticsearchSettings { url, index }).unwrap();
        let request = Request {
            method: Method::Head,
            path: "",
            parameters: &[],
            content_type: JSON,
            body: None,
            limit: Duration::from_secs(60),
        };
        let server = async {
            let (mut stream, _) = listener.accept().await.unwrap();
            let mut head = Vec::new();
            while !head.ends_with(b"\r\n\r\n") {
                assert!(stream.read_buf(&mut head).await.unwrap() > 0);
            }
            let answer = b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n";
            stream.write_all(answer).await.unwrap();
            String::from_utf8(head).unwrap()
        };
        let (answer, head) = tokio::join!(client.send(request), server);
        assert_eq!(answer.unwrap().status, 200);
        let encodings: Vec<_> = head
            .lines()
            .filter(|line| line.starts_with("accept-encoding"))
            .collect();
        assert_eq!(encodings, ["accept-encoding: identity"]);
    }

    #[test]
    fn a_client_does_not_print_its_password() {
        let url = "http://me:hunter2@es:9200".parse().unwrap();
        let index = "tasks".parse().unwrap();
        let client = Client::new(&ElasticsearchSettings { url, index }).unwrap();
        assert!(!format!("{client:?}").contains("hunter2"));
    }
}
