//! A fixed number of callers of whom each sends its next request when it has its answer: how much there is to be had.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use anyhow::Result;
use tokio::task::JoinSet;

use crate::http::Connection;
use crate::latencies::Latencies;

/// What came of it.
#[derive(Debug)]
pub struct Load {
    /// How many requests were answered as they should be, which is all of them.
    pub answered: usize,
    /// From the first request to the last answer.
    pub took: Duration,
    /// From a request to its answer.
    pub latencies: Latencies,
}

impl Load {
    /// Answers in a second.
    pub fn rate(&self) -> f64 {
        self.answered as f64 / self.took.as_secs_f64()
    }
}

/// Posts each body once.
///
/// # Errors
/// When one request has another answer than this status, or none.
pub async fn post_all(
    address: SocketAddr,
    path: &'static str,
    bodies: &Arc<[Vec<u8>]>,
    connections: usize,
    status: u16,
) -> Result<Load> {
    let mut opened = Vec::with_capacity(connections);
    for _ in 0..connections {
        opened.push(Connection::open(address).await?);
    }
    let next = Arc::new(AtomicUsize::new(0));
    let mut callers = JoinSet::new();
    let began = Instant::now();
    for mut connection in opened {
        let (next, bodies) = (Arc::clone(&next), Arc::clone(bodies));
        callers.spawn(async move {
            let mut latencies = Vec::new();
            while let Some(body) = bodies.get(next.fetch_add(1, Ordering::Relaxed)) {
                let sent = Instant::now();
                connection.post(path, body).await?.expect(status)?;
                latencies.push(sent.elapsed());
            }
            anyhow::Ok(latencies)
        });
    }
    let mut latencies = Latencies::default();
    while let Some(caller) = callers.join_next().await {
        latencies.extend(caller??);
    }
    Ok(Load {
        answered: bodies.len(),
        took: began.elapsed(),
        latencies,
    })
}
