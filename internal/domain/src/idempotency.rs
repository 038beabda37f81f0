//! Requests that may be sent again without being done again.

use bytes::Bytes;

use crate::Timestamp;

/// The SHA-256 of a request's raw body: whether two requests under one key are the same.
pub type Fingerprint = [u8; 32];

/// For how many days of 24 hours the answer under a key is kept. A key that is older may be claimed anew.
pub const KEY_DAYS: i64 = 1;

/// A caller's key for one request. It is stored in the transaction of the write that it stands for: either both
/// are durable or neither is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyClaim {
    /// What the key is unique within: method and path, such as `POST /tasks`.
    pub scope: &'static str,
    /// The caller's key, 1 to 255 printable characters.
    pub key: String,
    /// Of the request that brings the key.
    pub fingerprint: Fingerprint,
    /// When it is claimed.
    pub claimed_at: Timestamp,
}

impl KeyClaim {
    /// A key claimed before this time is no longer kept and gives way to this claim.
    pub fn expires_before(&self) -> Timestamp {
        self.claimed_at.plus_days(-KEY_DAYS)
    }

    /// What the claim leaves once its write is done.
    pub fn answered(self, answer: Bytes) -> AnsweredClaim {
        AnsweredClaim { claim: self, answer }
    }
}

/// A claim with the answer to keep under it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AnsweredClaim {
    /// The claim.
    pub claim: KeyClaim,
    /// The answer, in the transport's own form.
    pub answer: Bytes,
}

/// What was kept under a key by the request that came first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RememberedAnswer {
    /// Of the request that came first.
    pub fingerprint: Fingerprint,
    /// Its answer, in the transport's own form.
    pub answer: Bytes,
}

/// Whether a write under a key was the first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Once<T> {
    /// It was, and this came of it.
    First(T),
    /// The key is taken; nothing was applied.
    Taken(RememberedAnswer),
}
