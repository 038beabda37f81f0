//! A server that says what the test wants, for faults that a real one cannot be made to show.

use std::future::Future;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;

/// One request.
pub(crate) struct Asked {
    pub(crate) head: String,
    pub(crate) body: String,
    /// The number of its connection, from 0 in the order in which they were made.
    pub(crate) connection: usize,
}

impl Asked {
    /// The ids of a bulk request, in its order.
    pub(crate) fn ids(&self) -> Vec<String> {
        let actions = self.body.lines().step_by(2);
        let id = |line| {
            let action: serde_json::Value = serde_json::from_str(line).unwrap();
            action["index"]["_id"].as_str().unwrap().to_owned()
        };
        actions.map(id).collect()
    }

    /// Every operation of a bulk request is done.
    pub(crate) fn all_done(&self) -> Said {
        self.each(|_| r#""status":201"#.to_owned())
    }

    /// Each operation of a bulk request is answered with the fields that `item` gives for its id.
    pub(crate) fn each(&self, item: impl Fn(&str) -> String) -> Said {
        let items = self.ids();
        let items = items
            .iter()
            .map(|id| format!(r#"{{"index":{{"_id":"{id}",{}}}}}"#, item(id)));
        said(200, &bulk_answer(items))
    }
}

pub(crate) fn bulk_answer(items: impl Iterator<Item = String>) -> String {
    format!(r#"{{"items":[{}]}}"#, items.collect::<Vec<_>>().join(","))
}

/// What is answered.
#[derive(Clone)]
pub(crate) struct Said {
    status: u16,
    body: String,
    /// The connection is closed after so many bytes of the body.
    cut: Option<usize>,
}

impl Said {
    /// As far as this byte of the body, then the connection is closed.
    pub(crate) fn cut_at(self, byte: usize) -> Self {
        Self {
            cut: Some(byte),
            ..self
        }
    }

    /// As if it ended there.
    pub(crate) fn shortened_to(mut self, bytes: usize) -> Self {
        self.body.truncate(bytes);
        self
    }
}

pub(crate) fn said(status: u16, body: &str) -> Said {
    Said {
        status,
        body: body.to_owned(),
        cut: None,
    }
}

/// Answers every request with what a function makes of it. It ends with this value.
pub(crate) struct FakeServer {
    pub(crate) url: String,
    ended: Arc<AtomicUsize>,
    _connections: JoinSet<()>,
}

impl FakeServer {
    pub(crate) async fn start(answer: impl Fn(&Asked) -> Said + Clone + Send + Sync + 'static) -> Self {
        Self::start_slow(move |asked| {
            let answer = answer.clone();
            async move { answer(&asked) }
        })
        .await
    }

    /// Here an answer may take its time.
    pub(crate) async fn start_slow<F>(answer: impl Fn(Asked) -> F + Clone + Send + Sync + 'static) -> Self
    where
        F: Future<Output = Said> + Send + 'static,
    {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let ended = Arc::new(AtomicUsize::new(0));
        let mut connections = JoinSet::new();
        let count = ended.clone();
        connections.spawn(async move {
            let mut open = JoinSet::new();
            for number in 0.. {
                let (socket, _) = listener.accept().await.unwrap();
                let (answer, count) = (answer.clone(), count.clone());
                open.spawn(async move {
                    serve(socket, number, answer).await;
                    count.fetch_add(1, Ordering::SeqCst);
                });
            }
        });
        Self {
            url,
            ended,
            _connections: connections,
        }
    }

    /// How many connections were ended after what was asked on them was answered.
    pub(crate) fn ended(&self) -> usize {
        self.ended.load(Ordering::SeqCst)
    }
}

async fn serve<F: Future<Output = Said>>(
    mut socket: TcpStream,
    connection: usize,
    answer: impl Fn(Asked) -> F,
) {
    let mut received = Vec::new();
    while let Ok(1..) = socket.read_buf(&mut received).await {
        let Some(asked) = complete(&received, connection) else {
            continue;
        };
        received.clear();
        let Said { status, body, cut } = answer(asked).await;
        let head = format!(
            "HTTP/1.1 {status} Said\r\ncontent-type: text/plain\r\ncontent-length: {}\r\n\r\n",
            body.len()
        );
        let sent = &body.as_bytes()[..cut.unwrap_or(body.len())];
        let written = socket.write_all(&[head.as_bytes(), sent].concat()).await;
        if written.is_err() || cut.is_some() {
            return;
        }
    }
}

fn complete(received: &[u8], connection: usize) -> Option<Asked> {
    let end = received.windows(4).position(|bytes| bytes == b"\r\n\r\n")?;
    let head = String::from_utf8_lossy(&received[..end]).into_owned();
    let length = head
        .to_ascii_lowercase()
        .lines()
        .find_map(|line| line.strip_prefix("content-length: ").map(str::to_owned));
    let body = &received[end + 4..];
    let is_complete = body.len() >= length.map_or(0, |length| length.parse().unwrap());
    is_complete.then(|| Asked {
        head,
        body: String::from_utf8_lossy(body).into_owned(),
        connection,
    })
}
