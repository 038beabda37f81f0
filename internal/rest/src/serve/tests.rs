//! What only a real connection shows.

mod crowds;
mod framing;
mod slow_callers;
mod targets;

use std::net::SocketAddr;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::sync::oneshot;

use super::*;
use crate::testing::{Behaviour, TestApi};

struct Server {
    address: SocketAddr,
    stop: oneshot::Sender<()>,
    running: JoinSet<()>,
}

async fn start(api: &TestApi) -> Server {
    start_for(api, 100).await
}

async fn start_for(api: &TestApi, max_connections: u32) -> Server {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let (stop, stopped) = oneshot::channel::<()>();
    let mut running = JoinSet::new();
    running.spawn(serve(listener, api.router.clone(), max_connections, async {
        let _ = stopped.await;
    }));
    Server {
        address,
        stop,
        running,
    }
}

impl Server {
    /// Sends these bytes on a new connection and reads until the server closes it. The bytes ask it to, or are wrong
    /// enough for it to do so unasked.
    async fn told(&self, bytes: &[u8]) -> String {
        let mut stream = TcpStream::connect(self.address).await.unwrap();
        stream.write_all(bytes).await.unwrap();
        rest(&mut stream).await
    }

    /// Asserts that the service still answers.
    async fn is_alive(&self, after: &str) {
        let answer = self
            .told(b"GET /healthz/live HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n")
            .await;
        assert!(answer.starts_with("HTTP/1.1 200 "), "after {after}: {answer}");
    }
}

/// The status of an answer, and the code of its problem document; "" for an answer without one.
fn outcome(answer: &str) -> (u16, String) {
    let status = answer.get(9..12).and_then(|status| status.parse().ok());
    let body = answer.split_once("\r\n\r\n").map_or("", |(_, body)| body);
    let document: serde_json::Value = serde_json::from_str(body).unwrap_or_default();
    let code = document["code"].as_str().unwrap_or_default().to_owned();
    (status.unwrap_or_default(), code)
}

/// Asserts that each request, sent to a service of its own kind, is answered with this status and problem, and that
/// the service then still answers.
async fn assert_outcomes(cases: &[(&str, Vec<u8>, u16, &str)]) {
    let server = start(&TestApi::with_a_task().await).await;
    let mut wrong = Vec::new();
    for (name, bytes, status, code) in cases {
        let answer = server.told(bytes).await;
        if outcome(&answer) != (*status, (*code).to_owned()) {
            wrong.push(format!("{name}: {answer}"));
        }
        server.is_alive(name).await;
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n\n"));
}

/// Reads until the server closes the connection.
async fn rest(stream: &mut TcpStream) -> String {
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).await.unwrap();
    String::from_utf8(answer).unwrap()
}

#[tokio::test]
async fn one_who_keeps_sending_ten_megabytes_reads_the_413() {
    let api = TestApi::new();
    let server = start(&api).await;
    for framing in ["content-length: 10485760", "transfer-encoding: chunked"] {
        let mut stream = TcpStream::connect(server.address).await.unwrap();
        let head = format!(
            "POST /tasks HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\nconnection: close\r\n{framing}\r\n\r\n"
        );
        stream.write_all(head.as_bytes()).await.unwrap();
        for _ in 0..160 {
            if framing.starts_with("transfer") {
                stream.write_all(b"10000\r\n").await.unwrap();
            }
            stream.write_all(&[b'x'; 0x10000]).await.unwrap();
            if framing.starts_with("transfer") {
                stream.write_all(b"\r\n").await.unwrap();
            }
        }
        if framing.starts_with("transfer") {
            stream.write_all(b"0\r\n\r\n").await.unwrap();
        }
        let answer = rest(&mut stream).await;
        assert!(answer.starts_with("HTTP/1.1 413 "), "{framing}: {answer}");
        assert!(
            answer.contains(r#""code":"body-too-large""#),
            "{framing}: {answer}"
        );
    }
    assert!(api.events().is_empty());
}

#[tokio::test]
async fn one_who_asks_before_sending_too_much_is_told_at_once() {
    let api = TestApi::new();
    let server = start(&api).await;
    let mut stream = TcpStream::connect(server.address).await.unwrap();
    let head = "POST /tasks HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\nexpect: 100-continue\r\ncontent-length: 10485760\r\n\r\n";
    stream.write_all(head.as_bytes()).await.unwrap();
    let answer = rest(&mut stream).await;
    assert!(answer.starts_with("HTTP/1.1 413 "), "{answer}");
    assert!(answer.contains("\r\nconnection: close\r\n"), "{answer}");
}

#[tokio::test]
async fn a_refusal_whose_body_was_read_leaves_the_connection_open() {
    let server = start(&TestApi::new()).await;
    let last = "GET /healthz/live HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n";
    let large = "x".repeat(200_000);
    for refused in [
        format!(
            "POST /tasks HTTP/1.1\r\nhost: x\r\ncontent-length: {}\r\n\r\n{large}",
            large.len()
        ),
        "POST /tasks HTTP/1.1\r\nhost: x\r\nhost: y\r\ncontent-length: 2\r\n\r\n{}".to_owned(),
    ] {
        let answer = server.told(format!("{refused}{last}").as_bytes()).await;
        assert_eq!(answer.matches("HTTP/1.1 ").count(), 2, "{answer}");
        assert_eq!(answer.matches("connection: close").count(), 1, "{answer}");
    }
}

#[tokio::test]
async fn headers_too_large_for_the_server_itself_are_431() {
    let server = start(&TestApi::new()).await;
    let mut stream = TcpStream::connect(server.address).await.unwrap();
    let head = format!(
        "GET /healthz/live HTTP/1.1\r\nhost: x\r\nx-large: {}",
        "x".repeat(MAX_HEAD_BYTES)
    );
    stream.write_all(head.as_bytes()).await.unwrap();
    let answer = rest(&mut stream).await;
    assert!(answer.starts_with("HTTP/1.1 431 "), "{answer}");
}

#[tokio::test]
async fn shutdown_lets_a_request_in_progress_finish_and_closes_idle_connections() {
    let api = TestApi::new();
    let mut server = start(&api).await;
    let mut idle = TcpStream::connect(server.address).await.unwrap();
    let mut busy = TcpStream::connect(server.address).await.unwrap();
    let body = r#"{"description":"a"}"#;
    let head = format!(
        "POST /tasks HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\nexpect: 100-continue\r\ncontent-length: {}\r\n\r\n",
        body.len()
    );
    busy.write_all(head.as_bytes()).await.unwrap();
    // The invitation to send the body shows that the request is in progress.
    let mut invitation = [0; 25];
    busy.read_exact(&mut invitation).await.unwrap();
    assert_eq!(&invitation, b"HTTP/1.1 100 Continue\r\n\r\n");
    server.stop.send(()).unwrap();
    assert_eq!(rest(&mut idle).await, "");
    busy.write_all(body.as_bytes()).await.unwrap();
    let answer = rest(&mut busy).await;
    assert!(answer.starts_with("HTTP/1.1 201 "), "{answer}");
    server.running.join_next().await.unwrap().unwrap();
    assert!(TcpStream::connect(server.address).await.is_err());
}

#[tokio::test]
async fn a_panic_is_an_answer_and_the_connection_lives_on() {
    let api = TestApi::with_a_task().await;
    let server = start(&api).await;
    let mut stream = TcpStream::connect(server.address).await.unwrap();
    api.engines_now(Behaviour::Panics);
    let head = format!("GET /tasks/{} HTTP/1.1\r\nhost: x\r\n\r\n", crate::testing::TASK);
    stream.write_all(head.as_bytes()).await.unwrap();
    let mut answer = [0; 12];
    stream.read_exact(&mut answer).await.unwrap();
    assert_eq!(&answer, b"HTTP/1.1 500");
    api.engines_now(Behaviour::Answers);
    let last = "GET /healthz/live HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n";
    stream.write_all(last.as_bytes()).await.unwrap();
    let answer = rest(&mut stream).await;
    assert!(answer.contains("HTTP/1.1 200 OK"), "{answer}");
    assert!(!answer.contains("secret"), "{answer}");
}
