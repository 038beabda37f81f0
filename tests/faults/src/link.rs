//! A way from one program to one engine, which can be broken.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, PoisonError};

use anyhow::Context;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::{AbortHandle, JoinSet};

/// How a link is broken. What is held is delivered once the link is whole again, as TCP does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Break {
    /// What the engine answers is held; what it is asked still arrives.
    Mute,
    /// Nothing passes either way, on new connections neither.
    Silent,
    /// Every connection is closed, and so is each new one.
    Refusing,
}

/// A TCP proxy on 127.0.0.1 between a program and an engine.
pub(crate) struct Link {
    address: String,
    orders: watch::Sender<Orders>,
    own_ports: Arc<Mutex<BTreeSet<u16>>>,
    listening: AbortHandle,
}

#[derive(Debug, Clone, Default)]
struct Orders {
    breaks: BTreeMap<u64, Break>,
    next: u64,
    /// Grows with each refusal; a connection ends when it sees a number other than the one it began with.
    resets: u64,
}

impl Orders {
    /// The worst of what is imposed.
    fn state(&self) -> Option<Break> {
        self.breaks.values().max().copied()
    }
}

/// A break that somebody imposed; it ends when this is dropped.
pub(crate) struct Imposed {
    number: u64,
    orders: watch::Sender<Orders>,
}

impl Drop for Imposed {
    fn drop(&mut self) {
        self.orders.send_modify(|orders| {
            orders.breaks.remove(&self.number);
        });
    }
}

impl Link {
    /// Listens on this port of 127.0.0.1, or a free one with 0, and connects to `target` (`host:port`).
    #[allow(clippy::disallowed_methods, reason = "the task ends with the link")]
    pub(crate) async fn open(port: u16, target: String) -> anyhow::Result<Self> {
        let listener = TcpListener::bind(("127.0.0.1", port))
            .await
            .with_context(|| format!("the link to {target} cannot listen on port {port}"))?;
        let address = listener.local_addr()?.to_string();
        let (orders, seen) = watch::channel(Orders::default());
        let own_ports = Arc::default();
        let listening = tokio::spawn(listen(listener, target, seen, Arc::clone(&own_ports))).abort_handle();
        Ok(Self {
            address,
            orders,
            own_ports,
            listening,
        })
    }

    /// `127.0.0.1:port`, for the program.
    pub(crate) fn address(&self) -> &str {
        &self.address
    }

    /// Whether a connection that the engine sees coming from this port is one of this link's.
    pub(crate) fn goes_out_by(&self, port: u16) -> bool {
        self.own_ports
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .contains(&port)
    }

    /// Breaks it, until what is returned is dropped, and whatever else was imposed.
    #[must_use]
    pub(crate) fn impose(&self, how: Break) -> Imposed {
        let mut number = 0;
        self.orders.send_modify(|orders| {
            number = orders.next;
            orders.next += 1;
            orders.breaks.insert(number, how);
            if how == Break::Refusing {
                orders.resets += 1;
            }
        });
        Imposed {
            number,
            orders: self.orders.clone(),
        }
    }
}

impl Drop for Link {
    fn drop(&mut self) {
        self.listening.abort();
    }
}

async fn listen(
    listener: TcpListener,
    target: String,
    orders: watch::Receiver<Orders>,
    own_ports: Arc<Mutex<BTreeSet<u16>>>,
) {
    // Dropped with this task, and the connections with it.
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            accepted = listener.accept() => {
                let Ok((client, _)) = accepted else { continue };
                if orders.borrow().state() != Some(Break::Refusing) {
                    connections.spawn(connect(client, target.clone(), orders.clone(), own_ports.clone()));
                }
            }
            Some(_) = connections.join_next() => {}
        }
    }
}

async fn connect(
    client: TcpStream,
    target: String,
    mut orders: watch::Receiver<Orders>,
    own_ports: Arc<Mutex<BTreeSet<u16>>>,
) {
    let resets = orders.borrow().resets;
    let Ok(server) = TcpStream::connect(&target).await else {
        return;
    };
    let port = server
        .local_addr()
        .map(|address| address.port())
        .unwrap_or_default();
    // Small requests must not wait for one another.
    let _ = (client.set_nodelay(true), server.set_nodelay(true));
    lock(&own_ports).insert(port);
    let (from_client, to_client) = client.into_split();
    let (from_server, to_server) = server.into_split();
    let (asking, answering) = (orders.clone(), orders.clone());
    // Whichever ends first drops the others, and with them both sockets.
    tokio::select! {
        () = forward(from_client, to_server, asking, Break::Silent) => {}
        () = forward(from_server, to_client, answering, Break::Mute) => {}
        _ = orders.wait_for(|orders| orders.resets != resets) => {}
    }
    lock(&own_ports).remove(&port);
}

fn lock(ports: &Mutex<BTreeSet<u16>>) -> std::sync::MutexGuard<'_, BTreeSet<u16>> {
    ports.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Passes on what comes until one side ends; holds it while the link is broken this much or worse.
async fn forward(
    mut from: OwnedReadHalf,
    mut to: OwnedWriteHalf,
    mut orders: watch::Receiver<Orders>,
    held_at: Break,
) {
    let mut buffer = vec![0; 16 * 1024];
    while let Ok(length @ 1..) = from.read(&mut buffer).await {
        let passes = |orders: &Orders| orders.state().is_none_or(|state| state < held_at);
        if orders.wait_for(passes).await.is_err() || to.write_all(&buffer[..length]).await.is_err() {
            return;
        }
    }
    // Its end is news too, and is held like any other.
    let _ = orders
        .wait_for(|orders| orders.state().is_none_or(|state| state < held_at))
        .await;
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::net::{TcpListener, TcpStream};
    use tokio::time::timeout;

    use super::{Break, Link};

    /// A link to a server that says everything again.
    async fn echo() -> (Link, tokio::task::JoinSet<()>) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let target = listener.local_addr().unwrap().to_string();
        let mut server = tokio::task::JoinSet::new();
        server.spawn(async move {
            let mut connections = tokio::task::JoinSet::new();
            while let Ok((mut stream, _)) = listener.accept().await {
                connections.spawn(async move {
                    let (mut from, mut to) = stream.split();
                    let _ = tokio::io::copy(&mut from, &mut to).await;
                });
            }
        });
        (Link::open(0, target).await.unwrap(), server)
    }

    async fn say(stream: &mut TcpStream, word: &[u8; 2]) -> bool {
        stream.write_all(word).await.is_ok() && hears(stream, word).await
    }

    async fn hears(stream: &mut TcpStream, word: &[u8; 2]) -> bool {
        let mut answer = [0; 2];
        let read = timeout(Duration::from_millis(200), stream.read_exact(&mut answer)).await;
        matches!(read, Ok(Ok(_))) && answer == *word
    }

    #[tokio::test]
    async fn what_a_broken_link_holds_is_delivered_when_the_last_break_ends() {
        let (link, _server) = echo().await;
        let mut client = TcpStream::connect(link.address()).await.unwrap();
        assert!(say(&mut client, b"ab").await);
        let (one, two) = (link.impose(Break::Silent), link.impose(Break::Mute));
        assert!(!say(&mut client, b"cd").await);
        drop(one);
        assert!(!hears(&mut client, b"cd").await, "still mute");
        drop(two);
        assert!(hears(&mut client, b"cd").await);
    }

    #[tokio::test]
    async fn a_refusing_link_ends_what_there_is_and_takes_nothing_new() {
        let (link, _server) = echo().await;
        let mut client = TcpStream::connect(link.address()).await.unwrap();
        assert!(say(&mut client, b"ab").await);
        let imposed = link.impose(Break::Refusing);
        assert!(!say(&mut client, b"cd").await);
        let mut refused = TcpStream::connect(link.address()).await.unwrap();
        assert!(!say(&mut refused, b"ef").await);
        drop(imposed);
        let mut client = TcpStream::connect(link.address()).await.unwrap();
        assert!(say(&mut client, b"gh").await);
    }
}
