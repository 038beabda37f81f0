//! Connections: accepted, limited, and on shutdown led to their end.

use std::io;
use std::pin::Pin;
use std::time::Duration;

use axum::Router;
use axum::extract::Request;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::GracefulShutdown;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;
use tokio_io_timeout::TimeoutWriter;
use tower::Service;

use crate::peer::Peer;

/// How long a connection may take to send a request's headers; an idle one is closed after it too.
pub(crate) const HEADER_TIME: Duration = Duration::from_secs(30);

/// The same for a connection that is one too many.
const HURRIED_HEADER_TIME: Duration = Duration::from_secs(3);

/// How long a caller may take to read anything at all of an answer that does not fit into the network's buffers. Below
/// the 20 seconds that `rest-server` has to end, so that such a caller does not make an orderly end look like a failure.
const WRITE_TIME: Duration = Duration::from_secs(15);

/// How many headers a request may have, by hyper's default; more are answered 431 before the router sees them. Setting
/// it, even to the same number, would cost every request an allocation.
pub(crate) const MAX_HEADERS: usize = 100;

/// How much of a request's head is buffered; more is answered 431. Well above what the router refuses itself, with
/// a problem document.
pub(crate) const MAX_HEAD_BYTES: usize = 64 * 1024;

/// How many connections beyond the limit are accepted to be told so, and for probes to learn that the process lives.
/// Still more wait in the system's queue.
const RESERVE: usize = 64;

/// The pause after a failed accept, which mostly means that the process has no file descriptors left.
const ACCEPT_PAUSE: Duration = Duration::from_millis(500);

/// Serves the router on the listener until `shutdown` completes; then accepts no more, lets every request in
/// progress finish, and returns. How long that may take is the caller's to say: dropping the future closes all
/// connections.
///
/// While there are `max_connections`, a few more are accepted, each for one request; [`router`](crate::router())
/// answers it 503 unless it asks for health.
pub async fn serve(
    listener: TcpListener,
    router: Router,
    max_connections: u32,
    shutdown: impl Future<Output = ()>,
) {
    let limit = max_connections as usize;
    let draining = GracefulShutdown::new();
    let mut connections = JoinSet::new();
    let mut shutdown = std::pin::pin!(shutdown);
    loop {
        tokio::select! {
            () = &mut shutdown => break,
            accepted = listener.accept(), if connections.len() < limit + RESERVE => match accepted {
                Ok((stream, address)) => {
                    while connections.try_join_next().is_some() {}
                    let peer = Peer { address: address.ip(), one_too_many: connections.len() >= limit };
                    connections.spawn(connection(stream, peer, router.clone(), &draining));
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
    peer: Peer,
    router: Router,
    draining: &GracefulShutdown,
) -> impl Future<Output = ()> + Send + 'static {
    // Without it a small answer could wait for the acknowledgement of the one before.
    if let Err(error) = stream.set_nodelay(true) {
        tracing::debug!(error = %error, "TCP_NODELAY could not be set");
    }
    let service = service_fn(move |mut request: Request<Incoming>| {
        request.extensions_mut().insert(peer);
        router.clone().call(request)
    });
    let header_time = if peer.one_too_many {
        HURRIED_HEADER_TIME
    } else {
        HEADER_TIME
    };
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(header_time)
        .max_buf_size(MAX_HEAD_BYTES)
        .serve_connection(TokioIo::new(impatient(stream)), service);
    let connection = draining.watch(connection);
    async move {
        if let Err(error) = connection.await {
            // Callers hang up and send rubbish; neither is our fault, nor worth more than this.
            tracing::debug!(error = %error, "connection ended early");
        }
    }
}

/// The stream, which gives up writing to one who does not read. Nothing else would: hyper waits for ever, and so would
/// a shutdown.
fn impatient(stream: TcpStream) -> Pin<Box<TimeoutWriter<TcpStream>>> {
    let mut stream = TimeoutWriter::new(stream);
    stream.set_timeout(Some(WRITE_TIME));
    Box::pin(stream)
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
