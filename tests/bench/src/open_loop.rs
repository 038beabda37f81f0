//! Requests that are sent when they are due, whether or not the ones before are answered: how long a caller waits who
//! cannot know that the service is busy.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use anyhow::Result;
use tokio::sync::mpsc;
use tokio::task::JoinSet;

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
    let idle: Arc<Mutex<Vec<Connection>>> = Arc::default();
    let mut requests = JoinSet::new();
    let mut due = timetable(bodies.len(), rate);
    let mut bodies = bodies.into_iter().enumerate();
    while let Some(due) = due.recv().await
        && let Some((index, body)) = bodies.next()
    {
        let idle = Arc::clone(&idle);
        requests.spawn(async move {
            let taken = connections(&idle).pop();
            let mut connection = match taken {
                Some(connection) => connection,
                None => Connection::open(address).await?,
            };
            let answer = connection.post(path, &body).await?;
            let latency = due.elapsed();
            answer.expect(200)?;
            let body = answer.body.to_vec();
            connections(&idle).push(connection);
            anyhow::Ok((index, Answered { latency, body }))
        });
    }
    let mut answers = Vec::with_capacity(requests.len());
    while let Some(request) = requests.join_next().await {
        answers.push(request??);
    }
    answers.sort_by_key(|(index, _)| *index);
    Ok(answers.into_iter().map(|(_, answered)| answered).collect())
}

fn connections(idle: &Mutex<Vec<Connection>>) -> std::sync::MutexGuard<'_, Vec<Connection>> {
    idle.lock().unwrap_or_else(PoisonError::into_inner)
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
