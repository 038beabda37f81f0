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
    known: Mutex<Known>,
    /// Held by the one who asks.
    turn: tokio::sync::Mutex<()>,
    away: Gauge<u64>,
}

#[derive(Debug, Default)]
struct Known {
    found: Option<Found>,
    unanswered: Option<Unanswered>,
}

/// Requests of which none was answered, nor anything since the first of them, though their callers may have given up: a
/// server is no less silent towards many who wait for a short time than towards one who waits for long.
#[derive(Debug, Clone, Copy)]
struct Unanswered {
    since: Instant,
    /// When somebody last waited for an answer.
    awaited_until: Instant,
}

/// Somebody waits for an answer.
struct Waiting<'a> {
    absence: &'a Absence,
    unanswered_since: Instant,
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        if let Some(unanswered) = &mut self.absence.known().unanswered {
            unanswered.awaited_until = Instant::now();
        }
    }
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
            known: Mutex::default(),
            turn: tokio::sync::Mutex::default(),
            away,
        }
    }

    /// Sends a request and waits for the answer for as long as the server gives signs of life.
    pub(crate) async fn send(&self, client: &Client, request: Request<'_>) -> Result<Answer, BoxError> {
        if !self.may_be_asked(client).await {
            return Err(Silent.into());
        }
        let waiting = self.wait();
        let answer = tokio::select! {
            answer = client.send(request) => answer?,
            () = self.silence(client, waiting.unanswered_since) => return Err(Silent.into()),
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
        match self.found() {
            Some(Found { lives: false, at }) if at.elapsed() < self.patience => return false,
            _ => {}
        }
        self.ask(client, self.patience).await
    }

    /// From now on one more waits. Where nobody did for a while, the silence begins now.
    fn wait(&self) -> Waiting<'_> {
        let now = Instant::now();
        let mut known = self.known();
        let before = known.unanswered;
        let goes_on = before.filter(|before| now - before.awaited_until < self.patience);
        let since = goes_on.map_or(now, |before| before.since);
        known.unanswered = Some(Unanswered {
            since,
            awaited_until: now,
        });
        Waiting {
            absence: self,
            unanswered_since: since,
        }
    }

    /// Returns when the server has been silent for a while, to everybody, and gives no sign of life.
    async fn silence(&self, client: &Client, unanswered_since: Instant) {
        let mut heard = unanswered_since;
        loop {
            tokio::time::sleep_until(heard + self.patience).await;
            match self.heard_since(heard) {
                Some(at) => heard = at,
                None if self.lives(client, heard).await => heard = Instant::now(),
                None => return,
            }
        }
    }

    /// When the server answered anything last, if it did since then.
    fn heard_since(&self, then: Instant) -> Option<Instant> {
        let found = self.found()?;
        (found.lives && found.at > then).then_some(found.at)
    }

    /// Whether it gives a sign of life. Of several who want to know, one asks. Who asked before may have given up half way:
    /// the server has the rest of the time, but not too little for one that lives.
    async fn lives(&self, client: &Client, silent_since: Instant) -> bool {
        let wanted = Instant::now();
        let _turn = self.turn.lock().await;
        let meanwhile = self.found().filter(|found| found.at >= wanted);
        match meanwhile {
            Some(found) => found.lives,
            None => {
                let rest = (2 * self.patience).saturating_sub(silent_since.elapsed());
                let limit = rest.clamp(self.patience / 4, self.patience);
                self.ask(client, limit).await
            }
        }
    }

    /// Any answer will do: a server may have forbidden us to ask this, or not know the path. It has to come on a new
    /// connection, as what is left of older ones may lead nowhere.
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
        let mut known = self.known();
        if lives {
            known.unanswered = None;
        }
        let before = known.found.replace(found);
        drop(known);
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

    fn found(&self) -> Option<Found> {
        self.known().found
    }

    fn known(&self) -> MutexGuard<'_, Known> {
        // No code panics while it holds the lock.
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
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
