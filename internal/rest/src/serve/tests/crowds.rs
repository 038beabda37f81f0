//! More connections and requests than there is room for.

use super::*;
use crate::RestConfig;
use crate::testing::TASK;

const PROBE: &[u8] = b"GET /healthz/live HTTP/1.1\r\nhost: x\r\n\r\n";

fn reading() -> String {
    format!("GET /tasks/{TASK} HTTP/1.1\r\nhost: x\r\n\r\n")
}

/// A connection that the server has accepted and keeps.
async fn settled(server: &Server) -> TcpStream {
    let mut stream = TcpStream::connect(server.address).await.unwrap();
    stream.write_all(PROBE).await.unwrap();
    let mut status = [0; 12];
    stream.read_exact(&mut status).await.unwrap();
    assert_eq!(&status, b"HTTP/1.1 200");
    stream
}

#[tokio::test]
async fn a_connection_too_many_is_told_so_and_probes_are_answered() {
    let api = TestApi::with_a_task().await;
    let server = start_for(&api, 2).await;
    let (first, _second) = (settled(&server).await, settled(&server).await);
    let answer = server.told(reading().as_bytes()).await;
    assert_eq!(outcome(&answer), (503, "overloaded".to_owned()), "{answer}");
    assert!(answer.contains("\r\nretry-after: 1\r\n"), "{answer}");
    assert!(answer.contains("\r\nconnection: close\r\n"), "{answer}");
    server.is_alive("one too many").await;
    drop(first);
    let last = reading().replace("host: x", "host: x\r\nconnection: close");
    let until_there_is_room = async { while outcome(&server.told(last.as_bytes()).await).0 != 200 {} };
    tokio::time::timeout(Duration::from_secs(10), until_there_is_room)
        .await
        .expect("room was never made again");
}

#[tokio::test]
async fn even_those_too_many_are_bounded_and_the_rest_wait() {
    let server = start_for(&TestApi::new(), 1).await;
    let mut crowd = vec![settled(&server).await];
    for _ in 0..RESERVE {
        crowd.push(settled(&server).await);
    }
    let mut late = TcpStream::connect(server.address).await.unwrap();
    late.write_all(PROBE).await.unwrap();
    let mut status = [0; 12];
    let waiting = tokio::time::timeout(Duration::from_millis(100), late.read_exact(&mut status));
    assert!(waiting.await.is_err(), "one more was accepted");
    drop(crowd);
    late.read_exact(&mut status).await.unwrap();
    assert_eq!(&status, b"HTTP/1.1 200");
}

#[tokio::test]
async fn one_who_sends_too_much_reads_that_there_is_no_room() {
    let api = TestApi::with(RestConfig {
        max_requests: 1,
        ..RestConfig::default()
    });
    let server = start(&api).await;
    api.engines_now(Behaviour::Hangs);
    let mut busy = TcpStream::connect(server.address).await.unwrap();
    busy.write_all(reading().as_bytes()).await.unwrap();
    let body = "x".repeat(10_000_000);
    let posting = format!(
        "POST /tasks HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\nconnection: close\r\ncontent-length: {}\r\n\r\n{body}",
        body.len()
    );
    let until_it_is_busy = async {
        loop {
            let answer = server.told(posting.as_bytes()).await;
            match outcome(&answer) {
                (503, code) if code == "overloaded" => break,
                (413, _) => {}
                _ => panic!("{answer}"),
            }
        }
    };
    tokio::time::timeout(Duration::from_secs(5), until_it_is_busy)
        .await
        .expect("there was room for two");
    server.is_alive("overload").await;
}
