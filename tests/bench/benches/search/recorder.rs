//! What `rest-server` asks Elasticsearch for a search, word by word: a listener in the engine's place writes it down and
//! answers that nothing was found. So the benchmark sends what the service sends without knowing how it is made.

use std::net::SocketAddr;

use anyhow::{Context, Result, ensure};
use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{StatusCode, Uri, header};
use axum::response::{IntoResponse, Response};
use taskwire_bench::http::Connection;
use taskwire_e2e::RestServer;
use tokio::net::TcpListener;
use tokio::sync::mpsc;
use tokio::task::JoinSet;

use crate::system::{System, address};

const NOTHING: &str = r#"{"timed_out":false,"_shards":{"failed":0},"hits":{"total":{"value":0}}}"#;

/// A search, as `rest-server` or Elasticsearch gets it.
#[derive(Debug, Clone)]
pub(crate) struct SearchRequest {
    /// With its parameters.
    pub(crate) path: String,
    pub(crate) body: Vec<u8>,
}

/// A server of its own, before the listener.
pub(crate) struct Recorder {
    address: SocketAddr,
    asked: mpsc::UnboundedReceiver<SearchRequest>,
    _server: RestServer,
    _listening: JoinSet<()>,
}

impl Recorder {
    pub(crate) async fn start(system: &System) -> Result<Self> {
        let (sender, asked) = mpsc::unbounded_channel();
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let here = listener.local_addr()?;
        let router = Router::new().fallback(answer).with_state(sender);
        let mut listening = JoinSet::new();
        listening.spawn(async move {
            // It serves until it is dropped.
            let _ = axum::serve(listener, router).await;
        });
        let server = system.server_before(here).await;
        Ok(Self {
            address: address(server.api.base())?,
            asked,
            _server: server,
            _listening: listening,
        })
    }

    /// What Elasticsearch gets when `rest-server` gets these.
    pub(crate) async fn record(&mut self, searches: &[SearchRequest]) -> Result<Vec<SearchRequest>> {
        let mut connection = Connection::open(self.address).await?;
        let mut recorded = Vec::with_capacity(searches.len());
        // What the server asked when it was asked whether it is ready.
        while self.asked.try_recv().is_ok() {}
        for search in searches {
            connection.post(&search.path, &search.body).await?.expect(200)?;
            recorded.push(self.asked.try_recv().context("a search did not ask the engine")?);
            let more = self.asked.try_recv();
            ensure!(more.is_err(), "a search asked the engine twice: {more:?}");
        }
        Ok(recorded)
    }
}

/// Only searches are written down and answered: what else the server wants to know must wait.
async fn answer(
    State(asked): State<mpsc::UnboundedSender<SearchRequest>>,
    uri: Uri,
    body: Bytes,
) -> Response {
    if !uri.path().ends_with("/_search") {
        return StatusCode::SERVICE_UNAVAILABLE.into_response();
    }
    let request = SearchRequest {
        path: uri.to_string(),
        body: body.to_vec(),
    };
    // Nobody listens any more when the benchmark ends.
    let _ = asked.send(request);
    ([(header::CONTENT_TYPE, "application/json")], NOTHING).into_response()
}
