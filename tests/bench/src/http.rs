//! A client of one connection that does next to nothing, because it shares the machine with what it measures.

use std::net::SocketAddr;

use anyhow::{Context, Result, bail, ensure};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

const END_OF_HEAD: &[u8] = b"\r\n\r\n";

/// A connection that is kept open between requests.
pub struct Connection {
    stream: TcpStream,
    request: Vec<u8>,
    answer: Vec<u8>,
}

/// A complete answer.
#[derive(Debug)]
pub struct Answer<'a> {
    /// Its status.
    pub status: u16,
    /// Its body.
    pub body: &'a [u8],
}

impl Connection {
    /// Connects.
    ///
    /// # Errors
    /// When nobody listens there.
    pub async fn open(address: SocketAddr) -> Result<Self> {
        let stream = TcpStream::connect(address).await;
        let stream = stream.with_context(|| format!("cannot connect to {address}"))?;
        stream.set_nodelay(true)?;
        Ok(Self {
            stream,
            request: Vec::new(),
            answer: Vec::new(),
        })
    }

    /// Gets a path.
    ///
    /// # Errors
    /// When there is no complete answer.
    pub async fn get(&mut self, path: &str) -> Result<Answer<'_>> {
        self.send("GET", path, &[]).await
    }

    /// Posts a JSON body.
    ///
    /// # Errors
    /// When there is no complete answer.
    pub async fn post(&mut self, path: &str, body: &[u8]) -> Result<Answer<'_>> {
        self.send("POST", path, body).await
    }

    async fn send(&mut self, method: &str, path: &str, body: &[u8]) -> Result<Answer<'_>> {
        let length = body.len();
        let head = format!(
            "{method} {path} HTTP/1.1\r\nhost: bench\r\ncontent-type: application/json\r\ncontent-length: {length}\r\n\r\n"
        );
        self.request.clear();
        self.request.extend_from_slice(head.as_bytes());
        self.request.extend_from_slice(body);
        self.stream.write_all(&self.request).await?;
        self.answer.clear();
        let (status, body) = loop {
            let read = self.stream.read_buf(&mut self.answer).await?;
            ensure!(
                read > 0,
                "{method} {path}: the connection ended before the answer"
            );
            if let Some(head) = Head::read(&self.answer)? {
                let end = head.length + head.body_length;
                if self.answer.len() >= end {
                    break (head.status, head.length..end);
                }
            }
        };
        Ok(Answer {
            status,
            body: &self.answer[body],
        })
    }
}

impl Answer<'_> {
    /// Refuses an answer with another status.
    ///
    /// # Errors
    /// With the status and the body.
    pub fn expect(&self, status: u16) -> Result<()> {
        ensure!(
            self.status == status,
            "answered {} instead of {status}: {}",
            self.status,
            String::from_utf8_lossy(self.body)
        );
        Ok(())
    }
}

/// What is read of an answer's head.
#[derive(Debug, PartialEq, Eq)]
struct Head {
    status: u16,
    /// With the empty line.
    length: usize,
    body_length: usize,
}

impl Head {
    /// `None` while it is not complete.
    fn read(bytes: &[u8]) -> Result<Option<Self>> {
        let Some(end) = bytes
            .windows(END_OF_HEAD.len())
            .position(|window| window == END_OF_HEAD)
        else {
            return Ok(None);
        };
        let text = std::str::from_utf8(&bytes[..end]).context("the head of an answer is no text")?;
        let mut lines = text.split("\r\n");
        let status = lines.next().and_then(|line| line.split(' ').nth(1)?.parse().ok());
        let length = lines.find_map(|line| {
            let (name, value) = line.split_once(':')?;
            let is_length = name.eq_ignore_ascii_case("content-length");
            is_length.then(|| value.trim().parse().ok())?
        });
        let (Some(status), Some(body_length)) = (status, length) else {
            bail!("an answer without a status or a length:\n{text}");
        };
        Ok(Some(Self {
            status,
            length: end + END_OF_HEAD.len(),
            body_length,
        }))
    }
}

#[cfg(test)]
mod tests {
    use super::Head;

    #[test]
    fn a_head_is_read_when_it_is_complete() {
        let answer = b"HTTP/1.1 201 Created\r\nEtag: \"1\"\r\nContent-Length: 12\r\n\r\n{\"task\"";
        assert_eq!(Head::read(&answer[..54]).unwrap(), None);
        let head = Head {
            status: 201,
            length: 55,
            body_length: 12,
        };
        assert_eq!(Head::read(answer).unwrap(), Some(head));
    }

    #[test]
    fn an_answer_whose_end_cannot_be_told_is_refused() {
        assert!(Head::read(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n").is_err());
    }
}
