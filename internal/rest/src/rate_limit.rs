//! How many requests a client may send in a time. Off unless a rate is configured.
//!
//! The headers are those of draft-ietf-httpapi-ratelimit-headers-11, structured fields (RFC 9651). The algorithm is
//! governor's, GCRA: a client that was quiet may send a burst, then one request whenever the rate frees one.

mod client_key;
mod rate;

use std::hash::{BuildHasher, Hasher, RandomState};
use std::num::NonZeroU32;
use std::time::Duration;

use axum::extract::Request;
use axum::http::{HeaderMap, HeaderName, HeaderValue};
use governor::clock::{Clock, DefaultClock};
use governor::middleware::StateInformationMiddleware;
use governor::nanos::Nanos;
use governor::state::{InMemoryState, NotKeyed, StateStore};
use governor::{Quota, RateLimiter};

pub use client_key::ClientKey;
pub use rate::Rate;

use crate::config::RestConfig;
use crate::failure::{Refusal, whole_seconds};

const RATE_LIMIT: HeaderName = HeaderName::from_static("ratelimit");
const RATE_LIMIT_POLICY: HeaderName = HeaderName::from_static("ratelimit-policy");

/// How many buckets clients are spread over, each of 8 bytes: memory stays the same however many clients come or are
/// made up. Two that fall into the same bucket share its rate.
const BUCKETS: usize = 1 << 20;

/// The limit, and what every client has used of it.
pub(crate) struct RateLimit {
    limiter: RateLimiter<usize, Buckets, DefaultClock, StateInformationMiddleware>,
    clock: DefaultClock,
    key: ClientKey,
    hashing: RandomState,
    rate: Rate,
    policy: HeaderValue,
}

/// What is left for the client after this request; the headers of its answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Standing {
    remaining: u32,
    window: u64,
}

impl RateLimit {
    /// The configured limit, if there is one.
    pub(crate) fn new(config: &RestConfig) -> Option<Self> {
        let rate = config.rate_limit?;
        let burst = config
            .rate_limit_burst
            .and_then(NonZeroU32::new)
            .unwrap_or(rate.requests());
        let quota = Quota::with_period(rate.time_of_one())?.allow_burst(burst);
        let clock = DefaultClock::default();
        Some(Self {
            limiter: RateLimiter::new(quota, Buckets::new(), clock.clone()),
            clock,
            key: config.rate_limit_key.clone(),
            hashing: RandomState::new(),
            rate,
            policy: policy(rate, burst.get()),
        })
    }

    /// Counts the request; when it is one too many, says after how long the client may send it again.
    pub(crate) fn count(&self, request: &Request) -> (Standing, Result<(), Refusal>) {
        let mut hasher = self.hashing.build_hasher();
        self.key.hash(request, &mut hasher);
        // Truncated on a machine of 32 bits, which has enough of them.
        let bucket = hasher.finish() as usize % BUCKETS;
        match self.limiter.check_key(&bucket) {
            Ok(snapshot) => {
                let remaining = snapshot.remaining_burst_capacity();
                // A client that spreads the rest over this time keeps exactly to the rate.
                let window = whole_seconds(self.rate.time_of_one() * remaining);
                (Standing { remaining, window }, Ok(()))
            }
            Err(early) => {
                let retry_after = early.wait_time_from(self.clock.now());
                let window = whole_seconds(retry_after);
                let refusal = Refusal::RateLimited { retry_after };
                (Standing { remaining: 0, window }, Err(refusal))
            }
        }
    }

    /// Says in an answer where its client stands.
    pub(crate) fn tell(&self, standing: Standing, answer: &mut HeaderMap) {
        let Standing { remaining, window } = standing;
        answer.insert(
            RATE_LIMIT,
            value(&format!("\"default\";r={remaining};t={window}")),
        );
        answer.insert(RATE_LIMIT_POLICY, self.policy.clone());
    }
}

/// The burst and the time in which it is free again; of a short one, what is free in a second, because a window is in
/// whole seconds.
fn policy(rate: Rate, burst: u32) -> HeaderValue {
    let time_of_one = rate.time_of_one();
    let in_a_second = Duration::from_secs(1).div_duration_f64(time_of_one) as u32;
    let quota = burst.max(in_a_second);
    let window = whole_seconds(time_of_one * quota);
    value(&format!("\"default\";q={quota};w={window}"))
}

/// Digits and printable characters, which is always a header value.
fn value(text: &str) -> HeaderValue {
    HeaderValue::from_str(text).unwrap_or(HeaderValue::from_static(""))
}

/// A state for every bucket, none of which ever waits for another.
struct Buckets(Box<[InMemoryState]>);

impl Buckets {
    fn new() -> Self {
        Self((0..BUCKETS).map(|_| InMemoryState::default()).collect())
    }
}

impl StateStore for Buckets {
    type Key = usize;

    fn measure_and_replace<T, F, E>(&self, bucket: &usize, decide: F) -> Result<T, E>
    where
        F: Fn(Option<Nanos>) -> Result<(T, Nanos), E>,
    {
        self.0[*bucket].measure_and_replace(&NotKeyed::NonKey, decide)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::peer::Peer;
    use crate::testing::{Answer, TestApi, post, request};

    fn limited(rate: &str, burst: Option<u32>) -> TestApi {
        TestApi::with(RestConfig {
            rate_limit: Some(rate.parse().unwrap()),
            rate_limit_burst: burst,
            ..RestConfig::default()
        })
    }

    async fn from(api: &TestApi, peer: &str, mut request: Request) -> Answer {
        request.extensions_mut().insert(Peer::at(peer.parse().unwrap()));
        api.send(request).await
    }

    #[tokio::test]
    async fn a_client_has_its_burst_and_then_its_rate() {
        let api = limited("2/h", Some(3));
        for left in ["r=2;t=3600", "r=1;t=1800", "r=0;t=1"] {
            let answer = from(&api, "10.0.0.1", request("GET", "/", &[])).await;
            assert_eq!(answer.status, 200);
            assert_eq!(answer.header("ratelimit"), format!("\"default\";{left}"));
            assert_eq!(answer.header("ratelimit-policy"), "\"default\";q=3;w=5400");
        }
        let refused = from(&api, "10.0.0.1", post("/tasks", r#"{"description": "a"}"#)).await;
        assert_eq!(refused.problem(), (429, "rate-limited"));
        let wait: u64 = refused.header("retry-after").parse().unwrap();
        assert!((1_790..=1_800).contains(&wait), "{wait}");
        assert_eq!(refused.header("ratelimit"), format!("\"default\";r=0;t={wait}"));
        assert!(api.events().is_empty());
        let other = from(&api, "10.0.0.2", request("GET", "/", &[])).await;
        assert_eq!(other.header("ratelimit"), "\"default\";r=2;t=3600");
    }

    #[test]
    fn the_policy_is_what_a_client_can_keep_to() {
        for (rate, burst, wanted) in [
            ("100/s", 100, "q=100;w=1"),
            ("20/s", 5, "q=20;w=1"),
            ("20/s", 50, "q=50;w=3"),
            ("60/m", 60, "q=60;w=60"),
            ("60/m", 1, "q=1;w=1"),
            ("1/h", 1, "q=1;w=3600"),
            ("7/s", 7, "q=7;w=1"),
            ("1000000/s", 1, "q=1000000;w=1"),
        ] {
            let policy = policy(rate.parse().unwrap(), burst);
            assert_eq!(policy, format!("\"default\";{wanted}"), "{rate} {burst}");
        }
    }

    #[tokio::test]
    async fn whatever_the_answer_is_it_counts_and_only_probes_do_not() {
        let api = limited("5/h", None);
        for (path, left) in [("/nowhere", 4), ("/tasks/17", 3), ("/docs", 2)] {
            let answer = api.raw(request("GET", path, &[])).await;
            let told = answer.headers()["ratelimit"].to_str().unwrap();
            assert!(
                told.starts_with(&format!("\"default\";r={left};")),
                "{path}: {told}"
            );
        }
        for path in ["/healthz/live", "/healthz/ready"] {
            for _ in 0..10 {
                let answer = api.send(request("GET", path, &[])).await;
                assert_eq!((answer.status.as_u16(), answer.header("ratelimit")), (200, ""));
            }
        }
    }

    #[tokio::test]
    async fn time_gives_requests_back() {
        let api = limited("1000/s", Some(1));
        assert_eq!(api.send(request("GET", "/", &[])).await.status, 200);
        let mut refused = 0_u64;
        // The clock is the real one: until a millisecond is over, however long it takes.
        while api.send(request("GET", "/", &[])).await.status != 200 {
            refused += 1;
        }
        assert!(refused < 100_000);
    }

    #[tokio::test]
    async fn nobody_is_limited_unless_a_rate_is_configured() {
        let answer = TestApi::new().send(request("GET", "/", &[])).await;
        assert_eq!(answer.header("ratelimit"), "");
    }
}
