//! Requests that may be sent again: what a transport brings, and what it gets.

use bytes::Bytes;
use taskwire_domain::{Conflict, Error, Fingerprint, KeyClaim, Once, RememberedAnswer, Timestamp};

/// A caller's key for one request, as a transport decoded it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CallerKey {
    /// What the key is unique within: method and path, such as `POST /tasks`.
    pub scope: &'static str,
    /// 1 to 255 printable characters.
    pub key: String,
    /// The SHA-256 of the request's raw body.
    pub fingerprint: Fingerprint,
}

impl CallerKey {
    pub(crate) fn claimed_at(self, now: Timestamp) -> KeyClaim {
        KeyClaim {
            scope: self.scope,
            key: self.key,
            fingerprint: self.fingerprint,
            claimed_at: now,
        }
    }
}

/// How a request under a key ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Answered<T> {
    /// It was done now, and this came of it.
    First(T),
    /// It had been done before; this is what the transport rendered then.
    Replayed(Bytes),
}

impl<T> Answered<T> {
    /// What a repository says of a claim, judged for the one who made it.
    ///
    /// # Errors
    /// [`Conflict::KeyReused`] when another request came first.
    pub(crate) fn judge(once: Once<T>, fingerprint: Fingerprint) -> Result<Self, Error> {
        match once {
            Once::First(value) => Ok(Self::First(value)),
            Once::Taken(RememberedAnswer {
                fingerprint: first,
                answer,
            }) if first == fingerprint => Ok(Self::Replayed(answer)),
            Once::Taken(_) => Err(Error::Conflict(Conflict::KeyReused)),
        }
    }
}

/// What came of a write that claimed no key, and so cannot have been done before.
pub(crate) fn unclaimed<T>(once: Once<T>) -> Result<T, Error> {
    match once {
        Once::First(value) => Ok(value),
        Once::Taken(_) => Err(Error::Internal {
            context: "a request without a key was answered with what is kept under one",
            cause: "the repository took a key that nobody claimed".into(),
        }),
    }
}
