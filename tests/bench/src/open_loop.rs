//! Requests that are sent when they are due, whether or not the ones before are answered: how long a caller waits who
//! cannot know that the service is busy.

use std::cell::RefCell;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use anyhow::Result;
use futures::StreamExt;
use futures::stream::FuturesUnordered;
use tokio::sync::mpsc;

use crate::http::Connection;

/// A complete answer with status 200.
#[derive(Debug)]
pub struct Answered {
    /// From when the request was due, not from when it was sent.
    pub latency: Duration,
    /// Its body.
    pub body: Vec<u8>,
}

/// Posts the bodies one after the other, `rate` of them a second. The answers are in the order of the bodies.
///
/// # Errors
/// When one is not answered with 200.
pub async fn post_on_time(
    address: SocketAddr,
    path: &'static str,
    bodies: Vec<Vec<u8>>,
    rate: u32,
) -> Result<Vec<Answered>> {
    on_time(address, bodies, rate, async |connection, due, body: Vec<u8>| {
        let answer = connection.post(path, &body).await?;
        let latency = due.elapsed();
        answer.expect(200)?;
        let body = answer.body.to_vec();
        Ok(Answered { latency, body })
    })
    .await
}

/// Does one thing with each of these, `rate` of them a second, on a connection that nobody else uses meanwhile; it is told
/// when it was due. What came of them is in their order.
///
/// # Errors
/// When one fails.
pub async fn on_time<T, R>(
    address: SocketAddr,
    things: Vec<T>,
    rate: u32,
    work: impl AsyncFn(&mut Connection, Instant, T) -> Result<R>,
) -> Result<Vec<R>> {
    let idle = RefCell::new(Vec::new());
    let one = async |index: usize, due: Instant, thing: T| {
        let taken = idle.borrow_mut().pop();
        let mut connection = match taken {
            Some(connection) => connection,
            None => Connection::open(address).await?,
        };
        let done = work(&mut connection, due, thing).await?;
        idle.borrow_mut().push(connection);
        anyhow::Ok((index, done))
    };
    let mut due = timetable(things.len(), rate);
    let mut things = things.into_iter().enumerate();
    let mut working = FuturesUnordered::new();
    let mut done = Vec::with_capacity(things.len());
    loop {
        tokio::select! {
            Some(due) = due.recv() => {
                working.extend(things.next().map(|(index, thing)| one(index, due, thing)));
            }
            Some(one) = working.next() => done.push(one?),
            else => break,
        }
    }
    done.sort_by_key(|(index, _)| *index);
    Ok(done.into_iter().map(|(_, done)| done).collect())
}

/// Tells when each request is due. A thread's sleep is exact to a fraction of a millisecond, a timer of the runtime only
/// to a whole one.
fn timetable(count: usize, rate: u32) -> mpsc::UnboundedReceiver<Instant> {
    let (sender, receiver) = mpsc::unbounded_channel();
    let began = Instant::now();
    std::thread::spawn(move || {
        for index in 0..count {
            let due = began + Duration::from_secs_f64(index as f64 / f64::from(rate));
            std::thread::sleep(due.saturating_duration_since(Instant::now()));
            if sender.send(due).is_err() {
                return;
            }
        }
    });
    receiver
}
