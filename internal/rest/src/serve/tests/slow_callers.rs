//! Callers who take their time. The clock is paused, and moves on to the next timer whenever nothing else can happen.

use tokio::time::Instant;

use super::*;

const SLACK: Duration = Duration::from_secs(2);

#[track_caller]
fn assert_took(began: Instant, wanted: Duration) {
    let took = began.elapsed();
    assert!(
        (wanted..wanted + SLACK).contains(&took),
        "{took:?} instead of {wanted:?}"
    );
}

#[tokio::test(start_paused = true)]
async fn one_who_sends_no_whole_head_is_cut_off() {
    let server = start(&TestApi::new()).await;
    for beginning in ["", "GET /healthz/live HTTP/1.1\r\nhost: x\r\nx-a: "] {
        let began = Instant::now();
        let answer = server.told(beginning.as_bytes()).await;
        assert_eq!(answer, "");
        assert_took(began, HEADER_TIME);
    }
}

#[tokio::test(start_paused = true)]
async fn one_who_sends_a_head_in_drops_is_cut_off_all_the_same() {
    let server = start(&TestApi::new()).await;
    let began = Instant::now();
    let mut stream = TcpStream::connect(server.address).await.unwrap();
    stream
        .write_all(b"GET / HTTP/1.1\r\nhost: x\r\nx-a: ")
        .await
        .unwrap();
    while stream.write_all(b"a").await.is_ok() {
        tokio::time::sleep(Duration::from_secs(1)).await;
        assert!(began.elapsed() < HEADER_TIME * 2);
    }
    assert_took(began, HEADER_TIME);
}

#[tokio::test(start_paused = true)]
async fn one_who_sends_a_body_in_drops_reads_the_408() {
    let api = TestApi::new();
    let server = start(&api).await;
    let began = Instant::now();
    let mut stream = TcpStream::connect(server.address).await.unwrap();
    let head =
        "POST /tasks HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: 1000\r\n\r\n";
    stream.write_all(head.as_bytes()).await.unwrap();
    let (mut reader, mut writer) = stream.into_split();
    let mut sending = JoinSet::new();
    sending.spawn(async move {
        while writer.write_all(b" ").await.is_ok() {
            tokio::time::sleep(Duration::from_secs(1)).await;
        }
    });
    let mut answer = Vec::new();
    // The connection may be reset once the answer is out.
    let _ = reader.read_to_end(&mut answer).await;
    let answer = String::from_utf8(answer).unwrap();
    assert_eq!(outcome(&answer), (408, "body-too-slow".to_owned()), "{answer}");
    assert!(answer.contains("\r\nconnection: close\r\n"), "{answer}");
    assert_took(began, crate::time_limit::MAX_REQUEST_TIME);
}

#[tokio::test(start_paused = true)]
async fn one_who_never_reads_does_not_keep_the_connection() {
    let mut server = start(&TestApi::new()).await;
    let mut stream = TcpStream::connect(server.address).await.unwrap();
    // Far more than the network's buffers hold.
    let question = "GET /openapi.json HTTP/1.1\r\nhost: x\r\n\r\n".repeat(500);
    stream.write_all(question.as_bytes()).await.unwrap();
    // Over when nothing else can happen: the server is stuck in an answer.
    tokio::time::sleep(Duration::from_millis(1)).await;
    let began = Instant::now();
    server.stop.send(()).unwrap();
    let ended = tokio::time::timeout(WRITE_TIME * 2, server.running.join_next()).await;
    ended.expect("the connection is still there").unwrap().unwrap();
    assert!(began.elapsed() > WRITE_TIME / 2, "the server was not stuck");
    drop(stream);
}
