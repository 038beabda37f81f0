//! Whether the server answers at all. Without this, one that has gone silent would keep every search waiting for as long as
//! a search may take.
//!
//! A search that waits for an answer is no sign that the server is gone: it may be an expensive one. So after a while the
//! server is asked for a sign of life, which costs it nothing, and only when it does not give one either is it away. From
//! then on searches are refused at once, but for one now and then that asks again. When nobody searches, nothing is asked.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use elasticsearch::http::Method;
use opentelemetry::metrics::Gauge;
use taskwire_domain::BoxError;
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep_until};

use crate::client::{Answer, Client, JSON, NoAnswer, Request};
use crate::presence::{Change, Presence};
use crate::search::DEPENDENCY;

/// The shortest time for which a server has to be silent before it is asked for a sign of life.
const LEAST_PATIENCE: Duration = Duration::from_millis(200);

/// Finds out whether the server is away, and refuses searches while it is.
#[derive(Debug)]
pub(crate) struct Absence {
    /// How long the server may be silent before it is asked for a sign of life, how long it may take to give one, and
    /// how long it is left in peace when it did not.
    patience: Duration,
    known: Arc<Known>,
    /// Asks for a sign of life: for everybody, so it goes on when the one who began it gives up.
    asking: Mutex<JoinSet<()>>,
}

#[derive(Debug)]
struct Known {
    state: Mutex<State>,
    away: Gauge<u64>,
}

#[derive(Debug)]
struct State {
    presence: Presence,
    /// Tells whether the server lives, when a sign of life was given or not; `None` while none is asked for.
    asked: Option<watch::Receiver<Option<bool>>>,
}

/// The server is known to be away.
#[derive(Debug, thiserror::Error)]
#[error("Elasticsearch is silent: it was asked for a sign of life and gave none")]
struct Silent;

/// Somebody waits for an answer.
struct Waiting<'a> {
    known: &'a Known,
    /// Since when nothing was heard.
    since: Instant,
}

impl Absence {
    /// `limit` is how long a search may take.
    pub(crate) fn new(limit: Duration) -> Self {
        let meter = opentelemetry::global::meter("taskwire-elasticsearch");
        let away = meter
            .u64_gauge("taskwire.search.engine_silent")
            .with_description("1 while searches are refused because Elasticsearch gives no sign of life")
            .build();
        away.record(0, &[]);
        let patience = (limit / 5).max(LEAST_PATIENCE);
        let state = State {
            presence: Presence::new(patience),
            asked: None,
        };
        Self {
            patience,
            known: Arc::new(Known {
                state: Mutex::new(state),
                away,
            }),
            asking: Mutex::default(),
        }
    }

    /// Sends a request and waits for the answer for as long as the server gives signs of life.
    pub(crate) async fn send(&self, client: &Client, request: Request<'_>) -> Result<Answer, BoxError> {
        if !self.may_be_asked(client).await {
            return Err(Silent.into());
        }
        let waiting = self.known.wait();
        let answer = tokio::select! {
            answer = client.send(request) => answer,
            () = self.silence(client, waiting.since) => return Err(Silent.into()),
        };
        // What it heard is of use to those who still wait.
        drop(waiting);
        if is_heard(&answer) {
            self.known.hear();
        }
        Ok(answer?)
    }

    /// Whether a request may be sent: always, unless the server is away. Then the first who comes after a while asks for
    /// a sign of life, and waits for it; everybody else does not.
    async fn may_be_asked(&self, client: &Client) -> bool {
        {
            let state = self.known.state();
            match state.presence.silent() {
                None => return true,
                Some(at) if at.elapsed() < self.patience || state.asked.is_some() => return false,
                Some(_) => {}
            }
        }
        self.lives(client).await
    }

    /// Returns when the server has been silent for a while, to everybody, and gives no sign of life.
    async fn silence(&self, client: &Client, since: Instant) {
        let mut heard = since;
        loop {
            sleep_until(heard + self.patience).await;
            let meanwhile = self.known.state().presence.heard_since(heard);
            match meanwhile {
                Some(at) => heard = at,
                None if self.lives(client).await => heard = Instant::now(),
                None => return,
            }
        }
    }

    /// Whether it gives a sign of life. Of several who want to know, one asks.
    async fn lives(&self, client: &Client) -> bool {
        let mut told = self.ask(client);
        let lives = told.wait_for(Option::is_some).await;
        // Nobody tells when the program ends.
        lives.is_ok_and(|lives| *lives == Some(true))
    }

    fn ask(&self, client: &Client) -> watch::Receiver<Option<bool>> {
        let mut state = self.known.state();
        if let Some(asked) = &state.asked {
            return asked.clone();
        }
        let (tell, told) = watch::channel(None);
        state.asked = Some(told.clone());
        drop(state);
        let (known, client, limit) = (Arc::clone(&self.known), client.clone(), self.patience);
        let ask = async move {
            let lives = known.ask(&client, limit).await;
            // Whoever wanted to know may have given up.
            let _ = tell.send(Some(lives));
        };
        let mut asking = self.asking.lock().unwrap_or_else(PoisonError::into_inner);
        while asking.try_join_next().is_some() {}
        asking.spawn(ask);
        told
    }
}

/// Whether the server is there, whatever came of the request. That a connection is refused or broken is told at once every
/// time: it is no silence.
fn is_heard(answer: &Result<Answer, NoAnswer>) -> bool {
    !matches!(answer, Err(NoAnswer::Timeout { .. }))
}

impl Known {
    fn wait(&self) -> Waiting<'_> {
        let since = self.state().presence.begin_to_wait(Instant::now());
        Waiting { known: self, since }
    }

    /// Any answer will do: a server may have forbidden us to ask this, or not know the path. It has to come on a new
    /// connection, as what is left of older ones may lead nowhere. What others hear meanwhile, on connections that they
    /// have, counts as well: making a new one can fail for reasons of its own.
    async fn ask(&self, client: &Client, limit: Duration) -> bool {
        let request = Request {
            method: Method::Head,
            path: "",
            parameters: &[],
            content_type: JSON,
            body: None,
            limit,
        };
        let asked = Instant::now();
        let is_heard = is_heard(&client.send_afresh(request).await);
        let mut state = self.state();
        state.asked = None;
        let change = match is_heard {
            true => state.presence.hear(Instant::now()),
            false => state.presence.note_no_sign(asked, Instant::now()),
        };
        self.tell(change);
        state.presence.silent().is_none()
    }

    fn hear(&self) {
        let mut state = self.state();
        let change = state.presence.hear(Instant::now());
        self.tell(change);
    }

    /// While the state is held, so that what is told last is how it is.
    fn tell(&self, change: Option<Change>) {
        match change {
            None => {}
            Some(Change::Back) => {
                self.away.record(0, &[]);
                tracing::info!(dependency = DEPENDENCY, "elasticsearch is silent no longer");
            }
            Some(Change::Gone) => {
                self.away.record(1, &[]);
                tracing::warn!(
                    dependency = DEPENDENCY,
                    "elasticsearch is silent; searches are refused until it answers"
                );
            }
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // No code panics while it holds the lock.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.known.state().presence.cease_to_wait(Instant::now());
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;
    use crate::SearchSettings;

    #[derive(Debug, Parser)]
    struct Program {
        #[command(flatten)]
        search: SearchSettings,
    }

    fn told_after(limit: Duration) -> Duration {
        let patience = Absence::new(limit).patience;
        // Silence, and the time for a sign of life.
        patience + patience
    }

    #[test]
    fn by_default_an_absence_is_told_in_under_a_second() {
        let Program { search } = Program::parse_from(["x"]);
        let told = told_after(search.search_limit());
        assert!(told < Duration::from_secs(1), "{told:?}");
    }

    #[test]
    fn an_absence_is_told_before_a_long_limit_and_not_after_a_hiccup() {
        assert_eq!(told_after(Duration::from_secs(8)), Duration::from_millis(3_200));
        assert_eq!(told_after(Duration::from_millis(10)), Duration::from_millis(400));
    }
}
