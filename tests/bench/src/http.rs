//! A client of one connection that does next to nothing, because it shares the machine with what it measures.

use std::net::SocketAddr;
use std::ops::Range;

use anyhow::{Context, Result, bail, ensure};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

const END_OF_HEAD: &[u8] = b"\r\n\r\n";

/// A connection that is kept open between requests.
pub struct Connection {
    stream: TcpStream,
    request: Vec<u8>,
    answer: Vec<u8>,
    /// A body that came in chunks, put together.
    joined: Vec<u8>,
}

/// A complete answer.
#[derive(Debug)]
pub struct Answer<'a> {
    /// Its status.
    pub status: u16,
    /// Its body.
    pub body: &'a [u8],
    head: &'a [u8],
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
            joined: Vec::new(),
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
        let head = loop {
            let read = self.stream.read_buf(&mut self.answer).await?;
            ensure!(
                read > 0,
                "{method} {path}: the connection ended before the answer"
            );
            if let Some(head) = Head::read(&self.answer)?
                && self.is_complete(&head)?
            {
                break head;
            }
        };
        Ok(Answer {
            status: head.status,
            body: match head.body {
                Extent::Bytes(length) => &self.answer[head.length..head.length + length],
                Extent::Chunks => &self.joined,
            },
            head: &self.answer[..head.length],
        })
    }

    /// Whether all of the answer is there; a body in chunks is put together then.
    fn is_complete(&mut self, head: &Head) -> Result<bool> {
        let body = &self.answer[head.length..];
        if let Extent::Bytes(length) = head.body {
            return Ok(body.len() >= length);
        }
        let Some(chunks) = chunks(body)? else {
            return Ok(false);
        };
        self.joined.clear();
        for chunk in chunks {
            self.joined.extend_from_slice(&body[chunk]);
        }
        Ok(true)
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

    /// The value of a header, by its name in lower case.
    pub fn header(&self, name: &str) -> Option<&str> {
        let mut lines = std::str::from_utf8(self.head).ok()?.split("\r\n");
        lines.find_map(|line| {
            let (its_name, value) = line.split_once(':')?;
            its_name.eq_ignore_ascii_case(name).then(|| value.trim())
        })
    }
}

/// What is read of an answer's head.
#[derive(Debug, PartialEq, Eq)]
struct Head {
    status: u16,
    /// With the empty line.
    length: usize,
    body: Extent,
}

/// How the end of a body is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Extent {
    Bytes(usize),
    Chunks,
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
        let body = lines.find_map(|line| {
            let (name, value) = line.split_once(':')?;
            if name.eq_ignore_ascii_case("content-length") {
                return value.trim().parse().ok().map(Extent::Bytes);
            }
            let is_chunked = name.eq_ignore_ascii_case("transfer-encoding")
                && value.trim().eq_ignore_ascii_case("chunked");
            is_chunked.then_some(Extent::Chunks)
        });
        let (Some(status), Some(body)) = (status, body) else {
            bail!("an answer without a status or a length:\n{text}");
        };
        Ok(Some(Self {
            status,
            length: end + END_OF_HEAD.len(),
            body,
        }))
    }
}

/// Where the chunks of a body are; `None` while it is not complete
/// (<https://www.rfc-editor.org/rfc/rfc9112#section-7.1>).
fn chunks(body: &[u8]) -> Result<Option<Vec<Range<usize>>>> {
    let mut chunks = Vec::new();
    let mut at = 0;
    loop {
        let Some(line) = body[at..].windows(2).position(|window| window == b"\r\n") else {
            return Ok(None);
        };
        let size = std::str::from_utf8(&body[at..at + line]).context("the size of a chunk is no text")?;
        let size = size.split(';').next().unwrap_or_default().trim();
        let size =
            usize::from_str_radix(size, 16).with_context(|| format!("{size:?} is no size of a chunk"))?;
        let begin = at + line + 2;
        if body.len() < begin + size + 2 {
            return Ok(None);
        }
        if size == 0 {
            return Ok(Some(chunks));
        }
        chunks.push(begin..begin + size);
        at = begin + size + 2;
    }
}

#[cfg(test)]
mod tests {
    use super::{Extent, Head, chunks};

    #[test]
    fn a_head_is_read_when_it_is_complete() {
        let answer = b"HTTP/1.1 201 Created\r\nEtag: \"1\"\r\nContent-Length: 12\r\n\r\n{\"task\"";
        assert_eq!(Head::read(&answer[..54]).unwrap(), None);
        let head = Head {
            status: 201,
            length: 55,
            body: Extent::Bytes(12),
        };
        assert_eq!(Head::read(answer).unwrap(), Some(head));
    }

    #[test]
    fn an_answer_whose_end_cannot_be_told_is_refused() {
        assert!(Head::read(b"HTTP/1.1 200 OK\r\nconnection: close\r\n\r\n").is_err());
    }

    #[test]
    fn a_body_in_chunks_is_complete_with_its_last_one() {
        let head = Head::read(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n").unwrap();
        assert_eq!(head.unwrap().body, Extent::Chunks);
        let body = b"3\r\nabc\r\nA\r\n0123456789\r\n0\r\n\r\n";
        for end in 0..body.len() {
            assert_eq!(chunks(&body[..end]).unwrap(), None, "{end}");
        }
        assert_eq!(chunks(body).unwrap(), Some(vec![3..6, 11..21]));
    }
}
