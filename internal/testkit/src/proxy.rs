//! A TCP proxy that breaks connections when it is told to.

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::{AbortHandle, JoinSet};

/// Stands on a port of its own between a client and the server that a URL names. Everything passes until a method
/// says otherwise; dropping it cuts everything.
pub struct Proxy {
    url: String,
    orders: watch::Sender<Orders>,
    listening: AbortHandle,
}

#[derive(Clone, Copy, Default)]
struct Orders {
    /// Grows with each cut; a connection ends when it sees a number other than the one it began with.
    cuts: u64,
    refusing: bool,
    holding_answers: bool,
}

impl Proxy {
    /// Listens on a free port of 127.0.0.1. The URL has to name host and port.
    #[allow(
        clippy::disallowed_methods,
        reason = "testkit has no lifecycle; the task ends with the proxy"
    )]
    pub async fn in_front_of(url: &str) -> Self {
        let mut url = reqwest::Url::parse(url).expect("what the proxy stands in front of is a URL");
        let host = url.host_str().expect("the URL names a host").to_owned();
        let port = url.port_or_known_default().expect("the URL names a port");
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port is free");
        let own = listener.local_addr().expect("a bound listener has an address");
        url.set_host(Some("127.0.0.1")).expect("the URL can name a host");
        url.set_port(Some(own.port())).expect("the URL can name a port");
        let (orders, seen) = watch::channel(Orders::default());
        let listening = tokio::spawn(listen(listener, (host, port), seen)).abort_handle();
        Self {
            url: url.into(),
            orders,
            listening,
        }
    }

    /// The URL through the proxy.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Closes every connection there is. New ones are still taken.
    pub fn cut(&self) {
        self.orders.send_modify(|orders| orders.cuts += 1);
    }

    /// Takes no connection from now on; those there are stay.
    pub fn refuse(&self) {
        self.orders.send_modify(|orders| orders.refusing = true);
    }

    /// Keeps back whatever the server answers from now on; what the client sends still arrives.
    pub fn hold_answers(&self) {
        self.orders.send_modify(|orders| orders.holding_answers = true);
    }

    /// Ends [`refuse`](Self::refuse) and [`hold_answers`](Self::hold_answers); what was held is delivered.
    pub fn resume(&self) {
        self.orders
            .send_modify(|orders| (orders.refusing, orders.holding_answers) = (false, false));
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.listening.abort();
    }
}

async fn listen(listener: TcpListener, target: (String, u16), orders: watch::Receiver<Orders>) {
    // Dropped with this task, and the connections with it.
    let mut connections = JoinSet::new();
    while let Ok((client, _)) = listener.accept().await {
        if !orders.borrow().refusing {
            connections.spawn(connect(client, target.clone(), orders.clone()));
        }
    }
}

async fn connect(client: TcpStream, target: (String, u16), mut orders: watch::Receiver<Orders>) {
    let cuts = orders.borrow().cuts;
    let Ok(server) = TcpStream::connect((target.0.as_str(), target.1)).await else {
        return;
    };
    let (from_client, to_client) = client.into_split();
    let (from_server, to_server) = server.into_split();
    let answers = orders.clone();
    // Whichever ends first drops the others, and with them both sockets.
    tokio::select! {
        () = forward(from_client, to_server, None) => {}
        () = forward(from_server, to_client, Some(answers)) => {}
        _ = orders.wait_for(|orders| orders.cuts != cuts) => {}
    }
}

async fn forward(mut from: OwnedReadHalf, mut to: OwnedWriteHalf, mut hold: Option<watch::Receiver<Orders>>) {
    let mut buffer = vec![0; 16 * 1024];
    while let Ok(length @ 1..) = from.read(&mut buffer).await {
        if let Some(orders) = &mut hold
            && orders.wait_for(|orders| !orders.holding_answers).await.is_err()
        {
            return;
        }
        if to.write_all(&buffer[..length]).await.is_err() {
            return;
        }
    }
}
