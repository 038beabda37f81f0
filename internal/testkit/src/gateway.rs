//! An HTTP gateway that counts what passes.

use std::sync::{Arc, Mutex};
use std::time::Instant;

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::{DefaultBodyLimit, Request, State};
use axum::response::{IntoResponse, Response};
use tokio::net::TcpListener;
use tokio::task::AbortHandle;

/// Stands on a port of its own in front of the HTTP server that a URL names, passes every request on and notes it.
/// It ends with this value.
pub struct Gateway {
    url: String,
    passed: Arc<Passed>,
    serving: AbortHandle,
}

struct Passed {
    client: reqwest::Client,
    target: String,
    requests: Mutex<Vec<(Instant, String)>>,
}

impl Gateway {
    /// Listens on a free port of 127.0.0.1. The URL must have no path.
    #[allow(
        clippy::disallowed_methods,
        reason = "testkit has no lifecycle; the task ends with the gateway"
    )]
    pub async fn in_front_of(url: &str) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port is free");
        let own = listener.local_addr().expect("a bound listener has an address");
        let client = reqwest::Client::builder().no_proxy().build();
        let passed = Arc::new(Passed {
            client: client.expect("the client's settings are right"),
            target: url.trim_end_matches('/').to_owned(),
            requests: Mutex::default(),
        });
        let router = Router::new()
            .fallback(pass)
            .layer(DefaultBodyLimit::disable())
            .with_state(passed.clone());
        let serving = tokio::spawn(async move {
            let served = axum::serve(listener, router).await;
            served.expect("a bound listener is served");
        });
        Self {
            url: format!("http://{own}"),
            passed,
            serving: serving.abort_handle(),
        }
    }

    /// The URL through the gateway.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// When each request came whose path ends so, in their order.
    pub fn times(&self, ending: &str) -> Vec<Instant> {
        let requests = self.passed.requests.lock().expect("nobody panics while noting");
        let is_named = |target: &str| {
            target
                .split('?')
                .next()
                .is_some_and(|path| path.ends_with(ending))
        };
        let named = requests.iter().filter(|(_, target)| is_named(target));
        named.map(|(at, _)| *at).collect()
    }

    /// The targets, path and query, of all requests since the last call.
    pub fn take_targets(&self) -> Vec<String> {
        let mut requests = self.passed.requests.lock().expect("nobody panics while noting");
        requests.drain(..).map(|(_, target)| target).collect()
    }
}

impl Drop for Gateway {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

/// Passes one request on. What the server does not answer is answered with 502.
async fn pass(State(passed): State<Arc<Passed>>, request: Request) -> Response {
    let (head, body) = request.into_parts();
    let at = Instant::now();
    let target = head.uri.path_and_query().map_or("/", |target| target.as_str());
    passed
        .requests
        .lock()
        .expect("nobody panics while noting")
        .push((at, target.to_owned()));
    let answered = async {
        let body = axum::body::to_bytes(body, usize::MAX).await.unwrap_or_default();
        let mut headers = head.headers;
        headers.remove("host");
        // What comes back is passed on as it is, without what would say how it is packed.
        headers.remove("accept-encoding");
        let url = format!("{}{target}", passed.target);
        let request = passed
            .client
            .request(head.method, url)
            .headers(headers)
            .body(body);
        let answer = request.send().await?;
        let (status, headers) = (answer.status(), answer.headers().clone());
        Ok::<_, reqwest::Error>((status, headers, answer.bytes().await?))
    };
    match answered.await {
        Ok((status, headers, body)) => rebuilt(status, &headers, body),
        Err(_) => reqwest::StatusCode::BAD_GATEWAY.into_response(),
    }
}

fn rebuilt(status: reqwest::StatusCode, headers: &reqwest::header::HeaderMap, body: Bytes) -> Response {
    let mut response = Response::new(Body::from(body));
    *response.status_mut() = status;
    for name in ["content-type", "warning", "x-elastic-product"] {
        if let Some(value) = headers.get(name) {
            response.headers_mut().insert(name, value.clone());
        }
    }
    response
}
