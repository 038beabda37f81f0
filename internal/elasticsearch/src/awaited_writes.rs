//! Waiting until searches see certain writes.

use std::collections::{BTreeSet, HashMap};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use elasticsearch::http::Method;
use serde::Deserialize;
use serde_json::json;
use taskwire_domain::{Chain, ConsistencyToken, Error, TaskId};
use tokio::sync::Notify;
use tokio::time::Instant;
use uuid::Uuid;

use crate::ElasticsearchSearch;
use crate::client::{Answer, JSON, Request};
use crate::search::unavailable;

/// The least time between two refreshes that this process asks for, however many wait.
const BETWEEN_ROUNDS: Duration = Duration::from_millis(50);

/// What a caller who does not want to wait is given all the same, to learn whether there is anything to wait for.
const ONE_LOOK: Duration = Duration::from_millis(200);

/// After how long a server that forbade refreshes is asked for one again: somebody may have allowed them.
const BETWEEN_REFUSALS: Duration = Duration::from_secs(60);

/// Those who wait. They take turns: one asks for all, and tells those whose writes it saw. Nobody who does not wait costs
/// anything.
#[derive(Debug)]
pub(crate) struct AwaitedWrites {
    /// The name by which the server chooses the copy of a shard that is looked at, always the same one for the same name.
    /// Each process has its own, so that all copies get their share.
    copy: String,
    pending: Mutex<Pending>,
    /// Locked while a round is going on.
    turn: tokio::sync::Mutex<Rounds>,
    /// When refreshes were forbidden.
    forbidden: Mutex<Option<Instant>>,
}

impl Default for AwaitedWrites {
    fn default() -> Self {
        Self {
            copy: format!("taskwire-{}", Uuid::new_v4()),
            pending: Mutex::default(),
            turn: tokio::sync::Mutex::default(),
            forbidden: Mutex::default(),
        }
    }
}

/// What became of the rounds so far.
#[derive(Debug, Default)]
struct Rounds {
    /// When the last one ended, or began when it was given up half way.
    last: Option<Instant>,
    /// When one failed last.
    failed: Option<Instant>,
}

/// Nobody asks again who waited while another's question had no answer.
#[derive(Debug, thiserror::Error)]
#[error("what can be searched was looked up for several at once, without an answer")]
struct NobodyKnows;

#[derive(Debug, Default)]
struct Pending {
    waiters: HashMap<u64, Missing>,
    next: u64,
}

/// What one waits for.
#[derive(Debug)]
struct Missing {
    writes: Vec<ConsistencyToken>,
    /// Notified when nothing is missing any more.
    seen: Arc<Notify>,
}

impl AwaitedWrites {
    /// The copy that is looked at, as the parameter `preference` names it.
    pub(crate) fn copy(&self) -> &str {
        &self.copy
    }

    fn forbidden(&self) -> MutexGuard<'_, Option<Instant>> {
        self.forbidden.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn pending(&self) -> MutexGuard<'_, Pending> {
        // No code panics while it holds the lock.
        self.pending.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What everybody waits for.
    fn all(&self) -> BTreeSet<TaskId> {
        let pending = self.pending();
        let tokens = pending.waiters.values().flat_map(|missing| &missing.writes);
        tokens.map(|token| token.id).collect()
    }

    /// Takes off what can be searched.
    fn note(&self, seen: &HashMap<TaskId, i64>) {
        for missing in self.pending().waiters.values_mut() {
            let is_missing =
                |token: &ConsistencyToken| seen.get(&token.id).is_none_or(|seen| *seen < token.version.get());
            missing.writes.retain(is_missing);
            if missing.writes.is_empty() {
                missing.seen.notify_one();
            }
        }
    }
}

/// One who waits, until it is dropped.
struct Waiter<'a> {
    awaited: &'a AwaitedWrites,
    number: u64,
    seen: Arc<Notify>,
}

impl<'a> Waiter<'a> {
    fn of(awaited: &'a AwaitedWrites, writes: &[ConsistencyToken]) -> Self {
        let mut pending = awaited.pending();
        let number = pending.next;
        pending.next += 1;
        let seen = Arc::new(Notify::new());
        let missing = Missing {
            writes: writes.to_vec(),
            seen: seen.clone(),
        };
        pending.waiters.insert(number, missing);
        Self {
            awaited,
            number,
            seen,
        }
    }

    fn is_done(&self) -> bool {
        let pending = self.awaited.pending();
        let missing = pending.waiters.get(&self.number);
        missing.is_none_or(|missing| missing.writes.is_empty())
    }
}

impl Drop for Waiter<'_> {
    fn drop(&mut self) {
        self.awaited.pending().waiters.remove(&self.number);
    }
}

#[derive(Deserialize)]
struct Documents {
    #[serde(default)]
    docs: Vec<Document>,
}

#[derive(Deserialize)]
struct Document {
    #[serde(rename = "_id")]
    id: TaskId,
    /// Absent when there is no document that can be searched.
    #[serde(rename = "_version", default)]
    version: Option<i64>,
}

impl ElasticsearchSearch {
    /// Whether searches see the writes, at the latest after `limit`.
    pub(crate) async fn see_writes(
        &self,
        writes: &[ConsistencyToken],
        limit: Duration,
    ) -> Result<bool, Error> {
        let waiter = Waiter::of(&self.awaited, writes);
        // Whose writes were seen in another's turn does not wait for its own, behind all who wait in vain.
        let seen = async {
            tokio::select! {
                () = waiter.seen.notified() => Ok(true),
                seen = self.take_turns(&waiter) => seen,
            }
        };
        let waited = tokio::time::timeout(limit.max(ONE_LOOK), seen).await;
        waited.unwrap_or(Ok(false))
    }

    async fn take_turns(&self, waiter: &Waiter<'_>) -> Result<bool, Error> {
        let came = Instant::now();
        loop {
            let mut turn = self.awaited.turn.lock().await;
            if waiter.is_done() {
                return Ok(true);
            }
            if turn.failed.is_some_and(|failed| failed > came) {
                return Err(unavailable(NobodyKnows.into()));
            }
            if let Some(last) = turn.last {
                tokio::time::sleep_until(last + BETWEEN_ROUNDS).await;
            }
            // Should this one give up half way, the next does not begin at once.
            turn.last = Some(Instant::now());
            let round = self.round(waiter, &mut turn).await;
            turn.last = Some(Instant::now());
            if round.is_err() {
                turn.failed = turn.last;
            }
            round?;
        }
    }

    /// Looks for everybody, and again after a refresh unless this one has seen enough.
    async fn round(&self, waiter: &Waiter<'_>, turn: &mut Rounds) -> Result<(), Error> {
        self.look().await?;
        if waiter.is_done() || !self.may_refresh() {
            return Ok(());
        }
        // The look may have taken long, and this one may give up any moment: between two refreshes there is a pause.
        turn.last = Some(Instant::now());
        if self.refresh().await? {
            self.look().await?;
        }
        Ok(())
    }

    /// Looks up what searches see of everything that is awaited.
    async fn look(&self) -> Result<(), Error> {
        let ids: Vec<String> = self.awaited.all().iter().map(TaskId::to_string).collect();
        let parameters = [
            // As searches see them. A get in real time would tell of documents that cannot be searched yet.
            ("realtime", "false"),
            ("_source", "false"),
            ("preference", self.awaited.copy()),
            ("filter_path", "docs._id,docs._version,error,status"),
        ];
        let body = Bytes::from(json!({ "ids": ids }).to_string());
        let answer = self.tell_alias("_mget", &parameters, Some(body)).await?;
        if !answer.is_success() {
            return Err(self.fault(&answer).into());
        }
        let documents: Documents = serde_json::from_slice(&answer.body).map_err(|cause| Error::Internal {
            context: "what can be searched could not be read",
            cause: cause.into(),
        })?;
        let seen = documents.docs.into_iter();
        let seen = seen.filter_map(|document| Some((document.id, document.version?)));
        self.awaited.note(&seen.collect());
        Ok(())
    }

    fn may_refresh(&self) -> bool {
        let forbidden = *self.awaited.forbidden();
        forbidden.is_none_or(|at| at.elapsed() >= BETWEEN_REFUSALS)
    }

    /// Makes all that was written searchable, if that is allowed; otherwise the server does so by itself in a while.
    async fn refresh(&self) -> Result<bool, Error> {
        let answer = self
            .tell_alias("_refresh", &[("filter_path", "error,status")], None)
            .await?;
        let is_forbidden = answer.status == 403;
        let before = std::mem::replace(&mut *self.awaited.forbidden(), is_forbidden.then(Instant::now));
        if answer.is_success() {
            return Ok(true);
        }
        let fault = self.fault(&answer);
        if !is_forbidden {
            return Err(fault.into());
        }
        if before.is_none() {
            let error = Chain(&*fault.into_cause()).to_string();
            tracing::warn!(
                index.name = %self.alias,
                error,
                "refreshes are forbidden; searches with after wait for the regular ones"
            );
        }
        Ok(false)
    }

    async fn tell_alias(
        &self,
        verb: &str,
        parameters: &[(&str, &str)],
        body: Option<Bytes>,
    ) -> Result<Answer, Error> {
        let request = Request {
            method: Method::Post,
            path: &format!("{}/{verb}", self.alias),
            parameters,
            content_type: JSON,
            body,
            limit: self.limit,
        };
        self.attended(request).await.map_err(Error::from)
    }
}

#[cfg(test)]
mod tests {
    use futures::FutureExt;
    use taskwire_domain::Version;

    use super::*;

    fn token(n: u32, version: i64) -> ConsistencyToken {
        ConsistencyToken {
            id: format!("0199c5a0-7d9f-7cc1-a3c8-{n:012}").parse().unwrap(),
            version: Version::new(version).unwrap(),
        }
    }

    #[test]
    fn a_waiter_is_done_when_every_write_or_a_newer_one_is_seen() {
        let awaited = AwaitedWrites::default();
        let one = Waiter::of(&awaited, &[token(1, 2), token(2, 1)]);
        let other = Waiter::of(&awaited, &[token(2, 3)]);
        assert_eq!(awaited.all().len(), 2);
        awaited.note(&[(token(1, 1).id, 1), (token(2, 1).id, 2)].into());
        assert!(!one.is_done() && !other.is_done());
        awaited.note(&[(token(1, 1).id, 5)].into());
        assert!(one.is_done() && !other.is_done());
        assert!(one.seen.notified().now_or_never().is_some());
        assert!(other.seen.notified().now_or_never().is_none());
        drop(other);
        assert!(awaited.all().is_empty());
    }
}
