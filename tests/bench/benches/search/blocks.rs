//! Requests that a fixed number of callers send, each its next when it has its answer.

use std::cell::Cell;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use futures::future::try_join_all;
use taskwire_bench::http::Connection;

use crate::recorder::SearchRequest;

/// Connections that stay open.
pub(crate) struct Callers(Vec<Connection>);

/// An answer with status 200.
pub(crate) struct Answered {
    pub(crate) latency: Duration,
    pub(crate) body: Vec<u8>,
}

impl Callers {
    pub(crate) async fn connect(address: SocketAddr, count: usize) -> Result<Self> {
        let opened = (0..count).map(|_| Connection::open(address));
        Ok(Self(try_join_all(opened).await?))
    }

    /// Sends each request once; the answers, in their order.
    pub(crate) async fn send(&mut self, requests: &[&SearchRequest]) -> Result<Vec<Answered>> {
        let next = Cell::new(0);
        let callers = self.0.iter_mut().map(async |connection| {
            let mut answers = Vec::new();
            loop {
                let index = next.get();
                let Some(request) = requests.get(index) else {
                    return anyhow::Ok(answers);
                };
                next.set(index + 1);
                let sent = Instant::now();
                let answer = connection.post(&request.path, &request.body).await?;
                let latency = sent.elapsed();
                answer
                    .expect(200)
                    .with_context(|| String::from_utf8_lossy(&request.body).into_owned())?;
                let body = answer.body.to_vec();
                answers.push((index, Answered { latency, body }));
            }
        });
        let mut answers: Vec<_> = try_join_all(callers).await?.into_iter().flatten().collect();
        answers.sort_by_key(|(index, _)| *index);
        Ok(answers.into_iter().map(|(_, answered)| answered).collect())
    }
}
