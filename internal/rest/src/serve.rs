//! Connections: accepted, limited, and on shutdown led to their end.

use std::io;
use std::time::Duration;

use axum::Router;
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::GracefulShutdown;
use hyper_util::service::TowerToHyperService;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;

/// How long a connection may take to send a request's headers; an idle one is closed after it too.
const HEADER_TIME: Duration = Duration::from_secs(30);

/// How many headers a request may have; more are answered 431 before the router sees them.
pub(crate) const MAX_HEADERS: usize = 100;

/// How much of a request's head is buffered; more is answered 431. Well above what the router refuses itself, with
/// a problem document.
pub(crate) const MAX_HEAD_BYTES: usize = 64 * 1024;

/// The pause after a failed accept, which mostly means that the process has no file descriptors left.
const ACCEPT_PAUSE: Duration = Duration::from_millis(500);

/// Serves the router on the listener until `shutdown` completes; then accepts no more, lets every request in
/// progress finish, and returns. How long that may take is the caller's to say: dropping the future closes all
/// connections.
pub async fn serve(listener: TcpListener, router: Router, shutdown: impl Future<Output = ()>) {
    let draining = GracefulShutdown::new();
    let mut connections = JoinSet::new();
    let mut shutdown = std::pin::pin!(shutdown);
    loop {
        tokio::select! {
            () = &mut shutdown => break,
            accepted = listener.accept() => match accepted {
                Ok((stream, _)) => {
                    connections.spawn(connection(stream, router.clone(), &draining));
                }
                Err(error) => pause_after(&error).await,
            },
            Some(_) = connections.join_next() => {}
        }
    }
    drop(listener);
    draining.shutdown().await;
    while connections.join_next().await.is_some() {}
}

fn connection(
    stream: TcpStream,
    router: Router,
    draining: &GracefulShutdown,
) -> impl Future<Output = ()> + Send + 'static {
    // Without it a small answer could wait for the acknowledgement of the one before.
    if let Err(error) = stream.set_nodelay(true) {
        tracing::debug!(error = %error, "TCP_NODELAY could not be set");
    }
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEADER_TIME)
        .max_headers(MAX_HEADERS)
        .max_buf_size(MAX_HEAD_BYTES)
        .serve_connection(TokioIo::new(stream), TowerToHyperService::new(router));
    let connection = draining.watch(connection);
    async move {
        if let Err(error) = connection.await {
            // Callers hang up and send rubbish; neither is our fault, nor worth more than this.
            tracing::debug!(error = %error, "connection ended early");
        }
    }
}

async fn pause_after(error: &io::Error) {
    let caller_left = matches!(
        error.kind(),
        io::ErrorKind::ConnectionAborted | io::ErrorKind::ConnectionReset | io::ErrorKind::ConnectionRefused
    );
    if !caller_left {
        tracing::warn!(error = %error, "connections cannot be accepted for the moment");
        tokio::time::sleep(ACCEPT_PAUSE).await;
    }
}

#[cfg(test)]
mod tests;
