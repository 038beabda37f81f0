//! Whether the server answers at all. Without this, one that has gone silent would keep every search waiting for as long as
//! a search may take.
//!
//! A search that waits for an answer is no sign that the server is gone: it may be a dear one. So after a while the server is
//! asked for a sign of life, which costs it nothing, and only when it does not give one either is it away. From then on
//! searches are refused at once, but for one now and then that asks again. When nobody searches, nothing is asked.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use elasticsearch::http::Method;
use opentelemetry::metrics::Gauge;
use taskwire_domain::BoxError;
use tokio::time::Instant;

use crate::client::{Answer, Client, JSON, Request};
use crate::search::DEPENDENCY;

/// What is known of the server's presence. An answer, whatever it says, is presence; that a connection is refused is told
/// at once anyway, and needs no memory.
#[derive(Debug)]
pub(crate) struct Absence {
    /// How long the server may be silent before it is asked for a sign of life, how long it may take to give one, and
    /// how long it is left in peace when it did not.
    patience: Duration,
    found: Mutex<Option<Found>>,
    /// Held by the one who asks.
    turn: tokio::sync::Mutex<()>,
    away: Gauge<u64>,
}

/// What came of asking.
#[derive(Debug, Clone, Copy)]
struct Found {
    at: Instant,
    lives: bool,
}

/// The server is known to be away.
#[derive(Debug, thiserror::Error)]
#[error("Elasticsearch is silent: it was asked for a sign of life and gave none")]
struct Silent;

impl Absence {
    /// `limit` is how long a search may take.
    pub(crate) fn new(limit: Duration) -> Self {
        let meter = opentelemetry::global::meter("taskwire-elasticsearch");
        let away = meter
            .u64_gauge("taskwire.search.engine_silent")
            .with_description("1 while searches are refused because Elasticsearch gives no sign of life")
            .build();
        away.record(0, &[]);
        Self {
            patience: (limit / 5).clamp(Duration::from_millis(200), Duration::from_secs(2)),
            found: Mutex::default(),
            turn: tokio::sync::Mutex::default(),
            away,
        }
    }

    /// Sends a request and waits for the answer for as long as the server gives signs of life.
    pub(crate) async fn send(&self, client: &Client, request: Request<'_>) -> Result<Answer, BoxError> {
        if !self.may_be_asked(client).await {
            return Err(Silent.into());
        }
        let answer = tokio::select! {
            answer = client.send(request) => answer?,
            () = self.silence(client) => return Err(Silent.into()),
        };
        self.note(true);
        Ok(answer)
    }

    /// Whether a request may be sent: always, unless the server is away. Then the first who comes after a while asks for
    /// a sign of life, and waits for it; everybody else does not.
    async fn may_be_asked(&self, client: &Client) -> bool {
        if !self.is_away() {
            return true;
        }
        let Ok(_turn) = self.turn.try_lock() else {
            return false;
        };
        match *self.found() {
            Some(Found { lives: false, at }) if at.elapsed() < self.patience => return false,
            _ => {}
        }
        self.ask(client).await
    }

    /// Returns when the server has been silent for a while, to everybody, and gives no sign of life.
    async fn silence(&self, client: &Client) {
        let mut heard = Instant::now();
        loop {
            tokio::time::sleep_until(heard + self.patience).await;
            match self.heard_since(heard) {
                Some(at) => heard = at,
                None if self.lives(client).await => heard = Instant::now(),
                None => return,
            }
        }
    }

    /// When the server answered anything last, if it did since then.
    fn heard_since(&self, then: Instant) -> Option<Instant> {
        let found = (*self.found())?;
        (found.lives && found.at > then).then_some(found.at)
    }

    /// Whether it gives a sign of life. Of several who want to know, one asks.
    async fn lives(&self, client: &Client) -> bool {
        let wanted = Instant::now();
        let _turn = self.turn.lock().await;
        let meanwhile = self.found().filter(|found| found.at >= wanted);
        match meanwhile {
            Some(found) => found.lives,
            None => self.ask(client).await,
        }
    }

    /// Any answer will do: a server may have forbidden us to ask this, or not know the path. It has to come on a new
    /// connection, as what is left of older ones may lead nowhere.
    async fn ask(&self, client: &Client) -> bool {
        let request = Request {
            method: Method::Head,
            path: "",
            parameters: &[],
            content_type: JSON,
            body: None,
            limit: self.patience,
        };
        let asked = Instant::now();
        // What others are answered meanwhile, on connections that they have, counts as well: making a new one can fail for
        // reasons of its own.
        let lives = client.send_afresh(request).await.is_ok() || self.heard_since(asked).is_some();
        self.note(lives);
        lives
    }

    fn note(&self, lives: bool) {
        let found = Found {
            at: Instant::now(),
            lives,
        };
        let before = self.found().replace(found);
        let lived = before.is_none_or(|before| before.lives);
        if lives == lived {
            return;
        }
        self.away.record(u64::from(!lives), &[]);
        if lives {
            tracing::info!(dependency = DEPENDENCY, "elasticsearch answers again");
        } else {
            tracing::warn!(
                dependency = DEPENDENCY,
                "elasticsearch is silent; searches are refused until it answers"
            );
        }
    }

    fn is_away(&self) -> bool {
        self.found().is_some_and(|found| !found.lives)
    }

    fn found(&self) -> MutexGuard<'_, Option<Found>> {
        // No code panics while it holds the lock.
        self.found.lock().unwrap_or_else(PoisonError::into_inner)
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
    fn an_absence_is_told_long_before_a_long_limit_and_not_after_a_hiccup() {
        assert_eq!(told_after(Duration::from_secs(60)), Duration::from_secs(4));
        assert_eq!(told_after(Duration::from_millis(10)), Duration::from_millis(400));
    }
}
