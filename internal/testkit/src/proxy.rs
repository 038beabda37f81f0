//! A TCP proxy that breaks connections when it is told to.

use std::sync::{Arc, OnceLock};

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
    meter: Arc<watch::Sender<Meter>>,
    listening: AbortHandle,
}

/// Which way bytes go.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Way {
    /// From the client to the server.
    ToServer,
    /// From the server to the client.
    ToClient,
}

/// Counts what passes on the connections of one application, and when to cut one of them.
#[derive(Default)]
struct Meter {
    /// As PostgreSQL's clients name themselves when they connect.
    application: &'static str,
    to_server: u64,
    to_client: u64,
    cut: Option<(Way, u64)>,
    /// Connections that were cut and that the server has not let go yet.
    cut_off: usize,
}

impl Meter {
    /// How many of these bytes pass, and whether the connection is cut behind them.
    fn pass(&mut self, way: Way, length: usize) -> (usize, bool) {
        let passed = match way {
            Way::ToServer => &mut self.to_server,
            Way::ToClient => &mut self.to_client,
        };
        if let Some((at, limit)) = self.cut
            && at == way
            && limit - *passed < length as u64
        {
            let allowed = limit - *passed;
            *passed = limit;
            self.cut = None;
            self.cut_off += 1;
            return (allowed as usize, true);
        }
        *passed += length as u64;
        (length, false)
    }
}

#[derive(Clone, Copy, Default)]
struct Orders {
    /// Grows with each cut; a connection ends when it sees a number other than the one it began with.
    cuts: u64,
    refusing: bool,
    holding_answers: bool,
    holding_everything: bool,
}

impl Orders {
    fn hold(&self, way: Way) -> bool {
        self.holding_everything || (self.holding_answers && way == Way::ToClient)
    }
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
        let meter = Arc::new(watch::channel(Meter::default()).0);
        let listening = tokio::spawn(listen(listener, (host, port), seen, meter.clone())).abort_handle();
        Self {
            url: url.into(),
            orders,
            meter,
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

    /// Counts from now on what passes on the connections of this application, as PostgreSQL's clients name themselves,
    /// and cuts the one on which more than so many bytes would pass that way, behind the last that may: once.
    pub fn cut_after(&self, application: &'static str, way: Way, bytes: u64) {
        self.meter.send_modify(|meter| {
            (meter.application, meter.cut) = (application, Some((way, bytes)));
            (meter.to_server, meter.to_client) = (0, 0);
        });
    }

    /// How many bytes have passed this way since [`cut_after`](Self::cut_after) was called.
    pub fn passed(&self, way: Way) -> u64 {
        let meter = self.meter.borrow();
        match way {
            Way::ToServer => meter.to_server,
            Way::ToClient => meter.to_client,
        }
    }

    /// Ends [`cut_after`](Self::cut_after); whether it did cut a connection. Returns when the server has let go of that
    /// connection, and so does no more of what was asked on it.
    pub async fn was_cut(&self) -> bool {
        let mut meter = self.meter.subscribe();
        let let_go = meter.wait_for(|meter| meter.cut_off == 0).await;
        drop(let_go.expect("the sender lives as long as the proxy"));
        let mut was_cut = false;
        self.meter
            .send_modify(|meter| was_cut = meter.cut.take().is_none());
        was_cut
    }

    /// Takes no connection from now on; those there are stay.
    pub fn refuse(&self) {
        self.orders.send_modify(|orders| orders.refusing = true);
    }

    /// Keeps back whatever the server answers from now on; what the client sends still arrives.
    pub fn hold_answers(&self) {
        self.orders.send_modify(|orders| orders.holding_answers = true);
    }

    /// The line goes dead: from now on nothing arrives at the other end, either way, not even that one of them hung up.
    pub fn hold_everything(&self) {
        self.orders.send_modify(|orders| orders.holding_everything = true);
    }

    /// Ends [`refuse`](Self::refuse), [`hold_answers`](Self::hold_answers) and
    /// [`hold_everything`](Self::hold_everything); what was held is delivered.
    pub fn resume(&self) {
        self.orders.send_modify(|orders| {
            *orders = Orders {
                cuts: orders.cuts,
                ..Orders::default()
            };
        });
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.listening.abort();
    }
}

async fn listen(
    listener: TcpListener,
    target: (String, u16),
    orders: watch::Receiver<Orders>,
    meter: Arc<watch::Sender<Meter>>,
) {
    // Dropped with this task, and the connections with it.
    let mut connections = JoinSet::new();
    while let Ok((client, _)) = listener.accept().await {
        if !orders.borrow().refusing {
            connections.spawn(connect(client, target.clone(), orders.clone(), meter.clone()));
        }
    }
}

async fn connect(
    client: TcpStream,
    target: (String, u16),
    mut orders: watch::Receiver<Orders>,
    meter: Arc<watch::Sender<Meter>>,
) {
    let cuts = orders.borrow().cuts;
    let Ok(server) = TcpStream::connect((target.0.as_str(), target.1)).await else {
        return;
    };
    let (mut from_client, mut to_client) = client.into_split();
    let (mut from_server, mut to_server) = server.into_split();
    let connection = Connection {
        application: OnceLock::new(),
        meter,
    };
    let (questions, answers) = (orders.clone(), orders.clone());
    // Whichever ends first drops the others, and with them both sockets.
    let is_cut = tokio::select! {
        is_cut = connection.forward(Way::ToServer, &mut from_client, &mut to_server, questions) => is_cut,
        is_cut = connection.forward(Way::ToClient, &mut from_server, &mut to_client, answers) => is_cut,
        _ = orders.wait_for(|orders| orders.cuts != cuts) => false,
    };
    if is_cut {
        drop((from_client, to_client));
        // What follows is the server's own end of it, however it comes.
        let _ = to_server.shutdown().await;
        while let Ok(1..) = from_server.read(&mut [0; 1024]).await {}
        connection.meter.send_modify(|meter| meter.cut_off -= 1);
    }
}

struct Connection {
    /// Known once the client has said it.
    application: OnceLock<String>,
    meter: Arc<watch::Sender<Meter>>,
}

impl Connection {
    /// Passes on what comes, until one side ends or the meter says so; whether it did.
    async fn forward(
        &self,
        way: Way,
        from: &mut OwnedReadHalf,
        to: &mut OwnedWriteHalf,
        mut orders: watch::Receiver<Orders>,
    ) -> bool {
        let mut buffer = vec![0; 16 * 1024];
        while let Ok(length @ 1..) = from.read(&mut buffer).await {
            if orders.wait_for(|orders| !orders.hold(way)).await.is_err() {
                return false;
            }
            if way == Way::ToServer && self.application.get().is_none() {
                self.learn_application(&buffer[..length]);
            }
            let (length, is_cut) = self.pass(way, length);
            if to.write_all(&buffer[..length]).await.is_err() {
                return is_cut;
            }
            if is_cut {
                return true;
            }
        }
        // A dead line does not tell that somebody hung up. When the proxy is gone, it ends as well.
        drop(orders.wait_for(|orders| !orders.holding_everything).await);
        false
    }

    /// From the first message of a PostgreSQL client, which sends it in one piece
    /// (<https://www.postgresql.org/docs/current/protocol-message-formats.html>, StartupMessage).
    fn learn_application(&self, sent: &[u8]) {
        let sent = String::from_utf8_lossy(sent);
        if let Some((_, after)) = sent.split_once("application_name\0") {
            let name = after.split('\0').next().unwrap_or_default();
            self.application.get_or_init(|| name.to_owned());
        }
    }

    fn pass(&self, way: Way, length: usize) -> (usize, bool) {
        let mut result = (length, false);
        self.meter.send_if_modified(|meter| {
            if self
                .application
                .get()
                .is_some_and(|name| *name == meter.application)
            {
                result = meter.pass(way, length);
            }
            result.1
        });
        result
    }
}
