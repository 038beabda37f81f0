//! Ctrl-C: requests that are under way are answered, and then it is over, whoever is still connected.

#![allow(
    clippy::expect_used,
    clippy::unwrap_used,
    reason = "everything here runs inside a test"
)]

use std::time::{Duration, Instant};

use taskwire_e2e::{Standalone, until};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// A second is promised; a machine that is busy with a hundred other tests gets more.
const BOUND: Duration = Duration::from_secs(6);

const BODY: &[u8] = br#"{"description": "under way"}"#;

async fn connect(service: &Standalone) -> TcpStream {
    let address = service.api.base().strip_prefix("http://").unwrap();
    TcpStream::connect(address).await.unwrap()
}

/// A connection that was used and is kept open.
async fn kept_alive(service: &Standalone) -> TcpStream {
    let mut connection = connect(service).await;
    let request = b"GET /healthz/live HTTP/1.1\r\nhost: x\r\n\r\n";
    connection.write_all(request).await.unwrap();
    let mut answer = [0; 4_096];
    let length = connection.read(&mut answer).await.unwrap();
    assert!(answer[..length].starts_with(b"HTTP/1.1 200"));
    connection
}

/// A request of whose body the first half has been sent.
async fn half_sent(service: &Standalone) -> TcpStream {
    let mut connection = connect(service).await;
    let head = format!(
        "POST /tasks HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\
         expect: 100-continue\r\n\r\n",
        BODY.len()
    );
    connection.write_all(head.as_bytes()).await.unwrap();
    // Said when the body is wanted: the request is under way.
    let mut answer = [0; 25];
    connection.read_exact(&mut answer).await.unwrap();
    assert_eq!(&answer, b"HTTP/1.1 100 Continue\r\n\r\n");
    connection.write_all(&BODY[..10]).await.unwrap();
    connection
}

#[tokio::test]
async fn a_request_under_way_is_answered_and_idle_connections_are_not_waited_for() {
    let mut service = Standalone::start().await;
    let mut idle = Vec::new();
    for _ in 0..20 {
        idle.push(kept_alive(&service).await);
        idle.push(connect(&service).await);
    }
    let mut under_way = half_sent(&service).await;
    let began = Instant::now();
    service.process.signal("INT");
    service.process.logged("stopping").await;
    let refused = || async { connect_fails(&service).await.then_some(()) };
    until("nobody is let in any more", BOUND, refused).await;
    under_way.write_all(&BODY[10..]).await.unwrap();
    let mut answer = String::new();
    under_way.read_to_string(&mut answer).await.unwrap();
    assert!(answer.starts_with("HTTP/1.1 201 Created\r\n"), "{answer}");
    assert_eq!(service.process.ended().await.code(), Some(0));
    let took = began.elapsed();
    println!("ended after {took:?}");
    assert!(took < BOUND, "{took:?}");

    // What was answered last is there, and found.
    service.restart().await;
    let found = || async { (service.searchable().await?.len() == 1).then_some(()) };
    until("the last task is searchable", BOUND, found).await;
}

#[tokio::test]
async fn a_caller_who_dawdles_is_not_waited_for() {
    let mut service = Standalone::start().await;
    let _dawdler = half_sent(&service).await;
    let began = Instant::now();
    service.process.signal("INT");
    assert_eq!(service.process.ended().await.code(), Some(0));
    let took = began.elapsed();
    println!("ended after {took:?}");
    assert!(took < BOUND, "{took:?}");
}

async fn connect_fails(service: &Standalone) -> bool {
    let address = service.api.base().strip_prefix("http://").unwrap();
    TcpStream::connect(address).await.is_err()
}
